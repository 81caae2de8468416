"""The whole meter in virtual time: what it counts and measures against what the mains fed, analytically."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.bench import Bench

LIMIT = 0.0002  # 0.02 %
SECONDS = 60  # a whole number of the chip's half-second intervals, so the energy between is exact


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(seed=3) as running:
        running.run(3)
        yield running


def energy(bench: Bench, seconds: float) -> dict[str, float]:
    """Ws, vars added to each total in `seconds`, a second after the load was set."""
    bench.run(2)
    before = bench.totals()
    bench.run(seconds)
    after = bench.totals()
    return {name: (after[name] - before[name]) / 1000 for name in after}


@pytest.mark.parametrize("phi", [60, -60, 120, -120])
def test_both_paths_are_within_the_limit_of_the_truth_and_agree(bench: Bench, phi: float) -> None:
    bench.source.set(u=230, i=5, phi=phi)
    truth = bench.source.truth()
    counted = energy(bench, SECONDS)
    active = counted["a_import"] - counted["a_export"]
    reactive = counted["r_import"] - counted["r_export"]
    apparent = truth.s_total * SECONDS
    assert active == pytest.approx(truth.p_total * SECONDS, rel=LIMIT)
    assert reactive == pytest.approx(truth.q_total * SECONDS, rel=LIMIT, abs=LIMIT * apparent)
    measured = bench.readout(6)
    p = 1000 * float(measured["16.7.0"].value.number)
    q = 1000 * float(measured["131.7.0"].value.number)
    assert p == pytest.approx(truth.p_total, rel=LIMIT)
    assert q == pytest.approx(truth.q_total, rel=LIMIT, abs=LIMIT * truth.s_total)
    assert p == pytest.approx(active / SECONDS, rel=LIMIT)
    assert q == pytest.approx(reactive / SECONDS, rel=LIMIT, abs=LIMIT * truth.s_total)


@pytest.mark.parametrize(
    ("phi", "active", "reactive", "quadrant", "apparent"),
    [
        (30, "a_import", "r_import", "r1", "s_import"),
        (150, "a_export", "r_import", "r2", "s_export"),
        (-150, "a_export", "r_export", "r3", "s_export"),
        (-30, "a_import", "r_export", "r4", "s_import"),
    ],
)
def test_energy_goes_to_its_quadrant_and_nowhere_else(
    bench: Bench, phi: float, active: str, reactive: str, quadrant: str, apparent: str
) -> None:
    bench.source.set(u=230, i=2, phi=phi)
    counted = energy(bench, 5)
    rows = {name + row for name in (active, reactive, quadrant, apparent) for row in ("", "_l1", "_l2", "_l3")}
    assert {name for name, amount in counted.items() if amount} == rows
    assert counted[reactive] == counted[quadrant]
    assert counted[apparent] == pytest.approx(3 * 230 * 2 * 5, rel=LIMIT)
    assert ("+P" in bench.lcd.symbols) == (active == "a_import")
    assert ("-P" in bench.lcd.symbols) == (active == "a_export")
    assert ("+Q" in bench.lcd.symbols) == (reactive == "r_import")
    assert ("-Q" in bench.lcd.symbols) == (reactive == "r_export")


def test_phases_add_up_as_vectors(bench: Bench) -> None:
    bench.source.set(u=230, i=(4, 2, 1), phi=(0, 180, 0))
    counted = energy(bench, 10)
    assert counted["a_import"] == pytest.approx(230 * (4 - 2 + 1) * 10, rel=LIMIT)
    assert counted["a_export"] == 0


def test_nothing_is_counted_without_current(bench: Bench) -> None:
    bench.source.set(u=230 * 1.15, i=0, phi=0)
    flashes = len(bench.leds.active)
    assert not any(energy(bench, 30).values())
    assert len(bench.leds.active) <= flashes + 1  # what the load before has left in the pulse counter
    assert not {"+P", "-P", "+Q", "-Q"} & bench.lcd.symbols


def test_led_flashes_stand_for_the_registers_energy(bench: Bench) -> None:
    bench.source.set(u=230, i=5, phi=60)
    bench.run(2)
    first = len(bench.leds.active), len(bench.leds.reactive)
    counted = energy(bench, SECONDS)
    active, reactive = bench.leds.active[first[0] :], bench.leds.reactive[first[1] :]
    for flashes, name in ((active, "a_import"), (reactive, "r_import")):
        rate = (len(flashes) - 1) / (flashes[-1] - flashes[0])  # imp/s over whole periods
        assert rate * 3600 * 1000 / (counted[name] / SECONDS) == pytest.approx(10_000, rel=LIMIT)


def test_display_rolls_through_the_totals_with_their_codes(bench: Bench) -> None:
    bench.source.set(u=(230, 0, 230), i=5, phi=30)
    seen = {}
    for _ in range(10 * 8 * 2):
        bench.run(0.5)
        seen[bench.lcd.index] = (bench.lcd.value, bench.lcd.unit)
    units = dict.fromkeys((1, 2), "kWh") | dict.fromkeys(range(3, 9), "kvarh") | dict.fromkeys((9, 10), "kVAh")
    assert seen.keys() == {f"{c}.8.0" for c in units}
    readout = bench.readout()
    for code, (value, unit) in seen.items():
        assert unit == readout[code].value.unit == units[int(code.split(".")[0])]
        assert len(value) == 9 and abs(float(value) - float(readout[code].value.number)) <= 0.1
    assert {"L1", "L3"} <= bench.lcd.symbols and "L2" not in bench.lcd.symbols


def test_the_readout_measures_each_phase(bench: Bench) -> None:
    bench.source.set(u=(225, 230, 235), i=(1, 2, 3), phi=(0, 30, -45), f=50.2)
    bench.run(3)
    truth = bench.source.truth()
    sets = bench.readout(6)
    for n, codes in enumerate((("32", "31", "36", "151"), ("52", "51", "56", "171"), ("72", "71", "76", "191"))):
        u, i, p, q = (float(sets[f"{c}.7.0"].value.number) for c in codes)
        assert u == pytest.approx(truth.u[n], abs=0.02)
        assert i == pytest.approx(truth.i[n], abs=0.001)
        assert 1000 * p == pytest.approx(truth.p[n], rel=LIMIT, abs=0.1)
        assert 1000 * q == pytest.approx(truth.q[n], rel=LIMIT, abs=0.1)
    assert float(sets["14.7.0"].value.number) == pytest.approx(50.2, abs=0.001)
