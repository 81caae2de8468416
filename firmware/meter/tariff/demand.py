"""Demand: the mean power of integration periods, last and largest, by energy and rate. Integers, mW (mvar, mVA).

The demand of a period is the energy between its start and its end through its nominal length T, so a period cut short
never shows more than there was. It is a difference of totals: nothing else adds up. With n sub-periods (sliding
demand) there is a new mean over T at the end of each.

Stored registers, little endian: the 24 definitions (rated_registers.py), maxima u32, ends of their periods u32 (0:
none), cumulated maxima u64. Behind them the running period, which is only taken up again by the same set-up.
"""

from struct import calcsize, pack_into, unpack_from

from micropython import const

from meter.metrology.energies import NAMES
from meter.tariff.rated_registers import REGISTERS, arrange, definition, definitions, stored_place

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.tariff.power_factor import PowerFactor

_REGISTERS = "<24B24I24I24Q"
CUMULATED = REGISTERS + 8 * REGISTERS  # where the cumulated maxima are stored
_CUMULATED_MASK = 0xFFFFFFFFFFFF
SIZE = calcsize(_REGISTERS)  # of the registers
_MOST = 0xFFFFFFFF


class Demand:
    """Demand of each of `quantities` (of NAMES), its maximum in each rate from 1 to `rates`; as many as 24 registers
    have room for.

    `energies`: EnergyRegisters. `period_s`: T. `subperiods`: n, T is a whole number of times n seconds (else n is 1).
    `begun`, `next`: start of the running (sub-)period and its end, UTC; `next` 0: none is running. `step_s`: T / n.
    `power_factor`: a tariff.power_factor.PowerFactor that goes by the same periods, if there is to be one.
    """

    power_factor: "PowerFactor | None" = None

    def __init__(self, energies, quantities: tuple, rates: int, period_s: int, subperiods: int = 1):
        self.quantities = quantities[: REGISTERS // rates]
        self.rates = rates
        self.period_s = period_s
        self.subperiods = 1 if period_s % subperiods else subperiods
        self.step_s = period_s // self.subperiods
        self.begun = self.next = 0
        self._energies = energies
        count = len(self.quantities)
        self._start = [0] * count  # totals at the start of the running (sub-)period
        self._frozen: list = []  # totals at the moment from which on energy does not count; empty: it counts
        self._history = [[0] * (self.subperiods - 1) for _ in range(count)]  # energies of the sub-periods before
        self._last = [0] * count
        self._definitions = definitions(self.quantities, rates)
        self._maxima = [0] * REGISTERS
        self._times = [0] * REGISTERS
        self._cumulated = [0] * REGISTERS
        self._setup = (period_s, self.subperiods) + tuple([NAMES.index(name) for name in self.quantities])
        self._setup_format = "<IB%dB" % count
        self._format = "<2IB%dQ%dI" % (count * (self.subperiods + 1), count)
        self._at = SIZE + calcsize(self._setup_format)  # where the running period is stored
        self._stored = bytearray(self._at + calcsize(self._format))

    # --- what it shows ----------------------------------------------------------------------------------------------

    def current(self, name: str) -> int:
        """Energy of the running period, and of the n - 1 sub-periods before, through T."""
        return self._energy(self.quantities.index(name)) // self.period_s

    def last(self, name: str) -> int:
        """The mean of the last period that has ended."""
        return self._last[self.quantities.index(name)]

    def maximum(self, name: str, rate: int) -> tuple:
        """(largest mean since the last billing reset, end of its period in UTC); (0, None) if there is none."""
        place = self._place(name, rate)
        return self._maxima[place], self._times[place] or None

    @property
    def is_inhibited(self) -> bool:
        """Energy does not count at present."""
        return bool(self._frozen)

    def cumulated(self, name: str, rate: int) -> int:
        """Sum of the maxima of all billing periods that have ended."""
        return self._cumulated[self._place(name, rate)]

    # --- what happens to it -----------------------------------------------------------------------------------------

    def begin(self, utc: int, end: int) -> None:
        """Let the first (sub-)period run, until `end`."""
        self.begun, self.next = utc, end
        self._start = [self._counted(n) for n in range(len(self.quantities))]
        if self.power_factor:
            self.power_factor.begin()

    def restart(self, utc: int, end: int) -> None:
        """Let the first (sub-)period run again, without any before; maxima stay."""
        count = len(self.quantities)
        self._history = [[0] * (self.subperiods - 1) for _ in range(count)]
        self._last = [0] * count
        self.begin(utc, end)

    def close(self, utc: int, end: int, mask: int) -> None:
        """End the running (sub-)period at `utc`; maxima may rise in the rates that `mask` enables (rate 1 is bit 0).
        The next one runs until `end`."""
        # A period that ended late, by a signal or a changed parameter, has its own length: never more than there was.
        length = self.period_s + max(0, utc - self.begun - self.step_s)
        for n in range(len(self.quantities)):
            average = min(self._energy(n) // length, _MOST)
            self._last[n] = average
            counted = self._counted(n)
            history = self._history[n]
            if history:
                history.pop(0)
                history.append(max(0, counted - self._start[n]))
            self._start[n] = counted
            for rate in range(self.rates):
                place = n * self.rates + rate
                if mask >> rate & 1 and average > self._maxima[place]:
                    self._maxima[place], self._times[place] = average, utc
        if self.power_factor:
            self.power_factor.close(utc)
        self.begun, self.next = utc, end

    def inhibit(self, inhibited: bool) -> bool:
        """From now on energy does not count, or does again; True if it is different now."""
        if inhibited == bool(self._frozen) or not self.quantities:
            return False
        totals = [self._energies.get(name) for name in self.quantities]
        if not inhibited:
            for n in range(len(totals)):
                self._start[n] += totals[n] - self._frozen[n]
            totals = []
        self._frozen = totals
        return True

    def clear(self) -> None:
        """Billing reset: add the maxima to the cumulated ones and begin with none."""
        for place in range(REGISTERS):
            self._cumulated[place] += self._maxima[place]
        self._maxima = [0] * REGISTERS
        self._times = [0] * REGISTERS
        if self.power_factor:
            self.power_factor.clear()

    def _counted(self, n: int) -> int:
        return self._frozen[n] if self._frozen else self._energies.get(self.quantities[n])

    def _energy(self, n: int) -> int:
        """Of the running (sub-)period and of those before that make a period with it."""
        return max(0, self._counted(n) - self._start[n]) + sum(self._history[n])

    def _place(self, name: str, rate: int) -> int:
        return self._definitions.index(definition(name, rate))

    # --- how it is stored -------------------------------------------------------------------------------------------

    def pack(self) -> bytearray:
        """All of it, the registers first; the same buffer every time, valid until the next call."""
        stored = self._stored
        pack_into(_REGISTERS, stored, 0, *self._definitions, *self._maxima, *self._times, *self._cumulated)
        pack_into(self._setup_format, stored, SIZE, *self._setup)
        history = [energy for each in self._history for energy in each]
        frozen = self._frozen or self._start
        running = self._start + frozen + history + self._last
        pack_into(self._format, stored, self._at, self.begun, self.next, bool(self._frozen), *running)
        return stored

    def unpack(self, data) -> None:
        """Take over what `pack` has made. Registers that mean something new begin at zero; a period of another set-up
        does not go on."""
        stored = unpack_from(_REGISTERS, data, 0)
        places = arrange(self._definitions, list(stored[:REGISTERS]))
        columns = [[0 if place is None else stored[k * REGISTERS + place] for place in places] for k in (1, 2, 3)]
        self._maxima, self._times, self._cumulated = columns
        self.begun = self.next = 0
        if len(data) != len(self._stored) or unpack_from(self._setup_format, data, SIZE) != self._setup:
            return
        running = list(unpack_from(self._format, data, self._at))
        self.begun, self.next, is_frozen = running[:3]
        count, before = len(self.quantities), self.subperiods - 1
        del running[:3]
        self._start = running[:count]
        self._frozen = running[count : 2 * count] if is_frozen else []
        at = 2 * count
        self._history = [running[at + n * before : at + (n + 1) * before] for n in range(count)]
        self._last = running[at + count * before :]


def stored_maximum(data, at: int, name: str, rate: int) -> "tuple | None":
    """As Demand.maximum, of the registers stored in `data` from `at` on; None if there was no such one."""
    place = stored_place(data, at, name, rate)
    if place is None:
        return None
    at += REGISTERS + 4 * place
    power, utc = unpack_from("<I", data, at)[0], unpack_from("<I", data, at + 4 * REGISTERS)[0]
    return power, utc or None


def stored_cumulated(data, at: int, name: str, rate: int) -> "int | None":
    """As Demand.cumulated, of the registers stored in `data` from `at` on; None if there was no such one. The upper two
    octets are another's."""
    place = stored_place(data, at, name, rate)
    return None if place is None else unpack_from("<Q", data, at + CUMULATED + 8 * place)[0] & _CUMULATED_MASK
