"""Values of windows and seconds against analytic phasors: angles, components, S and PF, networks, energies."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest

from host_tests.metrology_run import measure
from host_tests.metrology_signals import RATE, FloatArray, phase_cycles, waveform
from meter.metrology.values import MEANS, PER_PHASE, EnergySums, P, Q, wrapped

LIMIT = 2e-4  # U, I, S: 0.02 %
ANGLE = 0.02  # degrees
HZ = 0.001
TURN = cmath.exp(2j * math.pi / 3)


def phasor(rms: float, lag: float) -> complex:
    return cmath.rect(rms, -math.radians(lag))


def sampled(phasors: list[complex], f: float = 50.0, seconds: float = 1.3) -> FloatArray:
    """(n, 7) of rms phasors in the order IA VA IB VB IC VC."""
    cycles = phase_cycles(f, round(RATE * seconds), 0.3)
    signals = np.zeros((len(cycles), 7))
    for column, value in enumerate(phasors):
        signals[:, column] = math.sqrt(2) * (value * np.exp(2j * np.pi * cycles)).real
    return signals


def component(a: complex, b: complex, c: complex, turn: complex) -> float:
    return abs(a + turn * b + turn * turn * c) / 3


def about(angle: float) -> Any:
    return pytest.approx(angle % 360, abs=ANGLE)


UNBALANCED_U = [phasor(230, 0), phasor(210, 123), phasor(245, 236)]
UNBALANCED_I = [phasor(5, 25), phasor(1, 200), phasor(0.05, 290)]


@pytest.mark.parametrize("f", [47.5, 49.37, 50.0, 52.5])
def test_angles_and_symmetrical_components(f: float) -> None:
    (u1, u2, u3), (i1, i2, i3) = UNBALANCED_U, UNBALANCED_I
    measured = measure(sampled([i1, u1, i2, u2, i3, u3], f))
    for values in measured.windows[1:] + measured.seconds:
        assert values["total_f"] == pytest.approx(f, abs=HZ)
        assert values["u_angle"] == [about(0), about(123), about(236)]
        assert values["i_angle"] == [about(25), about(200), about(290)]
        for name, (a, b, c) in (("u_sym", UNBALANCED_U), ("i_sym", UNBALANCED_I)):
            expected = [component(a, b, c, 1), component(a, b, c, TURN), component(a, b, c, TURN**2)]
            assert values[name] == pytest.approx(expected, rel=LIMIT, abs=LIMIT * abs(a))
        assert values["total_i0"] == pytest.approx(abs(i1 + i2 + i3), rel=LIMIT)


def test_angles_are_of_the_fundamentals() -> None:
    spectrum = {3: 0.3, 5: 0.2, 7: 0.1}
    signals = waveform(phase_cycles(49.6, RATE), phi=(30, 90, 200), u_harmonics={5: 0.05}, i_harmonics=spectrum)
    for values in measure(signals).windows:
        assert values["u_angle"] == [about(0), about(120), about(240)]
        assert values["i_angle"] == [about(30), about(210), about(440)]


@pytest.mark.parametrize("f", [47.5, 49.37, 50.0, 52.5])
def test_frequency_with_harmonics_whose_sum_bends_the_zero_crossing(f: float) -> None:
    """Cosines of high orders at U's zero crossing: lines between samples are then some 5 mHz off."""
    cycles = phase_cycles(f, 2 * RATE, 0.1)
    signals = waveform(cycles)
    for h, part in {11: 0.03, 13: 0.03, 25: 0.02, 37: 0.01, 40: 0.01}.items():
        signals[:, 1] += math.sqrt(2) * 230 * part * np.cos(2 * np.pi * h * cycles)
    measured = measure(signals)
    for values in measured.windows[1:] + measured.seconds:
        assert values["total_f"] == pytest.approx(f, abs=HZ / 4)


def test_zero_sequence_current_with_harmonics() -> None:
    """Third harmonics add up in the neutral, the fundamentals cancel."""
    for values in measure(waveform(phase_cycles(50.0, RATE), i=5.0, i_harmonics={3: 0.2})).windows:
        assert values["total_i0"] == pytest.approx(3, rel=LIMIT)


@pytest.mark.parametrize("apparent", ["vector", "rms"])
def test_apparent_power_and_power_factor_go_by_the_same_method(apparent: str) -> None:
    u, i, phi, fifth = (230.0, 200.0, 240.0), (5.0, 2.0, 1.0), (30.0, 60.0, 150.0), 0.4
    signals = waveform(phase_cycles(50.0, 2 * RATE), u=u, i=i, phi=phi, i_harmonics={5: fifth})
    p = [a * b * math.cos(math.radians(c)) for a, b, c in zip(u, i, phi, strict=True)]
    q = [a * b * math.sin(math.radians(c)) for a, b, c in zip(u, i, phi, strict=True)]
    s, total = [a * b for a, b in zip(u, i, strict=True)], math.hypot(sum(p), sum(q))
    if apparent == "rms":
        s = [value * math.sqrt(1 + fifth**2) for value in s]
        total = sum(s)
    measured = measure(signals, apparent=apparent)
    for values in measured.windows + measured.seconds:
        assert values["s"] == pytest.approx(s, rel=LIMIT)
        assert values["pf"] == pytest.approx([a / b for a, b in zip(p, s, strict=True)], abs=LIMIT)
        assert values["total_s"] == pytest.approx(total, rel=LIMIT)
        assert values["total_pf"] == pytest.approx(sum(p) / total, abs=LIMIT)


