"""Local time as protocols write and read it: from UTC to a season and date and time, and back.

A meter without a time zone has local time = UTC and no summer time.
"""

from micropython import const

from meter.tariff import calendar

STANDARD = const(0)
SUMMER = const(1)
UTC = const(2)


class LocalTime:
    """`local` and `utc` are inverses; seconds count from 2000-01-01 00:00:00 UTC."""

    def local(self, utc: int) -> tuple:
        """(season, year, month, day, hour, minute, second); season STANDARD or SUMMER."""
        year, month, day, _, hour, minute, second = calendar.fields(utc)
        return STANDARD, year, month, day, hour, minute, second

    def utc(self, season: "int | None", year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
        """Seconds of a local time, or with season UTC of a UTC time; None: the season is not told.

        ValueError if there is no such time. 24:00:00 is the end of the day.
        """
        if hour > 24 or minute > 59 or second > 59 or hour == 24 and minute + second:
            raise ValueError("no such time")
        return ((calendar.days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
