"""The line disciplines as shipped, under MicroPython: rates, frames, echo, driver, and a line without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.line_bench import LineBench, Maker, line_benches
from meter.comms import line
from tools.bench.uart import FROM_METER

RS232 = 'lines.electrical_line("RS232", uart)'
RS422 = 'lines.electrical_line("RS422", uart)'
RS485 = 'lines.electrical_line("RS485", uart)'
RS485_DRIVEN = 'lines.electrical_line("RS485", uart, driver)'
CS = 'lines.electrical_line("CS", uart)'
OPTICAL = "lines.OpticalLine(uart)"
ALL = [(RS232, 38400), (RS422, 38400), (RS485, 38400), (RS485_DRIVEN, 38400), (CS, 9600), (OPTICAL, 19200)]
FLAGS = b"~\xa0\x07\x03\x21\x93\x0f\x01~\n"  # begins as our own messages end


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    yield from line_benches(tmp_path, monkeypatch)


@pytest.mark.parametrize(("kind", "highest"), ALL)
@pytest.mark.parametrize("frame", ["7E1", "8N1"])
def test_talks_at_its_highest_rate_in_both_frames(make: Maker, kind: str, highest: int, frame: str) -> None:
    bench = make(kind, highest, frame)
    for _ in range(2):
        bench.say(b"hello\nr\n")
        assert bench.hear() == b"hello\nr\n~"
    assert (bench.line.baud, bench.line.frame.length) == (highest, 10)
    assert bench.line.meter_receiver.parity_errors == bench.line.meter_receiver.framing_errors == 0


class Uart:
    def __init__(self) -> None:
        self.settings: list[dict[str, object]] = []

    def init(self, **settings: object) -> None:
        self.settings.append(settings)


@pytest.mark.parametrize(
    ("interface", "highest"),
    [("RS232", 38400), ("RS232 powered", 38400), ("RS485", 38400), ("RS422", 38400), ("CS", 9600)],
)
def test_no_line_is_driven_faster_than_the_data_sheet_says(
    interface: str, highest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line.asyncio, "StreamReader", lambda uart: uart)
    made = line.electrical_line(interface, uart := Uart())
    assert made.max_rate == highest
    made.set_rate(highest)
    made.set_rate(highest)
    made.set_rate(highest, line.FRAME_8N1)
    with pytest.raises(ValueError):
        made.set_rate(highest + 1)
    assert uart.settings == [
        {"baudrate": highest, "bits": 7, "parity": 0, "stop": 1},
        {"baudrate": highest, "bits": 8, "parity": None, "stop": 1},
    ]


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("busy_ms", [0, 20])
@pytest.mark.parametrize(("kind", "rate"), [(CS, 9600), (RS485, 38400), (OPTICAL, 19200)])
def test_half_duplex_hears_the_other_side_and_never_itself(
    make: Maker, kind: str, rate: int, echo: bool, busy_ms: int
) -> None:
    """Also if the other side answers within a character, with the character that our own message ended with."""
    bench = make(kind, rate, busy_ms=busy_ms)
    bench.line.reflect(echo)
    for n in (2, 7, 64, 400):
        bench.say(b"s%d\n" % n)
        assert bench.hear() == b"x" * (n - 1) + b"~"
        bench.say(FLAGS + b"r\n")
        assert bench.hear(b"r\n~") == FLAGS + b"r\n~"
    assert bench.line.overruns == 0


def test_an_echo_with_gaps_is_dropped_too(make: Maker) -> None:
    bench = make(CS)
    bench.line.reflect(True)
    bench.line.drop(FROM_METER, count=30, skip=50)
    bench.say(b"s200\n")
    assert len(bench.hear()) == 170
    bench.say(b"hello\nr\n")
    assert bench.hear() == b"hello\nr\n~"


@pytest.mark.parametrize("kind", [RS232, RS422])
def test_full_duplex_loses_nothing_that_comes_while_sending(make: Maker, kind: str) -> None:
    bench = make(kind, 9600)
    bench.say(b"s300\n")
    bench.run(0.02)
    bench.end.write(FLAGS * 20)
    bench.hear()
    bench.run(0.2)
    bench.say(b"r\n")
    assert bench.hear(b"r\n~") == FLAGS * 20 + b"r\n~"


def sent_in(bench: LineBench, count: int) -> tuple[float, float]:
    """(share of the time that the line was busy while sending `count` characters, most characters in the UART)."""
    begin, data, buffered = 0, b"", 0.0
    bench.say(b"s%d\n" % count)
    while not data.endswith(b"~"):
        bench.run(0.0002)
        data += bench.end.read()
        begin = begin or (bench.world.now if data else 0)
        buffered = max(buffered, (bench.line.tx_idle_at(0) - bench.world.now) / 1e9 * bench.baud / 10)
    assert len(data) == count
    return (count - 1) * 10 / bench.baud / ((bench.world.now - begin) / 1e9), buffered


@pytest.mark.parametrize("busy_ms", [0, 25, 100])
@pytest.mark.parametrize(("kind", "rate"), [(RS232, 38400), (RS485_DRIVEN, 38400), (CS, 9600), (RS485, 300)])
def test_the_line_has_no_gaps_and_the_transmit_buffer_is_never_overfull(
    make: Maker, kind: str, rate: int, busy_ms: int
) -> None:
    """With the loop held up for 25 ms at a time; after a longer stall there may be a gap, but nothing is lost."""
    bench = make(kind, rate, busy_ms=busy_ms)
    busy, buffered = sent_in(bench, 2000 if rate > 300 else 300)
    assert buffered < 256
    if busy_ms <= 25:
        assert busy > 0.999


def test_the_rs485_driver_is_on_while_sending_and_not_longer(make: Maker) -> None:
    for rate in (300, 9600, 38400):
        bench = make(RS485_DRIVEN, rate)
        assert [level for _t, level in bench.driver] == [0]
        bench.say(b"s50\n")
        bench.hear()
        last = bench.world.now
        bench.run(0.1)
        (_, _), (on, high), (off, low) = bench.driver
        assert (high, low) == (1, 0)
        first = last - 50 * 10 * 10**9 // rate
        assert 10**9 // rate <= first - on <= 10**9 // rate + 3_000_000
        assert -200_000 <= off - last <= 2_000_000


def test_waiting_with_a_time_limit_is_no_polling(make: Maker) -> None:
    """Between two frames of an HDLC connection nothing crosses the wire: 100 s of a wait for 120 s."""
    bench = make(RS485)
    bench.say(b"hello\n")
    bench.run(1)
    before = bench.mcu.transcript
    bench.run(100)
    assert bench.mcu.transcript == before
    bench.run(100)  # the limit has passed once
    bench.say(b"r\n")
    assert bench.hear() == b"hello\nr\n~"


def test_no_character_is_lost_at_the_time_limit(make: Maker) -> None:
    """Characters that come just when a read gives up, 5 ms after the last."""
    bench = make(RS485, wait_ms=5)
    said = b""
    bench.say(b"+")
    for n in range(60):
        bench.run(0.003 + n * 0.0001)
        bench.say(bytes([48 + n]))
        said += bytes([48 + n])
    bench.say(b"\nr\n")
    assert bench.hear() == b"+" + said + b"\nr\n~"


@pytest.mark.parametrize("busy_ms", [0, 25])
def test_a_burst_at_38400_comes_in_few_chunks_and_whole(make: Maker, busy_ms: int) -> None:
    bench = make(RS485, 38400, busy_ms=busy_ms)
    burst = bytes(range(32, 126)) * 10
    bench.say(burst + b"\n")
    bench.run(0.1)
    bench.say(b"c\n")
    chunks = [int(n) for n in bench.hear()[1:-2].decode().split(",")]
    assert sum(chunks) == len(burst) + 3
    assert 3.84 <= sum(chunks) / len(chunks) <= 256  # what comes in the 1 ms for which characters are gathered
    assert bench.line.overruns == 0
