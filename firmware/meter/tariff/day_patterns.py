"""Dates with parts left open, as tariffs use them: "each 25 December", "last Sunday of March", "1 April 2027".

A pattern is the five bytes of a COSEM date (Blue Book, clause 4.1.6.1): year (two bytes, FFFFh any), month (FFh any),
day (FFh any, FEh the last, FDh the last but one), weekday (1 Monday .. 7 Sunday, FFh any). A weekday beside a day means
the first such weekday from that day on; beside FEh or FDh the last or the last but one of the month.

Years, months and days are those of the calendar handed in, a module like meter.calendar with `date` and `days`. Days
are numbered from 2000-01-01.
"""

from micropython import const

SIZE = const(5)

_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_LAST = const(0xFE)
_LAST_BUT_ONE = const(0xFD)
_LATEST_WITH_WEEKDAY = const(22)  # six days later is still the same month, in every month
_CENTURY = const(100)
_LEAP_CYCLE = const(9)  # years that hold a leap year and a common one in either calendar, whatever year is the first


def weekday_of(day: int) -> int:
    """1 Monday .. 7 Sunday."""
    return (day + 5) % 7 + 1


def matches(calendar, pattern: bytes, day: int, date: tuple) -> bool:
    """Whether it falls on `day`, whose (year, month, day of the month) is `date`."""
    if not _fits(pattern, date[0], date[1]):
        return False
    if pattern[3] == _ANY:
        return pattern[4] in (_ANY, weekday_of(day))
    return _in_month(calendar, pattern, date[0], date[1]) == day


def latest(calendar, pattern: bytes, day: int, date: tuple) -> "int | None":
    """The last day up to `day` (its date is `date`) that it falls on; None if there is none within the last year and
    it has no year of its own."""
    year, month = date[0], date[1]
    own_year = _year(pattern)
    if own_year < year:
        year, month = own_year, 12
    for _ in range(13):
        if _fits(pattern, year, month):
            found = _in_month(calendar, pattern, year, month)
            if found is not None and found <= day:
                return found
        month -= 1
        if not month:
            year, month = year - 1, 12
    return None


def check(calendar, pattern: bytes, yearly: bool) -> None:
    """ValueError, with the reason, for what falls on no day. `yearly`: for what does not have one definite day in
    each year (or month), or in its own."""
    year, month, day, weekday = _year(pattern), pattern[2], pattern[3], pattern[4]
    first_year = calendar.date(0)[0]
    if year != _ANY_YEAR and not first_year <= year < first_year + _CENTURY:
        raise ValueError("year %d is none of the meter's calendar" % year)
    if not (1 <= month <= 12 or month == _ANY):
        raise ValueError("no month %d" % month)
    if not (1 <= weekday <= 7 or weekday == _ANY):
        raise ValueError("no weekday %d" % weekday)
    if day == _ANY:
        if yearly:
            raise ValueError("the day is open")
        return
    if day >= _LAST_BUT_ONE:
        return
    years = range(first_year, first_year + _LEAP_CYCLE) if year == _ANY_YEAR else (year,)
    found = [_in_month(calendar, pattern, y, m) for y in years for m in (range(1, 13) if month == _ANY else (month,))]
    if not [place for place in found if place is not None] or yearly and None in found:
        raise ValueError("no day %d in %s" % (day, "every month" if month == _ANY else "month %d" % month))
    if weekday != _ANY and day > _LATEST_WITH_WEEKDAY:
        whole = year != _ANY_YEAR and month != _ANY
        if not whole or weekday_of(calendar.days(year, month, day)) != weekday:
            raise ValueError("no weekday goes with day %d" % day)


def collide(a: bytes, b: bytes) -> bool:
    """Whether two patterns that name their days alike fall on the same one."""
    if _year(a) != _year(b) and _ANY_YEAR not in (_year(a), _year(b)):
        return False
    return (a[2] == b[2] or _ANY in (a[2], b[2])) and a[3:5] == b[3:5]


def _year(pattern: bytes) -> int:
    return pattern[0] << 8 | pattern[1]


def _fits(pattern: bytes, year: int, month: int) -> bool:
    return _year(pattern) in (year, _ANY_YEAR) and pattern[2] in (month, _ANY)


def _in_month(calendar, pattern: bytes, year: int, month: int) -> "int | None":
    """The day in a month that a pattern with a day falls on; None if the month has no such day."""
    day, weekday = pattern[3], pattern[4]
    if day in (_LAST, _LAST_BUT_ONE):
        found = calendar.days(year + month // 12, month % 12 + 1, 1) - 1
        before = _LAST - day
        if weekday == _ANY:
            return found - before
        return found - (weekday_of(found) - weekday) % 7 - 7 * before
    try:
        found = calendar.days(year, month, day)
    except ValueError:
        return None
    return found if weekday == _ANY else found + (weekday - weekday_of(found)) % 7
