"""Time that is passed without being calculated.

The meter sleeps most of the time, and is awake for a moment at each full minute of its clock, or at each multiple of
another stride: it sees the energies, no waveforms, and takes itself for one that has been held up. No leap is longer
than the chip's energy registers can tell, so none loses energy: 95 s at full scale, 11 minutes at 5 A and 230 V.
Energies flow on as in the last interval before it, so that must be one of a steady load.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.bench.bench import Bench

NS = 1_000_000_000
STEADY_NS = 3 * NS  # after a change: two intervals of energies at most, and 2 s for the chip's low pass to settle
START_NS = 5 * NS  # a firmware that starts does so without leaps
AWAKE_NS = 150_000_000  # between two leaps, for clients on the ports
GLANCE_NS = 25_000_000  # on the way to a date: each task comes to its turn, and has seen what the clock says
MINUTE_S = 60


def length(bench: Bench, end_ns: int, stride_s: int) -> int:
    """How far the next leap goes, ns; not past `end_ns`. 0 without a supply, when nothing needs one, and while the
    firmware starts."""
    now = bench.world.now
    if not bench.supply.on or now < bench.mcu.started_ns + START_NS:
        return 0
    wanted = min(bench.rtc.next_full_ns(stride_s) - now, bench.metering.longest_coast_ns)
    asleep = _whole_periods(bench.source.setting.f, wanted, end_ns - now)
    return asleep if asleep > NS else 0


def leap(bench: Bench, end_ns: int, stride_s: int = MINUTE_S) -> None:
    """Leap once, to the next multiple of `stride_s` of the meter's clock at most, and not past bench time `end_ns`."""
    # What the firmware knows of the chip must not change under its hands: it would acknowledge, before the leap, an
    # interrupt of after it.
    bench.mcu.rest()
    asleep = length(bench, end_ns, stride_s)
    if asleep:
        bench.metering.coast(asleep)
        bench.world.touch(bench.metering)
        bench.mcu.sleep(asleep)


def _whole_periods(f: float, ns: int, most: int) -> int:
    """`ns` and what is missing of the mains' period in it, so that the waves go on where they stopped; not more than
    `most`."""
    whole = round(math.ceil(ns * f / NS) / f * NS)
    return whole if whole <= most else round(math.floor(most * f / NS) / f * NS)
