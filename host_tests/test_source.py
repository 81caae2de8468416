"""The mains source against hand-calculated powers and the definitions of the quadrants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tools.bench.source import Source, Spectrum


def waveform(source: Source, t_ns: np.ndarray) -> np.ndarray:
    """(7, n) instantaneous values, straight from the segments' definition."""
    values = np.zeros((7, len(t_ns)))
    for n, t in enumerate(t_ns):
        segment = source.segment(int(t))
        turned = segment.phasors * np.exp(2j * np.pi * segment.orders * segment.cycles(float(t)))
        values[:, n] = turned.imag.sum(axis=1) + segment.dc
    return values


def test_lagging_60_degrees_is_half_the_power_and_positive_vars() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=60)
    truth = source.truth()
    assert truth.p == pytest.approx([575.0] * 3)
    assert truth.q == pytest.approx([1150 * math.sin(math.pi / 3)] * 3)
    assert truth.s == pytest.approx([1150.0] * 3)
    assert truth.p_total == pytest.approx(1725.0)
    assert truth.s_total == pytest.approx(3450.0)
    assert truth.u == pytest.approx([230.0] * 3)
    assert truth.i == pytest.approx([5.0] * 3)


@pytest.mark.parametrize(("phi", "p", "q"), [(30, 1, 1), (150, -1, 1), (210, -1, -1), (-30, 1, -1)])
def test_quadrants_follow_the_signs_of_p_and_q(phi: float, p: int, q: int) -> None:
    source = Source(1)
    source.set(u=230, i=1, phi=phi)
    truth = source.truth()
    assert (math.copysign(1, truth.p_total), math.copysign(1, truth.q_total)) == (p, q)


def test_phases_are_set_one_by_one_and_keep_what_is_not_mentioned() -> None:
    source = Source(1)
    source.set(u=(230, 229, 231), i=(5, 0, 2), phi=(60, 0, -30), f=49.5)
    source.set(i=1)
    assert source.setting.u == (230.0, 229.0, 231.0)
    assert source.setting.f == 49.5
    assert source.truth().p == pytest.approx([115.0, 229.0, 231 * math.cos(math.radians(30))])


def test_truth_agrees_with_the_mean_of_the_sampled_products() -> None:
    source = Source(1)
    source.set(
        u=230,
        i=(5, 3, 1),
        phi=(60, -20, 170),
        harmonics={"u": {5: (0.1, 20.0), 3: (0.04, 0.0)}, "i": {5: (0.4, -35.0), 7: (0.2, 0.0)}},
    )
    t = np.arange(0, 20_000_000, 20_000)
    x = waveform(source, t)
    truth = source.truth()
    assert (x[0:3] * x[3:6]).mean(axis=1) == pytest.approx(truth.p, rel=1e-9)
    assert np.sqrt((x[0:3] ** 2).mean(axis=1)) == pytest.approx(truth.u, rel=1e-9)
    assert np.sqrt((x[3:6] ** 2).mean(axis=1)) == pytest.approx(truth.i, rel=1e-9)
    assert math.sqrt((x[6] ** 2).mean()) == pytest.approx(truth.i0, rel=1e-9)


def test_fifth_harmonic_of_the_accuracy_test_adds_four_percent() -> None:
    """IEC 62053-22: 10 % voltage and 40 % current of fifth harmonic in phase at the zero crossing: P = 1.04 P1."""
    source = Source(1)
    source.set(u=230, i=2.5, phi=0, harmonics={"u": {5: (0.1, 0.0)}, "i": {5: (0.4, 0.0)}})
    assert source.truth().p == pytest.approx([1.04 * 575] * 3)
    assert source.truth().q == pytest.approx([0.0] * 3, abs=1e-9)
    before, after = waveform(source, np.array([-1000, 1000]) + 20_000_000)[0]
    assert before < 0 < after


def test_l2_lags_l1_by_120_degrees_and_leads_when_reversed() -> None:
    source = Source(1)
    source.set(u=100)
    peak_of_l1 = 5_000_000
    third = 20_000_000 // 3
    assert waveform(source, np.array([peak_of_l1]))[0, 0] == pytest.approx(100 * math.sqrt(2))
    assert waveform(source, np.array([peak_of_l1 + third]))[1, 0] == pytest.approx(100 * math.sqrt(2), rel=1e-6)
    source.set(sequence="reversed")
    assert waveform(source, np.array([peak_of_l1 + third]))[2, 0] == pytest.approx(100 * math.sqrt(2), rel=1e-6)


def test_neutral_carries_the_sum_of_the_phase_currents() -> None:
    source = Source(1)
    source.set(i=4)
    assert source.truth().i0 == pytest.approx(0.0, abs=1e-9)
    source.set(i=(4, 0, 0))
    assert source.truth().i0 == pytest.approx(4.0)
    source.set(i=4, harmonics={"i": {3: (0.25, 0.0)}})
    assert source.truth().i0 == pytest.approx(3.0), "third harmonics of three phases add up"
    source.set(neutral=(1.5, 90.0))
    assert source.truth().i0 == pytest.approx(1.5)


