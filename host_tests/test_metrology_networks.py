"""Energies of the billing path behind the shipping driver on the chip model: networks, loads, summation, LEDs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from drivers import ade9000_registers as chip
from host_tests.billing_bench import BillingBench, Counted, mains
from host_tests.metrology_signals import ANALOG
from meter.metrology.front_end import chip_setup
from meter.metrology.networks import NETWORKS

LIMIT = 5e-5  # of the apparent power: what the firmware may add to the error of an ideal chip
# V between phases in three-wire networks, else phase to neutral
NOMINAL_V = {"1P2W": 230, "2P3W": 230, "3P4W": 230, "3P3W": 400}


def load(network: str, **setting: Any) -> BillingBench:
    """A meter for `network` at its nominal voltage on a load."""
    nominal_v = NOMINAL_V[network]
    star = nominal_v / math.sqrt(3) if network == "3P3W" else nominal_v
    billing = {key: setting.pop(key) for key in ("summation", "apparent", "reactive") if key in setting}
    return BillingBench(mains(network, **{"u": star, "i": 5, **setting}), nominal_v=nominal_v, **billing)


def by_direction(p: float, q: float) -> dict[str, float]:
    """What vector summation counts of a total P and Q, without apparent power."""
    quadrant = ("r1" if p >= 0 else "r2") if q >= 0 else ("r4" if p >= 0 else "r3")
    named = {"a_import" if p >= 0 else "a_export": abs(p), "r_import" if q >= 0 else "r_export": abs(q)}
    return {**named, quadrant: abs(q)}


def close(found: dict[str, float], wanted: dict[str, float], scale: float, seconds: float) -> None:
    """`found` is `wanted` to LIMIT of `scale` and a few whole mWs."""
    limit = LIMIT * scale + 0.004 / seconds
    for name in found.keys() | wanted.keys():
        assert found.get(name, 0.0) == pytest.approx(wanted.get(name, 0.0), abs=limit), name


def flashes_agree(bench: BillingBench, counted: Counted) -> None:
    """Both LEDs have flashed what the total registers have counted, but for the flash that is under way."""
    active = (counted.rows[0]["a_import"] + counted.rows[0]["a_export"]) * counted.seconds / bench.flash_ws
    reactive = (counted.rows[0]["r_import"] + counted.rows[0]["r_export"]) * counted.seconds / bench.flash_ws
    assert counted.flashes[0] == pytest.approx(active, abs=1.01)
    assert counted.flashes[1] == pytest.approx(reactive, abs=1.01)


LOADS = {
    "pf 1": {"phi": 0},
    "pf 0.5 ind": {"phi": 60},
    "pf 0.8 cap": {"phi": -36.8698976},
    "export": {"phi": 180},
    "export, quadrant II": {"phi": 120},
    "export, quadrant III": {"phi": 200},
    "unbalanced": {"i": (5, 2, 0.7), "phi": (10, 60, -30)},
    "L1 only": {"i": (5, 0, 0), "phi": 25},
    "L2 only": {"i": (0, 5, 0), "phi": 25},
    "L3 only": {"i": (0, 0, 5), "phi": 25},
    "0.01 In": {"i": 0.05, "phi": 0},
    "Imax": {"i": 10, "phi": 60},
}


@pytest.mark.parametrize("setting", LOADS.values(), ids=LOADS.keys())
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_counts_what_the_source_gives(network: str, setting: dict[str, Any]) -> None:
    bench = load(network, **setting)
    counted, truth = bench.count(4), bench.source.truth()
    scale = math.hypot(truth.p_total, truth.q_total)
    if scale < 1:  # nothing is connected there
        assert counted.total == {}
        return
    p, q = truth.p_total, truth.q_total
    wanted = by_direction(p, q if abs(q) > 1e-6 * scale else 0.0)
    wanted["s_import" if p >= 0 else "s_export"] = scale
    close(counted.total, wanted, scale, counted.seconds)
    for n in range(3):
        if n in bench.network.phases:
            p, q, s = truth.p[n], truth.q[n], math.hypot(truth.p[n], truth.q[n])
            wanted = by_direction(p, q) | {"s_import" if p >= 0 else "s_export": s}
            close(counted.phase(n), wanted, max(s, 1), counted.seconds)
        else:
            assert counted.phase(n) == {}
    flashes_agree(bench, counted)


@pytest.mark.parametrize("network", NETWORKS)
def test_sixty_hertz(network: str) -> None:
    nominal_v = NOMINAL_V[network]
    star = nominal_v / math.sqrt(3) if network == "3P3W" else nominal_v
    source = mains(network, u=star, i=5, phi=60, f=60.0)
    counted = BillingBench(source, nominal_v=nominal_v, nominal_hz=60, apparent="rms").count(4)
    truth = source.truth()
    assert counted.total["a_import"] == pytest.approx(truth.p_total, rel=2 * LIMIT)
    assert counted.total["r_import"] == pytest.approx(truth.q_total, rel=LIMIT)
    assert counted.total["s_import"] == pytest.approx(truth.s_total, rel=LIMIT)


@pytest.mark.parametrize(("phi", "zero", "sign"), [(60.0, 0, 0), (-60.0, 2, 0), (60.5, 0, -1), (-60.5, 2, -1)])
def test_aron_where_one_element_is_zero_or_runs_backwards(phi: float, zero: int, sign: int) -> None:
    """30 degrees lie between U12 and U1: at pf 0.5 one of the two wattmeters stands still."""
    bench = load("3P3W", phi=phi)
    counted, truth = bench.count(10), bench.source.truth()
    s = math.sqrt(3) * 400 * 5
    element = 400 * 5 * math.cos(math.radians(abs(phi) + 30))
    assert counted.p[zero] == pytest.approx(element, abs=LIMIT * s)
    assert (counted.p[zero] < -1) == (sign < 0)
    assert truth.p_total == pytest.approx(s * math.cos(math.radians(phi)))
    assert counted.total["a_import"] == pytest.approx(truth.p_total, abs=LIMIT * s)
    assert counted.total["r_import" if phi > 0 else "r_export"] == pytest.approx(abs(truth.q_total), abs=LIMIT * s)
    assert counted.total["s_import"] == pytest.approx(s, rel=LIMIT)
    flashes_agree(bench, counted)


# --- summation --------------------------------------------------------------------------------------------------------

# facts page 5.4, a fifth of it so that the currents are a meter's: +2, -0.8, +0.4 kW
CURRENTS = (2000 / 230, 800 / 230, 400 / 230)


@pytest.mark.parametrize(
    ("summation", "expected"),
    [
        ("vector", {"a_import": 1600}),
        ("absolute", {"a_import": 3200}),
        ("separate", {"a_import": 2400, "a_export": 800}),
    ],
)
def test_one_reversed_transformer(summation: str, expected: dict[str, float]) -> None:
    bench = load("3P4W", i=CURRENTS, phi=(0, 180, 0), summation=summation)
    counted = bench.count(30)
    found = {name: value for name, value in counted.total.items() if name[0] == "a"}
    assert found == {name: pytest.approx(value, rel=LIMIT) for name, value in expected.items()}
    assert counted.p == pytest.approx([2000, -800, 400], rel=LIMIT)
    assert counted.phase(1)["a_export"] == pytest.approx(800, rel=LIMIT)
    flashes_agree(bench, counted)


@pytest.mark.parametrize("summation", ["vector", "absolute", "separate"])
@pytest.mark.parametrize("network", NETWORKS)
def test_leds_agree_with_the_registers_in_every_mode(network: str, summation: str) -> None:
    """Each phase in a quadrant of its own."""
    bench = load(network, i=(5, 4, 3), phi=(30, 150, -50), summation=summation)
    counted = bench.count(60)
    assert min(counted.flashes) > 20
    flashes_agree(bench, counted)


def test_directions_that_change_are_told_interval_by_interval() -> None:
    """Separate sums of a phase that turns round every four seconds, on the chip's own interval."""
    bench = load("3P4W", i=(5, 0, 0), phi=0, summation="separate")
    total = {"a_import": 0.0, "a_export": 0.0}
    for n in range(10):
        bench.source.set(phi=180 * (n % 2), t_ns=bench.wires.t_ns)
        counted = bench.count(4)
        for name in total:
            total[name] += counted.rows[0][name] * 4
    # what lies before and after the zero crossing within one interval is one direction's, and the low pass takes 0.2 s
    assert total["a_import"] == pytest.approx(20 * 1150, rel=0.04)
    assert total["a_export"] == pytest.approx(20 * 1150, rel=0.04)


