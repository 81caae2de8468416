"""A ledger in plain Python of what a meter must show; it shares nothing with the firmware.

It keeps what was fed as amounts and works each period out from the calendar of Python's time zone database, with an
accumulator for each period; the firmware has totals and differences.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from host_tests.tariff_cases import (
    BEFORE_SETTING,
    CLOCK_SET,
    INTERNAL,
    IRREGULAR,
    POWER_DOWN,
    POWER_UP,
    RESET,
    START,
    SUMMER,
)
from host_tests.tariff_reference import Gregorian
from host_tests.tariff_zone import EPOCH, Zone

SHIFT_LIMIT_S, LOCKOUT_S = 9, 3600
GREGORIAN = Gregorian()
FIRST_DAY = EPOCH.toordinal()


def period_end(zone: Zone, utc: int, minutes: int, parts: int = 1) -> int:
    """The next moment after `utc` at which the local clock's minutes and seconds are a multiple of the period's: hours
    are whole in every zone here, whatever the season."""
    local, step = zone.local(utc), minutes * 60 // parts
    return utc + step - (local.minute * 60 + local.second) % step


def day_and_night(zone: Zone, utc: int) -> tuple[int, int]:
    """Rate 1 from 6 to 22 o'clock, else 2, of energy and of demand."""
    rate = 1 if 6 <= zone.local(utc).hour < 22 else 2
    return rate, rate


def month_end(zone: Zone, utc: int, calendar: Any = GREGORIAN) -> int:
    """The next midnight after `utc` with which a month begins."""
    local = zone.local(utc)
    day = local.toordinal() - FIRST_DAY
    while True:
        day += 1
        if calendar.date(day)[2] == 1:
            return zone.to_utc(day * 86400)


@dataclass
class Profile:
    """The entries that there must be, for one energy: time, status, advance."""

    zone: Zone
    minutes: int
    entries: list[tuple[int, int, int]] = field(default_factory=list)
    end: int = 0
    advance: int = 0
    marks: int = 0

    def enter(self, utc: int, status: int) -> None:
        summer = SUMMER if self.zone.local(utc).dst() else 0
        self.entries.append((utc, status | summer | self.marks, self.advance))
        self.advance = self.marks = 0
        self.end = period_end(self.zone, utc, self.minutes)

    def close_until(self, utc: int) -> None:
        while utc >= self.end:
            self.enter(self.end, INTERNAL)

    def clock_set(self, old: int, new: int) -> None:
        self.close_until(old)
        if not stays(self.end, self.minutes * 60, old, new):
            self.enter(old, CLOCK_SET | BEFORE_SETTING | IRREGULAR)
            self.enter(new, CLOCK_SET | START)


def stays(end: int, length: int, old: int, new: int) -> bool:
    return abs(new - old) <= SHIFT_LIMIT_S and end - length <= new < end


