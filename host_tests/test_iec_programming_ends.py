"""Programming mode of IEC 62056-21 when things do not go as planned: spoilt messages, repeats, time-outs, ends."""

from __future__ import annotations

import pytest

from host_tests.iec_meter import IDENT, MS, REQUEST, option
from host_tests.iec_objects import (
    ACK,
    ANSWER,
    NAK,
    P0,
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


def test_a_wrong_block_check_is_answered_with_nak_and_the_fourth_in_a_row_with_a_sign_off() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P1) == ACK
    wrong = message("W1", "C.61.5(20)")[:-1] + b"\x00"
    for _ in range(2):
        assert [ask(meter, wrong) for _ in range(3)] == [NAK] * 3
        assert ask(meter, READ) == ANSWER  # ends the row
    assert [ask(meter, wrong) for _ in range(4)] == [NAK, NAK, NAK, SIGN_OFF]
    assert objects.writes == []
    assert_over(meter)


def test_every_single_wrong_character_in_a_command_is_noticed() -> None:
    good = message("W1", "C.61.5(20)")
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P2) == ACK
    for place in range(1, len(good)):
        spoilt = good[:place] + bytes([good[place] ^ 0x11]) + good[place + 1 :]
        assert ask(meter, spoilt) in (NAK, b""), place
        meter.run(2)
        assert ask(meter, READ) == ANSWER
    assert objects.writes == []


@pytest.mark.parametrize(("command", "answer"), [(READ, ANSWER), (P1, ACK), (message("E2", "X()"), error(1))])
def test_a_nak_repeats_the_last_message_three_times(command: bytes, answer: bytes) -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, command) == answer
    objects.values["1.8.0"] = "999999.99*kWh"
    assert [ask(meter, NAK) for _ in range(4)] == [answer] * 3 + [SIGN_OFF]
    assert len(objects.log_ins) <= 1
    assert_over(meter)


def test_noise_before_a_command_does_not_spoil_the_repeat_of_its_answer() -> None:
    meter, _ = meter_with()
    begin(meter)
    meter.run(0.2)
    meter.say(b"U" + READ, 9600)
    meter.run(0.6)
    assert meter.sent[-1].data == ANSWER
    assert ask(meter, NAK) == ANSWER


def test_a_nak_repeats_the_operand() -> None:
    meter, _ = meter_with()
    begin(meter)
    assert ask(meter, NAK) == P0


def test_a_session_left_alone_ends_after_one_to_two_minutes_without_a_word() -> None:
    for command in (b"", P1, READ):
        meter, _ = meter_with()
        begin(meter)
        if command:
            ask(meter, command)
        quiet_since, count = meter.sent[-1].end_ns, len(meter.sent)
        meter.run((quiet_since + 59_500 * MS - meter.now) / 1e9)
        assert meter.line.baud == 9600
        meter.run(1)
        assert len(meter.sent) == count
        assert_over(meter)


def test_noise_does_not_keep_a_session_alive_but_commands_do() -> None:
    meter, _ = meter_with()
    begin(meter)
    for _ in range(4):
        meter.run(50)
        assert ask(meter, READ) == ANSWER
    for _ in range(7):
        meter.run(8.8)
        meter.say(b"\x01W1\x02C", 9600)
    meter.run(0.2)
    assert_over(meter)


def test_half_a_command_is_forgotten() -> None:
    """When a gap follows, at once when a whole one follows."""
    for pause in (0.0, 1.4, 1.6, 30.0):
        meter, objects = meter_with()
        begin(meter)
        assert ask(meter, P1) == ACK
        meter.say(b"\x01W1\x02C.61.5(2", 9600)
        meter.run(pause)
        assert ask(meter, READ) == ANSWER
        assert objects.writes == []


def test_a_gap_within_a_command_breaks_it() -> None:
    good = message("W1", "C.61.5(20)")
    for gap, writes in ((1.4, 1), (1.6, 0)):
        meter, objects = meter_with()
        begin(meter)
        assert ask(meter, P1) == ACK
        meter.say(good[:6], 9600)
        meter.run(gap)
        meter.say(good[6:], 9600)
        meter.run(1)
        assert len(objects.writes) == writes


def test_what_comes_during_the_reaction_time_or_an_answer_is_not_obeyed() -> None:
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P1) == ACK
    meter.say(READ, 9600)
    meter.say(message("W1", "C.61.5(20)"), 9600)
    meter.run(2)
    assert (meter.sent[-1].data, objects.writes) == (ANSWER, [])


def test_a_new_request_at_the_rate_of_the_session_begins_a_new_one() -> None:
    """A client behind a converter that knows no rates was cut off and comes back."""
    meter, objects = meter_with()
    begin(meter)
    assert ask(meter, P2) == ACK
    meter.run(0.2)
    meter.say(REQUEST, 9600)
    meter.run(1)
    assert (meter.sent[-1].data, meter.sent[-1].baud) == (IDENT, 300)
    meter.say(option(y="1"))
    meter.run(1.2)
    assert ask(meter, message("W1", "C.61.5(20)")) == error(4)
    assert objects.writes == []


def test_a_request_for_another_meter_does_not_end_a_session() -> None:
    meter, _ = meter_with(address="12345678")
    begin(meter)
    assert ask(meter, b"/?87654321!\r\n") == b""
    assert ask(meter, READ) == ANSWER


def test_the_block_check_may_be_any_character() -> None:
    """Also SOH, STX, ETX, ACK and NAK."""
    meter, _ = meter_with()
    begin(meter)
    seen = set()
    for n in range(0x20, 0x7F):
        for more in ("", "A", "AA"):
            if chr(n) not in "()":
                command = message("R1", f"{chr(n)}{more}()")
                seen.add(command[-1])
                assert ask(meter, command) == error(2)
    assert {0x01, 0x02, 0x03, 0x04, 0x06, 0x15} <= seen
