"""The total energy registers: integers in mWs (mvars) that only ever grow."""

from struct import pack, unpack

# Order in the stored record
NAMES = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4")
VERSION = 1
_FORMAT = "<8Q"


class EnergyRegisters:
    """Eight totals by name: +A -A +R -R and the reactive quadrants RI..RIV."""

    def __init__(self):
        self._totals = [0] * len(NAMES)

    def add(self, increment) -> None:
        """Add one interval's energies; `increment` has an attribute of each name, mWs or mvars, never negative."""
        totals = self._totals
        for n, name in enumerate(NAMES):
            totals[n] += getattr(increment, name)

    def get(self, name: str) -> int:
        """Total in mWs or mvars."""
        return self._totals[NAMES.index(name)]

    def pack(self) -> bytes:
        """The totals as they are stored: 8 little-endian u64 in the order of NAMES."""
        return pack(_FORMAT, *self._totals)

    def unpack(self, data: bytes) -> None:
        """Take over the totals of a stored record."""
        self._totals = list(unpack(_FORMAT, data))
