"""Sample path against analytic truth: noise-free mains, ideal gains, samples rounded to the chip's codes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from host_tests.metrology_signals import (
    ANALOG,
    FULL_SCALE_I,
    FULL_SCALE_U,
    PAGE_BYTES,
    codes,
    pages,
    phase_cycles,
    truth,
    waveform,
)
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath

LIMIT = 2e-5  # of the apparent power, the voltage, the current: 0.002 %


def sample_path(nominal: int = 50) -> SamplePath:
    return SamplePath(ANALOG, nominal, NETWORKS["3P4W"])


class Window:
    """Results of one window, and the sample at whose page it appeared."""

    def __init__(self, path: SamplePath, end: int) -> None:
        values = path.window
        self.u, self.i, self.p, self.q = list(values.u), list(values.i), list(values.p), list(values.q)
        self.f, self.present, self.reversed_field, self.end = values.f, list(path.present), path.reversed_field, end


def feed(path: SamplePath, stream: bytes, per_call: int = 2, lost: int = 0) -> list[Window]:
    """Feed a stream page by page or several at once; the windows that ended."""
    windows = []
    for start in range(0, len(stream), per_call * PAGE_BYTES):
        part = stream[start : start + per_call * PAGE_BYTES]
        seen = path.windows
        path.feed(part, len(part) // PAGE_BYTES, lost)
        if path.windows != seen:
            windows.append(Window(path, (start + len(part)) // 28))
    return windows


def measure(f: float = 50.0, seconds: float = 1.0, nominal: int = 50, **signal: Any) -> list[Window]:
    """All windows of a constant signal but those before the reference voltage was locked to."""
    path = sample_path(nominal)
    stream = pages(codes(waveform(phase_cycles(f, round(8000 * seconds), start=0.321), **signal)))
    windows = feed(path, stream)
    assert len(windows) >= 3
    return windows


@pytest.mark.parametrize("f", [50.0, 49.0, 51.0, 50.0137, 42.5, 57.5])
@pytest.mark.parametrize("phi", [0.0, 60.0, -60.0, 90.0, 180.0, -143.0])
def test_powers_voltage_current_and_frequency(f: float, phi: float) -> None:
    u, i = 230.0, 5.0
    p, q = truth(u, i, phi)
    for window in measure(f, u=u, i=i, phi=phi):
        assert window.f == pytest.approx(f, abs=2e-5)
        for phase in range(3):
            assert window.u[phase] == pytest.approx(u, rel=LIMIT)
            assert window.i[phase] == pytest.approx(i, rel=LIMIT)
            assert window.p[phase] == pytest.approx(p, abs=LIMIT * u * i)
            assert window.q[phase] == pytest.approx(q, abs=LIMIT * u * i)


@pytest.mark.parametrize(
    ("u", "i"), [(57.7, 0.001), (57.7, 0.005), (230.0, 0.0023), (318.0, 10.0), (FULL_SCALE_U, FULL_SCALE_I)]
)
def test_from_starting_current_to_full_scale(u: float, i: float) -> None:
    p, q = truth(u, i, 60.0)
    # A milliampere is 4472 codes rms: the chip's own rounding leaves its mark, most when the samples repeat each cycle.
    limit = 2e-4 if i < 0.01 else LIMIT
    for window in measure(50.03, u=u, i=i, phi=60.0):
        for phase in range(3):
            assert window.i[phase] == pytest.approx(i, rel=limit)
            assert window.p[phase] == pytest.approx(p, abs=limit * u * i)
            assert window.q[phase] == pytest.approx(q, abs=limit * u * i)


def test_phases_are_kept_apart() -> None:
    u, i, phi = (200.0, 230.0, 260.0), (1.0, 3.0, 9.0), (10.0, -80.0, 170.0)
    for window in measure(u=u, i=i, phi=phi):
        for phase in range(3):
            p, q = truth(u[phase], i[phase], phi[phase])
            assert window.p[phase] == pytest.approx(p, abs=LIMIT * u[phase] * i[phase])
            assert window.q[phase] == pytest.approx(q, abs=LIMIT * u[phase] * i[phase])


def high_pass_gain(f: float) -> float:
    """Amplitude gain of y = x - x' + a y', a = 1 - 2 pi 1.25 / 8000."""
    z = np.exp(-2j * math.pi * f / 8000)
    return float(abs((1 - z) / (1 - (1 - 2 * math.pi * 1.25 / 8000) * z)))


@pytest.mark.parametrize("nominal", [50, 60])
def test_the_chips_high_pass_is_corrected_at_the_nominal_frequency(nominal: int) -> None:
    gain = high_pass_gain(nominal) / high_pass_gain(50.0)
    assert nominal == 50 or gain == pytest.approx(1.000096, abs=1e-6)  # hardware page: +0.0096 %
    path = sample_path(nominal)
    signals = waveform(phase_cycles(nominal, 8000), u=230.0, i=5.0, phi=60.0) * gain
    p, q = truth(230.0, 5.0, 60.0)
    for window in feed(path, pages(codes(signals))):
        assert window.u[0] == pytest.approx(230.0, rel=LIMIT)
        assert window.p[0] == pytest.approx(p, abs=LIMIT * 1150)
        assert window.q[0] == pytest.approx(q, abs=LIMIT * 1150)


def test_windows_are_ten_cycles_at_50_hz_and_twelve_at_60() -> None:
    for f, nominal, samples in ((50.0, 50, 1600), (60.0, 60, 1600), (49.0, 50, 1600 * 50 / 49)):
        ends = [w.end for w in measure(f, 2.0, nominal)]
        assert np.diff(ends)[1:] == pytest.approx(samples, abs=32)
        assert (ends[-1] - ends[1]) / (len(ends) - 2) == pytest.approx(samples, abs=32 / (len(ends) - 2) + 1)


def test_fifth_harmonic_counts_in_p_and_not_in_q() -> None:
    """IEC 62053-22, influence of the 5th harmonic: U5 10 %, I5 40 %, in phase at the zero crossing: P is 1.04 P1."""
    for window in measure(u=230.0, i=5.0, u_harmonics={5: 0.1}, i_harmonics={5: 0.4}):
        assert window.p[1] == pytest.approx(1.04 * 1150, rel=LIMIT)
        assert window.q[1] == pytest.approx(0.0, abs=LIMIT * 1150)
        assert window.u[1] == pytest.approx(230 * math.sqrt(1.01), rel=LIMIT)
        assert window.i[1] == pytest.approx(5 * math.sqrt(1.16), rel=LIMIT)


def test_harmonics_in_quadrature_leave_q_the_fundamentals() -> None:
    spectrum = {2: 0.05, 3: 0.2, 7: 0.1}
    for window in measure(49.7, u=230.0, i=5.0, phi=30.0, u_harmonics=spectrum, i_harmonics=spectrum):
        assert window.q[0] == pytest.approx(truth(230, 5, 30)[1], abs=LIMIT * 1150)


def test_no_sample_is_left_out_and_none_counted_twice() -> None:
    """A load that changes at any time: the energy of all windows is the energy of all samples."""
    f, count = 49.87, 8 * 8000
    cycles = phase_cycles(f, count)
    load = np.interp(np.arange(count) / 8000, [0.9, 2.1, 2.1001, 4.4, 4.4001, 7.0], [1, 9, 2, 2, 0.01, 3])
    signals = waveform(cycles, u=230.0, i=1.0, phi=40.0)
    signals[:, [0, 2, 4]] *= load[:, None]
    windows = feed(sample_path(), pages(codes(signals)), per_call=1)
    energy = 0.0
    for window in windows[1:]:
        assert window.f
        energy += window.p[0] * 10 / window.f
    # the crossing that ended window 0 and the one that ended the last lie before the pages in which they appeared
    first, last = (math.floor(cycles[w.end - 1]) * 8000 / f for w in (windows[0], windows[-1]))
    assert len(windows) - 1 == round((last - first) / 8000 * f / 10)
    fine = np.arange(math.ceil(first), math.floor(last) + 1)
    power = signals[fine, 0] * signals[fine, 1]
    assert energy == pytest.approx(float(power.sum()) / 8000, rel=2e-5)


def test_loads_that_jump_by_a_factor_of_a_thousand() -> None:
    cycles = phase_cycles(50.0, 24_000)
    signals = waveform(cycles, u=230.0, i=0.01, phi=60.0)
    signals[8000:16_000, [0, 2, 4]] *= 1000
    windows = feed(sample_path(), pages(codes(signals)))
    small, large = truth(230, 0.01, 60), truth(230, 10, 60)
    for window in windows:
        if 9700 < window.end < 16_000:
            assert (window.p[0], window.q[0]) == pytest.approx(large, abs=LIMIT * 2300)
        elif not 8000 <= window.end < 19_300:  # the first window afterwards still has the large scale
            assert (window.p[0], window.q[0]) == pytest.approx(small, abs=1e-4 * 2.3)


@pytest.mark.parametrize("missing", [(0,), (1,), (0, 1), (0, 2)])
def test_frequency_comes_from_the_next_phase_present(missing: tuple[int, ...]) -> None:
    u = [0.0 if n in missing else 230.0 for n in range(3)]
    for window in measure(49.5, 1.6, u=u, i=5.0, phi=60.0)[1:]:
        assert window.f == pytest.approx(49.5, abs=2e-5)
        assert window.present == [n not in missing for n in range(3)]
        for phase in range(3):
            p, q = truth(u[phase], 5.0, 60.0)
            assert window.p[phase] == pytest.approx(p, abs=LIMIT * 1150)
            assert window.q[phase] == pytest.approx(q, abs=LIMIT * 1150)


def test_without_any_voltage_windows_go_on_by_time() -> None:
    signals = waveform(phase_cycles(50.0, 8000), u=0.0, i=5.0)
    windows = feed(sample_path(), pages(codes(signals)))
    assert [w.end for w in windows] == [1600, 3200, 4800, 6400, 8000]
    for window in windows:
        assert window.f is None
        assert window.present == [False] * 3
        assert window.u == [0.0] * 3
        assert window.i == pytest.approx([5.0] * 3, rel=LIMIT)


def test_voltages_may_fail_and_return() -> None:
    cycles = phase_cycles(50.0, 32_000)
    signals = waveform(cycles, u=230.0, i=5.0)
    signals[8000:16_000, [1, 3, 5]] = 0  # all voltages away for a second
    signals[20_000:26_000, 1] = 0  # then L1's alone
    windows = feed(sample_path(), pages(codes(signals)))
    assert all(w.f is None and w.u == [0.0] * 3 for w in windows if 10_000 < w.end < 16_000)
    for low, high in ((17_800, 20_000), (28_000, 32_000)):
        back = [w for w in windows if low < w.end < high]
        assert back and all(w.f == pytest.approx(50.0, abs=1e-4) for w in back)
        assert all(w.p == pytest.approx([1150.0] * 3, rel=LIMIT) for w in back)
    alone = [w for w in windows if 22_500 < w.end < 26_000]
    assert alone and all(w.f == pytest.approx(50.0, abs=1e-4) and w.present == [False, True, True] for w in alone)


def test_frequency_step_is_followed_within_two_windows() -> None:
    first, second = phase_cycles(50.0, 8000), phase_cycles(51.0, 12_000)
    cycles = np.concatenate([first, second + first[-1] + 51.0 / 8000])
    windows = feed(sample_path(), pages(codes(waveform(cycles, u=230.0, i=5.0, phi=60.0))))
    p, q = truth(230, 5, 60)
    settled = [w for w in windows if w.end > 8000 + 3 * 1600]
    assert settled
    for window in settled:
        assert window.f == pytest.approx(51.0, abs=2e-5)
        assert (window.p[0], window.q[0]) == pytest.approx((p, q), abs=LIMIT * 1150)
    # in the window before, the reference still ran at the old frequency: its loss is corrected, its image is not
    assert all(w.q[0] == pytest.approx(q, rel=0.02) for w in windows)


@pytest.mark.parametrize("f", [50.0, 49.0, 50.37, 60.0])
def test_periods_are_counted_one_by_one_and_from_0_after_a_gap(f: float) -> None:
    path = sample_path(60 if f == 60 else 50)
    stream = pages(codes(waveform(phase_cycles(f, 8000 * 4, start=0.3), phi=10.0)))
    seconds = len(stream) / PAGE_BYTES * 16 / 8000
    feed(path, stream)
    assert path.periods == pytest.approx(f * seconds, abs=2)
    before = path.periods
    feed(path, stream[: PAGE_BYTES * 250], lost=1)  # half a second
    assert path.periods == pytest.approx(f / 2, abs=2) and path.periods < before


def test_a_lost_page_spoils_no_window() -> None:
    stream = pages(codes(waveform(phase_cycles(50.0, 24_000), u=230.0, i=5.0, phi=60.0)))
    page = [stream[n : n + PAGE_BYTES] for n in range(0, len(stream), PAGE_BYTES)]
    path, p = sample_path(), truth(230, 5, 60)[0]
    windows = feed(path, b"".join(page[:630]))
    windows += feed(path, b"".join(page[633:]), lost=3)
    assert len(windows) >= 12
    for window in windows:
        assert window.p[0] == pytest.approx(p, rel=5e-5)
        assert window.f == pytest.approx(50.0, abs=1e-4)
    untold = feed(sample_path(), b"".join(page[:630] + page[633:]))
    assert any(abs(w.p[0] / p - 1) > 1e-3 for w in untold)  # so the check above can fail


@pytest.mark.parametrize("per_call", [1, 3, 4, 16])
def test_any_number_of_pages_a_call_gives_the_same(per_call: int) -> None:
    stream = pages(codes(waveform(phase_cycles(49.6, 9600), u=230.0, i=5.0, phi=60.0)))
    by_two, other = feed(sample_path(), stream), feed(sample_path(), stream, per_call)
    assert len(by_two) == len(other)
    for a, b in zip(by_two, other, strict=True):
        assert a.f == pytest.approx(b.f, abs=1e-6)
        assert a.p + a.q == pytest.approx(b.p + b.q, abs=1e-5 * 1150)


def test_field_direction_needs_all_three_voltages() -> None:
    assert all(w.reversed_field for w in measure(sequence=-1))
    assert not any(w.reversed_field for w in measure(sequence=1))
    assert not any(w.reversed_field for w in measure(sequence=-1, u=(230.0, 0.0, 230.0)))


def test_noise_and_notches_around_zero_do_not_shift_the_windows() -> None:
    generator = np.random.default_rng(3)
    signals = waveform(phase_cycles(50.0, 16_000), u=230.0, i=5.0)
    signals += generator.normal(0, 1.0, signals.shape) * [0.01, 1, 0.01, 1, 0.01, 1, 0]
    windows = feed(sample_path(), pages(codes(signals)))
    assert len(windows) >= 8
    for window in windows:
        assert window.f == pytest.approx(50.0, abs=0.005)
        assert window.p[0] == pytest.approx(1150.0, rel=1e-3)


def test_values_have_no_owner_before_the_first_window() -> None:
    path = sample_path()
    values = path.window
    assert values.phase("u", 0) is None and values.total("p") is None and values.total("f") is None
    feed(path, pages(codes(waveform(phase_cycles(50.0, 8000), u=230.0, i=5.0, phi=60.0))))
    assert values.phase("u", 2) == pytest.approx(230.0, rel=LIMIT)
    assert values.total("p") == pytest.approx(3 * 575.0, rel=LIMIT)
    assert values.total("q") == pytest.approx(3 * 995.929, rel=LIMIT)
    assert values.total("f") == pytest.approx(50.0, abs=2e-5)


def test_other_nominal_frequencies_are_refused() -> None:
    with pytest.raises(ValueError, match="50 or 60"):
        sample_path(55)
