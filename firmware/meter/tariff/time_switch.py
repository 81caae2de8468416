"""The time switch: which rates are on at a local time, by season, week, day table and special days.

There is an active table and a passive one. Clients write the passive table, part by part; it becomes the active one by
command or at its date, on the next start if that passed while the meter was off. The special days are good for both.

What is on is a function of local time alone: the newest switching time of the day, before the day's first one what the
day before ended with. So the hour that comes twice in autumn is charged as that hour is, twice, and a time that spring
leaves out counts from the end of the gap. The newest of all seasons that have begun holds. A day that special days name
goes by the first of them in the list whose day table there is.

Stored, big endian: the first year of the calendar it is made for, whether there is an activation date, that date (UTC
seconds since 2000), then the nine parts, each after its length in two bytes.
"""

import struct

from micropython import const

from meter import calendar as gregorian
from meter.storage.layout import TIME_SWITCH
from meter.tariff import day_patterns
from meter.tariff import switch_table as table
from meter.tariff.kept_table import KeptTable

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.storage.records import Memory

PASSIVE = const(4)  # parts 0..3 are the active table's, 4..7 the passive one's: name, seasons, weeks, days
SPECIAL_DAYS = const(8)

# What a change is logged as, in the place of a parameter's number
LOG_PASSIVE, LOG_SPECIAL_DAYS, LOG_ACTIVATION = 130, 131, 132

_HEAD = ">HBq"
_HEAD_SIZE = const(11)
_DAY_S = const(86_400)
_MIDNIGHT = const(1440)  # minutes, the next one

# Rate 1 all day, every day of every year
_DEFAULT = (
    b"DEFAULT",
    table.packed(table.SEASONS, [(b"1", b"\xff\xff\x01\x01\xff", b"1")]),
    table.packed(table.WEEKS, [(b"1",) + (1,) * 7]),
    table.packed(table.DAYS, [(1, [(0, 1)])]),
)


