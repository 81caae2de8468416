"""The CFxDEN of a meter constant, against the data sheet's pulse formula in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

from meter.face.leds import cf_divider

# CT 2500:1 with 150 ohm, 1 Mohm over 1 kohm: the rms inputs at the chip's full scale (nA, uV).
I_FULL_SCALE, U_FULL_SCALE = 11_785_113_020, 707_813_886
FULL_SCALE_CODE = 20_694_066
THRESHOLD = 0x0010_0000  # xTHR of the data sheet's formula


def impulses_per_kwh(divider: int, i_na: int, u_uv: int, threshold: int = THRESHOLD) -> Fraction:
    """What the chip really flashes: CF at full scale over full-scale power."""
    cf_hz = Fraction(4_096_000 * FULL_SCALE_CODE, 512 * threshold * divider)
    power_kw = Fraction(i_na, 10**9) * Fraction(u_uv, 10**6) / 1000
    return cf_hz * 3600 / power_kw


def test_default_constant_gives_the_divider_of_the_fact_sheet() -> None:
    divider, error_ppm = cf_divider(10_000, I_FULL_SCALE, U_FULL_SCALE)
    assert divider == 6814
    assert abs(error_ppm) < 1e6 / 6814 / 2


@pytest.mark.parametrize("constant", [1040, 2500, 5000, 10_000, 20_000, 40_000, 100_000, 1_000_000, 34_000_000])
def test_error_is_what_the_formula_says_and_at_most_half_a_step(constant: int) -> None:
    divider, error_ppm = cf_divider(constant, I_FULL_SCALE, U_FULL_SCALE)
    error = impulses_per_kwh(divider, I_FULL_SCALE, U_FULL_SCALE) / constant - 1
    assert error_ppm == pytest.approx(float(error * 10**6), abs=0.002)
    # The exact divider is divider * (1 + error): not more than half a step away.
    assert abs(error * divider) <= Fraction(1, 2)


def test_chip_maximum_is_reached_with_the_smallest_divider() -> None:
    """Data sheet: 78.9 kHz at full scale with CFxDEN = 2."""
    assert impulses_per_kwh(2, 10**9, 10**6) * Fraction(1, 1000) / 3600 == pytest.approx(78_941, abs=10)
    constant = round(78_941 * 3600 * 1000)
    assert cf_divider(constant, 10**9, 10**6)[0] == 2


@pytest.mark.parametrize("constant", [0, -1, 1000, 100_000_000])
def test_constant_out_of_the_chips_range_is_refused(constant: int) -> None:
    with pytest.raises(ValueError, match="constant"):
        cf_divider(constant, I_FULL_SCALE, U_FULL_SCALE)


def test_limits_are_those_of_the_divider() -> None:
    """Exact dividers of 65535.5 and 1.5 are the ends: one step of the constant beyond them is refused."""

    def constant_at(divider: Fraction) -> Fraction:
        return impulses_per_kwh(1, I_FULL_SCALE, U_FULL_SCALE) / divider

    smallest = int(constant_at(Fraction(131_071, 2))) + 1
    largest = int(constant_at(Fraction(3, 2)))
    assert cf_divider(smallest, I_FULL_SCALE, U_FULL_SCALE)[0] == round(constant_at(Fraction(1)) / smallest)
    assert cf_divider(largest, I_FULL_SCALE, U_FULL_SCALE)[0] == 2
    for refused in (smallest - 1, largest + 1):
        with pytest.raises(ValueError, match="outside 2..65535"):
            cf_divider(refused, I_FULL_SCALE, U_FULL_SCALE)
