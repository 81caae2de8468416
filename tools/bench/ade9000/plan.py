"""What the registers and the mains of one stretch of time mean for the signal chain: matrices, phasors, constants.

A plan is built whenever the source's segment or a signal register changes, and is constant until the next change. All
arrays have their channels in the waveform buffer's order, ROWS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.analog import CURRENT_ROWS, VOLTAGE_ROWS, Analog, inputs
from tools.bench.ade9000.filters import (
    HPF_CORNERS,
    LPF_FULL_SCALE,
    SAMPLE_RATE,
    ComplexArray,
    FloatArray,
    allpass_response,
    hpf_pole,
    hpf_response,
    passband,
)
from tools.bench.ade9000.registers import signed
from tools.bench.source import Segment

REDIRECT_ROW = (0, 2, 4, 6, 1, 3, 5)  # ADC_REDIRECT's order IA IB IC IN VA VB VC -> ROWS
CODE_LIMIT = float(2**27 - 1)  # a 24-bit code << 4


@dataclass(frozen=True)
class Plan:
    """Constants of the signal chain for one segment and one set of registers; codes, radians per sample.

    lpf: (7, H) phasors and dc/noise (7,) at the output of the decimation filters. mix: (7, 7) gains, redirection's
    consequences and wiring selection from there to the high pass. fundamental: (7,) phasors of the PCF codes;
    harmonics: (7, H) of the same, all orders.
    """

    segment: Segment
    omega: float
    lpf: ComplexArray
    lpf_dc: FloatArray
    lpf_noise: FloatArray
    mix: FloatArray
    clips: bool
    pole: float | None
    phcal: FloatArray | None
    harmonics: ComplexArray

    @property
    def fundamental(self) -> ComplexArray:
        return self.harmonics[:, 0]


def make_plan(registers: Mapping[int, int], segment: Segment, analog: Analog, gains: FloatArray) -> Plan:
    """The plan for these registers; `gains` (7,) multiplies the analog channels (injected gain jumps)."""
    rate = SAMPLE_RATE * (1 + analog.clock_ppm * 1e-6)
    omega = 2 * math.pi * segment.f / rate
    phasors, dc, noise = _adc(registers, segment, analog, gains)
    mix = _mix(registers)
    pole = None
    high_pass: ComplexArray = np.ones(len(segment.orders), dtype=np.complex128)
    if not registers.get(r.CONFIG0, 0) & 1 << 3:
        pole = hpf_pole(HPF_CORNERS[registers.get(r.CONFIG2, 0) >> 9 & 7])
        high_pass = hpf_response(pole, omega * segment.orders)
    harmonics = (mix @ phasors) * high_pass
    phcal = _phcal(registers)
    if phcal is not None:
        for row in range(7):
            harmonics[row] *= allpass_response(float(phcal[row]), omega * segment.orders)
    peak = np.abs(phasors).sum(axis=1) + np.abs(dc) + 6 * noise
    return Plan(segment, omega, phasors, dc, noise, mix, bool((peak > CODE_LIMIT).any()), pole, phcal, harmonics)


def _adc(
    registers: Mapping[int, int], segment: Segment, analog: Analog, gains: FloatArray
) -> tuple[ComplexArray, FloatArray, FloatArray]:
    """Phasors (7, H), dc (7,) and noise (7,) in LPF codes after PGA, decimation, redirection."""
    phasors = np.zeros((7, len(segment.orders)), dtype=np.complex128)
    dc, noise = np.zeros(7), np.zeros(7)
    volts = inputs(segment, analog)
    band = passband(segment.orders * segment.f) / passband(np.array(50.0))
    pga, disabled = registers.get(r.PGA_GAIN, 0), registers.get(r.CHNL_DIS, 0)
    for bit, row in enumerate(REDIRECT_ROW):
        if disabled >> bit & 1:
            continue
        scale = LPF_FULL_SCALE * (1, 2, 4, 4)[pga >> 2 * bit & 3] * gains[row]
        phasors[row] = volts.phasors[row] * scale * band
        dc[row] = volts.dc[row] * scale
        noise[row] = volts.noise[row] * scale
    redirect = registers.get(r.ADC_REDIRECT, 0)
    origin = list(range(7))
    for field_number, row in enumerate(REDIRECT_ROW):
        code = redirect >> 3 * field_number & 7
        origin[row] = row if code == 7 else REDIRECT_ROW[code]
    return phasors[origin], dc[origin], noise[origin]


def _mix(registers: Mapping[int, int]) -> FloatArray:
    """(7, 7): digital gains of A.4 and the delta/wye selections of ACCMODE; rows are outputs."""
    gain = np.ones(7)
    for phase in range(3):
        gain[CURRENT_ROWS[phase]] += signed(registers.get(r.setting(phase, r.IGAIN), 0)) / 2**27
        gain[VOLTAGE_ROWS[phase]] += signed(registers.get(r.setting(phase, r.VGAIN), 0)) / 2**27
    gain[6] += signed(registers.get(r.NIGAIN, 0)) / 2**27
    select = np.eye(7)
    va, vb, vc = (np.eye(7)[row] for row in VOLTAGE_ROWS)
    accmode = registers.get(r.ACCMODE, 0)
    vconsel = accmode >> 4 & 7
    if vconsel == 1:
        select[3] = va - vc
    elif vconsel == 2:
        select[3] = -va - vc
    elif vconsel == 3:
        select[3] = -va
    elif vconsel == 4:
        select[1], select[3], select[5] = va - vb, va - vc, vc - vb
    if accmode & 1 << 7:
        select[2] = -np.eye(7)[0] - np.eye(7)[4]
    return np.asarray(select @ np.diag(gain))


def _phcal(registers: Mapping[int, int]) -> FloatArray | None:
    """All-pass coefficients of the seven channels (voltages 0: a plain delay), or None while nothing is corrected."""
    values = np.zeros(7)
    for phase in range(3):
        values[CURRENT_ROWS[phase]] = signed(registers.get(r.setting(phase, r.PHCAL0), 0)) / 2**27
    values[6] = signed(registers.get(r.NPHCAL, 0)) / 2**27
    # the formula's range ends at +1, where pole and zero meet and nothing is left but the lost delay
    return np.clip(values, -1 + 2**-20, 1.0) if values.any() else None
