"""The calibration record: its numbers, the chip's registers made of them, and what is done about damage."""

from __future__ import annotations

import cmath
import math
import struct
from typing import Any

import pytest

from host_tests.interpreters import on_micropython
from meter import calibration_store
from meter.calibration_store import CalibrationStore
from meter.metrology import calibration
from meter.metrology.calibration import Calibration, PhaseCalibration
from meter.storage import layout
from meter.storage.records import Record
from tools.bench.process import ROOT

ANALOG = {"u_full_scale_uV": 707_813_886, "i_full_scale_nA": 11_785_113_020}
L1 = (1_000_000, -2_500_000, -100_000, 4_031, -8_062, 12_000, -15_500)
L2 = (-9_999_999, 9_999_999, 250_000, 0, 0, -45_000, 45_000)
L3 = (50_000_000, -50_000_000, 2_000_000, 200_000, -200_000, 200_000, -200_000)  # the largest of all


def sample(count: int = 3) -> Calibration:
    return Calibration(tuple(PhaseCalibration(values) for values in (L1, L2, L3)), 23_400, 820_540_800, count)


class Ram:
    """`keeps`: how many more writes are kept; the others fail."""

    def __init__(self, content: bytes = bytes(layout.MEMORY_SIZE)) -> None:
        self.content = bytearray(content)
        self.writes = 0
        self.keeps = 10**9

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self.content[address : address + len(buf)]

    def write(self, address: int, buf: Any) -> None:
        self.writes += 1
        if self.writes > self.keeps:
            raise OSError(5, "memory")
        self.content[address : address + len(buf)] = buf

    def damage(self, slot: int) -> None:
        self.content[layout.CALIBRATION.address + slot * layout.CALIBRATION.size // 2 + 20] ^= 0x40


def manufactured(record: Calibration) -> Ram:
    ram = Ram()
    image = calibration_store.image(record)
    assert len(image) == layout.CALIBRATION.size
    ram.content[layout.CALIBRATION.address : layout.CALIBRATION.end] = image
    return ram


def store_payload(payload: bytes, version: int = 1) -> Ram:
    ram = Ram()
    Record(ram, layout.CALIBRATION.address, layout.CALIBRATION.capacity, version).save_twice(payload)
    return ram


def signed(value: int) -> int:
    assert 0 <= value < 1 << 32
    return value - (1 << 32) if value >> 31 else value


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_record_is_packed_as_documented() -> None:
    payload = sample().pack()
    assert payload == struct.pack("<iII21i", 23_400, 820_540_800, 3, *L1, *L2, *L3)
    again = calibration.unpack_record(payload)
    assert again.text() == sample().text()


def test_text_is_version_and_numbers_between_commas_and_reads_back() -> None:
    text = sample().text()
    assert text.startswith("1,23400,820540800,3,1000000,-2500000,-100000,4031,-8062,12000,-15500,-9999999,")
    assert calibration.parse(text).pack() == sample().pack()


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (0, -40_001),
        (0, 85_001),
        (3, 50_000_001),  # 5 % of voltage gain
        (4, -50_000_001),
        (5, 2_000_001),  # 2 degrees
        (6, 200_001),
        (7, -200_001),
        (15, 200_001),  # 200 ppm/K, L2
        (23, -200_001),
    ],
)
def test_what_no_meter_of_this_kind_can_need_is_refused_although_its_crc_is_good(number: int, value: int) -> None:
    numbers = list(struct.unpack("<iII21i", calibration.nominal().pack()))
    numbers[number] = value
    payload = struct.pack("<iII21i", *numbers)
    with pytest.raises(ValueError, match="calibration: "):
        calibration.unpack_record(payload)
    store = CalibrationStore(store_payload(payload))
    store.load()
    assert not store.valid and store.damaged
    assert store.calibration.pack() == calibration.nominal().pack()


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,23000,0,0", "2" + calibration.nominal().text()[1:], calibration.nominal().text() + ",0", "1,a", "1,,"],
)
def test_a_text_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="calibration: "):
        calibration.parse(text)


# --- registers --------------------------------------------------------------------------------------------------------


def test_nominal_calibration_leaves_the_chip_as_it_comes_out_of_reset() -> None:
    registers = calibration.nominal().registers(70_000, ANALOG, 50)
    assert len(registers) == 15 and set(registers.values()) == {0}


@pytest.mark.parametrize(
    ("microdegrees", "hz", "register"),
    [(-100_000, 50, -2_918_560), (100_000, 50, 3_051_152), (0, 50, 0), (2_250_000, 50, 1 << 27)],
)
def test_phase_register_has_the_data_sheets_values(microdegrees: int, hz: int, register: int) -> None:
    assert calibration.phase_register(microdegrees, hz) == pytest.approx(register, abs=1)


@pytest.mark.parametrize("hz", [50, 60])
@pytest.mark.parametrize("degrees", [-0.3, -0.05, 0.05, 0.3, 1.9])
def test_phase_register_turns_the_current_by_the_wanted_angle(degrees: float, hz: int) -> None:
    """The register is the coefficient of an all-pass (c + z) / (1 + c z), whose delay is 1 sample at c = 0."""
    c = calibration.phase_register(round(degrees * 1e6), hz) / 2**27
    z = cmath.exp(-2j * math.pi * hz / 8000)
    turned = cmath.phase((c + z) / (1 + c * z) / z)
    assert math.degrees(turned) == pytest.approx(degrees, abs=2e-6)


