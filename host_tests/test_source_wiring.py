"""What a meter's terminals get when it is connected the wrong way, against phasors worked out by hand."""

from __future__ import annotations

import cmath
import math
from typing import Any

import pytest

from tools.bench.source import Source


def phasors(source: Source) -> list[complex]:
    """Rms values of U1..U3, I1..I3 and the neutral's current, U1 of the mains at 0 degrees."""
    segment = source.segment(0)
    return [complex(value) / math.sqrt(2) for value in segment.phasors[:, 0]]


def rms(value: float, lag: float) -> complex:
    return cmath.rect(value, -math.radians(lag))


def source_of(network: str = "3P4W", **setting: Any) -> Source:
    source = Source(1, network=network)
    source.set(u=230, i=(5, 4, 3), phi=30)
    source.set(**setting)
    return source


def test_terminals_get_what_is_connected_to_them() -> None:
    source = source_of(wiring={"U1": "U2", "U2": "U1", "I1": "-I1", "I3": None})
    u1, u2, u3, i1, i2, i3, i0 = phasors(source)
    assert [u1, u2, u3] == pytest.approx([rms(230, 120), rms(230, 0), rms(230, 240)])
    assert [i1, i2, i3] == pytest.approx([-rms(5, 30), rms(4, 150), 0])
    assert i0 == pytest.approx(rms(5, 30) + rms(4, 150) + rms(3, 270)), "of the mains"
    truth = source.truth()
    p = [230 * 5 * math.cos(math.radians(30 + 180 - 120)), 230 * 4 * math.cos(math.radians(150)), 0]
    assert truth.p == pytest.approx(p)
    assert truth.i == pytest.approx((5, 4, 0))


def test_a_sound_wiring_is_as_if_nothing_had_been_said() -> None:
    source = source_of(wiring={"U1": "U3", "I2": None}, star=(20, 0))
    source.set(wiring={}, star=(0, 0))
    assert phasors(source) == phasors(source_of())


def test_harmonics_dc_and_noise_go_with_the_wire() -> None:
    spectra = [{5: (0.1, 0.0), 0: (0.2, 0.0)}, {}, {}]
    source = source_of(harmonics={"i": spectra}, noise={"i": (0.1, 0, 0)}, wiring={"I1": "I2", "I2": "-I1"})
    assert source.truth().i == pytest.approx((4, math.hypot(5, 0.5, 1, 0.1), 3))
    assert source.segment(0).dc[4] == pytest.approx(-1)


def test_phase_voltages_of_a_displaced_star_keep_the_voltages_between_phases() -> None:
    """The shift of an open neutral with unequal conductances is Millman's: the mean of the voltages by conductance."""
    conductances = (5, 2, 1)
    mains = [rms(230, 120 * n) for n in range(3)]
    shift = sum(g * u for g, u in zip(conductances, mains, strict=True)) / sum(conductances)
    source = source_of(star=(abs(shift), -math.degrees(cmath.phase(shift))))
    u = phasors(source)[:3]
    assert u == pytest.approx([value - shift for value in mains])
    assert sum(g * value for g, value in zip(conductances, u, strict=True)) == pytest.approx(0)  # no neutral current
    assert [abs(u[n] - u[n - 1]) for n in range(3)] == pytest.approx([230 * math.sqrt(3)] * 3)


@pytest.mark.parametrize(
    ("open_terminal", "u12", "u32"),
    [
        ("U1", 0, rms(230, 240) - rms(230, 120)),
        ("U2", (rms(230, 0) - rms(230, 240)) / 2, (rms(230, 240) - rms(230, 0)) / 2),
        ("U3", rms(230, 0) - rms(230, 120), 0),
    ],
)
def test_an_open_voltage_terminal_without_a_neutral(open_terminal: str, u12: complex, u32: complex) -> None:
    u1, u2, u3 = phasors(source_of("3P3W", wiring={open_terminal: None}))[:3]
    assert [u1 - u2, u3 - u2] == pytest.approx([u12, u32])


def test_without_a_neutral_l2_carries_back_what_the_transformers_give() -> None:
    source = source_of("3P3W", i=5, wiring={"I1": "I2", "I3": "-I3"})
    _, _, _, i1, i2, i3, i0 = phasors(source)
    assert [i1, i3, i0] == pytest.approx([rms(5, 150), -rms(5, 270), 0])
    assert i1 + i2 + i3 == pytest.approx(0)
    truth = source.truth()
    assert sum(truth.p) == pytest.approx(truth.p_total)


@pytest.mark.parametrize(
    "wiring",
    [{"U4": "U1"}, {"U1": "I1"}, {"U1": "-U2"}, {"I1": "--I1"}, {"I1": 3}, {"I1": ""}, "U1", {"N": None}],
)
def test_a_wiring_that_cannot_be_is_refused_and_changes_nothing(wiring: Any) -> None:
    source = source_of()
    with pytest.raises(ValueError, match="wiring"):
        source.set(wiring=wiring)
    assert source.setting.wiring == ()
    with pytest.raises(ValueError, match="star"):
        source.set(star=12)  # type: ignore[arg-type]
