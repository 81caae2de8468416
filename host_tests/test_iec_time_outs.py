"""IEC 62056-21 mode C when things do not go as planned: silence, gaps, broken messages, repeats, sign-off."""

from __future__ import annotations

import pytest

from host_tests.iec_meter import IDENT, MS, REQUEST, STANDARD_VALUES, LineMeter, assert_readout, option, sign_on, values


def test_silence_instead_of_an_option_select_gives_the_readout_at_300_baud() -> None:
    meter = LineMeter()
    meter.say(REQUEST)
    meter.run(10)
    identification, data = meter.sent
    assert 1500 * MS < data.begin_ns - identification.end_ns <= 2200 * MS
    assert data.baud == 300
    assert values(meter.heard().removeprefix(IDENT)) == STANDARD_VALUES


def test_an_option_select_at_the_end_of_the_clients_time_is_taken() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.run((meter.sent[0].end_ns + 1500 * MS - meter.now) / 1e9)
    meter.say(option())
    meter.run(3)
    assert [m.baud for m in meter.sent] == [300, 9600]


@pytest.mark.parametrize(
    "broken",
    [
        b"\x060",
        b"\x06050",
        b"\x06050\r",
        b"\x06050\n",
        b"\x0605\r\n",
        b"\x060500\r\n",
        b"050\r\n",
        b"\x06X50\r\n",
        b"U",
    ],
)
def test_a_broken_option_select_ends_the_session(broken: bytes) -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(broken)
    meter.run(10)
    assert len(meter.sent) == 1
    assert_readout(meter)


def test_a_gap_within_the_option_select_breaks_it() -> None:
    for gap, messages_sent in ((1.4, 2), (1.6, 1)):
        meter = LineMeter()
        sign_on(meter)
        meter.say(b"\x060")
        meter.run(gap)
        meter.say(b"50\r\n")
        meter.run(5)
        assert len(meter.sent) == messages_sent


def test_a_gap_within_the_request_discards_its_beginning() -> None:
    for gap, answered in ((1.4, 1), (1.6, 0)):
        meter = LineMeter()
        meter.say(b"/?")
        meter.run(gap)
        meter.say(b"!\r\n")
        meter.run(1.5)
        assert len(meter.sent) == answered


def test_a_new_request_in_place_of_the_option_select_is_answered() -> None:
    meter = LineMeter()
    sign_on(meter)
    assert_readout(meter)
    assert [m.data for m in meter.sent[:2]] == [IDENT, IDENT]


def test_a_new_request_in_the_middle_of_the_option_select_is_answered() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(b"\x060")
    assert_readout(meter)


def test_sessions_follow_each_other_at_once_when_acknowledged() -> None:
    meter = LineMeter()
    for _ in range(3):
        assert_readout(meter)


def test_a_client_that_does_not_acknowledge_is_waited_for_then_the_port_is_ready() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(option())
    meter.run(1.0 + 0.1 + 1.7 + 0.2)
    assert meter.line.baud == 300
    assert_readout(meter)


def test_a_new_request_after_a_readout_at_300_baud_need_not_wait() -> None:
    meter = LineMeter("/LGZ0ZMG405260b.P01")
    sign_on(meter)
    meter.say(option(z="0"))
    meter.run(1.1)
    meter.run((meter.sent[1].end_ns - meter.now) / 1e9 + 0.2)
    sign_on(meter)
    assert len(meter.sent) == 3


def test_nak_repeats_the_same_message_three_times_although_values_change() -> None:
    readings = iter(range(100))

    def lines(number: int) -> list[str]:
        return [f"1.8.0({next(readings):06}*kWh)"]

    meter = LineMeter(lines=lines)
    sign_on(meter)
    meter.say(option())
    meter.run(1.5)
    for _ in range(3):
        out = meter.say(b"\x15", 9600)
        meter.run(0.5)
        assert meter.sent[-1].begin_ns - out >= 200 * MS
    assert len({m.data for m in meter.sent[1:]}) == 1
    assert len(meter.sent) == 5
    assert values(meter.sent[4].data) == [("1.8.0", "000000", "kWh")]
    meter.say(b"\x15", 9600)
    meter.run(2)
    assert len(meter.sent) == 5
    sign_on(meter)
    meter.say(option())
    meter.run(1.5)
    assert values(meter.sent[-1].data) == [("1.8.0", "000001", "kWh")]


def test_a_nak_after_the_time_out_is_not_obeyed() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(option())
    meter.run(1.1)
    meter.run((meter.sent[1].end_ns - meter.now) / 1e9 + 1.8)
    meter.say(b"\x15", 9600)
    meter.say(b"\x15", 300)
    meter.run(3)
    assert len(meter.sent) == 2


def test_sign_off_ends_a_session_at_any_point() -> None:
    sign_off = bytes.fromhex("0142300371")
    meter = LineMeter()
    for before in (b"", b"\x01B", b"\x01"):
        sign_on(meter)
        meter.say(before + sign_off)
        assert meter.core.state == 0
    meter.run(10)
    assert len(meter.sent) == 3  # no readout at 300 Bd
    sign_on(meter)
    meter.say(option())
    meter.run(1.3)
    meter.say(sign_off, 9600)
    assert meter.line.baud == 300
    assert_readout(meter)
