"""Programming mode of IEC 62056-21 as a tariff device: the messages byte for byte, levels and refusals."""

from __future__ import annotations

import pytest
from iec62056_21 import utils

from host_tests.iec_meter import IDENT, MS, STANDARD_VALUES, assert_readout, option, sign_on, values
from host_tests.iec_objects import (
    ACK,
    ANSWER,
    P1,
    P2,
    READ,
    SIGN_OFF,
    ask,
    assert_over,
    begin,
    error,
    message,
    meter_with,
)

RATES = [300, 600, 1200, 2400, 4800, 9600, 19200]


# --- the transcript --------------------------------------------------------------------------------------------------


def test_a_session_byte_for_byte() -> None:
    """The sequence and the block checks of the fact sheet: P0 60h, P1 61h, R1 5Ah, B0 71h."""
    meter, objects = meter_with()
    meter.say(bytes.fromhex("2F3F210D0A"))
    meter.run(1.5)
    meter.say(bytes.fromhex("06303531 0D0A"))
    meter.run(1.2)
    assert meter.sent[0].data == IDENT
    assert meter.sent[1].data == bytes.fromhex("01 50 30 02 28 29 03 60")
    assert ask(meter, bytes.fromhex("01 50 31 02 28 3030303030303030 29 03 61")) == bytes.fromhex("06")
    assert ask(meter, bytes.fromhex("01 52 31 02 312E382E30 28 29 03 5A")) == ANSWER
    assert ask(meter, message("W1", "C.61.5(20)")) == bytes.fromhex("06")
    assert ask(meter, bytes.fromhex("01 42 30 03 71")) == b""
    assert objects.writes == [("C.61.5", "20", 1)]
    assert [sent.baud for sent in meter.sent] == [300, 9600, 9600, 9600, 9600]
    assert_over(meter)


@pytest.mark.parametrize("z", "0123456")
def test_works_at_every_rate_changed_or_not(z: str) -> None:
    meter, objects = meter_with(ident=f"/LGZ{z}X")
    rate = RATES[int(z)]
    assert begin(meter, z) == rate
    assert ask(meter, P1, rate) == ACK
    assert ask(meter, READ, rate) == ANSWER
    assert ask(meter, SIGN_OFF, rate) == b""
    assert (meter.core.state, meter.line.baud, objects.writes) == (0, 300, [])


def test_the_operand_waits_for_the_changeover_pause_and_answers_for_the_reaction_time() -> None:
    for pause, low, high in ((1000, 1000, 1100), (20, 300, 400), (1500, 1400, 1500)):
        meter, _ = meter_with(changeover_ms=pause, reaction_ms=300)
        sign_on(meter)
        out = meter.say(option(y="1"))
        meter.run(2)
        assert low * MS <= meter.sent[1].begin_ns - out <= high * MS
        out = meter.say(READ, 9600)
        meter.run(2)
        assert 300 * MS <= meter.sent[2].begin_ns - out <= 400 * MS


@pytest.mark.parametrize("choice", [{"z": "6"}, {"z": "7"}, {"v": "1"}, {"v": "2"}])
def test_a_rate_or_procedure_that_is_not_offered_leaves_the_standard_list_at_300_baud(choice: dict[str, str]) -> None:
    meter, _ = meter_with()
    sign_on(meter)
    meter.heard()
    meter.say(option(**choice, y="1"))
    meter.run(8)
    assert (values(meter.heard()), meter.sent[1].baud) == (STANDARD_VALUES, 300)


def test_sessions_of_both_kinds_follow_each_other() -> None:
    meter, _ = meter_with()
    for _ in range(2):
        assert_readout(meter)
        begin(meter)
        assert ask(meter, READ) == ANSWER
        assert ask(meter, SIGN_OFF) == b""
    assert_readout(meter)


def test_clocks_that_wrap_do_not_matter() -> None:
    for before in range(0, 9000, 700):
        meter, _ = meter_with(start_ms=(1 << 30) - before)
        begin(meter)
        assert ask(meter, P1) == ACK
        assert ask(meter, READ) == ANSWER


# --- levels ----------------------------------------------------------------------------------------------------------


def test_each_password_gives_its_level_and_a_wrong_one_takes_it_away() -> None:
    meter, objects = meter_with()
    begin(meter)
    write = message("W1", "C.61.5(99)")
    assert ask(meter, message("W1", "C.61.5(20)")) == error(4)
    assert [ask(meter, P1), ask(meter, write)] == [ACK, error(5)]
    assert [ask(meter, P2), ask(meter, write)] == [ACK, ACK]
    assert [ask(meter, message("P2", "(2222222)")), ask(meter, write)] == [error(4), error(4)]
    assert objects.writes == [("C.61.5", "99", 2)]


