"""The clock chip model against its data sheet, register by register."""

from __future__ import annotations

import datetime

import pytest

from host_tests.wires import Wires
from tools.bench.ds3231 import DS3231
from tools.bench.ds3231_drift import made_curve

EPOCH = datetime.datetime(2000, 1, 1)
NS = 1_000_000_000


class Rig:
    def __init__(self, **options: float) -> None:
        self.chip = DS3231(**options)
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)

    def write(self, register: int, *data: int) -> int:
        return self.chip.i2c_write(bytes((register, *data)), self.wires.t_ns)

    def read(self, register: int, size: int = 1) -> bytes:
        self.write(register)
        return self.chip.i2c_read(size, self.wires.t_ns)

    def edges(self) -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        self.chip.sqw.listeners.append(lambda _line, level, t_ns: seen.append((level, t_ns)))
        return seen


@pytest.fixture
def rig() -> Rig:
    return Rig()


def seconds(*date: int) -> int:
    return int((datetime.datetime(*date) - EPOCH).total_seconds())  # type: ignore[arg-type]


def test_first_power_gives_the_reset_values_with_the_oscillator_flag_set(rig: Rig) -> None:
    assert rig.read(0, 0x13) == bytes.fromhex("00000001010100" + "00" * 7 + "1C88000000")


def test_the_register_pointer_wraps_from_12h_to_00h(rig: Rig) -> None:
    rig.write(0x07, 0x55)
    rig.write(0x01, 0x34)
    assert rig.read(0x12, 3) == b"\x00\x00\x34"
    rig.write(0x12, 0xFF, 0x21)
    assert rig.read(0x00) == b"\x21"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("59 59 23 07 31 12 24", "00 00 00 01 01 01 25"),
        ("59 59 23 03 28 02 23", "00 00 00 04 01 03 23"),
        ("59 59 23 03 28 02 24", "00 00 00 04 29 02 24"),
        ("59 59 23 03 28 02 00", "00 00 00 04 29 02 00"),
        ("59 59 23 04 31 12 99", "00 00 00 05 01 81 00"),  # century bit toggles
        ("59 59 51 01 05 06 26", "00 00 72 01 05 06 26"),  # 11:59:59 AM -> 12 PM
        ("59 59 71 07 30 04 26", "00 00 52 01 01 05 26"),  # 11:59:59 PM -> 12 AM of the next day
        ("59 59 72 02 30 04 26", "00 00 61 02 30 04 26"),  # 12:59:59 PM -> 1 PM
        ("09 00 09 02 30 04 26", "10 00 09 02 30 04 26"),
    ],
)
def test_the_counters_carry_as_the_calendar_does(rig: Rig, before: str, after: str) -> None:
    rig.write(0, *bytes.fromhex(before))
    rig.wires.run(1)
    assert rig.read(0, 7).hex(" ") == after


def test_century_of_counting_equals_pythons_calendar(rig: Rig) -> None:
    """Leap from one odd moment to the next, 2000 to 2099."""
    moment, step = EPOCH, datetime.timedelta(days=41, hours=5, minutes=13, seconds=17)
    rig.chip.set_utc(0)
    while moment.year < 2100:
        bcd = moment.strftime("%S %M %H {} %d %m %y").format(f"{(moment.isoweekday() - 6) % 7 + 1:02d}")
        assert rig.read(0, 7).hex(" ") == bcd
        assert rig.chip.utc == (moment - EPOCH).total_seconds()
        rig.wires.run(step.total_seconds())
        moment += step


def test_writing_the_seconds_restarts_the_second(rig: Rig) -> None:
    rig.write(0, 0)
    rig.wires.run(0.9)
    rig.write(0, 0x10)
    rig.wires.run(0.95)
    assert rig.read(0) == b"\x10"
    rig.wires.run(0.1)
    assert rig.read(0) == b"\x11"


