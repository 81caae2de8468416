"""The meter's clock on the clock chip's model, in the model's time."""

from __future__ import annotations

import datetime
from typing import Any

import micropython_names
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ds3231 import DS3231
from host_tests.model_sources import parameters_with
from host_tests.wires import DirectI2C, Wires
from meter import calendar, persian
from meter.cosem import date_time
from meter.parameters import Parameters
from meter.tariff.clock import CRYSTAL, MAINS_50_HZ, Clock
from tools.bench.ds3231 import DS3231 as Model
from tools.bench.ds3231_drift import made_curve

EPOCH = datetime.datetime(2000, 1, 1)
BERLIN: dict[str, Any] = {"time_zone": 60, "dst_enabled": 1}
TEHRAN: dict[str, Any] = {"time_zone": 210, "calendar": "persian"}


def seconds(*fields: int) -> int:
    return int((datetime.datetime(*fields) - EPOCH).total_seconds())  # type: ignore[arg-type]


START = seconds(2026, 11, 22, 16, 44, 5)


class Rig:
    """A clock that has been set, and all that it has told its owner."""

    def __init__(self, start: int = START, **values: Any) -> None:
        self.chip = Model()
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.rtc = DS3231(DirectI2C({0x68: self.chip}, self.wires))
        self.parameters: Parameters = parameters_with(values)
        micropython_names.follow(self.wires)
        self.told: list[tuple] = []
        self.clock = self.new_clock()
        if start:
            self.clock.set(start)
            self.told.clear()

    def new_clock(self) -> Clock:
        """As after a new start of the meter."""
        clock = Clock(self.rtc, self.parameters)
        clock.on_set = lambda *what: self.told.append(("set", *what))
        clock.on_season = lambda utc: self.told.append(("season", utc))
        clock.on_lost = lambda utc: self.told.append(("lost", utc))
        clock.start()
        return clock

    def run(self, count: int, step: float = 1.0) -> None:
        """`count` times what the meter does once a second."""
        for _ in range(count):
            self.wires.run(step)
            self.clock.update()

    @property
    def ahead_ms(self) -> float:
        """Of the chip's own time."""
        return (self.clock.utc() - self.chip.utc) * 1000


def test_a_clock_that_is_set_goes_on_from_there_and_in_the_chip() -> None:
    rig = Rig(start=0)
    clock = rig.clock
    assert not clock.valid and date_time.now(clock)[11] == 1
    clock.set(START)
    assert clock.valid and date_time.now(clock)[11] == 0
    assert rig.rtc.now() == START and not rig.rtc.lost_time
    rig.run(100, 0.999)
    assert clock.utc() == rig.chip.utc == START + 99
    moment = EPOCH + datetime.timedelta(seconds=clock.utc())
    assert clock.fields() == (*moment.timetuple()[:3], moment.isoweekday(), *moment.timetuple()[3:6])


def test_a_chip_that_does_not_take_the_time_leaves_the_clock_as_it_was() -> None:
    rig = Rig()
    rig.chip.faults.nack = True
    for change in (lambda: rig.clock.set(800_000_000), lambda: rig.clock.adjust(5)):
        with pytest.raises(OSError, match="answer"):
            change()
    assert 0 <= rig.clock.utc() - START <= 1 and not rig.told


def test_time_goes_on_while_the_chip_does_not_answer_and_is_not_valid_then() -> None:
    rig = Rig()
    rig.chip.faults.nack = True
    for n in range(1, 4):
        rig.wires.run(1)
        with pytest.raises(OSError, match="answer"):
            rig.clock.update()
        assert rig.clock.utc() == START + n and not rig.clock.valid
    rig.chip.faults.nack = False
    rig.clock.update()
    assert rig.clock.valid and rig.clock.utc() == START + 3 and not rig.told


@pytest.mark.parametrize("ppm", [-120.0, 40.0])  # of the chip against the ticks
def test_the_clock_never_goes_back_and_finds_where_the_chips_second_begins(ppm: float) -> None:
    rig = Rig()
    rig.chip.drift_ppm = ppm
    rig.wires.run(0.4)
    rig.clock = rig.new_clock()  # knows nothing of the second's beginning
    rig.clock.update()
    before = rig.clock.utc()
    for n in range(3000):
        rig.wires.run(0.337)
        if n % 3 == 0:
            rig.clock.update()
        now = rig.clock.utc()
        assert 0 <= now - before <= 1
        if n > 1500:
            assert abs(now - rig.chip.utc) <= 1
        before = now
    rig.clock.update()
    while rig.chip.utc == rig.clock.utc():  # to the end of a second
        rig.wires.run(0.001)
    rig.wires.run(0.030)
    assert rig.chip.utc == rig.clock.utc()


