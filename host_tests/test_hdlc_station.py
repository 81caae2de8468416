"""The link layer as a secondary station: which frame it answers, with what, in which state, and when."""

from __future__ import annotations

import pytest

from host_tests.hdlc_line import (
    CLIENT,
    DISC,
    DM,
    FOUR_BYTES,
    FRMR,
    ONE_BYTE,
    POLL,
    RNR,
    RR,
    SNRM,
    UA,
    UI,
    Frame,
    Line,
    answered_parameters,
    client_address,
    command,
    parameters,
)

LLC = b"\xe6\xe6\x00"
AARQ = command(POLL, LLC + b"AARQ")
CONNECT = command(SNRM | POLL)


def connected(**changes: object) -> Line:
    line = Line(None, **changes)
    (answer,) = line.say(CONNECT)
    assert answer.kind == UA
    return line


def numbered(ns: int, nr: int, apdu: bytes = b"GET", poll: int = POLL, more: bool = False) -> Frame:
    return command(nr << 5 | poll | ns << 1, LLC + apdu, more)


# --- disconnected ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poll", [0, POLL])
@pytest.mark.parametrize(
    "frame",
    [
        command(DISC),
        command(RR),
        command(RNR | 0x20),
        command(0, LLC + b"AARQ"),
        command(0x09),
        command(0xAF),
        command(0x94),
    ],
)
def test_disconnected_every_polled_command_gets_dm_and_no_other(frame: Frame, poll: int) -> None:
    line = Line()
    polled = Frame(frame.to, frame.by, frame.control & ~POLL | poll, frame.information)
    assert [f.control for f in line.say(polled)] == ([DM | POLL] if poll else [])
    assert line.server.requests == [] and not line.station.active


def test_snrm_without_information_gets_the_default_parameters() -> None:
    """The answer with 128, 128, 1, 1 is the known frame."""
    line = Line(None, max_info_tx=1024, max_info_rx=1024, window_tx=7, window_rx=7)
    (answer,) = line.say(bytes.fromhex("7EA0070321930F017E"))
    assert answer.octets() == bytes.fromhex("7EA020210373739881801405020080060200800704000000010804000000 01CE6A7E")
    assert line.station.active


def test_answers_of_other_stations_are_not_commands() -> None:
    line = connected()
    for control in (UA, DM, FRMR):
        assert line.say(command(control | POLL)) == []
    assert line.station.active


# --- connection ------------------------------------------------------------------------------------------------------


def test_a_session_from_snrm_to_disc() -> None:
    line = connected()
    (answer,) = line.say(AARQ)
    assert (answer.to, answer.by, answer.control) == (client_address(CLIENT), FOUR_BYTES, 0x30)
    assert answer.information == b"\xe6\xe7\x00QRAA"
    assert line.server.requests == [(CLIENT, 1, b"AARQ")]
    assert [f.control for f in line.say(numbered(1, 1))] == [0x52]
    assert [f.control for f in line.say(command(DISC | POLL))] == [UA | POLL]
    assert line.server.releases == 1 and not line.station.active
    assert [f.control for f in line.say(command(DISC | POLL))] == [DM | POLL]
    assert line.server.releases == 1


def test_receive_ready_right_after_connecting_is_answered_with_receive_ready() -> None:
    assert [f.control for f in connected().say(command(RR | POLL))] == [0x11]


def test_snrm_while_connected_begins_anew() -> None:
    line = connected()
    line.say(AARQ)
    (answer,) = line.say(CONNECT)
    assert answer.kind == UA and line.server.releases == 1
    assert [f.control for f in line.say(AARQ)] == [0x30]  # numbers begin with 0 again
    assert len(line.server.requests) == 2


def test_another_client_takes_the_meter_over_and_the_first_is_told_so() -> None:
    line = connected()
    line.say(AARQ)
    (answer,) = line.say(command(SNRM | POLL, client=48))
    assert answer.kind == UA and answer.to == client_address(48) and line.server.releases == 1
    assert [(f.to, f.control) for f in line.say(numbered(1, 1))] == [(client_address(CLIENT), DM | POLL)]
    assert line.say(command(POLL, LLC + b"AARQ", client=48))[0].control == 0x30
    assert line.server.requests[-1] == (48, 1, b"AARQ")


def test_a_client_that_is_not_connected_disturbs_nothing() -> None:
    line = connected()
    line.say(AARQ)
    for frame in (command(RR | POLL, client=1), command(DISC | POLL, client=1), command(POLL, LLC + b"x", client=1)):
        assert [(f.to, f.control) for f in line.say(frame)] == [(b"\x03", DM | POLL)]
    assert [f.control for f in line.say(numbered(1, 1))] == [0x52]
    assert line.server.releases == 0 and not line.station.over


