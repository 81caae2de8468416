"""From codes of the metering chip to volts, amperes and milliwatt-seconds.

`analog` is a board's or a meter's analogue design: a dict with the rms input at the chip's full scale,
`u_full_scale_uV` (uV) and `i_full_scale_nA` (nA), both int.
"""

from drivers import ade9000_registers as chip

# The chip's full-scale codes hold at 50 Hz. Its high pass (y = x - x' + a * y', a = 1 - 2 pi 1.25 / 8000) is not
# normalised, so at another frequency the codes differ by its gain: here power's against 50 Hz, in 1e-9.
HIGH_PASS_POWER_GAIN = {50: 1_000_000_000, 60: 1_000_191_077}
_ONE = 1_000_000_000


def energy_ratio(analog: dict, nominal_hz: int) -> tuple:
    """(numerator, denominator) of the mWs, or mvars, in one code of an energy register's HI half; coprime integers.

    HI = sum of power codes / 2**13 at 8000 a second. ValueError for a nominal frequency other than 50 or 60 Hz.
    """
    gain = _gain(nominal_hz)
    # uV * nA = 1e-15 W = 1e-12 mW
    numerator = analog["u_full_scale_uV"] * analog["i_full_scale_nA"] * (1 << chip.ENERGY_SHIFT) * _ONE
    denominator = 10**12 * chip.SAMPLE_RATE * chip.POWER_FULL_SCALE * gain
    common = _gcd(numerator, denominator)
    return numerator // common, denominator // common


def sample_scales(analog: dict, nominal_hz: int) -> tuple:
    """(volts, amperes) of one code of a waveform sample; float. ValueError as in `energy_ratio`."""
    # Full scale is given as rms, a sample's code is of the peak; half of the power's gain lies in each channel.
    factor = (2 * _ONE / _gain(nominal_hz)) ** 0.5 / chip.PCF_FULL_SCALE
    return analog["u_full_scale_uV"] * factor / 1e6, analog["i_full_scale_nA"] * factor / 1e9


def _gain(nominal_hz: int) -> int:
    if nominal_hz not in HIGH_PASS_POWER_GAIN:
        raise ValueError("nominal frequency: 50 or 60 Hz, not " + repr(nominal_hz))
    return HIGH_PASS_POWER_GAIN[nominal_hz]


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def square_root(n: int) -> int:
    """The largest integer whose square is not above `n` >= 0, of any size (MicroPython has no math.isqrt)."""
    if n == 0:
        return 0
    root, rest = 1, n
    while rest:
        rest >>= 8
        root <<= 4
    while True:  # Newton's way, from above: it falls until it is there
        better = (root + n // root) >> 1
        if better >= root:
            return root
        root = better
