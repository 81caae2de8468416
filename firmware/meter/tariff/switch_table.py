"""A table of the time switch: what its parts are, how they are stored, and whether they fit each other.

A part is a list of tuples:

    seasons       (name, first day as a pattern of day_patterns, name of the week)
    weeks         (name, day table of Monday, .. of Sunday)
    days          (number, [(minute of the day, selector), ...])
    special days  (index, date as a pattern, day table)

Names are bytes. A selector is a script of the tariff's script table and says in decimal digits what is on from then
on: the last digit is the energy rate 1..8, the one before it the demand rate (0: the same), and what is left, 0..255,
has a bit for each of the outputs TX1 .. TX8. 2 is rate 2; 312 energy rate 2, demand rate 1, TX1 and TX2.

Stored, each row is a byte with its length and as many bytes; numbers are big endian.
"""

import struct

from micropython import const

from meter.tariff import day_patterns

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

NAME, SEASONS, WEEKS, DAYS, SPECIAL_DAYS = range(5)  # kinds of parts

RATES = const(8)
_SIZES = (0, 12, 12, 16, 100)  # rows of each kind
_NAMES = ("name", "season", "week", "day", "special day")
_SWITCHINGS = const(16)  # of a day
_LONGEST_NAME = const(16)
_MINUTES = const(1440)
_DAYS_OF_WEEK = const(7)


def outputs(selector: int) -> tuple:
    """(energy rate, demand rate, outputs TX as bits) that a selector means. ValueError if it means none."""
    rest, energy = divmod(selector, 10)
    others, demand = divmod(rest, 10)
    if not (1 <= energy <= RATES and demand <= RATES and 0 <= others < 256):
        raise ValueError("no such script: %d" % selector)
    return energy, demand or energy, others


# --- as stored ------------------------------------------------------------------------------------------------------


def rows(data: bytes):
    """The rows of a stored part, as they are stored."""
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        yield data[at + 1 : end]
        at = end


def packed(kind: int, values: "Any") -> bytes:
    """A part as it is stored. ValueError for what is not made as the head of this file says."""
    try:
        if kind == NAME:
            return bytes(values)
        stored = [_pack(kind, value) for value in values]
    except (TypeError, IndexError):
        raise ValueError(_NAMES[kind] + ": incomplete")
    return b"".join([bytes((len(row),)) + row for row in stored])


def unpacked(kind: int, data: bytes) -> "Any":
    """The part that is stored as `data`."""
    return data if kind == NAME else [_unpack(kind, row) for row in rows(data)]


def switchings(day: bytes):
    """(minute, selector) of a stored day, one after the other."""
    for at in range(1, len(day), 4):
        yield day[at] << 8 | day[at + 1], day[at + 2] << 8 | day[at + 3]


def last_selector(day: bytes) -> int:
    """What is on at the end of a stored day."""
    return day[-2] << 8 | day[-1]


def _pack(kind: int, value: tuple) -> bytes:
    if kind == SEASONS:
        name, start, week = value
        _check_names(kind, name, week)
        return start + bytes((len(name),)) + name + week
    if kind == WEEKS:
        _check_names(kind, value[0])
        if len(value) != _DAYS_OF_WEEK + 1:
            raise IndexError
        return bytes(value[1 : _DAYS_OF_WEEK + 1]) + value[0]
    if kind == DAYS:
        if len(value[1]) > _SWITCHINGS:
            raise ValueError("day %d: more than %d switching times" % (value[0], _SWITCHINGS))
        return bytes((value[0],)) + b"".join([struct.pack(">HH", *switching) for switching in value[1]])
    index, date, day = value
    return struct.pack(">H", index) + date + bytes((day,))


def _unpack(kind: int, row: bytes) -> tuple:
    if kind == SEASONS:
        end = 6 + row[5]
        return row[6:end], row[:5], row[end:]
    if kind == WEEKS:
        return (row[_DAYS_OF_WEEK:],) + tuple(row[:_DAYS_OF_WEEK])
    if kind == DAYS:
        return row[0], list(switchings(row))
    return row[0] << 8 | row[1], row[2:7], row[7]


def _check_names(kind: int, *names: bytes) -> None:
    for name in names:
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise ValueError("%s: a name has 1 to %d octets" % (_NAMES[kind], _LONGEST_NAME))


# --- whether it is any good -----------------------------------------------------------------------------------------


def check(kind: int, data: bytes, calendar) -> None:
    """ValueError, with the reason, if a stored part is no good whatever the others are."""
    if kind == NAME:
        if len(data) > _LONGEST_NAME:
            raise ValueError("the name is longer than %d octets" % _LONGEST_NAME)
        return
    found = unpacked(kind, data)
    if len(found) > _SIZES[kind]:
        raise ValueError("more than %d %ss" % (_SIZES[kind], _NAMES[kind]))
    keys = [row[0] for row in found]
    for row in found:
        said = "%s %s: " % (_NAMES[kind], _shown(row[0]))
        if keys.count(row[0]) > 1:
            raise ValueError(said + "there twice")
        try:
            if kind == DAYS:
                _check_day(row[1])
            elif kind != WEEKS:
                day_patterns.check(calendar, row[1], kind == SEASONS)
        except ValueError as reason:
            raise ValueError(said + str(reason))
    if kind in (SEASONS, SPECIAL_DAYS):
        _check_collisions(kind, found)


def check_set(parts: "Any", special_days: bytes) -> None:
    """ValueError, with the reason, if the four parts of a table (each good by itself) do not fit each other or the
    special days."""
    seasons, weeks = unpacked(SEASONS, parts[SEASONS]), unpacked(WEEKS, parts[WEEKS])
    days = [row[0] for row in rows(parts[DAYS])]
    if not seasons:
        raise ValueError("there is no season")
    names = [week[0] for week in weeks]
    for name, _, week in seasons:
        if week not in names:
            raise ValueError("season %s: there is no week %s" % (_shown(name), _shown(week)))
    for week in weeks:
        for day in week[1:]:
            if day not in days:
                raise ValueError("week %s: there is no day %d" % (_shown(week[0]), day))
    for index, _, day in unpacked(SPECIAL_DAYS, special_days):
        if day not in days:
            raise ValueError("special day %d: there is no day %d" % (index, day))


def _check_day(times: list) -> None:
    if not times:
        raise ValueError("it switches nothing")
    before = -1
    for minute, selector in times:
        if not before < minute < _MINUTES:
            raise ValueError("times are not ascending, or no time of a day")
        outputs(selector)
        before = minute


def _check_collisions(kind: int, found: list) -> None:
    """Two seasons that begin on one day. Special days may be more special than others, so only equal ones collide."""
    for place, row in enumerate(found):
        for other in found[:place]:
            if row[1] == other[1] or kind == SEASONS and day_patterns.collide(row[1], other[1]):
                raise ValueError("%ss %s and %s: the same day" % (_NAMES[kind], _shown(other[0]), _shown(row[0])))


def _shown(name: "Any") -> str:
    return "".join([chr(octet) for octet in name]) if isinstance(name, bytes) else str(name)
