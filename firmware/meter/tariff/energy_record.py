"""The record of all that counts energy: totals and rates together, so that no power cut comes between them.

Version 3: the total registers as energy_registers.py stores them, the rated ones as rated_registers.py does, and the
time, u32 seconds since 2000. Versions 1 and 2 have totals only.
"""

from struct import calcsize, pack_into, unpack_from

from meter.tariff import energy_registers, rated_registers

VERSION = 3
READABLE = (1, 2, 3)
_TOTALS = energy_registers.SIZE
_UTC = _TOTALS + rated_registers.SIZE
SIZE = _UTC + calcsize("<I")


def without_rates(data) -> bytes:
    """A stored record with its rated registers at zero; of the versions before 3, which have none, as it is."""
    return data if len(data) < SIZE else data[:_TOTALS] + bytes(_UTC - _TOTALS) + data[_UTC:]


class EnergyRecord:
    """`energies`: EnergyRegisters; `rated`: RatedRegisters. `utc`: when the record is or was saved, 0 if unknown."""

    def __init__(self, energies, rated):
        self.utc = 0
        self._energies, self._rated = energies, rated
        self._stored = bytearray(SIZE)

    def pack(self) -> bytearray:
        """What is to be stored; the same buffer every time, valid until the next call."""
        self._stored[:_TOTALS] = self._energies.pack()
        self._stored[_TOTALS:_UTC] = self._rated.pack()
        pack_into("<I", self._stored, _UTC, self.utc)
        return self._stored

    def unpack(self, data) -> None:
        """Take over a record of any version."""
        if len(data) < SIZE:
            self._energies.unpack(data)
            return
        self._energies.unpack(data[:_TOTALS])
        self._rated.unpack(data, _TOTALS)
        self.utc = unpack_from("<I", data, _UTC)[0]
