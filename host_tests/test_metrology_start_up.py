"""The start-up lock: where it lies, what it does to registers and LEDs on the chip model, and no load."""

from __future__ import annotations

import math
from typing import Any

import pytest

from host_tests.billing_bench import CLASS_05S, CLASS_1, BillingBench, mains
from meter.metrology.networks import NETWORKS
from meter.metrology.start_up import start_powers
from meter.type_code import TypeCode
from tools.bench.ade9000 import ChannelError

# SNR 101 dB below a full-scale sine (data sheet, table 1), and a DC offset of 1 mV
NOISE = {
    "errors": {
        row: ChannelError(noise=math.sqrt(0.5) * 10 ** (-101 / 20), offset=0.001)
        for row in ("IA", "VA", "IB", "VB", "IC", "VC")
    }
}


@pytest.mark.parametrize(
    ("designation", "network", "un", "in_ma", "active", "reactive"),
    [
        # total power in W and var at the start of 0.1 / 0.2 / 0.3 % of In, times 0.65
        ("ZMG405CR4.260b.43", "3P4W", 230, 5000, 3 * 230 * 0.005, 3 * 230 * 0.010),
        ("ZMG410CR4.260b.43", "3P4W", 230, 5000, 3 * 230 * 0.010, 3 * 230 * 0.015),
        ("ZMG405CR4.260b.43", "1P2W", 230, 1000, 230 * 0.001, 230 * 0.002),
        ("ZMG405CR4.260b.43", "2P3W", 230, 5000, 2 * 230 * 0.005, 2 * 230 * 0.010),
        ("ZMG410CR4.260b.43", "3P3W", 100, 5000, math.sqrt(3) * 100 * 0.010, math.sqrt(3) * 100 * 0.015),
        ("ZMG405CR4.260b.43", "3P4W", 58, 1000, 3 * 58 * 0.001, 3 * 58 * 0.002),
    ],
)
def test_start_powers(designation: str, network: str, un: int, in_ma: int, active: float, reactive: float) -> None:
    found = start_powers(TypeCode(designation), NETWORKS[network], un, in_ma)
    assert found == (pytest.approx(650 * active, rel=2e-3, abs=1), pytest.approx(650 * reactive, rel=2e-3, abs=1))
    assert all(isinstance(power, int) for power in found)


def test_a_meter_without_reactive_energy_has_a_lock_too() -> None:
    assert start_powers(TypeCode("ZMG405AR4.260b.43"), NETWORKS["3P4W"], 230, 5000)[0] == 2242


def loaded(percent: float, phi: float, type_code: Any, network: str = "3P4W", **more: Any) -> BillingBench:
    """A meter for 5 A on so many per cent of In."""
    nominal_v = 400 if network == "3P3W" else 230
    star = nominal_v / math.sqrt(3) if network == "3P3W" else nominal_v
    source = mains(network, u=star, i=5 * percent / 100, phi=phi)
    return BillingBench(source, type_code, nominal_v, settle=4.0, chip=NOISE, **more)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("type_code", "starts"), [(CLASS_05S, 0.07), (CLASS_1, 0.14)])
@pytest.mark.parametrize("phi", [0.0, 180.0])
def test_active_energy_starts_where_the_data_sheet_says(
    network: str, type_code: Any, starts: float, phi: float
) -> None:
    bench = loaded(starts, phi, type_code, network)
    counted = bench.count(20)
    truth = bench.source.truth()
    assert counted.signs == {(1 if phi == 0 else -1, 0)}
    assert counted.rows[0]["a_import" if phi == 0 else "a_export"] == pytest.approx(abs(truth.p_total), rel=0.01)
    assert counted.rows[0]["s_import" if phi == 0 else "s_export"] == pytest.approx(abs(truth.p_total), rel=0.01)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("type_code", "silent"), [(CLASS_05S, 0.0625), (CLASS_1, 0.125)])
