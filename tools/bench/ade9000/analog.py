"""The circuit between the mains and the chip, with its errors: from volts and amperes to the volts at seven inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tools.bench.ade9000.filters import ComplexArray, FloatArray
from tools.bench.source import CHANNELS, Segment

ROWS = ("IA", "VA", "IB", "VB", "IC", "VC", "IN")
CURRENT_ROWS, VOLTAGE_ROWS = (0, 2, 4), (1, 3, 5)
REFERENCE_CELSIUS = 25.0  # gains and phases of a ChannelError hold here
REFERENCE_HZ = 50.0

# What the inputs are wired to. Phases a network does not have carry nothing (source.py), so their inputs see nothing.
_WIRES = {"IA": {"I1": 1}, "VA": {"U1": 1}, "IB": {"I2": 1}, "VB": {"U2": 1}, "IC": {"I3": 1}, "VC": {"U3": 1}}
_STAR = _WIRES | {"IN": {"I0": 1}}
# Three wires: the chip's ground is L2, VB is grounded, L2 has no transformer.
_ARON = {"IA": {"I1": 1}, "VA": {"U1": 1, "U2": -1}, "IC": {"I3": 1}, "VC": {"U3": 1, "U2": -1}, "IN": {"I0": 1}}


def _matrix(wires: Mapping[str, Mapping[str, float]]) -> FloatArray:
    """(7, 7): row as in ROWS, column as in the source's CHANNELS."""
    return np.array([[wires.get(row, {}).get(channel, 0.0) for channel in CHANNELS] for row in ROWS])


CONNECTIONS = {"3P4W": _matrix(_STAR), "1P2W": _matrix(_STAR), "2P3W": _matrix(_STAR), "3P3W": _matrix(_ARON)}


@dataclass(frozen=True)
class ChannelError:
    """What is wrong with one measuring channel, from the terminals to the sampled code.

    gain: fraction (0.001 = reads 0.1 % high). offset: DC, noise: rms of white noise; volts at the input, which are
    fractions of full scale (sine peak 1 V).
    phase: degrees of lag at 50 Hz of a delay: order h lags h times as much, and more at a higher frequency likewise.
    lead: degrees of lead at 50 Hz of a current transformer: in inverse proportion to the frequency.
    drift: ppm of gain per kelvin away from 25 degrees C. phase_drift: degrees of lag at 50 Hz per kelvin, of the
    transformer: `lead` becomes that much less.
    crosstalk: other channel -> volts seen here per volt there, a complex number (angle > 0 leads); not for DC, noise.
    """

    gain: float = 0.0
    phase: float = 0.0
    offset: float = 0.0
    noise: float = 0.0
    lead: float = 0.0
    drift: float = 0.0
    phase_drift: float = 0.0
    crosstalk: Mapping[str, complex] = field(default_factory=dict)


@dataclass(frozen=True)
class Analog:
    """The circuit before the chip: volts at the ADC per ampere (k_i), per volt (k_v) and per neutral ampere (k_n).

    errors: channel name (ROWS) -> ChannelError; ideal without. clock_ppm: error of the 24.576 MHz crystal.
    temperature: degrees C of the whole circuit.
    """

    k_i: float = 0.06
    k_v: float = 1 / 1001
    k_n: float | None = None
    errors: Mapping[str, ChannelError] = field(default_factory=dict)
    clock_ppm: float = 0.0
    temperature: float = REFERENCE_CELSIUS


@dataclass(frozen=True)
class Inputs:
    """Volts at the seven inputs, in the order of ROWS: phasors (7, H) peak, dc (7,), noise (7,) rms."""

    phasors: ComplexArray
    dc: FloatArray
    noise: FloatArray


_IDEAL = ChannelError()


def inputs(segment: Segment, analog: Analog) -> Inputs:
    """What the mains of `segment` put on the inputs through this circuit at its temperature."""
    connection = CONNECTIONS[segment.network]
    phasors = connection @ segment.phasors
    dc = connection @ segment.dc
    noise = np.sqrt(connection**2 @ segment.noise**2)
    frequency = segment.orders * segment.f / REFERENCE_HZ
    kelvin = analog.temperature - REFERENCE_CELSIUS
    coupling = np.eye(7, dtype=np.complex128)
    k_n = analog.k_i if analog.k_n is None else analog.k_n
    for row, name in enumerate(ROWS):
        error = analog.errors.get(name, _IDEAL)
        k = analog.k_v if row in VOLTAGE_ROWS else k_n if row == 6 else analog.k_i
        k *= (1 + error.gain) * (1 + error.drift * 1e-6 * kelvin)
        lag = error.phase * frequency - (error.lead - error.phase_drift * kelvin) / frequency
        phasors[row] *= k * np.exp(-1j * np.radians(lag))
        dc[row] = dc[row] * k + error.offset
        noise[row] = math.hypot(noise[row] * k, error.noise)
        for other, ratio in error.crosstalk.items():
            coupling[row, ROWS.index(other)] += ratio
    return Inputs(coupling @ phasors, dc, noise)
