"""The errors of one made meter, drawn by its seed from what data sheets allow.

Sources: DS = ADE9000 data sheet Rev. B, table 1; "own" = our assumption of the parts a meter of this class is made of.

Where a sheet gives a typical and a largest value, the typical one is taken for the standard deviation of a normal
distribution that ends at the largest; where it gives the largest only, a third of that. All of that is own.
The board is taken as linear: a transformer's errors do not depend on its current.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tools.bench.ade9000.analog import ROWS, VOLTAGE_ROWS, ChannelError

# gains, fractions
ADC_GAIN = (0.003, 0.01)  # DS "Gain Error": typical, largest, with an external reference
REFERENCE_GAIN = 0.001 / 1.25  # DS "Internal voltage reference": 1.25 V +-1 mV, one for all channels
BURDEN_GAIN = 0.001  # own: 0.1 % resistor
TRANSFORMER_GAIN = 0.001  # own: ratio error of class 0.1 (IEC 61869-2)
DIVIDER_GAIN = 0.005  # own: 1 Mohm in a chain of 1 % resistors over one of 0.1 %
# drift of gains, ppm/K
CHANNEL_DRIFT = (7.0, 25.0)  # DS "Channel Drift": amplifier, converter and reference together
REFERENCE_DRIFT = (5.0, 20.0)  # DS: the reference's part of it, common to all channels
BURDEN_DRIFT = 15.0  # own
DIVIDER_DRIFT = 25.0  # own
# phase, degrees at 50 Hz
TRANSFORMER_LEAD = (0.05, 0.3)  # own: smallest, largest of small metering transformers on their burden, evenly spread
TRANSFORMER_LEAD_DRIFT = 0.0005  # own, degrees per kelvin: copper and core
FILTER_LAG = 0.02  # own: 1 kohm and 22 nF lag 0.396 degrees; what 5 % capacitors make different between channels
# volts at the input (full scale: sine of 1 V peak)
OFFSET = (40e-6, 3.8e-3)  # DS "Offset": typical, largest
NOISE = 10 ** (-101 / 20) / math.sqrt(2)  # DS "SNR", 8 kSPS: 101 dB, typical; taken for all channels
CROSSTALK = 10 ** (-120 / 20)  # DS, typical: one channel grounded, all others at full scale; shared evenly, any angle
CRYSTAL_PPM = 30.0  # DS "Crystal oscillator": what all its figures assume
TEMPERATURE_ERROR = 2.0  # DS "Temperature Accuracy" from -10 to +40 degrees C (+-3 over the whole range)


@dataclass(frozen=True)
class Specimen:
    """What `draw` gives: the arguments of ADE9000 by these names."""

    errors: dict[str, ChannelError]
    clock_ppm: float
    temperature_error: float


def draw(seed: int) -> Specimen:
    """The meter number `seed`. The same number is the same meter, whatever else the bench is told."""
    chance = Random(f"specimen {seed}")
    reference_gain, reference_drift = _tolerance(chance, REFERENCE_GAIN), _normal(chance, *REFERENCE_DRIFT)
    errors = {name: _channel(chance, row, reference_gain, reference_drift) for row, name in enumerate(ROWS)}
    return Specimen(errors, _tolerance(chance, CRYSTAL_PPM), _tolerance(chance, TEMPERATURE_ERROR))


def _channel(chance: Random, row: int, reference_gain: float, reference_drift: float) -> ChannelError:
    gain = (1 + reference_gain) * (1 + _normal(chance, *ADC_GAIN))
    own_typical = math.sqrt(CHANNEL_DRIFT[0] ** 2 - REFERENCE_DRIFT[0] ** 2)
    drift = _within(CHANNEL_DRIFT[1], lambda: reference_drift + chance.gauss(0, own_typical))
    lead = phase_drift = 0.0
    if row in VOLTAGE_ROWS:
        gain *= 1 + _tolerance(chance, DIVIDER_GAIN)
        drift += _tolerance(chance, DIVIDER_DRIFT)
    else:
        gain *= (1 + _tolerance(chance, BURDEN_GAIN)) * (1 + _tolerance(chance, TRANSFORMER_GAIN))
        drift += _tolerance(chance, BURDEN_DRIFT)
        lead = chance.uniform(*TRANSFORMER_LEAD)
        phase_drift = _tolerance(chance, TRANSFORMER_LEAD_DRIFT)
    others = [name for other, name in enumerate(ROWS) if other != row]
    share = CROSSTALK / math.sqrt(len(others))
    return ChannelError(
        gain=gain - 1,
        phase=_tolerance(chance, FILTER_LAG),
        offset=_normal(chance, *OFFSET),
        noise=NOISE,
        lead=lead,
        drift=drift,
        phase_drift=phase_drift,
        crosstalk={name: cmath.rect(share, chance.uniform(0, 2 * math.pi)) for name in others},
    )


def _normal(chance: Random, typical: float, largest: float) -> float:
    return _within(largest, lambda: chance.gauss(0, typical))


def _tolerance(chance: Random, largest: float) -> float:
    return _normal(chance, largest / 3, largest)


def _within(largest: float, draw_one: Callable[[], float]) -> float:
    while abs(value := draw_one()) > largest:
        pass
    return value