@dataclass
class Reference:
    """What a meter with these settings must show of one energy, in rates 1 to `rates`; `rates_at`: which of them is
    on, of energy and of demand."""

    zone: Zone
    minutes: int
    parts: int
    utc: int
    rates: int = 2
    rates_at: Callable[[Zone, int], tuple[int, int]] = day_and_night
    calendar: Any = GREGORIAN
    profile_minutes: tuple[int, ...] = (15,)

    def __post_init__(self) -> None:
        rates = range(1, self.rates + 1)
        self.total = self.last = self.count = 0
        self.rated = dict.fromkeys(rates, 0)
        self.maxima: dict[int, tuple[int, int | None]] = dict.fromkeys(rates, (0, None))
        self.cumulated = dict.fromkeys(rates, 0)
        self.stored: list[tuple[int, int, int, Any, Any]] = []  # time, count, total, rated, maxima
        self.rate, self.demand_rate = self.rates_at(self.zone, self.utc)
        self.parts_before: list[int] = [0] * (self.parts - 1)
        self.energy = 0
        self.end = period_end(self.zone, self.utc, self.minutes, self.parts)
        self.profiles = [Profile(self.zone, minutes) for minutes in self.profile_minutes]
        for profile in self.profiles:
            profile.enter(self.utc, POWER_UP | START)
        self.reset_due = month_end(self.zone, self.utc, self.calendar)
        self.locked_until = 0
        self.is_down = False

    def fork(self) -> Reference:
        """Another one that has had the same past."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (list, dict)):
                setattr(other, name, value.copy())
        other.profiles = [copy.copy(profile) for profile in self.profiles]
        for profile in other.profiles:
            profile.entries = profile.entries.copy()
        return other

    # --- what happens -----------------------------------------------------------------------------------------------

    def book(self, utc: int, amount: int) -> None:
        self.count_energy(utc, amount)
        self.close_until(utc)
        self.go_on(utc)

    def count_energy(self, utc: int, amount: int) -> None:
        """Registers have it; what is due by then has not happened."""
        self.total += amount
        self.rated[self.rate] += amount
        self.energy += amount
        for profile in self.profiles:
            profile.advance += amount
        self.utc = utc

    def reset(self, utc: int) -> bool:
        self.utc = utc
        self.close_until(utc)
        if utc < self.locked_until:
            return False
        self.make_reset(utc)
        self.locked_until = utc + LOCKOUT_S
        return True

    def power_down(self, utc: int) -> None:
        self.close_until(utc)
        for profile in self.profiles:
            profile.enter(utc, POWER_DOWN | IRREGULAR)
        self.utc, self.is_down = utc, True

    def power_up(self, utc: int) -> None:
        if not self.is_down:  # without warning: it was there up to the moment that was stored last
            self.power_down(self.utc)
        self.is_down = False
        for profile in self.profiles:
            profile.enter(utc, POWER_UP | START)
        if utc < self.end - self.minutes * 60 // self.parts:  # the clock was set, and then it happened
            self.close(self.utc)
            self.end = period_end(self.zone, utc, self.minutes, self.parts)
        self.close_demand_until(utc)
        self.utc = utc
        self.go_on(utc)

    def clock_set(self, old: int, new: int) -> None:
        self.close_demand_until(old)
        if not stays(self.end, self.minutes * 60 // self.parts, old, new):
            self.close(old)
            self.end = period_end(self.zone, new, self.minutes, self.parts)
        for profile in self.profiles:
            profile.clock_set(old, new)
        if self.locked_until:
            self.locked_until += new - old
        if new < old - 86400:
            self.reset_due = month_end(self.zone, new, self.calendar)
        self.utc = new
        self.go_on(new)

    # --- what follows -----------------------------------------------------------------------------------------------

    def close_until(self, utc: int) -> None:
        self.close_demand_until(utc)
        for profile in self.profiles:
            profile.close_until(utc)

    def close_demand_until(self, utc: int) -> None:
        while utc >= self.end:
            self.close(self.end)
            self.end = period_end(self.zone, self.end, self.minutes, self.parts)

    def close(self, utc: int) -> None:
        window = [*self.parts_before, self.energy]
        self.last = sum(window) // (self.minutes * 60)
        if self.last > self.maxima[self.demand_rate][0]:
            self.maxima[self.demand_rate] = self.last, utc
        self.parts_before, self.energy = window[1:], 0

    def go_on(self, utc: int) -> None:
        self.rate, self.demand_rate = self.rates_at(self.zone, utc)
        if utc >= self.reset_due:
            self.make_reset(utc)
            self.reset_due = month_end(self.zone, utc, self.calendar)

    def make_reset(self, utc: int) -> None:
        self.count = (self.count + 1) % 100
        self.stored.append((utc, self.count, self.total, dict(self.rated), dict(self.maxima)))
        for rate, (power, _) in self.maxima.items():
            self.cumulated[rate] += power
        self.maxima = dict.fromkeys(self.maxima, (0, None))
        for profile in self.profiles:
            profile.marks |= RESET
