"""The mains at the meter's terminals: three voltages, three currents and the neutral current, as analytic phasors.

The source knows nothing of any chip. It is a list of *segments*, each valid from a bench time on, in which every
quantity is a sum of a fundamental and its harmonics; a chip model samples them, and `Source.truth` and `Source.fed`
give the analytic powers and energies to compare with.

Conventions (IEC 62053-23 geometric diagram): phase L1's voltage is the reference, L2 lags it by 120 and L3 by 240
degrees; `phi` is the lag of a current behind its own voltage, so 0 < phi < 90 is inductive import: P > 0, Q > 0.

The network says which wires there are. 3P4W: all. 1P2W: L1 and neutral, 2P3W: L1, L2 and neutral; the others carry
nothing, whatever they are set to. 3P3W: L1, L2, L3 without a neutral; voltages are still set against the star point,
and L2 carries back what L1 and L3 carry, i2 = -(i1 + i3), whatever it is set to.

All that the source says, truth and energies too, is what the meter's terminals get. A faulty wiring therefore has a
truth of its own; only the neutral current is that of the mains.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.bench.source_setting import PerPhase, Setting, Spectrum, Triple, Wiring, triple

__all__ = ["CHANNELS", "NETWORKS", "PerPhase", "Segment", "Setting", "Source", "Spectrum", "Triple", "Truth"]

CHANNELS = ("U1", "U2", "U3", "I1", "I2", "I3", "I0")
NETWORKS = {"3P4W": (0, 1, 2), "1P2W": (0,), "2P3W": (0, 1), "3P3W": (0, 1, 2)}  # name -> phases that are there


@dataclass(frozen=True)
class Truth:
    """Analytic values of one setting: per phase (L1, L2, L3) and in total; W, var, VA, V, A.

    `p` includes the harmonics, `q` is the fundamental's (the billing quantity), `s` is U x I of the true rms values;
    `s_total` is their arithmetic sum. `i0` is the neutral current's rms value.

    Without a neutral (3P3W) there are no phase values: `u` is U12, U31, U32; `p`, `q`, `s` are those of the two
    wattmeters u12 * i1 and u32 * i3 in the places of L1 and L3, and 0 for L2; `p_total`, `q_total` are the sums of the
    three phases against the star point, which the wattmeters must agree with; `s_total` is the root of the sum of their
    squares.
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
    fundamental; `noise` is rms of white noise within the sampler's band, per channel. `network` is one of NETWORKS.
    """

    start_ns: int
    start_cycles: float
    f: float
    orders: npt.NDArray[np.float64]
    phasors: npt.NDArray[np.complex128]
    dc: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    network: str = "3P4W"

    def cycles(self, t_ns: float) -> float:
        """Phase of the fundamental of U1 in cycles, 0 <= result < 1, at bench time `t_ns`."""
        return math.fmod(self.start_cycles + self.f * ((t_ns - self.start_ns) * 1e-9), 1.0)

    def truth(self) -> Truth:
        """Powers and rms values of this segment."""
        p, q = _powers(self.phasors[0:3], self.phasors[3:6], self.dc[0:3], self.dc[3:6])
        p_total, q_total = float(p.sum()), float(q.sum())
        u, u_dc, u_noise = self.phasors[0:3], self.dc[0:3], self.noise[0:3]
        if self.network == "3P3W":
            u, u_dc, u_noise = _BETWEEN @ u, _BETWEEN @ u_dc, np.sqrt(_BETWEEN**2 @ u_noise**2)
            p, q = (np.where(_WATTMETER, x, 0.0) for x in _powers(u, self.phasors[3:6], u_dc, self.dc[3:6]))
        u_rms = _rms(u, u_dc, u_noise)
        i_rms = _rms(self.phasors[3:7], self.dc[3:7], self.noise[3:7])
        s = u_rms * i_rms[0:3]
        s_total = float(s.sum())
        if self.network == "3P3W":
            s, s_total = np.where(_WATTMETER, s, 0.0), math.hypot(p_total, q_total)
        return Truth(
            p=triple(p),
            q=triple(q),
            s=triple(s),
            u=triple(u_rms),
            i=triple(i_rms),
            i0=float(i_rms[3]),
            p_total=p_total,
            q_total=q_total,
            s_total=s_total,
        )


_BETWEEN = np.array([[1.0, -1, 0], [-1, 0, 1], [0, -1, 1]])  # U1, U2, U3 -> U12, U31, U32
_WATTMETER = np.array([True, False, True])  # at L1 and L3


def _powers(u: Any, i: Any, u_dc: Any, i_dc: Any) -> tuple[Any, Any]:
    """P with all orders and DC, Q of the fundamental, row by row."""
    power = u * i.conj() / 2
    return power.real.sum(axis=1) + u_dc * i_dc, power[:, 0].imag


def _rms(phasors: Any, dc: Any, noise: Any) -> Any:
    return np.sqrt((np.abs(phasors) ** 2).sum(axis=1) / 2 + dc**2 + noise**2)


class Source:
    """A mains source whose setting changes at exact bench times with continuous phase.

    `seed` feeds the noise of the chips that sample it. `network` is one of NETWORKS. `clock`, if given, is asked for
    the bench time of a `set` without `t_ns`; without a clock such a change takes effect at the time of the latest one.
    `epoch` counts changes; `listeners` are called as `listener(t_ns)` after each, so that a sampler that looked ahead
    can drop what is no longer true. `guard` is held during a change, for a bench that runs in a thread of its own.
    """

    def __init__(self, seed: int = 0, clock: Callable[[], int] | None = None, network: str = "3P4W") -> None:
        if network not in NETWORKS:
            raise ValueError(f"network: {network!r} is none of {', '.join(NETWORKS)}")
        self.seed = seed
        self.network = network
        self.clock = clock
        self.epoch = 0
        self.listeners: list[Callable[[int], None]] = []
        self.guard: AbstractContextManager[object] = nullcontext()
        self._setting = Setting()
        self._segments = [_segment(self._setting, network, 0, 0.0)]
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
        wiring: Mapping[str, str | None] | None = None,
        star: tuple[float, float] | None = None,
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
        wiring: what is connected to the meter's terminals where it is not what should be; {} is sound again. Terminals
        are "U1".."U3", "I1".."I3"; what is connected is such a wire or current transformer, "-I1" one that is turned
        round, None nothing: no current, 0 V. In 3P3W, where L2 is the meter's ground, an open terminal of L1 or L3
        goes there, and an open L2 hangs in the middle of the two others.
        star: (volts, degrees behind U1), where the meter's neutral is seen from the mains'; no matter in 3P3W.
        t_ns: bench time of the change, not before the previous one. Raises ValueError on anything else.
        """
        new = self._setting.changed(u, i, phi, f, harmonics, noise, sequence, neutral, wiring, star)
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
        """Analytic net energy between two bench times: (Ws, vars of the fundamental), import positive.

        Per phase as `Truth.p` and `Truth.q`: their sum is the energy in every network.
        """
        active, reactive = np.zeros(3), np.zeros(3)
        t = from_ns
        while t < to_ns:
            end = self.next_change(t)
            end = to_ns if end is None else min(end, to_ns)
            truth = self.segment(t).truth()
            active += np.array(truth.p) * (end - t) * 1e-9
            reactive += np.array(truth.q) * (end - t) * 1e-9
            t = end
        return triple(active), triple(reactive)

    def _time_of_change(self, t_ns: int | None) -> int:
        last = self._starts[-1]
        if t_ns is None:
            t_ns = self.clock() if self.clock else last
        if t_ns < last:
            raise ValueError(f"t_ns: {t_ns} lies before the latest change at {last}")
        return int(t_ns)

    def _apply(self, setting: Setting, t_ns: int) -> None:
        previous = self._segments[-1]
        segment = _segment(setting, self.network, t_ns, previous.cycles(t_ns))
        if t_ns == self._starts[-1]:
            self._segments[-1] = segment
        else:
            self._segments.append(segment)
            self._starts.append(t_ns)
        self._setting = setting
        self.epoch += 1
        for listener in list(self.listeners):
            listener(t_ns)