def test_no_level_outlives_its_session() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert [ask(meter, P2), ask(meter, SIGN_OFF)] == [ACK, b""]
    begin(meter)
    assert ask(meter, message("W1", "C.61.5(20)")) == error(4)
    assert objects.writes == []


def test_the_third_wrong_password_ends_the_session_with_a_sign_off() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert [ask(meter, message("P1", f"({n})")) for n in range(2)] == [error(4), error(4)]
    assert ask(meter, P1) == ACK  # does not make up for the others
    assert ask(meter, message("P2", "(3)")) == bytes.fromhex("0142300371")
    assert meter.sent[-1].baud == 9600
    assert_over(meter)
    assert len(objects.log_ins) == 4


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "number"),
    [
        ("P0", "()", 1),
        ("P3", "(1)", 1),
        ("R7", "1.8.0()", 1),
        ("W6", "C.61.5(20)", 1),
        ("E1", "C003(1)", 1),
        ("E2", "C003(1)", 1),
        ("B1", "()", 1),
        ("r1", "1.8.0()", 1),
        ("", "1.8.0()", 1),
        ("R1", "9.9.9()", 2),
        ("R1", "garbage()", 2),
        ("R2", "9.9.9()", 2),
        ("R3", "9.9.9()", 2),
        ("R4", "9.9.9()", 2),
        ("R5", "P.01()", 2),
        ("R6", "P.01()", 2),
        ("W1", "9.9.9(1)", 2),
        ("W2", "9.9.9(1)", 2),
        ("W3", "9.9.9(1)", 2),
        ("W4", "C003(1)", 2),
        ("W5", "9.9.9(1)", 2),
        ("W2", "C003", 3),
        ("R5", "P.01(;)", 2),
        ("R6", "P.01(;)(5)", 2),
        ("R1", "1.8.0", 3),
        ("R1", "()", 3),
        ("R1", "1.8.0(2)", 3),
        ("R1", "1.8.0(;)", 3),
        ("R1", "1.8.0()()", 3),
        ("R1", "1.8.0()\r\n", 3),
        ("R1", "1.8.0((1)", 3),
        ("R1", "1.8)0()", 3),
        ("W1", "C.61.5", 3),
        ("W1", "C.61.5(20", 3),
        ("W1", "C.61.5(20))", 3),
        ("W1", "C.61.5(20)(30)", 3),
        ("W1", "(20)", 3),
        ("W1", "C.61.5(2\x000)", 3),
        ("W1", "", 3),
        ("P1", "00000000", 3),
        ("P1", "X(00000000)", 3),
        ("W1", "1.8.0(0)", 4),
        ("W1", "C.61.5(61)", 5),
    ],
)
def test_what_is_not_possible_is_refused_with_the_reason(name: str, data: str, number: int) -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P1) == ACK
    assert ask(meter, message(name, data)) == error(number)
    assert (objects.writes, objects.log_ins) == ([], [("P1", "00000000")])
    assert ask(meter, READ) == ANSWER  # the session goes on


@pytest.mark.parametrize("name", ["R1", "W1", "P1"])
def test_a_command_without_data_is_refused(name: str) -> None:
    meter, _ = meter_with()
    begin(meter)
    assert ask(meter, bytes(utils.add_bcc(f"\x01{name}\x03".encode()))) == error(3)


def test_one_value_may_be_asked_for_by_number() -> None:
    meter, _ = meter_with()
    begin(meter)
    assert ask(meter, message("R1", "1.8.0(1)")) == ANSWER


def test_a_partial_block_changes_nothing() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P1) == ACK
    body = b"W1\x02C.61.5(20)\x04"
    check = utils.calculate_bcc(body)
    assert ask(meter, b"\x01" + body + check) == error(3)
    assert ask(meter, READ) == ANSWER
    assert objects.writes == []


def test_an_overlong_command_is_refused_and_the_longest_is_not() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P2) == ACK
    longest = 512 - len("W1\x02C.61.5()")
    assert ask(meter, message("W1", f"C.61.5({'7' * longest})")) == ACK
    assert ask(meter, message("W1", f"C.61.5({'8' * (longest + 1)})")) == error(3)
    assert ask(meter, message("W1", f"C.61.5({'8' * 3000})")) == error(3)
    assert objects.values["C.61.5"] == "7" * longest