def test_without_current_there_is_no_power_factor_and_no_angle() -> None:
    for values in measure(waveform(phase_cycles(50.0, RATE), i=(5.0, 0.0, 0.0))).windows:
        assert values["pf"] == [pytest.approx(1.0), None, None]
        assert values["i_angle"][1:] == [None, None]
        assert values["total_pf"] == pytest.approx(1.0)


def test_a_second_is_the_mean_of_five_windows() -> None:
    """P and Q by the mean, U and I by the mean of the squares, each weighted with its window's length."""
    cycles = phase_cycles(50.0, 4 * RATE)
    signals = waveform(cycles, phi=40.0)
    signals[:, [0, 2, 4]] *= (1 + 0.5 * np.sin(2 * np.pi * 0.7 * np.arange(len(cycles)) / RATE))[:, None]
    measured = measure(signals)
    assert len(measured.seconds) == len(measured.windows) // 5 >= 3
    for n, second in enumerate(measured.seconds):
        five = measured.windows[5 * n : 5 * n + 5]
        assert second["end"] == five[-1]["end"]
        assert second["p"] == pytest.approx(np.mean([w["p"] for w in five], axis=0).tolist(), rel=1e-6)
        squares = np.mean([np.square(w["i"]) for w in five], axis=0)
        assert second["i"] == pytest.approx(np.sqrt(squares).tolist(), rel=1e-6)
        # a current that swells within a window has side bands, which turn its phasor a little
        assert second["i_angle"] == pytest.approx([40, 160, 280], abs=0.1)


@pytest.mark.parametrize("missing", [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)])
def test_a_current_has_an_angle_to_its_own_voltage_whichever_others_are_missing(missing: tuple[int, ...]) -> None:
    lags = (20.0, 310.0, 65.0)
    u = [0.0 if phase in missing else 230.0 for phase in range(3)]
    measured = measure(waveform(phase_cycles(50.0, 2 * RATE, 0.3), u=u, i=(5.0, 1.0, 3.0), phi=lags))
    for values in measured.windows[3:]:
        assert values["lag"] == [None if n in missing else about(lags[n]) for n in range(3)]
        if 0 in missing:
            assert values["i_angle"] == values["u_angle"] == [None] * 3


# --- networks ---------------------------------------------------------------------------------------------------------


def aron(u: list[complex], i: list[complex]) -> list[complex]:
    """Inputs of a chip whose ground is L2 and which makes IB of the other two."""
    return [i[0], u[0] - u[1], -i[0] - i[2], 0, i[2], u[2] - u[1]]


@pytest.mark.parametrize("sequence", [1, -1])
def test_three_wires_without_neutral(sequence: int) -> None:
    u = [phasor(57.7, 0), phasor(57.7, sequence * 120), phasor(57.7, -sequence * 120)]
    i = [phasor(3, 20), phasor(2, 130)]
    i.insert(1, -i[0] - i[1])
    power = sum((a * b.conjugate() for a, b in zip(u, i, strict=True)), 0j)
    measured = measure(sampled(aron(u, i)), network="3P3W", apparent="rms")
    line = 57.7 * math.sqrt(3)
    for values in measured.windows[1:] + measured.seconds:
        assert values["u"] == [pytest.approx(line, rel=LIMIT), None, pytest.approx(line, rel=LIMIT)]
        assert values["i"] == pytest.approx([abs(value) for value in i], rel=LIMIT)
        for quantity in ("p", "q", "s", "pf"):
            assert values[quantity] == [None] * 3
        assert values["total_p"] == pytest.approx(power.real, abs=LIMIT * abs(power))
        assert values["total_q"] == pytest.approx(power.imag, abs=LIMIT * abs(power))
        assert values["total_s"] == pytest.approx(abs(power), rel=LIMIT)  # never of U and I
        assert values["total_i0"] is None
        assert values["u_angle"] == [about(0), None, about(-60 * sequence)]  # u32 leads u12 by 60 in the normal field
        assert values["i_angle"][0] == about(20 + 30 * sequence)
        u32 = math.degrees(cmath.phase(u[2] - u[1]))
        assert values["lag"] == [about(20 + 30 * sequence), None, about(u32 + 130)]
        expected = [0, line, 0] if sequence == 1 else [0, 0, line]
        assert values["u_sym"] == pytest.approx(expected, abs=LIMIT * line)
        assert values["i_sym"][0] == pytest.approx(0, abs=LIMIT)
        assert values["reversed_field"] == (sequence == -1)
        assert values["present"] == [True] * 3


