"""Answers and writes in partial blocks: EOT at the end of each but the last, ACK for the next, NAK for the same."""

from __future__ import annotations

import pytest
from iec62056_21 import utils

from host_tests.iec_meter import LineMeter
from host_tests.iec_objects import ACK, NAK, P2, READ, SIGN_OFF, Objects, ask, assert_over, begin, error, message
from tools.bench.iec_client import IecProgrammer, IecRefused

RECORD = ",".join(str(-50_000_000 + n) for n in range(80))  # 799 characters


def meter_with_record() -> tuple[LineMeter, Objects]:
    objects = Objects()
    objects.values["C.60.1"] = RECORD
    return LineMeter(access=objects), objects


def part(name: str, data: str) -> bytes:
    """A command message that is a partial block."""
    return bytes(utils.add_bcc(f"\x01{name}\x02{data}\x04".encode()))


def content(block: bytes) -> str:
    """What is in a block whose check holds."""
    assert block[:1] == b"\x02"
    assert block[-2] in (3, 4)
    assert block == utils.add_bcc(block[:-1])
    return block[1:-2].decode()


@pytest.mark.parametrize("name", ["R3", "R4", "R6"])
def test_a_long_answer_comes_in_blocks_that_make_up_the_data_set(name: str) -> None:
    meter, _ = meter_with_record()
    begin(meter)
    blocks = [ask(meter, message(name, "C.60.1()"))]
    while blocks[-1][-2] == 4:
        blocks.append(ask(meter, ACK))
    assert [len(content(block)) for block in blocks] == [256, 256, 256, 799 + 8 - 3 * 256]
    assert "".join(map(content, blocks)) == f"C.60.1({RECORD})"
    assert ask(meter, ACK) == b""  # there is no more
    assert ask(meter, NAK) == blocks[-1]


@pytest.mark.parametrize("name", ["R3", "R4", "R6"])
def test_a_short_answer_is_one_block(name: str) -> None:
    meter, _ = meter_with_record()
    begin(meter)
    assert content(ask(meter, message(name, "1.8.0()"))) == "1.8.0(000102.28*kWh)"
    assert meter.sent[-1].data[-2] == 3


def test_r1_and_r5_answer_in_one_message_however_long() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    for name in ("R1", "R2", "R5"):
        assert content(ask(meter, message(name, "C.60.1()"))) == f"C.60.1({RECORD})"


def test_nak_repeats_a_block_three_times_and_an_ack_begins_the_count_anew() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    first = ask(meter, message("R3", "C.60.1()"))
    assert [ask(meter, NAK) for _ in range(3)] == [first] * 3
    second = ask(meter, ACK)
    assert content(second) != content(first)
    assert [ask(meter, NAK) for _ in range(4)] == [second] * 3 + [SIGN_OFF]
    assert_over(meter)


def test_a_command_breaks_a_transfer_off() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    first = ask(meter, message("R3", "C.60.1()"))
    assert content(ask(meter, READ)) == "1.8.0(000102.28*kWh)"
    assert ask(meter, ACK) == b""
    assert ask(meter, message("R3", "C.60.1()")) == first  # from the beginning
    assert ask(meter, SIGN_OFF) == b""
    assert_over(meter)


def test_a_transfer_left_alone_ends_with_the_session() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    ask(meter, message("R3", "C.60.1()"))
    meter.run(61)
    assert_over(meter)


def test_an_ack_within_noise_does_not_bring_the_next_block() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    first = ask(meter, message("R3", "C.60.1()"))
    assert ask(meter, b"U" + ACK) == b""
    meter.run(1.6)
    assert ask(meter, NAK) == first


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["W3", "W4"])
def test_a_write_in_blocks_changes_the_object_with_the_last(name: str) -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert ask(meter, P2) == ACK
    assert ask(meter, part(name, "C.61")) == ACK
    assert ask(meter, part(name, ".5(1234")) == ACK
    assert ask(meter, part(name, "")) == ACK
    assert objects.writes == []
    assert ask(meter, message(name, "56)")) == ACK
    assert objects.writes == [("C.61.5", "123456", 2)]


def test_the_acknowledgement_of_a_block_is_repeated_on_nak_and_the_block_taken_once() -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert [ask(meter, P2), ask(meter, part("W3", "C.61.5(12")), ask(meter, NAK)] == [ACK] * 3
    assert ask(meter, message("W3", "34)")) == ACK
    assert objects.writes == [("C.61.5", "1234", 2)]


def test_a_spoilt_block_is_asked_for_again() -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert [ask(meter, P2), ask(meter, part("W3", "C.61.5(12"))] == [ACK, ACK]
    end = message("W3", "34)")
    assert ask(meter, end[:-1] + bytes([end[-1] ^ 1])) == NAK
    assert ask(meter, end) == ACK
    assert objects.writes == [("C.61.5", "1234", 2)]


@pytest.mark.parametrize("between", [READ, message("W4", "34)"), message("W1", "C.61.5(7)"), part("W1", "C.61.5(7)")])
def test_another_command_breaks_a_write_off(between: bytes) -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert [ask(meter, P2), ask(meter, part("W3", "C.61.5(12"))] == [ACK, ACK]
    ask(meter, between)
    assert ask(meter, message("W3", "34)")) == error(3)
    assert "1234" not in [text for _, text, _ in objects.writes]


def test_only_commands_for_it_take_partial_blocks() -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert ask(meter, P2) == ACK
    for name in ("W1", "W2", "W5", "R3", "E2", "P1"):
        assert ask(meter, part(name, "C.61.5(20)")) == error(3)
    assert objects.writes == []


def test_a_write_may_be_as_long_as_1024_characters() -> None:
    meter, objects = meter_with_record()
    begin(meter)
    assert ask(meter, P2) == ACK
    longest = 1024 - len("C.61.5()")
    for digits, last in ((longest, ACK), (longest + 1, error(3))):
        data = f"C.61.5({'7' * digits})"
        parts = [data[n : n + 400] for n in range(0, len(data), 400)]
        assert [ask(meter, part("W3", p)) for p in parts[:-1]] == [ACK, ACK]
        assert ask(meter, message("W3", parts[-1])) == last
    assert [len(text) for _, text, _ in objects.writes] == [longest]
    assert ask(meter, part("W3", "7" * 600)) == error(3)  # a block that is too long by itself


def test_refusals_come_with_the_last_block() -> None:
    meter, _ = meter_with_record()
    begin(meter)
    assert ask(meter, part("W3", "C.61")) == ACK
    assert ask(meter, message("W3", ".5(20)")) == error(4)


# --- the bench's client ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip", [40, 260, 300])
def test_the_benchs_client_reads_and_writes_in_blocks_over_a_line_that_spoils_some(skip: int) -> None:
    meter, objects = meter_with_record()
    client = IecProgrammer(meter.end, meter.run)
    client.sign_on("22222222", 2)
    meter.line.flip("from_meter", mask=3, skip=skip)
    assert client.read_blocks("R3", "C.60.1()") == f"C.60.1({RECORD})"
    assert len(client.blocks) == 4
    client.write_blocks("W3", "C.61.5(0123456789)", 5)
    assert objects.writes == [("C.61.5", "0123456789", 2)]
    with pytest.raises(IecRefused, match="ERR02"):
        client.write_blocks("W3", "9.9.9(0123456789)", 5)
