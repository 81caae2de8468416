"""What the metrology tests share: the reference design's scales, and mains signals as the chip's waveform pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

ANALOG = {"u_full_scale_uV": 707_813_886, "i_full_scale_nA": 11_785_113_020}
FULL_SCALE_U = 1001 / math.sqrt(2)  # V rms: 1 Mohm over 1 kohm, 0.70710678 V at the pin
FULL_SCALE_I = 1 / 0.06 / math.sqrt(2)  # A rms: 2500:1 into 150 ohm
PCF_FULL_SCALE = 74_532_013  # peak code there
WATT_FULL_SCALE = 20_694_066
RATE = 8000
PAGE_BYTES = 448
PAGE_SETS = 16

FloatArray = npt.NDArray[np.float64]
Phases = float | Sequence[float]


def phase_cycles(f: float, count: int, start: float = 0.0) -> FloatArray:
    """Phase of L1's fundamental in cycles at `count` samples of constant frequency."""
    return np.asarray(start + f * np.arange(count) / RATE)


def waveform(
    cycles: FloatArray,
    u: Phases = 230.0,
    i: Phases = 5.0,
    phi: Phases = 0.0,
    u_harmonics: Mapping[int, float] | None = None,
    i_harmonics: Mapping[int, float] | None = None,
    sequence: int = 1,
) -> FloatArray:
    """(n, 7) volts and amperes in the order IA VA IB VB IC VC IN; u, i rms, phi degrees of lag, one or three each.

    Harmonics: order -> fraction of the fundamental, in phase with it at its zero crossing.
    """
    signals = np.zeros((len(cycles), 7))
    for phase in range(3):
        u_n, i_n, phi_n = (x if isinstance(x, (int, float)) else x[phase] for x in (u, i, phi))
        angle = 2 * np.pi * cycles - sequence * phase * 2 * np.pi / 3
        lagging = angle - math.radians(phi_n)
        signals[:, 2 * phase + 1] = math.sqrt(2) * u_n * _wave(angle, u_harmonics or {})
        signals[:, 2 * phase] = math.sqrt(2) * i_n * _wave(lagging, i_harmonics or {})
    signals[:, 6] = signals[:, [0, 2, 4]].sum(axis=1)
    return signals


def _wave(angle: FloatArray, harmonics: Mapping[int, float]) -> FloatArray:
    return np.asarray(np.sin(angle) + sum(part * np.sin(order * angle) for order, part in harmonics.items()))


def codes(signals: FloatArray) -> npt.NDArray[np.int64]:
    """(n, 7) PCF codes of volts and amperes at 50 Hz."""
    scale = np.full(7, PCF_FULL_SCALE / math.sqrt(2) / FULL_SCALE_I)
    scale[[1, 3, 5]] = PCF_FULL_SCALE / math.sqrt(2) / FULL_SCALE_U
    return np.asarray(np.round(signals * scale), dtype=np.int64)


def pages(sets: npt.NDArray[np.int64]) -> bytes:
    """Whole pages as the chip streams them, big-endian."""
    whole = len(sets) // PAGE_SETS * PAGE_SETS
    return sets[:whole].astype(">i4").tobytes()


def truth(u: float, i: float, phi: float) -> tuple[float, float]:
    """P and Q of one phase without harmonics."""
    angle = math.radians(phi)
    return u * i * math.cos(angle), u * i * math.sin(angle)
