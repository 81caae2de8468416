"""Sums of one phase's products, and of the neutral current's square, over one measuring window, exact at both ends.

A window ends between two samples, m and k = m + 1, at the fraction a of the way. The trapezoidal rule over the piece
from m to the end and from the end to k gives the old window's last piece and the new one's first. Counted in full are m
to the old window and k to the new; what differs from that is moved from the old to the new:
(1 - a)**2 / 2 * product(m) - a**2 / 2 * product(k).
"""

from array import array

from micropython import const

from meter.metrology.kernels import (
    I_SHIFT,
    I_SIZE,
    N_SHIFT,
    N_SIZE,
    N_SUM,
    NEUTRAL_WORDS,
    PRODUCT_SHIFT,
    STATE_WORDS,
    SUMS,
    U_SHIFT,
    U_SIZE,
)

# Order of the sums: u*u, i*i, u*i, u*c, u*s, i*c, i*s. How often u's and i's shift is in each:
_U_FACTORS = const((2, 0, 1, 1, 1, 0, 0))
_I_FACTORS = const((0, 2, 1, 0, 0, 1, 1))
_COUNT = const(7)
UC, US = 3, 4

_SIZE_BITS = const(15)  # a factor's magnitude
_ROOMY_BITS = const(13)  # a window whose factors needed no more gives its successor a smaller shift
_WANTED_BITS = const(14)


class PhaseWindow:
    """The running window of phase 0..2. `means` holds the last closed window's result, in codes.

    `correlate`: the kernel to use. Order of the means: u*u, i*i, u*i, then u and i with the reference's cosine and
    sine: u*c, u*s, i*c, i*s.
    """

    def __init__(self, phase: int, correlate):
        self.means = [0.0] * _COUNT
        self._correlate = correlate
        self._phase = phase << 16
        self._state = array("i", [0] * STATE_WORDS)
        self._before = array("i", [0] * STATE_WORDS)
        self._after = array("i", [0] * STATE_WORDS)
        self._moved = [0.0] * _COUNT

    def add(self, page, ref: array, span: int) -> None:
        """Add the sets of `span` (kernels.correlate, without the phase)."""
        span |= self._phase
        while self._correlate(page, ref, span, self._state):
            widen(self._state)

    def voltage(self) -> tuple:
        """Sums so far of u with the reference's cosine and sine."""
        return value(self._state, UC) + self._moved[UC], value(self._state, US) + self._moved[US]

    def close(self, length: float) -> None:
        """End a window of `length` samples at a set: nothing is moved to the next one."""
        self._finish(length, None)

    def close_between(self, length: float, a: float, ends: tuple, ref: array) -> None:
        """End a window of `length` samples at the fraction `a` between two samples.

        `ends`: (page, span) of sample m, already added, and of sample k, not yet added.
        """
        before, after = self._single(self._before, ends[0], ref), self._single(self._after, ends[1], ref)
        w_before, w_after = (1 - a) ** 2 / 2, a * a / 2
        self._finish(length, [w_before * before[n] - w_after * after[n] for n in range(_COUNT)])

    def _single(self, state: array, end: tuple, ref: array) -> list:
        page, span = end
        start(state, self._state[U_SHIFT], self._state[I_SHIFT])
        while self._correlate(page, ref, span | self._phase, state):
            widen(state)
        return values(state)

    def _finish(self, length: float, moved: "list | None") -> None:
        total, means = values(self._state), self.means
        for n in range(_COUNT):
            amount = total[n] + self._moved[n]
            if moved is not None:
                amount -= moved[n]
            means[n] = amount / length
            self._moved[n] = 0.0 if moved is None else moved[n]
        state = self._state
        start(state, smaller(state[U_SHIFT], state[U_SIZE]), smaller(state[I_SHIFT], state[I_SIZE]))


