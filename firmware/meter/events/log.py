"""The event log: what happened when, as a ring in the FRAM. A full log loses its oldest entry.

An entry is, little endian:

    0   4  sequence number, from 1; the entry lies in place (sequence - 1) modulo the ring's size
    4   4  time: seconds since 2000-01-01 UTC
    8   2  event number
    10  2  0
    12  4  detail: a number whose meaning depends on the event
    16  4  CRC-32 over the above, started with the entry's address

Power lost while an entry is written leaves it with a wrong CRC: it does not count, and the next one takes its place.
"""

import binascii
import errno
import struct

from micropython import const

from meter.storage import layout

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

ENTRY_SIZE = const(20)
_FORMAT = "<IIHHI"
_WHOLE = "<IIHHII"  # with the CRC
_COVERED = const(16)
_CHUNK = const(16)  # entries read at once while looking for the newest


def error_event(bit: int) -> int:
    """Event number of an error register bit (one bit set of 32, as in error_register): 65..96."""
    index = 0
    while not bit >> index & 1:
        index += 1
    group, place = 3 - (index >> 3), index & 7  # group AA is the register's highest byte
    return 65 + 8 * group + place


class EventLog:
    """`memory`: a Memory. Nothing is read before the first use. Errors of the memory pass through as OSError."""

    def __init__(self, memory: "Memory", area: layout.Area = layout.EVENTS):
        self.capacity = area.size // ENTRY_SIZE
        self._memory = memory
        self._address = area.address
        self._newest = -1  # sequence number; -1: not known yet, 0: no entries
        self._entry = bytearray(ENTRY_SIZE)
        self._found = bytearray(ENTRY_SIZE)

    def load(self) -> None:
        """Find the newest entry now, which reads the whole area."""
        self._newest = self._scan()

    def add(self, number: int, utc: int, detail: int = 0) -> None:
        """Append an event. OSError if the memory does not keep it; the log is then as it was, or one entry shorter."""
        sequence = self._last() + 1
        address = self._place(sequence)
        struct.pack_into(_FORMAT, self._entry, 0, sequence, utc, number, 0, detail)
        struct.pack_into("<I", self._entry, _COVERED, self._crc(address, self._entry))
        self._memory.write(address, self._entry)
        self._memory.read_into(address, self._found)
        if self._found != self._entry:
            raise OSError(errno.EIO, "event log: memory does not keep what is written")
        self._newest = sequence

    def entries(self, n: int) -> list:
        """The latest `n` at most, newest first: (sequence, utc, number, detail). Damaged ones are left out."""
        found: "list[tuple]" = []
        oldest, sequence = self.span()
        while sequence >= oldest and len(found) < n:
            entry = self._read(sequence)
            if entry is not None:
                found.append(entry)
            sequence -= 1
        return found

    def span(self) -> "tuple[int, int]":
        """Sequence numbers of the oldest and the newest entry; (1, 0) if there is none."""
        newest = self._last()
        return max(1, newest - self.capacity + 1), newest

    def entry(self, sequence: int) -> "tuple | None":
        """One entry as (sequence, utc, number, detail); None if its place holds another one, or damage."""
        return self._read(sequence)

    def walk(self, first: int, last: int):
        """The entries `first` to `last` in order, as `entry` gives them, read many at once."""
        chunk = memoryview(bytearray(_CHUNK * ENTRY_SIZE))
        while first <= last:
            address = self._place(first)
            count = min(_CHUNK, last - first + 1, self.capacity - (first - 1) % self.capacity)
            self._memory.read_into(address, chunk[: count * ENTRY_SIZE])
            for n in range(count):
                at = n * ENTRY_SIZE
                sequence, utc, number, _, detail, crc = struct.unpack_from(_WHOLE, chunk, at)
                whole = sequence == first + n and crc == binascii.crc32(chunk[at : at + _COVERED], address + at)
                yield (sequence, utc, number, detail) if whole else None
            first += count

    def _last(self) -> int:
        """Sequence number of the newest entry, 0 if there is none."""
        if self._newest < 0:
            self._newest = self._scan()
        return self._newest

    def _scan(self) -> int:
        """Find the newest entry. Backwards, so that few have to be looked at closely: in the ring numbers rise."""
        newest = 0
        chunk = bytearray(_CHUNK * ENTRY_SIZE)
        end = self.capacity
        while end > 0:
            first = max(0, end - _CHUNK)
            self._memory.read_into(self._address + first * ENTRY_SIZE, chunk)
            for place in range(end - 1, first - 1, -1):
                (sequence,) = struct.unpack_from("<I", chunk, (place - first) * ENTRY_SIZE)
                if sequence > newest and (sequence - 1) % self.capacity == place and self._read(sequence) is not None:
                    newest = sequence
            end = first
        return newest

    def _read(self, sequence: int) -> "tuple | None":
        """One entry; None if its place holds another one, or damage."""
        address, entry = self._place(sequence), self._found
        self._memory.read_into(address, entry)
        there, utc, number, _, detail = struct.unpack_from(_FORMAT, entry)
        if there != sequence or struct.unpack_from("<I", entry, _COVERED)[0] != self._crc(address, entry):
            return None
        return sequence, utc, number, detail

    def _place(self, sequence: int) -> int:
        return self._address + (sequence - 1) % self.capacity * ENTRY_SIZE

    def _crc(self, address: int, entry: bytearray) -> int:
        return binascii.crc32(memoryview(entry)[:_COVERED], address)
