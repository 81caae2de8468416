"""Invocation counters: ours never repeats, a client's never goes back, through any power cut.

AES-GCM is broken by two texts under the same key and IV, and the IV is system title and counter; so one counter serves
for everything this meter sends, whatever the key. It is reserved in batches: the record says up to where, and is
written before the first of a batch is used. After a restart it goes on behind the batch. A counter that a client has
used is on record before its service is executed; then the same APDU has no effect a second time.

The record is little endian, 8 bytes each:

    0       our counters below this are used, or are lost in a restart
    8 + 8n  the least counter that is still to come in slot n

Both of its slots are written each time, so one that is damaged brings no old value back. With both damaged the counters
are unknown: nothing is sent or taken until new keys let them start anew.
"""

import struct

from micropython import const

from meter.storage import layout
from meter.storage.records import EMPTY, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meter.storage.records import Memory

VERSION = const(1)
SLOTS = const(16)
BATCH = const(100)  # numbers reserved at once; so many are lost at most in a restart
_BROADCAST = const(8)  # slots 0.. are clients with the unicast key, 8.. with the broadcast key
_SPENT = 0x100000000  # the counter has 32 bits
_FORMAT = "<%dQ" % (1 + SLOTS)


class CountersError(Exception):
    """Spent, or unknown: only new keys help. Or (receiving) not above the last one."""


def slot_of(client: int, broadcast: bool = False) -> int:
    """The slot of a client SAP (16, 32 .. 96) and one of its global encryption keys. ValueError for other clients."""
    if client % 16 or not 16 <= client <= 96:
        raise ValueError("invocation counters: no client %d" % client)
    return client // 16 - 1 + (_BROADCAST if broadcast else 0)


class InvocationCounters:
    """`memory`: a Memory. Nothing is read before the first use; errors of the memory pass through as OSError."""

    def __init__(self, memory: "Memory", area: layout.Area = layout.INVOCATION_COUNTERS):
        self._record = Record(memory, area.address, area.capacity, VERSION)
        self._payload = bytearray(8 * (1 + SLOTS))
        self._next = 0
        self._reserved = 0  # as on record
        self._least = [0] * SLOTS
        self._known = False

    def load(self) -> None:
        """Read the record. CountersError if it is damaged or of another format; a new meter starts at 0."""
        payload = self._record.load()
        if payload is None and self._record.status != EMPTY:
            raise CountersError("invocation counters: record not readable, status %d" % self._record.status)
        if payload is not None:
            self._reserved, *self._least = struct.unpack(_FORMAT, payload)
        self._next = self._reserved
        self._known = True

    def next(self) -> int:
        """A number of our own, never given before. CountersError when all 2**32 are spent."""
        self._need()
        if self._next >= _SPENT:
            raise CountersError("invocation counters: spent")
        if self._next >= self._reserved:
            self._save(self._next + BATCH, self._least)
        self._next += 1
        return self._next - 1

    def least(self, slot: int) -> int:
        """The least counter still accepted in this slot; 2**32 if none is."""
        self._need()
        return self._least[slot]

    def accept(self, slot: int, counter: int) -> None:
        """Put on record that `counter` is used. CountersError if it was before; OSError, and then it is not."""
        before = self.least(slot)
        if not before <= counter < _SPENT:
            raise CountersError("invocation counters: %d was used" % counter)
        self._move(slot, counter + 1)

    def forget(self, slot: int) -> None:
        """A new key is in force, under which the client starts anew. In this order: first the key, then this."""
        self._need()
        self._move(slot, 0)

    def start_anew(self) -> None:
        """All keys are new, so all counters begin at 0: the way on when they are spent, or their record is damaged."""
        self._save(0, [0] * SLOTS)
        self._next = 0
        self._known = True

    def _need(self) -> None:
        if not self._known:
            self.load()

    def _move(self, slot: int, least: int) -> None:
        changed = list(self._least)
        changed[slot] = least
        self._save(self._reserved, changed)

    def _save(self, reserved: int, least: "list[int]") -> None:
        """Nothing is in force that is not on record: on OSError all is as it was."""
        struct.pack_into(_FORMAT, self._payload, 0, reserved, *least)
        self._record.save_twice(self._payload)
        self._reserved, self._least = reserved, least


class ReceivedCounter:
    """One slot, as ciphering.Protection wants it."""

    def __init__(self, counters: InvocationCounters, slot: int):
        self._counters, self._slot = counters, slot

    @property
    def least(self) -> int:
        return self._counters.least(self._slot)

    def accept(self, counter: int) -> None:
        self._counters.accept(self._slot, counter)


class PassingCounter:
    """Of a dedicated key, which ends with its association: nothing to put on record."""

    def __init__(self) -> None:
        self.least = 0

    def accept(self, counter: int) -> None:
        self.least = counter + 1
