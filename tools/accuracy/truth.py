"""The truth of a set-point: power from volts, amperes and degrees alone, by textbook formulas.

Nothing here knows the meter, its chip or the bench's source. With a neutral, P = sum of U * I * cos(phi) and
Q = sum of U * I * sin(phi). Without (3P3W) the currents' sum is zero: L2 carries back what L1 and L3 carry, so each of
these currents also makes power with the voltage of L2. P is of all harmonics, Q of the fundamental.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Triple = tuple[float, float, float]
PHASES = {"1P2W": (0,), "2P3W": (0, 1), "3P4W": (0, 1, 2), "3P3W": (0, 2)}  # whose currents are set


@dataclass(frozen=True)
class Setpoint:
    """One setting of the test bench's source.

    u: volts of each phase against the neutral or star point; i: amperes; lag: degrees of each current behind its own
    phase's voltage. harmonics: order -> (share in all voltages, share in all currents), rising through zero with the
    fundamental. f: Hz. reversed_sequence: L1-L3-L2. temperature: degrees C around the meter.
    """

    u: Triple
    i: Triple
    lag: Triple
    f: float = 50.0
    reversed_sequence: bool = False
    harmonics: dict[int, tuple[float, float]] = field(default_factory=dict)
    temperature: float = 23.0


def power(setpoint: Setpoint, network: str, quantity: str) -> float:
    """Total active (W) or reactive (var) power at the meter's terminals, import and inductive > 0."""
    step = 120.0 if setpoint.reversed_sequence else -120.0
    u_angle = [step * n for n in range(3)]
    i_angle = [step * n - setpoint.lag[n] for n in range(3)]
    total = 0.0
    for n in PHASES[network]:
        total += _pair(setpoint, n, n, u_angle[n] - i_angle[n], quantity)
        if network == "3P3W":
            total -= _pair(setpoint, 1, n, u_angle[1] - i_angle[n], quantity)
    return total


def _pair(setpoint: Setpoint, u: int, i: int, degrees: float, quantity: str) -> float:
    """Power of one phase's voltage with one phase's current that lags it by `degrees`."""
    apparent = setpoint.u[u] * setpoint.i[i]
    if quantity == "reactive":
        return apparent * math.sin(math.radians(degrees))
    result = apparent * math.cos(math.radians(degrees))
    for order, (u_share, i_share) in setpoint.harmonics.items():
        result += apparent * u_share * i_share * math.cos(math.radians(order * degrees))
    return result