def test_absolute_summation_of_a_purely_reactive_load_counts_next_to_no_active_energy() -> None:
    """The chip's low pass leaves -64 dB of the 100 Hz in a phase's power; its absolute value is 0.04 % of S at most."""
    bench = load("3P4W", i=10, phi=90, summation="absolute")
    counted = bench.count(10)
    assert counted.rows[0]["a_import"] < 0.0005 * 3 * 2300
    assert counted.total["r_import"] == pytest.approx(3 * 2300, rel=LIMIT)


# --- apparent energy --------------------------------------------------------------------------------------------------

FIFTH = {"u": {5: (0.1, 0.0)}, "i": {5: (0.4, 0.0)}}


def test_apparent_by_rms_has_the_harmonics_and_by_vector_has_not_all() -> None:
    rms = load("3P4W", phi=0, harmonics=FIFTH, apparent="rms").count(4).total["s_import"]
    vector = load("3P4W", phi=0, harmonics=FIFTH).count(4).total["s_import"]
    # the filters stand 0.001 % low and the high pass 0.03 % high at the fifth, which is 16 % of I squared
    assert rms == pytest.approx(3 * 1150 * math.sqrt(1.01 * 1.16), rel=1e-4)
    assert vector == pytest.approx(3 * 1150 * 1.04, rel=LIMIT)
    assert rms > vector


