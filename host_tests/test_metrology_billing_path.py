"""Billing path: scale, remainders, wrap, start-up lock, summation, quadrants, implausible readings."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import ade9000_registers as chip
from host_tests.metrology_signals import ANALOG, FULL_SCALE_I, FULL_SCALE_U
from meter.metrology.billing_path import BillingPath, Increment
from meter.metrology.front_end import chip_setup
from meter.metrology.scales import energy_ratio

TOTALS = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4")
# of one HI code at 50 Hz, by the data sheet's chain: full scale / code * 8192 samples / 8000 samples a second
MWS_PER_CODE = Fraction(707_813_886 * 11_785_113_020, 10**12) / 20_694_066 * Fraction(8192, 8000)


def totals(increment: Increment) -> dict[str, int]:
    return {name: getattr(increment, name) for name in TOTALS if getattr(increment, name)}


def path(start_power_mw: int = 0, **more: object) -> BillingPath:
    billing = BillingPath(ANALOG, start_power_mw, **more)  # type: ignore[arg-type]
    billing.reset_baseline([0] * 6)
    return billing


def test_one_code_is_what_the_data_sheet_says() -> None:
    numerator, denominator = energy_ratio(ANALOG, 50)
    assert Fraction(numerator, denominator) == MWS_PER_CODE
    # hardware page: 0.114658 uWh per code of this design
    assert float(MWS_PER_CODE) / 3600 == pytest.approx(0.114658e-3, rel=5e-6)
    # and from the circuit itself: a second at full scale is 20 209 049 codes
    assert 20_209_049 * float(MWS_PER_CODE) / 1000 == pytest.approx(FULL_SCALE_U * FULL_SCALE_I, rel=1e-7)


def test_at_60_hz_the_high_passs_gain_is_taken_out() -> None:
    """+0.0096 % in each channel: a code is worth 0.0191 % less."""
    fifty, sixty = (Fraction(*energy_ratio(ANALOG, hz)) for hz in (50, 60))
    assert float(sixty / fifty) == pytest.approx(1 / 1.0000955339**2, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.integers(-20_000_000, 20_000_000), min_size=1, max_size=60))
def test_remainders_are_carried_so_that_no_energy_is_lost_or_made(steps: list[int]) -> None:
    billing, codes, counted, net = path(), [0] * 6, [0] * 6, 0
    for step in steps:
        codes = [c + s for c, s in zip(codes, (step, -step, 2 * step, step // 3, 0, -5 * step), strict=True)]
        increment = billing.advance(codes)
        counted = [c + n for c, n in zip(counted, increment.p + increment.q, strict=True)]
        net += increment.a_import - increment.a_export
    for code, energy in zip(codes, counted, strict=True):
        assert 0 <= code * MWS_PER_CODE - energy < 1
    assert net == sum(counted[:3])


def test_the_smallest_power_arrives_in_the_end() -> None:
    """One code every interval, 0.41 mWs: most intervals count nothing, ten thousand count 4127 mWs."""
    billing, total = path(), 0
    for n in range(1, 10_001):
        total += billing.advance([n, 0, 0, 0, 0, 0]).a_import
    assert total == int(10_000 * MWS_PER_CODE) == 4127


@pytest.mark.parametrize("direction", [1, -1])
def test_accumulators_wrap(direction: int) -> None:
    billing = BillingPath(ANALOG, 0)
    total, code = 0, direction * (2**31 - 5_000_000)
    billing.reset_baseline([code] + [0] * 5)
    for _ in range(3):
        code = (code + direction * 9_000_000 + 2**31) % 2**32 - 2**31  # as the driver gives them: signed
        increment = billing.advance([code] + [0] * 5)
        total += increment.a_import - increment.a_export
    assert abs(total - direction * 27_000_000 * MWS_PER_CODE) < 1


def test_signed_and_unsigned_readings_mean_the_same() -> None:
    a, b = path(), path()
    assert a.advance([-1000, 5, 5, 5, 5, -7]).p == b.advance([2**32 - 1000, 5, 5, 5, 5, 2**32 - 7]).p


def test_a_reading_sixty_seconds_late_loses_nothing() -> None:
    billing = path()
    codes = [int(60 * 20_209_049 * part) for part in (1.0, -0.5, 0.25, 0.1, 0.2, 0.3)]
    increment = billing.advance(codes, 60_000)
    assert increment.p == [int(codes[n] * MWS_PER_CODE // 1) for n in range(3)]
    assert billing.rejected == 0


def interval(p_mw: float, q_mw: float, milliseconds: int = 500) -> list[int]:
    """Codes that the three phases together bring in one interval at these powers, all in L1."""
    return [round(x * milliseconds / 1000 / float(MWS_PER_CODE)) for x in (p_mw, 0, 0, q_mw, 0, 0)]


@pytest.mark.parametrize(("p", "q", "quadrant"), [(1, 1, "r1"), (-1, 1, "r2"), (-1, -1, "r3"), (1, -1, "r4")])
def test_directions_and_quadrants(p: int, q: int, quadrant: str) -> None:
    billing = path(100)
    codes = interval(p * 2_000_000, q * 3_000_000)
    increment = billing.advance(codes)
    active, reactive = abs(increment.p[0]), abs(increment.q[0])
    assert active == pytest.approx(1_000_000, abs=1) and reactive == pytest.approx(1_500_000, abs=1)
    assert totals(increment) == {
        "a_import" if p > 0 else "a_export": active,
        "r_import" if q > 0 else "r_export": reactive,
        quadrant: reactive,
    }
    assert (billing.p_sign, billing.q_sign) == (p, q)


def test_vector_summation() -> None:
    """Facts page 5.4: +10, -4, +2 kW is +A 8 kW."""
    billing = path()
    codes = [round(kw * 1e6 / 2 / float(MWS_PER_CODE)) for kw in (10, -4, 2)]
    increment = billing.advance(codes + [0] * 3)
    assert increment.a_import == pytest.approx(4_000_000, abs=3)
    assert increment.a_export == 0
    assert increment.a_import == sum(increment.p)


def test_start_up_lock_is_on_the_total_and_apart_for_p_and_q() -> None:
    below, above = 95, 105
    for p, q in ((below, below), (above, below), (below, above), (-below, -above), (-above, above)):
        billing = path(100)
        increment = billing.advance(interval(p, q))
        assert bool(increment.a_import or increment.a_export) == (abs(p) > 100)
        assert bool(increment.r_import or increment.r_export) == (abs(q) > 100)
        assert billing.p_sign == (abs(p) > 100) * (1 if p > 0 else -1)
        assert increment.p[0] != 0  # the phase's value is not locked
    billing = BillingPath(ANALOG, 100, start_reactive_mvar=200)
    billing.reset_baseline([0] * 6)
    assert totals(billing.advance(interval(150, 150))).keys() == {"a_import"}


def test_phases_that_cancel_out_are_locked() -> None:
    billing = path(1000)
    assert totals(billing.advance([5_000_000, -5_000_000, 0, 0, 0, 0])) == {}


def test_locked_energy_does_not_pile_up() -> None:
    billing, codes = path(100), [0] * 6
    for _ in range(1000):
        codes = [c + n for c, n in zip(codes, interval(90, 90), strict=True)]
        assert totals(billing.advance(codes)) == {}
    codes = [c + n for c, n in zip(codes, interval(200, 0), strict=True)]
    assert billing.advance(codes).a_import == pytest.approx(100, abs=1)


@pytest.mark.parametrize("elapsed_ms", [300, 500, 740])
def test_a_late_reading_does_not_shift_the_lock(elapsed_ms: int) -> None:
    """The chip brings 500 ms of energy whether it is read a little early or late."""
    assert totals(path(100).advance(interval(110, 0), elapsed_ms)).keys() == {"a_import"}
    assert totals(path(100).advance(interval(90, 0), elapsed_ms)) == {}
    assert totals(path(100).advance(interval(110, 0, 10_000), 10_100)).keys() == {"a_import"}
    assert totals(path(100).advance(interval(90, 0, 10_000), 9_900)) == {}


def test_the_first_reading_after_a_start_is_the_baseline() -> None:
    billing = BillingPath(ANALOG, 0)
    assert totals(billing.advance([123_456_789] * 6)) == {}
    assert billing.advance([123_456_789 + 1000] * 6).p == [412] * 3
    billing.reset_baseline()
    assert totals(billing.advance([5] * 6)) == {}
    assert billing.advance([1005] * 6).p[0] in (412, 413)


def test_an_impossible_reading_counts_nothing_and_costs_nothing() -> None:
    billing = path()
    good = 5_000_000
    billing.advance([good] * 6, 500)
    for garbage in (0x7000_0000, -0x5555_5555):
        increment = billing.advance([good, good, garbage, good, good, good], 500)
        assert totals(increment) == {} and increment.p == [0] * 3
    assert billing.rejected == 2
    increment = billing.advance([4 * good] * 6, 500)
    assert increment.p == [int(4 * good * MWS_PER_CODE) - int(good * MWS_PER_CODE)] * 3


def test_readings_that_stay_impossible_are_a_new_baseline() -> None:
    billing = path()
    for n in range(3):
        assert totals(billing.advance([0x6000_0000 + n] * 6, 500)) == {}
    assert billing.rejected == 3
    assert billing.advance([0x6000_0002 + 1_000_000] * 6, 500).p == [int(1_000_000 * MWS_PER_CODE)] * 3


def test_full_scale_at_both_inputs_is_plausible_and_twice_its_peak_power_is_not() -> None:
    assert totals(path().advance([20_209_049 // 2] * 6, 500))
    assert not totals(path().advance([3 * 20_209_049] * 6, 500))


def test_unknown_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="3P3W"):
        BillingPath(ANALOG, 0, network="3P3W")


def test_other_scales_stay_exact() -> None:
    """Analog Devices' shield by its sketches' constants, 0.00408 V/A and 0.00125 V/V: 173.3 A, 565.7 V full scale."""
    analog = {"u_full_scale_uV": 565_685_425, "i_full_scale_nA": 173_310_485_585}
    billing = BillingPath(analog, 0)
    billing.reset_baseline([0] * 6)
    # hardware page: 1.34757 uWh per code
    assert billing.advance([1_000_000] * 6).p[0] == pytest.approx(1.34757 * 3600 * 1000, rel=5e-6)


def test_chip_setup_of_the_reference_design() -> None:
    setup = chip_setup(ANALOG, 50, 230, 2415, 6814)
    assert setup[chip.VLEVEL] == pytest.approx(3_520_879, rel=1e-5)  # hardware page A.9
    assert setup[chip.EGY_TIME] == 3999
    assert setup[chip.CFMODE] & 0x3F == 0x20 and setup[chip.COMPMODE] == 0x3F
    assert setup[chip.ACCMODE] == 0
    assert chip_setup(ANALOG, 60, 230, 2415, 6814)[chip.ACCMODE] == 0x100
    # a ninth of the start-up power: 64 codes of 0.40309 mW
    assert setup[chip.ACT_NL_LVL] == pytest.approx(64 * 2415 / 9 / 0.40309, rel=1e-3)


def test_random_intervals_keep_the_books_balanced() -> None:
    generator, billing, codes, sums = random.Random(7), path(50), [0] * 6, dict.fromkeys(TOTALS, 0)
    for _ in range(300):
        codes = [c + generator.randrange(-6_000_000, 6_000_000) for c in codes]
        increment = billing.advance(codes, 500)
        for name in TOTALS:
            assert getattr(increment, name) >= 0
            sums[name] += getattr(increment, name)
        assert not (increment.a_import and increment.a_export)
    assert sums["r_import"] == sums["r1"] + sums["r2"]
    assert sums["r_export"] == sums["r3"] + sums["r4"]
