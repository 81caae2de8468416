"""The Persian calendar (Solar Hijri) on integers, with the functions of calendar.py: days are those since 2000-01-01.

Months 1 to 6 have 31 days, 7 to 11 have 30, the last one 29 or 30. Leap years follow the rule of 33 years, which is
what is in force from 1200 to 1489 at least; that of 2820 years is not.
"""

from meter import calendar

FIRST_YEAR = 1380  # of the hundred years that two digits stand for

_DAYS_IN_33_YEARS = 12053  # eight of them leap
_DAYS_IN_4_YEARS = 1461
_CYCLES_BEGAN = -1595  # a year in which a cycle of 33 years begins, with a leap year
_DAYS_FROM_THEN = 1_086_152  # from its first day to 2000-01-01
_DAYS_IN_6_MONTHS = 186


def date(days: int) -> tuple:
    """(year, month, day) of a number of days since 2000-01-01."""
    days += _DAYS_FROM_THEN
    cycle, days = days // _DAYS_IN_33_YEARS, days % _DAYS_IN_33_YEARS
    # a year that is leap comes first of its four, the last group of a cycle has five years
    group, days = days // _DAYS_IN_4_YEARS, days % _DAYS_IN_4_YEARS
    in_group = 0
    if days > 365:
        in_group, days = (days - 1) // 365, (days - 1) % 365
    year = _CYCLES_BEGAN + cycle * 33 + group * 4 + in_group
    if days < _DAYS_IN_6_MONTHS:
        return year, days // 31 + 1, days % 31 + 1
    days -= _DAYS_IN_6_MONTHS
    return year, days // 30 + 7, days % 30 + 1


def days(year: int, month: int, day: int) -> int:
    """Days from 2000-01-01 to a date: the inverse of `date`. ValueError if there is no such date."""
    if not 1 <= month <= 12:
        raise ValueError("no such date")
    since = year - _CYCLES_BEGAN
    in_year = (month - 1) * 31 if month < 7 else (month - 7) * 30 + _DAYS_IN_6_MONTHS
    found = since * 365 + since // 33 * 8 + (since % 33 + 3) // 4 + in_year + day - 1 - _DAYS_FROM_THEN
    if date(found) != (year, month, day):
        raise ValueError("no such date")
    return found


def full_year(two_digits: int) -> int:
    """The year that two digits stand for."""
    return calendar.full_year(two_digits, FIRST_YEAR)


def fields(seconds: int) -> tuple:
    """(year, month, day, weekday 1 = Monday .. 7 = Sunday, hour, minute, second) of seconds since 2000-01-01."""
    return calendar.fields(seconds, date)


def seconds(date_and_time: tuple) -> int:
    """Seconds since 2000-01-01 of (year, month, day, hour, minute, second). ValueError if there is no such moment."""
    return calendar.seconds(date_and_time, days)
