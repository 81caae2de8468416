"""Damaged conversations with the whole meter: it does not fail, nor grow, nor change, and serves the next client."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from host_tests.hdlc_line import FOUR_BYTES, Frame, parsed
from host_tests.model_sources import make_model
from host_tests.stack_bench import GOOD_GET, GOOD_LOG_IN, Mischief, converse_in_frames
from host_tests.wrapper_bench import connect, receive
from meter.comms.wrapper import wrap
from meter.storage.layout import CALIBRATION, FACTORY, PARAMETERS
from tools.bench import Bench
from tools.bench.uart import VirtualEnd

RS485, RATE = 1, 38_400
# Bytes of heap that may come and go: the tables that are made of a key when it is first used (4 KiB), what a log-in
# leaves. The smallest object there is, 32 bytes, lost in each of a thousand conversations is more.
GROWTH = 8192
CLIENTS = (16, 32)  # who may change nothing


def settings_of(bench: Bench) -> list[bytes]:
    return [bench.fram.image[area.address : area.end] for area in (FACTORY, PARAMETERS, CALIBRATION)]


def bears(bench: Bench, converse: Callable[[int], None], conversations: int) -> None:
    """Hold a tenth of the conversations, look at the meter, hold the rest, look again."""
    clients = itertools.cycle(CLIENTS)
    for _ in range(conversations // 10):
        converse(next(clients))
    before, settings, counted = bench.heap()["data"], settings_of(bench), bench.totals()["a_import"]
    for _ in range(conversations - conversations // 10):
        converse(next(clients))
    after = bench.heap()
    print(f"heap {before} before, {after} after {conversations} conversations")
    assert after["data"] <= before + GROWTH
    assert settings_of(bench) == settings
    assert bench.totals()["a_import"] > counted
    assert (bench.mcu.restarts, bench.log) == (0, "")


# --- HDLC, in virtual time ------------------------------------------------------------------------------------------


def frames_of(octets: bytes) -> list[Frame]:
    """All that the meter has sent, which must be whole frames."""
    frames = []
    while octets:
        size = ((octets[1] & 7) << 8 | octets[2]) + 2
        frames.append(parsed(octets[:size]))
        octets = octets[size:]
    return frames


def bears_hdlc(seed: int, conversations: int) -> None:
    wanted = {"port1_mode": 1, "port1_start_rate": RATE, "hdlc_address": 17}
    with Bench(seed=seed, parameters=wanted) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(4)
        line, end = bench.uarts[RS485], VirtualEnd(RATE, "8N1")
        line.attach(end)
        mischief = Mischief(seed, make_model())

        def say(octets: bytes) -> list[Frame]:
            end.write(octets)
            bench.run((end.idle_at() - line.now) / 1e9 + 0.04)  # longer than the gap that ends a frame
            bench.run((line.tx_idle_at(line.now) - line.now) / 1e9 + 0.01)
            while line.tx_idle_at(line.now) > line.now:
                bench.run(0.02)
            return frames_of(end.read())

        bears(bench, lambda client: converse_in_frames(say, mischief, client), conversations)
        say(Frame(FOUR_BYTES, b"\x21", 0x93).octets())
        (aare,) = say(Frame(FOUR_BYTES, b"\x21", 0x10, b"\xe6\xe6\x00" + GOOD_LOG_IN).octets())
        assert b"\xa2\x03\x02\x01\x00" in aare.information
        (got,) = say(Frame(FOUR_BYTES, b"\x21", 0x32, b"\xe6\xe6\x00" + GOOD_GET).octets())
        assert got.information[:7] == b"\xe6\xe7\x00\xc4\x01\xc1\x00"


def test_damaged_frames_on_the_line() -> None:
    bears_hdlc(1, 80)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 104))
def test_thousands_of_damaged_frames_on_the_line(seed: int) -> None:
    bears_hdlc(seed, 2000)


# --- wrapper, over a live connection --------------------------------------------------------------------------------


def over_network(bench: Bench, mischief: Mischief, client: int) -> None:
    """One conversation; the client hangs up its side, and reads to the end."""
    messages = [wrap(client, 1, apdu) for apdu in mischief.conversation(client)]
    octets = b"".join(mischief.damaged(m) if mischief.random.random() < 0.15 else m for m in messages)
    with connect(bench) as connection, suppress(OSError):
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        answers = receive(connection, 1 << 20)
        while answers:
            size = 8 + int.from_bytes(answers[6:8], "big")
            assert answers[:4] == b"\0\1\0\1" and len(answers) >= size
            answers = answers[size:]


def assert_network_serves(bench: Bench) -> None:
    while True:
        with connect(bench) as connection:
            connection.sendall(wrap(16, 1, GOOD_LOG_IN) + wrap(16, 1, GOOD_GET))
            aare = receive(connection, 8)
            if not aare:  # those before are still being closed
                time.sleep(0.01)
                continue
            assert b"\xa2\x03\x02\x01\x00" in receive(connection, int.from_bytes(aare[6:], "big"))
            assert receive(connection, 12)[8:] == b"\xc4\x01\xc1\x00"
            return


def bears_tcp(seed: int, conversations: int) -> None:
    with Bench(seed=seed, virtual=False) as bench:
        bench.source.set(u=230, i=5, phi=0)
        connect(bench).close()
        bench.run(3)
        mischief = Mischief(seed, make_model())
        bears(bench, lambda client: over_network(bench, mischief, client), conversations)
        assert_network_serves(bench)


def test_damaged_messages_over_the_network() -> None:
    bears_tcp(1, 150)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 104))
def test_thousands_of_damaged_messages_over_the_network(seed: int) -> None:
    bears_tcp(seed, 2500)