def _segment(setting: Setting, network: str, start_ns: int, start_cycles: float) -> Segment:
    orders = sorted({1} | {h for s in setting.u_harmonics + setting.i_harmonics for h in s if h > 0})
    phasors = np.zeros((7, len(orders)), dtype=np.complex128)
    dc, noise = np.zeros(7), np.zeros(7)
    step = -120.0 if setting.sequence == "normal" else 120.0
    for phase in NETWORKS[network]:
        u, i = setting.u[phase], setting.i[phase]
        rows = (
            (phase, u, phase * step, setting.u_harmonics[phase], setting.u_noise[phase]),
            (3 + phase, i, phase * step - setting.phi[phase], setting.i_harmonics[phase], setting.i_noise[phase]),
        )
        for row, rms, degrees, spectrum, level in rows:
            noise[row] = level * rms if setting.noise_relative else level
            dc[row] = rms * spectrum[0][0] * math.cos(math.radians(spectrum[0][1])) if 0 in spectrum else 0.0
            for column, h in enumerate(orders):
                fraction, angle = (1.0, 0.0) if h == 1 else spectrum.get(h, (0.0, 0.0))
                # a harmonic belongs to its own quantity's waveform: shifting the wave shifts order h by h times as much
                phasors[row, column] = _phasor(math.sqrt(2) * rms * fraction, h * degrees + angle)
    if network == "3P3W":
        _return_in_l2(phasors, dc, noise)
    if isinstance(setting.neutral, tuple):
        amperes, lag = setting.neutral
        phasors[6, 0] = _phasor(math.sqrt(2) * amperes, -lag)
    elif network != "3P3W":
        phasors[6], dc[6] = phasors[3:6].sum(axis=0), dc[3:6].sum()
        noise[6] = math.sqrt(float((noise[3:6] ** 2).sum()))
    if setting.star[0] and network != "3P3W":
        phasors[list(NETWORKS[network]), 0] -= _phasor(math.sqrt(2) * setting.star[0], -setting.star[1])
    if setting.wiring:
        _connect(setting.wiring, network, phasors, dc, noise)
    return Segment(start_ns, start_cycles, setting.f, np.array(orders, dtype=np.float64), phasors, dc, noise, network)


def _return_in_l2(phasors: Any, dc: Any, noise: Any) -> None:
    """What L2 carries where there is no neutral."""
    phasors[4], dc[4] = -phasors[3] - phasors[5], -dc[3] - dc[5]
    noise[4] = math.hypot(noise[3], noise[5])


def _connect(wiring: Wiring, network: str, phasors: Any, dc: Any, noise: Any) -> None:
    """From wires and transformers, in all three arrays, to what the terminals get."""
    hanging = [terminal for terminal, _, sign in wiring if not sign and network == "3P3W"]
    for rows in (phasors, dc, noise):
        mains = rows.copy()
        for terminal, wire, sign in wiring:
            rows[terminal] = mains[wire] * sign
        if 1 in hanging:
            rows[1] = (rows[0] + rows[2]) / 2 if not {0, 2} & set(hanging) else rows[0] + rows[2]
        for terminal in {0, 2} & set(hanging):
            rows[terminal] = rows[1]
    np.abs(noise, out=noise)
    if network == "3P3W":
        _return_in_l2(phasors, dc, noise)


def _phasor(peak: float, degrees: float) -> complex:
    angle = math.radians(math.fmod(degrees, 360.0))
    return complex(peak * math.cos(angle), peak * math.sin(angle))
