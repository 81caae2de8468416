"""The digital filters of the signal chain, as transfer functions and as closed forms."""

from __future__ import annotations

import cmath
import math

import numpy as np
import numpy.typing as npt

from tools.bench.ade9000.registers import PCF_FULL_SCALE

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

SAMPLE_RATE = 8000
# CONFIG2.HPF_CRN -> corner in Hz; code 6 is the reset value
HPF_CORNERS = (77.39, 39.275, 19.79, 9.935, 4.98, 2.495, 1.25, 0.625)


def hpf_pole(corner_hz: float) -> float:
    """Pole a of the first-order high pass y[n] = x[n] - x[n-1] + a*y[n-1]."""
    return 1 - 2 * math.pi * corner_hz / SAMPLE_RATE


def hpf_response(pole: float, omega: FloatArray | float) -> ComplexArray:
    """Complex gain of the high pass at `omega` radians per sample."""
    z1 = np.exp(-1j * np.asarray(omega))
    return np.asarray((1 - z1) / (1 - pole * z1))


# Full scale is stated for the PCF codes, which have passed the high pass, at 50 Hz. Its gain there is 1.000178.
LPF_FULL_SCALE = PCF_FULL_SCALE / abs(complex(hpf_response(hpf_pole(1.25), 2 * math.pi * 50 / SAMPLE_RATE)))
SINC4_FULL_SCALE = 67_107_786


def allpass_response(c: float, omega: FloatArray | float) -> ComplexArray:
    """Complex gain of the phase corrector (c + z^-1) / (1 + c*z^-1), one sample of delay at c = 0.

    Against the plain one-sample delay of the other channel it advances by phi with c = sin(phi/2) / sin(omega - phi/2),
    which is the data sheet's xPHCAL formula in another form.
    """
    z1 = np.exp(-1j * np.asarray(omega))
    return np.asarray((c + z1) / (1 + c * z1))


def passband(f_hz: FloatArray) -> FloatArray:
    """Magnitude of the decimation filters: 0.1 dB down at 1.344 kHz, 3 dB at 3.2 kHz (data sheet table 1)."""
    order = math.log(10**0.01 - 1) / math.log(1344 / 3200)
    return 1 / np.sqrt(1 + (np.asarray(f_hz) / 3200) ** order)


def double_pole(attenuation: float, at_hz: float) -> float:
    """Pole p of ((1-p) / (1 - p*z^-1))**2 that damps `at_hz` by `attenuation` (amplitude ratio < 1)."""
    cosine = math.cos(2 * math.pi * at_hz / SAMPLE_RATE)
    b = 1 - attenuation * cosine
    a = 1 - attenuation
    return (b - math.sqrt(b * b - a * a)) / a


POWER_POLE = double_pole(10 ** (-64 / 20), 100.0)  # LPF2, about -64 dB at twice 50 Hz
RMS_POLE = double_pole(2 * 0.00064, 100.0)  # leaves a ripple of +-0.064 % on a 50 Hz rms value

BasisTables = tuple[FloatArray, FloatArray]


def step_tables(pole: float, count: int) -> BasisTables:
    """Closed form of the double pole's answer to a constant, for samples 1..count.

    Returns (values, sums), each of shape (3, count): with states y1 (first stage) and y (output) before sample 1 and a
    constant input c, output n is (c, y - c, y1 - c) @ values[:, n-1], and `sums` gives its running sum likewise.
    """
    n = np.arange(1, count + 1, dtype=np.float64)
    power = pole**n
    values = np.stack([np.ones(count), power, (1 - pole) * n * power])
    return values, np.cumsum(values, axis=1)


def biquad(pole: float) -> tuple[FloatArray, FloatArray]:
    """(b, a) of the double pole for `scipy.signal.lfilter`."""
    return np.array([(1 - pole) ** 2, 0.0, 0.0]), np.array([1.0, -2 * pole, pole * pole])


def phcal_register(phi_degrees: float, f_hz: float = 50.0) -> int:
    """xPHCAL for a correction of `phi_degrees` (> 0 advances the current), by the data sheet's formula."""
    omega = 2 * math.pi * f_hz / SAMPLE_RATE
    phi = math.radians(phi_degrees)
    return round((math.sin(phi - omega) + math.sin(omega)) / math.sin(2 * omega - phi) * 2**27)


def phase_of(value: complex) -> float:
    """Angle in cycles, 0 <= result < 1."""
    return (cmath.phase(value) / (2 * math.pi)) % 1.0
