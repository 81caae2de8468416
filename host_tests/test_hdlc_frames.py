"""HDLC frames: known ones, those of two libraries, and what a reader makes of a line with anything on it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from dlms_cosem.hdlc import address as cosem_address
from dlms_cosem.hdlc import frames as cosem_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.hdlc_line import Frame, check, hdlc_setup, parameters, parsed
from meter.comms import hdlc_frames as hdlc

# Octets between the flags, destination, source, control, information
KNOWN = [
    ("A0 07 03 21 93 0F 01", "03", "21", 0x93, ""),
    ("A0 07 03 21 53 03 C7", "03", "21", 0x53, ""),
    ("A0 0A 00 02 00 23 21 93 18 71", "00 02 00 23", "21", 0x93, ""),
    (  # field capture: a ZMG310 is asked for 1500 octets in either direction
        "A0 23 00 02 1C BF 41 93 B8 4E 81 80 14 05 02 05 DC 06 02 05 DC 07 04 00 00 00 01 08 04 00 00 00 01 A9 0D",
        "00 02 1C BF",
        "41",
        0x93,
        "81 80 14 05 02 05 DC 06 02 05 DC 07 04 00 00 00 01 08 04 00 00 00 01",
    ),
    (
        "A0 20 21 03 73 73 98 81 80 14 05 02 00 80 06 02 00 80 07 04 00 00 00 01 08 04 00 00 00 01 CE 6A",
        "21",
        "03",
        0x73,
        "81 80 14 05 02 00 80 06 02 00 80 07 04 00 00 00 01 08 04 00 00 00 01",
    ),
]


def read(data: bytes, chunk: int = 1 << 12) -> list[Frame]:
    """All frames a reader finds in `data`, fed in pieces."""
    reader, found = hdlc.FrameReader(), []
    for begin in range(0, len(data), chunk):
        piece, at = data[begin : begin + chunk], 0
        while at < len(piece):
            at = reader.add(piece, at)
            while reader.next():
                found.append(
                    Frame(
                        reader.destination, reader.source, reader.control, bytes(reader.information), reader.segmented
                    )
                )
    return found


@pytest.mark.parametrize(("octets", "to", "by", "control", "information"), KNOWN)
def test_known_frames_are_built_and_read(octets: str, to: str, by: str, control: int, information: str) -> None:
    data = b"\x7e" + bytes.fromhex(octets) + b"\x7e"
    fields = bytes.fromhex(to), bytes.fromhex(by), control, bytes.fromhex(information)
    assert bytes(hdlc.frame(*fields)) == data
    assert read(data) == [Frame(*fields)] == [parsed(data)]


def test_check_sequence_of_the_catalogue() -> None:
    assert check(b"123456789") == bytes.fromhex("6E90")
    assert hdlc.crc_x25(b"123456789", 0xFFFF, 0, 9) ^ 0xFFFF == 0x906E


# Upper, lower, octets: from the ZMG310 capture, the EMH and L+G field notes' rule, the standard's limits
@pytest.mark.parametrize(
    ("upper", "lower", "octets"),
    [
        (1, -1, "03"),
        (1, 17, "02 23"),
        (1, 17, "00 02 00 23"),
        (1, 1887, "00 02 1C BF"),
        (16, 6713, "00 20 68 73"),
        (127, 127, "FE FF"),
        (0x3FFF, 0x3FFF, "FE FE FE FF"),
        (1, 16381, "00 02 FE FB"),
    ],
)
def test_addresses_of_one_two_and_four_octets(upper: int, lower: int, octets: str) -> None:
    data = bytes.fromhex(octets)
    assert hdlc.split_address(data) == (upper, lower)
    assert hdlc.join_address(upper, lower, len(data)) == data


@settings(max_examples=200, deadline=None)
@given(upper=st.integers(1, 0x3FFF), lower=st.integers(128, 0x3FFF))
def test_addresses_are_those_of_another_implementation(upper: int, lower: int) -> None:
    theirs = cosem_address.HdlcAddress(upper, lower, "server", extended_addressing=True).to_bytes()
    assert hdlc.join_address(upper, lower, 4) == theirs
    assert hdlc.split_address(theirs) == (upper, lower)


ADDRESSES = st.sampled_from([b"\x03", b"\x02\x23", b"\x00\x02\x00\x23", b"\xfe\xfe\xfe\xff"])
FRAMES = st.builds(
    Frame,
    ADDRESSES,
    st.integers(1, 126).map(lambda client: bytes((client << 1 | 1,))),
    st.integers(0, 255),
    st.binary(max_size=60) | st.sampled_from([b"\x7e" * 40, bytes(2030)]),
    st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(frame=FRAMES, cut=st.integers(0, 60))
def test_frames_are_those_of_the_plain_codec(frame: Frame, cut: int) -> None:
    prefix, rest = frame.information[:cut], frame.information[cut:]
    built = hdlc.frame(frame.to, frame.by, frame.control, memoryview(rest), prefix, frame.more)
    assert bytes(built) == frame.octets()
    assert read(frame.octets()) == [frame]


@settings(max_examples=60, deadline=None)
@given(payload=st.binary(min_size=1, max_size=200), ns=st.integers(0, 7), nr=st.integers(0, 7), more=st.booleans())
def test_information_frames_of_dlms_cosem_are_read_and_ours_are_read_by_it(
    payload: bytes, ns: int, nr: int, more: bool
) -> None:
    server = cosem_address.HdlcAddress(1, 1887, "server", extended_addressing=True)
    client = cosem_address.HdlcAddress(32, None, "client")
    theirs = cosem_frames.InformationFrame(server, client, payload, more, True, ns, nr).to_bytes()
    assert read(theirs) == [Frame(bytes.fromhex("00021CBF"), b"\x41", nr << 5 | 0x10 | ns << 1, payload, more)]
    ours: Any = cosem_frames.InformationFrame.from_bytes(
        bytes(hdlc.frame(b"\x41", bytes.fromhex("00021CBF"), nr << 5 | 0x10 | ns << 1, payload, b"", more))
    )
    assert (ours.send_sequence_number, ours.receive_sequence_number) == (ns, nr)
    assert (ours.payload, ours.segmented, ours.final) == (payload, more, True)
    assert (ours.source_address.logical_address, ours.source_address.physical_address) == (1, 1887)


# --- reading ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(FRAMES, min_size=1, max_size=5), chunk=st.integers(1, 70), shared=st.booleans())
def test_frames_in_any_pieces_are_all_read(frames: list[Frame], chunk: int, shared: bool) -> None:
    parts = [frame.octets() for frame in frames]
    data = parts[0] + b"".join(part[1:] for part in parts[1:]) if shared else b"".join(parts)
    assert read(data, chunk) == frames


@settings(max_examples=60, deadline=None)
@given(frame=FRAMES, bit=st.integers(0), chunk=st.integers(1, 70))
def test_a_frame_with_a_wrong_bit_is_no_frame(frame: Frame, bit: int, chunk: int) -> None:
    data = bytearray(frame.octets())
    bit %= 8 * len(data)
    data[bit // 8] ^= 1 << bit % 8
    assert read(bytes(data), chunk) == []


@settings(max_examples=60, deadline=None)
@given(frame=FRAMES.filter(lambda f: len(f.information) < 100), at=st.integers(0, 2100), extra=st.binary(max_size=3))
def test_lost_and_added_octets_make_no_frame_and_the_next_is_read(frame: Frame, at: int, extra: bytes) -> None:
    """With a pause between them, as there is where a client has waited in vain."""
    data = frame.octets()
    at %= len(data) - 2
    spoilt = data[: at + 1] + extra + data[at + 2 :]
    reader = hdlc.FrameReader()
    assert reader.add(spoilt) == len(spoilt)
    found = []
    while reader.waiting:
        while reader.next():
            found.append(Frame(reader.destination, reader.source, reader.control, bytes(reader.information)))
        if reader.waiting:
            reader.skip()
    intact = extra == data[at + 1 : at + 2]
    assert len(found) == intact
    assert reader.add(frame.octets()) == len(frame.octets())
    assert reader.next() and reader.control == frame.control


@pytest.mark.parametrize("noise", ["7E", "7E 7E 7E", "A0 07 03", "7E A0 07 03 21", "7E A7 FF 03 21 93 00 00", "55 AA"])
def test_a_frame_right_behind_noise_is_read(noise: str) -> None:
    """Without any pause: what cannot be a frame's header is given up as soon as that can be told."""
    frame = Frame(b"\x03", b"\x21", 0x93)
    data = bytes.fromhex(noise) + frame.octets()
    assert read(data) == read(data, 1) == [frame]


