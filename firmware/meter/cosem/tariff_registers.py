"""Registers by rate, of demand and of billing periods: what definitions.py has no rows for.

    c.8.r   energy at rate r           c.2.r   cumulated maximum at rate r
    c.9.0   energy since the reset     c.4.0   demand of the running period (class 5)
    c.29.0  advance of the last        c.5.0   demand of the last period, or the last mean of a load profile
            capture period             c.6.r   maximum demand at rate r (class 4), c.6.0 the largest of all

c is 1 to 10, the energies in the order of NAMES. Which there are say the owners: `sources.rated`, `demand` (none in a
meter without demand) and `profiles`.
"""

from micropython import const

from meter.cosem import date_time
from meter.cosem.classes import PUBLIC, UNITS, UTILITY, Composite, Maximum, Register, printed, shown_unit
from meter.cosem.data_types import UINT8, UINT32
from meter.cosem.definitions import ADVANCE, CUMULATED, CURRENT, LAST, MAXIMUM, RATED, RELATIVE
from meter.cosem.quantities import of_period
from meter.metrology import energies
from meter.metrology.energies import NAMES

_KEPT = (RATED, CUMULATED, MAXIMUM)  # what is stored at a reset too
_CUMULATED_DIGITS = const(8)
_ROLL_OVER = const(100_000_000)


class TariffRegisters:
    """`quantities`: quantities.Quantities; `sources` as model.ObjectModel has them."""

    def __init__(self, quantities, sources, totals: tuple):
        """`totals`: the energies that the meter counts."""
        rated, demand = sources.rated, sources.demand
        shown = [channel for profile in sources.profiles for channel in profile.channels]
        averages = tuple([name for form, name in shown if form == energies.AVERAGE])
        self._quantities, self._sources = quantities, sources
        # D: energies, first and last E. In the order of the lists
        self._kinds = {
            RATED: (rated.quantities, 1, rated.rates),
            MAXIMUM: (demand.quantities, 0, demand.rates),
            CUMULATED: (demand.quantities, 1, demand.rates),
            CURRENT: (demand.quantities, 0, 0),
            LAST: (demand.quantities + averages, 0, 0),
            RELATIVE: (totals, 0, 0),
            ADVANCE: (tuple([name for form, name in shown if form == energies.ADVANCE]), 0, 0),
        }

    def has(self, c: int, d: int, e: int) -> bool:
        if d not in self._kinds or not 1 <= c <= len(NAMES):
            return False
        names, first, last = self._kinds[d]
        return first <= e <= last and NAMES[c - 1] in names

    def all(self, *kinds):
        """(C, D, E) of those with these D; all if none are given."""
        for d in kinds or (RATED, MAXIMUM, CUMULATED, CURRENT, LAST, RELATIVE, ADVANCE):
            names, first, last = self._kinds[d]
            for c in range(1, len(NAMES) + 1):
                if NAMES[c - 1] in names:
                    for e in range(first, last + 1):
                        yield c, d, e

    def make(self, c: int, d: int, e: int, stored=None):
        """The object of a code that there is; as it was when `stored` was. KeyError if that does not tell it."""
        if not self.has(c, d, e) or stored and d not in _KEPT:
            raise KeyError((c, d, e))
        name, sources = NAMES[c - 1], self._sources
        logical_name = self._quantities.logical_name("%d.%d.%d" % (c, d, e))
        if stored:
            logical_name = of_period(logical_name, stored)
        if d == RATED:
            return self._quantities.rated_register(logical_name, name, e, stored)
        if d == RELATIVE:
            begin, total = sources.billing.begin, sources.energies.get
            return self._quantities.energy_register(logical_name, name, lambda: total(name), lambda: begin.total(name))
        if d == ADVANCE:
            return self._advance(logical_name, name)
        numerator, denominator, unit, form = self._quantities.demand_scale(name)

        def shown(milli: "int | None") -> "int | None":
            return None if milli is None else milli * numerator // denominator % _ROLL_OVER

        demand = stored or sources.demand
        if d == CURRENT:
            return Averages(logical_name, demand, name, sources, shown, unit, form)
        if d == LAST:
            return Register(logical_name, lambda: shown(self._last(name)), unit, form)
        if d == CUMULATED:
            form = form[:1] + (_CUMULATED_DIGITS,) + form[2:]
            return Register(logical_name, lambda: shown(demand.cumulated(name, e)), unit, form)

        def largest() -> tuple:
            if e:
                return demand.maximum(name, e) or (None, None)
            return _largest([demand.maximum(name, rate) for rate in range(1, sources.demand.rates + 1)])

        return Maximum(logical_name, lambda: shown(largest()[0]), unit, form, lambda: largest()[1], sources.clock)

    def _advance(self, logical_name: bytes, name: str):
        """What a total has gained in the newest entry of a load profile, as the difference of what it showed."""
        numerator, denominator, unit, form = self._quantities.energy_scale(name)

        def read() -> "int | None":
            found = self._newest((energies.ADVANCE, name))
            return None if found is None else found[1] * numerator // denominator - found[0] * numerator // denominator

        return Register(logical_name, read, unit, form)

    def _last(self, name: str) -> "int | None":
        """The last mean power, mW: of demand, or else of a load profile."""
        demand = self._sources.demand
        if name in demand.quantities:
            return demand.last(name)
        found = self._newest((energies.AVERAGE, name))
        return None if found is None else (found[1] - found[0]) // found[2]

    def _newest(self, channel: tuple) -> "tuple | None":
        """(register before, register, capture period) of the newest entry of the first profile with this channel."""
        for profile in self._sources.profiles:
            if channel in profile.channels:
                place, newest = profile.channels.index(channel) + 1, profile.newest()
                if newest is not None and newest[2] is not None and newest[2][place] <= newest[1][place]:
                    return newest[2][place], newest[1][place], profile.step_s
                break
        return None


class Averages(Composite):
    """Class 5: demand of the running period and of the last one. The periods of all energies are the same, so the
    methods, which begin them anew or end them, are about all of them. Status: 1 while energy does not count."""

    readable = PUBLIC

    def __init__(self, logical_name: bytes, demand, name: str, sources, shown, unit: str, form: tuple):
        clock, engine = sources.clock, sources.engine
        self._printed = unit, form

        def begun(steps: int):
            return lambda: date_time.octets(clock, demand.begun - steps * demand.step_s) if demand.next else None

        values = (
            lambda: shown(demand.current(name)),
            lambda: shown(demand.last(name)),
            (form[0], UNITS[unit]),
            lambda: int(demand.is_inhibited),
            begun(0),
            begun(demand.subperiods - 1),
            demand.step_s,
            demand.subperiods,
        )
        actions = {
            1: (UTILITY, lambda _: engine.end_period(clock.utc(), True)),
            2: (UTILITY, lambda _: engine.end_period(clock.utc())),
        }
        super().__init__(5, logical_name, values, actions, {2: UINT32, 3: UINT32, 5: UINT8})

    def formatted(self) -> tuple[str, str]:
        unit, form = self._printed
        return printed(self.get(2), form), shown_unit(unit, form)


def _largest(maxima: list) -> tuple:
    """The largest of (power, time), of equal ones the earliest. (None, None) if there is none."""
    best: tuple = (None, None)
    for found in maxima:
        if found is None:
            continue
        power, utc = found
        if best[0] is None or power > best[0] or power == best[0] and utc and best[1] and utc < best[1]:
            best = found
    return best
