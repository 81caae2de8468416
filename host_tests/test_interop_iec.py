"""A client nobody here wrote (PyPI `iec62056-21`) reads the meter in real time over a pseudo-terminal and TCP."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from iec62056_21.client import Iec6205621Client

from tools.bench import Bench
from tools.bench.uart_ends import TcpEnd


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(seed=1, virtual=False) as running:
        with running.hold:
            running.source.set(u=230, i=5, phi=60)
        running.run(2)
        yield running


def port_name(bench: Bench) -> str:
    return bench.uarts[0].open_ends()[0].name


def values(answer: Any) -> dict[str, str]:
    return {data_set.address: data_set.value for data_set in answer.data}


def check(client: Iec6205621Client, bench: Bench) -> None:
    client.connect()
    try:
        read = values(client.standard_readout())
        # The client itself never acknowledges; without that the meter waits for a NAK at its high rate for 1.65 s.
        client.transport.send(b"\x06")
        time.sleep(0.1)
    finally:
        client.disconnect()
    assert client.manufacturer_id == "LGZ"
    assert client.identification == "2ZMG405260b.P01"  # this client takes the backslash off
    assert client.switchover_baudrate == 9600
    assert read["0.0.0"] == bench.serial
    assert re.fullmatch(r"\d{6}\.\d\d", read["1.8.0"])
    assert set(read) >= {"F.F", "0.9.1", "0.9.2", "1.8.0", "2.8.0", "3.8.0", "4.8.0", "0.2.0"}


def test_the_client_reads_at_300_then_9600_baud_over_a_pseudo_terminal(bench: Bench) -> None:
    check(Iec6205621Client.with_serial_transport(port_name(bench)), bench)


def test_the_client_reads_twice_in_a_row(bench: Bench) -> None:
    check(Iec6205621Client.with_serial_transport(port_name(bench)), bench)


def test_the_client_reads_over_tcp_again_and_again(bench: Bench) -> None:
    tcp = bench.uarts[0].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    for _ in range(2):
        check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port), device_address=bench.serial), bench)


def test_the_client_reads_the_rs485_port_over_tcp(bench: Bench) -> None:
    tcp = bench.uarts[1].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port)), bench)


def test_a_tcp_client_that_leaves_garbage_unsent_does_not_block_the_next(bench: Bench) -> None:
    tcp = bench.uarts[0].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    with socket.create_connection(("127.0.0.1", tcp.port)) as client:
        client.sendall(b"x" * 900)  # 30 s at 300 Bd
        time.sleep(0.5)
    time.sleep(0.5)
    check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port), device_address=bench.serial), bench)
