"""What one measuring interval says: the values of a window of 10 or 12 cycles, or of a second.

All follow from a few means per phase, so that a second's values are those of its windows' means. Formulas: README.md.
"""

from math import atan2, pi, sqrt

from micropython import const

from drivers.ade9000_registers import SAMPLE_RATE

_PHASES = const(3)
PRESENT_V = 20.0  # above it a voltage counts as present

# Order of the means of one phase: V**2, A**2, W, var, then the fundamentals as complex rms values against the reference
UU, II, P, Q, U1, I1 = range(6)
PER_PHASE = 6
I0 = _PHASES * PER_PHASE  # (i1 + i2 + i3)**2, A**2
MEANS = I0 + 1

# What counts on for ever counts modulo 2**29: small integers on every target, and so are sums of two
_WRAP = const((1 << 29) - 1)
_HALF = const(1 << 28)

_A = complex(-0.5, sqrt(0.75))  # a third of a turn forward
_AA = complex(-0.5, -sqrt(0.75))


class Values:
    """Lists over the chip's phases L1..L3: u (V), i (A), p (W), q (var, fundamental), s (VA); f (Hz), i0 (A).

    voltages, currents: the fundamentals as complex rms values, all against one reference.
    `network`: see networks.py; in 3P3W u[0] and u[2] are U12 and U32, and p[0], p[2] mean something as a sum only.
    `apparent`: "vector" S = sqrt(P**2 + Q**2), or "rms" S = U * I, total: sum of the phases; 3P3W is always vector.
    `i_min` (A): below it a current has no angle, below it at 20 V there is no power factor.
    `phase` and `total` say None where the network does not define a value or nothing has been measured (`valid`).
    """

    def __init__(self, network, apparent: str, i_min: float):
        self.u = [0.0] * _PHASES
        self.i = [0.0] * _PHASES
        self.p = [0.0] * _PHASES
        self.q = [0.0] * _PHASES
        self.s = [0.0] * _PHASES
        self.f: "float | None" = None
        self.i0: "float | None" = None
        self.valid = False
        self._network = network
        self._rms = apparent == "rms" and len(network.phases) > 0
        self.i_min = i_min
        self.voltages = [0j] * _PHASES
        self.currents = [0j] * _PHASES

    def update(self, means: list, f: "float | None") -> None:
        """Take an interval's means and its frequency."""
        for n in range(_PHASES):
            k = PER_PHASE * n
            self.u[n] = u = sqrt(max(0.0, means[k + UU]))
            self.i[n] = i = sqrt(max(0.0, means[k + II]))
            self.p[n] = p = means[k + P]
            self.q[n] = q = means[k + Q]
            self.s[n] = u * i if self._rms else sqrt(p * p + q * q)
            self.voltages[n] = means[k + U1]
            self.currents[n] = means[k + I1]
        self.f = f
        self.i0 = sqrt(max(0.0, means[I0])) if self._network.phases and len(self._network.currents) > 1 else None
        self.valid = True

    # --- single values ------------------------------------------------------------------------------------------------

    def phase(self, quantity: str, n: int) -> "float | None":
        """Quantity "u", "i", "p", "q", "s", "pf", "u_angle", "i_angle" or "lag" of phase n (0..2).

        "lag": by how many degrees (0 <= a < 360) the current's fundamental lags its own voltage's (3P3W: I1 U12's, I3
        U32's), whichever others are missing.
        """
        network = self._network
        if quantity in ("u", "u_angle", "lag"):
            defined = network.voltages
        elif quantity == "i" or quantity == "i_angle":
            defined = network.currents
        else:
            defined = network.phases
        if not self.valid or n not in defined:
            return None
        if quantity == "pf":
            return self._pf(self.p[n], self.s[n])
        if quantity == "u_angle":
            return self._angle(self.voltages[n], 0) if self.u[n] > PRESENT_V else None
        if quantity == "i_angle" or quantity == "lag":
            against = 0 if quantity == "i_angle" else n
            return self._angle(self.currents[n], against) if self.i[n] > self.i_min else None
        return getattr(self, quantity)[n]

    def total(self, quantity: str) -> "float | None":
        """Quantity "p", "q", "s" or "pf" of all elements together, "f" or "i0"."""
        if not self.valid:
            return None
        if quantity == "f" or quantity == "i0":
            return getattr(self, quantity)
        if quantity == "pf":
            return self._pf(self._sum(self.p), self._total_s())
        if quantity == "s":
            return self._total_s()
        return self._sum(getattr(self, quantity))

    def pf(self, n: "int | None" = None) -> "float | None":
        """Power factor P / S of a phase or, without `n`, of the total; its sign is P's."""
        return self.total("pf") if n is None else self.phase("pf", n)

    def _sum(self, values: list) -> float:
        total = 0.0
        for n in self._network.elements:
            total += values[n]
        return total

    def _total_s(self) -> float:
        if self._rms:
            return self._sum(self.s)
        p, q = self._sum(self.p), self._sum(self.q)
        return sqrt(p * p + q * q)

    def _pf(self, p: float, s: float) -> "float | None":
        # S of the fundamental can be less than P where harmonics carry power.
        return max(-1.0, min(1.0, p / s)) if s > PRESENT_V * self.i_min else None

    # --- phasors ------------------------------------------------------------------------------------------------------

    @property
    def u_angles(self) -> list:
        """By how many degrees (0 <= a < 360) each voltage's fundamental lags that of L1 (3P3W: U12), or None."""
        return [self.phase("u_angle", n) for n in range(_PHASES)]

    @property
    def i_angles(self) -> list:
        """By how many degrees each current's fundamental lags the voltage of L1 (3P3W: U12), or None."""
        return [self.phase("i_angle", n) for n in range(_PHASES)]

    def _angle(self, phasor: complex, n: int) -> "float | None":
        """By how much `phasor` lags the voltage of phase `n`."""
        voltage = self.voltages[n]
        if self.u[n] <= PRESENT_V or not voltage:  # without a frequency there are no phasors
            return None
        angle = voltage * complex(phasor.real, -phasor.imag)
        degrees = atan2(angle.imag, angle.real) * (180 / pi)
        if degrees < 0:
            degrees += 360
        return degrees if degrees < 360 else 0.0

    @property
    def u_sym(self) -> "list | None":
        """Zero, positive, negative sequence components of the voltages, V (3P3W: U12, U23, U31). None: fewer phases."""
        if len(self._network.currents) < _PHASES or not self.valid:
            return None
        a, b, c = self.voltages
        return _components(a, b, c) if self._network.phases else _components(a, -c, c - a)

    @property
    def i_sym(self) -> "list | None":
        """Zero, positive, negative sequence components of the currents, A."""
        if len(self._network.currents) < _PHASES or not self.valid:
            return None
        a, b, c = self.currents
        return _components(a, b, c)

    @property
    def reversed_field(self) -> bool:
        """All three voltages are there, in the order L3 L2 L1."""
        components = self.u_sym
        if components is None or min([self.u[n] for n in self._network.voltages]) <= PRESENT_V:
            return False
        return components[2] > components[1] + PRESENT_V


