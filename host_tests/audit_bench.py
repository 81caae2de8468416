"""What the tests of the audit share: loads as the two paths would see them, without chip and mains.

A load is power over time in steps of a millisecond. The silicon's way of it goes through the chip's power low pass
into energies of 0.5 s, the samples' way into windows of ten cycles; both are worked out here from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter, lfilter_zi

from host_tests.metrology_signals import ANALOG, WATT_FULL_SCALE
from meter.metrology import audit as a
from meter.metrology.values import wrapped
from tools.bench.ade9000.filters import biquad, double_pole

FloatArray = npt.NDArray[np.float64]
MS_SETS = 8
START_P_MW = 2242  # 3 x 230 V x 5 mA x 0.65
# The chip's low pass, two poles with -64 dB at 100 Hz together, at one value a millisecond
_B, _A = biquad(double_pole(10 ** (-64 / 20), 100.0) ** MS_SETS)
MW_PER_CODE = ANALOG["u_full_scale_uV"] * ANALOG["i_full_scale_nA"] / 1e12 / WATT_FULL_SCALE


@dataclass
class Found:
    """What an audit said. verdicts: (seconds, verdict, balances); booked: mWs per balance as the meter would book."""

    verdicts: list[tuple[float, int, int]] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)
    booked: list[int] = field(default_factory=lambda: [0] * 6)
    per_interval: list[tuple[int, ...]] = field(default_factory=list)

    def first(self, verdict: int) -> float:
        """When a verdict was first given, s; infinity: never."""
        return next((t for t, found, _ in self.verdicts if found == verdict), float("inf"))


Gain = Callable[[FloatArray], FloatArray]
_SAME: dict[int, Gain] = {}


def run(
    load: FloatArray,
    *,
    silicon: dict[int, Gain] = _SAME,
    samples: dict[int, Gain] = _SAME,
    witness: dict[int, Gain] = _SAME,
    lost_at: Sequence[float] = (),
    late: Callable[[int], int] = lambda n: 0,
    window: float = 1600.3,
    elements: tuple[int, ...] = (0, 1, 2),
    start_p_mw: int = START_P_MW,
    absolute: bool = False,
    phase: int = 1700,
    restarts: Sequence[float] = (),
    begun: int = 0,
    audit: a.Audit | None = None,
) -> Found:
    """Let an audit see `load`, (6, ms) in W and var: P1..3, Q1..3.

    silicon, samples, witness: balance -> what a fault makes of the energies (mWs in each ms) or powers (W) there.
    lost_at: seconds at which a page is lost. late: sets by which interval n is read late. window: samples in one.
    phase: samples from the start of the samples to that of the energy intervals. restarts: seconds at which the chip is
    started anew. begun: how many samples, mWs and mvars have been counted before.
    """
    audit = audit or a.Audit(ANALOG, elements, start_p_mw, absolute=absolute)
    count = load.shape[1]
    seen = load.copy()
    filtered = np.stack([lfilter(_B, _A, row, zi=row[0] * lfilter_zi(_B, _A))[0] for row in load])
    counted = filtered.copy()
    for n, fault in samples.items():
        seen[n] = fault(seen[n])
    for n, fault in silicon.items():
        counted[n] = fault(counted[n])
    powers = filtered.copy()
    for n, fault in witness.items():
        powers[n] = fault(powers[n])
    sampled = np.hstack([np.zeros((6, 1)), np.cumsum(seen, axis=1)])  # mWs up to the beginning of each ms
    added = np.hstack([np.zeros((6, 1)), np.cumsum(np.abs(counted) if absolute else counted, axis=1)])
    net = np.hstack([np.zeros((6, 1)), np.cumsum(counted, axis=1)])

    def energy_at(sums: FloatArray, sets: float) -> FloatArray:
        ms, rest = divmod(sets, MS_SETS)
        first = sums[:, int(ms)]
        return np.asarray(first + (sums[:, int(ms) + 1] - first) * rest / MS_SETS)

    before = wrapped(begun)
    energy = SimpleNamespace(p_energy=[before] * 3, q_energy=[before] * 3, q_doubt=[before] * 3, duration=before)
    total, length_sum = np.zeros(6), 0.0
    begin, lost_pages, pages = 0.0, 0, 0
    audit.feed(energy, begun // 16, 0)
    starts = [round(t * 8000 / 32) * 32 for t in restarts]
    losses = [round(t * 8000 / 16) * 16 for t in lost_at]
    latch, number = phase + 4000, 0
    found, last_sums, last_net = Found(), energy_at(added, phase), energy_at(net, phase)
    latched: tuple[list[int], float] | None = None
    owed_rest = np.zeros(6)
    for position in range(32, count * MS_SETS - 32, 32):
        pages += 2
        if losses and losses[0] <= position:
            losses.pop(0)
            audit.feed(energy, pages - 2, lost_pages)
            lost_pages += 1
            pages = 1
            begin = position + 160.0  # until the next rising zero crossing, and a cycle to find the frequency
        if starts and starts[0] <= position:
            starts.pop(0)
            audit.restart()
            pages, begin, latch, latched = 0, position + 160.0, position + 4000, None
            last_sums, last_net = energy_at(added, position), energy_at(net, position)
        if position >= begin + window:
            audit.feed(energy, pages - 2, lost_pages)
            pages = 2
            total += energy_at(sampled, begin + window) - energy_at(sampled, begin)
            length_sum += window
            begin += window
            counted_on = [wrapped(begun + int(e)) for e in total]
            energy.p_energy, energy.q_energy = counted_on[:3], counted_on[3:]
            energy.duration = wrapped(begun + int(length_sum))
            audit.feed(energy, pages, lost_pages)
            pages = 0
        if latched is None and position >= latch:
            sums, nets = energy_at(added, latch), energy_at(net, latch)
            amount = sums - last_sums
            if absolute:
                amount = np.copysign(amount, nets - last_net)
            amount += owed_rest
            whole = np.floor(amount)
            owed_rest = amount - whole
            last_sums, last_net = sums, nets
            latched = [int(e) for e in whole], position + late(number)
        if latched is not None and position >= latched[1]:
            audit.feed(energy, pages, lost_pages)
            pages = 0
            p_q = latched[0]
            increment = SimpleNamespace(p=p_q[:3], q=p_q[3:])
            said = audit.interval(increment, 500)
            if audit.wants_witness:
                at = min(count - 1, position // MS_SETS)
                audit.testify([round(1000 * w / MW_PER_CODE) for w in powers[:, at]])
            if said == a.NEW_VERDICT:
                found.verdicts.append((position / 8000, audit.verdict, audit.balances))
            elif said == a.CHECK_SETTINGS:
                found.checks.append(position / 8000)
            booked = audit.p + audit.q if audit.replaces else p_q
            found.booked = [x + y for x, y in zip(found.booked, booked, strict=True)]
            found.per_interval.append(tuple(booked))
            latch, number, latched = latch + 4000, number + 1, None
    return found


def steady(seconds: float, p: Sequence[float] = (1150.0,) * 3, q: Sequence[float] = (0.0,) * 3) -> FloatArray:
    """A load that does not change."""
    return np.repeat(np.array([*p, *q])[:, None], round(1000 * seconds), axis=1)


def after(seconds: float, factor: float) -> Gain:
    """A fault: from then on everything is `factor` times what it is."""

    def fault(values: FloatArray) -> FloatArray:
        changed = values.copy()
        changed[round(1000 * seconds) :] *= factor
        return changed

    return fault
