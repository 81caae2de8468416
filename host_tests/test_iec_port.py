"""The optical port as shipped: its asyncio side under MicroPython, on the virtual board's UART and the bench's line.

Only the port runs, with lists and parameters of the test's own; the protocol's details are in test_iec_mode_c.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.iec_meter import IDENT, MS, REQUEST, STANDARD, STANDARD_VALUES, option, values
from host_tests.iec_port_bench import Maker, port_benches
from meter.comms import frames
from tools.bench.iec_client import IecReader
from tools.bench.uart import FROM_METER

LONG = [f"1.8.0*{n:02}(000102.28*kWh)" for n in range(99)]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    yield from port_benches(tmp_path, monkeypatch)


@pytest.mark.parametrize("z", "0123456")
def test_reads_out_at_every_rate(make: Maker, z: str) -> None:
    bench = make(f"/LGZ{z}ZMG405260b.P01")
    reader = IecReader(bench.end, bench.run)
    assert [s.code for s in reader.readout()] == ["F.F", "0.0.0", "0.9.1", "1.8.0", "0.2.1"]
    assert values(reader.message) == STANDARD_VALUES
    assert len(reader.readout(6, address="12345678")) == 7


@pytest.mark.parametrize("earliest_ms", [200, 20])
def test_answers_after_its_reaction_time_and_before_long(make: Maker, earliest_ms: int) -> None:
    bench = make(reaction_ms=earliest_ms)
    reaction = bench.first_heard_after(bench.say(REQUEST)) - 10 * 10**9 // 300
    assert earliest_ms * MS <= reaction <= (earliest_ms + 20) * MS


def test_data_come_after_the_changeover_pause(make: Maker) -> None:
    bench = make()
    bench.say(REQUEST)
    bench.run(1.2)
    bench.end.configure(9600)
    bench.end.read()
    pause = bench.first_heard_after(bench.say(option()))
    assert 1000 * MS <= pause <= 1030 * MS


@pytest.mark.parametrize("busy_ms", [0, 25, 150])
def test_line_is_kept_busy_and_the_transmit_buffer_never_overfull(make: Maker, busy_ms: int) -> None:
    """At 19 200 Bd with the loop held up by the metering: for 25 ms the line stays at least 95 % busy.

    The ports' transmit buffers take 256 characters; a write into a full one would block, also after longer stalls.
    """
    bench = make("/LGZ6X", busy_ms=busy_ms, lines=LONG)
    reader = IecReader(bench.end, bench.run)
    reader.sign_on()
    reader.choose("0", "6")
    begin, data, buffered = 0, b"", 0.0
    while len(data) < 2 or data[-2] != 3:
        bench.run(0.001)
        data += bench.end.read()
        begin = begin or (bench.world.now if data else 0)
        buffered = max(buffered, (bench.line.tx_idle_at(0) - bench.world.now) / 1e9 * 1920)
        assert bench.world.now < 20 * 10**9
    assert values(data)[98] == ("1.8.0*98", "000102.28", "kWh")
    assert buffered < 256
    if busy_ms <= 25:
        assert len(data) * 10 / 19200 / ((bench.world.now - begin) / 1e9) > 0.95


def test_nak_brings_the_same_message_again_and_sessions_go_on(make: Maker) -> None:
    bench = make()
    bench.line.flip(FROM_METER, mask=3, skip=len(IDENT) + 40)
    reader = IecReader(bench.end, bench.run)
    assert len(reader.readout()) == 5
    assert reader.repeats == 1
    assert len(reader.readout()) == 5


def line_with_block_check(wanted: int) -> str:
    """A data line whose data message ends in the block check `wanted`."""
    for value in range(1000):
        line = f"0.0.0({value})"
        if frames.block_check(f"{line}\r\n!\r\n\x03".encode()) == wanted:
            return line
    raise AssertionError("none found")


def test_own_light_in_the_receiver_does_not_disturb(make: Maker) -> None:
    """With reflection a port might take its own identification for a request, or its block check for NAK."""
    for lines in (STANDARD, LONG, [line_with_block_check(frames.NAK)]):
        bench = make(lines=lines)
        bench.line.reflect(True)
        reader = IecReader(bench.end, bench.run)
        for _ in range(2):
            assert len(reader.readout()) == len(lines)
            bench.run(1)
            assert bench.end.read() == b""
            assert bench.line.baud == 300
            assert bench.line.overruns == 0


@pytest.mark.parametrize("reflect", [False, True])
@pytest.mark.parametrize("busy_ms", [0, 40])
def test_a_client_that_answers_without_any_pause_is_understood(make: Maker, reflect: bool, busy_ms: int) -> None:
    """The PyPI client sends its option select as soon as it has the identification, heard or not."""
    bench = make(busy_ms=busy_ms)
    bench.line.reflect(reflect)
    bench.end.write(REQUEST)
    heard = b""
    while not heard.endswith(b"\n"):
        bench.run(0.001)
        heard += bench.end.read()
    bench.say(option())
    bench.end.configure(9600)
    bench.run(2)
    assert values(bench.end.read()) == STANDARD_VALUES


def test_silence_gives_the_readout_at_300_baud_and_the_port_is_ready_again(make: Maker) -> None:
    bench = make()
    bench.say(REQUEST)
    bench.run(2.5 + len(IDENT) / 30)
    assert bench.line.baud == 300
    bench.run(5)
    assert values(bench.end.read().removeprefix(IDENT)) == STANDARD_VALUES
    bench.run(2)
    assert len(IecReader(bench.end, bench.run).readout()) == 5


def test_an_idle_port_costs_the_loop_nothing(make: Maker) -> None:
    """Waiting for a request is waiting for the UART: no message crosses the wire in an hour."""
    bench = make()
    bench.run(1)
    before = bench.mcu.transcript
    bench.run(3600)
    assert bench.mcu.transcript == before


def test_two_runs_are_alike_to_the_byte(make: Maker) -> None:
    def transcript() -> str:
        bench = make()
        IecReader(bench.end, bench.run).readout(6)
        return bench.mcu.transcript

    assert transcript() == transcript()


BROKEN_STATION = """
access = None
class Broken:
    made = 0
    active = over = False
    def __init__(self, baud, now):
        Broken.made += 1
    def feed(self, data, now):
        raise RuntimeError("asked for")
    def tick(self, now):
        return None
    def wait_ms(self, now):
        return -1
make_station = Broken
"""


def test_a_protocol_that_raises_ends_its_session_and_not_the_port(make: Maker) -> None:
    bench = make("/LGZ5X", lines=[5])
    reader = IecReader(bench.end, bench.run)
    for _ in range(2):
        with pytest.raises(Exception):  # noqa: B017
            reader.readout()
        bench.run(3)
    assert len(reader.readout(6)) == 7


def test_a_station_that_raises_gives_the_line_back_to_sign_on(make: Maker) -> None:
    bench = make(access=BROKEN_STATION)
    bench.say(REQUEST)
    bench.run(1.5)
    bench.say(option("2", "5", "2"))
    bench.run(0.5)
    bench.end.configure(9600, "8N1")
    bench.say(bytes(8), 9600)
    bench.run(1.5)
    bench.end.configure(300, "7E1")
    bench.end.read()
    bench.say(REQUEST)
    bench.run(1.5)
    assert bench.end.read() == IDENT.replace(b"5Z", b"5\\2Z")
