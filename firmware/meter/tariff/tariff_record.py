"""The record of all that is not energy: running periods, maxima, resets, and the newest entries of the rings.

Saving it is what makes a period end, a reset or a ring's new entry true. It is a list of parts, each a number u8, a
length u16 and what the part has packed, little endian; parts that this firmware does not know are left out.
"""

import errno
from struct import calcsize, pack, unpack_from

from micropython import const

from meter.storage import records

VERSION = const(1)
_ENTRY = "<BH"
_ENTRY_SIZE = calcsize(_ENTRY)


class TariffRecord:
    """`record`: a records.Record of VERSION. `parts`: by number, anything with `pack()` and `unpack(data)`.

    `damaged`: there was a record, but it is lost. `foreign`: it is a newer firmware's.
    """

    def __init__(self, record, parts: dict):
        self.damaged = self.foreign = False
        self._record, self._parts = record, parts

    def load(self) -> dict:
        """The stored parts by number, none on a new meter. OSError if the memory does not answer, or what it holds is a
        newer firmware's."""
        payload = self._record.load()
        self.foreign = self._record.status == records.FOREIGN
        if self.foreign:
            raise OSError(errno.EIO, "tariff: record of a newer firmware")
        self.damaged = payload is None and self._record.status != records.EMPTY
        found = {}
        at = 0
        while payload is not None and at < len(payload):
            number, length = unpack_from(_ENTRY, payload, at)
            at += _ENTRY_SIZE + length
            found[number] = payload[at - length : at]
        return found

    def save(self) -> None:
        """Make the parts' state the one that holds. OSError if the memory does not keep it."""
        stored = bytearray()
        for number in sorted(self._parts):
            data = self._parts[number].pack()
            stored.extend(pack(_ENTRY, number, len(data)))
            stored.extend(data)
        self._record.save(stored)