def test_each_logical_device_is_connected_for_itself() -> None:
    line = connected(logical_devices=(1, 2))
    second = bytes.fromhex("00040023")
    assert [f.control for f in line.say(command(RR | POLL, to=second))] == [DM | POLL]
    line.say(command(SNRM | POLL, to=second))
    (answer,) = line.say(command(POLL, LLC + b"AARQ", to=second))
    assert answer.by == second and line.server.requests == [(CLIENT, 2, b"AARQ")]


def test_parameters_are_asked_anew_at_each_connection() -> None:
    line = connected()
    line.setup.max_info_tx, line.setup.window_tx = 200, 3
    asked = parameters(info_rx=500, window_rx=7)
    assert [len(f.information) for f in line.say(numbered(0, 0, bytes(300)[:100]))] == [103]
    (answer,) = line.say(command(SNRM | POLL, asked))
    assert answered_parameters(answer) == (200, 128, 3, 1)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "answered"),
    [
        ("03", True),
        ("02 23", True),
        ("00 02 00 23", True),
        ("05", False),  # another logical device
        ("00 04 00 23", False),
        ("02 25", False),  # another meter
        ("00 02 00 25", False),
        ("00 02 02 23", False),  # 273: the lower seven bits alone are ours
        ("01", False),  # no station
        ("00 02 00 01", False),
        ("FF", False),  # all stations
        ("02 FF", False),
        ("FE 23", False),
        ("00 02 FE FF", False),
        ("FE FE 00 23", False),
        ("FE FE FE FF", False),
        ("FD", False),  # calling station
        ("00 02 FE FD", False),
    ],
)
def test_only_its_own_addresses_are_answered(to: str, answered: bool) -> None:
    line = Line()
    said = line.say(command(SNRM | POLL, to=bytes.fromhex(to)))
    assert [f.by for f in said] == ([bytes.fromhex(to)] if answered else [])
    assert line.station.active == answered


@pytest.mark.parametrize("physical", [16, 125, 126, 127, 128, 1887, 10999, 16381])
def test_lower_address_of_any_size(physical: int) -> None:
    line = Line(None, physical_address=physical)
    to = bytes((0, 2, physical >> 6 & 0xFE, physical << 1 & 0xFE | 1))
    assert [f.by for f in line.say(command(SNRM | POLL, to=to))] == [to]


@pytest.mark.parametrize(("physical", "to"), [(126, "02 FD"), (127, "02 FF"), (0, "02 01"), (0, "00 02 00 01")])
def test_reserved_lower_addresses_are_not_a_meters(physical: int, to: str) -> None:
    line = Line(None, physical_address=physical)
    assert line.say(command(SNRM | POLL, to=bytes.fromhex(to))) == []
    assert line.say(command(SNRM | POLL, to=ONE_BYTE))[0].kind == UA


@pytest.mark.parametrize("by", ["01", "FF", "02 21", "00 02 00 21"])
def test_a_client_has_one_octet_and_is_a_station(by: str) -> None:
    assert Line().say(Frame(ONE_BYTE, bytes.fromhex(by), SNRM | POLL)) == []


# --- frames that must not be -----------------------------------------------------------------------------------------

# Conformance tests of the DLMS UA (T_HDLC_INFO_N1, N2; unknown commands): FRMR, and the link is set up anew by SNRM.
REJECTED = [
    (command(0x09 | POLL), 0x01),  # REJ
    (command(0x0D | POLL), 0x01),  # SREJ
    (command(0x2F | POLL), 0x01),  # SABM
    (command(0xE3 | POLL), 0x01),  # TEST
    (command(0xAF | POLL, b"\x81\x80\x00"), 0x01),  # XID
    (command(RR | POLL, b"information"), 0x02),
    (command(POLL, LLC + bytes(126)), 0x04),  # 129 octets
    (command(RR | POLL | 0x20), 0x08),  # acknowledges what was never sent
    (command(POLL | 0xE0, LLC + b"GET"), 0x08),
]


@pytest.mark.parametrize(("frame", "reason"), REJECTED)
def test_impossible_frames_are_rejected_until_the_link_is_set_up_anew(frame: Frame, reason: int) -> None:
    line = connected()
    for again in (frame, command(RR | POLL), numbered(0, 0)):
        (answer,) = line.say(again)
        assert (answer.control, answer.information) == (FRMR | POLL, bytes((frame.control, 0, reason)))
    assert line.server.requests == [] and line.station.active
    assert line.say(CONNECT)[0].kind == UA
    assert line.say(AARQ)[0].control == 0x30


def test_rejection_gives_the_state_variables() -> None:
    line = connected()
    line.say(AARQ)
    line.say(numbered(1, 1))
    (answer,) = line.say(command(0x09 | POLL))
    assert answer.information == bytes((0x19, 2 << 5 | 2 << 1, 1))


