"""Invocation counters: ours never repeats, a client's never goes back, through any power cut.

AES-GCM is broken by two texts under the same key and IV, and the IV is system title and counter; so one counter serves
for everything this meter sends, whatever the key. It is reserved in batches: the record says up to where, and is
written before the first of a batch is used. After a restart it goes on behind the batch. A counter that a client has
used is on record before its service is executed; then the same APDU has no effect a second time, whatever client, port
or association it comes from: a message is bound to key and title, not to the SAP it was sent from.

A client may begin again at 0 under a new key (Green Book), but not under one that comes back: that would let
in once more what was recorded when it was in force. So the keys that have been in force are known by their marks, and
one of them goes on above all that was ever taken. Marks are kept of the last PAST keys.

The record is little endian, 8 bytes each, and 4 bytes each from 40 on:

    0          our counters below this are used, or are lost in a restart
    8, 16      the least counter that is still to come under the unicast and the broadcast key
    24, 32     the same if the key were one of before
    40, 44     marks of the unicast and the broadcast key in force, 0 while there was none
    48 + 4n    marks of keys that were, the last one first

Formats 1 and 2 had 8 clients' counters of each key; the highest of them holds. Format 1 had no keys of before. Both
slots of the record are written each time, so one that is damaged brings no old value back. With both damaged the
counters are unknown: nothing is sent or taken until `start_anew`.
"""

import hashlib
import struct

from micropython import const

from meter.storage import layout
from meter.storage.records import EMPTY, Record

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.storage.records import Memory

VERSION = const(3)
KEYS = const(2)  # that are counted, by key_id: 0 unicast, 1 broadcast
PAST = const(14)
BATCH = const(100)  # numbers reserved at once; so many are lost at most in a restart
_CLIENTS = const(8)  # of each key in formats 1 and 2
_SPENT = 0x100000000  # the counter has 32 bits
_MARK = const(4)  # bytes
_NO_MARK = b"\0\0\0\0"
_MARKS = const(64)  # bytes of all marks
_FORMAT = "<%dQ%ds" % (1 + 2 * KEYS, _MARKS)


class CountersError(ValueError):
    """Spent, or unknown: only new keys help. Or (receiving) not above the last one."""


def mark_of(key) -> bytes:
    """What a key is known by when it is no longer kept: the begin of its SHA-256."""
    return hashlib.sha256(key).digest()[:_MARK]


class InvocationCounters:
    """`memory`: a Memory. Nothing is read before the first use; errors of the memory pass through as OSError."""

    def __init__(self, memory: "Memory", area: layout.Area = layout.INVOCATION_COUNTERS):
        self._record = Record(memory, area.address, area.capacity, VERSION, (1, 2))
        self._payload = bytearray(struct.calcsize(_FORMAT))
        self._next = 0
        self._reserved = 0  # as on record, like all that follows
        self._least = [0] * (2 * KEYS)  # of the keys in force, of keys of before
        self._marks = bytes(_MARKS)
        self._known = False

    def load(self) -> None:
        """Read the record. CountersError if it is damaged or of another format; a new meter starts at 0."""
        payload = self._record.load()
        if payload is None and self._record.status != EMPTY:
            raise CountersError("invocation counters: record not readable, status %d" % self._record.status)
        if payload is not None:
            if self._record.found_version == 1:  # it knew of no keys: what holds for the one in force holds for all
                payload = payload + payload[8:] + bytes(_MARKS)
            if self._record.found_version < VERSION:
                payload = _for_all_clients(payload)
            self._reserved, *self._least, self._marks = struct.unpack(_FORMAT, payload)
        self._next = self._reserved
        self._known = True

    def next(self) -> int:
        """A number of our own, never given before. CountersError when all 2**32 are spent."""
        self._need()
        if self._next >= _SPENT:
            raise CountersError("invocation counters: spent")
        if self._next >= self._reserved:
            self._save(self._next + BATCH, self._least, self._marks)
        self._next += 1
        return self._next - 1

    def least(self, number: int, mark: "bytes | None" = None) -> int:
        """The least counter still accepted under the key with this key_id; 2**32 if none is.

        `mark`: of the key, if not the one in force.
        An association that has outlived its key goes on above all that was taken under any.
        """
        self._need()
        return self._least[number if mark is None or mark == self._mark(number) else KEYS + number]

    def accept(self, number: int, counter: int, mark: "bytes | None" = None) -> None:
        """Put on record that `counter` is used. CountersError if it was before; OSError, and then it is not."""
        before = self.least(number, mark)
        if not before <= counter < _SPENT:
            raise CountersError("invocation counters: %d was used" % counter)
        changed = list(self._least)
        if mark is None or mark == self._mark(number):
            changed[number] = counter + 1
        changed[KEYS + number] = max(changed[KEYS + number], counter + 1)
        self._save(self._reserved, changed, self._marks)

    def use(self, number: int, key) -> None:
        """`key` is in force as the one with this key_id (0 unicast, 1 broadcast; empty: there is none).

        If it is a new one its clients begin at 0; if it was in force before they go on. Call it as often as you like.
        """
        self._need()
        mark, before = mark_of(key), self._mark(number)
        if not key or mark == before:
            return
        past = [self._mark(n) for n in range(2, 2 + PAST)]
        # The first key ever told is the one under which all has been counted so far.
        came_back = before == _NO_MARK or mark in past
        changed = list(self._least)
        changed[number] = changed[KEYS + number] if came_back else 0
        marks = [self._mark(0), self._mark(1)]
        marks[number] = mark
        if before != _NO_MARK:
            marks.append(before)
        marks += [other for other in past if other != mark]
        self._save(self._reserved, changed, b"".join(marks + [_NO_MARK])[:_MARKS])

    def start_anew(self) -> None:
        """All keys are new, so all counters begin at 0: the way on when they are spent, or their record is damaged."""
        self._save(0, [0] * (2 * KEYS), bytes(_MARKS))
        self._next = 0
        self._known = True

    def _need(self) -> None:
        if not self._known:
            self.load()

    def _mark(self, n: int) -> bytes:
        return self._marks[_MARK * n : _MARK * (n + 1)]

    def _save(self, reserved: int, least: "list[int]", marks: bytes) -> None:
        """Nothing is in force that is not on record: on OSError all is as it was."""
        struct.pack_into(_FORMAT, self._payload, 0, reserved, *least, marks)
        self._record.save_twice(self._payload)
        self._reserved, self._least, self._marks = reserved, least, marks


def _for_all_clients(payload: bytes) -> bytes:
    """A payload of format 2 as one of format 3."""
    old = struct.unpack("<%dQ" % (1 + 4 * _CLIENTS), payload[: 8 * (1 + 4 * _CLIENTS)])
    highest = [max(old[n : n + _CLIENTS]) for n in range(1, len(old), _CLIENTS)]
    return struct.pack("<5Q", old[0], *highest) + payload[8 * len(old) :]


class ReceivedCounter:
    """Of the key with this key_id, as ciphering.Protection wants it."""

    def __init__(self, counters: InvocationCounters, number: int, key):
        self._counters, self._number, self._mark = counters, number, mark_of(key)

    @property
    def least(self) -> int:
        return self._counters.least(self._number, self._mark)

    def accept(self, counter: int) -> None:
        self._counters.accept(self._number, counter, self._mark)


class PassingCounter:
    """Of a dedicated key, which ends with its association: nothing to put on record."""

    def __init__(self) -> None:
        self.least = 0

    def accept(self, counter: int) -> None:
        self.least = counter + 1
