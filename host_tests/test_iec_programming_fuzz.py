"""Whatever comes in programming mode: nothing is changed by it, and the next good command or session works."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iec62056_21 import utils

from host_tests.iec_meter import REQUEST, LineMeter, assert_readout, option
from host_tests.iec_objects import ACK, ANSWER, NAK, P1, P2, READ, SIGN_OFF, Objects, ask, begin, error, message
from host_tests.iec_profiles import programming_with
from meter.comms.formatted_commands import FormattedCommands
from tools.bench.uart import TO_METER

WRITE = message("W1", "C.61.5(20)")
WRONG = WRITE[:-1] + bytes([WRITE[-1] ^ 1])
PART = bytes(utils.add_bcc(b"\x01W3\x02C.61.5(\x04"))
LAST = message("W3", "30)")
READS = tuple(
    message(name, data)
    for name, data in (
        ("R5", "P.01(;)"),
        ("R6", "P.98(;)(1)"),
        ("R6", "P.01(2407151215;)"),
        ("R2", "P.01(24-07-15,13:00;24-07-14,14:00)"),
        ("R3", "1.8.0()"),
    )
)
COMMANDS = (
    P1,
    P2,
    READ,
    WRITE,
    message("P1", "(1)"),
    message("E2", "C150()"),
    message("W2", "C150"),
    *READS,
    PART,
    LAST,
)
PIECES = st.one_of(
    st.sampled_from((*COMMANDS, WRONG, NAK, ACK, SIGN_OFF, REQUEST, option(), option(y="1"), b"\x01", b"\x03")),
    st.binary(max_size=12),
    st.sampled_from(COMMANDS).flatmap(lambda m: st.integers(0, len(m)).map(lambda n: m[:n])),
    st.sampled_from(COMMANDS).flatmap(lambda m: st.integers(0, len(m)).map(lambda n: m[n:])),
    st.text("RWPEB0123456789.C();\x02\x03\x04", max_size=20).map(lambda t: bytes(utils.add_bcc(b"\x01" + t.encode()))),
)
PAUSES = st.sampled_from([0.0, 0.05, 0.3, 0.3, 0.3, 1.0, 1.6, 30.0])
SPEECH = st.lists(st.tuples(PIECES, st.sampled_from([9600, 9600, 9600, 300, 19200]), PAUSES), max_size=8)
SPEECH_AT_RATE = st.lists(st.tuples(PIECES, st.just(9600), PAUSES), max_size=8)

FEW = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=5000, derandomize=False)

Speech = list[tuple[bytes, int, float]]


def speak(meter: LineMeter, speech: Speech) -> None:
    for data, baud, pause in speech:
        meter.say(data, baud)
        meter.run(pause)


def check_next_session(speech: Speech) -> None:
    meter = LineMeter(programming=programming_with(Objects()))
    begin(meter)
    speak(meter, speech)
    meter.run(80)  # the time-out, and a readout at 300 Bd
    assert (meter.core.state, meter.line.baud) == (0, 300)
    assert_readout(meter)
    begin(meter)
    assert ask(meter, READ) == ANSWER


def check_changes(speech: Speech) -> None:
    """Only a whole command that really was sent changes anything, and only after the password in the same session."""
    objects, resets = Objects(), list[str]()
    commands = FormattedCommands({"C150": (2, resets.append)})
    meter = LineMeter(programming=programming_with(objects, commands=commands))
    begin(meter)
    speak(meter, speech)
    meter.run(3)
    said = bytes(c & 0x7F for data, _, _ in speech for c in data)
    in_parts = said.count(LAST) if PART in said else 0
    assert len(objects.writes) <= said.count(WRITE) + in_parts
    if P1 not in said and P2 not in said:
        assert objects.writes == []
    if P2 not in said:
        assert resets == []
    assert len(resets) <= said.count(b"C150")
    assert all(text == "20" or in_parts and re.fullmatch("[0-9.()]*30", text) for _, text, _ in objects.writes)
    for kind, password in objects.log_ins:
        assert re.search(re.escape(f"{kind}\x02({password})\x03".encode()), said)


@given(SPEECH)
@FEW
def test_the_next_session_works_after_anything(speech: Speech) -> None:
    check_next_session(speech)


@given(SPEECH_AT_RATE)
@FEW
def test_nothing_is_changed_but_by_a_whole_command(speech: Speech) -> None:
    check_changes(speech)


@pytest.mark.soak
@given(SPEECH, SPEECH_AT_RATE)
@MANY
def test_both_hold_for_thousands_of_conversations(anything: Speech, at_rate: Speech) -> None:
    check_next_session(anything)
    check_changes(at_rate)


@given(st.binary(max_size=30).filter(lambda data: not {1, 21} & {c & 0x7F for c in data}))
@FEW
def test_a_good_command_right_behind_garbage_is_answered(garbage: bytes) -> None:
    meter = LineMeter(access=Objects())
    begin(meter)
    meter.end.write(garbage, 9600)
    assert ask(meter, READ) == ANSWER


@given(st.lists(st.sampled_from((READ, WRITE, message("P1", "(1)"), message("E2", "X()"), b"\x06")), max_size=6))
@FEW
def test_commands_in_the_wrong_order_change_nothing(commands: list[bytes]) -> None:
    objects = Objects()
    meter = LineMeter(access=objects)
    begin(meter)
    answers = [ask(meter, command) for command in commands]
    assert all(a in (ANSWER, error(4), error(1), b"", SIGN_OFF) for a in answers)
    assert objects.writes == []


@given(st.integers(0, len(WRITE) - 1), st.integers(1, 127), st.booleans())
@FEW
def test_a_spoilt_character_changes_nothing_and_is_not_acknowledged(skip: int, mask: int, parity: bool) -> None:
    """Bits turned on the way to the meter. Where the UART sees it, the character is lost; where not, the check tells.

    With SOH lost, the block check of this command, which is NAK, must not bring the acknowledgement before once more.
    """
    objects = Objects()
    meter = LineMeter(access=objects)
    begin(meter)
    assert ask(meter, P1) == ACK
    meter.line.meter_receiver.deliver_bad_parity = parity
    meter.line.flip(TO_METER, mask, 1, skip)
    assert ask(meter, WRITE) in (NAK, b"")
    assert objects.writes == []
    meter.run(2)
    assert ask(meter, WRITE) == ACK
    assert objects.writes == [("C.61.5", "20", 1)]
