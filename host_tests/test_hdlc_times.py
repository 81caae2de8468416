"""The link layer's times: gaps inside a frame, the end by silence, and when the port is to call again."""

from __future__ import annotations

import pytest

from host_tests.hdlc_line import DISC, DM, POLL, SNRM, UA, Line, command

CONNECT = command(SNRM | POLL)
LAST_TICK = (1 << 30) - 1


@pytest.mark.parametrize(
    ("baud", "inter_octet_ms", "kept", "dropped"),
    [
        (9600, 25, 25, 26),
        (38400, 25, 25, 26),
        (9600, 100, 100, 101),
        # four characters and the line's look every 10 ms, or no frame would ever be whole
        (300, 25, 143, 144),
        (1200, 25, 43, 44),
    ],
)
def test_a_gap_longer_than_the_inter_octet_time_ends_a_frame(
    baud: int, inter_octet_ms: int, kept: int, dropped: int
) -> None:
    data = CONNECT.octets()
    for gap, answers in ((kept, [UA]), (dropped, [])):
        line = Line(None, inter_octet_ms=inter_octet_ms)
        line.station.baud = baud
        assert line.say(data[:5]) == [] and line.wait(gap) == []
        assert [f.kind for f in line.say(data[5:])] == answers


def test_a_frame_is_not_dropped_because_the_meter_was_late() -> None:
    """The second half waited in the receive buffer; nobody has seen a gap."""
    line, data = Line(), CONNECT.octets()
    line.say(data[:5])
    line.now += 500
    assert [f.kind for f in line.say(data[5:])] == [UA]


def test_a_good_frame_behind_the_beginning_of_another_is_answered_after_the_gap() -> None:
    line = Line()
    beginning = command(POLL, bytes(100)).octets()[:20]
    assert line.say(beginning + CONNECT.octets()) == []
    assert [f.kind for f in line.wait(50)] == [UA]


def test_silence_ends_the_connection_at_the_inactivity_time_and_not_before() -> None:
    line = Line(None, inactivity_s=30)
    line.say(CONNECT)
    assert line.station.wait_ms(line.now) == 30_000
    assert line.wait(29_999) == [] and line.station.active
    assert line.say(command(0x01 | POLL))[0].control == 0x11  # activity
    line.wait(29_999)
    assert line.station.active and line.server.releases == 0
    line.wait(1)
    assert not line.station.active and line.station.over and line.server.releases == 1
    assert [f.control for f in line.say(command(0x01 | POLL))] == [DM | POLL]


def test_inactivity_time_zero_is_for_ever() -> None:
    line = Line(None, inactivity_s=0)
    line.say(CONNECT)
    assert line.station.wait_ms(line.now) == -1
    line.wait(10**8)
    assert line.station.active


def test_only_the_connected_client_keeps_the_connection_alive() -> None:
    line = Line(None, inactivity_s=10)
    line.say(CONNECT)
    for _ in range(3):
        line.wait(4000)
        line.say(command(0x01 | POLL, client=1), command(SNRM | POLL, to=b"\x05"), b"\x7e noise \x7e")
    assert not line.station.active


def test_ticks_may_wrap() -> None:
    line = Line(None, inactivity_s=30)
    line.now = LAST_TICK - 10
    line.say(CONNECT)
    line.station.tick(20_000)
    assert line.station.active and line.station.wait_ms(20_000) == 30_000 - 20_011
    line.station.tick(29_990)
    assert not line.station.active


def test_mode_e_is_over_when_the_answer_to_disc_is_out() -> None:
    line = Line()
    line.station.begin(9600, line.now)
    line.say(CONNECT)
    line.station.feed(command(DISC | POLL).octets(), line.now)
    out = line.station.tick(line.now)
    assert out is not None and not line.station.over
    line.station.sent(line.now)
    assert line.station.over and line.station.wait_ms(line.now) == -1


def test_mode_e_is_over_after_disc_without_a_connection_and_after_silence() -> None:
    line = Line(None, inactivity_s=30)
    line.station.begin(19200, line.now)
    assert [f.control for f in line.say(command(DISC | POLL))] == [DM | POLL]
    assert line.station.over
    line.station.begin(19200, line.now)
    assert not line.station.over and line.station.baud == 19200
    line.wait(29_999)
    assert not line.station.over
    line.wait(1)
    assert line.station.over and line.server.releases == 0


def test_disc_of_a_stranger_does_not_end_mode_e() -> None:
    line = Line()
    line.station.begin(9600, line.now)
    line.say(CONNECT)
    assert [f.control for f in line.say(command(DISC | POLL, client=1))] == [DM | POLL]
    assert line.station.active and not line.station.over


def test_beginning_anew_forgets_everything() -> None:
    line = Line()
    line.say(CONNECT)
    line.station.feed(command(POLL, b"\xe6\xe6\x00GET").octets() + b"\x7e\xa0\x07", line.now)
    line.station.begin(9600, line.now)
    assert line.server.releases == 1 and not line.station.active
    assert line.answer() == [] and line.station.wait_ms(line.now) == 120_000


def test_waiting_times() -> None:
    line = Line()
    station = line.station
    assert station.wait_ms(line.now) == -1  # nothing to do before something comes
    station.feed(CONNECT.octets()[:4], line.now)
    assert station.wait_ms(line.now + 5) == 21
    station.feed(CONNECT.octets()[4:], line.now)
    assert station.wait_ms(line.now) == 0
    line.answer()
    assert station.wait_ms(line.now) == 120_000
