"""Date and time as COSEM sends them (Blue Book, clause 4.1.6.1): 12 bytes in local time.

    0   2  year              7   1  second
    2   1  month             8   1  hundredths
    3   1  day               9   2  deviation: minutes from local time to UTC (CET is -60), 8000h unspecified
    4   1  weekday, 1 is Monday     11  1  status: 01 invalid, 80 daylight saving
    5   2  hour, minute

FF stands for what is not specified, FFFF for a year. What local time is, and by which calendar, says the clock
(tariff.clock), nothing here.
"""

import struct

from micropython import const

SIZE = const(12)
UNSPECIFIED = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00\xff"
INVALID = const(0x01)
OTHER_BASE = const(0x04)  # the clock does not go by what it is to go by
DAYLIGHT_SAVING = const(0x80)

_FORMAT = const(">HBBBBBBBhB")
_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_ANY_DEVIATION = const(-0x8000)
_FIRST = const((1, 1, 0, 0, 0))  # month, day, hour, minute, second that stand for what is not specified
_LAST = const((12, 0, 23, 59, 59))  # day 0: the last one of the month
_LONGEST_DEVIATION = const(720)  # minutes


def octets(clock, utc: int, status: int = 0) -> bytes:
    """The moment `utc`, seconds since 2000, in the clock's local time."""
    ahead, daylight_saving, _, _ = clock.zone(utc)
    if daylight_saving:
        status |= DAYLIGHT_SAVING
    year, month, day, weekday, hour, minute, second = clock.wire.fields(utc + ahead * 60)
    return struct.pack(_FORMAT, year, month, day, weekday, hour, minute, second, 0, -ahead, status)


def now(clock) -> bytes:
    """The clock's time."""
    return octets(clock, clock.utc(), status(clock))


def text(clock, utc: "int | None") -> str:
    """`YY-MM-DD HH:MM`, local time in the meter's calendar; zeros if there is no such moment."""
    if not utc:
        return "00-00-00 00:00"
    year, month, day, _, hour, minute, _ = clock.calendar.fields(utc + clock.zone(utc)[0] * 60)
    return "%02d-%02d-%02d %02d:%02d" % (year % 100, month, day, hour, minute)


def status(clock) -> int:
    """The clock's status byte, without daylight saving."""
    return (0 if clock.valid else INVALID) | (OTHER_BASE if clock.on_other_base else 0)


def utc(clock, data: bytes) -> int:
    """The moment a client sends, which must be a whole one. ValueError if it is not.

    A deviation counts, as the standard has it, but for the meter's own with the wrong sign, which some clients send:
    then, and without one, the digits are the meter's local time.
    """
    year, month, day, weekday, hour, minute, second, hundredths, deviation, told = _unpacked(data)
    if not 1 <= weekday <= 7 and weekday != _ANY:
        raise ValueError("no such weekday")
    if hundredths > 99 and hundredths != _ANY:
        raise ValueError("no such hundredths")
    local = clock.wire.seconds((year, month, day, hour, minute, second))
    own = clock.to_utc(local, told != _ANY and not told & DAYLIGHT_SAVING)
    if deviation == _ANY_DEVIATION or deviation * 60 == local - own:
        return own
    if not -_LONGEST_DEVIATION - 120 <= deviation <= _LONGEST_DEVIATION:
        raise ValueError("no such deviation")
    return local + deviation * 60


def bound(clock, data: "bytes | None", last: bool) -> "int | None":
    """The moment that bounds a range from below, or from above (`last`); None if it has no bound on that side.

    The digits are local time whatever the deviation: readers of this family send it with either sign. What is not
    specified counts as the lowest or the highest there is.
    """
    if data is None:
        return None
    year, month, day, _, hour, minute, second, _, _, _ = _unpacked(data)
    if year == _ANY_YEAR:
        return None
    defaults = _LAST if last else _FIRST
    given = [month, day, hour, minute, second]
    month, day, hour, minute, second = [defaults[n] if given[n] == _ANY else given[n] for n in range(5)]
    if last and given[1] == _ANY:
        calendar = clock.wire
        day = calendar.date(calendar.days(year + month // 12, month % 12 + 1, 1) - 1)[2]
    return clock.to_utc(clock.wire.seconds((year, month, day, hour, minute, second)), last)


def _unpacked(data: bytes) -> tuple:
    if len(data) != SIZE:
        raise ValueError("no date-time")
    return struct.unpack(_FORMAT, data)


class Stamps:
    """Writes the date-times of many moments: the date is worked out once for a day and zone."""

    def __init__(self, clock):
        self._clock = clock
        self._first = 0  # the moments that `_date` and `_ahead` are good for
        self._end = 0
        self._midnight = 0  # UTC moment of the day's local midnight
        self._day = bytes(SIZE)

    def put(self, buffer: bytearray, at: int, utc: int) -> None:
        """The 12 bytes of the moment `utc` into `buffer` from `at` on."""
        if not self._first <= utc < self._end:
            self._begin_day(utc)
        seconds = utc - self._midnight
        minutes = seconds // 60
        buffer[at : at + 12] = self._day
        buffer[at + 5] = minutes // 60
        buffer[at + 6] = minutes % 60
        buffer[at + 7] = seconds % 60

    def _begin_day(self, utc: int) -> None:
        ahead, _, first, end = self._clock.zone(utc)
        self._day = octets(self._clock, utc)
        self._midnight = utc - (utc + ahead * 60) % 86400
        self._first = max(first, self._midnight)
        self._end = min(end, self._midnight + 86400)
