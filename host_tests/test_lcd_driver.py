"""The LCD driver against the PCF8576 model, and the model against the NXP data sheet."""

from __future__ import annotations

import pytest

from drivers.pcf8576 import PCF8576
from host_tests.wires import DirectI2C, Wires
from tools.bench.pcf8576 import PCF8576 as Chip

ALL_ON = 0x48  # mode-set: enabled, 1/3 bias, 1:4
MORE = 0x80
PICTURE = bytes(range(0x11, 0x11 + 20))


def powered_chip(**settings: int) -> Chip:
    chip = Chip(**settings)
    chip.power(True, 0)
    return chip


def wired(chip: Chip) -> PCF8576:
    return PCF8576(DirectI2C({0x38: chip}, Wires(chip)))


def elements(ram: bytes) -> frozenset[int]:
    """Data sheet, 1:4 filling order: bit 7 of byte n is column 2n row 0, bit 3 column 2n + 1 row 0."""
    return frozenset(8 * n + bit for n, byte in enumerate(ram) for bit in range(8) if byte & 0x80 >> bit)


def send(chip: Chip, *data: int, t_ns: int = 0) -> int:
    return chip.i2c_write(bytes(data), t_ns)


def test_written_picture_is_what_the_outputs_light() -> None:
    chip = powered_chip()
    wired(chip).write(PICTURE)
    assert chip.lit() == elements(PICTURE)


def test_random_power_on_ram_is_never_seen() -> None:
    chip = powered_chip(seed=3)
    assert any(chip.ram)
    lcd = wired(chip)
    lcd.start()
    assert chip.lit() == frozenset()
    lcd.write(bytes(20))
    assert chip.lit() == frozenset()


def test_power_on_ram_depends_on_the_seed_only() -> None:
    assert powered_chip(seed=1).ram == powered_chip(seed=1).ram
    assert powered_chip(seed=1).ram != powered_chip(seed=2).ram


def test_second_write_goes_to_the_same_place() -> None:
    """After 20 bytes the sub-address counter has moved on: only a new device-select brings the data back."""
    chip = powered_chip()
    lcd = wired(chip)
    lcd.write(bytes(20))
    lcd.write(PICTURE)
    assert chip.lit() == elements(PICTURE)


@pytest.mark.parametrize("bytes_before_break", range(1, 25))
def test_next_write_repairs_a_broken_transfer(bytes_before_break: int) -> None:
    chip = powered_chip(seed=bytes_before_break)
    lcd = wired(chip)
    lcd.write(bytes(20))
    chip.faults.break_after = bytes_before_break
    with pytest.raises(OSError, match="."):
        lcd.write(PICTURE)
    lcd.write(PICTURE)
    assert chip.lit() == elements(PICTURE)


def test_next_write_restores_the_picture_after_a_brown_out() -> None:
    chip = powered_chip()
    lcd = wired(chip)
    lcd.write(PICTURE)
    chip.brown_out(1_000_000)
    assert chip.lit() == frozenset()
    lcd.write(PICTURE)
    assert chip.lit() == elements(PICTURE)


@pytest.mark.parametrize(
    "disturbance", [(0x4D,), (0x70 | 1 | MORE, 0x7B), (0x64,), (0x17,)], ids=["mode", "blink+bank", "device", "pointer"]
)
def test_next_write_sets_every_register_right(disturbance: tuple[int, ...]) -> None:
    chip = powered_chip()
    lcd = wired(chip)
    send(chip, *disturbance)
    lcd.write(PICTURE)
    for t_ns in range(0, 3_000_000_000, 250_000_000):
        chip.advance(t_ns)
        assert chip.lit() == elements(PICTURE)


def test_missing_chip_raises_and_its_return_needs_only_a_write() -> None:
    chip = powered_chip()
    lcd = wired(chip)
    chip.faults.absent = True
    with pytest.raises(OSError, match="19"):
        lcd.write(PICTURE)
    chip.faults.absent = False
    lcd.write(PICTURE)
    assert chip.lit() == elements(PICTURE)


def test_short_count_of_a_software_bus_raises() -> None:
    class SoftwareBus:
        def writeto(self, address: int, data: bytes) -> int:
            return len(data) - 1

    with pytest.raises(OSError, match="5"):
        PCF8576(SoftwareBus()).write(PICTURE)


