"""Test LEDs: the metering chip's CF1 (active) and CF2 (reactive) outputs flash them by themselves.

The firmware's part is the divider that gives them the meter constant. ADE9000 data sheet, figure 66:
CF(Hz) = 4.096e6 * xWATT / (512 * xTHR * CFxDEN), and code 20 694 066 at full scale; the same holds for xVAR.
"""

from micropython import const

from drivers import ade9000_registers as chip

_DIVIDER_MIN = const(2)
_DIVIDER_MAX = const(65535)


def choices(first: bool, second: bool) -> int:
    """The bits of CFMODE that let CF1 and CF2 show reactive (True) or active energy."""
    return (chip.CF_FUNDAMENTAL_VAR if first else 0) | (chip.CF_FUNDAMENTAL_VAR << 3 if second else 0)


def cf_divider(
    constant: int, i_full_scale_na: int, u_full_scale_uv: int, threshold: int = chip.PULSE_THRESHOLD
) -> tuple:
    """CFxDEN for `constant` impulses per kWh (kvarh) and the constant's rounding error in ppm: (int, float).

    `i_full_scale_na` (nA rms) and `u_full_scale_uv` (uV rms) are the inputs at the chip's full scale. A negative error
    means fewer flashes than the constant says; the phase gains can absorb it. ValueError if no divider of the chip
    (2..65535) gives this constant.
    """
    if constant <= 0:
        raise ValueError("meter constant must be positive")
    # One flash stands for threshold * divider code samples. nA * uV = 1e-15 W; 1 kWh = 3.6e6 Ws.
    wanted = 3_600_000 * chip.SAMPLE_RATE * chip.POWER_FULL_SCALE * 10**15
    per_step = constant * threshold * i_full_scale_na * u_full_scale_uv
    divider = (2 * wanted + per_step) // (2 * per_step)
    if not _DIVIDER_MIN <= divider <= _DIVIDER_MAX:
        raise ValueError("meter constant %d needs CFxDEN = %d, outside 2..65535" % (constant, divider))
    error_ppb = (wanted - divider * per_step) * 10**9 // (divider * per_step)
    return divider, error_ppb / 1000
