"""The Gregorian calendar on integers: seconds since 2000-01-01 00:00:00 to date and time."""

from micropython import const

FIRST_YEAR = 2000  # of the hundred years that two digits stand for

_DAYS_IN_400_YEARS = const(146097)
_DAYS_IN_100_YEARS = const(36524)
_DAYS_IN_4_YEARS = const(1461)
# The algorithm's years begin on 1 March, so that the leap day is the last of its year.
_DAYS_FROM_MARCH_2000 = const(-60)  # 2000-01-01 lies 60 days before 2000-03-01


def full_year(two_digits: int, first: int = FIRST_YEAR) -> int:
    """The year that two digits stand for; `first` of a hundred."""
    return first + (two_digits - first) % 100


def fields(seconds: int, date_of=None) -> tuple:
    """(year, month, day, weekday 1 = Monday .. 7 = Sunday, hour, minute, second) of seconds since 2000-01-01.

    `date_of`: `date` of another calendar.
    """
    days, rest = seconds // 86400, seconds % 86400
    year, month, day = (date_of or date)(days)
    return year, month, day, (days + 5) % 7 + 1, rest // 3600, rest // 60 % 60, rest % 60


def date(days: int) -> tuple:
    """(year, month, day) of a number of days since 2000-01-01."""
    days += _DAYS_FROM_MARCH_2000
    era, days = days // _DAYS_IN_400_YEARS, days % _DAYS_IN_400_YEARS
    century = min(days // _DAYS_IN_100_YEARS, 3)
    days -= century * _DAYS_IN_100_YEARS
    cycle, days = days // _DAYS_IN_4_YEARS, days % _DAYS_IN_4_YEARS
    in_cycle = min(days // 365, 3)
    days -= in_cycle * 365
    shifted = (5 * days + 2) // 153  # month counted from March
    day = days - (153 * shifted + 2) // 5 + 1
    year = 2000 + era * 400 + century * 100 + cycle * 4 + in_cycle
    return (year, shifted + 3, day) if shifted < 10 else (year + 1, shifted - 9, day)


def days(year: int, month: int, day: int) -> int:
    """Days from 2000-01-01 to a date: the inverse of `date`. ValueError if there is no such date."""
    given = year, month, day
    if not 1 <= month <= 12:
        raise ValueError("no such date")
    if month < 3:
        month += 12
        year -= 1
    era, in_era = year // 400 - 5, year % 400
    shifted = (153 * (month - 3) + 2) // 5
    found = era * _DAYS_IN_400_YEARS + in_era * 365 + in_era // 4 - in_era // 100 + shifted + day - 1
    found -= _DAYS_FROM_MARCH_2000
    if date(found) != given:
        raise ValueError("no such date")
    return found


def seconds(date_and_time: tuple, days_of=None) -> int:
    """Seconds since 2000-01-01 of (year, month, day, hour, minute, second). ValueError if there is no such moment.

    `days_of`: `days` of another calendar.
    """
    year, month, day, hour, minute, second = date_and_time
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError("no such time")
    return (days_of or days)(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
