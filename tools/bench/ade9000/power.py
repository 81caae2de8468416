"""Powers, rms values and energies of one chunk of samples: the arithmetic behind the result registers.

Rows of energy arrays are kind-major: row = 3 * kind + phase, kinds as in registers.ENERGY_KINDS. Total active power is
the product of the samples, low-passed. Total and fundamental reactive and the fundamental's other powers come from an
ideal engine that knows the phasors; only their low pass is simulated, in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import POWER_POLE, RMS_POLE, FloatArray, biquad, step_tables
from tools.bench.ade9000.plan import Plan
from tools.bench.ade9000.registers import POWER_UNIT, signed
from tools.bench.ade9000.samples import MAX_CHUNK

BoolArray = npt.NDArray[np.bool_]
ENERGIES = 18
WATT_ROWS, VAR_ROWS, VA_ROWS = slice(0, 3), slice(3, 6), slice(6, 9)
# rows of the phasor engine: VAR, FWATT, FVAR, FVA of the phases, then squared fundamental rms of IA IB IC VA VB VC
MODELLED_ROWS = np.array([3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17])
_POWER_B, _POWER_A = biquad(POWER_POLE)
_RMS_B, _RMS_A = biquad(RMS_POLE)
_STEP, _STEP_SUM = step_tables(POWER_POLE, MAX_CHUNK)


@dataclass(frozen=True)
class PowerPlan:
    """Constants of the power engine for one plan. Power offsets and gains by phase; squared-rms offsets by channel."""

    target: FloatArray  # (18,) what the phasor engine's rows settle to
    gain: FloatArray  # (3,) xPGAIN
    offset: FloatArray  # (18,) in power codes
    rms_offset: FloatArray  # (8,) squared codes: seven channels and ISUM
    fundamental_offset: FloatArray  # (6,)
    isum: FloatArray  # (7,) signs of the channels in ISUM
    vnom: FloatArray  # (3,) fixed voltage code for xVA, 0 = measured
    filtered: bool
    var: bool
    energy_gain: FloatArray = field(default_factory=lambda: np.ones(3))  # a fault: of what is added up, not of xWATT


def make_power_plan(registers: Mapping[int, int], plan: Plan) -> PowerPlan:
    """Read the power settings and work out the phasor engine's targets."""

    def get(phase: int, offset: int) -> int:
        return signed(registers.get(r.setting(phase, offset), 0))

    i, v = plan.harmonics[[0, 2, 4]], plan.harmonics[[1, 3, 5]]
    complex_power = v * i.conj() / 2 / POWER_UNIT
    fundamental = complex_power[:, 0]
    var = not registers.get(r.VAR_DIS, 0) & 1
    targets = [
        complex_power.imag.sum(axis=1) * var,
        fundamental.real,
        fundamental.imag,
        np.abs(fundamental),
        np.abs(i[:, 0]) ** 2 / 2,
        np.abs(v[:, 0]) ** 2 / 2,
    ]
    offset = np.zeros(ENERGIES)
    for kind, register in ((0, r.WATTOS), (1, r.VAROS), (3, r.FWATTOS), (4, r.FVAROS)):
        offset[3 * kind : 3 * kind + 3] = [get(phase, register) for phase in range(3)]
    rms_offset = np.zeros(8)
    for phase in range(3):
        rms_offset[2 * phase] = get(phase, r.IRMSOS)
        rms_offset[2 * phase + 1] = get(phase, r.VRMSOS)
    rms_offset[6] = signed(registers.get(r.NIRMSOS, 0))
    rms_offset[7] = signed(registers.get(r.ISUMRMSOS, 0))
    config0 = registers.get(r.CONFIG0, 0)
    neutral = {1: 1.0, 2: -1.0}.get(config0 & 3, 0.0)
    vnom = [float(registers.get(r.VNOM, 0)) if config0 >> 8 + phase & 1 else 0.0 for phase in range(3)]
    frms_offset = [get(p, r.IFRMSOS) for p in range(3)] + [get(p, r.VFRMSOS) for p in range(3)]
    return PowerPlan(
        target=np.concatenate(targets),
        gain=np.array([1 + get(phase, r.PGAIN) / 2**27 for phase in range(3)]),
        offset=offset,
        rms_offset=rms_offset * 2**15,
        fundamental_offset=np.array(frms_offset) * 2.0**15,
        isum=np.array([1.0, 0, 1.0, 0, 1.0, 0, neutral]),
        vnom=np.array(vnom),
        filtered=not config0 & 1 << 12,
        var=var,
    )


