"""Periods and angles: what the zero-crossing detectors measure, taken from the fundamental's phasors.

The detectors are ideal: a channel whose fundamental is above ZXTHRSH has exact crossings, one below has none. Results
follow a change of the mains at once instead of a period later.
"""

from __future__ import annotations

import math

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import SAMPLE_RATE, phase_of
from tools.bench.ade9000.plan import Plan

ANGLE_CLOCK_HZ = 1_024_000
# ANGL_VA_VB, VB_VC, VA_VC, VA_IA, VB_IB, VC_IC, IA_IB, IB_IC, IA_IC as rows of the waveform set
ANGLE_PAIRS = ((1, 3), (3, 5), (1, 5), (1, 0), (3, 2), (5, 4), (0, 2), (2, 4), (0, 4))


def measured_hz(plan: Plan) -> float:
    """Mains frequency as the chip's clock sees it."""
    return plan.omega * SAMPLE_RATE / (2 * math.pi)


def update(registers: dict[int, int], plan: Plan) -> None:
    """Write xPERIOD, COM_PERIOD and ANGL_* of this plan; an angle without both crossings keeps its last value."""
    sixty = bool(registers.get(r.ACCMODE, 0) & 1 << 8)
    gain = r.ZX_GAIN_60 if sixty else r.ZX_GAIN_50
    threshold = registers.get(r.ZXTHRSH, 0) * 32 * 256 / gain
    live = [abs(x) > threshold for x in plan.fundamental]
    f = measured_hz(plan)
    coerced = 0x00855555 if sixty else 0x00A00000
    period = round(SAMPLE_RATE * 65536 / f) - 1 if 40 <= f <= 70 else coerced
    for phase in range(3):
        registers[r.APERIOD + phase] = period if live[2 * phase + 1] else coerced
    registers[r.COM_PERIOD] = period if live[1] or live[3] or live[5] else coerced
    for n, (leading, lagging) in enumerate(ANGLE_PAIRS):
        if live[leading] and live[lagging]:
            lag = phase_of(complex(plan.fundamental[leading] * plan.fundamental[lagging].conjugate()))
            registers[r.ANGL_VA_VB + n] = round((lag % 1.0) / f * ANGLE_CLOCK_HZ) & 0xFFFF


def half_cycle_samples(registers: dict[int, int]) -> float:
    """Samples of half a mains cycle, from the combined period."""
    return (registers[r.COM_PERIOD] + 1) / 65536 / 2
