"""The clock's reserve against the product's data sheet: 21 days, 7 after a day of charging, a battery."""

from __future__ import annotations

import math

import pytest

from host_tests.wires import Wires
from tools.bench.ds3231 import DS3231
from tools.bench.reserve import BATTERY, SUPERCAP, Reserve

HOUR, DAY = 3600, 86_400


class Rig:
    """A clock chip on a reserve, in a meter with a supply."""

    def __init__(self, kind: str = SUPERCAP) -> None:
        self.chip = DS3231()
        self.reserve = Reserve(self.chip, kind)
        self.wires = Wires(self.chip, self.reserve)
        self.supply(True)
        self.chip.set_utc(0, 0)

    def supply(self, on: bool) -> None:
        for device in (self.chip, self.reserve):
            device.power(on, self.wires.t_ns)

    def off(self, seconds: float) -> bool:
        """Whether the chip still knows the time after so long without a supply."""
        before = self.chip.utc
        self.supply(False)
        self.wires.run(seconds)
        self.supply(True)
        self.chip.i2c_write(b"\x0f", self.wires.t_ns)
        lost = self.chip.i2c_read(1, self.wires.t_ns)[0] & 0x80
        assert (self.chip.utc - before == pytest.approx(seconds, abs=1)) is not bool(lost)
        return not lost


@pytest.mark.parametrize(("days", "knows"), [(1, True), (21, True), (22, False), (400, False)])
def test_a_full_supercap_lasts_more_than_21_days(days: int, knows: bool) -> None:
    assert Rig().off(days * DAY) is knows


@pytest.mark.parametrize(("hours", "days"), [(24, 7), (300, 21)])
def test_charging_times_give_the_reserves_of_the_data_sheet(hours: int, days: int) -> None:
    for late, knows in ((-0.1, True), (0.2, False)):
        rig = Rig()
        rig.reserve.set_days(0)
        rig.wires.run(hours * HOUR)
        assert rig.reserve.days == pytest.approx(days, abs=0.1)
        assert rig.off((days + late) * DAY) is knows


def test_short_cuts_use_up_what_they_take_and_no_more() -> None:
    rig = Rig()
    rig.reserve.set_days(7)
    assert rig.off(3 * DAY) and rig.reserve.days == pytest.approx(4)
    assert rig.off(3.9 * DAY) and not rig.off(0.2 * DAY)
    rig.chip.set_utc(1000)
    rig.wires.run(HOUR)
    assert 0.3 < rig.reserve.days < 0.36 and rig.off(7 * HOUR)


def test_a_battery_outlasts_ten_years() -> None:
    rig = Rig(BATTERY)
    assert rig.reserve.days == math.inf and rig.off(3660 * DAY)


def test_what_is_no_reserve_is_refused() -> None:
    with pytest.raises(ValueError, match="none of"):
        Reserve(DS3231(), "spring")
    for days in (-1.0, 22.0):
        with pytest.raises(ValueError, match="days"):
            Rig().reserve.set_days(days)
