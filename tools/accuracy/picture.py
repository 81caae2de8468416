"""The README's picture of accuracy: error curves of some made meters of class 0.5S."""

from __future__ import annotations

from tools.accuracy.curves import error_curves
from tools.accuracy.meters import calibrated, fleet
from tools.accuracy.run import Job
from tools.accuracy.standards import ACTIVE_05S

METERS = 3
NETWORK = "3P4W"
FACTORS = ("1", "0.5 ind", "0.8 cap")


def take() -> str:
    """SVG; a minute or so. The same on every machine with the same matplotlib."""
    meters = [m for m in fleet(METERS, [NETWORK]) if m.specimen is not None and ACTIVE_05S in m.standards]
    rows = [
        row
        for meter in meters
        for row in Job(meter, calibrated(meter), "intrinsic", (ACTIVE_05S,)).run()
        if row.test == "current"
    ]
    return error_curves(ACTIVE_05S, NETWORK, rows, FACTORS)
