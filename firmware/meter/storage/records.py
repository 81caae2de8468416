"""Values that must survive: a record in two slots, of which one is always whole.

A slot is, little endian:

    0   1  mark 5Ah
    1   1  version of the payload's format
    2   2  length of the payload in bytes
    4   4  sequence number, one more with each save, wraps
    8   n  payload
    8+n 4  CRC-32 (IEEE 802.3) over header and payload, started with the slot pair's address

A save goes to the slot that does not hold the newest valid record and ends with the CRC, so power lost at any byte
leaves either that slot complete or the other one untouched. The address in the CRC keeps a record that has come to the
wrong place (layout changed, address line broken) from being taken for another one.
"""

import binascii
import errno
import struct

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any, Protocol

    class Memory(Protocol):
        """Byte-addressed memory that keeps its content; both may raise OSError."""

        def read_into(self, address: int, buf: Any) -> None: ...

        def write(self, address: int, buf: Any) -> None: ...


_MARK = const(0x5A)
_HEADER = "<BBHI"
_HEADER_SIZE = const(8)
_CRC_SIZE = const(4)
_READ_AGAIN = const(2)
_WRITE_AGAIN = const(3)
_SEQUENCE_MASK = 0xFFFFFFFF
_SEQUENCE_HALF = 0x80000000

OVERHEAD = const(12)  # bytes a slot needs beside its payload

# What load() has found
UNKNOWN = const(0)  # nothing read yet
VALID = const(1)
EMPTY = const(2)  # never completely saved
CORRUPT = const(3)  # both slots damaged
FOREIGN = const(4)  # the newest record has a version this firmware does not read


class Record:
    """One record of up to `capacity` payload bytes at `address`: two slots, `2 * (capacity + OVERHEAD)` bytes.

    `version` is written; versions in `readable` are loaded too, and `found_version` says which one it was. `status` is
    what the last `load` found, and `whole_slots` how many of the two were whole: one is usual for a record that is
    saved all the time and may be cut short, damage for one that is saved twice. `capacity` fixes where the second slot
    lies and must never change; memory is only used for the longest payload seen. Errors of the memory pass through as
    OSError and leave the record as it was.
    """

    def __init__(self, memory: "Memory", address: int, capacity: int, version: int, readable: tuple = ()):
        self.status = UNKNOWN
        self.found_version = -1
        self.whole_slots = 0
        self.capacity = capacity
        self._memory = memory
        self._address = address
        self._version = version
        self._readable = readable
        self._slot = 1  # the newest slot
        self._sequence = _SEQUENCE_MASK  # its sequence number
        self._shape(0)

    def load(self) -> "bytes | None":
        """The payload of the newest valid slot; None, with the reason in `status`, if there is none."""
        slots = [self._read(0), self._read(1)]
        whole = [slot for slot in slots if isinstance(slot, tuple)]
        self.whole_slots = len(whole)
        if not whole:
            self._slot, self._sequence = 1, _SEQUENCE_MASK
            self.status = EMPTY if EMPTY in slots else CORRUPT
            return None
        newest = whole[0]
        if len(whole) == 2 and _is_newer(whole[1][0], newest[0]):
            newest = whole[1]
        self._sequence, self.found_version, payload = newest
        self._slot = slots.index(newest)
        if self.found_version != self._version and self.found_version not in self._readable:
            self.status = FOREIGN
            return None
        self.status = VALID
        return payload

    def save(self, payload: "Any") -> None:
        """Make `payload` (bytes-like) the newest record. ValueError if it is longer than `capacity`, OSError if
        the stored one is foreign: that is for the firmware which wrote it."""
        length = len(payload)
        if length > self.capacity:
            raise ValueError("record: %d bytes are too many" % length)
        if self.status == UNKNOWN:
            self.load()
        if self.status == FOREIGN:
            raise OSError(errno.EIO, "record: of a newer firmware")
        if len(self._buffer) != length + OVERHEAD:
            self._shape(length)
        buffer = self._buffer
        slot, sequence = 1 - self._slot, self._sequence + 1 & _SEQUENCE_MASK
        struct.pack_into(_HEADER, buffer, 0, _MARK, self._version, length, sequence)
        buffer[_HEADER_SIZE : _HEADER_SIZE + length] = payload
        struct.pack_into("<I", buffer, _HEADER_SIZE + length, self._crc(self._covered))
        self._memory.write(self._slot_address(slot), buffer)
        if not self._is_kept(slot):  # the other slot is still whole, and the next save goes to this one again
            raise OSError(errno.EIO, "record: memory does not keep what is written")
        self._slot, self._sequence = slot, sequence
        self.status, self.found_version = VALID, self._version

    def save_twice(self, payload: "Any") -> bool:
        """Save into both slots: for what changes rarely, so that one damaged slot does not bring an old value back.

        OSError: the old record holds. False: the new one does, but only one slot took it.
        """
        self.save(payload)
        for _ in range(_WRITE_AGAIN):
            try:
                self.save(payload)
                return True
            except OSError:
                pass
        return False

    def _is_kept(self, slot: int) -> bool:
        """Whether the slot holds what has just been written. A disturbed bus gets another chance: what is there holds
        at the next start, so it had better be known now."""
        for _ in range(_READ_AGAIN):
            try:
                self._memory.read_into(self._slot_address(slot), self._found)
                if self._found == self._buffer:
                    return True
            except OSError:
                pass
        self._memory.read_into(self._slot_address(slot), self._found)
        return self._found == self._buffer

    def _shape(self, length: int) -> None:
        """Make a buffer of exactly one slot with `length` payload bytes; it stays while the length does."""
        self._buffer = bytearray(length + OVERHEAD)
        self._found = bytearray(length + OVERHEAD)  # what is read back
        self._covered = memoryview(self._buffer)[: _HEADER_SIZE + length]  # what the CRC is taken over

    def _read(self, slot: int) -> "tuple[int, int, bytes] | int":
        """(sequence, version, payload) of a whole slot, otherwise EMPTY or CORRUPT.

        What looks bad is read again: a disturbed bus must not bring an old value back.
        """
        found = self._read_once(slot)
        for _ in range(_READ_AGAIN):
            if isinstance(found, tuple):
                break
            found = self._read_once(slot)
        return found

    def _read_once(self, slot: int) -> "tuple[int, int, bytes] | int":
        address = self._slot_address(slot)
        header = bytearray(_HEADER_SIZE)
        self._memory.read_into(address, header)
        if header in (b"\x00" * _HEADER_SIZE, b"\xff" * _HEADER_SIZE):
            return EMPTY
        mark, version, length, sequence = struct.unpack(_HEADER, header)
        if mark != _MARK or length > self.capacity:
            return CORRUPT
        rest = bytearray(length + _CRC_SIZE)
        self._memory.read_into(address + _HEADER_SIZE, rest)
        payload = bytes(rest[:length])
        crc = binascii.crc32(payload, self._crc(header))
        if struct.unpack("<I", rest[length:])[0] != crc:
            return CORRUPT
        return sequence, version, payload

    def _crc(self, data: "Any") -> int:
        return binascii.crc32(data, self._address)

    def _slot_address(self, slot: int) -> int:
        return self._address + slot * (self.capacity + OVERHEAD)


def _is_newer(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`, across the wrap."""
    return 0 < (a - b & _SEQUENCE_MASK) < _SEQUENCE_HALF
