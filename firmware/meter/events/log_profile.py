"""The event log as a profile with a status word and two columns, which the protocols serve as `P.98`."""

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from meter.events.log import EventLog

# Status word of profiles (EDIS status) by event; what an event has no bit for shows in its number only
_STATUS = {
    4: 0x2000,  # event log cleared
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
    128: 0x200000,  # energy registers cleared
    193: 0x4000,
}
_TURN = const(16)  # entries looked at in one turn of the loop


class LogProfile:
    """`log` is an events.log.EventLog. Columns: event number (C.240.12), and its detail, whose meaning it decides."""

    columns = (("C.240.12", ""), ("C.240.13", ""))
    level = 0

    def __init__(self, log: "EventLog"):
        self._log = log

    def rows(self, begin: "int | None", end: "int | None") -> "Iterator[tuple | None]":
        """(utc, status, 0, [number, detail]) with begin <= utc <= end (None: open), in the order they were logged.

        None now and then while none is found. OSError if the memory fails.
        """
        oldest, newest = self._log.span()
        if begin is not None or end is not None:
            # First where they lie, as the clock may have been set back and forth, and only then the entries: who has
            # begun to send a message cannot wait for long.
            low, high = newest + 1, newest
            for sequence in range(oldest, newest + 1):
                if self._find(sequence, begin, end) is not None:
                    low, high = min(low, sequence), sequence
                if not sequence % _TURN:
                    yield None
            oldest, newest = low, high
        for sequence in range(oldest, newest + 1):
            entry = self._find(sequence, begin, end)
            if entry is not None:
                _, utc, number, detail = entry
                yield utc, _STATUS.get(number, 0), 0, ["%d" % number, "%d" % detail]
            elif not sequence % _TURN:
                yield None

    def _find(self, sequence: int, begin: "int | None", end: "int | None") -> "tuple | None":
        entry = self._log.entry(sequence)
        if entry is None or begin is not None and entry[1] < begin or end is not None and entry[1] > end:
            return None
        return entry
