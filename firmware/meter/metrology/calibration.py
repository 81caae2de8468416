"""The calibration of one meter: what its front end's tolerances are answered with, as numbers and as chip registers.

The metering chip itself applies it (gain, phase and offset registers), so that the test LEDs, the billing path and the
waveform samples are all calibrated alike; only the power offset has to be added to the samples' power apart.

Corrections are what is added, not what is wrong: a channel that reads 0.1 % low has a gain of +1 000 000 ppb.
"""

from math import cos, pi, sin
from struct import calcsize, pack, unpack

from micropython import const

from drivers import ade9000_registers as chip

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1
PHASES = const(3)
REFERENCE_TEMPERATURE = const(23_000)  # m degC, IEC 62053-22, reference conditions

# Constants of one phase: name and largest magnitude. A channel of this front end is 1 % off at most and drifts 45 ppm/K
# (data sheet, table 1: channel and reference); its transformer leads by less than half a degree.
FIELDS = (
    ("u_gain", 50_000_000),  # ppb
    ("i_gain", 50_000_000),  # ppb
    ("phase", 2_000_000),  # microdegrees, > 0 corrects a lagging current
    ("p_offset", 200_000),  # uW
    ("q_offset", 200_000),  # uvar
    ("u_tc", 200_000),  # ppb/K
    ("i_tc", 200_000),  # ppb/K
)
_SIZE = const(7)
_NAMES = tuple(name for name, _ in FIELDS)
_COLDEST, _HOTTEST = -40_000, 85_000  # m degC, of the chip
_SECONDS = const(0xFFFF_FFFF)
_FORMAT = const("<iII21i")

_GAIN_BITS = const(27)  # gain = 1 + register / 2**27, and so is xPHCAL0's scale
_PPB = const(1_000_000_000)


class PhaseCalibration:
    """The constants of one phase, ints by the names and in the units of FIELDS."""

    def __init__(self, values: "Sequence[int]" = (0,) * _SIZE):
        self.u_gain, self.i_gain, self.phase, self.p_offset, self.q_offset, self.u_tc, self.i_tc = values

    def values(self) -> list:
        """In the order of FIELDS."""
        return [getattr(self, name) for name in _NAMES]


