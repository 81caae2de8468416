"""The meter's clock on the clock chip's model."""

from __future__ import annotations

import datetime

import pytest

from host_tests.test_ds3231_driver import Rig, seconds
from meter.cosem import date_time
from meter.tariff.clock import Clock


def test_a_clock_that_is_set_goes_on_from_there_and_in_the_chip() -> None:
    rig = Rig()
    clock = Clock(rig.clock)
    assert not clock.valid and date_time.now(clock)[11] == 1
    when = seconds(2026, 11, 22, 16, 44, 5)
    clock.set(when)
    assert clock.valid and 0 <= clock.utc() - when <= 1
    assert rig.clock.now() == when and not rig.clock.lost_time
    moment = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=clock.utc())
    assert clock.fields() == (*moment.timetuple()[:3], moment.isoweekday(), *moment.timetuple()[3:6])


def test_a_chip_that_does_not_take_the_time_leaves_the_clock_as_it_was() -> None:
    class Deaf:
        def set(self, _utc: int) -> None:
            raise OSError

    clock = Clock(Deaf())
    before = clock.utc()
    with pytest.raises(OSError, match=r"^$"):
        clock.set(800_000_000)
    assert not clock.valid and clock.utc() - before <= 1


def test_local_time_is_utc_until_there_is_a_zone() -> None:
    clock = Clock(Rig().clock)
    for utc in (0, 800_000_000, 3_155_759_999):
        ahead, daylight_saving, first, end = clock.zone(utc)
        assert (ahead, daylight_saving) == (0, False) and first <= utc < end
        assert clock.to_utc(utc) == clock.to_utc(utc, last=True) == utc
