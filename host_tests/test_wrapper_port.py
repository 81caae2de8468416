"""The wrapper as shipped, on real sockets: MicroPython on the virtual board in real time, with an echo behind it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
        while_not(lambda: ask(client, b"open") == b"1")  # the connections of the test before have gone
        yield client


def while_not(done: Callable[[], bool]) -> None:
    for _ in range(1000):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("not within 10 s")


def ended(client: socket.socket) -> int:
    """How many connections have ended at the server."""
    return int(ask(client, b"ended"))


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
def test_what_is_no_wrapper_ends_the_connection(client: socket.socket, bad: str) -> None:
    client.sendall(bytes.fromhex(bad))
    with suppress(ConnectionResetError):
        assert client.recv(100) == b""


def test_each_connection_is_released_once_however_it_ends(bench: Bench, client: socket.socket) -> None:
    def at_once(_other: socket.socket) -> None:
        pass

    def in_the_middle_of_a_header(other: socket.socket) -> None:
        other.sendall(b"\x00\x01\x00")

    def with_an_answer_under_way(other: socket.socket) -> None:
        other.sendall(pdu(b"long"))

    def with_a_reset(other: socket.socket) -> None:
        ask(other, b"hello")
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    count = ended(client)
    for end in (at_once, in_the_middle_of_a_header, with_an_answer_under_way, with_a_reset):
        with connect(bench) as other:
            while_not(lambda: ask(client, b"open") == b"2")
            end(other)
        while_not(lambda: ask(client, b"open") == b"1")
        count += 1
        assert ended(client) == count


def test_when_all_are_associated_the_fifth_client_is_turned_away_at_once(bench: Bench, client: socket.socket) -> None:
    with connect(bench) as second, connect(bench) as third:
        with connect(bench) as fourth:
            assert [ask(one, b"associate") for one in (client, second, third, fourth)] == [b"associate"] * 4
            with connect(bench) as fifth:
                begin = time.monotonic()
                assert fifth.recv(100) == b""
                assert time.monotonic() - begin < 2
            assert [ask(one, b"hello") for one in (client, second, third, fourth)] == [b"hello"] * 4
        while_not(lambda: ask(client, b"open") == b"3")
        with connect(bench) as again:
            assert ask(again, b"hello") == b"hello"


def test_connections_that_say_nothing_keep_nobody_out(bench: Bench, client: socket.socket) -> None:
    assert ask(client, b"associate") == b"associate"
    count = ended(client)
    silent = []
    for _ in range(3):
        silent.append(connect(bench))
        assert ask(silent[-1], b"hello") == b"hello"  # so they have come in this order
    newcomers = []
    for n in range(3):
        newcomers.append(connect(bench))
        assert ask(newcomers[-1], b"associate") == b"associate"
        assert silent[n].recv(100) == b""  # in the order in which they came
        assert (ask(client, b"open"), ended(client)) == (b"4", count + n + 1)
    assert [ask(one, b"hello") for one in newcomers] == [b"hello"] * 3
    for one in silent + newcomers:
        one.close()


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


def test_a_round_trip_costs_the_meter_a_few_times_what_it_costs_its_client(bench: Bench, client: socket.socket) -> None:
    """Both do a send and a receive, the client in C for the most part. The meter takes some 30 us."""
    count = 10_000
    meter_s, client_s = round_trips(bench, count)
    print(
        f"a round trip: {meter_s / count * 1e6:.1f} us of the meter's processor, ours {client_s / count * 1e6:.1f} us"
    )
    assert meter_s < 15 * client_s


def test_the_port_is_there_again_after_the_supply_was_cut(bench: Bench, client: socket.socket) -> None:
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
        assert ended(client) == 1
        assert "ValueError: asked for" in bench.log


def test_the_meter_measures_and_talks_at_its_other_ports_whatever_comes_over_the_network(tmp_path: Path) -> None:
    """Requests without a pause during a readout at the optical port. Pages may be lost when the computer is busy;
    energy may not, and is stored soon."""
    with wrapper_bench(tmp_path, more=METER) as bench, connect(bench) as client, ThreadPoolExecutor() as pool:
        bench.run(3)
        ask(client, b"ask")
        e0, t0 = bench.totals()["a_import"], bench.now
        flood = pool.submit(round_trips, bench, 10_000)
        data_sets = bench.readout()
        flood.result()

        def flowed() -> float:
            """mWs, since the last increment before t0 at the earliest."""
            return 3450e3 * (bench.now - t0)

        # Two seconds of it at most are not counted and stored yet; what is lost never comes.
        while_not(lambda: bench.totals()["a_import"] - e0 > 0.99 * flowed() - 2 * 3450e3)
        assert bench.totals()["a_import"] - e0 < 1.01 * flowed() + 3450e3
        lost_pages, steps_back, longest_us = map(int, ask(client, b"ask").split())
        print(f"{lost_pages} pages lost, longest turn {longest_us} us")
        assert data_sets["F.F"].value.text == "00000000"
        assert steps_back == 0
        assert "Traceback" not in bench.log
