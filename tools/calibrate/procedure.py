"""The procedure: which points, and how their readings become a calibration record. No input, no output, no waiting.

All powers are complex, P + jQ in W and var, one per element: `meter` what the meter measures, `reference` what is true.
The formulas are in README.md.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meter.metrology import calibration
from meter.metrology.calibration import Calibration, PhaseCalibration
from tools.calibrate.readings import Measured, Reference

ROOM = 23.0  # degC, IEC 62053-22, reference conditions
TEMPERATURES = (53.0, -7.0)  # degC; equally far from ROOM, so that a bent drift does not tilt the straight line


@dataclass(frozen=True)
class Point:
    """One setting of source and chamber. Currents as shares of In, voltage always Un, `lag` in degrees.

    `settle`: seconds before the reading begins, for filters, windows and the chip's thermometer. `seconds`: how long.
    """

    name: str
    current: float
    lag: float = 0.0
    temperature: float = ROOM
    settle: float = 1.5
    seconds: float = 3.0

    @property
    def text(self) -> str:
        """For people."""
        factor = "pf 1" if not self.lag else f"pf {math.cos(math.radians(self.lag)):.1f} ind"
        return f"{100 * self.current:g} % In, {factor}, {self.temperature:g} °C" if self.current else "no current"


FULL = Point("full", 1.0)
LAGGING = Point("lagging", 1.0, 60.0)
LOW = Point("low", 0.01, seconds=4.0)
ZERO = Point("zero", 0.0, seconds=4.0)
FIVE_PERCENT = Point("five_percent", 0.05)


def at_temperature(celsius: float, settle: float = 3.5) -> Point:
    """In, pf 1 in a warm or cold chamber."""
    return Point(f"at {celsius:g}", 1.0, temperature=celsius, settle=settle)


def points(temperatures: Sequence[float] = TEMPERATURES) -> list[Point]:
    """What is measured to calibrate, in this order: the chamber is back at room temperature before the end."""
    return [FULL] + [at_temperature(celsius) for celsius in temperatures] + [LAGGING, LOW, ZERO]


def check_points(temperatures: Sequence[float] = TEMPERATURES) -> list[Point]:
    """What is measured to see that it was right. The compensation needs a moment to believe a new temperature."""
    return [FULL, LAGGING, FIVE_PERCENT] + [at_temperature(celsius, settle=5.0) for celsius in temperatures[:1]]


def flat(record: Calibration, temperature: int) -> Calibration:
    """`record` with the gains it has at `temperature` (m degC) and no drift: still while the chamber warms."""
    phases = []
    for number, constants in enumerate(record.phases):
        u_gain, i_gain = record.gains(number, temperature)
        phases.append(
            PhaseCalibration(
                (u_gain, i_gain, constants.phase, constants.p_offset, constants.q_offset, 0, 0),
            )
        )
    return Calibration(tuple(phases), temperature, record.time, record.count)


def is_flat(record: Calibration) -> bool:
    """Whether no gain depends on temperature."""
    return not any(phase.u_tc or phase.i_tc for phase in record.phases)


@dataclass(frozen=True)
class Ratio:
    """Meter to truth of one element: voltage, and power as magnitude and angle (degrees, > 0: reads too lagging)."""

    u: float
    s: float
    angle: float


def ratio(meter: Measured, reference: Reference, element: int) -> Ratio:
    """What an element's readings are, relative to the truth."""
    turned = meter.true_power(element, reference.f) / reference.power[element]
    return Ratio(meter.u[element] / reference.u[element], abs(turned), math.degrees(cmath.phase(turned)))


def compute(
    old: Calibration,
    elements: Sequence[int],
    measured: Mapping[str, Measured],
    references: Mapping[str, Reference],
    time: int,
) -> Calibration:
    """The record that makes the meter right, from readings taken with `old` (flat) in force, by the points' names.

    Phases that are no elements keep what they have. ValueError if a correction is beyond what a sound meter can need.
    """
    full = measured[FULL.name]
    phases = []
    for number in range(calibration.PHASES):
        constants = old.phases[number]
        if number in elements:
            constants = _element(constants, number, measured, references)
        phases.append(constants)
    record = Calibration(tuple(phases), full.temperature, time, old.count)
    return calibration.parse(record.text())


def _element(
    old: PhaseCalibration, n: int, measured: Mapping[str, Measured], references: Mapping[str, Reference]
) -> PhaseCalibration:
    full = ratio(measured[FULL.name], references[FULL.name], n)
    angle = ratio(measured[LAGGING.name], references[LAGGING.name], n).angle
    # at low current: what remains when gain and phase are right
    turned = cmath.rect(full.s, math.radians(angle))
    old_offset = complex(old.p_offset, old.q_offset) * 1e-6
    offsets = [
        references[point.name].power[n] - (measured[point.name].power[n] - old_offset) / turned for point in (LOW, ZERO)
    ]
    offset = sum(offsets) / len(offsets)
    u_tc, i_tc = _drift(n, full, measured, references)
    return PhaseCalibration(
        (
            _ppb((1 + old.u_gain * 1e-9) / full.u - 1),
            _ppb((1 + old.i_gain * 1e-9) * full.u / full.s - 1),
            old.phase + round(angle * 1e6),
            round(offset.real * 1e6),
            round(offset.imag * 1e6),
            _ppb(u_tc),
            _ppb(i_tc),
        )
    )


def _drift(
    n: int, full: Ratio, measured: Mapping[str, Measured], references: Mapping[str, Reference]
) -> tuple[float, float]:
    """Corrections per kelvin of voltage and current: the straight line through the reference temperature."""
    base = measured[FULL.name].temperature
    squares = u_sum = i_sum = 0.0
    for name, meter in measured.items():
        if name in (FULL.name, LAGGING.name, LOW.name, ZERO.name):
            continue
        away = (meter.temperature - base) / 1000
        there = ratio(meter, references[name], n)
        squares += away * away
        u_sum += away * (full.u / there.u - 1)
        i_sum += away * ((full.s / full.u) / (there.s / there.u) - 1)
    return (u_sum / squares, i_sum / squares) if squares else (0.0, 0.0)


def _ppb(fraction: float) -> int:
    return round(fraction * 1e9)