def _components(a: complex, b: complex, c: complex) -> list:
    return [abs(a + b + c) / 3, abs(a + _A * b + _AA * c) / 3, abs(a + _AA * b + _A * c) / 3]


class Mean:
    """Weighted mean of windows' means: what a second is made of."""

    def __init__(self):
        self._sums = [0.0] * MEANS
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        for n in range(MEANS):
            self._sums[n] = 0.0
        self.windows = 0
        self._weight = 0.0
        self._f: "float | None" = 0.0

    def add(self, means: list, f: "float | None", weight: float) -> None:
        """One more window; `weight`: its length in any unit."""
        sums = self._sums
        for n in range(MEANS):
            sums[n] += means[n] * weight
        self._f = None if f is None or self._f is None else self._f + f * weight
        self._weight += weight
        self.windows += 1

    def give(self, values: Values) -> None:
        """Put the mean into `values` and begin anew."""
        weight = self._weight
        values.update([amount / weight for amount in self._sums], None if self._f is None else self._f / weight)
        self.clear()


def wrapped(amount: int) -> int:
    """`amount` modulo 2**29, from -2**28 on. So the difference of two wrapped counts that lie less apart is right."""
    return (amount + _HALF & _WRAP) - _HALF


class EnergySums:
    """Energies of all windows closed so far, per element, as signed integers with carried remainders, `wrapped`.

    p_energy (mWs), q_energy (mvars, fundamental); q_doubt (mvars): the most that q_energy may be wrong, added up;
    duration: samples they cover. Time that no window covers, because pages were lost or the reference voltage was being
    looked for, is in none.
    """

    def __init__(self):
        self.p_energy = [0] * _PHASES
        self.q_energy = [0] * _PHASES
        self.q_doubt = [0] * _PHASES
        self.duration = 0
        self._rests = [0.0] * (2 * _PHASES + 1)

    def add(self, means: list, doubts: list, length: float) -> None:
        """One more window of `length` samples, in which Q may be wrong by `doubts` (var per element)."""
        factor = length * (1000 / SAMPLE_RATE)
        for n in range(_PHASES):
            k = PER_PHASE * n
            self.p_energy[n] = wrapped(self.p_energy[n] + self._whole(2 * n, means[k + P] * factor))
            self.q_energy[n] = wrapped(self.q_energy[n] + self._whole(2 * n + 1, means[k + Q] * factor))
            self.q_doubt[n] = wrapped(self.q_doubt[n] + int(doubts[n] * factor))
        self.duration = wrapped(self.duration + self._whole(2 * _PHASES, length))

    def _whole(self, place: int, amount: float) -> int:
        amount += self._rests[place]
        whole = int(amount)
        self._rests[place] = amount - whole
        return whole
