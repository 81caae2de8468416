"""The event log: what happened when, as a ring (storage/ring.py) that lies in the FRAM alone, so that it can tell of a
flash that fails. A full log loses its oldest entries, a sector's worth at once. Their payload is, little endian:

    0   2  event number
    2   4  detail: a number whose meaning depends on the event

An area holds the number of the newest entry as a record, the ring's index and stage, and the sectors.
"""

import struct

from micropython import const

from meter.storage import layout
from meter.storage.memory_flash import SECTOR, MemoryFlash
from meter.storage.records import CORRUPT, UNKNOWN, Record
from meter.storage.records import OVERHEAD as RECORD_OVERHEAD
from meter.storage.ring import INDEX_SIZE, Ring
from meter.storage.selection import entries_of, numbered

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.storage.records import Memory

# Numbers of the product family (its readers know them)
PARAMETER_CHANGED = const(1)  # UNCONFIRMED; detail: the parameter's number (parameters.TABLE)
EVENT_LOG_CLEARED = const(4)
SEASON_CHANGED = const(9)  # daylight saving begun or ended; of the second before
CLOCK_OLD_TIME = const(10)
CLOCK_NEW_TIME = const(11)
POWER_DOWN = const(23)
POWER_UP = const(24)
ERRORS_CLEARED = const(45)
CLOCK_INVALID = const(66)
MEASURING_ACCESS_ERROR = const(75)
CALIBRATION_CHECKSUM = const(87)
MEASURING_ERROR = const(90)
WATCHDOG = const(93)
COMMUNICATION_LOCKED = const(94)  # detail as LOG_IN_FAILED
# Our own, where the family's list has none (UNCONFIRMED)
PATHS_DISAGREE = const(174)  # detail: verdict * 256 + balances (metrology.audit)
PATHS_AGREE = const(175)
SETTINGS_REPAIRED = const(176)  # the metering chip had lost some; detail: address of the first
READING_REJECTED = const(177)  # energies that no load can cause were not counted; detail: how many readings so far
LOG_IN_FAILED = const(180)  # detail: channel * 256 + level (meter.access)

_FORMAT = "<HI"
_PAYLOAD = const(6)
_VERSION = const(1)
_NEWEST = "<I"
_NEWEST_SIZE = const(4)
_RECORD = 2 * (_NEWEST_SIZE + RECORD_OVERHEAD)


def error_event(bit: int) -> int:
    """Event number of an error register bit (one bit set of 32, as in error_register): 65..96."""
    index = 0
    while not bit >> index & 1:
        index += 1
    group, place = 3 - (index >> 3), index & 7  # group AA is the register's highest byte
    return 65 + 8 * group + place


class EventLog:
    """`memory`: a Memory. Errors of the memory pass through as OSError. Nothing is read before `load`, and there are no
    entries before it. `damaged`: `load` found that there has been a log, and not where it ends; it has begun anew.

    An entry is (sequence number from 1, utc, event number, detail). `ring` knows how many there are.
    """

    def __init__(self, memory: "Memory", area: layout.Area = layout.EVENTS):
        sectors = (area.size - _RECORD - 2 * SECTOR) // (SECTOR + INDEX_SIZE)
        index = layout.Area("index", area.address + _RECORD, sectors * INDEX_SIZE)
        stage = layout.Area("stage", index.end, 2 * SECTOR)
        flash = MemoryFlash(memory, stage.end, sectors)
        self.damaged = False
        self.ring = Ring(memory, flash, stage, index, (0, sectors), _PAYLOAD)
        self._record = Record(memory, area.address, _NEWEST_SIZE, _VERSION)

    def load(self) -> None:
        """Find the newest entry."""
        newest = self._record.load()
        if newest is None:
            self.damaged = self._record.status == CORRUPT
            self.ring.clear()
        else:
            self.ring.restore(*struct.unpack(_NEWEST, newest))

    def add(self, number: int, utc: int, detail: int = 0) -> None:
        """Append an event. OSError if the memory does not keep it; the log is then as it was."""
        if self._record.status == UNKNOWN:
            self.load()
        ring, newest = self.ring, self.ring.newest
        ring.append(utc, struct.pack(_FORMAT, number, detail))
        try:
            self._record.save(struct.pack(_NEWEST, ring.newest))
        except OSError:
            ring.restore(newest)
            raise
        ring.commit()

    def entries(self, n: int) -> list:
        """The latest `n` at most, newest first. Damaged ones are left out."""
        first = max(self.ring.oldest, self.ring.newest - n + 1)
        return [entry for entry in self.walk([(first, self.ring.newest)]) if entry is not None][::-1]

    def newest(self) -> "tuple | None":
        """The newest entry; None if there is none, or it is damaged."""
        for entry in self.entries(1):
            return entry
        return None

    def select(self, first_utc: "int | None", last_utc: "int | None") -> list:
        """The entries from a moment to another, both included (None: no bound), as (first, last) sequence numbers."""
        return entries_of(self.ring, first_utc, last_utc)

    def walk(self, parts: list):
        """Yields the entries of these numbers in order; None for one that is damaged, or overwritten since."""
        for first, last in parts:
            for found in numbered(self.ring.walk(first, last), first, last):
                yield None if found is None or found[2] is None else found[:2] + struct.unpack(_FORMAT, found[2])
