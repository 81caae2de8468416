"""Sums of one phase's products over one measuring window, exact at both ends.

A window ends between two samples, m and k = m + 1, at the fraction a of the way. The trapezoidal rule over the piece
from m to the end and from the end to k gives the old window's last piece and the new one's first. Counted in full are m
to the old window and k to the new; what differs from that is moved from the old to the new:
(1 - a)**2 / 2 * product(m) - a**2 / 2 * product(k).
"""

from array import array

from meter.metrology.kernels import (
    I_SHIFT,
    I_SIZE,
    PRODUCT_SHIFT,
    STATE_WORDS,
    SUMS,
    U_SHIFT,
    U_SIZE,
    correlate,
)

# Order of the sums: u*u, i*i, u*i, u*c, u*s, i*c, i*s. How often u's and i's shift is in each:
_U_FACTORS = (2, 0, 1, 1, 1, 0, 0)
_I_FACTORS = (0, 2, 1, 0, 0, 1, 1)
_COUNT = 7

_SIZE_BITS = 15  # a factor's magnitude
_ROOMY_BITS = 13  # a window whose factors needed no more gives its successor a smaller shift
_WANTED_BITS = 14


class PhaseWindow:
    """The running window of phase 0..2. `means` holds the last closed window's result, in codes.

    Order: u*u, i*i, u*i, then u and i with the reference's cosine and sine: u*c, u*s, i*c, i*s.
    """

    def __init__(self, phase: int):
        self.means = [0.0] * _COUNT
        self._phase = phase << 16
        self._state = array("i", [0] * STATE_WORDS)
        self._before = array("i", [0] * STATE_WORDS)
        self._after = array("i", [0] * STATE_WORDS)
        self._moved = [0.0] * _COUNT

    def add(self, page, ref: array, span: int) -> None:
        """Add the sets of `span` (kernels.correlate, without the phase)."""
        span |= self._phase
        while correlate(page, ref, span, self._state):
            widen(self._state)

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
        while correlate(page, ref, span | self._phase, state):
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
    result = []
    for n in range(_COUNT):
        k = SUMS + 2 * n
        scale = PRODUCT_SHIFT + _U_FACTORS[n] * state[U_SHIFT] + _I_FACTORS[n] * state[I_SHIFT]
        result.append((state[k + 1] * 65536.0 + state[k]) * 2.0**scale)
    return result


def bits(size: int) -> int:
    """Bit length of a number >= 0."""
    n = 0
    while size:
        size >>= 1
        n += 1
    return n
