"""Sums that a laboratory reads to calibrate or check a meter: what the meter measures, unlocked and in full resolution.

The difference of two readings of the text is what was measured between them, without the time of the reading mattering:
energy per interval of the chip, voltage, current and frequency per window.
"""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_PHASES = const(3)
_INTERVAL_MS = const(500)  # the chip's, EGY_TIME


class Readings:
    """Sums since the start of the firmware; Python ints of any size.

    `temperature`: of the chip, m degC, as last read; None before.
    """

    def __init__(self):
        self.temperature: "int | None" = None
        self._intervals = 0
        self._carry_ms = 0  # how far the caller's clock is ahead of the intervals counted
        self._p = [0] * _PHASES
        self._q = [0] * _PHASES
        self._windows = 0
        self._u = [0] * _PHASES
        self._i = [0] * _PHASES
        self._f = 0

    def interval(self, increment: "Any", elapsed_ms: int) -> None:
        """Add one reading of the accumulators: its `p` and `q` (mWs, mvars per chip phase, signed, not locked).

        `elapsed_ms`: since the one before, by the caller's clock; says how many of the chip's intervals are in it.
        """
        ahead = self._carry_ms + elapsed_ms
        intervals = max(0, (ahead + _INTERVAL_MS // 2) // _INTERVAL_MS)
        self._intervals += intervals
        # A late reading makes the next one early. What stays is the difference of two quartzes: forget it slowly.
        self._carry_ms = (ahead - intervals * _INTERVAL_MS) * 7 // 8
        for phase in range(_PHASES):
            self._p[phase] += increment.p[phase]
            self._q[phase] += increment.q[phase]

    def window(self, values: "Any") -> None:
        """Add one window of the sample path (`phase(quantity, n)`, `total("f")`); one without frequency is left out."""
        f = values.total("f")
        if f is None:
            return
        self._windows += 1
        self._f += round(f * 1_000_000)
        for phase in range(_PHASES):
            self._u[phase] += round((values.phase("u", phase) or 0.0) * 1_000_000)
            self._i[phase] += round((values.phase("i", phase) or 0.0) * 1_000_000_000)

    def text(self) -> str:
        """Object C.60.0, decimals between commas: intervals, their ms, P1..3 mWs, Q1..3 mvars, windows, U1..3 uV,
        I1..3 nA, chip temperature m degC (empty: not read yet), f uHz."""
        temperature = "" if self.temperature is None else str(self.temperature)
        sums = [self._intervals, self._intervals * _INTERVAL_MS] + self._p + self._q
        sums += [self._windows] + self._u + self._i
        return ",".join([str(n) for n in sums] + [temperature, str(self._f)])