def test_a_rejected_link_can_be_released() -> None:
    line = connected()
    line.say(command(0x09 | POLL))
    assert [f.control for f in line.say(command(DISC | POLL))] == [UA | POLL]


def test_wrong_send_sequence_number_gets_receive_ready() -> None:
    """T_HDLC_INFO_N3: the frame is not taken, the answer says what is expected."""
    line = connected()
    assert [f.control for f in line.say(numbered(1, 0))] == [0x11]
    assert line.server.requests == []
    assert [f.control for f in line.say(numbered(0, 0))] == [0x30]


@pytest.mark.parametrize("where", [1, 3, 5, 6, 12, -3, -2])
def test_spoilt_frames_are_silently_dropped(where: int) -> None:
    line = connected()
    spoilt = bytearray(AARQ.octets())
    spoilt[where] ^= 0x04
    assert line.say(bytes(spoilt)) == [] and line.wait(100) == []
    assert line.server.requests == []
    assert line.say(AARQ)[0].control == 0x30


# --- information, both ways ------------------------------------------------------------------------------------------


def test_a_segmented_request_is_acknowledged_piece_by_piece() -> None:
    line = connected()
    assert [f.control for f in line.say(numbered(0, 0, b"one ", more=True))] == [0x31]
    assert [f.control for f in line.say(command(2 | POLL, b"two ", True))] == [0x51]
    (answer,) = line.say(command(4 | POLL, b"three"))
    assert answer.control == 0x70
    assert line.server.requests == [(CLIENT, 1, b"one two three")]


def test_a_window_of_request_segments_is_answered_once() -> None:
    line = Line(None, window_rx=3)
    line.say(command(SNRM | POLL, parameters(window_tx=3)))
    assert line.say(numbered(0, 0, b"one ", 0, True)) == []
    assert line.say(command(2, b"two ", True)) == []
    assert [f.control for f in line.say(command(4 | POLL, b"three"))] == [0x70]


def test_a_segmented_answer_is_sent_window_by_window() -> None:
    line = Line(None, window_tx=3)
    line.server.reply = lambda apdu: bytes(range(256)) * 2
    line.say(command(SNRM | POLL, parameters(window_rx=3)))
    first = line.say(numbered(0, 0))
    assert [(f.control, f.more, len(f.information)) for f in first] == [
        (0x20, True, 128),
        (0x22, True, 128),
        (0x34, True, 128),
    ]
    last = line.say(command(RR | POLL | 3 << 5))
    assert [(f.control, f.more) for f in last] == [(0x26, True), (0x38, False)]
    whole = b"".join(f.information for f in first + last)
    assert whole == b"\xe6\xe7\x00" + bytes(range(256)) * 2


def test_a_repeated_poll_repeats_what_is_not_acknowledged() -> None:
    line = Line(None, window_tx=3)
    line.server.reply = lambda apdu: bytes(1000)
    line.say(command(SNRM | POLL, parameters(window_rx=3)))
    assert [f.ns for f in line.say(numbered(0, 0))] == [0, 1, 2]
    assert [f.ns for f in line.say(command(RR | POLL))] == [0, 1, 2]
    assert [f.ns for f in line.say(command(RR | POLL | 1 << 5))] == [1, 2, 3]
    assert [f.ns for f in line.say(numbered(0, 3))] == [3, 4, 5]  # the request once more, for what it acknowledges
    assert len(line.server.requests) == 1


def test_a_repeated_request_is_answered_again_and_carried_out_once() -> None:
    line = connected()
    first = line.say(AARQ)
    assert line.say(AARQ) == line.say(AARQ) == first
    assert len(line.server.requests) == 1


def test_client_that_is_not_ready_gets_no_information() -> None:
    line = connected()
    line.server.reply = lambda apdu: bytes(200)
    assert [f.ns for f in line.say(numbered(0, 0))] == [0]
    assert [f.control for f in line.say(command(RNR | POLL | 1 << 5))] == [0x31]
    assert [f.control for f in line.say(command(RR | POLL | 1 << 5))] == [0x32]


def test_nothing_is_sent_without_a_poll() -> None:
    line = connected(window_rx=7)
    line.say(command(SNRM | POLL, parameters(window_tx=7)))
    assert line.say(numbered(0, 0, b"a", 0)) == []
    assert line.wait(1000) == []
    assert line.say(command(RR)) == []
    assert [f.information for f in line.say(command(RR | POLL))] == [b"\xe6\xe7\x00a"]


def test_commands_without_poll_are_carried_out_and_answered_at_the_next_one() -> None:
    line = Line()
    assert line.say(command(SNRM)) == [] and line.station.active
    assert [f.kind for f in line.say(command(RR | POLL))] == [UA]


