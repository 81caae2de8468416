"""The mains at the meter's terminals: three voltages, three currents and the neutral current, as analytic phasors.

The source knows nothing of any chip. It is a list of *segments*, each valid from a bench time on, in which every
quantity is a sum of a fundamental and its harmonics; a chip model samples them, and `Source.truth` and `Source.fed`
give the analytic powers and energies to compare with.

Conventions (IEC 62053-23 geometric diagram): phase L1's voltage is the reference, L2 lags it by 120 and L3 by 240
degrees; `phi` is the lag of a current behind its own voltage, so 0 < phi < 90 is inductive import: P > 0, Q > 0.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

CHANNELS = ("U1", "U2", "U3", "I1", "I2", "I3", "I0")
MAX_ORDER = 80
Triple = tuple[float, float, float]
Spectrum = dict[int, tuple[float, float]]
PerPhase = float | Sequence[float]


@dataclass(frozen=True)
class Setting:
    """What `Source.set` was told: volts and amperes rms, degrees, hertz, spectra as fractions of the fundamental."""

    u: Triple = (230.0, 230.0, 230.0)
    i: Triple = (0.0, 0.0, 0.0)
    phi: Triple = (0.0, 0.0, 0.0)
    f: float = 50.0
    u_harmonics: tuple[Spectrum, Spectrum, Spectrum] = ({}, {}, {})
    i_harmonics: tuple[Spectrum, Spectrum, Spectrum] = ({}, {}, {})
    u_noise: Triple = (0.0, 0.0, 0.0)
    i_noise: Triple = (0.0, 0.0, 0.0)
    noise_relative: bool = False
    sequence: str = "normal"
    neutral: str | tuple[float, float] = "sum"


@dataclass(frozen=True)
class Truth:
    """Analytic values of one setting: per phase (L1, L2, L3) and in total; W, var, VA, V, A.

    `p` includes the harmonics, `q` is the fundamental's (the billing quantity), `s` is U x I of the true rms values;
    `s_total` is their arithmetic sum. `i0` is the neutral current's rms value.
    """

    p: Triple
    q: Triple
    s: Triple
    u: Triple
    i: Triple
    i0: float
    p_total: float
    q_total: float
    s_total: float


@dataclass(frozen=True)
class Segment:
    """The mains from `start_ns` on: x_c(t) = dc_c + Im(sum over h of phasors[c, h] * exp(2j*pi*order_h*cycles(t))).

    `phasors` has shape (7, number of orders), peak volts and amperes, rows as in CHANNELS; `orders[0]` is 1, the
    fundamental; `noise` is rms of white noise within the sampler's band, per channel.
    """

    start_ns: int
    start_cycles: float
    f: float
    orders: npt.NDArray[np.float64]
    phasors: npt.NDArray[np.complex128]
    dc: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]

    def cycles(self, t_ns: float) -> float:
        """Phase of the fundamental of U1 in cycles, 0 <= result < 1, at bench time `t_ns`."""
        return math.fmod(self.start_cycles + self.f * ((t_ns - self.start_ns) * 1e-9), 1.0)

    def truth(self) -> Truth:
        """Powers and rms values of this segment."""
        u, i, i0 = self.phasors[0:3], self.phasors[3:6], self.phasors[6]
        power = u * i.conj() / 2
        rms = np.sqrt((np.abs(self.phasors) ** 2).sum(axis=1) / 2 + self.dc**2 + self.noise**2)
        p = power.real.sum(axis=1) + self.dc[0:3] * self.dc[3:6]
        q = power[:, 0].imag
        s = rms[0:3] * rms[3:6]
        return Truth(
            p=_triple(p),
            q=_triple(q),
            s=_triple(s),
            u=_triple(rms[0:3]),
            i=_triple(rms[3:6]),
            i0=float(math.sqrt((np.abs(i0) ** 2).sum() / 2 + self.dc[6] ** 2 + self.noise[6] ** 2)),
            p_total=float(p.sum()),
            q_total=float(q.sum()),
            s_total=float(s.sum()),
        )


class Source:
    """A mains source whose setting changes at exact bench times with continuous phase.

    `seed` feeds the noise of the chips that sample it. `clock`, if given, is asked for the bench time of a `set`
    without `t_ns`; without a clock such a change takes effect at the time of the latest one. `epoch` counts changes;
    `listeners` are called as `listener(t_ns)` after each, so that a sampler that looked ahead can drop what is no
    longer true. `guard` is held during a change, for a bench that runs in a thread of its own.
    """

    def __init__(self, seed: int = 0, clock: Callable[[], int] | None = None) -> None:
        self.seed = seed
        self.clock = clock
        self.epoch = 0
        self.listeners: list[Callable[[int], None]] = []
        self.guard: AbstractContextManager[object] = nullcontext()
        self._setting = Setting()
        self._segments = [_segment(self._setting, 0, 0.0)]
        self._starts = [0]

    @property
    def setting(self) -> Setting:
        """The latest setting."""
        return self._setting

    def set(
        self,
        *,
        u: PerPhase | None = None,
        i: PerPhase | None = None,
        phi: PerPhase | None = None,
        f: float | None = None,
        harmonics: Mapping[str, Any] | None = None,
        noise: float | Mapping[str, PerPhase] | None = None,
        sequence: str | None = None,
        neutral: str | float | tuple[float, float] | None = None,
        t_ns: int | None = None,
    ) -> None:
        """Change the mains; what is not mentioned keeps its value. One number is for all phases, three are L1, L2, L3.

        u, i: volts and amperes rms of the fundamental, >= 0. phi: degrees the current lags. f: hertz, 1..400.
        harmonics: {"u": {order: (fraction of the fundamental, degrees)}, "i": ...}, or three such spectra for the
        phases; replaces all harmonics, {} removes them. Degrees are of the sine at the fundamental's own rising zero
        crossing, so angle 0 rises with it. Order 0 is DC: its fraction is of the fundamental's rms value, degrees 0
        or 180 give the sign.
        noise: a number is a fraction of each quantity's own fundamental rms; {"u": volts rms, "i": amperes rms} is
        absolute (one or three numbers; a key left out means none).
        sequence: "normal" (L1-L2-L3) or "reversed". neutral: "sum" is i1 + i2 + i3, the current a transformer in
        the returning neutral sees; a number of amperes or (amperes, degrees behind U1) sets it independently.
        t_ns: bench time of the change, not before the previous one. Raises ValueError on anything else.
        """
        new = self._setting
        if u is not None:
            new = replace(new, u=_three("u", u))
        if i is not None:
            new = replace(new, i=_three("i", i))
        if phi is not None:
            new = replace(new, phi=_three("phi", phi, signed=True))
        if f is not None:
            new = replace(new, f=_number("f", f, 1.0, 400.0))
        if harmonics is not None:
            new = replace(new, **_harmonics(harmonics))
        if noise is not None:
            new = replace(new, **_noise(noise))
        if sequence is not None:
            if sequence not in ("normal", "reversed"):
                raise ValueError(f"sequence: {sequence!r} is neither 'normal' nor 'reversed'")
            new = replace(new, sequence=sequence)
        if neutral is not None:
            new = replace(new, neutral=_neutral(neutral))
        with self.guard:
            self._apply(new, self._time_of_change(t_ns))

    def segment(self, t_ns: int) -> Segment:
        """The segment in force at bench time `t_ns`."""
        return self._segments[max(0, bisect_right(self._starts, t_ns) - 1)]

    def next_change(self, t_ns: int) -> int | None:
        """Bench time of the first change after `t_ns` known so far, or None."""
        n = bisect_right(self._starts, t_ns)
        return self._starts[n] if n < len(self._starts) else None

    def truth(self, t_ns: int | None = None) -> Truth:
        """Analytic values of the latest setting, or of the one in force at `t_ns`."""
        return (self._segments[-1] if t_ns is None else self.segment(t_ns)).truth()

    def fed(self, from_ns: int, to_ns: int) -> tuple[Triple, Triple]:
        """Analytic net energy per phase between two bench times: (Ws, vars of the fundamental), import positive."""
        active, reactive = np.zeros(3), np.zeros(3)
        t = from_ns
        while t < to_ns:
            end = self.next_change(t)
            end = to_ns if end is None else min(end, to_ns)
            truth = self.segment(t).truth()
            active += np.array(truth.p) * (end - t) * 1e-9
            reactive += np.array(truth.q) * (end - t) * 1e-9
            t = end
        return _triple(active), _triple(reactive)

    def _time_of_change(self, t_ns: int | None) -> int:
        last = self._starts[-1]
        if t_ns is None:
            t_ns = self.clock() if self.clock else last
        if t_ns < last:
            raise ValueError(f"t_ns: {t_ns} lies before the latest change at {last}")
        return int(t_ns)

    def _apply(self, setting: Setting, t_ns: int) -> None:
        previous = self._segments[-1]
        segment = _segment(setting, t_ns, previous.cycles(t_ns))
        if t_ns == self._starts[-1]:
            self._segments[-1] = segment
        else:
            self._segments.append(segment)
            self._starts.append(t_ns)
        self._setting = setting
        self.epoch += 1
        for listener in list(self.listeners):
            listener(t_ns)


def _segment(setting: Setting, start_ns: int, start_cycles: float) -> Segment:
    orders = sorted({1} | {h for s in setting.u_harmonics + setting.i_harmonics for h in s if h > 0})
    phasors = np.zeros((7, len(orders)), dtype=np.complex128)
    dc = np.zeros(7)
    step = -120.0 if setting.sequence == "normal" else 120.0
    for phase in range(3):
        rows = (
            (phase, setting.u[phase], phase * step, setting.u_harmonics[phase]),
            (3 + phase, setting.i[phase], phase * step - setting.phi[phase], setting.i_harmonics[phase]),
        )
        for row, rms, degrees, spectrum in rows:
            dc[row] = rms * spectrum[0][0] * math.cos(math.radians(spectrum[0][1])) if 0 in spectrum else 0.0
            for column, h in enumerate(orders):
                fraction, angle = (1.0, 0.0) if h == 1 else spectrum.get(h, (0.0, 0.0))
                # a harmonic belongs to its own quantity's waveform: shifting the wave shifts order h by h times as much
                phasors[row, column] = _phasor(math.sqrt(2) * rms * fraction, h * degrees + angle)
    noise = np.array(setting.u_noise + setting.i_noise + (0.0,))
    if setting.noise_relative:
        noise[0:6] *= np.array(setting.u + setting.i)
    if setting.neutral == "sum":
        phasors[6], dc[6] = phasors[3:6].sum(axis=0), dc[3:6].sum()
        noise[6] = math.sqrt(float((noise[3:6] ** 2).sum()))
    else:
        assert not isinstance(setting.neutral, str)
        amperes, lag = setting.neutral
        phasors[6, 0] = _phasor(math.sqrt(2) * amperes, -lag)
    return Segment(start_ns, start_cycles, setting.f, np.array(orders, dtype=np.float64), phasors, dc, noise)


def _phasor(peak: float, degrees: float) -> complex:
    angle = math.radians(math.fmod(degrees, 360.0))
    return complex(peak * math.cos(angle), peak * math.sin(angle))


def _triple(values: Any) -> Triple:
    return (float(values[0]), float(values[1]), float(values[2]))


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"{name}: {value!r} is not a number")
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{name}: {number} is outside {low:g}..{high:g}")
    return number


def _three(name: str, value: Any, signed: bool = False) -> Triple:
    low, high = (-3600.0, 3600.0) if signed else (0.0, 1e6)
    values = list(value) if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) else [value] * 3
    if len(values) != 3:
        raise ValueError(f"{name}: one number or three (L1, L2, L3), not {len(values)}")
    return _triple([_number(name, v, low, high) for v in values])


def _spectrum(name: str, value: Any) -> Spectrum:
    if not isinstance(value, Mapping):
        raise ValueError(f"harmonics[{name!r}]: a mapping of order to (fraction, degrees) is wanted, not {value!r}")
    result: Spectrum = {}
    for order, pair in value.items():
        if isinstance(order, bool) or not isinstance(order, int) or order == 1 or not 0 <= order <= MAX_ORDER:
            raise ValueError(f"harmonics[{name!r}]: order {order!r} is not 0 or 2..{MAX_ORDER}")
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"harmonics[{name!r}][{order}]: (fraction, degrees) is wanted, not {pair!r}")
        fraction = _number(f"harmonics[{name!r}][{order}] fraction", pair[0], 0.0, 100.0)
        degrees = _number(f"harmonics[{name!r}][{order}] degrees", pair[1], -3600.0, 3600.0)
        if order == 0 and degrees not in (0.0, 180.0):
            raise ValueError(f"harmonics[{name!r}][0]: DC has only 0 or 180 degrees, not {degrees}")
        result[order] = (fraction, degrees)
    return result


def _harmonics(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) - {"u", "i"}:
        raise ValueError(f"harmonics: a mapping with the keys 'u' and 'i' is wanted, not {value!r}")
    result = {}
    for name in ("u", "i"):
        given = value.get(name, {})
        spectra = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given] * 3
        if len(spectra) != 3:
            raise ValueError(f"harmonics[{name!r}]: one spectrum or three (L1, L2, L3), not {len(spectra)}")
        result[f"{name}_harmonics"] = tuple(_spectrum(name, s) for s in spectra)
    return result


def _noise(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        level = _three("noise", _number("noise", value, 0.0, 10.0))
        return {"u_noise": level, "i_noise": level, "noise_relative": True}
    if set(value) - {"u", "i"}:
        raise ValueError(f"noise: the keys are 'u' (volts) and 'i' (amperes), not {sorted(map(str, value))}")
    return {
        "u_noise": _three("noise['u']", value.get("u", 0.0)),
        "i_noise": _three("noise['i']", value.get("i", 0.0)),
        "noise_relative": False,
    }


def _neutral(value: Any) -> str | tuple[float, float]:
    if isinstance(value, str):
        if value != "sum":
            raise ValueError(f"neutral: {value!r} is neither 'sum' nor a current")
        return value
    amperes, degrees = value if isinstance(value, Sequence) and len(value) == 2 else (value, 0.0)
    return (_number("neutral amperes", amperes, 0.0, 1e6), _number("neutral degrees", degrees, -3600.0, 3600.0))
