"""The two accumulators behind the powers: x_ACC every PWR_TIME+1 samples, x..HR every EGY_TIME+1 samples.

Sums are floats of whole power codes within one interval (below 2**44, exact to 2**-9); what a register latches is an
integer and the fraction is carried, so nothing is lost from interval to interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import FloatArray
from tools.bench.ade9000.power import ENERGIES

USER_BITS = 45
SETTLE_SAMPLES = (512, 1024, 2048, 0)  # CONFIG1.PWR_SETTLE: 64, 128, 256, 0 ms


@dataclass(frozen=True)
class AccPlan:
    """interval: samples; origin: sample count at which the grid begins; rows: (3, 2) whose signs PHSIGN shows."""

    interval: int
    origin: int
    sign_rows: tuple[int, ...]


def make_acc_plan(registers: Mapping[int, int], origin: int) -> AccPlan:
    """Read PWR_TIME and EP_CFG.PWR_SIGN_SEL (bit 6 watt, bit 7 var; 1 = of the fundamental)."""
    ep_cfg = registers.get(r.EP_CFG, 0)
    watt, var = (9 if ep_cfg >> 6 & 1 else 0), (12 if ep_cfg >> 7 & 1 else 3)
    rows = tuple(row + phase for phase in range(3) for row in (watt, var))
    return AccPlan((registers.get(r.PWR_TIME, 0) & 0x1FFF) + 1, origin, rows)


@dataclass
class AccState:
    """carry (18,): running interval's sum; last (18,): latest complete interval; signs: PHSIGN bits 5..0."""

    carry: FloatArray = field(default_factory=lambda: np.zeros(ENERGIES))
    last: FloatArray = field(default_factory=lambda: np.zeros(ENERGIES))
    signs: int = 0


class Accumulated:
    """Power accumulators over one chunk. edges: samples into the chunk; values: (18, len(edges)).

    sign_changes: (samples into the chunk, PHSIGN bits from there on).
    """

    def __init__(self, plan: AccPlan, sums: FloatArray, state: AccState, base: int) -> None:
        count = sums.shape[1]
        first = plan.interval - (base - plan.origin) % plan.interval
        self.edges = np.arange(first, count + 1, plan.interval)
        self.start = state
        self.sign_changes: list[tuple[int, int]] = []
        if not len(self.edges):
            self.values = np.empty((ENERGIES, 0))
            self.end = AccState(state.carry + sums[:, -1], state.last, state.signs)
            return
        at_edges = sums[:, self.edges - 1]
        self.values = np.diff(at_edges, axis=1, prepend=0.0)
        self.values[:, 0] += state.carry
        weights = 1 << np.arange(6)
        signs = weights @ (np.rint(self.values[list(plan.sign_rows)]) < 0)
        before = state.signs
        for edge, now in zip(self.edges, signs, strict=True):
            if now != before:
                self.sign_changes.append((int(edge), int(now)))
                before = int(now)
        self.end = AccState(sums[:, -1] - at_edges[:, -1], self.values[:, -1], before)

    def latest(self, samples: int) -> FloatArray:
        """(18,) sums of the last interval complete `samples` into the chunk."""
        n = int(np.searchsorted(self.edges, samples, side="right"))
        return self.values[:, n - 1] if n else self.start.last


class EnergyRegisters:
    """The eighteen 45-bit user energy registers and the internal accumulators that feed them."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Zero everything, as RUN 0 -> 1 does."""
        self.user = [0] * ENERGIES
        self.latest = np.zeros(ENERGIES)  # what the last interval has brought
        self.restart()

    def restart(self) -> None:
        """Zero the internal accumulators only."""
        self.carry = np.zeros(ENERGIES)

    def commit(self, sums: FloatArray) -> None:
        """A chunk of running sums is over."""
        self.carry = self.carry + sums[:, -1]

    def latch(self, at: FloatArray | float, overwrite: bool) -> None:
        """End of an interval: `at` (18,) is the running chunk's sum so far. Overwrite or add, modulo 2**45."""
        total = self.carry + at
        whole = np.floor(total)
        self.carry = total - whole - at
        self.latest = whole
        mask = (1 << USER_BITS) - 1
        for row, value in enumerate(whole.tolist()):
            self.user[row] = (int(value) + (0 if overwrite else self.user[row])) & mask

    def repeat(self, intervals: float) -> None:
        """As if so many intervals more had ended, each like the last one."""
        for row, value in enumerate(np.rint(self.latest * intervals).tolist()):
            self.user[row] = self.user[row] + int(value) & (1 << USER_BITS) - 1

    @property
    def fastest(self) -> int:
        """By how much the last interval has moved the upper half that it has moved most."""
        return int(np.abs(self.latest).max()) >> r.ENERGY_SHIFT

    def high(self, row: int) -> int:
        """HI register: the user register's upper 32 bits."""
        return self.user[row] >> r.ENERGY_SHIFT

    def low(self, row: int) -> int:
        """LO register: the 13 bits below HI, shown in bits 12..0 (the data sheet's figure; 9078 text says 31..19)."""
        return self.user[row] & (1 << r.ENERGY_SHIFT) - 1

    def read_reset(self, row: int, at: float) -> None:
        """Read-with-reset and its erratum: the register is zeroed, and what the running interval has collected so far
        is lost with it instead of being counted into the next one."""
        self.user[row] = 0
        self.carry[row] = -at


def acc_words(value: float) -> tuple[int, int]:
    """(HI, LO) of a power accumulator."""
    whole = int(np.floor(value))
    return whole >> r.ENERGY_SHIFT & 0xFFFFFFFF, whole & (1 << r.ENERGY_SHIFT) - 1
