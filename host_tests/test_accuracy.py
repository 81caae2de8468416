"""The accuracy report's own parts: truth, limits, points, what is said of a figure that does not hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.accuracy import measure, points, report, truth
from tools.accuracy.curves import error_curves
from tools.accuracy.meters import NETWORKS, RATINGS, Meter, fleet
from tools.accuracy.pulse_tests import no_load_seconds
from tools.accuracy.results import Row, failures, not_done, row, summary
from tools.accuracy.standards import ACTIVE_05S, ACTIVE_1, REACTIVE_1, REACTIVE_2, STANDARDS, TYPES
from tools.accuracy.truth import Setpoint
from tools.bench import Bench

TYPE_05S, TYPE_1 = TYPES
METER = Meter(TYPE_05S, "3P4W", RATINGS["3P4W"][0], None)

volts = st.tuples(*[st.floats(0, 300)] * 3)
amperes = st.tuples(*[st.floats(0, 10)] * 3)
degrees = st.tuples(*[st.floats(-180, 180)] * 3)
spectra = st.dictionaries(st.sampled_from([2, 3, 5, 7, 11]), st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)))
setpoints = st.builds(Setpoint, volts, amperes, degrees, reversed_sequence=st.booleans(), harmonics=spectra)


@pytest.mark.parametrize("network", NETWORKS)
def test_truth_agrees_with_the_phasors_of_the_source(network: str) -> None:
    """Two computations that share nothing: real trigonometry here, complex phasors there."""
    bench = Bench(network=network)

    @settings(max_examples=100, deadline=None)
    @given(setpoints)
    def check(setpoint: Setpoint) -> None:
        measure.apply(bench, setpoint)
        expected = bench.source.truth()
        assert truth.power(setpoint, network, "active") == pytest.approx(expected.p_total, rel=1e-9, abs=1e-6)
        assert truth.power(setpoint, network, "reactive") == pytest.approx(expected.q_total, rel=1e-9, abs=1e-6)

    check()


def test_truth_of_textbook_cases() -> None:
    assert truth.power(METER.balanced(1, 60), "3P4W", "active") == pytest.approx(3 * 230 * 5 / 2)
    assert truth.power(METER.balanced(1, 30), "3P4W", "reactive") == pytest.approx(3 * 230 * 5 / 2)
    aron = Meter(TYPE_05S, "3P3W", RATINGS["3P3W"][0], None)
    assert truth.power(aron.balanced(1, 0), "3P3W", "active") == pytest.approx(3**0.5 * 400 * 5)
    # one element alone, between two phases: its own power factor
    assert truth.power(aron.one_phase(0, 1, 60), "3P3W", "active") == pytest.approx(400 * 5 / 2)
    assert truth.power(aron.one_phase(2, 1, 60), "3P3W", "active") == pytest.approx(400 * 5 / 2)
    # 10 % fifth harmonic in U, 40 % in I, in phase: 4 % more power (IEC 62053-22, 8.2.2)
    fifth = replace(METER.balanced(1, 0), harmonics=points.FIFTH)
    assert truth.power(fifth, "3P4W", "active") == pytest.approx(1.04 * 3 * 230 * 5)


def test_limits_of_both_active_classes_are_those_of_the_measuring_instruments_directive() -> None:
    """EN 50470-3, intrinsic: class C is 0.5S, class B is 1; Imin..Itr and Itr..Imax with Itr = 0.05 In."""
    for standard, small, full in ((ACTIVE_05S, 1.0, 0.5), (ACTIVE_1, 1.5, 1.0)):
        assert standard.limit(0.04, "1") == small
        assert [standard.limit(current, "1") for current in (0.05, 1, 2, 6)] == [full] * 4
    assert [ACTIVE_05S.limit(c, "0.5 ind") for c in (0.01, 0.02, 0.1, 2)] == [None, 1.0, 0.6, 0.6]
    assert ACTIVE_1.limit(2.0, "0.25 ind") is None  # on request and up to In only
    assert [REACTIVE_2.limit(c, "0.5 cap") for c in (0.02, 0.05, 0.1)] == [None, 2.5, 2.0]
    assert [REACTIVE_1.limit(c, "1 ind", one_phase=True) for c in (0.02, 0.05)] == [None, 1.5]


@pytest.mark.parametrize("short", STANDARDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_band_of_every_standard_has_points_in_both_directions(short: str, network: str) -> None:
    standard = STANDARDS[short]
    for rating in RATINGS[network]:
        meter = Meter(next(t for t in TYPES if standard in TYPES[t]), network, rating, 1)
        found = list(points.intrinsic(meter, standard))
        assert len({point.name for point in found}) == len(found)
        for band in standard.balanced:
            for factor in band.factors:
                inside = [p for p in found if p.load == "balanced" and band.covers(p.current, p.factor)]
                directions = {p.direction for p in inside if p.factor == factor}
                both = {"import"} if factor in standard.on_request else {"import", "export"}
                assert directions == both, (factor, band)
                low = [p for p in inside if p.factor == factor and p.current == band.low]
                assert low and all(p.limit is not None and p.limit <= band.limit for p in low)
        assert max(p.current for p in found) == rating.i_max
        assert all((p.truth < 0) == (p.factor.endswith("cap")) for p in found if p.quantity == "reactive")
        assert all((p.truth < 0) == (p.direction == "export") for p in found if p.quantity == "active")
        alone = {p.load for p in found} - {"balanced"}
        assert len(alone) == (len(truth.PHASES[network]) if network != "1P2W" else 0)


def test_every_influence_has_its_base_among_the_points_and_its_limit() -> None:
    for meter in fleet(1):
        for standard in meter.standards:
            found = list(points.influences(meter, standard))
            names = {point.name for point in found}
            assert len(names) == len(found)
            assert all(point.base in names for point in found if point.limit is not None)
    tests = {point.test for point in points.influences(METER, ACTIVE_05S)}
    assert tests == {"reference", "voltage", "frequency", "reversed sequence", "unbalance", "5th harmonic"}


def test_factors_on_request_are_those_of_the_tables() -> None:
    assert ACTIVE_05S.on_request == ACTIVE_1.on_request == ("0.25 ind", "0.5 cap")
    assert REACTIVE_1.on_request == REACTIVE_2.on_request == ("0.25 ind", "0.25 cap")


def test_no_load_takes_the_standards_time() -> None:
    """K * 1e6 / (k * m * Un * Imax): 8.7 min at 10 A, 14.5 min (active) and 11.6 min (reactive class 2) at 6 A."""
    assert no_load_seconds(METER, ACTIVE_05S) / 60 == pytest.approx(8.7, abs=0.05)
    one_ampere = Meter(TYPE_1, "3P4W", replace(METER.rating, current_ma=1000), None)
    assert no_load_seconds(one_ampere, ACTIVE_1) / 60 == pytest.approx(14.5, abs=0.05)
    assert no_load_seconds(one_ampere, REACTIVE_2) / 60 == pytest.approx(11.6, abs=0.05)


def test_all_meters_of_a_fleet_are_different() -> None:
    meters = fleet(3)
    made = [meter.specimen for meter in meters if meter.specimen is not None]
    assert len(made) == len(set(made)) == 3 * len(NETWORKS) * len(TYPES)
    assert fleet(2, ["3P3W"])[1:] == [m for m in fleet(2) if m.network == "3P3W" and m.specimen is not None]


def figure(value: float, text: str = "5 % In, 1") -> Row:
    return row(METER, ACTIVE_05S, "current", text, value, 0.05, limit=0.5, current=0.05, factor="1", load="balanced")


def test_what_does_not_hold_is_said_everywhere() -> None:
    rows = [figure(0.01), replace(figure(-0.06, "2 % In, 1"), direction="import"), figure(0.02)]
    assert [r.text for r in failures(rows)] == ["2 % In, 1"]
    assert "DO NOT HOLD" in report.verdict(rows)
    page = report.markdown(rows, [])
    assert "NO (1)" in page and "-0.06 %, allowed 0.05 (the standard's limit is 0.5)" in page
    figures = json.loads(json.dumps(report.figures(rows)))
    assert figures["holds"] is False and figures["failed"] == 1
    assert figures["points"][1]["share_of_limit"] == pytest.approx(0.12)
    assert [group.worst.text for group in summary(rows)] == ["2 % In, 1"]
    assert report.verdict(rows[:1]).endswith("all hold.")


def test_a_part_that_could_not_be_done_does_not_hold() -> None:
    rows = [figure(0.01), not_done(METER, ACTIVE_05S, "influence", "the meter has caught fire")]
    assert failures(rows) == rows[1:]
    assert "NO (1)" in report.markdown(rows, []) and "caught fire" in report.markdown(rows, [])
    figures = json.loads(json.dumps(report.figures(rows), allow_nan=False))
    assert figures["points"][1]["value"] is None and not figures["holds"]


def test_the_same_figures_make_the_same_picture() -> None:
    rows = [
        replace(figure(0.001 * n, f"{n}"), current=0.01 * n, direction=direction)
        for n in (1, 5, 100, 200)
        for direction in ("import", "export")
    ]
    first, second = (error_curves(ACTIVE_05S, "3P4W", rows) for _ in range(2))
    assert first == second
    assert first.startswith("<?xml") and "class limit" in first and len(first) < 60_000
