"""Time that is passed without being calculated.

The meter sleeps most of the time, and is awake for a moment at each full minute of its clock and once in between: it
sees the energies, no waveforms, and takes itself for one that has been held up. Each leap is below the 60 s in which
it loses no energy. Energies flow on as in the last interval before it, so that must be one of a steady load.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.bench.bench import Bench

NS = 1_000_000_000
STEADY_NS = 2 * NS  # after a change, until the last interval of energies is one of a steady load
AWAKE_NS = 150_000_000  # between two leaps
_LONGEST_NS = 45 * NS


def length(bench: Bench, end_ns: int) -> int:
    """How far the next leap goes, ns; not past `end_ns`. Without a supply nothing needs one: 0."""
    now = bench.world.now
    wanted = min(bench.rtc.full_minute_ns - now, _LONGEST_NS)
    asleep = _whole_periods(bench.source.setting.f, wanted, end_ns - now)
    return asleep if asleep > NS and bench.supply.on else 0


def leap(bench: Bench, end_ns: int) -> None:
    """Leap once, not past bench time `end_ns`."""
    asleep = length(bench, end_ns)
    if asleep:
        bench.metering.coast(asleep)
        bench.world.touch(bench.metering)
        bench.mcu.sleep(asleep)


def _whole_periods(f: float, ns: int, most: int) -> int:
    """`ns` and what is missing of the mains' period in it, so that the waves go on where they stopped; not more than
    `most`."""
    whole = round(math.ceil(ns * f / NS) / f * NS)
    return whole if whole <= most else round(math.floor(most * f / NS) / f * NS)