def test_gain_and_offset_registers_carry_the_data_sheets_scales() -> None:
    registers = sample().registers(23_400, ANALOG, 50)
    # 1 + register / 2**27; addresses: data sheet, register table
    assert signed(registers[0x00B]) / 2**27 == pytest.approx(0.001, abs=4e-9)  # AVGAIN
    assert signed(registers[0x000]) / 2**27 == pytest.approx(-0.0025, abs=4e-9)  # AIGAIN
    assert signed(registers[0x020]) / 2**27 == pytest.approx(0.009999999, abs=4e-9)  # BIGAIN
    assert signed(registers[0x04B]) / 2**27 == pytest.approx(0.05, abs=4e-9)  # CVGAIN
    # one power code of the reference design is 0.40309 mW
    assert signed(registers[0x00F]) == 10 and signed(registers[0x012]) == -20  # AWATTOS, AFVAROS
    assert signed(registers[0x006]) == pytest.approx(-2_918_560, abs=1)  # APHCAL0


def test_samples_get_the_same_power_offsets() -> None:
    assert sample().power_offsets() == pytest.approx([0.004031, 0, 0.2, -0.008062, 0, -0.2])


def test_gains_follow_the_temperature_in_a_straight_line() -> None:
    record = sample()
    u, i = record.gains(0, 23_400 + 40_000)
    assert (1 + u * 1e-9) == pytest.approx(1.001 * (1 + 40 * 12e-6), abs=2e-9)
    assert (1 + i * 1e-9) == pytest.approx(0.9975 * (1 - 40 * 15.5e-6), abs=2e-9)
    assert record.gains(0, 23_400) == (1_000_000, -2_500_000)
    cold = record.registers(-20_000, ANALOG, 50)
    assert signed(cold[0x00B]) / 2**27 == pytest.approx(1.001 * (1 - 43.4 * 12e-6) - 1, abs=1e-8)


def test_registers_are_the_same_on_micropython() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'firmware')!r})\n"
        "from meter.metrology import calibration\n"
        f"r = calibration.parse({sample().text()!r}).registers(48000, {ANALOG!r}, 60)\n"
        "print(sorted(r.items()))"
    )
    assert eval(on_micropython(script)) == sorted(sample().registers(48_000, ANALOG, 60).items())


# --- loading ----------------------------------------------------------------------------------------------------------


def test_a_manufactured_meter_is_calibrated_and_without_error() -> None:
    store = CalibrationStore(manufactured(sample()))
    store.load()
    assert store.valid and not store.damaged
    assert store.calibration.text() == sample().text()


def test_a_meter_that_was_never_calibrated_must_not_count() -> None:
    store = CalibrationStore(Ram())
    store.load()
    assert not store.valid and store.damaged
    assert store.calibration.text() == calibration.nominal().text()


@pytest.mark.parametrize("slot", [0, 1])
def test_one_damaged_copy_is_noted_and_mended_from_the_other(slot: int) -> None:
    ram = manufactured(sample())
    ram.damage(slot)
    store = CalibrationStore(ram)
    store.load()
    assert store.valid and store.damaged and store.calibration.text() == sample().text()
    mended = CalibrationStore(ram)
    mended.load()
    assert mended.valid and not mended.damaged
    assert CalibrationStore(ram).calibration.text() == calibration.nominal().text()  # nothing before load


def test_two_damaged_copies_leave_the_meter_without_calibration_and_untouched() -> None:
    ram = manufactured(sample())
    ram.damage(0)
    ram.damage(1)
    store = CalibrationStore(ram)
    store.load()
    assert not store.valid and store.damaged and ram.writes == 0
    store.save(sample())
    again = CalibrationStore(ram)
    again.load()
    assert again.valid and not again.damaged


def test_each_new_calibration_is_counted_by_the_meter_itself() -> None:
    ram = manufactured(sample(count=7))
    store = CalibrationStore(ram)
    store.load()
    store.save(sample(count=0))
    assert store.calibration.count == 8
    again = CalibrationStore(ram)
    again.load()
    assert again.calibration.count == 8


def test_a_calibration_that_could_be_kept_only_once_holds_and_is_said_to_be_damaged() -> None:
    ram = manufactured(sample(count=7))
    store = CalibrationStore(ram)
    store.load()
    ram.keeps = ram.writes + 1
    store.save(sample(count=0))
    assert store.valid and store.damaged and store.calibration.count == 8
    again = CalibrationStore(ram)
    again.load()
    assert again.calibration.count == 8


def test_a_calibration_that_could_not_be_kept_does_not_hold() -> None:
    ram = manufactured(sample(count=7))
    store = CalibrationStore(ram)
    store.load()
    ram.keeps = ram.writes
    with pytest.raises(OSError):
        store.save(sample(count=0))
    assert store.calibration.count == 7


def test_nothing_is_saved_over_a_calibration_that_could_not_be_read() -> None:
    ram = manufactured(sample(count=7))
    store = CalibrationStore(ram)
    store.locked = True
    with pytest.raises(OSError):
        store.save(sample())
    assert ram.writes == 0
    never_loaded = CalibrationStore(ram)
    never_loaded.save(sample())
    assert never_loaded.calibration.count == 8


def test_a_newer_firmwares_record_is_neither_used_nor_overwritten() -> None:
    ram = store_payload(b"from the future", version=2)
    ram.writes = 0
    store = CalibrationStore(ram)
    store.load()
    assert not store.valid and store.damaged
    with pytest.raises(ValueError):
        store.save(sample())
    assert ram.writes == 0
