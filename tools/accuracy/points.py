"""The test points of each part of the test, as data: set-point, truth, what the standard allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.accuracy import truth
from tools.accuracy.meters import Meter
from tools.accuracy.standards import EPSILON, Factor, Standard
from tools.accuracy.truth import Setpoint

# Shares of In; Imax comes to all of them. The short one has the beginning of every band: for export, for one phase and
# for the factors that are tested on request only, which are not tested in both directions.
GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SHORT_GRID = (0.01, 0.02, 0.05, 0.1, 1.0)
TEMPERATURES = (-25.0, -5.0, 15.0, 35.0, 55.0, 70.0)
FIFTH = {5: (0.1, 0.4)}  # of U1, of I1
BASE_CURRENTS = {"1": (0.05, 1.0), "0.5": (0.1, 1.0)}  # where influences are tested, and at Imax
VOLTAGES = ((0.9, 1.0), (1.1, 1.0), (0.8, 3.0), (1.15, 3.0))  # share of Un, times the limit for +-10 %
FREQUENCIES = (0.98, 1.02)


@dataclass(frozen=True)
class Point:
    """One set-point to be measured.

    test: what it belongs to. current: share of In; factor: as in the tables; load: "balanced" or the phase loaded;
    direction: "import" or "export". truth: W or var. limit: % of error, or of the change of error against the point
    named `base`; None for points that are only a base. `name` is unique in a part.
    """

    test: str
    name: str
    quantity: str
    current: float
    factor: str
    load: str
    direction: str
    setpoint: Setpoint
    truth: float
    limit: float | None
    base: str | None = None


@dataclass(frozen=True)
class Maker:
    """Makes points of one meter by one standard."""

    meter: Meter
    standard: Standard

    def lag(self, factor: str, direction: str = "import") -> float:
        """An exported current is a turned one; reactive power is then taken with the same sign as imported."""
        lag = Factor(factor).lag(self.standard.quantity)
        if direction == "import":
            return lag
        return lag + 180 if self.standard.quantity == "active" else 180 - lag

    def point(
        self,
        test: str,
        current: float,
        factor: str,
        setpoint: Setpoint,
        limit: float | None,
        load: str = "balanced",
        direction: str = "import",
        detail: str = "",
        base: str | None = None,
    ) -> Point:
        quantity = self.standard.quantity
        value = truth.power(setpoint, self.meter.network, quantity)
        words = [f"{100 * current:g} % In", factor, load if load != "balanced" else "", detail]
        if direction != "import":
            words.append(direction)
        name = ", ".join(word for word in words if word)
        return Point(test, name, quantity, current, factor, load, direction, setpoint, value, limit, base)

    def base(self, current: float, factor: str) -> Point:
        """The point at reference conditions that changes are measured against."""
        return self.point("reference", current, factor, self.meter.balanced(current, self.lag(factor)), None)


def intrinsic(meter: Meter, standard: Standard) -> Iterator[Point]:
    """Clause 8.1: error due to variation of the current, both directions, all phases and each alone."""
    make = Maker(meter, standard)
    i_max = meter.rating.i_max
    for direction in ("import", "export"):
        for factor in standard.factors:
            rare = factor in standard.on_request
            if rare and direction == "export":
                continue
            for current in (*(SHORT_GRID if rare or direction == "export" else GRID), i_max):
                limit = standard.limit(current, factor)
                if limit is not None:
                    setpoint = meter.balanced(current, make.lag(factor, direction))
                    yield make.point("current", current, factor, setpoint, limit, direction=direction)
    for phase in truth.PHASES[meter.network] if meter.network != "1P2W" else ():
        for factor in standard.one_phase_factors:
            for current in (*SHORT_GRID, i_max):
                limit = standard.limit(current, factor, one_phase=True)
                if limit is not None:
                    setpoint = meter.one_phase(phase, current, make.lag(factor))
                    yield make.point("one phase", current, factor, setpoint, limit, load=f"L{phase + 1} only")


def influences(meter: Meter, standard: Standard) -> Iterator[Point]:
    """Clause 8.2: change of error by voltage, frequency, sequence, unbalance, harmonics. Bases come first."""
    make = Maker(meter, standard)
    i_max = meter.rating.i_max
    half = "0.5 ind"
    one = standard.factors[0]
    bases = {
        (current, factor): make.base(current, factor)
        for factor, currents in ((one, BASE_CURRENTS["1"]), (half, BASE_CURRENTS["0.5"]))
        for current in (*currents, i_max)
    }
    extra = [(0.1, one)] if standard.reversed_sequence else []
    extra += [(i_max / 2, one)] if standard.fifth_harmonic and i_max / 2 != 1.0 else []
    for current, factor in extra:
        bases[current, factor] = make.base(current, factor)
    yield from bases.values()
    for (current, factor), base in bases.items():
        if (current, factor) in extra:
            continue
        for share, times in VOLTAGES:
            if times > 1 and current != 1.0:
                continue
            setpoint = meter.balanced(current, make.lag(factor), share)
            limit = standard.voltage.at(factor) * times
            yield make.point(
                "voltage", current, factor, setpoint, limit, detail=f"{100 * share:g} % Un", base=base.name
            )
        for share in FREQUENCIES:
            setpoint = replace(base.setpoint, f=base.setpoint.f * share)
            limit = standard.frequency.at(factor)
            yield make.point("frequency", current, factor, setpoint, limit, detail=f"{setpoint.f:g} Hz", base=base.name)
    if standard.reversed_sequence and meter.network in ("3P4W", "3P3W"):
        base = bases[0.1, one]
        setpoint = replace(base.setpoint, reversed_sequence=True)
        yield make.point(
            "reversed sequence", 0.1, one, setpoint, standard.reversed_sequence, detail="L1-L3-L2", base=base.name
        )
    if standard.unbalance:
        yield from _unbalances(make, bases[1.0, one], standard.unbalance)
    if standard.fifth_harmonic:
        base = bases[i_max / 2, one]
        setpoint = replace(base.setpoint, harmonics=dict(FIFTH))
        yield make.point(
            "5th harmonic", i_max / 2, one, setpoint, standard.fifth_harmonic, detail="5th harmonic", base=base.name
        )


def _unbalances(make: Maker, base: Point, limit: float) -> Iterator[Point]:
    """One or two phases of the network interrupted; what flows there draws no power."""
    missing = {"3P4W": ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2)), "2P3W": ((0,), (1,)), "3P3W": ((0,), (2,))}
    for phases in missing.get(make.meter.network, ()):
        u, i = list(base.setpoint.u), list(base.setpoint.i)
        for phase in phases:
            u[phase] = 0.0
            if make.meter.network == "3P3W":
                i[phase] = 0.0  # a conductor that is interrupted carries nothing
        setpoint = replace(base.setpoint, u=(u[0], u[1], u[2]), i=(i[0], i[1], i[2]))
        text = "without " + " and ".join(f"L{phase + 1}" for phase in phases)
        yield make.point("unbalance", base.current, base.factor, setpoint, limit, detail=text, base=base.name)


def temperatures(meter: Meter, standards: tuple[Standard, ...]) -> Iterator[tuple[Standard, Point]]:
    """Clause 8.2: the same points from cold to hot. The coefficients come from neighbours."""
    for celsius in TEMPERATURES:
        for standard in standards:
            make = Maker(meter, standard)
            one = standard.factors[0]
            loads = [(0.05, one), (1.0, one), (0.1, "0.5 ind"), (1.0, "0.5 ind"), (meter.rating.i_max, "0.5 ind")]
            for current, factor in loads if standard.temperature_sheet else loads[1:2]:
                setpoint = replace(meter.balanced(current, make.lag(factor)), temperature=celsius)
                yield standard, make.point("temperature", current, factor, setpoint, None, detail=f"{celsius:g} °C")


def by_power(points: list[Point]) -> list[Point]:
    """Bases first, then from small to large: a filter forgets a small step sooner."""
    return sorted(points, key=lambda point: (point.limit is not None, abs(point.truth) + EPSILON))
