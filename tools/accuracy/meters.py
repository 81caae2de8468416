"""The meters under test: made ones, each with its own errors and calibrated, and an ideal one per network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meter.metrology.calibration import Calibration
from tools import calibrate
from tools.accuracy.standards import TYPES, Standard
from tools.accuracy.truth import PHASES, Setpoint, Triple
from tools.bench import Bench
from tools.bench.ade9000 import tolerances
from tools.bench.bench import NOMINAL

IDEAL_TYPE = "ZMG405CR4.260b.43"
POWER_ON_S = 4.0


@dataclass(frozen=True)
class Rating:
    """Un (V; in 3P3W between phases), In (mA), imp/kWh and imp/kvarh of the test LEDs."""

    voltage: int
    current_ma: int
    led_constant: int

    @property
    def i_max(self) -> float:
        """Share of In: data sheet, 600 % of 1 A, 200 % of 5 A."""
        return 6.0 if self.current_ma == 1000 else 2.0

    @property
    def text(self) -> str:
        return f"{self.voltage} V {self.current_ma // 1000} A"


# What the meters of each network are rated, in turn: the usual one, then what makes the least power.
RATINGS = {
    "3P4W": (Rating(230, 5000, 10_000), Rating(58, 1000, 20_000), Rating(110, 5000, 20_000), Rating(230, 1000, 20_000)),
    "3P3W": (
        Rating(400, 5000, 10_000),
        Rating(100, 1000, 20_000),
        Rating(110, 5000, 20_000),
        Rating(480, 1000, 20_000),
    ),
    "2P3W": (Rating(230, 5000, 20_000), Rating(230, 1000, 20_000)),
    "1P2W": (Rating(230, 5000, 20_000), Rating(277, 5000, 20_000)),
}
NETWORKS = tuple(RATINGS)


@dataclass(frozen=True)
class Meter:
    """One meter: type, network, rating. specimen: which of all that could be made; None is the ideal one."""

    type: str
    network: str
    rating: Rating
    specimen: int | None

    @property
    def name(self) -> str:
        maker = "ideal" if self.specimen is None else f"no. {self.specimen}"
        return f"{self.type[:6]} {self.network} {self.rating.text} {maker}"

    @property
    def standards(self) -> tuple[Standard, Standard]:
        """Active, reactive."""
        return TYPES[self.type]

    @property
    def star(self) -> float:
        """Volts of a phase against the neutral or star point at Un."""
        return self.rating.voltage / math.sqrt(3) if self.network == "3P3W" else float(self.rating.voltage)

    @property
    def nominal_power(self) -> float:
        """W at Un, In and power factor 1, all phases loaded."""
        elements = math.sqrt(3) if self.network == "3P3W" else len(PHASES[self.network])
        return elements * self.rating.voltage * self.rating.current_ma / 1000

    @property
    def clock_ppm(self) -> float:
        """How much too fast its crystal is."""
        return 0.0 if self.specimen is None else tolerances.draw(self.specimen).clock_ppm

    def balanced(self, current: float, lag: float, voltage: float = 1.0) -> Setpoint:
        """All phases alike: share of In, degrees, share of Un."""
        u, i = self.star * voltage, self.rating.current_ma / 1000 * current
        return Setpoint((u, u, u), (i, i, i), (lag, lag, lag))

    def one_phase(self, phase: int, current: float, lag: float) -> Setpoint:
        """All voltages, one current. `lag` is behind the voltage of the measuring element that the current flows in:
        without a neutral that is between two phases, 30 degrees from the phase's own."""
        i, lags = [0.0] * 3, [0.0] * 3
        i[phase] = self.rating.current_ma / 1000 * current
        lags[phase] = lag + ((-30.0 if phase == 0 else 30.0) if self.network == "3P3W" else 0.0)
        return Setpoint((self.star,) * 3, _triple(i), _triple(lags))

    def bench(self, record: Calibration | None) -> Bench:
        """This meter, calibrated with `record` (None: nominally), not yet entered."""
        rating = self.rating
        parameters = {
            "nominal_voltage": rating.voltage,
            "nominal_current_ma": rating.current_ma,
            "led_constant": rating.led_constant,
            "led_constant_reactive": rating.led_constant,
        }
        return Bench(
            self.type,
            seed=1 + (self.specimen or 0),
            network=self.network,
            specimen=self.specimen,
            parameters=parameters,
            calibration=record if record is not None else NOMINAL,
        )


def fleet(count: int, networks: Sequence[str] = NETWORKS) -> list[Meter]:
    """The ideal meter of each network, then `count` made ones of each type and network, all different."""
    meters = [Meter(IDEAL_TYPE, network, RATINGS[network][0], None) for network in networks]
    for network in networks:
        ratings = RATINGS[network]
        for place, type_code in enumerate(TYPES):
            for n in range(count):
                specimen = 1 + NETWORKS.index(network) + len(NETWORKS) * (len(TYPES) * n + place)
                meters.append(Meter(type_code, network, ratings[n % len(ratings)], specimen))
    return meters


def calibrated(meter: Meter) -> Calibration | None:
    """The record that the laboratory gives this meter; None for an ideal one, which needs none."""
    return None if meter.specimen is None else calibrate.calibrated(meter.type, meter.network, meter.specimen)


def _triple(values: Sequence[float]) -> Triple:
    return values[0], values[1], values[2]
