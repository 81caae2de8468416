"""A client nobody here wrote (PyPI `iec62056-21`) reads the meter in real time over a pseudo-terminal and TCP."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import xor
from typing import Any

import pytest
from gurux_dlms.enums import DataType
from iec62056_21.client import Iec6205621Client

from host_tests.iec_foreign import ACK, NAK, REFUSED, Client, Recorder
from host_tests.live_meter import live_meter, lls, over_tcp, terminal
from tools.bench import Bench
from tools.bench.uart_ends import TcpEnd

LOG_IN_FAILED, P1, P2 = 180, 1, 2
SPEED = 3
SETTING = "C.61.64"  # the inactivity time of HDLC: of level 2, and in force without a restart
RATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}  # IEC 62056-21, mode C
QUICK_RATES = "36"  # test_iec_mode_c.py has all of them in virtual time


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(seed=1, virtual=False) as running:
        with running.hold:
            running.source.set(u=230, i=5, phi=60)
        running.run(2)
        yield running


@pytest.fixture
def fast(bench: Bench) -> Iterator[Bench]:
    """The meter's time is faster: for clients over TCP, who need not know at which rate the line is."""
    bench.real_time.speed = SPEED
    try:
        yield bench
    finally:
        bench.real_time.speed = 1


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
    client = Iec6205621Client.with_serial_transport(port_name(bench))
    client.transport.timeout = 60  # of a busy machine
    check(client, bench)


def test_the_client_reads_over_tcp_again_and_again(fast: Bench) -> None:
    tcp = fast.uarts[0].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    for _ in range(2):
        check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port), device_address=fast.serial), fast)


def test_the_client_reads_the_rs485_port_over_tcp(fast: Bench) -> None:
    tcp = fast.uarts[1].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port)), fast)


def test_a_tcp_client_that_leaves_garbage_unsent_does_not_block_the_next(fast: Bench) -> None:
    tcp = fast.uarts[0].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    with socket.create_connection(("127.0.0.1", tcp.port)) as client:
        client.sendall(b"x" * 900)  # 30 s at 300 Bd
        time.sleep(0.5)
    time.sleep(0.5)
    check(Iec6205621Client.with_tcp_transport(("127.0.0.1", tcp.port), device_address=fast.serial), fast)


# --- rates ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def active_only() -> Iterator[Bench]:
    """A meter with a short standard list, for slow lines."""
    with live_meter(type="ZMG410AR1.000b.00", parameters={"rated_quantities": ""}) as running:
        yield running


@pytest.mark.parametrize(
    "character", [c if c in QUICK_RATES else pytest.param(c, marks=pytest.mark.soak) for c in RATES]
)
def test_the_client_reads_at_every_rate_over_the_optical_port(active_only: Bench, character: str) -> None:
    """The rate is changed by the DLMS client, in the set-up of the port; the other end hears it at no other rate."""
    bench, rate = active_only, RATES[character]
    with over_tcp(bench, lls(2)) as meter:
        meter.write("0-0:20.0.0", 4, int(character), DataType.ENUM)
    transport = Recorder(terminal(bench))
    client = Iec6205621Client(transport)
    client.connect()
    try:
        read = client.standard_readout().data
        end = time.monotonic()
        client.transport.send(ACK.encode())
        time.sleep(0.2)  # for the meter to be back at 300 Bd
        assert transport.port.baudrate == rate and client.switchover_baudrate == rate
    finally:
        client.disconnect()
    identification, _, block = transport.heard.partition(b"\r\n")
    assert identification == b"/LGZ%s\\2ZMG410000b.P01" % character.encode()
    assert block[:1] == b"\x02" and block[-5:-1] == b"!\r\n\x03"
    assert reduce(xor, block[1:-1]) == block[-1]
    assert end - transport.begun >= (len(block) - 1) * 10 / rate * 0.9
    codes = ["F.F", "0.0.0", "0.9.1", "0.9.2", "0.1.0", "0.9.6", "0.9.7", "1.8.0", "2.8.0", "0.2.0", "C.7.0"]
    assert [data_set.address for data_set in read] == codes
    assert (read[0].value, read[1].value, read[9].value) == ("00000000", bench.serial, "P01")


# --- programming mode -------------------------------------------------------------------------------------------------


@contextmanager
def programming(bench: Bench, over: str) -> Iterator[Client]:
    """A client in programming mode, at the optical port's pseudo-terminal or TCP port."""
    tcp = bench.uarts[0].open_ends()[1]
    assert isinstance(tcp, TcpEnd)
    if over == "tcp":
        client = Client.with_tcp_transport(("127.0.0.1", tcp.port), device_address=bench.serial)
    else:
        client = Client.with_serial_transport(port_name(bench))
    client.connect()
    try:
        request = client.access_programming_mode()
        assert (request.command, request.command_type, request.data_set.value) == ("P", 0, "")
        yield client
        client.rest()
        client.send_break()
        time.sleep(0.2)  # for the meter to be back at 300 Bd
    finally:
        client.disconnect()


@pytest.mark.parametrize(("over", "value"), [("pty", "150"), ("tcp", "151")])
def test_the_client_logs_in_reads_and_writes(bench: Bench, over: str, value: str) -> None:
    with programming(bench, over) as client:
        assert client.log_in(P1, "00000000") == ACK
        client.rest()
        assert client.read_single_value("0.0.0").value == bench.serial
        assert client.log_in(P2, "00000000") == ACK
        client.rest()
        client.write_single_value(SETTING, value)
        client.rest()
        assert client.read_single_value(SETTING).value == value


def test_a_wrong_password_is_refused_counted_and_changes_nothing(fast: Bench) -> None:
    before = [event[2] for event in fast.events()].count(LOG_IN_FAILED)
    with programming(fast, "tcp") as client:
        client.hand_in(P2, "00000001")
        assert client.transport.read()[:-1] == REFUSED
        client.rest()
        with pytest.raises(ValueError, match="invalid response"):
            client.write_single_value(SETTING, "200")
        for _ in range(len(REFUSED)):
            client.transport.recv(1)  # of the error message all but its first character, which has been read for an ACK
        assert [event[2] for event in fast.events()].count(LOG_IN_FAILED) == before + 1
        assert client.log_in(P2, "00000000") == ACK
        client.rest()
        assert client.read_single_value(SETTING).value != "200"


def test_a_wrong_block_check_is_answered_with_nak_and_the_client_goes_on(bench: Bench) -> None:
    with programming(bench, "pty") as client:
        assert client.log_in(P1, "00000000") == ACK
        for _ in range(2):
            assert client.read_spoilt("1.8.0") == NAK
            client.rest()
            read = client.read_single_value("1.8.0")
            assert re.fullmatch(r"\d{6}\.\d\d", read.value) and read.unit == "kWh"