@dataclass
class PowerState:
    """Memories before a chunk: low passes of the products (3, 2) and squares (8, 2), phasor engine's stages (18,)."""

    product: FloatArray = field(default_factory=lambda: np.zeros((3, 2)))
    square: FloatArray = field(default_factory=lambda: np.zeros((8, 2)))
    first: FloatArray = field(default_factory=lambda: np.zeros(18))
    second: FloatArray = field(default_factory=lambda: np.zeros(18))


class Powers:
    """Results of one chunk. Column n is the value after sample n of the chunk.

    watt, va: (3, count) in power codes; square: (8, count) squared rms codes without offset; sums: (18, count)
    running sums of the eighteen powers from the chunk's beginning.
    """

    def __init__(self, plan: PowerPlan, pcf: FloatArray, state: PowerState) -> None:
        count = pcf.shape[1]
        self.plan = plan
        self.state = state
        end = replace(state)
        product = pcf[1:6:2] * pcf[0:6:2]
        product *= (plan.gain / POWER_UNIT)[:, None]
        if plan.filtered:
            self.watt, end.product = lfilter(_POWER_B, _POWER_A, product, axis=1, zi=state.product)
        else:
            self.watt = product
        self.watt += plan.offset[WATT_ROWS, None]
        squares = np.empty((8, count))
        np.multiply(pcf, pcf, out=squares[:7])
        np.square(plan.isum @ pcf, out=squares[7])
        self.square, end.square = lfilter(_RMS_B, _RMS_A, squares, axis=1, zi=state.square)
        self.va = self._apparent()
        self._steps = np.stack([plan.target, state.second - plan.target, state.first - plan.target], axis=1)
        last = self._steps @ _STEP[:, count - 1]
        end.first = plan.target + (state.first - plan.target) * _STEP[1, count - 1]
        end.second = last
        self.end = end
        self.sums = np.empty((ENERGIES, count))
        np.cumsum(self.watt, axis=1, out=self.sums[WATT_ROWS])
        np.cumsum(self.va, axis=1, out=self.sums[VA_ROWS])
        modelled = (self._steps[:12] * np.tile(plan.gain, 4)[:, None]) @ _STEP_SUM[:, :count]
        if plan.offset.any():
            modelled += plan.offset[MODELLED_ROWS, None] * np.arange(1, count + 1)
        self.sums[MODELLED_ROWS] = modelled
        if (plan.energy_gain != 1).any():
            self.sums *= np.tile(plan.energy_gain, 6)[:, None]

    def _apparent(self) -> FloatArray:
        offset = self.plan.rms_offset
        i2, v2 = self.square[0:6:2], self.square[1:6:2]
        if offset.any():
            i2 = np.maximum(i2 + offset[[0, 2, 4], None], 0)
            v2 = np.maximum(v2 + offset[[1, 3, 5], None], 0)
        if self.plan.vnom.any():
            v2 = np.where(self.plan.vnom[:, None] > 0, self.plan.vnom[:, None] ** 2, v2)
        va = np.sqrt(np.maximum(i2 * v2, 0))
        va *= (self.plan.gain / POWER_UNIT)[:, None]
        return np.asarray(va)

    def modelled(self, row: int, column: int) -> float:
        """Row 0..17 of the phasor engine after sample `column`, gain and offset applied to the powers."""
        value = float(self._steps[row] @ _STEP[:, column])
        if row < 12:
            return value * float(self.plan.gain[row % 3]) + float(self.plan.offset[MODELLED_ROWS[row]])
        return value

    def power(self, row: int, column: int) -> float:
        """One of the eighteen powers after sample `column`, in power codes."""
        if row < 3:
            return float(self.watt[row, column])
        if 6 <= row < 9:
            return float(self.va[row - 6, column])
        return self.modelled(row - 3 if row < 6 else row - 6, column)

    def rms(self, row: int, column: int) -> float:
        """Filter-based rms of channel `row` (7 = ISUM) in codes."""
        return float(max(0.0, self.square[row, column] + self.plan.rms_offset[row])) ** 0.5

    def fundamental_rms(self, row: int, column: int) -> float:
        """Fundamental rms: rows 0..2 currents, 3..5 voltages."""
        return max(0.0, self.modelled(12 + row, column) + float(self.plan.fundamental_offset[row])) ** 0.5
