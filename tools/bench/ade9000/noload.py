"""No-load gating and the accumulation modes: what of a power reaches the energy registers and the pulse outputs.

A power is in no-load when its mean over the last NOLOAD_TMR block of samples stays below the level of its kind; it
then counts nothing until a block exceeds the level. The power accumulators (x_ACC) are not gated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import FloatArray
from tools.bench.ade9000.power import ENERGIES, BoolArray

SIGNED, ABSOLUTE, POSITIVE, NEGATIVE = range(4)
_LEVEL_OF_KIND = (r.ACT_NL_LVL, r.REACT_NL_LVL, r.APP_NL_LVL) * 2


@dataclass(frozen=True)
class GatePlan:
    """block: samples per no-load decision, 0 = detection off. level: (18,) in power codes. modes: of WATT and VAR."""

    block: int
    level: FloatArray
    watt_mode: int
    var_mode: int


def make_gate_plan(registers: Mapping[int, int]) -> GatePlan:
    """Read the no-load and accumulation settings; a level register holds 64 times the power code (A.5)."""
    timer = registers.get(r.EP_CFG, 0) >> 13 & 7
    level = np.repeat([registers.get(a, 0) / 64 for a in _LEVEL_OF_KIND], 3)
    accmode = registers.get(r.ACCMODE, 0)
    return GatePlan(0 if timer == 7 else 64 << timer, level, accmode & 3, accmode >> 2 & 3)


@dataclass
class GateState:
    """flags (18,): in no-load; partial (18,): sum of the powers in the running block."""

    flags: BoolArray = field(default_factory=lambda: np.zeros(ENERGIES, dtype=np.bool_))
    partial: FloatArray = field(default_factory=lambda: np.zeros(ENERGIES))


@dataclass
class Gated:
    """sums (18, count): running sums that count. changes: (samples into the chunk, flags from there on)."""

    sums: FloatArray
    changes: list[tuple[int, BoolArray]]
    end: GateState


def gate(plan: GatePlan, sums: FloatArray, state: GateState, base: int) -> Gated:
    """Gate a chunk's running sums; `base` is the number of samples since the start of the DSP before the chunk."""
    count = sums.shape[1]
    if not plan.block:
        flags = np.zeros((ENERGIES, 1), dtype=np.bool_)
        end = GateState()
        edges = np.array([], dtype=np.intp)
    else:
        edges = np.arange(plan.block - base % plan.block, count + 1, plan.block)
        at_edges = sums[:, edges - 1]
        flags = np.empty((ENERGIES, len(edges) + 1), dtype=np.bool_)
        flags[:, 0] = state.flags
        if len(edges):
            blocks = np.diff(at_edges, axis=1, prepend=0.0)
            blocks[:, 0] += state.partial
            np.less(np.abs(blocks), plan.level[:, None] * plan.block, out=flags[:, 1:])
            end = GateState(flags[:, -1].copy(), sums[:, -1] - at_edges[:, -1])
        else:
            end = GateState(state.flags, state.partial + sums[:, -1])
    changes = []
    if not np.array_equal(flags[:, 0], state.flags):
        changes.append((0, flags[:, 0]))
    for n in np.flatnonzero((flags[:, 1:] != flags[:, :-1]).any(axis=0)):
        changes.append((int(edges[n]), flags[:, n + 1]))
    return Gated(_counted(plan, sums, flags, edges), changes, end)


def _counted(plan: GatePlan, sums: FloatArray, flags: BoolArray, edges: np.ndarray) -> FloatArray:
    modes = plan.watt_mode or plan.var_mode
    if not modes and not flags.any():
        return sums
    counted = sums.copy()
    closed = flags.all(axis=1)
    counted[closed] = 0
    for row in np.flatnonzero(~closed):
        kind = int(row) // 3
        mode = plan.watt_mode if kind in (0, 3) else plan.var_mode if kind in (1, 4) else SIGNED
        if mode == SIGNED and not flags[row].any():
            continue
        steps = _by_mode(np.diff(sums[row], prepend=0.0), mode)
        spans = np.diff(np.concatenate([[0], edges, [sums.shape[1]]]))
        steps[np.repeat(flags[row], spans)] = 0
        counted[row] = np.cumsum(steps)
    return counted


def _by_mode(power: FloatArray, mode: int) -> FloatArray:
    if mode == ABSOLUTE:
        return np.abs(power)
    if mode == POSITIVE:
        return np.maximum(power, 0)
    if mode == NEGATIVE:
        return np.minimum(power, 0)
    return power
