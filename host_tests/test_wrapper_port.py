"""The wrapper as shipped, on real sockets: MicroPython on the virtual board in real time, with an echo behind it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from host_tests.wrapper_bench import METER, ask, connect, pdu, receive, round_trips, wrapper_bench
from tools.bench import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with wrapper_bench(tmp_path_factory.mktemp("wrapper")) as bench:
        yield bench


@pytest.fixture
def client(bench: Bench) -> Iterator[socket.socket]:
    with connect(bench) as client:
        yield client


def ended(client: socket.socket, at_least: int) -> int:
    """How many connections have ended at the server; waits until there are `at_least` so many."""
    for _ in range(500):
        count = int(ask(client, b"ended"))
        if count >= at_least:
            break
        time.sleep(0.01)
    return count


def test_answers_with_the_ports_the_other_way_round(client: socket.socket) -> None:
    client.sendall(pdu(b"hello", source=0x1234, destination=0xFEDC))
    assert receive(client, 13) == bytes.fromhex("0001 fedc 1234 0005") + b"hello"


def test_many_requests_in_one_segment_and_one_in_many(client: socket.socket) -> None:
    client.sendall(pdu(b"one") + pdu(b"none") + pdu(b"two") + pdu(b"x" * 1024))
    assert receive(client, 11 + 11 + 1032)[-1024:] == b"x" * 1024
    for byte in pdu(b"slow"):
        client.sendall(bytes([byte]))
        time.sleep(0.002)
    assert receive(client, 12)[8:] == b"slow"


@pytest.mark.parametrize("bad", ["00020010000100010a", "0001001000010401"])
def test_what_is_no_wrapper_ends_the_connection(bench: Bench, bad: str) -> None:
    with connect(bench) as client:
        client.sendall(bytes.fromhex(bad))
        with suppress(ConnectionResetError):  # what was sent beyond has not been read
            assert client.recv(100) == b""


def test_each_connection_is_released_once_however_it_ends(bench: Bench, client: socket.socket) -> None:
    count = int(ask(client, b"ended"))
    connect(bench).close()
    with connect(bench) as other:  # in the middle of a header
        other.sendall(b"\x00\x01\x00")
    with connect(bench) as other:  # with an answer under way
        other.sendall(pdu(b"long"))
    other = connect(bench)
    ask(other, b"hello")
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()  # with a reset
    assert ended(client, count + 4) == count + 4
    time.sleep(0.05)
    assert int(ask(client, b"ended")) == count + 4


def test_the_fifth_client_is_turned_away_and_may_come_again(bench: Bench) -> None:
    clients = [connect(bench) for _ in range(4)]
    try:
        assert [ask(client, b"hello") for client in clients] == [b"hello"] * 4
        with connect(bench) as fifth:
            assert fifth.recv(100) == b""
        count = int(ask(clients[0], b"ended"))
        clients.pop().close()
        ended(clients[0], count + 1)
        clients.append(connect(bench))
        assert ask(clients[3], b"hello") == b"hello"
    finally:
        for client in clients:
            client.close()


def test_a_client_that_does_not_read_holds_up_nobody_else(bench: Bench, client: socket.socket) -> None:
    """12 MB of answers fill every buffer on the way."""
    with connect(bench) as lazy:
        lazy.sendall(pdu(b"long") * 200)
        time.sleep(0.3)
        for _ in range(20):
            assert ask(client, b"hello") == b"hello"
        assert receive(lazy, 200 * 60008) == (bytes.fromhex("0001 0001 0010 ea60") + bytes(60000)) * 200
        assert ask(lazy, b"hello") == b"hello"


def test_notifications_come_without_being_asked_for(client: socket.socket) -> None:
    client.sendall(pdu(b"notify", source=32))
    assert receive(client, 12) == pdu(b"news", source=1, destination=32)


def test_speed(bench: Bench) -> None:
    """Processor time, not the clock: the machine may be busy with other things. It is about 30 us."""
    count, cpu_s = round_trips(bench, 1.0)
    print(f"{count} round trips in 1 s, {cpu_s / count * 1e6:.1f} us of processor time each")
    assert cpu_s / count < 80e-6


def test_the_port_is_there_again_after_the_supply_was_cut(bench: Bench) -> None:
    before = connect(bench)
    assert ask(before, b"hello") == b"hello"
    port = bench.tcp_port
    for _ in range(2):
        bench.kill()
        with suppress(ConnectionResetError):
            assert before.recv(100) == b""
        before.close()
        bench.power_on()
        before = connect(bench)
        assert ask(before, b"hello") == b"hello"
        assert bench.tcp_port == port
    before.close()
    assert bench.log == ""


def test_a_connection_that_is_not_used_is_ended(tmp_path: Path) -> None:
    with wrapper_bench(tmp_path, inactivity_s=2) as bench, connect(bench) as used, connect(bench) as unused:
        begin = time.monotonic()
        unused.settimeout(0.1)
        while True:
            assert ask(used, b"hello") == b"hello"
            try:
                assert unused.recv(100) == b""
                break
            except TimeoutError:
                pass
        assert 1 <= time.monotonic() - begin < 5
        assert int(ask(used, b"ended")) == 1


def test_a_server_that_fails_costs_its_connection_only(tmp_path: Path) -> None:
    with wrapper_bench(tmp_path) as bench, connect(bench) as client:
        with connect(bench) as other:
            other.sendall(pdu(b"fail"))
            assert other.recv(100) == b""
        assert ended(client, 1) == 1
        assert "ValueError: asked for" in bench.log


def test_the_meter_goes_on_measuring_whatever_comes_over_the_network(tmp_path: Path) -> None:
    with wrapper_bench(tmp_path, more=METER) as bench, connect(bench) as client:
        bench.run(3)
        ask(client, b"ask")
        e0, t0 = bench.totals()["a_import"], bench.now
        count, _ = round_trips(bench, 3.0)
        lost_pages, steps_back, longest_us = map(int, ask(client, b"ask").split())
        mean_w = (bench.totals()["a_import"] - e0) / 1000 / (bench.now - t0)
        print(f"{count} round trips in 3 s beside the meter; the longest a task waited for its turn: {longest_us} us")
        assert mean_w == pytest.approx(3450, rel=0.2)  # stored twice a second
        assert (lost_pages, steps_back) == (0, 0)
        assert count > 3000
        assert bench.log == ""
