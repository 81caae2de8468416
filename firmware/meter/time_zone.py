"""Local time: a zone, and daylight saving from one rule to another. Seconds count from 2000-01-01 00:00:00.

A rule is a COSEM date-time of 12 octets (Blue Book, clause 4.1.6.1) with month and day in the meter's calendar:

    year     FFFFh every year, or one year
    day      1 .. 31; FEh the last of the month, FDh the last but one
    weekday  FFh, or 1 .. 7 (Monday .. Sunday): the first such day from `day` on; with FEh, FDh the last, last but one
    time     with a deviation, minutes from that time to UTC; with 8000h the local time that holds until the change
"""

import struct

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_FORMAT = ">HBBBBBBBhB"
_SIZE = const(12)
_EVERY_YEAR = const(0xFFFF)
_ANY = const(0xFF)
_LAST = const(0xFE)
_LAST_BUT_ONE = const(0xFD)
_NO_DEVIATION = -0x8000
_EAST = const(-840)  # deviations, minutes; the easternmost zone with its daylight saving
_WEST = const(720)
_SATURDAY = const(5)  # 2000-01-01, Monday = 0
_BEGINNING = -(1 << 40)  # before and after all that there is
_END = 1 << 40

# European Union: last Sunday of March and of October, 01:00 UTC
EU_BEGIN = b"\xff\xff\x03\xfe\x07\x01\x00\x00\x00\x00\x00\xff"
EU_END = b"\xff\xff\x0a\xfe\x07\x01\x00\x00\x00\x00\x00\xff"


def is_rule(rule: bytes) -> bool:
    """Whether these octets are a rule."""
    if len(rule) != _SIZE:
        return False
    year, month, day, weekday, hour, minute, second, hundredths, deviation, _ = struct.unpack(_FORMAT, rule)
    return (
        year > 0
        and 1 <= month <= 12
        and (1 <= day <= 31 or day in (_LAST, _LAST_BUT_ONE))
        and (1 <= weekday <= 7 or weekday == _ANY)
        and hour < 24
        and minute < 60
        and second < 60
        and hundredths in (0, _ANY)
        and (_EAST <= deviation <= _WEST or deviation == _NO_DEVIATION)
    )


def _moment(rule: bytes, year: int, calendar: "Any", ahead: int) -> int:
    """The moment (UTC) that a rule means in a year; `ahead`: minutes of the local time that holds until then."""
    _, month, day, weekday, hour, minute, second, _, deviation, _ = struct.unpack(_FORMAT, rule)
    first = calendar.days(year, month, 1)
    end = calendar.days(year + month // 12, month % 12 + 1, 1)
    from_end = day - _LAST_BUT_ONE  # 0, 1: the last but one, the last
    if from_end < 0:
        found = min(first + day, end) - 1
        if weekday != _ANY:
            found += (weekday - 1 - found - _SATURDAY) % 7
    elif weekday == _ANY:
        found = end - 2 + from_end
    else:
        found = end - 1 - (end - 1 + _SATURDAY - weekday + 1) % 7 - 7 * (1 - from_end)
    local = found * 86400 + hour * 3600 + minute * 60 + second
    return local + (-ahead if deviation == _NO_DEVIATION else deviation) * 60


class TimeZone:
    """Local time `minutes` ahead of UTC, and `saving` minutes more from the rule `begin` to the rule `end`.

    `calendar`: meter.calendar or meter.persian. With saving None there is no daylight saving.
    """

    def __init__(self, minutes: int, saving: "int | None", begin: bytes, end: bytes, calendar: "Any"):
        self._minutes = minutes
        self._saving = saving
        self._begin = begin
        self._end = end
        self._calendar = calendar
        self._found: tuple = (minutes, False, _BEGINNING, _BEGINNING if saving is not None else _END)

    def zone(self, utc: int) -> tuple:
        """(minutes that local time is ahead of UTC, whether daylight is saved, first, end): so it is from the moment
        `first` to before `end`, and maybe longer."""
        found = self._found
        if not found[2] <= utc < found[3]:
            found = self._found = self._find(utc)
        return found

    def to_utc(self, local: int, last: bool = False) -> int:
        """The moment at which it is `local`. Where the clock is put back the first one, or the `last`.

        A time that is left out when the clock is put forward counts as if it went on by the old time; with `last`, as
        if the new time were in force already (Python's `fold` says the same).
        """
        standard = local - self._minutes * 60
        saving = standard - (self._saving or 0) * 60
        found = [utc for utc in (standard, saving) if utc + self.zone(utc)[0] * 60 == local]
        if found:
            return max(found) if last else min(found)
        return min(standard, saving) if last else max(standard, saving)

    def _find(self, utc: int) -> tuple:
        days, saving = self._calendar.days, self._saving or 0
        year = self._calendar.date((utc + self._minutes * 60) // 86400)[0]
        changes: "list[tuple]" = []
        for rule, is_begin in ((self._begin, True), (self._end, False)):
            ahead = self._minutes + (0 if is_begin else saving)
            (only,) = struct.unpack(">H", rule[:2])
            for n in (year - 1, year, year + 1) if only == _EVERY_YEAR else (only,):
                changes.append((_moment(rule, n, self._calendar, ahead), is_begin))
        first, end = days(year - 1, 1, 1) * 86400, days(year + 2, 1, 1) * 86400
        is_saving = None
        for moment, is_begin in sorted(changes):
            if moment <= utc:
                first, is_saving = max(first, moment), is_begin
            elif moment < end:
                end = moment
                if is_saving is None:
                    is_saving = not is_begin
        is_saving = bool(is_saving)
        return self._minutes + (saving if is_saving else 0), is_saving, first, end
