"""What the standards ask of the meter, as data: test points, limits of error, influence quantities.

Written from the known tables of the editions of 2003 (IEC 62053-21, -22, -23) and 2014 (IEC 62053-24), not copied from
the standards' text; check against the text before any claim of conformity. Clauses are those editions' 8.1 (limits of
error due to variation of the current), 8.2 (influence quantities), 8.3 (starting and no-load), 8.4 (meter constant).
The influence limits of IEC 62053-24 class 1 are the least certain: those of active class 1 are taken.

Currents are shares of In, limits are in percent, of temperature in percent per kelvin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

EPSILON = 1e-9  # shares of In come from arithmetic


@dataclass(frozen=True)
class Factor:
    """A power factor (active) or sin phi (reactive) as the tables write it: "1", "0.5 ind", "0.8 cap"."""

    text: str

    def lag(self, quantity: str) -> float:
        """Degrees the current lags its voltage, energy imported."""
        value, _, kind = self.text.partition(" ")
        angle = math.degrees(math.acos(float(value)) if quantity == "active" else math.asin(float(value)))
        return -angle if kind == "cap" else angle


@dataclass(frozen=True)
class Band:
    """low <= I < high (up to and with Imax where high is None), at these factors: limit of error, %."""

    low: float
    high: float | None
    factors: tuple[str, ...]
    limit: float

    def covers(self, current: float, factor: str) -> bool:
        return (
            factor in self.factors
            and current > self.low - EPSILON
            and (self.high is None or current < self.high - EPSILON)
        )


@dataclass(frozen=True)
class Pair:
    """Limits at factor 1 and at factor 0.5."""

    one: float
    half: float

    def at(self, factor: str) -> float:
        return self.one if factor.startswith("1") else self.half


@dataclass(frozen=True)
class Standard:
    """One standard at one class.

    difference: between one phase loaded and all, at In and factor 1. start: share of In at which the meter must start;
    starts_at: at which this product does. no_load: the constant K of the no-load test. voltage, frequency: largest
    change of error at +-10 % and +-2 %. temperature: the class's limit, temperature_sheet: the product's, and
    temperature_mean its mean, %/K. None: nothing is asked.
    """

    name: str
    accuracy: str
    quantity: str
    balanced: tuple[Band, ...]
    one_phase: tuple[Band, ...]
    difference: float | None
    start: float
    starts_at: float
    no_load: float
    voltage: Pair
    frequency: Pair
    temperature: Pair
    temperature_sheet: Pair | None = None
    temperature_mean: float | None = None
    reversed_sequence: float | None = None
    unbalance: float | None = None
    fifth_harmonic: float | None = None
    short: str = field(default="")

    @property
    def title(self) -> str:
        return f"{self.name} class {self.accuracy}"

    @property
    def class_index(self) -> float:
        """Percent: the number in the class's name."""
        return float(self.accuracy.rstrip("S"))

    @property
    def factors(self) -> tuple[str, ...]:
        """All factors of the balanced bands, in the order of the table."""
        return tuple(dict.fromkeys(factor for band in self.balanced for factor in band.factors))

    @property
    def on_request(self) -> tuple[str, ...]:
        """Factors of the smallest shares of P or Q, which the tables have on request or for large currents only."""
        return tuple(factor for factor in self.factors if all(band.low >= 0.1 for band in self._with(factor)))

    @property
    def one_phase_factors(self) -> tuple[str, ...]:
        """Factors at which one phase is loaded alone; inductive is enough for each."""
        found = dict.fromkeys(factor for band in self.one_phase for factor in band.factors)
        return tuple(factor for factor in found if not factor.endswith("cap"))

    def _with(self, factor: str) -> list[Band]:
        return [band for band in self.balanced if factor in band.factors]

    def limit(self, current: float, factor: str, one_phase: bool = False) -> float | None:
        """Limit of error at a share of In, None where the standard has none. The tighter band where two meet."""
        found = [
            band.limit for band in (self.one_phase if one_phase else self.balanced) if band.covers(current, factor)
        ]
        return min(found) if found else None


_SHEET = Pair(0.02, 0.03)  # data sheet of the product: temperature coefficient, 0.05 In and 0.1 In to Imax
_SHEET_MEAN = 0.012