class TimeSwitch(KeptTable):
    """`calendar` is the module that counts the meter's years, meter.calendar or one like it.

    `activation`: UTC moment at which the passive table becomes active, or None. `damaged` also says that the stored
    tables are for another calendar; there are none then, and no season holds until a table is activated. `log` is
    called with one of LOG_....
    """

    def __init__(self, memory: "Memory", calendar: "Any" = gregorian):
        super().__init__(memory, TIME_SWITCH)
        self.activation: "int | None" = None
        self._calendar = calendar
        self._parts = list(_DEFAULT) + [b""] * (SPECIAL_DAYS + 1 - PASSIVE)
        self._day: "int | None" = None  # that is known:
        self._carried: "int | None" = None  # what is on when it begins
        self._switchings = b""  # and its stored table

    def load(self) -> None:
        """Take the stored tables over. OSError if the memory does not answer."""
        payload = self._load()
        if payload is not None:
            year, has_activation, activation = struct.unpack(_HEAD, payload[:_HEAD_SIZE])
            self.activation = activation if has_activation else None
            at = _HEAD_SIZE
            for n in range(len(self._parts)):
                end = at + 2 + (payload[at] << 8 | payload[at + 1])
                self._parts[n] = payload[at + 2 : end]
                at = end
            self.damaged = year != self._first_year()
        if self.damaged:  # dates of another calendar are no dates of this one
            self._parts, self.activation = [b""] * (SPECIAL_DAYS + 1), None
        self._day = None

    # --- what is on -------------------------------------------------------------------------------------------------

    def at(self, local: int) -> tuple:
        """(selector that is on, or None if no season holds; when it may change next) at a local time; both times are
        seconds since 2000, local. The second one is midnight at the latest."""
        day, second = divmod(local, _DAY_S)
        if day != self._day:
            self._begin_day(day)
        minute, selector, following = second // 60, self._carried, _MIDNIGHT
        for start, value in table.switchings(self._switchings):
            if start > minute:
                following = start
                break
            selector = value
        return selector, day * _DAY_S + following * 60

    def day_table(self, day: int) -> "int | None":
        """Number of the day table that holds on a day (counted from 2000-01-01); None if no season holds."""
        calendar, parts = self._calendar, self._parts
        date = calendar.date(day)
        for row in table.rows(parts[SPECIAL_DAYS]):
            if day_patterns.matches(calendar, row[2:7], day, date) and self._day_row(row[7]):
                return row[7]
        newest, week = None, b""
        for row in table.rows(parts[table.SEASONS]):
            began = day_patterns.latest(calendar, row[:5], day, date)
            if began is not None and (newest is None or began >= newest):
                newest, week = began, row[6 + row[5] :]
        if newest is not None:
            for row in table.rows(parts[table.WEEKS]):
                if row[7:] == week:
                    return row[day_patterns.weekday_of(day) - 1]
        return None

    def _begin_day(self, day: int) -> None:
        before = self._day_row(self.day_table(day - 1))
        self._carried = table.last_selector(before) if before else None
        self._switchings = self._day_row(self.day_table(day))
        self._day = day

    def _day_row(self, number: "int | None") -> bytes:
        for row in table.rows(self._parts[table.DAYS]):
            if row[0] == number:
                return row
        return b""

    # --- tables -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the active table."""
        return "".join([chr(octet) for octet in self._parts[table.NAME]])

    def part(self, n: int) -> "Any":
        """Part `n` of a table, or the special days (switch_table.py)."""
        return table.unpacked(_kind(n), self._parts[n])

    def set_part(self, n: int, values: "Any") -> None:
        """Change a part of the passive table, or the special days. ValueError, with the reason, if it is no good by
        itself, OSError if the memory does not take it; then nothing changes."""
        if n < PASSIVE:
            raise ValueError("the active table is not written")
        parts = list(self._parts)
        try:
            parts[n] = table.packed(_kind(n), values)
            table.check(_kind(n), parts[n], self._calendar)
            if n == SPECIAL_DAYS:
                self._check_special_days(parts[n])
        except ValueError as reason:
            self._refuse(reason)
        self._change(parts, self.activation, LOG_SPECIAL_DAYS if n == SPECIAL_DAYS else LOG_PASSIVE)

    def insert_special_day(self, value: tuple) -> None:
        """Add a special day, in the place of one with the same index or date. Errors as of `set_part`."""
        others = [row for row in self.part(SPECIAL_DAYS) if row[0] != value[0] and row[1] != value[1]]
        self.set_part(SPECIAL_DAYS, sorted(others + [value], key=lambda row: row[0]))

    def delete_special_day(self, index: int) -> None:
        """ValueError if there is none of this index; else as `set_part`."""
        kept = [row for row in self.part(SPECIAL_DAYS) if row[0] != index]
        if len(kept) == len(self.part(SPECIAL_DAYS)):
            self._refuse("there is no special day %d" % index)
        self.set_part(SPECIAL_DAYS, kept)

    def set_activation(self, utc: "int | None") -> None:
        """Let the passive table become active at a moment; None: at none. Errors as of `activate`."""
        if utc is not None:
            self._check_passive()
        self._change(self._parts, utc, LOG_PASSIVE)

    def activate(self) -> None:
        """Make the passive table the active one. ValueError, with the reason, if it does not hold together, OSError if
        the memory does not take it; then nothing changes."""
        self._check_passive()
        self._change(self._parts[PASSIVE:SPECIAL_DAYS] + self._parts[PASSIVE:], None, LOG_ACTIVATION)
        self.damaged = False

    def activate_due(self, utc: int) -> None:
        """Make the passive table the active one if its moment has come. One that does not hold together any more
        stays passive, and has no moment any more. What a failing memory did not take is done again after a start."""
        if self.activation is None or utc < self.activation:
            return
        parts, refused = self._parts, ""
        try:
            self._check_passive()
            parts = parts[PASSIVE:SPECIAL_DAYS] + parts[PASSIVE:]
            self.damaged = False
        except ValueError as reason:
            refused = str(reason)
        try:
            self._change(parts, None, LOG_ACTIVATION)
        except OSError:
            self.one_copy = True
            self._take(parts, None)
        self.refused = refused

    def _check_passive(self) -> None:
        try:
            table.check_set(self._parts[PASSIVE:SPECIAL_DAYS], self._parts[SPECIAL_DAYS])
        except ValueError as reason:
            self._refuse(reason)

    def _check_special_days(self, data: bytes) -> None:
        """Their day tables must be in one of the two tables at least."""
        days = [row[0] for n in (table.DAYS, PASSIVE + table.DAYS) for row in table.rows(self._parts[n])]
        for row in table.rows(data):
            if row[7] not in days:
                raise ValueError("special day %d: there is no day %d" % (row[0] << 8 | row[1], row[7]))

    def _refuse(self, reason: "Any") -> None:
        self.refused = str(reason)
        raise ValueError(self.refused)

    def _change(self, parts: list, activation: "int | None", number: int) -> None:
        payload = struct.pack(_HEAD, self._first_year(), 0 if activation is None else 1, activation or 0)
        payload += b"".join([struct.pack(">H", len(part)) + part for part in parts])
        self._keep(payload)
        self._take(parts, activation)
        self.log(number)

    def _take(self, parts: list, activation: "int | None") -> None:
        self._parts, self.activation = parts, activation
        self.changes += 1
        self._day = None

    def _first_year(self) -> int:
        return self._calendar.date(0)[0]


def _kind(n: int) -> int:
    return table.SPECIAL_DAYS if n == SPECIAL_DAYS else n % PASSIVE