# --- loss of time ---------------------------------------------------------------------------------------------------


def test_a_chip_that_has_stood_still_is_not_believed_until_it_is_set() -> None:
    rig = Rig()
    rig.chip.set_battery(False)
    rig.chip.power(False, rig.wires.t_ns)
    rig.wires.run(100)
    rig.chip.power(True, rig.wires.t_ns)
    rig.chip.i2c_write(bytes((0, 0x99, 0x7F, 0x3F, 7, 0x3F, 0x1F, 0xA5)), rig.wires.t_ns)  # whatever is in there
    rig.clock = rig.new_clock()
    rig.run(3)
    assert not rig.clock.valid and rig.clock.utc() == 3
    assert rig.told == [("lost", 0)] or rig.told == [("lost", 1)]
    with pytest.raises(ValueError, match="not known"):
        rig.clock.adjust(5)
    rig.clock.set(START)
    rig.run(2)
    assert rig.clock.valid and rig.clock.utc() == START + 2
    assert rig.told[1:] == [("set", 3, START, False)]


def test_after_a_loss_the_clock_goes_on_from_the_last_moment_it_knew() -> None:
    rig = Rig(start=0)
    rig.clock.start(last_known=START)
    rig.run(5)
    assert rig.clock.utc() == START + 5 and not rig.clock.valid


def test_with_a_good_chip_the_last_moment_known_does_not_count() -> None:
    rig = Rig()
    clock = rig.new_clock()
    clock.start(last_known=START + 1000)
    clock.update()
    assert clock.utc() == rig.chip.utc and clock.valid


# --- setting and shifting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "by", "is_shift"),
    [
        ((12, 7, 0), 9, True),
        ((12, 7, 0), -9, True),
        ((12, 7, 0), 10, False),
        ((12, 7, 0), -10, False),
        ((12, 14, 55), 4, True),
        ((12, 14, 55), 5, False),  # into the next measuring period
        ((12, 15, 3), -3, True),
        ((12, 15, 3), -4, False),
        ((12, 7, 0), 86_400, False),
    ],
)
def test_a_shift_is_small_and_stays_in_its_measuring_period(at: tuple, by: int, is_shift: bool) -> None:
    now = seconds(2026, 11, 22, *at)
    for change in ("set", "adjust"):
        rig = Rig(now)
        getattr(rig.clock, change)(now + by if change == "set" else by)
        assert rig.told == [("set", now, now + by, is_shift)]
        assert rig.clock.utc() == now + by


def test_measuring_periods_are_those_of_local_time() -> None:
    now = seconds(2026, 11, 22, 12, 0, 2)
    rig = Rig(now, time_zone=345)  # 17:45 in Kathmandu
    rig.clock.period_s = 3600
    rig.clock.adjust(-4)
    assert rig.told == [("set", now, now - 4, True)]
    rig.clock.adjust(900)
    rig.told.clear()
    rig.clock.set(seconds(2026, 11, 22, 12, 15, 2))
    rig.clock.adjust(-4)
    assert rig.told[-1][3] is False


@given(st.integers(0, 999), st.integers(-900, 900))
@settings(max_examples=30, deadline=None)
def test_an_adjusted_clock_keeps_the_beginning_of_its_seconds_and_gives_it_to_the_chip(ms: int, by: int) -> None:
    rig = Rig()
    start_ns = rig.wires.t_ns
    rig.wires.run(1 + ms / 1000)
    rig.clock.adjust(by)
    rig.run(150, 0.9931)  # at all places of a second
    for count in (0, 3):
        rig.run(count)
        elapsed_ms = (rig.wires.t_ns - start_ns) / 1e6
        wait = (1000 - elapsed_ms % 1000) / 1000  # to the true beginning of a second
        rig.wires.run(wait - 0.006)
        true = START + by + round((rig.wires.t_ns - start_ns) / 1e9)
        assert rig.clock.utc() == true - 1
        rig.wires.run(0.012)
        assert rig.clock.utc() == true
        rig.wires.run(0.030)
        assert rig.chip.utc == true


# --- local time -----------------------------------------------------------------------------------------------------


