"""The FRAM model against the command set of its data sheet, spoken byte by byte."""

from __future__ import annotations

import random

import pytest

from tools.bench.fram import DEVICE_ID, FRAM, SIZE

WREN, WRDI, RDSR, WRSR, READ, FAST_READ, WRITE, RDID, SLEEP = 0x06, 0x04, 0x05, 0x01, 0x03, 0x0B, 0x02, 0x9F, 0xB9


class Chip:
    """A powered model and the commands of the data sheet."""

    def __init__(self) -> None:
        self.fram = FRAM()
        self.fram.power(True, 0)
        self.t = 0

    def command(self, *out: int, answer: int = 0) -> bytes:
        self.t += 10_000
        self.fram.select(self.t)
        got = self.fram.exchange(bytes(out) + bytes(answer), self.t)
        self.fram.deselect(self.t)
        return got[len(out) :]

    def write(self, address: int, *data: int) -> None:
        self.command(WREN)
        self.command(WRITE, *address.to_bytes(3, "big"), *data)

    def read(self, address: int, size: int) -> bytes:
        return self.command(READ, *address.to_bytes(3, "big"), answer=size)

    @property
    def status(self) -> int:
        return self.command(RDSR, answer=1)[0]


@pytest.fixture
def chip() -> Chip:
    return Chip()


def test_identity_is_the_data_sheets(chip: Chip) -> None:
    assert chip.command(RDID, answer=4) == bytes.fromhex("047F4803") == DEVICE_ID


def test_a_write_needs_the_enable_latch_each_time(chip: Chip) -> None:
    chip.command(WRITE, 0, 0, 5, 0xAA)
    assert chip.read(5, 1) == b"\x00"
    chip.write(5, 0xAA)
    chip.command(WRITE, 0, 0, 5, 0x55)  # the latch fell when the select pin rose
    assert chip.read(5, 1) == b"\xaa"


def test_the_latch_shows_in_the_status_and_is_cleared_by_write_disable_and_power_on(chip: Chip) -> None:
    assert chip.status == 0
    chip.command(WREN)
    assert chip.status == 0x02
    chip.command(WRDI)
    assert chip.status == 0
    chip.command(WREN)
    chip.fram.power(False, chip.t)
    chip.fram.power(True, chip.t)
    assert chip.status == 0


def test_opcode_and_data_may_come_in_pieces(chip: Chip) -> None:
    chip.command(WREN)
    chip.fram.select(0)
    for byte in (WRITE, 0x01, 0x02, 0x03, 0xDE, 0xAD):
        chip.fram.exchange(bytes((byte,)), 0)
    chip.fram.deselect(0)
    assert chip.read(0x010203, 2) == b"\xde\xad"


def test_fast_read_has_one_dummy_byte(chip: Chip) -> None:
    chip.write(0x100, 1, 2, 3)
    assert chip.command(FAST_READ, 0, 1, 0, 0xFF, answer=3) == b"\x01\x02\x03"


def test_upper_address_bits_are_ignored_and_the_address_wraps(chip: Chip) -> None:
    chip.write(0xFC0000 | SIZE - 2, 1, 2, 3, 4)
    assert chip.read(SIZE - 2, 4) == b"\x01\x02\x03\x04"
    assert chip.fram.peek(0, 2) == b"\x03\x04"


@pytest.mark.parametrize(("bits", "first"), [(0x04, 0x30000), (0x08, 0x20000), (0x0C, 0)])
def test_block_protect_starts_at_a_quarter_a_half_or_everything(chip: Chip, bits: int, first: int) -> None:
    chip.command(WREN)
    chip.command(WRSR, bits)
    assert chip.status == bits
    chip.write(SIZE - 1, 0x11)
    chip.write(first, 0x11)
    assert chip.read(SIZE - 1, 1) == chip.read(first, 1) == b"\x00"
    if first:
        chip.write(first - 2, 1, 2, 3)
        assert chip.read(first - 2, 3) == b"\x01\x02\x00"


