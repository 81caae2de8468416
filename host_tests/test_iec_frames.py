"""Characters and messages of IEC 62056-21 against the fact sheet's byte strings and the PyPI client's code."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iec62056_21 import utils

from meter.comms import frames
from meter.comms.requests import CommandReader, OptionReader, RequestReader, same_address

COMMANDS = st.text("RWPEB0123456789.(*):", min_size=1, max_size=80).map(str.encode)
REQUEST_CHARACTERS = st.text("0123456789ABCXYZabcxyz ", max_size=32)


@pytest.mark.parametrize(
    ("block", "check"),
    [
        (b"B0\x03", 0x71),
        (b"P0\x02()\x03", 0x60),
        (b"P1\x02(00000000)\x03", 0x61),
        (b"R5\x021.8.0()\x03", 0x5E),
        (b"R1\x021.8.0()\x03", 0x5A),
        (b"R5\x02P.01(;)\x03", 0x23),
    ],
)
def test_block_check_of_known_commands(block: bytes, check: int) -> None:
    assert frames.block_check(block) == check


def test_sign_off_message_carries_its_own_block_check() -> None:
    assert utils.add_bcc(b"\x01B0\x03") == frames.SIGN_OFF


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_block_check_can_be_taken_in_pieces_and_is_seven_bits(a: bytes, b: bytes) -> None:
    whole = frames.block_check(a + b)
    assert whole == frames.block_check(b, frames.block_check(a)) == utils.calculate_bcc(a + b)[0]


@given(st.lists(st.text("0123456789.*()kWh", max_size=70), max_size=20))
def test_data_message_is_what_the_reference_client_accepts(lines: list[str]) -> None:
    message = b"".join(frames.data_message(line.encode() for line in lines))
    assert utils.bcc_valid(message)
    assert message == utils.add_bcc(b"\x02" + b"".join(line.encode() + b"\r\n" for line in lines) + b"!\r\n\x03")


def test_no_piece_of_a_data_message_is_longer_than_a_line() -> None:
    pieces = list(frames.data_message([b"x" * 78] * 3))
    assert max(len(piece) for piece in pieces) == 80


def test_rate_characters() -> None:
    rates = {c: frames.rate_of(ord(c)) for c in "0123456789A/:"}
    named = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
    assert rates == {c: named.get(c, 0) for c in rates}


def feed(reader: RequestReader | OptionReader | CommandReader, data: bytes) -> list[bytes]:
    return [result for result in map(reader.feed, data) if result is not None]


@given(REQUEST_CHARACTERS)
def test_request_is_found_with_its_address(address: str) -> None:
    assert feed(RequestReader(), b"/?" + address.encode() + b"!\r\n") == [address.encode()]


@given(st.binary(max_size=60), REQUEST_CHARACTERS)
def test_request_is_found_after_anything(before: bytes, address: str) -> None:
    assert feed(RequestReader(), before + b"/?" + address.encode() + b"!\r\n")[-1] == address.encode()


@given(st.binary(max_size=80))
def test_nothing_but_a_whole_request_is_found(data: bytes) -> None:
    expected = re.findall(rb"/\?([0-9A-Za-z ]{0,32})!\r\n", data)
    assert feed(RequestReader(), data) == expected


@pytest.mark.parametrize(
    "bad", [b"/?" + b"1" * 33 + b"!\r\n", b"/?!\n", b"/?!\r\r\n", b"?!\r\n", b"/ ?!\r\n", b"/?-!\r\n"]
)
def test_malformed_requests_are_not_taken(bad: bytes) -> None:
    assert feed(RequestReader(), bad) == []


@given(st.text("0123456789AZ ", max_size=20), st.integers(0, 9), st.integers(0, 9))
def test_leading_zeros_do_not_count(address: str, sent_zeros: int, own_zeros: int) -> None:
    if address:
        assert same_address(b"0" * sent_zeros + address.encode(), b"0" * own_zeros + address.encode())


@given(st.binary(max_size=8))
def test_option_select_is_read_by_its_form_alone(data: bytes) -> None:
    reader = OptionReader()
    match = re.match(rb"\x06([0-9]{3})\r\n", data)
    if match:
        assert feed(reader, data[:6]) == [match[1]]
        assert not reader.begun
    else:
        assert all(len(result) == 0 for result in feed(reader, data[:6]))


def test_command_and_answer_messages_are_the_fact_sheets_bytes() -> None:
    assert frames.command_message(b"P0", b"()") == b"\x01P0\x02()\x03\x60"
    assert frames.command_message(b"R1", b"1.8.0()") == b"\x01R1\x021.8.0()\x03\x5a"
    assert utils.bcc_valid(frames.answer_message(b"1.8.0(000102.28*kWh)"))


@given(st.binary(max_size=40).filter(lambda data: 1 not in data), COMMANDS, COMMANDS)
def test_commands_are_found_after_anything_that_begins_none(before: bytes, one: bytes, two: bytes) -> None:
    data = before + b"".join(utils.add_bcc(b"\x01" + body + b"\x03") for body in (one, two))
    assert feed(CommandReader(), data) == [one, two]


@given(COMMANDS, COMMANDS)
def test_half_a_command_is_forgotten_when_the_next_begins(half: bytes, whole: bytes) -> None:
    assert feed(CommandReader(), b"\x01" + half + utils.add_bcc(b"\x01" + whole + b"\x03")) == [whole]


@given(COMMANDS, st.integers(0, 0x7F))
def test_a_command_counts_with_its_own_block_check_only(body: bytes, check: int) -> None:
    right = utils.add_bcc(b"\x01" + body + b"\x03")[-1]
    data = b"\x01" + body + b"\x03" + bytes([check])
    assert feed(CommandReader(), data) == [body if check == right else b""]


def test_a_partial_block_and_an_overlong_command_can_be_told() -> None:
    assert feed(CommandReader(), utils.add_bcc(b"\x01W3\x02X(1)\x04")) == [b"W3\x02X(1)\x04"]
    (long,) = feed(CommandReader(), utils.add_bcc(b"\x01" + b"7" * 5000 + b"\x03"))
    assert len(long) == CommandReader.LONGEST + 1