@pytest.mark.parametrize("phi", [0.0, 60.0, 120.0])
@pytest.mark.parametrize(("i", "seconds"), [(0.02, 60), (0.05, 10), (5, 4)])
def test_both_methods_agree_with_u_times_i(phi: float, i: float, seconds: float) -> None:
    name = "s_import" if phi < 90 else "s_export"
    for apparent in ("vector", "rms"):
        counted = load("3P4W", i=i, phi=phi, apparent=apparent).count(seconds)
        limit = LIMIT * 3 * 230 * i + 0.003 / seconds
        assert counted.total[name] == pytest.approx(3 * 230 * i, abs=limit)
        for n in range(3):
            assert counted.phase(n)[name] == pytest.approx(230 * i, abs=limit)


def test_vector_apparent_of_an_unbalanced_load_is_smaller_than_the_sum_of_the_phases() -> None:
    setting: dict[str, Any] = {"i": (5, 5, 0), "phi": (60, -60, 0)}
    vector = load("3P4W", **setting).count(4)
    rms = load("3P4W", **setting, apparent="rms").count(4)
    assert vector.total["s_import"] == pytest.approx(1150, rel=LIMIT)
    assert rms.total["s_import"] == pytest.approx(2 * 1150, rel=LIMIT)


def test_a_meter_for_active_energy_keeps_its_reactive_led_dark() -> None:
    bench = load("3P4W", phi=60, reactive=False)
    counted = bench.count(10)
    assert counted.total == {"a_import": pytest.approx(3 * 575, rel=LIMIT)}
    assert counted.flashes[1] == 0 and counted.flashes[0] > 40


# --- settings ---------------------------------------------------------------------------------------------------------


def test_chip_setup_of_the_reference_design() -> None:
    setup = chip_setup(ANALOG, NETWORKS["3P4W"], 50, 230, 6814)
    assert setup[chip.VLEVEL] == pytest.approx(3_520_879, rel=1e-5)  # hardware page A.9
    assert setup[chip.EGY_TIME] == setup[chip.PWR_TIME] == 3999
    assert setup[chip.CFMODE] == 0xF020 and setup[chip.COMPMODE] == 0x3F
    assert setup[chip.ACCMODE] == 0
    assert setup[chip.EP_CFG] == 0xE081  # hardware page A.6: NOLOAD_TMR 7, sign of the fundamental var, on
    assert chip_setup(ANALOG, NETWORKS["3P4W"], 60, 230, 6814)[chip.ACCMODE] == 0x100


@pytest.mark.parametrize(
    ("network", "summation", "accmode", "compmode"),
    [
        ("3P4W", "absolute", 0x05, 0o77),
        ("3P4W", "separate", 0x05, 0o77),
        ("2P3W", "vector", 0x00, 0o33),
        ("1P2W", "absolute", 0x05, 0o11),
        ("3P3W", "vector", 0x90, 0o55),
        ("3P3W", "absolute", 0x90, 0o55),
    ],
)
def test_chip_setup_by_network_and_summation(network: str, summation: str, accmode: int, compmode: int) -> None:
    """Hardware page A.6: ACCMODE 7 ICONSEL, 6:4 VCONSEL 1 three-wire delta, 3:2 VARACC, 1:0 WATTACC, 1 = absolute."""
    setup = chip_setup(ANALOG, NETWORKS[network], 50, 230, 6814, summation)
    assert (setup[chip.ACCMODE], setup[chip.COMPMODE]) == (accmode, compmode)