def test_without_a_setting_local_time_is_utc() -> None:
    clock = Rig().clock
    for utc in (0, 800_000_000, 3_155_759_999):
        ahead, daylight_saving, first, end = clock.zone(utc)
        assert (ahead, daylight_saving) == (0, False) and first <= utc < end
        assert clock.to_utc(utc) == clock.to_utc(utc, last=True) == utc


def test_a_change_of_the_zone_counts_at_once() -> None:
    rig = Rig()
    assert rig.clock.zone(START)[0] == 0
    rig.parameters.set("time_zone", -300, 3)
    assert rig.clock.zone(START)[:2] == (-300, False) and rig.clock.fields()[4:6] == (11, 44)
    rig.parameters.set("dst_enabled", 1, 3)
    assert rig.clock.zone(seconds(2026, 7, 1))[:2] == (-240, True)


@pytest.mark.parametrize(
    ("start", "before", "after", "is_saving"),
    [
        ((2026, 3, 29, 0, 59, 57), (3, 29, 7, 1, 59), (3, 29, 7, 3, 0), True),
        ((2026, 10, 25, 0, 59, 57), (10, 25, 7, 2, 59), (10, 25, 7, 2, 0), False),
    ],
)
def test_each_night_in_which_the_season_changes_is_told_with_the_last_second_before(
    start: tuple, before: tuple, after: tuple, is_saving: bool
) -> None:
    rig = Rig(seconds(*start), **BERLIN)
    assert rig.clock.fields()[1:6] == before
    rig.run(10)
    assert rig.clock.fields()[1:6] == after
    assert date_time.now(rig.clock)[11] == (0x80 if is_saving else 0)
    change = seconds(*start[:3], 1)
    assert rig.told == [("season", change - 1)]
    assert date_time.octets(rig.clock, change - 1)[5:8] == bytes((before[3], 59, 59))


def test_a_clock_that_is_set_over_a_change_of_season_tells_no_change() -> None:
    rig = Rig(seconds(2026, 3, 1), **BERLIN)
    rig.run(2)
    rig.clock.set(seconds(2026, 6, 1))
    rig.parameters.set("time_zone", 120, 3)
    rig.run(2)
    rig.parameters.set("dst_enabled", 0, 3)
    rig.run(2)
    assert [what for what, *_ in rig.told] == ["set"]


@pytest.mark.parametrize(
    ("utc", "fields"),
    [
        ((2025, 3, 20, 20, 29, 59), (1403, 12, 30, 4, 23, 59, 59)),
        ((2025, 3, 20, 20, 30, 0), (1404, 1, 1, 5, 0, 0, 0)),
        ((2030, 3, 20, 12, 0, 0), (1408, 12, 30, 3, 15, 30, 0)),
        ((2030, 3, 20, 20, 30, 0), (1409, 1, 1, 4, 0, 0, 0)),
        ((2024, 2, 29, 0, 0, 0), (1402, 12, 10, 4, 3, 30, 0)),
    ],
)
def test_a_persian_clock_shows_the_persian_date_of_tehran(utc: tuple, fields: tuple) -> None:
    """Persian dates of the fact sheet's page 6."""
    rig = Rig(seconds(*utc), **TEHRAN)
    assert rig.clock.fields() == fields
    assert date_time.now(rig.clock)[:5] == bytes((utc[0] >> 8, utc[0] & 255, *utc[1:2])) + date_time.now(rig.clock)[3:5]
    rig.parameters.set("persian_on_wire", 1, 3)
    assert date_time.now(rig.clock)[:5] == bytes((fields[0] >> 8, fields[0] & 255, *fields[1:4]))
    assert date_time.utc(rig.clock, date_time.now(rig.clock)) == rig.clock.utc()


def test_the_wire_is_gregorian_unless_both_parameters_say_otherwise() -> None:
    for own, on_wire, expected in (
        ("gregorian", 0, calendar),
        ("gregorian", 1, calendar),
        ("persian", 0, calendar),
        ("persian", 1, persian),
    ):
        assert Rig(calendar=own, persian_on_wire=on_wire).clock.wire is expected


# --- trim -----------------------------------------------------------------------------------------------------------


def _ppm(rig: Rig) -> float:
    """How much the chip gains in ten million seconds at the temperature it has."""
    chip, wires = rig.chip, rig.wires
    true, shown = wires.t_ns, chip.utc
    wires._advance(true + 10**16)
    return (chip.utc - shown) / 10 - 1e6


