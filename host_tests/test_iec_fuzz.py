"""Whatever comes in at the optical port: it neither speaks out of turn nor stays deaf; the next good request works."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_tests.iec_meter import MS, LineMeter, assert_readout, option
from host_tests.iec_station import Script
from tools.bench.uart import TO_METER

WHOLE = (b"/?!\r\n", b"/?12345678!\r\n", option(), option(z="0"), option(y="6"), option(v="2", y="2"), option(y="1"))
PIECES = st.one_of(
    st.sampled_from(
        (*WHOLE, b"/?!\r", b"/?", b"/?99!\r\n", b"\x06", b"\x06050\r", b"\x15", b"\x01B0\x03q", b"/?" + b"7" * 40)
    ),
    st.binary(max_size=12),
    st.sampled_from(WHOLE).flatmap(lambda m: st.integers(0, len(m)).map(lambda n: m[:n])),
)
RATES = st.sampled_from([300, 300, 300, 9600, 1200, 19200])
PAUSES = st.sampled_from([0.0, 0.05, 0.3, 1.0, 1.4, 1.6, 2.5])
SPEECH = st.lists(st.tuples(PIECES, RATES, PAUSES), max_size=6)
SPEECH_AT_300 = st.lists(st.tuples(PIECES, st.just(300), PAUSES), max_size=6)

FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=5000, derandomize=False)


def quiet_again(meter: LineMeter) -> None:
    """Long enough for anything under way to end: a readout at 300 Bd and the wait for its acknowledgement."""
    meter.run(20)


def speak(meter: LineMeter, speech: list[tuple[bytes, int, float]]) -> None:
    for data, baud, pause in speech:
        meter.say(data, baud)
        meter.run(pause)
    quiet_again(meter)


def check_next_good_request(speech: list[tuple[bytes, int, float]]) -> None:
    """After anything, at any rate, in each mode and with HDLC to be had, the next good session works."""
    for mode in "CAB":
        meter = LineMeter(address="12345678", iec_mode=mode, make_station=Script)
        speak(meter, speech)
        assert (meter.core.state, meter.core.baud, meter.core.frame) == (0, 300, "7E1")
        meter.parameters.iec_mode = "C"
        assert_readout(meter)


def check_speaks_only_when_asked(speech: list[tuple[bytes, int, float]]) -> None:
    """One identification at most for each good request at 300 Bd, in the window of the reaction time."""
    meter = LineMeter(address="12345678")
    said, ends = b"", []
    for data, baud, _pause in speech:
        assert baud == 300
        said += bytes(c & 0x7F for c in data)
    begin = 0
    for data, baud, pause in speech:
        ends += [begin + (n + 1) * 10_000_000_000 // baud for n in range(len(data))]
        begin += len(data) * 10_000_000_000 // baud + round(pause * 1e9)
    speak(meter, speech)
    asked = [ends[match.end() - 1] for match in re.finditer(rb"/\?(0*12345678)?!\r\n", said)]
    identified = [message.begin_ns for message in meter.sent if message.data.startswith(b"/")]
    for t in identified:
        assert any(200 * MS <= t - a <= 1500 * MS for a in asked)
    assert len(identified) <= len(asked)
    if not identified:
        assert meter.sent == []


@given(SPEECH)
@FEW
def test_next_good_request_is_answered_after_anything(speech: list[tuple[bytes, int, float]]) -> None:
    check_next_good_request(speech)


@given(SPEECH_AT_300)
@FEW
def test_meter_identifies_itself_only_when_asked_and_never_too_soon(speech: list[tuple[bytes, int, float]]) -> None:
    check_speaks_only_when_asked(speech)


@pytest.mark.soak
@given(SPEECH, SPEECH_AT_300)
@MANY
def test_both_hold_for_thousands_of_conversations(
    anything: list[tuple[bytes, int, float]], at_300: list[tuple[bytes, int, float]]
) -> None:
    check_next_good_request(anything)
    check_speaks_only_when_asked(at_300)


@given(st.binary(max_size=30).filter(lambda data: b"!" not in bytes(c & 0x7F for c in data)))
@FEW
def test_a_good_request_right_behind_garbage_is_answered(garbage: bytes) -> None:
    meter = LineMeter()
    meter.end.write(garbage)
    assert_readout(meter)


@given(st.integers(0, 8), st.integers(0, 127), st.integers(1, 3))
@FEW
def test_spoilt_characters_cost_one_session_at_most(skip: int, mask: int, count: int) -> None:
    """Bits turned on the way to the meter, also in pairs that parity does not see."""
    meter = LineMeter()
    meter.line.flip(TO_METER, mask, count, skip)
    meter.line.meter_receiver.deliver_bad_parity = bool(mask & 1)
    meter.say(b"/?!\r\n")
    meter.run(1.2)
    meter.say(option())
    quiet_again(meter)
    assert_readout(meter)


@given(st.floats(0, 6), st.floats(0.001, 2))
@FEW
def test_light_into_the_receiver_at_any_time_is_survived(start: float, duration: float) -> None:
    meter = LineMeter()
    meter.end.write(b"/?!\r\n")
    meter.run(start)
    meter.line.hold_break(round(duration * 1e9))
    meter.run(duration)
    quiet_again(meter)
    assert_readout(meter)