def test_three_wires_with_one_line_lost() -> None:
    u, i = [0j, phasor(57.7, 120), phasor(57.7, 240)], [0j, -phasor(2, 270), phasor(2, 270)]
    signals = sampled(aron([u[1], *u[1:]], i))
    for values in measure(signals, network="3P3W").windows[2:]:
        assert values["total_f"] == pytest.approx(50, abs=HZ)
        assert values["present"] == [False, True, True] and not values["reversed_field"]


def test_one_and_two_phases_ignore_the_other_inputs() -> None:
    signals = waveform(phase_cycles(50.0, RATE), i=(5.0, 2.0, 9.0), phi=30.0)
    signals[:, 4:6] += 3.0
    one, two = measure(signals, network="1P2W").windows[-1], measure(signals, network="2P3W").windows[-1]
    p = [230 * i * math.cos(math.radians(30)) for i in (5, 2)]
    assert one["total_p"] == pytest.approx(p[0], rel=LIMIT) and two["total_p"] == pytest.approx(sum(p), rel=LIMIT)
    assert one["u"] == [pytest.approx(230, rel=LIMIT), None, None]
    assert two["p"] == [pytest.approx(p[0], rel=LIMIT), pytest.approx(p[1], rel=LIMIT), None]
    assert one["total_i0"] is None
    assert two["total_i0"] == pytest.approx(abs(phasor(5, 0) + phasor(2, 120)), rel=LIMIT)
    assert one["present"] == [True, False, False] and two["present"] == [True, True, False]
    for values in (one, two):
        assert values["u_sym"] is None and values["i_sym"] is None and not values["reversed_field"]
        assert values["p_energy"][2] == 0


# --- energies ---------------------------------------------------------------------------------------------------------


def test_energies_are_the_windows_energies() -> None:
    f, p, q = 49.7, 230 * 5 * math.cos(math.radians(50)), 230 * 5 * math.sin(math.radians(50))
    windows = measure(waveform(phase_cycles(f, 10 * RATE), i=(5.0, -5.0, 0.001), phi=50.0)).windows
    first, last = windows[0], windows[-1]
    seconds = (last["duration"] - first["duration"]) / RATE
    assert seconds == pytest.approx((len(windows) - 1) * 10 / f, abs=2 / RATE)
    for phase, share in enumerate((1, -1, 0.0002)):
        active = (last["p_energy"][phase] - first["p_energy"][phase]) / 1000
        reactive = (last["q_energy"][phase] - first["q_energy"][phase]) / 1000
        assert active == pytest.approx(share * p * seconds, rel=LIMIT / 10, abs=0.002)
        assert reactive == pytest.approx(share * q * seconds, rel=LIMIT / 10, abs=0.002)


@pytest.mark.parametrize("offset", range(-3, 4))
def test_a_pulse_at_a_windows_border_is_counted_once(offset: int) -> None:
    """Three samples of current in L2 around the crossing of U1 that ends a window, at U2's -199 V."""
    f = 49.73
    cycles = phase_cycles(f, 2 * RATE, 0.25)
    signals = waveform(cycles, i=0.0)
    border = int(np.searchsorted(cycles, 42)) + offset  # cycles 1..2 find the frequency; windows end at 12, 22, ...
    signals[border - 1 : border + 2, 2] = [7.0, 9.0, 5.0]
    windows = measure(signals).windows
    ends = [w["end"] for w in windows]
    assert any(0 <= end - border <= 40 for end in ends)  # there is a border
    expected = float((signals[:, 2] * signals[:, 3]).sum()) / RATE * 1000
    assert abs(expected) > 400
    assert windows[-1]["p_energy"] == [0, pytest.approx(expected, abs=1.1), 0]


def test_energies_stay_small_integers_and_their_differences_right_for_ever() -> None:
    """At full scale the sums come round every half minute."""
    sums, means = EnergySums(), [0.0] * MEANS
    means[P], means[PER_PHASE + Q] = 8343.7, -8343.7
    energy, seen = [0, 0], [0, 0]
    for _ in range(1000):
        sums.add(means, [0.0, 8343.7, 0.0], 1600.25)
        for n, total in enumerate((sums.p_energy[0], sums.q_energy[1])):
            energy[n] += wrapped(total - seen[n])
            seen[n] = total
            assert -(1 << 28) <= total < 1 << 28
    fed = 8343.7 * 1600.25 / 8 * 1000
    assert energy == [pytest.approx(fed, abs=1.1), pytest.approx(-fed, abs=1.1)]
    assert wrapped(sums.q_doubt[1] - round(fed)) == pytest.approx(0, abs=1001)
    assert wrapped(sums.duration - 1_600_250) == pytest.approx(0, abs=1)
