"""Local time as the protocols of IEC 62056-21 write and read it: a season, date and time. What it is says the clock."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.tariff.clock import Clock

STANDARD = const(0)
SUMMER = const(1)
UTC = const(2)


class LocalTime:
    """`local` and `utc` are inverses, in the calendar of `clock`; seconds count from 2000-01-01 00:00:00 UTC."""

    def __init__(self, clock: "Clock"):
        self._clock = clock

    def full_year(self, two_digits: int) -> int:
        """The year, in the clock's calendar, that two digits stand for."""
        return self._clock.calendar.full_year(two_digits)

    def local(self, utc: int) -> tuple:
        """(season, year, month, day, hour, minute, second); season STANDARD or SUMMER."""
        ahead, daylight_saving, _, _ = self._clock.zone(utc)
        year, month, day, _, hour, minute, second = self._clock.calendar.fields(utc + ahead * 60)
        return SUMMER if daylight_saving else STANDARD, year, month, day, hour, minute, second

    def utc(self, season: "int | None", year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
        """Seconds of a local time, or with season UTC of a UTC time; None: the season is not told.

        ValueError if there is no such time. 24:00:00 is the end of the day.
        """
        calendar = self._clock.calendar
        if hour == 24 and not minute + second:
            local = calendar.seconds((year, month, day, 23, 59, 59)) + 1
        else:
            local = calendar.seconds((year, month, day, hour, minute, second))
        return local if season == UTC else self._clock.to_utc(local, season == STANDARD)
