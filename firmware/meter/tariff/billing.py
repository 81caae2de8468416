"""Billing periods: resets, their lockout, and the stored values.

A reset stores what all registers show, starts new maxima and counts. Two schemes keep values apart, each in a ring of
its own: the first holds the resets, the second snapshots, which change nothing.

After a reset by button, input or communication the same source is locked out for a while. The lockout goes on while the
meter is off, ends by the clock, moves along when the clock is set, and does not hold other sources up.

An entry is, little endian: format u8 (2), reset counter after the reset u8, source u8, 0, begin of the period u32, the
totals (energy_registers.py), the rated registers (rated_registers.py) or what they gained in the period, the demand
registers (demand.py). Cumulated maxima have six of their eight octets; the seventh and eighth of the first four are
the period's power factor (`packed` of power_factor.py), zero in format 1, which is read too.
"""

from struct import calcsize, pack_into, unpack_from

from micropython import const

from meter.storage.selection import entries_of
from meter.tariff import demand as demand_registers
from meter.tariff import energy_registers, power_factor, rated_registers

# Sources of a reset
BUTTON = const(1)
INPUT = const(2)
COMMUNICATION = const(3)
TIME_SWITCH = const(4)
TARIFF_CHANGE = const(5)
_LOCKED_OUT = (BUTTON, INPUT, COMMUNICATION)

RESETS, SNAPSHOTS = const(0), const(1)  # the schemes

_FORMAT_NUMBER = const(2)
_READABLE = (1, 2)
_HEAD = "<4BI"
_TOTALS = calcsize(_HEAD)
_RATED = _TOTALS + energy_registers.SIZE
_DEMAND = _RATED + rated_registers.SIZE
ENTRY_SIZE = _DEMAND + demand_registers.SIZE
_FACTORS = tuple([_DEMAND + demand_registers.CUMULATED + 8 * n + 6 for n in range(4)])  # two octets each
_STATE = "<BB6I"  # resets, last source, newest numbers of the rings, last reset, ends of the lockouts
_COUNTS = const(100)


class Stored:
    """The values of one stored entry: `utc` of the reset, `begun` (start of the billing period, UTC; 0 unknown),
    `count` (the reset counter after the reset), `source`. `f`: its value group F where that is not the counter."""

    def __init__(self, utc: int, data):
        self.utc = utc
        self._data = data
        _, self.count, self.source, _, self.begun = unpack_from(_HEAD, data, 0)
        self.f = self.count

    def total(self, name: str, row: int = 0) -> int:
        """As EnergyRegisters.get."""
        return energy_registers.stored_total(self._data, _TOTALS, name, row)

    def sum_channel(self, n: int) -> int:
        """As EnergyRegisters.sum_channel."""
        return energy_registers.stored_sum(self._data, _TOTALS, n)

    def rated(self, name: str, rate: int) -> "int | None":
        """As RatedRegisters.get, or what that gained in the period; None if there was no such register."""
        return rated_registers.stored_value(self._data, _RATED, name, rate)

    def maximum(self, name: str, rate: int) -> "tuple | None":
        """As Demand.maximum; None if there was no such register."""
        return demand_registers.stored_maximum(self._data, _DEMAND, name, rate)

    def cumulated(self, name: str, rate: int) -> "int | None":
        """As Demand.cumulated; None if there was no such register."""
        return demand_registers.stored_cumulated(self._data, _DEMAND, name, rate)

    def power_factor(self) -> tuple:
        """(mean of the billing period, smallest of a period of demand, end of that in UTC), None if there is none."""
        return power_factor.unpacked(b"".join([self._data[at : at + 2] for at in _FACTORS]))


