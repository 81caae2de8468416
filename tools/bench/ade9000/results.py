"""The result registers 0x20A..0x3A3: how each is worked out of the DSP's chunks at the moment it is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.accumulators import acc_words
from tools.bench.ade9000.dsp import Chunk, Dsp
from tools.bench.ade9000.filters import LPF_FULL_SCALE, SINC4_FULL_SCALE, FloatArray
from tools.bench.ade9000.registers import signed
from tools.bench.ade9000.zero_crossing import half_cycle_samples

Reader = Callable[[], int]
THD_SAMPLES = 8192  # PF and THD are renewed every 1.024 s
ONE = 1 << 27  # unity of the 5.27 format


class Results:
    """Readers by address. `now` gives the present sample count."""

    def __init__(self, dsp: Dsp, now: Callable[[], int]) -> None:
        self.dsp, self._now = dsp, now
        self.slow: dict[tuple[str, int], int] = {}
        self._slow_totals: FloatArray = np.zeros(18)
        self.readers: dict[int, Reader] = {}
        for phase in range(3):
            self._phase_readers(phase)
        self._neutral_readers()
        for kind in range(6):
            for phase in range(3):
                self._energy_readers(kind, phase)
        sums = ((r.PWATT_ACC_HI, 0, 1), (r.NWATT_ACC_HI, 0, -1), (r.PVAR_ACC_HI, 1, 1), (r.NVAR_ACC_HI, 1, -1))
        for address, kind, sign in sums:
            self.readers[address] = partial(self._signed_sum, kind, sign, 0)
            self.readers[address - 1] = partial(self._signed_sum, kind, sign, 1)
        for row in range(7):
            self.readers[r.SINC_DAT + row] = partial(self._raw, row, SINC4_FULL_SCALE / LPF_FULL_SCALE)
            self.readers[r.LPF_DAT + row] = partial(self._raw, row, 1.0)
        aliases = {window: self.readers[real] for window, real in r.burst_aliases().items()}
        self.readers.update(aliases)

    def clear(self) -> None:
        """RUN 0 -> 1 or reset."""
        self.slow.clear()
        self._slow_totals = np.zeros(18)

    def _newest(self) -> tuple[Chunk, int] | None:
        return self.dsp.newest(self._now())

    def _phase_readers(self, phase: int) -> None:
        i, v = 2 * phase, 2 * phase + 1
        table: dict[str, Reader] = {
            "I_PCF": partial(self._pcf, i),
            "V_PCF": partial(self._pcf, v),
            "IRMS": partial(self._rms, i),
            "VRMS": partial(self._rms, v),
            "IFRMS": partial(self._fundamental_rms, phase),
            "VFRMS": partial(self._fundamental_rms, 3 + phase),
            "IRMSONE": partial(self._rms_one, i, r.setting(phase, r.IRMSONEOS)),
            "VRMSONE": partial(self._rms_one, v, r.setting(phase, r.VRMSONEOS)),
            "IRMS1012": partial(self._rms_1012, i, r.setting(phase, r.IRMS1012OS)),
            "VRMS1012": partial(self._rms_1012, v, r.setting(phase, r.VRMS1012OS)),
            "MTREGION": self._mtregion,
        }
        for kind, name in enumerate(r.ENERGY_KINDS):
            table[name] = partial(self._power, 3 * kind + phase)
        for name in ("PF", "VTHD", "ITHD"):
            table[name] = partial(self._slow, name, phase)
        for name, reader in table.items():
            self.readers[r.result(phase, name)] = reader

    def _neutral_readers(self) -> None:
        self.readers[r.NI_PCF] = partial(self._pcf, 6)
        self.readers[r.NIRMS] = partial(self._rms, 6)
        self.readers[r.NIRMSONE] = partial(self._rms_one, 6, r.NIRMSONEOS)
        self.readers[r.NIRMS1012] = partial(self._rms_1012, 6, r.NIRMS1012OS)
        self.readers[r.ISUMRMS] = partial(self._rms, 7)
        self.readers[r.VERSION2] = lambda: 0x0C if self.dsp.registers.get(r.RUN, 0) else 0

    def _energy_readers(self, kind: int, phase: int) -> None:
        row, high = 3 * kind + phase, r.energy_hi(phase, r.ENERGY_KINDS[kind])
        self.readers[high] = partial(self._energy, row, self.dsp.energy.high)
        self.readers[high - 1] = partial(self._energy, row, self.dsp.energy.low)
        self.readers[high - 2] = partial(self._acc, row, 0)
        self.readers[high - 3] = partial(self._acc, row, 1)

    def _pcf(self, row: int) -> int:
        found = self._newest()
        return round(float(found[0].samples.pcf[row, found[1]])) if found else 0

    def _raw(self, row: int, scale: float) -> int:
        found = self._newest()
        if found is None:
            return 0
        code = float(found[0].lpf(self.dsp.basis)[row, found[1]])
        return round(code * scale / 16) * 16

    def _rms(self, row: int) -> int:
        found = self._newest()
        return round(found[0].powers.rms(row, found[1])) if found else 0

    def _fundamental_rms(self, row: int) -> int:
        found = self._newest()
        return round(found[0].powers.fundamental_rms(row, found[1])) if found else 0

    def _power(self, row: int) -> int:
        found = self._newest()
        return round(found[0].powers.power(row, found[1])) if found else 0

    def _mtregion(self) -> int:
        return 0 if self.dsp.registers.get(r.CONFIG0, 0) & 1 << 4 else 0xF

    def _slow(self, name: str, phase: int) -> int:
        return self.slow.get((name, phase), 0)

    def _energy(self, row: int, half: Callable[[int], int]) -> int:
        value = half(row)
        if self.dsp.registers.get(r.EP_CFG, 0) & 1 << 5:
            at = self.dsp.counted(self._now())
            self.dsp.energy.read_reset(row, float(at[row]) if not isinstance(at, float) else at)
        return value

    def _latest_acc(self) -> list[float]:
        found = self._newest()
        if found is None or found[0].acc is None:
            return [0.0] * 18
        values: list[float] = found[0].acc.latest(found[1] + 1).tolist()
        return values

    def _acc(self, row: int, word: int) -> int:
        return acc_words(self._latest_acc()[row])[word]

    def _signed_sum(self, kind: int, sign: int, word: int) -> int:
        """PWATT and the like: the phases' accumulators of one sign, added."""
        values = self._latest_acc()[3 * kind : 3 * kind + 3]
        return acc_words(sum(v for v in values if v * sign > 0))[word]

    def _rms_one(self, row: int, offset_register: int) -> int:
        """Over one cycle, renewed every half cycle."""
        found = self._newest()
        if found is None:
            return 0
        half = half_cycle_samples(self.dsp.registers)
        end = int(self._now() // half * half)
        return self._rms_over(row, end, 2 * half, offset_register)

    def _rms_1012(self, row: int, offset_register: int) -> int:
        """Over 10 cycles, with SELFREQ = 60 Hz over 12."""
        found = self._newest()
        if found is None:
            return 0
        cycles = 12 if self.dsp.registers.get(r.ACCMODE, 0) & 1 << 8 else 10
        length = 2 * cycles * half_cycle_samples(self.dsp.registers)
        end = int(self._now() // length * length)
        return self._rms_over(row, end, length, offset_register)

    def _rms_over(self, row: int, end: int, length: float, offset_register: int) -> int:
        whole = int(length)
        codes = self.dsp.window(end, whole + 1)[row]
        if len(codes) < whole:
            return 0
        squares = codes[len(codes) - whole :] ** 2
        total, fraction = float(squares.sum()), length - whole
        if fraction and len(codes) > whole:
            total += fraction * float(codes[0]) ** 2
        offset = signed(self.dsp.registers.get(offset_register, 0)) * 2.0**15
        return round(math.sqrt(max(0.0, total / length + offset)))

    def renew_slow(self) -> None:
        """PF and THD, every 1.024 s: PF from the powers summed over that time, THD from the harmonics' phasors."""
        found = self._newest()
        if found is None:
            return
        chunk = found[0]
        totals = self.dsp.totals_at(self._now())
        sums, self._slow_totals = totals - self._slow_totals, totals
        for phase in range(3):
            va = float(sums[6 + phase])
            pf = float(sums[phase]) / va if va > 0 else 0.0
            self.slow["PF", phase] = round(max(-1.0, min(1.0, pf)) * ONE)
            for name, row in (("ITHD", 2 * phase), ("VTHD", 2 * phase + 1)):
                levels = np.abs(chunk.plans.signal.harmonics[row])
                thd = float(np.linalg.norm(levels[1:]) / levels[0]) if levels[0] > 0 else 0.0
                self.slow[name, phase] = round(min(4.0, thd) * ONE)
