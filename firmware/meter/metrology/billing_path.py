"""The billing path: the chip's energy accumulators become the meter's energy increments. Integers only.

The accumulators run freely and are never cleared, so a difference of two readings is the energy between them, however
late the second one is; what does not make a whole mWs is carried to the next interval, per phase. Formulas: README.md.
"""

from meter.metrology.scales import energy_ratio

_PHASES = 3
_TURN = 1 << 32  # the accumulators' upper halves count modulo this
_HALF_TURN = 1 << 31
_LATCH_MS = 500  # the chip adds to its registers this often (EGY_TIME)
_DOUBTS = 2  # implausible readings in a row before the new ones are believed to be a new beginning
# Codes a millisecond when both inputs stand at the peak of full scale, which is twice a full-scale sine's power
_MAX_CODES_PER_MS = 2 * 20_209_049 // 1000 + 1

# Which of the chip's phases make the total, by network
NETWORKS = {"3P4W": (0, 1, 2)}


class Increment:
    """Energies of one interval. Totals in mWs and mvars, never negative; `p` and `q`: signed, per phase, not locked.

    a_import, a_export: +A, -A. r_import, r_export: +R, -R. r1..r4: reactive energy by quadrant.
    """

    def __init__(self):
        self.p = [0] * _PHASES
        self.q = [0] * _PHASES
        self.clear()

    def clear(self) -> None:
        """All energies zero."""
        for phase in range(_PHASES):
            self.p[phase] = self.q[phase] = 0
        self.a_import = self.a_export = self.r_import = self.r_export = 0
        self.r1 = self.r2 = self.r3 = self.r4 = 0


class BillingPath:
    """Energies from readings of six accumulators: active L1..L3, then reactive L1..L3.

    `analog`: see scales.py. `start_power_mw`: while the total active power of an interval is below, no active energy
    counts; `start_reactive_mvar` is the same for reactive energy, by default equal. `network`: a key of NETWORKS.
    `codes` is a list to read the accumulators into; `rejected` counts implausible readings. `p_sign`, `q_sign`: which
    way the total's active and reactive energy went in the last interval, +1 import, -1 export, 0 below the lock.
    """

    def __init__(
        self,
        analog: dict,
        start_power_mw: int,
        nominal_hz: int = 50,
        network: str = "3P4W",
        start_reactive_mvar: "int | None" = None,
    ):
        if network not in NETWORKS:
            raise ValueError("network not supported: " + repr(network))
        self.codes = [0] * (2 * _PHASES)
        self.rejected = 0
        self.p_sign = 0
        self.q_sign = 0
        self._elements = NETWORKS[network]
        self._start_p = start_power_mw
        self._start_q = start_power_mw if start_reactive_mvar is None else start_reactive_mvar
        self._numerator, self._denominator = energy_ratio(analog, nominal_hz)
        self._remainders = [0] * (2 * _PHASES)
        self._baseline = [0] * (2 * _PHASES)
        self._differences = [0] * (2 * _PHASES)
        self._increment = Increment()
        self.reset_baseline()

    def reset_baseline(self, codes: "list | None" = None) -> None:
        """Count from `codes` on; without, from the next reading on. To be called when the chip has been started."""
        self._has_baseline = codes is not None
        self._doubts = 0
        self._unread_ms = 0
        self.p_sign = self.q_sign = 0
        if codes is not None:
            self._baseline[:] = codes

    def advance(self, codes: list, elapsed_ms: int = 0) -> Increment:
        """Energies since the last reading. The same Increment object every time, valid until the next call.

        `codes`: six signed or unsigned 32-bit readings. `elapsed_ms`: since the last call, from any clock; 0 if
        unknown, then no reading is implausible and the interval counts as one of the chip's. A reading that no input
        could have caused counts nothing; the next one is then measured from the same baseline, so that one bad
        reading costs no energy.
        """
        increment = self._increment
        increment.clear()
        if not self._has_baseline:
            self.reset_baseline(codes)
            return increment
        self._unread_ms += elapsed_ms
        if not self._subtract(codes, self._unread_ms if elapsed_ms else 0):
            self.rejected += 1
            self._doubts += 1
            if self._doubts > _DOUBTS:
                self.reset_baseline(codes)
            return increment
        # The chip's own intervals, not the caller's: a late reading holds as many as an early one after it.
        interval_ms = max(1, (self._unread_ms + _LATCH_MS // 2) // _LATCH_MS) * _LATCH_MS
        self._doubts = self._unread_ms = 0
        self._baseline[:] = codes
        self._convert(increment)
        self._total(increment, interval_ms)
        return increment

    def _subtract(self, codes: list, elapsed_ms: int) -> bool:
        """Differences to the baseline; False if one is more than `elapsed_ms` (0: any time) can bring."""
        # A latch may have fallen just outside the caller's interval at either end.
        limit = _MAX_CODES_PER_MS * (elapsed_ms + _LATCH_MS) if elapsed_ms else _TURN
        differences, baseline = self._differences, self._baseline
        plausible = True
        for n in range(2 * _PHASES):
            difference = (codes[n] - baseline[n] + _HALF_TURN) % _TURN - _HALF_TURN
            differences[n] = difference
            if abs(difference) > limit:
                plausible = False
        return plausible

    def _convert(self, increment: Increment) -> None:
        """Codes to mWs and mvars per phase; what is left over is carried."""
        remainders = self._remainders
        for n in range(2 * _PHASES):
            amount = self._differences[n] * self._numerator + remainders[n]
            whole = amount // self._denominator
            remainders[n] = amount - whole * self._denominator
            if n < _PHASES:
                increment.p[n] = whole
            else:
                increment.q[n - _PHASES] = whole

    def _total(self, increment: Increment, interval_ms: int) -> None:
        """Vector sum of the network's elements, start-up lock, split by direction and quadrant."""
        active = reactive = 0
        for n in self._elements:
            active += increment.p[n]
            reactive += increment.q[n]
        if abs(active) * 1000 < self._start_p * interval_ms:
            active = 0
        if abs(reactive) * 1000 < self._start_q * interval_ms:
            reactive = 0
        self.p_sign = (active > 0) - (active < 0)
        self.q_sign = (reactive > 0) - (reactive < 0)
        split(increment, active, reactive)


def split(increment: Increment, active: int, reactive: int) -> None:
    """Book total `active` (mWs) and `reactive` (mvars) energy by direction; quadrants as in IEC 62053-23, annex C."""
    if active >= 0:
        increment.a_import = active
    else:
        increment.a_export = -active
    if reactive >= 0:
        increment.r_import = reactive
        if active >= 0:
            increment.r1 = reactive
        else:
            increment.r2 = reactive
    else:
        increment.r_export = -reactive
        if active >= 0:
            increment.r4 = -reactive
        else:
            increment.r3 = -reactive
