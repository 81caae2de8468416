"""The flash model against the command set of the W25Q128JV's data sheet, spoken byte by byte."""

from __future__ import annotations

import random

import pytest

from tools.bench.nor_flash import SECTOR, NorFlash

WREN, WRDI, RDSR, RDSR2, WRSR = 0x06, 0x04, 0x05, 0x35, 0x01
READ, FAST_READ, PROGRAM, ERASE = 0x03, 0x0B, 0x02, 0x20
SUSPEND, RESUME, RDID = 0x75, 0x7A, 0x9F
MS = 1_000_000


class Chip:
    """A powered model and the commands of the data sheet. A command takes 10 us."""

    def __init__(self, seed: int = 0) -> None:
        self.flash = NorFlash(seed=seed)
        self.flash.power(True, 0)
        self.t = 0

    def command(self, *out: int, answer: int = 0) -> bytes:
        self.t += 10_000
        self.flash.select(self.t)
        got = self.flash.exchange(bytes(out) + bytes(answer), self.t)
        self.flash.deselect(self.t)
        return got[len(out) :]

    def start(self, opcode: int, address: int, *data: int) -> None:
        self.command(WREN)
        self.command(opcode, *address.to_bytes(3, "big"), *data)

    def program(self, address: int, *data: int) -> None:
        self.start(PROGRAM, address, *data)
        self.t += MS

    def erase(self, address: int) -> None:
        self.start(ERASE, address)
        self.t += 45 * MS

    def read(self, address: int, size: int) -> bytes:
        return self.command(READ, *address.to_bytes(3, "big"), answer=size)

    @property
    def status(self) -> int:
        return self.command(RDSR, answer=1)[0]


@pytest.fixture
def chip() -> Chip:
    return Chip()


def test_identity_is_the_data_sheets(chip: Chip) -> None:
    assert chip.command(RDID, answer=4) == bytes.fromhex("EF4018FF")


def test_a_new_chip_is_erased(chip: Chip) -> None:
    assert chip.read(0xFFFFFE, 4) == b"\xff" * 4  # and wraps at its end
    assert chip.status == 0


def test_programming_clears_bits_and_never_sets_them(chip: Chip) -> None:
    chip.program(0x1000, 0xF0, 0xAA)
    chip.program(0x1000, 0x3C, 0xFF)
    assert chip.read(0x1000, 3) == bytes((0x30, 0xAA, 0xFF))
    chip.erase(0x1ABC)  # any address in the sector
    assert chip.read(0x1000, 3) == b"\xff\xff\xff"


def test_programming_wraps_in_its_page_and_keeps_the_last_256_bytes(chip: Chip) -> None:
    chip.program(0x2FE, 1, 2, 3)
    assert chip.read(0x2FE, 3) == b"\x01\x02\xff"
    assert chip.read(0x200, 1) == b"\x03"
    data = [n % 256 for n in range(300)]
    chip.program(0x400, *data)
    assert chip.read(0x400, 256) == bytes(data[44:])


def test_erase_takes_one_sector_and_its_time(chip: Chip) -> None:
    for address in (0xFFF, 0x1000, 0x1FFF, 0x2000):
        chip.program(address, 0)
    chip.start(ERASE, 0x1000)
    assert chip.status == 0x03
    assert chip.read(0, 1) == b"\xff" and chip.command(RDID, answer=3) == b"\xff\xff\xff"  # busy: heard nothing
    chip.t += 44 * MS
    assert chip.status & 1
    chip.t += MS
    assert chip.status == 0
    assert chip.read(0xFFF, 3) == b"\x00\xff\xff" and chip.read(0x1FFF, 2) == b"\xff\x00"


def test_each_erase_and_program_needs_the_enable_latch(chip: Chip) -> None:
    chip.command(PROGRAM, 0, 0, 0, 0x11)
    assert chip.status == 0 and chip.read(0, 1) == b"\xff"
    chip.program(0, 0x11)
    chip.command(ERASE, 0, 0, 0)  # the latch fell when the program ended
    chip.t += 50 * MS
    assert chip.read(0, 1) == b"\x11"
    chip.command(WREN)
    assert chip.status == 2
    chip.command(WRDI)
    assert chip.status == 0


def test_block_protect_keeps_everything_and_survives_power(chip: Chip) -> None:
    chip.command(WREN)
    chip.command(WRSR, 0x1C)
    chip.flash.power(False, chip.t)
    chip.flash.power(True, chip.t)
    chip.program(0, 0)
    assert chip.status & 0x1C == 0x1C and chip.read(0, 1) == b"\xff"


def test_a_suspended_erase_lets_other_sectors_be_read_and_ends_its_time_after_resume(chip: Chip) -> None:
    chip.program(0x5000, 0x42)
    chip.program(0x1000, 0x00)
    chip.start(ERASE, 0x1000)
    chip.t += 20 * MS
    chip.command(SUSPEND)
    assert chip.status & 1  # takes 20 us
    chip.t += 20_000
    assert chip.status & 1 == 0 and chip.command(RDSR2, answer=1) == b"\x80"
    chip.t += 100 * MS
    assert chip.read(0x5000, 1) == b"\x42"
    chip.command(RESUME)
    assert chip.status & 1 and chip.command(RDSR2, answer=1) == b"\x00"
    chip.t += 24 * MS
    assert chip.status & 1
    chip.t += 2 * MS
    assert chip.status & 1 == 0 and chip.read(0x1000, 1) == b"\xff"