def test_phase_is_continuous_over_changes_of_frequency() -> None:
    source = Source(1)
    source.set(u=230, f=50, t_ns=0)
    source.set(f=47.3, t_ns=123_456_789)
    source.set(f=61.0, i=3, t_ns=987_654_321)
    for change in (123_456_789, 987_654_321):
        before, after = waveform(source, np.array([change - 100, change]))[0]
        assert abs(after - before) < 230 * math.sqrt(2) * 2 * math.pi * 65 * 100e-9 * 1.01
    cycles = 50 * 0.123456789 + 47.3 * (0.987654321 - 0.123456789) + 61 * 1.0
    assert source.segment(1_987_654_321).cycles(1_987_654_321) == pytest.approx(cycles % 1, abs=1e-9)


def test_energy_fed_is_the_integral_over_the_settings() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=0, t_ns=0)
    source.set(phi=180, t_ns=2_000_000_000)
    source.set(i=(5, 0, 5), phi=90, t_ns=3_000_000_000)
    active, reactive = source.fed(500_000_000, 5_000_000_000)
    assert active == pytest.approx([1150 * (1.5 - 1)] * 3)
    assert reactive == pytest.approx([1150 * 2.0, 0.0, 1150 * 2.0])


def test_dc_is_order_zero_and_counts_in_power() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=90, harmonics={"u": {0: (0.1, 0.0)}, "i": {0: (0.2, 180.0)}})
    assert source.truth().p == pytest.approx([-23.0 * 1.0] * 3)
    assert waveform(source, np.arange(0, 20_000_000, 50_000))[3].mean() == pytest.approx(-1.0)


def test_spectra_may_differ_by_phase_and_an_empty_mapping_removes_them() -> None:
    source = Source(1)
    spectra: tuple[Spectrum, ...] = ({3: (0.5, 0.0)}, {}, {7: (0.5, 0.0)})
    source.set(i=1, harmonics={"i": spectra})
    assert source.truth().i == pytest.approx([math.sqrt(1.25), 1.0, math.sqrt(1.25)])
    source.set(harmonics={})
    assert source.truth().i == pytest.approx([1.0] * 3)


def test_noise_is_relative_or_absolute_and_adds_to_the_rms_only() -> None:
    source = Source(1)
    source.set(u=230, i=5, noise=0.1)
    assert source.truth().i == pytest.approx([5 * math.sqrt(1.01)] * 3)
    assert source.truth().p == pytest.approx([1150.0] * 3)
    source.set(noise={"i": (0.0, 1.0, 0.0)})
    assert source.truth().i == pytest.approx([5.0, math.sqrt(26), 5.0])
    assert source.truth().u == pytest.approx([230.0] * 3)


def test_listeners_and_epoch_tell_of_every_change() -> None:
    now = [7]
    source = Source(1, clock=lambda: now[0])
    heard: list[int] = []
    source.listeners.append(heard.append)
    source.set(u=100)
    now[0] = 50
    source.set(u=110)
    source.set(u=120, t_ns=60)
    assert (heard, source.epoch) == ([7, 50, 60], 3)
    assert (source.next_change(0), source.next_change(7), source.next_change(60)) == (7, 50, None)
    assert source.truth(59).u == pytest.approx([110.0] * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"u": -1}, "u: -1.0 is outside"),
        ({"u": (230, 230)}, "not 2"),
        ({"i": float("nan")}, "i: nan"),
        ({"i": "5"}, "i: '5' is not a number"),
        ({"u": True}, "u: True is not a number"),
        ({"f": 0}, "f: 0.0 is outside"),
        ({"phi": 1e6}, "phi"),
        ({"sequence": "left"}, "sequence: 'left'"),
        ({"harmonics": {"x": {}}}, "harmonics"),
        ({"harmonics": {"u": {1: (0.1, 0.0)}}}, "order 1"),
        ({"harmonics": {"u": {5: 0.1}}}, "(fraction, degrees)"),
        ({"harmonics": {"u": {0: (0.1, 45.0)}}}, "0 or 180"),
        ({"noise": {"p": 1}}, "noise"),
        ({"neutral": "none"}, "neutral"),
        ({"t_ns": -5}, "t_ns: -5 lies before"),
    ],
)
def test_bad_arguments_change_nothing_and_say_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    source = Source(1)
    source.set(u=230, i=5)
    before, epoch = source.setting, source.epoch
    with pytest.raises(ValueError) as raised:
        source.set(**arguments)
    assert message in str(raised.value)
    assert (source.setting, source.epoch) == (before, epoch)
