"""The sample path's floats rounded to 24 bits after every operation, as on the targets, against doubles."""

from __future__ import annotations

import math
import operator
import struct
from typing import Any

import pytest

from host_tests.metrology_signals import ANALOG, codes, pages, phase_cycles, waveform
from meter.metrology import harmonics, sample_path, values, window
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath


def rounded(x: float) -> float:
    return float(struct.unpack("f", struct.pack("f", x))[0])


class Single(float):
    """A float of 24 bits; whatever is made of one is one."""

    def __new__(cls, x: float) -> Single:
        return super().__new__(cls, rounded(float(x)))


class SingleComplex:
    """Two of them, with the operations that MicroPython's complex does in its own float."""

    def __init__(self, real: float, imag: float = 0.0) -> None:
        self.real, self.imag = Single(real), Single(imag)

    def _both(self, other: Any) -> SingleComplex:
        return other if isinstance(other, SingleComplex) else SingleComplex(other.real, other.imag)

    def __add__(self, other: Any) -> SingleComplex:
        other = self._both(other)
        return SingleComplex(self.real + other.real, self.imag + other.imag)

    def __mul__(self, other: Any) -> SingleComplex:
        o = self._both(other)
        return SingleComplex(self.real * o.real - self.imag * o.imag, self.real * o.imag + self.imag * o.real)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> SingleComplex:
        return SingleComplex(-self.real, -self.imag)

    def __sub__(self, other: Any) -> SingleComplex:
        return self + -self._both(other)

    def __truediv__(self, other: float) -> SingleComplex:
        return SingleComplex(self.real / other, self.imag / other)

    def __abs__(self) -> Single:
        return Single(math.sqrt(self.real * self.real + self.imag * self.imag))


def _single(name: str) -> Any:
    operation = getattr(operator, name)

    def apply(self: Single, other: Any) -> Any:
        return Single(operation(float(self), rounded(other))) if isinstance(other, (int, float)) else NotImplemented

    def reflected(self: Single, other: Any) -> Any:
        return Single(operation(rounded(other), float(self))) if isinstance(other, (int, float)) else NotImplemented

    return apply, reflected


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _prefix, _method in zip(("", "r"), _single(_name), strict=True):
        setattr(Single, f"__{_prefix}{_name}__", _method)
Single.__neg__ = lambda self: Single(-float(self))  # type: ignore[method-assign]


def in_single_precision(monkeypatch: pytest.MonkeyPatch) -> SamplePath:
    def value(state: Any, n: int) -> float:
        k = window.SUMS + 2 * n
        scale = window.PRODUCT_SHIFT + window._U_FACTORS[n] * state[0] + window._I_FACTORS[n] * state[1]
        return (Single(state[k + 1]) * 65536.0 + state[k]) * 2.0**scale

    crossed = SamplePath._crossed

    def _crossed(self: SamplePath, page: Any, first: int, k: int) -> Any:
        return tuple(Single(x) for x in crossed(self, page, first, k))

    monkeypatch.setattr(window, "value", value)
    monkeypatch.setattr(SamplePath, "_crossed", _crossed)
    for module in (window, values, sample_path, harmonics):
        for name in ("sqrt", "sin", "atan2"):
            if hasattr(module, name):
                function = getattr(math, name)
                monkeypatch.setattr(module, name, lambda *x, function=function: Single(function(*x)))
        monkeypatch.setattr(module, "complex", SingleComplex, raising=False)
    path = SamplePath(ANALOG, 50, NETWORKS["3P4W"])
    path._volt, path._ampere = Single(path._volt), Single(path._ampere)
    path.harmonics._scales = (path._ampere, path._volt)
    return path


def test_values_keep_their_accuracy_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small and large currents, phi near 0 and 90 degrees, f off its nominal value: nothing is lost by cancellation."""
    signals = waveform(
        phase_cycles(49.37, 12_000),
        u=(230.0, 57.7, 318.0),
        i=(9.0, 0.005, 1.0),
        phi=(0.01, 89.9, 180.0),
        i_harmonics={5: 0.4, 40: 0.02},
    )
    stream = pages(codes(signals))
    double = SamplePath(ANALOG, 50, NETWORKS["3P4W"])
    single = in_single_precision(monkeypatch)
    for n in range(0, len(stream), 896):
        single.feed(stream[n : n + 896], 2)
    monkeypatch.undo()
    for n in range(0, len(stream), 896):
        double.feed(stream[n : n + 896], 2)
    assert single.seconds == double.seconds == 1
    for a, b in ((single.window, double.window), (single.second, double.second)):
        assert isinstance(a.u[0], Single) and isinstance(a.f, Single)
        assert a.f == pytest.approx(b.f, abs=3e-5)
        for n in range(3):
            power = b.u[n] * b.i[n]
            assert (a.u[n], a.i[n], a.s[n]) == pytest.approx((b.u[n], b.i[n], b.s[n]), rel=1e-6)
            assert (a.p[n], a.q[n]) == pytest.approx((b.p[n], b.q[n]), abs=3e-6 * power)
            assert a.phase("u_angle", n) == pytest.approx(b.phase("u_angle", n), abs=1e-3)
            assert a.phase("pf", n) == pytest.approx(b.phase("pf", n), abs=3e-6)
        assert math.cos(math.radians(a.i_angles[0] - b.i_angles[0])) == pytest.approx(1, abs=1e-9)
        assert a.u_sym == pytest.approx(b.u_sym, abs=1e-3)
        assert a.i0 == pytest.approx(b.i0, rel=2e-6)
    assert single.energy.p_energy == pytest.approx(double.energy.p_energy, rel=1e-6, abs=1)
    assert single.energy.duration == pytest.approx(double.energy.duration, abs=1)
    for order in (1, 2, 5, 40):
        expected = double.harmonics.i(0, order)
        assert single.harmonics.i(0, order) == pytest.approx(expected, abs=1e-5 * double.window.i[0])
    assert single.harmonics.thd_i(1) == pytest.approx(double.harmonics.thd_i(1), abs=0.02)
