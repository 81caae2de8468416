"""Calendars that are written down rather than computed, as a second opinion on dates; and tables of the time switch.

`Persian` also stands in for a calendar module of the firmware. For either interpreter.
"""

# Persian leap years around now: facts page 6. 1 Farvardin 1396 is 21 March 2017, day 6289 from 2000-01-01.
LEAP_YEARS = (1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420)
_FIRST_YEAR, _FIRST_DAY = 1396, 6289
_MONTHS = (31, 31, 31, 31, 31, 31, 30, 30, 30, 30, 30, 29)


class Persian:
    """`date` and `days` from 2000-01-01 on, or for what is of interest here: the years 1396 to 1424."""

    def __init__(self):
        self._starts = [_FIRST_DAY]
        for year in range(_FIRST_YEAR, 1425):
            self._starts.append(self._starts[-1] + sum(_lengths(year)))

    def date(self, days):
        if days == 0:
            return 1378, 10, 11
        years = len([start for start in self._starts if start <= days])
        day, month = days - self._starts[years - 1], 1
        for length in _lengths(_FIRST_YEAR + years - 1):
            if day < length:
                return _FIRST_YEAR + years - 1, month, day + 1
            day -= length
            month += 1
        raise ValueError("beyond the table")

    def days(self, year, month, day):
        lengths = _lengths(year)
        if not (1 <= month <= 12 and 1 <= day <= lengths[month - 1]):
            raise ValueError("no such date")
        if year < _FIRST_YEAR:
            return 0  # the firmware asks whether there is such a day, not which it is
        return self._starts[year - _FIRST_YEAR] + sum(lengths[: month - 1]) + day - 1


def _lengths(year):
    return _MONTHS[:11] + (30 if year in LEAP_YEARS else 29,)


def pattern(year=None, month=255, day=255, weekday=255):
    """A date with parts left open, as its five bytes."""
    year = 0xFFFF if year is None else year
    return bytes((year >> 8, year & 255, month, day, weekday))


# Two seasons, workdays and weekends, three rates; Christmas is a Sunday.
SEASONS = [(b"winter", pattern(None, 10, 1), b"W"), (b"summer", pattern(None, 4, 1), b"S")]
WEEKS = [(b"W", 1, 1, 1, 1, 1, 2, 2), (b"S", 3, 3, 3, 3, 3, 2, 2)]
DAYS = [
    (1, [(0, 2), (6 * 60, 1), (17 * 60 + 30, 3), (20 * 60, 1), (22 * 60, 2)]),
    (2, [(0, 2)]),
    (3, [(6 * 60, 1), (22 * 60, 2)]),
]
SPECIAL_DAYS = [(1, pattern(None, 12, 25), 2), (2, pattern(2026, 5, 1), 2)]
LOADED = ((b"TOU 2026", SEASONS, WEEKS, DAYS), SPECIAL_DAYS)


def program(time_switch, tables=LOADED):
    """Write the passive table and the special days, and activate them."""
    parts, special_days = tables
    for n in range(4):
        time_switch.set_part(4 + n, parts[n])
    time_switch.set_part(8, special_days)
    time_switch.activate()
    return time_switch
