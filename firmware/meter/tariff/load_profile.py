"""A load profile: what the registers show at the end of each capture period.

An entry is a status word u32 and one i64 per channel. Of an energy it keeps the register in mWs, whatever the channel
shows of it; what a channel shows of the interval is the difference to the entry before, so entries never lose energy.
The values of a moment are in thousandths of V, A, W, Hz and 1.
"""

import binascii
from struct import calcsize, pack, pack_into, unpack, unpack_from

from micropython import const

from meter.metrology.energies import MOMENT, NO_VALUE
from meter.storage.selection import entries_of

# Status word (EDIS); the low byte is that of VDEW's P.01
FATAL_ERROR = const(0x1)
CLOCK_INVALID = const(0x2)
DISTURBED = const(0x4)
DAYLIGHT_SAVING = const(0x8)
BILLING_RESET = const(0x10)
CLOCK_SET = const(0x20)
POWER_UP = const(0x40)
POWER_DOWN = const(0x80)
EVENT_LOG_CLEARED = const(0x2000)
PROFILE_CLEARED = const(0x4000)
BEFORE_CLOCK_SET = const(0x8000)
START = const(0x80000)  # of an interval: nothing has advanced yet
END_IRREGULAR = const(0x100000)
REGISTERS_CLEARED = const(0x200000)
END_EXTERNAL = const(0x400000)
END_INTERNAL = const(0x800000)
NO_VOLTAGE = const(0x1000000)  # current without voltage

_STATE = "<4I"  # definition, newest entry, end of the running interval, marks


def entry_size(channels: tuple) -> int:
    """Bytes of an entry's payload."""
    return 4 + 8 * len(channels)


def moment(values, name: str) -> "int | None":
    """One of energies.MOMENTS in thousandths, from metrology.values.Values; None if it is not known."""
    phase = name[-1:]
    value = values.phase(name[:-1], int(phase) - 1) if phase in "123" else values.total(name)
    return None if value is None else round(value * 1000)


class LoadProfile:
    """`ring`: of entry_size(channels). `channels`: of energies.channels. `period_s`: capture period, which is part of
    what entries mean. `energies`: EnergyRegisters. `read(name)`: the value of a moment in thousandths, or None.

    `next`: end of the running interval, UTC; 0: none is running. `marks`: what the next entry is to say too.
    """

    def __init__(self, ring, channels: tuple, period_s: int, energies, read=None):
        self.ring = ring
        self.channels = channels
        self.step_s = period_s
        self.next = self.marks = 0
        self._energies, self._read = energies, read
        self._format = "<I%dq" % len(channels)
        self._payload = bytearray(calcsize(self._format))
        text = ",".join([form + name for form, name in channels]) + " %d" % period_s
        self._definition = binascii.crc32(text.encode())

    def append(self, utc: int, status: int) -> None:
        """Make an entry of now. OSError if the ring does not take it: the next one then tells its marks and energy."""
        values = [self._value(form, name) for form, name in self.channels]
        pack_into(self._format, self._payload, 0, status | self.marks, *values)
        self.ring.append(utc, self._payload)
        self.marks = 0

    def _value(self, form: str, name: str) -> int:
        if form != MOMENT:
            return self._energies.get(name)
        value = self._read(name) if self._read else None
        return NO_VALUE if value is None else value

    # --- reading ----------------------------------------------------------------------------------------------------

    def select(self, first_utc: "int | None", last_utc: "int | None") -> list:
        """The entries from a moment to another, both included (None: no bound), as (first, last) numbers."""
        return entries_of(self.ring, first_utc, last_utc)

    def entries(self, parts: list):
        """The entries of these numbers as they are kept: yields (number, utc, entry, entry before), each status and
        values. The one before is None if it is missing; where nothing can have advanced it is the entry itself."""
        for first, last in parts:
            kept = self.ring.entry(first - 1) if first > self.ring.oldest else None
            before = None if kept is None else unpack(self._format, kept[1])
            for n, utc, payload in self.ring.walk(first, last):
                entry = None if payload is None else unpack(self._format, payload)
                if before is None and entry is not None and entry[0] & START:
                    before = entry
                yield n, utc, entry, before
                before = entry

    def newest(self) -> "tuple | None":
        """(utc, entry, entry before) of the newest one, as of `entries`; None if there is none."""
        for _, utc, entry, before in self.entries([(self.ring.newest, self.ring.newest)]):
            return None if entry is None else (utc, entry, before)
        return None

    # --- how it is stored -------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """Its part of the record."""
        return pack(_STATE, self._definition, self.ring.newest, self.next, self.marks)

    def unpack(self, data) -> bool:
        """Take over what `pack` has made; False if its entries were made with other channels. OSError from the ring."""
        definition, newest, end, marks = unpack_from(_STATE, data, 0)
        if definition != self._definition:
            return False
        self.ring.restore(newest)
        self.next, self.marks = end, marks
        return True

    def clear(self) -> None:
        """Throw all entries away; the next one says so. OSError from the ring."""
        self.ring.clear()
        self.next, self.marks = 0, PROFILE_CLEARED