def test_requests_of_one_window_are_all_answered_in_turn() -> None:
    line = Line(None, window_rx=2)
    line.say(command(SNRM | POLL, parameters(window_tx=2)))
    (first,) = line.say(numbered(0, 0, b"ab", 0), numbered(1, 0, b"cd"))
    (second,) = line.say(command(RR | POLL | 1 << 5))
    assert (first.information[3:], second.information[3:]) == (b"ba", b"dc")
    assert (second.ns, second.nr) == (1, 2)


def test_a_new_request_ends_an_answer_that_was_not_taken_whole() -> None:
    line = connected()
    line.server.reply = lambda apdu: bytes(1000) if apdu == b"long" else b"short"
    assert [f.ns for f in line.say(numbered(0, 0, b"long"))] == [0]
    assert [f.ns for f in line.say(command(RR | POLL | 1 << 5))] == [1]
    (answer,) = line.say(numbered(1, 1, b"other"))  # number 1 was lost, and is given to the new answer
    assert (answer.ns, answer.information[3:], answer.more) == (1, b"short", False)


def test_an_apdu_too_long_is_cut_so_that_the_server_can_say_so() -> None:
    line = connected()
    line.server.max_pdu = 150
    line.say(CONNECT)
    for n, more in enumerate((True, True, False)):
        part = LLC + bytes(100) if n == 0 else bytes(100)
        line.say(command(n << 1 | POLL, part, more))
    assert [len(apdu) for _, _, apdu in line.server.requests] == [151]


@pytest.mark.parametrize("header", [b"", b"\xe6\xe7\x00", b"\xe6\xe6\x01", b"\xe6\xe6"])
def test_information_without_the_llc_header_of_a_command_is_acknowledged_and_dropped(header: bytes) -> None:
    line = connected()
    assert [f.control for f in line.say(command(POLL, header + b""))] == [0x31]
    assert line.server.requests == []
    assert [f.control for f in line.say(command(2 | POLL, LLC + b"GET"))] == [0x50]


def test_a_service_without_answer_is_acknowledged() -> None:
    line = connected()
    line.server.reply = lambda apdu: None
    assert [f.control for f in line.say(AARQ)] == [0x31]


# --- unnumbered information ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "devices"),
    [
        ("FF", (1, 2)),
        ("FE FF", (1, 2)),
        ("FE 23", (1, 2)),
        ("FE FE 00 23", (1, 2)),
        ("FE FE FE FF", (1, 2)),
        ("02 FF", (1,)),  # this logical device of all meters
        ("00 04 FE FF", (2,)),
        ("00 06 FE FF", ()),
        ("FE FE 00 25", ()),
        ("00 FE FE FF", ()),  # 127 is a number like others where there are fourteen bits
        ("00 02 00 FF", ()),
    ],
)
def test_broadcast_is_carried_out_and_never_answered(to: str, devices: tuple[int, ...]) -> None:
    line = Line(None, logical_devices=(1, 2))
    assert line.say(command(UI | POLL, LLC + b"SET", to=bytes.fromhex(to))) == []
    assert line.wait(500) == []
    assert line.server.requests == [(CLIENT, device, b"SET") for device in devices]


@pytest.mark.parametrize("state", ["disconnected", "connected"])
def test_an_empty_polled_ui_fetches_a_notification(state: str) -> None:
    line = connected() if state == "connected" else Line()
    nothing = line.say(command(UI | POLL))
    assert [f.control for f in nothing] == [RR | POLL if state == "connected" else DM | POLL]
    line.server.notifications.append((CLIENT, 1, b"EVENT"))
    (answer,) = line.say(command(UI | POLL))
    assert (answer.to, answer.by, answer.control) == (client_address(CLIENT), FOUR_BYTES, UI | POLL)
    assert answer.information == b"\xe6\xe7\x00EVENT"
    assert line.server.requests == []


def test_a_long_notification_goes_in_segments_when_nothing_else_is_to_send() -> None:
    line = connected()
    line.server.notifications.append((CLIENT, 1, bytes(200)))
    assert [f.kind for f in line.say(AARQ)] == [0]
    said = line.say(command(RR | POLL | 1 << 5))
    assert [(f.control, f.more, len(f.information)) for f in said] == [(UI, True, 128), (UI | POLL, False, 75)]
    assert [f.control for f in line.say(command(RR | POLL | 1 << 5))] == [0x31]


def test_another_clients_poll_for_notifications_fetches_no_answer_of_the_connection() -> None:
    line = connected(window_rx=2)
    line.say(numbered(0, 0, b"secret", 0))
    assert [f.control for f in line.say(command(UI | POLL, client=1))] == [DM | POLL]
    assert [f.information[3:] for f in line.say(command(RR | POLL))] == [b"terces"]
