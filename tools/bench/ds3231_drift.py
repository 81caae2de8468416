"""How fast a made DS3231 runs: its temperature-compensated oscillator, and what the aging offset does to it.

Source: data sheet, "Electrical Characteristics": +-2 ppm from 0 to 40 degC, +-3.5 ppm from -40 to 85; aging +-5 ppm in
ten years, which is left to `drift_ppm` of the chip. What is drawn within that, and that it is linear between the
temperatures below, is our own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from random import Random

TRIMMED = 25.0  # degC at which the maker trims it, to within
TRIMMED_PPM = 1.0
# degC, and by how much the rest of the compensation may be wrong there beside that
_RESIDUES = ((-45.0, 2.5), (-20.0, 2.5), (0.0, 1.0), (TRIMMED, 0.0), (40.0, 1.0), (60.0, 2.5), (90.0, 2.5))
# degC, and what a step of the offset does: "Trim Register Frequency Sensitivity per LSB", typical
_AGING_PPM = ((-40.0, 0.7), (25.0, 0.1), (70.0, 0.4), (85.0, 0.8))


def made_curve(specimen: int) -> Callable[[float], float]:
    """degC -> ppm (positive: fast) of the chip number `specimen`, the same whenever it is asked for."""
    chance = Random(f"ds3231 {specimen}")
    offset = chance.uniform(-TRIMMED_PPM, TRIMMED_PPM)
    points = [(celsius, offset + chance.uniform(-limit, limit)) for celsius, limit in _RESIDUES]
    return lambda celsius: _between(points, celsius)


def aging_ppm(celsius: float) -> float:
    """By how many ppm a step of the aging offset slows the oscillator."""
    return _between(_AGING_PPM, celsius)


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    """The value of a curve given by its corners, constant before the first and behind the last."""
    place = bisect_right([x for x, _ in points], at)
    if place in (0, len(points)):
        return points[min(place, len(points) - 1)][1]
    (x0, y0), (x1, y1) = points[place - 1], points[place]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