@pytest.mark.parametrize("specimen", range(6))
@pytest.mark.parametrize("aged_ppm", [-5.0, 4.0])
def test_a_trimmed_clock_stays_within_5_ppm_from_minus_40_to_70_degrees(specimen: int, aged_ppm: float) -> None:
    """Product data sheet: below 5 ppm. After ten years (DS3231 data sheet: +-5 ppm) and trimmed at room temperature."""
    curve = made_curve(specimen)
    rig = Rig(clock_trim=round(10 * (aged_ppm + curve(23.0))))
    rig.chip.curve, rig.chip.drift_ppm = curve, aged_ppm
    for celsius in range(-40, 71, 10):
        rig.chip.temperature = celsius
        rig.run(130)  # until the chip has looked at its temperature, and the clock at the chip's
        assert abs(_ppm(rig)) < 5
        rig.clock.update()


def test_a_trim_is_written_again_to_a_chip_that_has_lost_it() -> None:
    rig = Rig(clock_trim=-30)
    rig.run(130)  # the chip has measured its temperature, 25 degC
    assert rig.rtc.aging() == -30
    rig.rtc.set_aging(0)
    rig.clock = rig.new_clock()
    rig.run(1)
    assert rig.rtc.aging() == -30
    rig.parameters.set("clock_trim", 12, 3)
    rig.run(1)
    assert rig.rtc.aging() == 12


# --- mains ----------------------------------------------------------------------------------------------------------


class Mains:
    """Counts periods of a mains whose frequency may change; `away`: there are none to count."""

    def __init__(self, wires: Wires, hz: float) -> None:
        self.wires, self.hz, self.away = wires, hz, False
        self._counted, self._since = 0.0, wires.t_ns

    def set(self, hz: float) -> None:
        self._counted, self._since, self.hz = self._now(), self.wires.t_ns, hz

    def __call__(self) -> int | None:
        return None if self.away else int(self._now())

    def _now(self) -> float:
        return self._counted + (self.wires.t_ns - self._since) / 1e9 * self.hz


@pytest.mark.parametrize("hz", [49.95, 50.05])
def test_a_clock_that_goes_by_the_mains_counts_its_periods(hz: float) -> None:
    rig = Rig(mains_sync=1)
    assert rig.clock.base == MAINS_50_HZ and date_time.now(rig.clock)[11] == 4  # not yet on it
    mains = rig.clock.cycles = Mains(rig.wires, hz)
    rig.run(1)
    began, first = rig.wires.t_ns, rig.clock.utc()
    rig.run(4000, 0.9973)
    elapsed = (rig.wires.t_ns - began) / 1e9
    by_mains = elapsed * mains.hz / 50
    assert abs(rig.clock.utc() - first - by_mains) <= 1 and abs(by_mains - elapsed) > 3.9
    assert abs(rig.clock.utc() - rig.chip.utc) <= 1  # the chip is kept right
    assert rig.clock.follows_mains and date_time.now(rig.clock)[11] == 0


def test_without_mains_or_out_of_its_range_the_quartz_counts() -> None:
    rig = Rig(mains_sync=1)
    mains = rig.clock.cycles = Mains(rig.wires, 50.0)
    for trouble in ("away", 47.0, 55.0):
        mains.set(50.0)
        rig.run(3)
        assert rig.clock.follows_mains
        if trouble == "away":
            mains.away = True
        else:
            mains.set(float(trouble))
        began, first = rig.wires.t_ns, rig.clock.utc()
        rig.run(500)
        assert not rig.clock.follows_mains and rig.clock.on_other_base
        assert abs(rig.clock.utc() - first - (rig.wires.t_ns - began) / 1e9) <= 1
        mains.away = False


def test_mains_leads_the_clock_no_further_away_than_the_limit() -> None:
    rig = Rig(mains_sync=1, sync_limit_s=5)
    rig.clock.cycles = Mains(rig.wires, 50.4)  # gains 8 s in 1000 s
    began, first = rig.wires.t_ns, rig.clock.utc()
    rig.run(1000)
    assert abs(rig.clock.utc() - first - (rig.wires.t_ns - began) / 1e9 - 5) <= 1
    assert not rig.clock.follows_mains
    rig.clock.set(rig.clock.utc())  # from here on it may again
    rig.run(3)
    assert rig.clock.follows_mains


def test_by_default_the_clock_is_quartz() -> None:
    rig = Rig()
    rig.clock.cycles = Mains(rig.wires, 50.5)
    began, first = rig.wires.t_ns, rig.clock.utc()
    rig.run(300)
    assert rig.clock.base == CRYSTAL and not rig.clock.on_other_base
    assert abs(rig.clock.utc() - first - (rig.wires.t_ns - began) / 1e9) <= 1