class NeutralWindow:
    """The running window of i1 + i2 + i3. `mean` holds the last closed window's mean square, in codes.

    `third`: whether the third current counts; `neutral`: the kernel to use.
    """

    def __init__(self, third: bool, neutral):
        self.mean = 0.0
        self._neutral = neutral
        self._flag = 0 if third else 1 << 16
        self._state = array("i", [0] * NEUTRAL_WORDS)
        self._end = array("i", [0] * NEUTRAL_WORDS)
        self._moved = 0.0

    def add(self, page, span: int) -> None:
        """Add the sets of `span` (kernels.neutral, without the flag)."""
        self._take(page, span, self._state)

    def close(self, length: float) -> None:
        """As PhaseWindow.close."""
        self._finish(length, 0.0)

    def close_between(self, length: float, a: float, ends: tuple) -> None:
        """As PhaseWindow.close_between."""
        (before, m), (after, k) = ends
        moved = (1 - a) ** 2 / 2 * self._single(before, m) - a * a / 2 * self._single(after, k)
        self._finish(length, moved)

    def _single(self, page, span: int) -> float:
        state = self._end
        _start_neutral(state, self._state[N_SHIFT])
        self._take(page, span, state)
        return _neutral_sum(state)

    def _take(self, page, span: int, state: array) -> None:
        while self._neutral(page, span & 0xFFFF | self._flag, state):
            more = bits(state[N_SIZE]) - _SIZE_BITS
            state[N_SHIFT] += more
            state[N_SIZE] >>= more
            total = ((state[N_SUM + 1] << 16) + state[N_SUM]) >> (2 * more)
            state[N_SUM] = total & 0xFFFF
            state[N_SUM + 1] = total >> 16

    def _finish(self, length: float, moved: float) -> None:
        state = self._state
        self.mean = (_neutral_sum(state) + self._moved - moved) / length
        self._moved = moved
        _start_neutral(state, smaller(state[N_SHIFT], state[N_SIZE]))


def _start_neutral(state: array, shift: int) -> None:
    for n in range(NEUTRAL_WORDS):
        state[n] = 0
    state[N_SHIFT] = shift


def _neutral_sum(state: array) -> float:
    return (state[N_SUM + 1] * 65536.0 + state[N_SUM]) * 2.0 ** (PRODUCT_SHIFT + 2 * state[N_SHIFT])


def start(state: array, u_shift: int, i_shift: int) -> None:
    """Empty sums at the given shifts."""
    for n in range(STATE_WORDS):
        state[n] = 0
    state[U_SHIFT] = u_shift
    state[I_SHIFT] = i_shift


def widen(state: array) -> None:
    """Make the shifts so large that the factors met so far fit, and put the sums on the new scale."""
    u_more = max(0, bits(state[U_SIZE]) - _SIZE_BITS)
    i_more = max(0, bits(state[I_SIZE]) - _SIZE_BITS)
    state[U_SHIFT] += u_more
    state[I_SHIFT] += i_more
    state[U_SIZE] >>= u_more
    state[I_SIZE] >>= i_more
    for n in range(_COUNT):
        k = SUMS + 2 * n
        total = ((state[k + 1] << 16) + state[k]) >> (_U_FACTORS[n] * u_more + _I_FACTORS[n] * i_more)
        state[k] = total & 0xFFFF
        state[k + 1] = total >> 16


def smaller(shift: int, size: int) -> int:
    """The shift for the next window when the largest factor of this one was `size`."""
    used = bits(size)
    return max(0, shift - (_WANTED_BITS - used)) if used <= _ROOMY_BITS else shift


def values(state: array) -> list:
    """The seven sums as floats, in codes."""
    return [value(state, n) for n in range(_COUNT)]


def value(state: array, n: int) -> float:
    """One of the sums."""
    k = SUMS + 2 * n
    scale = PRODUCT_SHIFT + _U_FACTORS[n] * state[U_SHIFT] + _I_FACTORS[n] * state[I_SHIFT]
    return (state[k + 1] * 65536.0 + state[k]) * 2.0**scale


def bits(size: int) -> int:
    """Bit length of a number >= 0."""
    n = 0
    while size:
        size >>= 1
        n += 1
    return n
