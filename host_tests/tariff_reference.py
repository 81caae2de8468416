"""What a time switch has to show, worked out the slow way: by looking at every day of a month and every day before."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache
from typing import Any

EPOCH = datetime.date(2000, 1, 1)


class Remembered:
    """A calendar that works each day out once."""

    def __init__(self, calendar: Any) -> None:
        self.date, self.days = cache(calendar.date), calendar.days


class Gregorian:
    """Python's own calendar, with the names of the firmware's."""

    def date(self, days: int) -> tuple[int, int, int]:
        found = EPOCH + datetime.timedelta(days)
        return found.year, found.month, found.day

    def days(self, year: int, month: int, day: int) -> int:
        return (datetime.date(year, month, day) - EPOCH).days


def weekday(day: int) -> int:
    return (EPOCH + datetime.timedelta(day)).isoweekday()


@cache
def month_of(calendar: Any, day: int) -> list[int]:
    """All days of the month that `day` is in."""
    month = calendar.date(day)[:2]
    around = range(day - 31, day + 32)
    return [each for each in around if calendar.date(each)[:2] == month]


@cache
def falls_on(calendar: Any, pattern: bytes, day: int) -> bool:
    year, month, day_of_month, wanted = pattern[0] * 256 + pattern[1], pattern[2], pattern[3], pattern[4]
    date = calendar.date(day)
    if year not in (0xFFFF, date[0]) or month not in (255, date[1]):
        return False
    days = month_of(calendar, day)
    candidates = [each for each in days if wanted in (255, weekday(each))]
    if day_of_month == 255:
        return day in candidates
    if day_of_month in (254, 253):
        return day == candidates[-1 if day_of_month == 254 else -2]
    if wanted == 255:
        return date[2] == day_of_month
    return day == next((each for each in candidates if calendar.date(each)[2] >= day_of_month), None)


class Reference:
    """The selector at any local time, day by day and minute by minute; None while no season has begun."""

    def __init__(self, calendar: Any, tables: tuple[Any, ...], years_back: int = 2) -> None:
        (_, self.seasons, self.weeks, self.days), self.special_days = tables
        self.calendar, self._back = calendar, 366 * years_back
        self._known: dict[int, list[int | None]] = {}
        self._tables: dict[int, int | None] = {}

    def day_table(self, day: int) -> int | None:
        if day not in self._tables:
            self._tables[day] = self._find(day)
        return self._tables[day]

    def _find(self, day: int) -> int | None:
        for _, date, table in self.special_days:
            if falls_on(self.calendar, date, day):
                return table
        for began in range(day, day - self._back, -1):
            for _, start, week in reversed(self.seasons):
                if falls_on(self.calendar, start, began):
                    row = next(each for each in self.weeks if each[0] == week)
                    return row[weekday(day)]
        return None

    def minutes(self, day: int) -> list[int | None]:
        """The selectors of a day's 1440 minutes."""
        if day not in self._known:
            on = self._last(day - 1)
            times = dict(self._times(day))
            self._known[day] = []
            for minute in range(1440):
                on = times.get(minute, on)
                self._known[day].append(on)
        return self._known[day]

    def at(self, local: int) -> int | None:
        return self.minutes(local // 86400)[local // 60 % 1440]

    def _times(self, day: int) -> list[tuple[int, int]]:
        table = self.day_table(day)
        return next((times for number, times in self.days if number == table), [])

    def _last(self, day: int) -> int | None:
        times = self._times(day)
        return times[-1][1] if times else None


def holds_until(at: Callable[[int], tuple[int | None, int]], local: int, reference: Reference) -> bool:
    """Whether nothing changes in the reference before the time that `at` names."""
    selector, following = at(local)
    minutes = range(local - local % 60, following, 60)
    return local < following and all(reference.at(minute) == selector for minute in minutes)