def test_what_is_inside_a_longer_frame_is_nobodys_frame() -> None:
    """Data of a neighbour that look like a command to us, in a frame whose data or end are spoilt."""
    inner = Frame(b"\x03", b"\x21", 0x93).octets()
    outer = bytearray(Frame(b"\x41", b"\x00\x02\x1c\xbf", 0x30, b"\xe6\xe7\x00" + inner + bytes(20)).octets())
    assert len(read(bytes(outer))) == 1
    outer[-6] ^= 1
    assert read(bytes(outer)) == []


@pytest.mark.parametrize(
    "header",
    [
        "90 07 03 21 93",  # another frame format type
        "A0 06 03 21",  # too short
        "A0 09 03 21 93 00 00",  # too long for no information, too short for an HCS and some
        "A0 09 02 04 23 21 93",  # an address of three octets
        "A0 0B 02 04 06 08 09 21 93",  # and of five
    ],
)
def test_wrong_formats_lengths_and_addresses_are_no_frames(header: str) -> None:
    body = bytes.fromhex(header)
    assert body[1] == len(body) + 2
    assert read(b"\x7e" + body + check(body) + b"\x7e") == []


def test_readers_buffer_takes_the_longest_frame_at_any_place() -> None:
    longest = Frame(b"\x00\x02\x00\x23", b"\x21", 0x10, random.Random(1).randbytes(2047 - 12))
    assert len(longest.octets()) == 2049
    assert read(b"\x01" * 5 + 3 * longest.octets(), 700) == 3 * [longest]