def test_square_wave_goes_high_500_ms_after_the_seconds_are_written_and_falls_with_the_second(rig: Rig) -> None:
    rig.write(0x0E, 0x00)
    rig.wires.run(0.3)
    edges = rig.edges()
    start = rig.wires.t_ns
    rig.write(0, 0)
    rig.wires.run(2.25)
    assert edges == [(1, start + NS // 2), (0, start + NS), (1, start + 3 * NS // 2), (0, start + 2 * NS)]


@pytest.mark.parametrize(("bits", "hertz"), [(0x00, 1), (0x08, 1024), (0x10, 4096), (0x18, 8192)])
def test_square_wave_has_the_frequency_that_is_set(rig: Rig, bits: int, hertz: int) -> None:
    rig.write(0x0E, bits)
    rig.wires.run(0.01)
    edges = rig.edges()
    rig.wires.run(2)
    assert len(edges) == 4 * hertz


def test_without_square_wave_the_pin_is_high_and_nothing_is_due(rig: Rig) -> None:
    rig.write(0x0E, 0x04)
    assert rig.chip.next_event() is None and rig.chip.sqw.level == 1
    rig.write(0x0E, 0x00)
    assert rig.chip.next_event() is not None


def test_on_battery_the_square_wave_needs_bbsqw(rig: Rig) -> None:
    rig.write(0x0E, 0x00)
    rig.chip.power(False, rig.wires.t_ns)
    assert rig.chip.next_event() is None and rig.chip.sqw.level == 1
    rig.chip.power(True, rig.wires.t_ns)
    rig.write(0x0E, 0x40)
    rig.chip.power(False, rig.wires.t_ns)
    assert rig.chip.next_event() is not None


@pytest.mark.parametrize("ppm", [-3.5, 0.0, 5.0])
def test_drift_of_ppm_is_that_many_microseconds_per_second(ppm: float) -> None:
    rig = Rig(drift_ppm=ppm)
    rig.write(0x0E, 0x00)
    rig.chip.set_utc(0, 0)
    edges = rig.edges()
    rig.wires.run(6 * 3600 + 1)
    quarter_day = [t_ns for level, t_ns in edges if level == 0][6 * 3600 - 1]
    assert quarter_day == pytest.approx(21_600e9 / (1 + ppm * 1e-6), abs=1)
    if ppm == 5:
        assert 4 * (21_600e9 - quarter_day) == pytest.approx(0.432e9, rel=1e-5)  # the product's 5 ppm in s/day


def test_the_temperature_curve_sets_the_rate_from_the_moment_the_temperature_changes(rig: Rig) -> None:
    rig.chip.curve = lambda celsius: -0.035 * (celsius - 25) ** 2  # a bare tuning fork
    rig.chip.set_utc(0, 0)
    rig.wires.run(1_000_000)
    assert rig.chip.utc == 1_000_000
    rig.chip.temperature = -15.0
    rig.wires.run(1_000_000)
    assert rig.chip.utc == 2_000_000 - 56


@pytest.mark.parametrize(
    ("celsius", "registers"), [(25.0, "1900"), (25.25, "1940"), (-0.25, "ffc0"), (-40.0, "d800"), (70.5, "4680")]
)
def test_temperature_is_in_quarters_and_taken_every_64_s(rig: Rig, celsius: float, registers: str) -> None:
    rig.chip.set_utc(0, 0)
    rig.chip.temperature = celsius
    rig.wires.run(63.9)
    assert rig.read(0x11, 2) == b"\x00\x00"
    rig.wires.run(0.2)
    assert rig.read(0x11, 2).hex() == registers


def test_a_conversion_on_request_is_busy_and_then_done(rig: Rig) -> None:
    rig.write(0x0E, 0x24)
    assert (rig.read(0x0E), rig.read(0x0F)[0] & 4) == (b"\x24", 4)
    rig.wires.run(0.2)
    assert (rig.read(0x0E), rig.read(0x0F)[0] & 4) == (b"\x04", 0)
    assert rig.read(0x11) == b"\x19"


def test_aging_slows_by_a_tenth_of_a_ppm_per_step_from_the_next_conversion_on(rig: Rig) -> None:
    rig.chip.set_utc(0, 0)
    rig.write(0x10, 100)  # 10 ppm slower
    rig.wires.run(64)
    assert rig.chip._phase == 0
    rig.wires.run(100_000)
    assert rig.chip.utc == 64 + 100_000 - 1
    assert rig.chip._phase == 0
    rig.write(0x10, 0x9C)  # -100: faster, taken over at once with CONV
    rig.write(0x0E, 0x24)
    rig.wires.run(0.125)
    rig.wires.run(100_000)
    assert rig.chip.utc == 64 + 100_000 - 1 + 100_001


@pytest.mark.parametrize(("celsius", "ppm"), [(-40.0, 7.0), (25.0, 1.0), (70.0, 4.0), (85.0, 8.0)])
def test_ten_steps_of_aging_slow_more_where_it_is_cold_or_hot(rig: Rig, celsius: float, ppm: float) -> None:
    """Data sheet, "Trim Register Frequency Sensitivity per LSB"."""
    rig.chip.set_utc(0, 0)
    rig.chip.temperature = celsius
    rig.write(0x10, 10)
    rig.wires.run(64)
    rig.wires.run(1_000_000)
    assert rig.chip.utc == 64 + 1_000_000 - ppm


@pytest.mark.parametrize("specimen", range(200))
def test_a_made_chip_keeps_to_its_data_sheet_and_is_no_ideal_one(specimen: int) -> None:
    curve = made_curve(specimen)
    errors = {celsius: curve(celsius) for celsius in range(-40, 86)}
    assert all(abs(ppm) <= (2.0 if 0 <= celsius <= 40 else 3.5) for celsius, ppm in errors.items())
    assert max(errors.values()) - min(errors.values()) > 0.2
    assert made_curve(specimen)(17.0) == curve(17.0) != made_curve(specimen + 1)(17.0)


def test_time_goes_on_through_years_on_battery_and_the_flag_stays_clear(rig: Rig) -> None:
    rig.chip.set_utc(seconds(2026, 11, 22, 16, 44, 0), 0)
    rig.chip.power(False, 5 * NS)
    rig.chip.power(True, 5 * NS + 400 * 86_400 * NS)
    assert rig.chip.utc == seconds(2027, 12, 27, 16, 44, 5)
    assert rig.read(0x0F)[0] & 0x80 == 0


def test_with_a_dead_battery_a_power_cut_loses_time_and_sets_the_flag(rig: Rig) -> None:
    rig.chip.set_utc(seconds(2026, 11, 22), 0)
    rig.chip.set_battery(False)
    rig.wires.run(10)
    assert rig.chip.utc == seconds(2026, 11, 22, 0, 0, 10)  # the supply still feeds it
    rig.chip.power(False, rig.wires.t_ns)
    assert rig.write(0) == 0
    rig.wires.run(100)
    rig.chip.power(True, rig.wires.t_ns)
    assert rig.chip.utc == 0 and rig.read(0x0F)[0] & 0x80
    rig.wires.run(3)
    assert rig.chip.utc == 3


def test_a_battery_that_dies_during_the_cut_loses_time_too(rig: Rig) -> None:
    rig.chip.set_utc(seconds(2026, 11, 22), 0)
    rig.chip.power(False, NS)
    rig.chip.set_battery(False, 2 * NS)
    rig.chip.set_battery(True, 3 * NS)
    rig.chip.power(True, 4 * NS)
    assert rig.chip.utc == 0 and rig.read(0x0F)[0] & 0x80


def test_eosc_stops_the_oscillator_on_battery_only(rig: Rig) -> None:
    rig.chip.set_utc(1000, 0)
    rig.write(0x0E, 0x84)
    rig.wires.run(5)
    assert rig.chip.utc == 1005
    rig.chip.power(False, 5 * NS)
    rig.chip.power(True, 50 * NS)
    assert rig.chip.utc == 1005 and rig.read(0x0F)[0] & 0x80


def test_flags_can_be_cleared_but_not_set(rig: Rig) -> None:
    rig.write(0x0F, 0x80)
    assert rig.read(0x0F) == b"\x80"  # 32 kHz off, flag untouched
    rig.write(0x0F, 0x00)
    rig.write(0x0F, 0xFF)
    assert rig.read(0x0F) == b"\x08"


def test_faults(rig: Rig) -> None:
    rig.chip.faults.stuck_data = 0x00
    assert rig.read(0x0E, 2) == b"\x00\x00"
    rig.chip.faults.nack = True
    assert rig.write(0x00, 0x30) == 0
    rig.chip.faults.nack, rig.chip.faults.stuck_data = False, None
    assert rig.read(0x00) == b"\x00"


def test_many_small_steps_and_one_large_one_give_the_same_phase() -> None:
    one, many = Rig(drift_ppm=1.7), Rig(drift_ppm=1.7)
    one.wires.run(3600)
    for _ in range(3600 * 3):
        many.wires._advance(many.wires.t_ns + NS // 3)
        assert many.chip.utc == many.wires.t_ns * 1_000_001_700 // 10**18  # ns, and parts per 1e9
    many.wires._advance(3600 * NS)
    assert (one.chip.utc, one.chip._phase) == (many.chip.utc, many.chip._phase)