def test_status_bits_survive_power_and_are_locked_by_wpen_with_the_pin_low(chip: Chip) -> None:
    chip.command(WREN)
    chip.command(WRSR, 0x84)
    chip.fram.power(False, chip.t)
    chip.fram.power(True, chip.t)
    assert chip.status == 0x84
    chip.fram.write_protect_pin = 0
    chip.command(WREN)
    chip.command(WRSR, 0)
    assert chip.status == 0x84


def test_sleep_ends_400_us_after_select_falls(chip: Chip) -> None:
    chip.write(0, 0x77)
    chip.command(SLEEP)
    assert chip.read(0, 1) == b"\xff"
    chip.t += 300_000
    assert chip.read(0, 1) == b"\xff"
    chip.t += 100_000
    assert chip.read(0, 1) == b"\x77"


def test_content_survives_power_and_nothing_answers_without_it(chip: Chip) -> None:
    chip.write(9, 0x42)
    chip.fram.power(False, chip.t)
    chip.write(9, 0x43)
    assert chip.read(9, 1) == b"\xff"
    chip.fram.power(True, chip.t)
    assert chip.read(9, 1) == b"\x42"


@pytest.mark.parametrize("after", range(6))
def test_a_cut_leaves_exactly_the_bytes_before_it(chip: Chip, after: int) -> None:
    cuts = []
    chip.fram.cut_after(after, lambda: cuts.append(after))
    chip.write(0x20, 1, 2, 3, 4, 5)
    chip.write(0x20, 9, 9, 9, 9, 9)
    assert cuts == [after]
    assert chip.fram.peek(0x20, 5) == bytes((1, 2, 3, 4, 5)[:after] + (0,) * (5 - after))
    assert not chip.fram.cut_pending


def test_a_cut_counts_over_several_writes(chip: Chip) -> None:
    chip.fram.cut_after(7, lambda: None)
    chip.write(0, 1, 2, 3, 4)
    chip.write(0x10, 5, 6, 7, 8)
    assert chip.fram.peek(0, 4) + chip.fram.peek(0x10, 4) == bytes((1, 2, 3, 4, 5, 6, 7, 0))


def test_a_torn_byte_gets_random_bits_and_nothing_behind_it_changes() -> None:
    seen = set()
    for seed in range(40):
        chip = Chip()
        chip.fram = FRAM(seed=seed)
        chip.fram.power(True, 0)
        chip.fram.cut_after(2, lambda: None, torn_byte=True)
        chip.write(0, 1, 2, 3, 4)
        assert chip.fram.peek(0, 2) == b"\x01\x02" and chip.fram.peek(3, 1) == b"\x00"
        seen.add(chip.fram.peek(2, 1))
    assert len(seen) > 20


def test_counters_and_log_tell_what_was_stored(chip: Chip) -> None:
    chip.fram.log = []
    chip.write(4, 1, 2, 3)
    chip.command(WRITE, 0, 0, 9, 1)  # no latch: not stored
    chip.write(SIZE - 1, 7, 8)
    assert (chip.fram.writes, chip.fram.bytes_written) == (2, 5)
    assert [entry[1:] for entry in chip.fram.log] == [(4, b"\x01\x02\x03"), (SIZE - 1, b"\x07"), (0, b"\x08")]


def test_faults_show_on_miso(chip: Chip) -> None:
    chip.fram.faults.device_id = b"\x04\x7f\x27\x03"
    assert chip.command(RDID, answer=4) == b"\x04\x7f\x27\x03"
    chip.fram.faults.stuck_miso = 0
    assert chip.command(RDID, answer=4) == bytes(4)
    chip.write(3, 0x5A)  # it still hears
    chip.fram.faults.stuck_miso = None
    assert chip.read(3, 1) == b"\x5a"
    chip.fram.faults.dead = True
    assert chip.read(3, 1) == b"\xff"


def test_random_traffic_equals_a_plain_array(chip: Chip) -> None:
    dice, plain = random.Random(7), bytearray(SIZE)
    for _ in range(300):
        address, data = dice.randrange(SIZE - 64), dice.randbytes(dice.randrange(1, 64))
        chip.write(address, *data)
        plain[address : address + len(data)] = data
        where = dice.randrange(SIZE - 200)
        assert chip.read(where, 200) == plain[where : where + 200]
    assert chip.fram.image == plain
    assert FRAM(image=chip.fram.image).image == plain
