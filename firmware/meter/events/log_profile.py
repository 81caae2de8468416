"""The event log as a profile with a status word and two columns, which the protocols serve as `P.98`."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator

    from meter.events.log import EventLog

# Status word of profiles (EDIS status) by event; what an event has no bit for shows in its number only
_STATUS = {
    4: 0x2000,  # event log cleared
    2: 0x200000,  # energy registers cleared, rated ones
    3: 0x4000,  # load profile cleared
    8: 0x10,  # billing reset
    10: 0x20,  # clock adjusted
    11: 0x20,
    23: 0x80,  # power down
    24: 0x40,  # power up
    59: 0x4000,
    66: 0x02,  # clock invalid
    75: 0x04,  # measured value disturbed
    90: 0x04,
    128: 0x200000,  # totals
    193: 0x4000,
}


class LogProfile:
    """`log` is an events.log.EventLog. Columns: event number (C.240.12), and its detail."""

    columns = (("C.240.12", ""), ("C.240.13", ""))
    level = 1  # as its object has it

    def __init__(self, log: "EventLog"):
        self._log = log

    def rows(self, begin: "int | None", end: "int | None") -> "Iterator[tuple | None]":
        """(utc, status, 0, [number, detail]) with begin <= utc <= end (None: open), in the order they were logged.

        None for one that is damaged or overwritten meanwhile. OSError if the memory fails.
        """
        for entry in self._log.walk(self._log.select(begin, end)):
            if entry is None:
                yield None
            else:
                _, utc, number, detail = entry
                yield utc, _STATUS.get(number, 0), 0, ["%d" % number, "%d" % detail]