# --- negotiation -----------------------------------------------------------------------------------------------------

# Limits of the meter (info_tx, info_rx, window_tx, window_rx), the SNRM's information, what holds then
OURS = (1024, 512, 7, 3)
NEGOTIATION: list[tuple[tuple[int, int, int, int], bytes, tuple[int, int, int, int]]] = [
    (OURS, b"", (128, 128, 1, 1)),
    ((64, 96, 1, 1), b"", (64, 96, 1, 1)),
    (OURS, parameters(), (128, 128, 1, 1)),
    (OURS, parameters(info_tx=2030, info_rx=2030, window_tx=7, window_rx=7), (1024, 512, 7, 3)),
    (OURS, parameters(info_tx=100, info_rx=200, window_tx=2, window_rx=4), (200, 100, 4, 2)),
    (OURS, parameters(info_rx=300), (300, 128, 1, 1)),
    (OURS, parameters(info_tx=300), (128, 300, 1, 1)),
    (OURS, parameters(window_rx=5), (128, 128, 5, 1)),
    (OURS, parameters(info_tx=(248, 1), info_rx=(248, 1), window_tx=(2, 1), window_rx=(2, 2)), (248, 248, 2, 2)),
    (OURS, parameters(info_tx=(400, 4), info_rx=(400, 4), window_tx=(3, 2), window_rx=(3, 1)), (400, 400, 3, 3)),
    (OURS, parameters(info_tx=(0xFFFFFFFF, 4), info_rx=0xFFFF, window_tx=(2**32 - 1, 4)), (1024, 512, 1, 3)),
    (OURS, parameters(info_tx=0, info_rx=1, window_tx=0, window_rx=0), (32, 32, 1, 1)),
    (OURS, bytes.fromhex("818005 09 01 55 06 02 01"), (128, 128, 1, 1)),  # an unknown one; cut short
    (OURS, bytes.fromhex("818008 05 03 000100 06 01 F0"), (240, 128, 1, 1)),  # three octets are none of the lengths
    (OURS, bytes.fromhex("8180FF 06 01 F0"), (240, 128, 1, 1)),  # more announced than there is
    (OURS, bytes.fromhex("818000 06 01 F0"), (128, 128, 1, 1)),  # outside the group
    (OURS, bytes.fromhex("81F003 06 01 F0"), (128, 128, 1, 1)),  # another group
    (OURS, bytes.fromhex("828003 06 01 F0"), (128, 128, 1, 1)),  # another format
    (OURS, b"\x81", (128, 128, 1, 1)),
    # the capture of a reader of ZMG310, and gurux's form
    ((1024, 1024, 1, 1), bytes.fromhex(KNOWN[3][4]), (1024, 1024, 1, 1)),
    (OURS, bytes.fromhex("818012 050180 060180 070400000001 080400000001"), (128, 128, 1, 1)),
]


@pytest.mark.parametrize(("ours", "asked", "agreed"), NEGOTIATION)
def test_negotiation_takes_the_smaller_of_both(ours: tuple[int, ...], asked: bytes, agreed: tuple[int, ...]) -> None:
    names = ("max_info_tx", "max_info_rx", "window_tx", "window_rx")
    setup = hdlc_setup(**dict(zip(names, ours, strict=True)))
    link = hdlc.Link(setup)
    link.negotiate(setup, asked)
    assert (link.info_tx, link.info_rx, link.window_tx, link.window_rx) == agreed


@settings(max_examples=200, deadline=None)
@given(tail=st.binary(max_size=40))
def test_any_parameters_leave_the_link_inside_its_limits(tail: bytes) -> None:
    setup = hdlc_setup(max_info_tx=1024, max_info_rx=512, window_tx=7, window_rx=3)
    for asked in (tail, b"\x81\x80" + tail):
        link = hdlc.Link(setup)
        link.negotiate(setup, asked)
        assert 32 <= link.info_tx <= 1024 and 32 <= link.info_rx <= 512
        assert 1 <= link.window_tx <= 7 and 1 <= link.window_rx <= 3
