"""The bench's serial line: bit timing, wrong rates and frames, power, faults."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.bench.uart import FROM_METER, TO_METER, Frame, UartLine, VirtualEnd

MS = 1_000_000
REQUEST = b"/?!\r\n"


def new_line(baud: int = 300, frame: str = "7E1") -> tuple[UartLine, VirtualEnd]:
    line, end = UartLine(), VirtualEnd(baud, frame)
    line.attach(end)
    parsed = Frame.parse(frame)
    line.configure(baud, parsed.bits, parsed.parity, parsed.stop, 0)
    return line, end


def at_meter(line: UartLine, seconds: float = 20) -> bytes:
    """What the meter has received after `seconds`."""
    line.advance(line.now + round(seconds * 1e9))
    return line.read(10_000)


def arrivals(line: UartLine, until_ns: int) -> list[tuple[int, bytes]]:
    """(time, character) of everything the meter receives, going from event to event as the bench does."""
    found = []
    while (event := line.next_event()) is not None and event <= until_ns:
        line.advance(event)
        if line.receive_ready():
            found.append((line.now, line.read(100)))
    return found


def near(times: Iterable[float]) -> Any:
    """Bench times are whole nanoseconds; bit times are not."""
    return pytest.approx(list(times), abs=3)


@pytest.mark.parametrize(
    ("frame", "bits"), [("7E1", 10), ("8N1", 10), ("8E1", 11), ("7N2", 10), ("8N2", 11), ("7O1", 10)]
)
def test_characters_arrive_at_the_end_of_their_stop_bits(frame: str, bits: int) -> None:
    line, end = new_line(300, frame)
    line.advance(5 * MS)
    end.write(b"ABC")
    found = arrivals(line, 10**9)
    assert [c for _, c in found] == [b"A", b"B", b"C"]
    assert [t for t, _ in found] == near(5 * MS + n * bits * 10**9 / 300 for n in (1, 2, 3))


def test_meter_sends_back_to_back_and_knows_when_the_last_stop_bit_is_out() -> None:
    line, end = new_line(9600)
    line.transmit(b"ab", 1000)
    line.transmit(b"c", 2000)
    out = line.tx_idle_at(2000)
    assert [out] == near([1000 + 3 * 10 * 10**9 / 9600])
    line.advance(out - 5)
    assert end.read() == b"ab"
    line.advance(out)
    assert end.read() == b"c"
    assert line.tx_idle_at(out + 5) == out + 5


def test_bits_on_the_wire_are_those_of_the_fact_sheet() -> None:
    """A 7E1 request read by an 8N1 port shows the parity in bit 7: AF 3F 21 8D 0A."""
    line, end = new_line(300, "8N1")
    end.write(REQUEST, 300, "7E1")
    assert at_meter(line) == bytes.fromhex("AF3F218D0A")
    line, end = new_line(300, "7E1")
    end.write(bytes.fromhex("06B235B28D0A"), 300, "8N1")
    assert at_meter(line) == b"\x06252\r\n"


@given(st.binary(max_size=30), st.sampled_from(["8N1", "8E1", "8O2"]), st.sampled_from([300, 2400, 19200]))
@settings(max_examples=40)
def test_every_byte_passes_both_ways(data: bytes, frame: str, baud: int) -> None:
    line, end = new_line(baud, frame)
    end.write(data)
    line.transmit(data, 0)
    assert at_meter(line) == data
    assert end.read() == data


RATES = [300, 600, 1200, 2400, 4800, 9600, 19200]


@pytest.mark.parametrize(("sends", "listens"), [p for p in itertools.product(RATES, RATES) if p[0] != p[1]])
def test_a_wrong_rate_gets_nothing_usable(sends: int, listens: int) -> None:
    line, end = new_line(listens)
    end.write(REQUEST, sends)
    got = at_meter(line)
    assert b"/" not in got and b"?" not in got
    line.configure(sends, 7, 0, 1, line.now)
    end.configure(listens)
    line.transmit(b"1.8.0(000102.28*kWh)\r\n", line.now)
    line.advance(line.now + 10**9)
    assert b"1.8" not in end.read()


@pytest.mark.parametrize("percent", [-4.5, -3, 3, 4.5])
def test_a_rate_within_half_a_bit_at_the_stop_bit_is_understood(percent: float) -> None:
    """The middle of the tenth bit may slip by half a bit: 5.3 %."""
    line, end = new_line(9600)
    end.write(bytes(range(0x20, 0x7F)), round(9600 * (1 + percent / 100)))
    assert at_meter(line) == bytes(range(0x20, 0x7F))


@pytest.mark.parametrize("percent", [-6.5, 6.5])
def test_a_rate_beyond_that_is_not(percent: float) -> None:
    line, end = new_line(9600)
    for char in range(0x20, 0x7F):
        end.write(bytes([char]), round(9600 * (1 + percent / 100)))
        line.advance(line.now + 10 * MS)
    got = line.read(1000)
    assert len(got) < 60  # slow: a data bit stands where the stop bit should be; fast: data and parity have slipped
    assert got != bytes(range(0x20, 0x7F))


def test_parity_errors_are_lost_or_delivered_as_the_driver_does() -> None:
    line, end = new_line()
    end.write(b"A", 300, "7O1")
    assert at_meter(line) == b""
    assert line.meter_receiver.parity_errors == 1
    line.meter_receiver.deliver_bad_parity = True
    end.write(b"A", 300, "7O1")
    assert at_meter(line) == b"A"


def test_drop_and_flip_hit_the_chosen_characters() -> None:
    line, end = new_line()
    line.drop(TO_METER, count=2, skip=1)
    end.write(b"12345")
    assert at_meter(line) == b"145"
    line.flip(TO_METER, mask=1, skip=1)
    end.write(b"123")
    assert at_meter(line) == b"13"  # parity shows it
    line.flip(TO_METER, mask=0b11, count=2)
    end.write(b"123")
    assert at_meter(line) == bytes([ord("1") ^ 3, ord("2") ^ 3, ord("3")])
    line.flip(FROM_METER, mask=0b101, skip=2)
    line.transmit(b"abc", line.now)
    line.advance(line.now + 10**9)
    assert end.read() == b"ab" + bytes([ord("c") ^ 5])


def test_a_break_is_no_character_and_spoils_those_under_it() -> None:
    line, end = new_line()
    line.hold_break(200 * MS)
    end.write(b"12345")
    got = at_meter(line)
    assert line.meter_receiver.framing_errors >= 1
    assert got in (b"", b"5")
    line.hold_break(500 * MS)
    assert at_meter(line) == b""
    end.write(b"6")
    assert at_meter(line) == b"6"


def test_a_glitch_is_no_start_bit() -> None:
    line, end = new_line()
    line.hold_break(10**9 // 300 // 4)  # a quarter of a bit
    assert at_meter(line, 0.1) == b""
    assert (line.meter_receiver.framing_errors, line.meter_receiver.parity_errors) == (0, 0)
    end.write(b"1")
    assert at_meter(line) == b"1"


def test_reflection_brings_the_meters_light_back() -> None:
    line, end = new_line()
    line.reflect(True)
    line.transmit(b"abc", 0)
    assert at_meter(line) == b"abc"
    assert end.read() == b"abc"
    line.reflect(False)
    line.transmit(b"abc", line.now)
    assert at_meter(line) == b""


def test_two_lights_at_once_spoil_each_other() -> None:
    line, end = new_line()
    line.reflect(True)
    line.transmit(b"UUUU", 0)
    end.write(b"****")
    assert at_meter(line) not in (b"UUUU", b"****")


def test_receive_buffer_overflows_like_the_microcontrollers() -> None:
    line, end = new_line(19200)
    end.write(bytes(range(1, 101)) * 3)
    line.advance(10**9)
    assert (line.receive_ready(), line.overruns) == (256, 44)
    assert line.read(1000) == (bytes(range(1, 101)) * 3)[:256]


def test_changing_the_rate_loses_what_is_under_way() -> None:
    line, end = new_line(300)
    end.write(b"AB")
    line.transmit(b"CD", 0)
    line.configure(9600, 7, 0, 1, 50 * MS)  # in the middle of B and D
    assert b"B" not in at_meter(line)
    assert end.read() == b"C"


def test_setting_a_port_up_anew_loses_the_character_under_way_even_at_the_same_rate() -> None:
    line, end = new_line(300)
    end.write(b"AB")
    line.transmit(b"0123456789", 0)
    line.configure(300, 7, 0, 1, 50 * MS)
    line.transmit(b"x", 50 * MS)
    assert [line.tx_idle_at(0)] == near([50 * MS + 10**10 / 300])  # what was left to send is gone
    assert b"B" not in at_meter(line)[1:]


def test_without_supply_the_port_is_dark_and_deaf() -> None:
    line, end = new_line()
    end.write(b"12")
    line.transmit(b"abc", 0)
    line.power(False, 50 * MS)
    line.transmit(b"x", 60 * MS)
    assert at_meter(line) == b""
    assert end.read() == b"a"
    end.write(b"3")
    line.advance(line.now + 100 * MS)
    line.power(True, line.now)
    end.write(b"4")
    assert at_meter(line) == b"4"


def test_no_event_is_announced_on_a_quiet_line() -> None:
    line, end = new_line()
    assert line.next_event() is None
    end.write(b"1")
    assert line.next_event() is not None
    at_meter(line)
    assert line.next_event() is None


@given(
    st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=4), st.sampled_from([300, 9600, 1200])), max_size=8),
    st.booleans(),
)
@settings(max_examples=60)
def test_going_from_event_to_event_misses_nothing(speech: list[tuple[int, bytes, int]], reflect: bool) -> None:
    """The same characters come at the same times as when the line is brought forward in tiny steps."""

    def run(by_events: bool) -> list[tuple[int, bytes]]:
        line, end = new_line()
        line.reflect(reflect)
        found, t = [], 0
        for pause_ms, data, baud in [*speech, (400, b"", 300)]:
            end.write(data, baud)
            line.transmit(data[:2], line.now)
            t += pause_ms * MS
            if by_events:
                found += arrivals(line, t)
                line.advance(t)
            else:
                while line.now < t:
                    line.advance(min(t, line.now + MS // 5))
                    if line.receive_ready():
                        found.append((line.now, line.read(10)))
        return found

    exact, coarse = run(True), run(False)
    assert b"".join(c for _, c in exact) == b"".join(c for _, c in coarse)
    late = [c[0] - e[0] for e, c in zip(exact, coarse, strict=True)]
    assert all(0 <= ns <= MS // 5 for ns in late)


def test_line_may_have_several_ends() -> None:
    line, one, two = UartLine(), VirtualEnd(), VirtualEnd()
    line.attach(one)
    line.attach(two)
    one.write(b"1")
    assert at_meter(line) == b"1"
    two.write(b"2")
    assert at_meter(line) == b"2"
    line.transmit(b"x", line.now)
    line.advance(line.now + 10**9)
    assert (one.read(), two.read()) == (b"x", b"x")


def test_an_end_that_is_pulled_out_is_heard_no_more() -> None:
    line, end = new_line()
    end.write(b"12")
    line.transmit(b"abc", 0)
    line.advance(50 * MS)
    line.detach(end)
    assert at_meter(line) == b"1"
    assert end.read() == b"a"
    other = VirtualEnd()
    line.attach(other)
    line.transmit(b"x", line.now)
    other.write(b"3")
    assert at_meter(line) == b"3"
    assert (end.read(), other.read()) == (b"", b"x")


def test_an_end_set_anew_in_the_middle_of_a_character_does_not_get_it() -> None:
    line, end = new_line(300)
    line.transmit(b"@@", 0)  # its only falling edge is that of the start bit
    line.advance(15 * MS)
    end.configure(9600)
    end.configure(300)
    line.advance(10**9)
    assert end.read() == b"@"