# The model itself


def test_unpowered_chip_does_not_answer() -> None:
    assert send(Chip(), ALL_ON) == 0


def test_chip_has_nothing_to_read() -> None:
    assert powered_chip().i2c_read(1, 0) == b""


def test_acknowledges_every_byte_and_the_address() -> None:
    assert send(powered_chip(), ALL_ON | MORE, 0x00, 0xFF) == 4


def test_data_for_another_sub_address_is_not_acknowledged_nor_stored() -> None:
    chip = powered_chip()
    before = bytes(chip.ram)
    assert send(chip, 0x61 | MORE, 0x00, 0x5A, 0xA5) == 3
    assert bytes(chip.ram) == before


def test_data_past_column_39_belongs_to_the_next_chip() -> None:
    chip = powered_chip()
    assert send(chip, 0x60 | MORE, 38, 0xC3, 0xFF) == 4  # address, two commands, one data byte
    assert chip.ram[38:] == bytes([0b0011, 0b1100])  # bit n = row n
    next_chip = powered_chip(sub_address=1)
    assert send(next_chip, 0x61 | MORE, 0, 0xC3) == 4


def test_one_to_four_fills_two_columns_a_byte() -> None:
    """Data sheet: a7..a4 go to rows 0..3 of the first column, a3..a0 to the second; the pointer moves by two."""
    chip = powered_chip()
    send(chip, ALL_ON | MORE, 10, 0b1010_0110, 0b0001_0000)
    assert chip.ram[10:14] == bytes([0b0101, 0b0110, 0b1000, 0])


def test_one_to_three_fills_three_columns_and_leaves_the_ninth_bit() -> None:
    """PCF85176 table 6: a7 a6 a5 | a4 a3 a2 | a1 a0 -, row 3 and the last bit unchanged."""
    for kept in (0b0000, 0b1111):
        chip = powered_chip()
        chip.ram[:] = bytes([kept]) * 40
        send(chip, 0x4B | MORE, 0, 0b110_100_01, 0xFF)
        rows = kept & 0b1000
        assert chip.ram[:3] == bytes([rows | 0b011, rows | 0b001, kept & 0b1100 | 0b10])
        assert chip.ram[3] == rows | 0b111


@pytest.mark.parametrize("bank", [0, 1])
def test_static_and_duplex_write_and_show_the_selected_bank(bank: int) -> None:
    select = 0x78 | 3 * bank
    chip = powered_chip()
    chip.ram[:] = bytes(40)
    send(chip, 0x49 | MORE, select | MORE, 0, 0xA5)
    assert [column >> 2 * bank & 1 for column in chip.ram[:8]] == [1, 0, 1, 0, 0, 1, 0, 1]
    assert chip.lit() == {4 * column + backplane for column in (0, 2, 5, 7) for backplane in range(4)}
    chip.ram[:] = bytes(40)
    send(chip, 0x4A | MORE, select | MORE, 0, 0b01_10_11_00)
    assert [column >> 2 * bank & 3 for column in chip.ram[:4]] == [0b10, 0b01, 0b11, 0b00]


@pytest.mark.parametrize(("select", "hertz"), [(0x71, 2.0), (0x72, 1.0), (0x73, 0.5)])
def test_blink_darkens_the_whole_glass_half_of_the_time(select: int, hertz: float) -> None:
    chip = powered_chip()
    send(chip, ALL_ON | MORE, 0x60 | MORE, select | MORE, 0, *PICTURE)
    seen = []
    for n in range(16):
        chip.advance(round((n + 0.5) * 1e9 / hertz / 4))
        seen.append(bool(chip.lit()))
    assert seen == [True, True, False, False] * 4


def test_blink_with_banks_swaps_them_in_duplex() -> None:
    chip = powered_chip()
    chip.ram[:] = bytes([0b0001]) + bytes(39)
    send(chip, 0x4A | MORE, 0x76)
    assert chip.lit() == {0, 2}
    chip.ram[0] = 0b1000
    assert chip.lit() == frozenset()
    chip.advance(600_000_000)
    assert chip.lit() == {1, 3}