class Billing:
    """`rings`: one of ENTRY_SIZE for each scheme. `count`: resets modulo 100; `utc`: of the last one, 0 if there was
    none, and `source`, where it came from. `rated_unit`: if rated registers are kept as what they gained in the period,
    (numerator, denominator) of what they show of a value."""

    rated_unit: "tuple | None" = None

    def __init__(self, rings: tuple, energies, rated, demand):
        self.rings = rings
        self.count = self.source = self.utc = 0
        self._energies, self._rated, self._demand = energies, rated, demand
        self._locked_until = [0] * len(_LOCKED_OUT)
        self._begin = bytearray(_DEMAND)  # an entry, without demand, of the moment at which the running period began
        self._entry = bytearray(ENTRY_SIZE)

    # --- what it shows ----------------------------------------------------------------------------------------------

    @property
    def begin(self) -> Stored:
        """What the energy registers showed when the running period began: what has come since is the advance."""
        return Stored(self.utc, self._begin)

    def power_factor(self) -> "int | None":
        """Mean of the running period, thousandths; None if there was no energy."""
        begin, total = self.begin, self._energies.get
        gained = [total(name) - begin.total(name) for name in ("a_import", "s_import")]
        return power_factor.mean(*gained)

    def available(self, scheme: int = RESETS) -> int:
        """How many entries there are."""
        ring = self.rings[scheme]
        return max(0, ring.newest - ring.oldest + 1)

    def stored(self, n: int, scheme: int = RESETS) -> "Stored | None":
        """The entry `n`, 1 is the newest; None if there is none, or it is damaged."""
        return self.entry(self.rings[scheme].newest + 1 - n, scheme)

    def entry(self, number: int, scheme: int = RESETS) -> "Stored | None":
        """As `stored`, by the number of the ring's entry, which stays the same."""
        found = self.rings[scheme].entry(number)
        return None if found is None or found[1][0] not in _READABLE else Stored(*found)

    def select(self, first_utc: "int | None", last_utc: "int | None", scheme: int = RESETS) -> list:
        """The numbers of the entries of a time, the oldest first."""
        parts = entries_of(self.rings[scheme], first_utc, last_utc)
        return [n for first, last in parts for n in range(first, last + 1)]

    def lockout_s(self, source: int, utc: int) -> int:
        """How long `source` is still locked out."""
        return max(0, self._locked_until[source - 1] - utc) if source in _LOCKED_OUT else 0

    # --- what happens to it -----------------------------------------------------------------------------------------

    def start(self, utc: int) -> None:
        """The first billing period begins."""
        self._fill(self._begin, 0, 0, utc)

    def store(self, scheme: int, source: int, utc: int, count: int) -> None:
        """Keep what the registers show now. OSError if the ring does not take it."""
        begun = unpack_from("<I", self._begin, 4)[0]
        entry, demand = self._entry, self._demand
        self._fill(entry, count, source, begun)
        if self.rated_unit:
            rated_registers.keep_advances(entry, _RATED, self._begin, _RATED, self.rated_unit)
        entry[_DEMAND:] = memoryview(demand.pack())[: demand_registers.SIZE]
        factor = demand.power_factor
        if factor:
            octets = power_factor.packed(self.power_factor(), factor.least, factor.least_utc)
            for n in range(len(_FACTORS)):
                entry[_FACTORS[n] : _FACTORS[n] + 2] = octets[2 * n : 2 * n + 2]
        self.rings[scheme].append(utc, self._entry)

    def reset(self, source: int, utc: int) -> None:
        """Make a billing reset. OSError if the values cannot be stored; then nothing has happened."""
        count = (self.count + 1) % _COUNTS
        self.store(RESETS, source, utc, count)
        self.count, self.source, self.utc = count, source, utc
        self._demand.clear()
        self._fill(self._begin, count, source, utc)

    def forget_rated(self) -> None:
        """The rated registers have been cleared: what they gain in the running period begins at zero too."""
        self._begin[_RATED:] = bytes(rated_registers.SIZE)

    def lock_out(self, source: int, until: int) -> None:
        """Ignore `source` until then, if it is one of those."""
        if source in _LOCKED_OUT:
            self._locked_until[source - 1] = until

    def shift(self, seconds: int) -> None:
        """The clock has been put forward by so much, or back: lockouts last no longer and no shorter for it."""
        self._locked_until = [max(0, until + seconds) for until in self._locked_until]

    def _fill(self, entry: bytearray, count: int, source: int, begun: int) -> None:
        pack_into(_HEAD, entry, 0, _FORMAT_NUMBER, count, source, 0, begun)
        entry[_TOTALS:_RATED] = self._energies.pack()
        entry[_RATED:_DEMAND] = self._rated.pack()

    # --- how it is stored -------------------------------------------------------------------------------------------

    def pack(self) -> bytearray:
        """Its part of the record."""
        newest = [ring.newest for ring in self.rings]
        stored = bytearray(calcsize(_STATE))
        pack_into(_STATE, stored, 0, self.count, self.source, *newest, self.utc, *self._locked_until)
        return stored + self._begin

    def unpack(self, data) -> None:
        """Take over what `pack` has made. OSError from the rings."""
        state = unpack_from(_STATE, data, 0)
        self.count, self.source = state[:2]
        for n in range(len(self.rings)):
            self.rings[n].restore(state[2 + n])
        self.utc = state[4]
        self._locked_until = list(state[5:8])
        self._begin[:] = data[calcsize(_STATE) :]