def test_a_suspend_that_comes_too_late_does_nothing(chip: Chip) -> None:
    chip.start(PROGRAM, 0, 7)
    chip.t += 695_000
    chip.command(SUSPEND)
    chip.t += 30_000
    assert chip.command(RDSR2, answer=1) == b"\x00" and chip.status == 0 and chip.read(0, 1) == b"\x07"


@pytest.mark.parametrize("after", range(6))
def test_a_cut_leaves_exactly_the_bytes_programmed_before_it(chip: Chip, after: int) -> None:
    cuts: list[int] = []
    chip.flash.cut_after(after, lambda: cuts.append(after))
    chip.program(0x20, 1, 2, 3)
    chip.program(0x30, 4, 5, 6)
    chip.status  # noqa: B018  something that lets the chip see the time
    assert cuts == [after] and not chip.flash.cut_pending
    expected = bytes((1, 2, 3, 4, 5, 6)[:after]) + b"\xff" * (6 - after)
    assert chip.flash.peek(0x20, 3) + chip.flash.peek(0x30, 3) == expected


def test_the_byte_under_way_gets_some_of_its_zeros() -> None:
    seen = set()
    for seed in range(40):
        chip = Chip(seed)
        chip.flash.cut_after(1, lambda: None, torn_byte=True)
        chip.program(0, 0x0F, 0x0F, 0x0F)
        chip.flash.advance(chip.t)
        assert chip.flash.peek(0, 1) == b"\x0f" and chip.flash.peek(2, 1) == b"\xff"
        torn = chip.flash.peek(1, 1)[0]
        assert torn & 0x0F == 0x0F  # never a zero that was not asked for
        seen.add(torn)
    assert len(seen) > 10


def test_an_erase_that_is_cut_leaves_anything_but_in_its_sector_only(chip: Chip) -> None:
    old = random.Random(1).randbytes(256)
    for address in (0x0F00, 0x1000, 0x2000):
        chip.program(address, *old)
    chip.flash.cut_in_erase(0.5, lambda: None)
    chip.start(ERASE, 0x1000)
    assert chip.flash.next_event() == chip.t + 45 * MS // 2
    chip.flash.advance(chip.t + 23 * MS)
    left = chip.flash.peek(0x1000, 256)
    assert left != old and left != b"\xff" * 256
    assert chip.flash.peek(0x0F00, 256) == chip.flash.peek(0x2000, 256) == old


def test_power_lost_without_a_plan_tears_what_is_under_way(chip: Chip) -> None:
    chip.start(PROGRAM, 0, *bytes(100))
    chip.flash.power(False, chip.t + 350_000)
    assert chip.flash.peek(0, 100) == bytes(50) + b"\xff" * 50
    chip.flash.power(True, chip.t + MS)
    assert chip.status == 0


def test_counters_tell_what_each_sector_has_seen(chip: Chip) -> None:
    chip.program(0x3000, 1)
    chip.erase(0x3000)
    chip.read(0x2FFF, 2)
    chip.command(PROGRAM, 0, 0, 0, 1)  # no latch
    assert (chip.flash.programs, chip.flash.erases, chip.flash.reads) == ({3: 1}, {3: 1}, {2: 1, 3: 1})


def test_faults_show(chip: Chip) -> None:
    chip.flash.faults.device_id = b"\xc2\x20\x18"
    assert chip.command(RDID, answer=3) == b"\xc2\x20\x18"
    chip.flash.faults.stuck_miso = 0
    assert chip.command(RDID, answer=3) == bytes(3)
    chip.flash.faults.stuck_miso = None
    chip.flash.faults.not_writable = True
    chip.program(0, 0)
    assert chip.read(0, 1) == b"\xff"
    chip.flash.faults.not_writable = False
    chip.flash.faults.worn.add(0)
    chip.program(0, 0xFF)
    assert chip.read(0, 1) == b"\x00"
    chip.flash.faults.stuck_busy = True
    chip.erase(0x1000)
    chip.t += 10**10
    assert chip.status & 1
    chip.flash.power(False, chip.t)
    chip.flash.power(True, chip.t)
    assert chip.status == 0
    chip.flash.faults.dead = True
    assert chip.command(RDID, answer=3) == b"\xff\xff\xff"


def test_content_is_only_what_was_written_and_can_be_carried_to_another_chip(chip: Chip) -> None:
    chip.program(5 * SECTOR + 1, 0x12)
    assert chip.status == 0
    content = chip.flash.content
    assert list(content) == [5] and content[5] == b"\xff\x12" + b"\xff" * (SECTOR - 2)
    assert NorFlash(content).peek(5 * SECTOR, 3) == b"\xff\x12\xff"


def test_random_traffic_equals_a_plain_array(chip: Chip) -> None:
    dice, plain = random.Random(7), bytearray(b"\xff" * 4 * SECTOR)
    for _ in range(400):
        if dice.random() < 0.1:
            sector = dice.randrange(4)
            chip.erase(sector * SECTOR)
            plain[sector * SECTOR : (sector + 1) * SECTOR] = b"\xff" * SECTOR
        else:
            address = dice.randrange(4 * SECTOR)
            data = dice.randbytes(dice.randrange(1, 257 - address % 256))
            chip.program(address, *data)
            for n, value in enumerate(data, address):
                plain[n] &= value
        where = dice.randrange(3 * SECTOR)
        assert chip.read(where, 500) == plain[where : where + 500]
