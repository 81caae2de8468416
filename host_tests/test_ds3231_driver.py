"""The clock driver against the chip model over the bus."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ds3231 import DS3231
from host_tests.wires import DirectI2C, Wires
from tools.bench.ds3231 import DS3231 as Model
from tools.bench.ds3231_drift import aging_ppm

EPOCH = datetime.datetime(2000, 1, 1)
LAST = 36525 * 86400 - 1


class Rig:
    def __init__(self) -> None:
        self.chip = Model()
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.clock = DS3231(DirectI2C({0x68: self.chip}, self.wires))

    def registers(self, start: int, size: int) -> bytes:
        self.chip.i2c_write(bytes((start,)), self.wires.t_ns)
        return self.chip.i2c_read(size, self.wires.t_ns)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def seconds(*date: int) -> int:
    return int((datetime.datetime(*date) - EPOCH).total_seconds())  # type: ignore[arg-type]


def test_a_set_time_stands_in_the_registers_as_bcd(rig: Rig) -> None:
    rig.clock.set(seconds(2026, 11, 22, 16, 44, 5))  # a Sunday
    assert rig.registers(0, 7).hex(" ") == "05 44 16 07 22 11 26"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, LAST))
def test_every_second_of_the_century_is_set_and_read_back(when: int) -> None:
    rig = Rig()
    rig.clock.set(when)
    moment = EPOCH + datetime.timedelta(seconds=when)
    assert rig.registers(0, 7).hex(" ") == moment.strftime(f"%S %M %H {moment.isoweekday():02d} %d %m %y")
    assert rig.clock.now() == when


def test_first_and_last_day_of_every_month_are_set_and_read_back(rig: Rig) -> None:
    day = EPOCH
    while day.year < 2100:
        for moment in (day, day - datetime.timedelta(seconds=1)):
            if moment >= EPOCH:
                rig.clock.set(int((moment - EPOCH).total_seconds()))
                assert rig.registers(4, 3).hex(" ") == moment.strftime("%d %m %y")
                assert rig.clock.now() == (moment - EPOCH).total_seconds()
        day = (day + datetime.timedelta(days=32)).replace(day=1)


def test_time_goes_on_second_by_second_over_a_leap_day(rig: Rig) -> None:
    start = seconds(2024, 2, 28, 23, 59, 58)
    rig.clock.set(start)
    base = rig.wires.t_ns
    for step in range(1, 86_400 + 5, 997):
        rig.wires.run(step + 0.5 - (rig.wires.t_ns - base) / 1e9)
        assert rig.clock.now() == start + step


@pytest.mark.parametrize("when", [-1, LAST + 1])
def test_a_time_outside_the_century_is_refused_and_changes_nothing(rig: Rig, when: int) -> None:
    rig.clock.set(500)
    with pytest.raises(ValueError):
        rig.clock.set(when)
    assert rig.clock.now() == 500


@pytest.mark.parametrize(
    ("hours", "hour"), [(0x52, 0), (0x41, 1), (0x51, 11), (0x72, 12), (0x61, 13), (0x71, 23), (0x23, 23), (0x00, 0)]
)
def test_both_hour_modes_are_understood(rig: Rig, hours: int, hour: int) -> None:
    rig.chip.i2c_write(bytes((0, 0, 0, hours, 1, 1, 1, 0)), rig.wires.t_ns)
    assert rig.clock.now() == hour * 3600


@pytest.mark.parametrize(
    "registers",
    [
        "60 00 00 01 01 01 00",
        "0A 00 00 01 01 01 00",
        "00 7F 00 01 01 01 00",
        "00 00 24 01 01 01 00",
        "00 00 53 01 01 01 00",
        "00 00 40 01 01 01 00",
        "00 00 00 01 00 01 00",
        "00 00 00 01 32 01 00",
        "00 00 00 01 30 02 24",
        "00 00 00 01 29 02 23",
        "00 00 00 01 31 04 24",
        "00 00 00 01 01 00 24",
        "00 00 00 01 01 13 24",
        "00 00 00 01 01 81 00",
        "00 00 00 01 01 01 A0",
        "FF FF FF FF FF FF FF",
    ],
)
def test_registers_without_a_date_are_an_error_not_a_time(rig: Rig, registers: str) -> None:
    rig.chip._registers[:7] = bytes.fromhex(registers)
    with pytest.raises(OSError, match="no date"):
        rig.clock.now()


def test_lost_time_is_told_until_the_clock_is_set(rig: Rig) -> None:
    rig.clock.start()
    assert rig.clock.lost_time
    rig.clock.set(1000)
    assert not rig.clock.lost_time
    rig.chip.power(False, rig.wires.t_ns)
    rig.wires.run(3600)
    rig.chip.power(True, rig.wires.t_ns)
    rig.clock.start()
    assert not rig.clock.lost_time and rig.clock.now() == 4600
    rig.chip.set_battery(False)
    rig.chip.power(False, rig.wires.t_ns)
    rig.chip.power(True, rig.wires.t_ns)
    rig.clock.start()
    assert rig.clock.lost_time
    rig.clock.clear_lost_time()
    assert not rig.clock.lost_time


def test_start_keeps_the_oscillator_on_battery_and_switches_the_outputs(rig: Rig) -> None:
    rig.clock.start()
    assert rig.registers(0x0E, 2).hex() == "0480"
    assert rig.chip.next_event() is None
    rig.clock.start(square_wave=True)
    assert rig.registers(0x0E, 2).hex() == "0080"
    rig.clock.set(0)
    falls: list[int] = []
    rig.chip.sqw.listeners.append(lambda _line, level, t_ns: falls.append(t_ns) if level == 0 else None)
    rig.wires.run(3.2)
    assert len(falls) == 3
    assert {b - a for a, b in zip(falls, falls[1:], strict=False)} == {1_000_000_000}


@pytest.mark.parametrize("celsius", [-40.0, -0.25, 0.0, 21.75, 70.0])
def test_temperature_is_read_with_its_sign(rig: Rig, celsius: float) -> None:
    rig.chip.temperature = celsius
    rig.wires.run(65)
    assert rig.clock.temperature() == celsius


def test_aging_trims_a_fast_clock(rig: Rig) -> None:
    rig.chip.drift_ppm = 4.0
    rig.clock.set_aging(40)
    assert rig.clock.aging() == 40
    rig.wires.run(1)
    rig.chip.set_utc(0)
    rig.wires.run(10_000_000)
    assert rig.clock.now() == 10_000_000
    rig.clock.set_aging(-128)
    assert rig.clock.aging() == -128
    with pytest.raises(ValueError):
        rig.clock.set_aging(128)


@pytest.mark.parametrize("celsius", [-40.0, -12.5, 25.0, 40.0, 70.0])
@pytest.mark.parametrize("tenths_ppm", [-127, -31, 5, 40])
def test_a_trim_slows_by_as_much_at_any_temperature(rig: Rig, celsius: float, tenths_ppm: int) -> None:
    rig.chip.temperature = celsius
    rig.wires.run(65)
    rig.clock.trim(tenths_ppm)
    rig.wires.run(1)
    rig.chip.set_utc(0)
    rig.wires.run(100_000_000)
    assert rig.clock.now() == pytest.approx(100_000_000 - 10 * tenths_ppm, abs=100 * aging_ppm(celsius) / 2 + 5)


def test_a_silent_chip_is_an_error_with_its_name(rig: Rig) -> None:
    rig.chip.faults.nack = True
    for call in (rig.clock.now, rig.clock.start, rig.clock.temperature, rig.clock.clear_lost_time):
        with pytest.raises(OSError, match="DS3231: does not answer"):
            call()
    with pytest.raises(OSError, match="does not answer"):
        rig.clock.set(5)
    with pytest.raises(OSError, match="does not answer"):
        _ = rig.clock.lost_time


@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_a_stuck_bus_is_noticed_when_setting_and_starting(rig: Rig, byte: int) -> None:
    rig.chip.faults.stuck_data = byte
    with pytest.raises(OSError):
        rig.clock.set(seconds(2026, 1, 1))
    with pytest.raises(OSError, match="control"):
        rig.clock.start()
    with pytest.raises(OSError, match="no date"):
        rig.clock.now()