def test_nothing_counts_or_flashes_just_below_the_lock(network: str, type_code: Any, silent: float) -> None:
    bench = loaded(silent, 0.0, type_code, network, led_constant=100_000)
    counted = bench.count(60)
    assert all(not any(row.values()) for row in counted.rows)
    assert counted.signs == {(0, 0)}
    assert bench.chip.cf_counts[:2] == [0, 0]
    # without the lock the LED would have flashed: it is not the load that is too small
    assert sum(counted.p[n] for n in bench.network.elements) * counted.seconds / bench.flash_ws > 1


@pytest.mark.parametrize("phi", [90.0, -90.0])
@pytest.mark.parametrize(("type_code", "starts"), [(CLASS_05S, 0.14), (CLASS_1, 0.21)])
def test_reactive_energy_starts_at_its_own_power(type_code: Any, starts: float, phi: float) -> None:
    bench = loaded(starts, phi, type_code)
    counted = bench.count(20)
    assert counted.signs == {(0, 1 if phi > 0 else -1)}
    assert counted.rows[0]["r_import" if phi > 0 else "r_export"] == pytest.approx(3 * 230 * starts * 0.05, rel=0.01)
    assert counted.rows[0]["r1" if phi > 0 else "r4"] > 0
    silent = loaded(starts * 0.89, phi, type_code)
    assert silent.count(20).total == {}


@pytest.mark.parametrize("summation", ["vector", "absolute", "separate"])
def test_the_lock_and_the_leds_go_together_as_the_load_comes_and_goes(summation: str) -> None:
    bench = loaded(0.05, 30.0, CLASS_05S, summation=summation, led_constant=100_000)
    seen, flashes, energy = [], 0, 0.0
    for percent in (0.05, 1.0, 0.05, 20.0, 0.0, 0.09, 0.05):
        bench.source.set(i=5 * percent / 100, t_ns=bench.wires.t_ns)
        bench.count(2)  # the low pass
        counted = bench.count(10)
        seen.append((counted.rows[0]["a_import"] > 0, counted.flashes[0] > 0))
        flashes += counted.flashes[0]
        energy += counted.rows[0]["a_import"] * counted.seconds
        assert counted.flashes[0] * bench.flash_ws == pytest.approx(
            counted.rows[0]["a_import"] * counted.seconds, abs=1.05 * bench.flash_ws
        )
    # at 0.09 % the 27 Ws of 10 s are less than one flash of 36 Ws
    assert [counts for counts, _ in seen] == [False, True, False, True, False, True, False]
    assert [flashed for _, flashed in seen][:5] == [False, True, False, True, False]
    # not more than a fraction of a flash is lost or won at each crossing of the lock
    assert flashes * bench.flash_ws == pytest.approx(energy, abs=4 * bench.flash_ws)


def test_no_load_at_115_percent_of_the_voltage() -> None:
    """Facts page 4.6: at most one flash in 14.5 minutes for 10 000 imp/kWh, 3 x 230 V, 6 A; here there is none."""
    source = mains(u=1.15 * 230, i=0)
    for summation, minutes in (("vector", 14.5), ("absolute", 2)):
        bench = BillingBench(source, CLASS_05S, nominal_ma=1000, settle=4.0, chip=NOISE, summation=summation)
        counted = bench.count(minutes * 60)
        assert all(not any(row.values()) for row in counted.rows)
        assert counted.flashes == (0, 0)


def test_phases_that_cancel_out_are_locked_in_vector_summation_only() -> None:
    """Import in L1, the same export in L2: the total is below the lock, and so are the LED and the phases."""
    source = mains(i=(2, 2, 0), phi=(0, 180, 0))
    vector = BillingBench(source).count(20)
    assert all(not any(row.values()) for row in vector.rows) and vector.flashes[0] == 0
    separate = BillingBench(source, summation="separate").count(20)
    assert separate.total["a_import"] == separate.total["a_export"] == pytest.approx(460, rel=5e-5)
    assert separate.flashes[0] > 0
