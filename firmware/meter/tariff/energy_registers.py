"""The total energy registers: integers in mWs (mvars, mVAs) that only ever grow.

They never run over: at 20 kW, more than the meter's thermal limit (3 x 480 V x 12 A), 2**64 mWs last 29 000 years. What
is shown rolls over after all its digits; that is the object model's business.

Stored, version 2, little endian: 40 totals as u64 (the sum of the phases, L1, L2, L3, each in the order of NAMES), two
sum channels as u64, and for each sum channel one byte that says what it adds up (0: nothing). Version 1, which is read
too, has the first eight totals only.
"""

from struct import calcsize, pack_into, unpack, unpack_from

from meter.metrology.energies import NAMES

VERSION = 2
READABLE = (1, 2)
ROWS = 4
_SUMS = 2
_TOTALS = ROWS * len(NAMES)
_FORMAT = "<%dQ%dB" % (_TOTALS + _SUMS, _SUMS)
_FORMAT_1 = "<8Q"
SIZE = calcsize(_FORMAT)


def stored_total(data, at: int, name: str, row: int = 0) -> int:
    """A total among the registers stored, as version 2, in `data` from `at` on."""
    return unpack_from("<Q", data, at + 8 * (row * len(NAMES) + NAMES.index(name)))[0]


def stored_sum(data, at: int, n: int) -> int:
    """A sum channel among them."""
    return unpack_from("<Q", data, at + 8 * (_TOTALS + n))[0]


class EnergyRegisters:
    """Forty totals by name and row, 0 all phases together, 1..3 one phase; and two sum channels.

    `sum_channels`: for each the two names it adds up (of all phases together), or ().
    """

    def __init__(self, sum_channels: tuple = ((), ())):
        self._totals = [0] * (_TOTALS + _SUMS)
        self._pairs = [[NAMES.index(name) for name in pair] for pair in sum_channels]
        self._definitions = [1 + pair[0] * len(NAMES) + pair[1] if pair else 0 for pair in self._pairs]
        self._stored = bytearray(calcsize(_FORMAT))

    def add(self, increment) -> None:
        """Add one interval's energies: `increment.rows`, four lists in the order of NAMES, never negative."""
        totals = self._totals
        place = 0
        for row in increment.rows:
            for amount in row:
                if amount:
                    totals[place] += amount
                place += 1
        row = increment.rows[0]
        for pair in self._pairs:
            if pair:
                totals[place] += row[pair[0]] + row[pair[1]]
            place += 1

    def get(self, name: str, row: int = 0) -> int:
        """Total in mWs, mvars or mVAs: of all phases together (row 0) or of phase row - 1."""
        return self._totals[row * len(NAMES) + NAMES.index(name)]

    def sum_channel(self, n: int) -> int:
        """Sum channel 0 or 1, in the unit of the energies it adds up."""
        return self._totals[_TOTALS + n]

    def pack(self) -> bytearray:
        """The registers as they are stored; the same buffer every time, valid until the next call."""
        pack_into(_FORMAT, self._stored, 0, *self._totals, *self._definitions)
        return self._stored

    def unpack(self, data) -> None:
        """Take over a stored record of either version.

        A sum channel that adds up something else than it did begins at zero. One that is not in use keeps what it has,
        so that a parameter lost and set again costs nothing.
        """
        if len(data) == calcsize(_FORMAT_1):
            values = unpack(_FORMAT_1, data)
            self._totals[: len(values)] = values
            return
        values = unpack(_FORMAT, data)
        self._totals = list(values[: _TOTALS + _SUMS])
        for n in range(_SUMS):
            definition = values[_TOTALS + _SUMS + n]
            if not self._pairs[n]:
                self._definitions[n] = definition
            elif definition != self._definitions[n]:
                self._totals[_TOTALS + n] = 0