class Calibration:
    """`phases`: a PhaseCalibration each. The gains hold at chip temperature `temperature` (m degC).

    `time`: of the calibration, seconds since 2000 UTC. `count`: how many calibrations this meter has had.
    """

    def __init__(self, phases: tuple, temperature: int = REFERENCE_TEMPERATURE, time: int = 0, count: int = 0):
        self.phases = phases
        self.temperature = temperature
        self.time = time
        self.count = count

    def gains(self, phase: int, temperature: int) -> tuple:
        """(voltage, current) correction of a phase at a chip temperature (m degC), ppb."""
        constants = self.phases[phase]
        away = temperature - self.temperature
        return (
            _product(constants.u_gain, constants.u_tc * away // 1000),
            _product(constants.i_gain, constants.i_tc * away // 1000),
        )

    def registers(self, temperature: int, analog: dict, nominal_hz: int) -> dict:
        """Chip register -> unsigned 32-bit value, all corrections at a chip temperature (m degC)."""
        settings = self.gain_registers(temperature)
        for phase in range(PHASES):
            constants, base = self.phases[phase], phase * chip.PHASE_STEP
            settings[base + chip.PHCAL0] = _unsigned(phase_register(constants.phase, nominal_hz))
            settings[base + chip.WATTOS] = _unsigned(_power_code(constants.p_offset, analog))
            settings[base + chip.FVAROS] = _unsigned(_power_code(constants.q_offset, analog))
        return settings

    def gain_registers(self, temperature: int) -> dict:
        """The part of `registers` that depends on temperature."""
        settings = {}
        for phase in range(PHASES):
            u_gain, i_gain = self.gains(phase, temperature)
            settings[phase * chip.PHASE_STEP + chip.VGAIN] = _unsigned(gain_register(u_gain))
            settings[phase * chip.PHASE_STEP + chip.IGAIN] = _unsigned(gain_register(i_gain))
        return settings

    def power_offsets(self) -> list:
        """What samples' powers need, which the chip's offset registers do not reach: W of L1, L2, L3, var of each."""
        micro = [phase.p_offset for phase in self.phases] + [phase.q_offset for phase in self.phases]
        return [value / 1e6 for value in micro]

    def pack(self) -> bytes:
        """Payload of the calibration record: temperature, time, count, constants of L1, L2, L3; little endian."""
        return pack(_FORMAT, self.temperature, self.time, self.count, *self._constants())

    def text(self) -> str:
        """The record as object C.60.1 shows it: version, then what `pack` packs, as decimals between commas."""
        return ",".join(str(n) for n in [VERSION, self.temperature, self.time, self.count] + self._constants())

    def _constants(self) -> list:
        return [value for phase in self.phases for value in phase.values()]


def nominal() -> Calibration:
    """No correction at all: of a front end that is what its circuit diagram says."""
    return _checked([REFERENCE_TEMPERATURE, 0, 0] + [0] * (PHASES * _SIZE))


def unpack_record(payload: bytes) -> Calibration:
    """From what `pack` made; ValueError if it is no calibration of a meter like this, however whole the record is."""
    if len(payload) != calcsize(_FORMAT):
        raise ValueError("calibration: %d bytes" % len(payload))
    return _checked(list(unpack(_FORMAT, payload)))


def parse(text: str) -> Calibration:
    """From what `text` made; ValueError, saying what is wrong, if it is no calibration."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError("calibration: integers between commas are wanted")
    if numbers[0] != VERSION:
        raise ValueError("calibration: version %d is not known" % numbers[0])
    return _checked(numbers[1:])


def _checked(numbers: list) -> Calibration:
    """ValueError unless every number is within what this front end can need."""
    if len(numbers) != 3 + PHASES * _SIZE:
        raise ValueError("calibration: %d numbers, should be %d" % (len(numbers), 3 + PHASES * _SIZE))
    temperature, time, count = numbers[:3]
    if not _COLDEST <= temperature <= _HOTTEST:
        raise ValueError("calibration: reference temperature out of range")
    if not 0 <= time <= _SECONDS or not 0 <= count <= _SECONDS:
        raise ValueError("calibration: time or count out of range")
    phases = []
    for phase in range(PHASES):
        values = numbers[3 + phase * _SIZE : 3 + (phase + 1) * _SIZE]
        for n, (name, limit) in enumerate(FIELDS):
            if not -limit <= values[n] <= limit:
                raise ValueError("calibration: %s of L%d out of range" % (name, phase + 1))
        phases.append(PhaseCalibration(values))
    return Calibration(tuple(phases), temperature, time, count)


def gain_register(ppb: int) -> int:
    """xIGAIN or xVGAIN, signed, for a correction in ppb."""
    return _divided(ppb << _GAIN_BITS, _PPB)


def phase_register(microdegrees: int, nominal_hz: int) -> int:
    """xPHCAL0, signed (data sheet: (sin(phi - w) + sin(w)) / sin(2 w - phi) * 2**27 with w = 2 pi f / 8000)."""
    phi = microdegrees * pi / 180e6
    w = 2 * pi * nominal_hz / chip.SAMPLE_RATE
    # the sum of the two sines as a product: single floats have no digits to lose in a difference
    return round(2 * sin(phi / 2) * cos(phi / 2 - w) / sin(2 * w - phi) * (1 << _GAIN_BITS))


def _power_code(micro: int, analog: dict) -> int:
    """xWATTOS or xFVAROS, signed, for uW or uvar."""
    # uV * nA = 1e-9 uW
    return _divided(micro * chip.POWER_FULL_SCALE * _PPB, analog["u_full_scale_uV"] * analog["i_full_scale_nA"])


def _product(gain: int, drift: int) -> int:
    """Two corrections in ppb, one after the other."""
    return gain + drift + gain * drift // _PPB


def _divided(numerator: int, denominator: int) -> int:
    """Quotient, rounded."""
    return (2 * numerator + denominator) // (2 * denominator)


def _unsigned(value: int) -> int:
    return value & 0xFFFF_FFFF
