"""The sampled channels: from the source's phasors to the PCF codes of one chunk of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.signal import lfilter

from tools.bench.ade9000.filters import FloatArray
from tools.bench.ade9000.plan import CODE_LIMIT, Plan

MAX_CHUNK = 8192
SET_BYTES = 32  # of one waveform buffer set


@dataclass
class ChannelState:
    """Filter memories before the first sample of a chunk: high pass (7, 1), phase correctors (7, 1)."""

    hpf: FloatArray = field(default_factory=lambda: np.zeros((7, 1)))
    phcal: FloatArray = field(default_factory=lambda: np.zeros((7, 1)))


@dataclass
class Samples:
    """One chunk of `count` samples: `pre` (7, count) before the high pass, `pcf` (7, count) after it, in codes.

    `noise` is the chunk's ADC noise (7, count) in LPF codes, or None; `angle` the fundamental's phase, in radians, at
    the first sample.
    """

    pre: FloatArray
    pcf: FloatArray
    noise: FloatArray | None
    angle: float
    end: ChannelState


class Basis:
    """Sine and cosine tables of a plan's orders, kept from chunk to chunk while frequency and orders stay."""

    def __init__(self) -> None:
        self._key: tuple[float, bytes] | None = None
        self._table: FloatArray = np.zeros((0, 0))

    def table(self, plan: Plan) -> FloatArray:
        """(2H, MAX_CHUNK): rows sin(h*omega*n), then cos(h*omega*n)."""
        key = (plan.omega, plan.segment.orders.tobytes())
        if key != self._key:
            angles = np.outer(plan.segment.orders * plan.omega, np.arange(MAX_CHUNK))
            self._table = np.vstack([np.sin(angles), np.cos(angles)])
            self._key = key
        return self._table


def lpf_codes(plan: Plan, table: FloatArray, angle: float, noise: FloatArray | None, count: int) -> FloatArray:
    """(7, count) codes after the decimation filters, starting `angle` radians into the fundamental's period."""
    turned = plan.lpf * np.exp(1j * angle * plan.segment.orders)
    codes = np.hstack([turned.real, turned.imag]) @ table[:, :count]
    codes += plan.lpf_dc[:, None]
    if noise is not None:
        codes += noise
    return np.clip(codes, -CODE_LIMIT, CODE_LIMIT) if plan.clips else codes


def make_samples(
    plan: Plan, table: FloatArray, state: ChannelState, cycles: float, count: int, rng: np.random.Generator
) -> Samples:
    """Generate `count` samples; `cycles` is the fundamental's phase at the first, `rng` gives the noise."""
    angle = 2 * math.pi * cycles
    noise = None
    if plan.lpf_noise.any():
        noise = rng.standard_normal((7, count)) * plan.lpf_noise[:, None]
    pre = lpf_codes(plan, table, angle, noise, count)
    if not np.array_equal(plan.mix, _IDENTITY):
        pre = plan.mix @ pre
    pcf, end = _filter(plan, pre, state)
    return Samples(pre, pcf, noise, angle, end)


def shortened(plan: Plan, samples: Samples, state: ChannelState, count: int) -> Samples:
    """The first `count` samples of a chunk, with the filter memories after them; bit-identical to its beginning."""
    pre = samples.pre[:, :count]
    pcf, end = _filter(plan, pre, state)
    noise = None if samples.noise is None else samples.noise[:, :count]
    return Samples(pre, pcf, noise, samples.angle, end)


_IDENTITY = np.eye(7)


def _filter(plan: Plan, pre: FloatArray, state: ChannelState) -> tuple[FloatArray, ChannelState]:
    if plan.pole is None:
        pcf, hpf = pre, np.zeros((7, 1))
    else:
        pcf, hpf = lfilter(_HPF_B, np.array([1.0, -plan.pole]), pre, axis=1, zi=state.hpf)
    phcal = np.zeros((7, 1))
    if plan.phcal is not None:
        corrected = np.empty_like(pcf)
        for row, c in enumerate(plan.phcal):
            if c == 1.0:
                corrected[row] = pcf[row]
            else:
                corrected[row], phcal[row] = lfilter([c, 1.0], [1.0, c], pcf[row], zi=state.phcal[row])
        pcf = corrected
    return pcf, ChannelState(hpf, phcal)


_HPF_B = np.array([1.0, -1.0])


def pack_sets(codes: FloatArray, neutral: bool, grain: int = 1) -> bytes:
    """Waveform buffer sets, each of 8 big-endian words: IA VA IB VB IC VC IN spare; unused cells are 0.

    `grain` 16 gives the 24-bit codes << 4 of the LPF source.
    """
    words = np.zeros((codes.shape[1], 8), dtype=">i4")
    used = 7 if neutral else 6
    rounded = np.rint(codes[:used]) if grain == 1 else np.rint(codes[:used] / grain) * grain
    words[:, :used] = rounded.T
    return words.tobytes()
