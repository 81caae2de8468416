"""BREAK and noise before a request or a sign-off: what comes right behind is taken, whatever was going on."""

from __future__ import annotations

import pytest

from host_tests.iec_meter import IDENT, REQUEST, LineMeter, assert_readout, option, sign_on
from host_tests.iec_objects import ACK, ANSWER, P1, READ, SIGN_OFF, Objects, ask, begin

NOISE = (b"\x00", b"\x00" * 5, b"\x7f\x00", b"\x01", b"\x01\x00", b"\x01/", b"\x02\x03", b"\x06", b"\x15", b"/?", b"U")


def identified(meter: LineMeter) -> bool:
    meter.run(0.5)
    return meter.sent[-1].data == IDENT and meter.line.baud == 300


@pytest.mark.parametrize("seconds", [0.04, 0.25, 1.2])
@pytest.mark.parametrize("where", ["idle", "option", "data"])
def test_a_request_right_behind_a_break_is_taken(where: str, seconds: float) -> None:
    meter = LineMeter()
    if where != "idle":
        sign_on(meter)
    if where == "data":
        meter.say(option(z="0"))
        meter.run(1.1)
        meter.run((meter.sent[-1].end_ns - meter.now) / 1e9 + 0.1)
    count = len(meter.sent)
    meter.line.hold_break(round(seconds * 1e9))
    meter.run(seconds)
    meter.say(REQUEST)
    assert identified(meter)
    meter.run(2.5 + len(IDENT) / 30)
    assert len(meter.sent) > count
    meter.run(10)
    assert_readout(meter)


@pytest.mark.parametrize("noise", NOISE)
def test_a_request_right_behind_noise_is_taken(noise: bytes) -> None:
    """In each state that listens; in programming mode at the rate of the session, as behind a converter."""
    meter = LineMeter(access=Objects())
    meter.say(noise + REQUEST)
    assert identified(meter)
    meter.run(0.5)
    meter.say(noise + REQUEST)
    assert identified(meter)
    meter.run(8)
    if noise not in (b"\x06", b"\x15"):  # which are answers to data
        sign_on(meter)
        meter.say(option(z="0"))
        meter.run(1.1)
        meter.run((meter.sent[-1].end_ns - meter.now) / 1e9)
        meter.say(noise + REQUEST)
        assert identified(meter)
    meter.run(12)
    if noise != b"\x15":  # which asks for the answer before
        begin(meter)
        assert ask(meter, P1) == ACK
        meter.run(0.2)
        meter.say(noise + REQUEST, 9600)
        assert identified(meter)


@pytest.mark.parametrize("noise", [n for n in NOISE if n not in (b"\x06", b"\x15")])
def test_a_sign_off_right_behind_noise_ends_the_session(noise: bytes) -> None:
    meter = LineMeter(access=Objects())
    begin(meter)
    meter.run(0.2)
    meter.say(noise + SIGN_OFF, 9600)
    assert (meter.core.state, meter.line.baud) == (0, 300)
    sign_on(meter)
    meter.say(noise.replace(b"/?", b"") + SIGN_OFF)
    meter.run(0.1)
    assert meter.core.state == 0
    assert_readout(meter)


def test_a_request_right_behind_a_sign_off_is_taken() -> None:
    meter = LineMeter(access=Objects())
    begin(meter)
    meter.run(0.2)
    meter.say(SIGN_OFF, 9600)
    meter.say(REQUEST)
    assert identified(meter)


def test_a_request_that_stands_in_a_command_of_its_own_ends_the_session_but_changes_nothing() -> None:
    """No data set holds / or !, so what looks like a request is one."""
    objects = Objects()
    meter = LineMeter(access=objects)
    begin(meter)
    assert ask(meter, P1) == ACK
    meter.run(0.2)
    meter.say(b"\x01W1\x02C.61.5(/?!\r\n)\x03", 9600)
    assert identified(meter)
    assert objects.writes == []


def test_half_a_request_in_a_command_does_not_disturb_it() -> None:
    meter = LineMeter(access=Objects())
    begin(meter)
    meter.run(0.2)
    meter.say(b"/?!\r" + READ, 9600)
    meter.run(0.5)
    assert meter.sent[-1].data == ANSWER
