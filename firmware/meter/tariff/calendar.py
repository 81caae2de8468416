"""The Gregorian calendar on integers: seconds since 2000-01-01 00:00:00 to date and time."""

_DAYS_IN_400_YEARS = 146097
_DAYS_IN_100_YEARS = 36524
_DAYS_IN_4_YEARS = 1461
# The algorithm's years begin on 1 March, so that the leap day is the last of its year.
_DAYS_FROM_MARCH_2000 = -60  # 2000-01-01 lies 60 days before 2000-03-01


def fields(seconds: int) -> tuple:
    """(year, month, day, weekday 1 = Monday .. 7 = Sunday, hour, minute, second) of seconds since 2000-01-01."""
    days, rest = seconds // 86400, seconds % 86400
    year, month, day = date(days)
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
    """Number of days from 2000-01-01 to a date, the inverse of `date`. ValueError if there is no such date."""
    from_march = year - (month < 3) - 2000
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    leap_days = from_march // 4 - from_march // 100 + from_march // 400
    number = from_march * 365 + leap_days + in_year - _DAYS_FROM_MARCH_2000
    if not 1 <= month <= 12 or date(number) != (year, month, day):
        raise ValueError("no such date")
    return number
