"""The pulse outputs CF1..CF4: a digital-to-frequency converter on the gated powers.

Each converter integrates the sum of the chosen phases and pulses when xTHR * CFxDEN codes x samples are full, so
f = 8000 * xWATT / (xTHR * CFxDEN), which is the data sheet's 4.096e6 * xWATT / (512 * xTHR * CFxDEN). The silicon adds
512 times per sample: here pulses are interpolated within the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import SAMPLE_RATE, FloatArray

CLOCK_HZ = 24_576_000
SHORT_LOW_S = 0.080
SHORT_BELOW_HZ = 6.25


@dataclass(frozen=True)
class PulsePlan:
    """One converter: rows of the energy arrays it sums, threshold in codes x samples (0: off), low-time setting.

    silent: CFxDIS. The converter goes on, only the pin and the status bit do not tell.
    """

    rows: tuple[int, ...]
    threshold: float
    denominator: int
    fixed_low_s: float | None
    silent: bool


@dataclass(frozen=True)
class Pulse:
    """at: samples from the chunk's beginning; low_s: seconds the output stays low; sign: +1 or -1 of the energy."""

    at: float
    low_s: float
    sign: int


def make_pulse_plans(registers: Mapping[int, int]) -> tuple[PulsePlan, ...]:
    """Read CFMODE, COMPMODE, CFxDEN, the thresholds and CF_LCFG."""
    cfmode, compmode, lcfg = (registers.get(a, 0) for a in (r.CFMODE, r.COMPMODE, r.CF_LCFG))
    plans = []
    for n in range(4):
        select = cfmode >> 3 * n & 7
        kind = select if select < 6 else 0
        terms = compmode >> 3 * n & 7
        rows = tuple(3 * kind + phase for phase in range(3) if terms >> phase & 1)
        denominator = registers.get(r.CF1DEN + n, 0)
        threshold = float(registers.get((r.WTHR, r.VARTHR, r.VATHR)[kind % 3], 0)) * denominator
        if not rows:
            threshold = 0.0
        fixed = (lcfg & 0x7FFFF) * 6 / CLOCK_HZ if lcfg >> 19 + n & 1 else None
        plans.append(PulsePlan(rows, threshold, denominator, fixed, bool(cfmode >> 12 + n & 1)))
    return tuple(plans)


def find_pulses(plan: PulsePlan, sums: FloatArray, held: float) -> tuple[list[Pulse], float]:
    """Pulses of one chunk of running sums (18, count) and what the accumulator holds after it; `held` is before it."""
    if not plan.threshold:
        return [], held
    total = sums[list(plan.rows)].sum(axis=0) if len(plan.rows) > 1 else sums[plan.rows[0]]
    steps = np.diff(total, prepend=0.0)
    sign = 1 if (steps >= 0).all() else -1 if (steps <= 0).all() else 0
    pulses, rest = _find_steady(plan, total, steps, held, sign) if sign else _find_reversing(plan, total, steps, held)
    return ([] if plan.silent else pulses), rest


def _find_steady(
    plan: PulsePlan, total: FloatArray, steps: FloatArray, held: float, sign: int
) -> tuple[list[Pulse], float]:
    """Energy of one direction only."""
    rising, start = total * sign, held * sign
    number = int((start + rising[-1]) // plan.threshold) if start + rising[-1] >= plan.threshold else 0
    if not number:
        return [], held + float(total[-1])
    levels = plan.threshold * np.arange(1, number + 1) - start
    at = np.searchsorted(rising, levels)
    rate = steps[at] * sign
    fractions = 1 - (rising[at] - levels) / rate
    pulses = [Pulse(float(n + f), _low_time(plan, float(p)), sign) for n, f, p in zip(at, fractions, rate, strict=True)]
    return pulses, held + float(total[-1]) - sign * number * plan.threshold


def _find_reversing(plan: PulsePlan, total: FloatArray, steps: FloatArray, held: float) -> tuple[list[Pulse], float]:
    """The general case, pulse by pulse: the accumulator runs both ways between -threshold and +threshold."""
    pulses: list[Pulse] = []
    start = 0
    while True:
        beyond = np.flatnonzero(np.abs(held + total[start:]) >= plan.threshold)
        if not len(beyond):
            return pulses, held + float(total[-1])
        n = start + int(beyond[0])
        sign = 1 if held + total[n] > 0 else -1
        rate = abs(float(steps[n]))
        excess = abs(held + float(total[n])) - plan.threshold
        # several pulses can fall in one sample: step back from the last one's place only as far as the sample reaches
        pulses.append(Pulse(n + max(0.0, 1 - excess / rate), _low_time(plan, rate), sign))
        held -= sign * plan.threshold
        start = n


def _low_time(plan: PulsePlan, rate: float) -> float:
    """Seconds low at `rate` codes per sample: 80 ms below 6.25 Hz, else half the period; more for odd denominators."""
    if plan.fixed_low_s is not None:
        return plan.fixed_low_s
    period_s = plan.threshold / rate / SAMPLE_RATE
    if period_s > 1 / SHORT_BELOW_HZ:
        return SHORT_LOW_S
    return period_s / 2 * (1 + 1 / plan.denominator if plan.denominator % 2 else 1)
