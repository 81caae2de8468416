"""The mains source in networks with fewer wires, against sampled waveforms and the two-wattmeter theorem."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tools.bench.source import NETWORKS, Source

UNBALANCED = {
    "u": (230, 221, 236),
    "i": (5, 4, 2),
    "phi": (20, -35, 70),
    "harmonics": {"u": {3: (0.02, 10.0), 5: (0.05, 20.0)}, "i": {3: (0.2, 0.0), 5: (0.3, -50.0)}},
}


def waveform(source: Source) -> np.ndarray:
    """(7, 1000) instantaneous values of one 50 Hz period, straight from the segment's definition."""
    segment = source.segment(0)
    turns = np.array([segment.cycles(n * 20_000) for n in range(1000)])
    waves = segment.phasors[:, :, None] * np.exp(2j * np.pi * segment.orders[None, :, None] * turns)
    return np.asarray(waves.imag.sum(axis=1) + segment.dc[:, None])


def source_of(network: str, **setting: object) -> Source:
    source = Source(1, network=network)
    source.set(**{"u": 230, "i": 5, "phi": 30} | setting)  # type: ignore[arg-type]
    return source


@pytest.mark.parametrize("network", NETWORKS)
def test_total_power_is_the_mean_of_what_all_wires_carry(network: str) -> None:
    source = source_of(network, **UNBALANCED)
    x = waveform(source)
    truth = source.truth()
    assert (x[0:3] * x[3:6]).sum(axis=0).mean() == pytest.approx(truth.p_total, rel=1e-9)
    assert sum(truth.p) == pytest.approx(truth.p_total, rel=1e-9)
    assert sum(truth.q) == pytest.approx(truth.q_total, rel=1e-9)
    assert math.sqrt((x[6] ** 2).mean()) == pytest.approx(truth.i0, abs=1e-9)
    active, reactive = source.fed(0, 3_000_000_000)
    assert sum(active) == pytest.approx(3 * truth.p_total)
    assert sum(reactive) == pytest.approx(3 * truth.q_total)


@pytest.mark.parametrize(("network", "phases"), [("1P2W", 1), ("2P3W", 2)])
def test_wires_that_are_not_there_carry_nothing(network: str, phases: int) -> None:
    truth = source_of(network).truth()
    there, power = [1.0] * phases + [0.0] * (3 - phases), 1150 * math.cos(math.radians(30))
    assert truth.u == pytest.approx([230 * x for x in there])
    assert truth.i == pytest.approx([5 * x for x in there])
    assert truth.p == pytest.approx([power * x for x in there])
    assert truth.p_total == pytest.approx(phases * power)
    assert truth.s_total == pytest.approx(phases * 1150)
    assert truth.i0 == pytest.approx(5.0), "of one phase, or of two 120 degrees apart"


def test_without_a_neutral_voltages_are_between_phases() -> None:
    truth = source_of("3P3W").truth()
    assert truth.u == pytest.approx([230 * math.sqrt(3)] * 3)
    assert truth.i == pytest.approx([5.0] * 3)
    assert truth.i0 == 0
    assert truth.p_total == pytest.approx(3450 * math.cos(math.radians(30)))
    assert truth.q_total == pytest.approx(3450 * math.sin(math.radians(30)))
    assert truth.s_total == pytest.approx(3450)
    assert (truth.p[1], truth.q[1], truth.s[1]) == (0, 0, 0)


@pytest.mark.parametrize(("phi", "first", "third"), [(0, 30, -30), (60, 90, 30), (-60, -30, -90), (90, 120, 60)])
def test_the_wattmeters_see_the_angles_of_the_diagram(phi: float, first: float, third: float) -> None:
    """U12 leads U1 by 30 degrees, U32 lags U3 by 30: at 60 degrees of lag the first element reads zero."""
    truth = source_of("3P3W", phi=phi).truth()
    reading = 230 * math.sqrt(3) * 5
    assert truth.p[0] == pytest.approx(reading * math.cos(math.radians(first)), abs=1e-9)
    assert truth.p[2] == pytest.approx(reading * math.cos(math.radians(third)), abs=1e-9)
    assert truth.q[0] == pytest.approx(reading * math.sin(math.radians(first)), abs=1e-9)
    assert truth.q[2] == pytest.approx(reading * math.sin(math.radians(third)), abs=1e-9)


def test_without_a_neutral_l2_carries_back_what_the_others_carry() -> None:
    source = source_of("3P3W", **UNBALANCED)
    x = waveform(source)
    assert x[3:6].sum(axis=0) == pytest.approx(np.zeros(1000), abs=1e-9)
    assert math.sqrt((x[4] ** 2).mean()) == pytest.approx(source.truth().i[1])
    u12, u32 = x[0] - x[1], x[2] - x[1]
    assert (u12 * x[3] + u32 * x[5]).mean() == pytest.approx(source.truth().p_total, rel=1e-9)
    assert [math.sqrt((u**2).mean()) for u in (u12, x[2] - x[0], u32)] == pytest.approx(source.truth().u)
    source.set(i=(5, 0, 0), phi=0, harmonics={})
    assert source.truth().p_total == pytest.approx(5 * (230 + 221 / 2)), "a load between L1 and L2"


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match="network: '4P5W' is none of 3P4W, 1P2W"):
        Source(1, network="4P5W")