ACTIVE_05S = Standard(
    name="IEC 62053-22",
    short="62053-22",
    accuracy="0.5S",
    quantity="active",
    balanced=(
        Band(0.01, 0.05, ("1",), 1.0),
        Band(0.05, None, ("1",), 0.5),
        Band(0.02, 0.1, ("0.5 ind", "0.8 cap"), 1.0),
        Band(0.1, None, ("0.5 ind", "0.8 cap"), 0.6),
        Band(0.1, None, ("0.25 ind", "0.5 cap"), 1.0),  # on request
    ),
    one_phase=(Band(0.05, None, ("1",), 0.6), Band(0.1, None, ("0.5 ind",), 1.0)),
    difference=1.0,
    start=0.001,
    starts_at=0.0007,
    no_load=600,
    voltage=Pair(0.2, 0.4),
    frequency=Pair(0.2, 0.2),
    temperature=Pair(0.03, 0.05),
    temperature_sheet=_SHEET,
    temperature_mean=_SHEET_MEAN,
    reversed_sequence=0.1,
    unbalance=1.0,
    fifth_harmonic=0.5,
)

ACTIVE_1 = Standard(
    name="IEC 62053-21",
    short="62053-21",
    accuracy="1",
    quantity="active",
    balanced=(
        Band(0.02, 0.05, ("1",), 1.5),
        Band(0.05, None, ("1",), 1.0),
        Band(0.05, 0.1, ("0.5 ind", "0.8 cap"), 1.5),
        Band(0.1, None, ("0.5 ind", "0.8 cap"), 1.0),
        Band(0.1, 1.0 + 2 * EPSILON, ("0.25 ind",), 3.5),  # on request, up to In
        Band(0.1, 1.0 + 2 * EPSILON, ("0.5 cap",), 2.5),
    ),
    one_phase=(Band(0.05, None, ("1",), 2.0), Band(0.1, None, ("0.5 ind",), 2.0)),
    difference=1.5,
    start=0.002,
    starts_at=0.0014,
    no_load=600,
    voltage=Pair(0.7, 1.0),
    frequency=Pair(0.5, 0.7),
    temperature=Pair(0.05, 0.07),
    temperature_sheet=_SHEET,
    temperature_mean=_SHEET_MEAN,
    reversed_sequence=1.5,
    unbalance=2.0,
    fifth_harmonic=0.8,
)

_BOTH_1, _BOTH_HALF, _BOTH_QUARTER = ("1 ind", "1 cap"), ("0.5 ind", "0.5 cap"), ("0.25 ind", "0.25 cap")

REACTIVE_1 = Standard(
    name="IEC 62053-24",
    short="62053-24",
    accuracy="1",
    quantity="reactive",
    balanced=(
        Band(0.02, 0.05, _BOTH_1, 1.5),
        Band(0.05, None, _BOTH_1, 1.0),
        Band(0.05, 0.1, _BOTH_HALF, 1.5),
        Band(0.1, None, _BOTH_HALF, 1.0),
        Band(0.1, None, _BOTH_QUARTER, 2.0),
    ),
    one_phase=(Band(0.05, None, _BOTH_1, 1.5), Band(0.1, None, _BOTH_HALF, 1.5)),
    difference=None,
    start=0.002,
    starts_at=0.002,
    no_load=600,
    voltage=Pair(0.7, 1.0),
    frequency=Pair(0.5, 0.7),
    temperature=Pair(0.05, 0.07),
)

REACTIVE_2 = Standard(
    name="IEC 62053-23",
    short="62053-23",
    accuracy="2",
    quantity="reactive",
    balanced=(
        Band(0.02, 0.05, _BOTH_1, 2.5),
        Band(0.05, None, _BOTH_1, 2.0),
        Band(0.05, 0.1, _BOTH_HALF, 2.5),
        Band(0.1, None, _BOTH_HALF, 2.0),
        Band(0.1, None, _BOTH_QUARTER, 2.5),
    ),
    one_phase=(Band(0.05, None, _BOTH_1, 3.0), Band(0.1, None, _BOTH_HALF, 3.0)),
    difference=None,
    start=0.003,
    starts_at=0.003,
    no_load=480,
    voltage=Pair(1.0, 1.5),
    frequency=Pair(2.5, 2.5),
    temperature=Pair(0.10, 0.15),
)

STANDARDS = {standard.short: standard for standard in (ACTIVE_05S, ACTIVE_1, REACTIVE_1, REACTIVE_2)}

# A meter's type -> what it is tested by: active, reactive. IEC 62053-23 knows no reactive class 1, so -24 is taken.
TYPES = {
    "ZMG405CR4.260b.43": (ACTIVE_05S, REACTIVE_1),
    "ZMG410CR4.260b.43": (ACTIVE_1, REACTIVE_2),
}
