"""Billing path: scale, remainders, wrap, lock, summation, quadrants, apparent energy, implausible readings."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.metrology_signals import ANALOG, FULL_SCALE_I, FULL_SCALE_U
from meter.metrology.billing_path import BillingPath, Increment
from meter.metrology.energies import NAMES
from meter.metrology.networks import NETWORKS
from meter.metrology.scales import energy_ratio, square_root

# of one HI code at 50 Hz, by the data sheet's chain: full scale / code * 8192 samples / 8000 samples a second
MWS_PER_CODE = Fraction(707_813_886 * 11_785_113_020, 10**12) / 20_694_066 * Fraction(8192, 8000)
APPARENT = ("s_import", "s_export")


def totals(increment: Increment, row: int = 0) -> dict[str, int]:
    """What is counted without apparent energy, by name."""
    named = dict(zip(NAMES, increment.rows[row], strict=True))
    return {name: value for name, value in named.items() if value and name not in APPARENT}


def get(increment: Increment, name: str, row: int = 0) -> int:
    return increment.rows[row][NAMES.index(name)]


def path(start_mw: int = 0, start_mvar: int | None = None, network: str = "3P4W", **more: Any) -> BillingPath:
    billing = BillingPath(ANALOG, NETWORKS[network], start_mw, start_mw if start_mvar is None else start_mvar, **more)
    billing.reset_baseline([0] * len(billing.codes))
    return billing


def code(milli: float) -> int:
    """Accumulator steps of so many mWs."""
    return round(milli / float(MWS_PER_CODE))


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
        net += get(increment, "a_import") - get(increment, "a_export")
    for code, energy in zip(codes, counted, strict=True):
        assert 0 <= code * MWS_PER_CODE - energy < 1
    assert net == sum(counted[:3])


def test_the_smallest_power_arrives_in_the_end() -> None:
    """One code every interval, 0.41 mWs: most intervals count nothing, ten thousand count 4127 mWs."""
    billing, total = path(), 0
    for n in range(1, 10_001):
        total += get(billing.advance([n, 0, 0, 0, 0, 0]), "a_import")
    assert total == int(10_000 * MWS_PER_CODE) == 4127


@pytest.mark.parametrize("direction", [1, -1])
def test_accumulators_wrap(direction: int) -> None:
    billing = path()
    total, now = 0, direction * (2**31 - 5_000_000)
    billing.reset_baseline([now] + [0] * 5)
    for _ in range(3):
        now = (now + direction * 9_000_000 + 2**31) % 2**32 - 2**31  # as the driver gives them: signed
        increment = billing.advance([now] + [0] * 5)
        total += get(increment, "a_import") - get(increment, "a_export")
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


def test_start_up_lock_is_on_the_total_and_apart_for_p_and_q() -> None:
    below, above = 95, 105
    for p, q in ((below, below), (above, below), (below, above), (-below, -above), (-above, above)):
        billing = path(100)
        increment = billing.advance(interval(p, q))
        assert bool(get(increment, "a_import") or get(increment, "a_export")) == (abs(p) > 100)
        assert bool(get(increment, "r_import") or get(increment, "r_export")) == (abs(q) > 100)
        assert billing.p_sign == (abs(p) > 100) * (1 if p > 0 else -1)
        assert increment.p[0] != 0  # the phase's value is not locked
    assert totals(path(100, 200).advance(interval(150, 150))).keys() == {"a_import"}


def test_phases_that_cancel_out_are_locked() -> None:
    billing = path(1000)
    assert totals(billing.advance([5_000_000, -5_000_000, 0, 0, 0, 0])) == {}


def test_locked_energy_does_not_pile_up() -> None:
    billing, codes = path(100), [0] * 6
    for _ in range(1000):
        codes = [c + n for c, n in zip(codes, interval(90, 90), strict=True)]
        assert totals(billing.advance(codes)) == {}
    codes = [c + n for c, n in zip(codes, interval(200, 0), strict=True)]
    assert get(billing.advance(codes), "a_import") == pytest.approx(100, abs=1)


@pytest.mark.parametrize("elapsed_ms", [300, 500, 740])
def test_a_late_reading_does_not_shift_the_lock(elapsed_ms: int) -> None:
    """The chip brings 500 ms of energy whether it is read a little early or late."""
    assert totals(path(100).advance(interval(110, 0), elapsed_ms)).keys() == {"a_import"}
    assert totals(path(100).advance(interval(90, 0), elapsed_ms)) == {}
    assert totals(path(100).advance(interval(110, 0, 10_000), 10_100)).keys() == {"a_import"}
    assert totals(path(100).advance(interval(90, 0, 10_000), 9_900)) == {}


def test_the_first_reading_after_a_start_is_the_baseline() -> None:
    billing = BillingPath(ANALOG, NETWORKS["3P4W"], 0, 0)
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
    assert (billing.rejected, billing.new_beginnings) == (2, 0)
    increment = billing.advance([4 * good] * 6, 500)
    assert increment.p == [int(4 * good * MWS_PER_CODE) - int(good * MWS_PER_CODE)] * 3


def test_readings_that_stay_impossible_are_a_new_baseline() -> None:
    billing = path()
    for n in range(3):
        assert totals(billing.advance([0x6000_0000 + n] * 6, 500)) == {}
    assert (billing.rejected, billing.new_beginnings) == (3, 1)
    assert billing.advance([0x6000_0002 + 1_000_000] * 6, 500).p == [int(1_000_000 * MWS_PER_CODE)] * 3


def test_full_scale_at_both_inputs_is_plausible_and_twice_its_peak_power_is_not() -> None:
    assert totals(path().advance([20_209_049 // 2] * 6, 500))
    assert not totals(path().advance([3 * 20_209_049] * 6, 500))


def test_other_scales_stay_exact() -> None:
    """Analog Devices' shield by its sketches' constants, 0.00408 V/A and 0.00125 V/V: 173.3 A, 565.7 V full scale."""
    analog = {"u_full_scale_uV": 565_685_425, "i_full_scale_nA": 173_310_485_585}
    billing = BillingPath(analog, NETWORKS["3P4W"], 0, 0)
    billing.reset_baseline([0] * 6)
    # hardware page: 1.34757 uWh per code
    assert billing.advance([1_000_000] * 6).p[0] == pytest.approx(1.34757 * 3600 * 1000, rel=5e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    network=st.sampled_from(list(NETWORKS)),
    summation=st.sampled_from(["vector", "absolute", "separate"]),
    apparent=st.sampled_from(["vector", "rms"]),
)
def test_the_books_balance_in_every_network_and_mode(seed: int, network: str, summation: str, apparent: str) -> None:
    """Increments add up to the floor of what the accumulators hold; directions and quadrants to each other."""
    generator = random.Random(seed)
    billing = path(network=network, summation=summation, apparent=apparent)
    signed = summation == "vector" or network == "3P3W"
    codes = [0] * len(billing.codes)
    counted = [0] * len(codes)
    rows, apparent_unlocked = [[0] * len(NAMES) for _ in range(4)], [0] * 3
    for _ in range(40):
        negative = generator.randrange(64)
        for n in range(len(codes)):
            step = generator.randrange(6_000_000) >> generator.randrange(23)
            codes[n] += -step if signed and n < 6 and generator.random() < 0.5 else step
        increment = billing.advance(codes, 500, negative)
        for n, amount in enumerate([*increment.p, *increment.q, *increment.s][: len(codes)]):
            counted[n] += amount if signed else abs(amount)
        if billing.p_sign or billing.q_sign:
            apparent_unlocked = [a + b for a, b in zip(apparent_unlocked, increment.s, strict=True)]
        for row, found in zip(rows, increment.rows, strict=True):
            assert min(found) >= 0
            row[:] = [a + b for a, b in zip(row, found, strict=True)]
    for held, energy in zip(codes, counted, strict=True):
        assert energy == math.floor(held * MWS_PER_CODE)
    for row in rows:
        a_import, a_export, r_import, r_export, r1, r2, r3, r4, _, _ = row
        assert (r_import, r_export) == (r1 + r2, r3 + r4)
    elements, phases = billing._network.elements, billing._network.phases
    net_p, net_q = rows[0][0] - rows[0][1], rows[0][2] - rows[0][3]
    if signed:
        assert (net_p, net_q) == (sum(counted[n] for n in elements), sum(counted[3 + n] for n in elements))
    else:
        assert rows[0][0] + rows[0][1] == sum(counted[n] for n in elements)
        assert rows[0][2] + rows[0][3] == sum(counted[3 + n] for n in elements)
    for n in range(3):
        if n not in phases:
            assert not any(rows[1 + n])
        else:
            assert rows[1 + n][8] + rows[1 + n][9] == apparent_unlocked[n]


# --- summation: facts page 5.4, +10, -4, +2 kW ------------------------------------------------------------------------

KW = (10, -4, 2)
KVAR = (3, -2, -1)
EXAMPLE = [code(kilo * 1e6 / 2) for kilo in KW + KVAR]
NEGATIVE = 0b110010


def kilowatts(increment: Increment, row: int = 0) -> dict[str, float]:
    return {name: round(value * 2 / 1e6, 3) for name, value in totals(increment, row).items()}


@pytest.mark.parametrize(
    ("summation", "expected", "signs"),
    [
        ("vector", {"a_import": 8, "r_import": 0, "r1": 0}, (1, 0)),
        ("absolute", {"a_import": 16, "r_import": 6, "r1": 6}, (1, 1)),
        ("separate", {"a_import": 12, "a_export": 4, "r_import": 3, "r_export": 3, "r1": 3, "r3": 2, "r4": 1}, (1, 1)),
    ],
)
def test_summation_modes(summation: str, expected: dict[str, float], signs: tuple[int, int]) -> None:
    billing = path(1000, summation=summation)
    absolute = summation != "vector"
    increment = billing.advance([abs(c) if absolute else c for c in EXAMPLE], 500, NEGATIVE)
    assert kilowatts(increment) == {name: value for name, value in expected.items() if value}
    assert (billing.p_sign, billing.q_sign) == signs
    assert [round(p * 2 / 1e6, 5) for p in increment.p] == list(KW)
    assert [round(q * 2 / 1e6, 5) for q in increment.q] == list(KVAR)
    # a phase's own energy has its own direction in every mode; in vector mode the total locks its reactive part
    reactive = [{}, {}, {}] if not absolute else [{"r1": 3, "r_import": 3}, {"r3": 2, "r_export": 2}, {"r4": 1}]
    if absolute:
        reactive[2]["r_export"] = 1
    active: list[dict[str, float]] = [{"a_import": 10}, {"a_export": 4}, {"a_import": 2}]
    assert [kilowatts(increment, 1 + n) for n in range(3)] == [
        {**a, **r} for a, r in zip(active, reactive, strict=True)
    ]


@pytest.mark.parametrize(
    ("summation", "s_import", "s_export"),
    [
        ("vector", math.hypot(8, 0), 0),
        ("absolute", math.hypot(16, 6), 0),
        ("separate", math.hypot(12, 3 - 1), math.hypot(4, 2)),
    ],
)
def test_apparent_energy_follows_the_totals_of_its_direction(summation: str, s_import: float, s_export: float) -> None:
    billing = path(1000, summation=summation)
    codes = EXAMPLE if summation == "vector" else [abs(c) for c in EXAMPLE]
    increment = billing.advance(codes, 500, NEGATIVE)
    assert get(increment, "s_import") * 2 / 1e6 == pytest.approx(s_import, abs=1e-5)
    assert get(increment, "s_export") * 2 / 1e6 == pytest.approx(s_export, abs=1e-5)
    for n in range(3):
        name = APPARENT[KW[n] < 0]
        assert get(increment, name, 1 + n) * 2 / 1e6 == pytest.approx(math.hypot(KW[n], KVAR[n]), abs=1e-5)


@pytest.mark.parametrize(
    ("summation", "s_import", "s_export"), [("vector", 18, 0), ("absolute", 18, 0), ("separate", 13, 5)]
)
def test_apparent_energy_by_rms_is_the_sum_of_the_phases(summation: str, s_import: float, s_export: float) -> None:
    billing = path(1000, summation=summation, apparent="rms")
    codes = EXAMPLE if summation == "vector" else [abs(c) for c in EXAMPLE]
    increment = billing.advance(codes + [code(kilo * 1e6 / 2) for kilo in (11, 5, 2)], 500, NEGATIVE)
    assert get(increment, "s_import") * 2 / 1e6 == pytest.approx(s_import, abs=1e-5)
    assert get(increment, "s_export") * 2 / 1e6 == pytest.approx(s_export, abs=1e-5)


def test_three_wires_know_only_the_vector_sum() -> None:
    """Aron at a power factor of 0.26: one element runs backwards, and nothing is wrong with that."""
    billing = path(network="3P3W", summation="absolute", apparent="rms")
    assert len(billing.codes) == 6
    increment = billing.advance([code(1e6), 777, code(-4e5), code(9e5), 777, code(1e6)], 500, 0b111111)
    assert get(increment, "a_import") == pytest.approx(6e5, abs=2)
    assert get(increment, "r_import") == pytest.approx(1.9e6, abs=2)
    assert get(increment, "s_import") == pytest.approx(math.hypot(6e5, 1.9e6), abs=3)
    assert not any(any(row) for row in increment.rows[1:])


@pytest.mark.parametrize(("network", "elements"), [("1P2W", 1), ("2P3W", 2), ("3P4W", 3)])
def test_elements_that_are_not_connected_do_not_count(network: str, elements: int) -> None:
    increment = path(network=network).advance([code(1e6)] * 6)
    assert get(increment, "a_import") == pytest.approx(elements * 1e6, abs=3)
    assert [bool(get(increment, "a_import", 1 + n)) for n in range(3)] == [n < elements for n in range(3)]


def test_a_meter_without_reactive_counts_active_energy_only() -> None:
    billing = path(100, reactive=False, apparent="rms")
    increment = billing.advance(EXAMPLE, 500)
    assert [sum(1 for amount in row if amount) for row in increment.rows] == [1, 1, 1, 1]
    assert billing.q_sign == 0 and len(billing.codes) == 6
    assert any(increment.q)  # there for the audit


# --- apparent energy --------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**130))
def test_square_root(n: int) -> None:
    assert square_root(n) == math.isqrt(n)
    assert square_root(n * n) == n


@pytest.mark.parametrize(("p", "q"), [(29.0, 0.0), (14.5, 25.1), (-20.3, -21.0), (0.0, 38.0)])
def test_a_small_apparent_energy_has_no_bias(p: float, q: float) -> None:
    """mWs an interval in each phase, 29 is the starting current of 1 A at 57.7 V: the accumulators step by 0.4 mWs."""
    billing, counted, intervals = path(), [0] * 4, 20_000
    for n in range(1, intervals + 1):
        codes = [math.floor(n * x / float(MWS_PER_CODE) + k / 7) for k, x in enumerate([p, p, p, q, q, q])]
        increment = billing.advance(codes)
        for row in range(4):
            counted[row] += sum(increment.rows[row][8:])
    assert counted[0] == pytest.approx(3 * math.hypot(p, q) * intervals, rel=2e-5)
    # what is left: the accumulators' steps of one code are a noise, and the root of a noisy sum is a little large
    assert counted[1:] == pytest.approx([math.hypot(p, q) * intervals] * 3, rel=5e-5)


def test_apparent_energy_is_locked_only_with_both_others_and_then_is_whole() -> None:
    """S of a load whose Q alone is below its lock still has Q in it."""
    increment = path(100, 200).advance(interval(150, 190))
    assert totals(increment).keys() == {"a_import"}
    assert get(increment, "s_import") == pytest.approx(math.hypot(150, 190) / 2, abs=1.5)
    assert get(path(100, 200).advance(interval(95, 190)), "s_import") == 0


# --- energies from elsewhere ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("summation", ["vector", "absolute", "separate"])
def test_substituted_energies_are_booked_alike(summation: str) -> None:
    p, q = [kilo * 500_000 for kilo in KW], [kilo * 500_000 for kilo in KVAR]
    billing = path(1000, summation=summation)
    increment = billing.substitute(p, q, 500)
    found, signs = [list(row) for row in increment.rows], (billing.p_sign, billing.q_sign)
    assert (increment.p, increment.q) == (p, q)
    twin = path(1000, summation=summation)
    codes = EXAMPLE if summation == "vector" else [abs(c) for c in EXAMPLE]
    wanted = twin.advance(codes, 500, NEGATIVE).rows
    assert [n for row in found for n in row] == pytest.approx([n for row in wanted for n in row], abs=3)
    assert signs == (twin.p_sign, twin.q_sign)


def test_substituted_energies_are_locked_alike_and_take_the_place_of_one_reading() -> None:
    billing = path(100)
    first = billing.advance([code(1e6)] * 6, 500)
    assert billing.substitute([45, 0, 0], [0, 0, -55], 500) is first
    assert totals(first).keys() == {"r_export", "r4"} and billing.p_sign == 0
    assert billing.advance([code(1e6) + 1000] * 6, 500).p[0] in (412, 413)
