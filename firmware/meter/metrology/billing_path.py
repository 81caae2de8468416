"""The billing path: the chip's energy accumulators become the meter's energy increments. Integers only.

The accumulators run freely and are never cleared, so a difference of two readings is the energy between them, however
late the second one is; what does not make a whole mWs is carried to the next interval, per phase and quantity.
Formulas and rules: README.md.
"""

from micropython import const

from meter.metrology.energies import NAMES
from meter.metrology.front_end import summation_in
from meter.metrology.networks import Network
from meter.metrology.scales import energy_ratio, square_root

_PHASES = const(3)
_TURN = const(1 << 32)  # the accumulators' upper halves count modulo this
_HALF_TURN = const(1 << 31)
_LATCH_MS = const(500)  # the chip adds to its registers this often (EGY_TIME)
_DOUBTS = const(2)  # implausible readings in a row before the new ones are believed to be a new beginning
# Codes a millisecond when both inputs stand at the peak of full scale, which is twice a full-scale sine's power
_MAX_CODES_PER_MS = const(2 * 20_209_049 // 1000 + 1)
_SUB_BITS = const(16)  # of a code: resolution of apparent energy before what is left over is carried

# Columns of a row, the order of NAMES
_A_IMPORT, _A_EXPORT, _R_IMPORT, _R_EXPORT, _R1, _R2, _R3, _R4, _S_IMPORT, _S_EXPORT = range(len(NAMES))


class Increment:
    """Energies of one interval, mWs, mvars, mVAs.

    `rows`: what is counted, never negative: the total, then L1, L2, L3 (zeros where the network has no such phase),
    each a list in the order of NAMES. `p`, `q`, `s`: of the chip's three elements, signed (`s` is not) and
    not locked.
    """

    def __init__(self):
        self.p = [0] * _PHASES
        self.q = [0] * _PHASES
        self.s = [0] * _PHASES
        self.rows = [[0] * len(NAMES) for _ in range(1 + _PHASES)]

    def clear(self) -> None:
        """All energies zero."""
        for phase in range(_PHASES):
            self.p[phase] = self.q[phase] = self.s[phase] = 0
        for row in self.rows:
            for n in range(len(row)):
                row[n] = 0


class BillingPath:
    """Energies from readings of the accumulators: active, fundamental reactive and, if wanted, apparent of L1..L3.

    `analog`: see scales.py. `network`: a Network. While the total active power of an interval is below `start_p_mw`, no
    active energy counts, `start_q_mvar` is the same for reactive energy; both locked lock apparent energy.
    `summation`: "vector", "absolute" or "separate"; `apparent`: "vector" or "rms" (README.md). Not `reactive`: neither
    reactive nor apparent energy is counted.

    `codes` is a list to read the accumulators into; `rejected` counts implausible readings, `new_beginnings` how often
    there were so many in a row that they were believed, whatever energy that has cost. `p_sign`, `q_sign`: which
    way the total's active and reactive energy went in the last interval, +1 import, -1 export, 0 below the lock.
    """

    def __init__(
        self,
        analog: dict,
        network: Network,
        start_p_mw: int,
        start_q_mvar: int,
        nominal_hz: int = 50,
        summation: str = "vector",
        apparent: str = "vector",
        reactive: bool = True,
    ):
        self._network = network
        self._start_p = start_p_mw
        self._start_q = start_q_mvar
        self._reactive = reactive
        self._summation = summation_in(network, summation)
        # One element of an Aron circuit has no apparent power of its own.
        self._rms = reactive and apparent == "rms" and bool(network.phases)
        self._numerator, self._denominator = energy_ratio(analog, nominal_hz)
        count = 3 * _PHASES if self._rms else 2 * _PHASES
        self.codes = [0] * count
        self.rejected = 0
        self.new_beginnings = 0
        self.p_sign = 0
        self.q_sign = 0
        self._baseline = [0] * count
        self._differences = [0] * count
        self._remainders = [0] * count  # of 1 / denominator
        self._apparent_remainders = [0] * (1 + _PHASES)  # total, phases; of 1 / denominator / 2**_SUB_BITS
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

    def advance(self, codes: list, elapsed_ms: int = 0, negative: int = 0) -> Increment:
        """Energies since the last reading. The same Increment object every time, valid until the next call.

        `codes`: as many signed or unsigned 32-bit readings as `self.codes` holds. `elapsed_ms`: since the last call,
        from any clock; 0 if unknown, then no reading is implausible and the interval counts as one of the chip's. A
        reading that no input could have caused counts nothing; the next one is then measured from the same baseline,
        so that one bad reading costs no energy. `negative`: bits 0..2 active, 3..5 reactive power of L1..L3 is
        negative; needed where the chip adds up absolute values (`front_end.summation_in`), unused else.
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
                self.new_beginnings += 1
                self.reset_baseline(codes)
            return increment
        # The chip's own intervals, not the caller's: a late reading holds as many as an early one after it.
        interval_ms = max(1, (self._unread_ms + _LATCH_MS // 2) // _LATCH_MS) * _LATCH_MS
        self._doubts = self._unread_ms = 0
        self._baseline[:] = codes
        self._convert(increment, negative)
        p, q = self._differences[:_PHASES], self._differences[_PHASES : 2 * _PHASES]
        if self._reactive and not self._rms:
            self._take_roots(increment, p, q, self._numerator)
        self._book(increment, p, q, self._numerator, interval_ms)
        return increment

    def substitute(self, p: list, q: list, interval_ms: int) -> Increment:
        """Book energies that come from elsewhere instead of those of the last `advance`, whose Increment it changes.

        `p`, `q`: mWs and mvars of the three elements in `interval_ms`, signed. Apparent energy of a phase is the root
        of the two, whatever the method. The baseline stays: `advance` goes on with the next reading.
        """
        increment = self._increment
        increment.clear()
        increment.p[:] = p
        increment.q[:] = q
        if self._reactive:
            self._take_roots(increment, p, q, self._denominator)
        self._book(increment, p, q, self._denominator, interval_ms)
        return increment

    def _subtract(self, codes: list, elapsed_ms: int) -> bool:
        """Differences to the baseline; False if one is more than `elapsed_ms` (0: any time) can bring."""
        # A latch may have fallen just outside the caller's interval at either end.
        limit = _MAX_CODES_PER_MS * (elapsed_ms + _LATCH_MS) if elapsed_ms else _TURN
        differences, baseline = self._differences, self._baseline
        plausible = True
        for n in range(len(differences)):
            difference = (codes[n] - baseline[n] + _HALF_TURN) % _TURN - _HALF_TURN
            differences[n] = difference
            if abs(difference) > limit:
                plausible = False
        return plausible

    def _convert(self, increment: Increment, negative: int) -> None:
        """Codes to mWs, mvars and mVAs per phase; what is left over is carried. Gives absolute values their signs."""
        differences, remainders = self._differences, self._remainders
        if self._summation == "vector":
            negative = 0
        for n in range(len(differences)):
            amount = differences[n] * self._numerator + remainders[n]
            whole = amount // self._denominator
            remainders[n] = amount - whole * self._denominator
            if negative >> n & 1:
                whole = -whole
                differences[n] = -differences[n]
            (increment.p, increment.q, increment.s)[n // _PHASES][n % _PHASES] = whole

    def _book(self, increment: Increment, p: list, q: list, unit: int, interval_ms: int) -> None:
        """Start-up lock, summation, quadrants. `p`, `q`: the increment's, in steps of unit / denominator mWs, mvars."""
        active, reactive = self._lock(increment, interval_ms)
        total = increment.rows[0]
        for n in self._network.phases:
            row = increment.rows[1 + n]
            split(row, increment.p[n] if self.p_sign else 0, increment.q[n] if self.q_sign else 0)
            if self._summation == "separate":
                for kind in range(len(total)):
                    total[kind] += row[kind]
        if self._summation != "separate":
            split(total, active, reactive)
        if self._reactive:
            self._add_apparent(increment, p, q, unit)

    def _lock(self, increment: Increment, interval_ms: int) -> tuple:
        """(active, reactive) energy of all elements together, 0 below the lock; sets `p_sign` and `q_sign`."""
        active = reactive = active_net = reactive_net = 0
        for n in self._network.elements:
            active_net += increment.p[n]
            reactive_net += increment.q[n]
            active += abs(increment.p[n])
            reactive += abs(increment.q[n])
        if self._summation == "vector":
            active, reactive = active_net, reactive_net
        if abs(active) * 1000 < self._start_p * interval_ms:
            active = 0
        if not self._reactive or abs(reactive) * 1000 < self._start_q * interval_ms:
            reactive = 0
        if self._summation == "absolute":
            active_net, reactive_net = active, reactive
        self.p_sign = (-1 if active_net < 0 else 1) if active else 0
        self.q_sign = (-1 if reactive_net < 0 else 1) if reactive else 0
        return active, reactive

    def _take_roots(self, increment: Increment, p: list, q: list, unit: int) -> None:
        """Apparent energy of each element as the root of its P and Q."""
        for n in self._network.elements:
            increment.s[n] = self._root(1 + n, p[n], q[n], unit)

    def _add_apparent(self, increment: Increment, p: list, q: list, unit: int) -> None:
        """Count apparent energy of phases and total, in the direction of active energy, unless all is locked."""
        if not self.p_sign and not self.q_sign:
            return
        total = increment.rows[0]
        absolute, separate = self._summation == "absolute", self._summation == "separate"
        active, reactive = [0, 0], [0, 0]  # import, export
        for n in self._network.elements:
            export = int(self.p_sign != 0 and increment.p[n] < 0)
            if n in self._network.phases:
                increment.rows[1 + n][_S_IMPORT + export] = increment.s[n]
            if not separate:
                export = int(self.p_sign < 0)
            if self._rms:
                total[_S_IMPORT + export] += increment.s[n]
            active[export] += abs(p[n]) if absolute else p[n]
            reactive[export] += abs(q[n]) if absolute else q[n]
        if not self._rms:
            for export in (0, 1):
                total[_S_IMPORT + export] = self._root(0, active[export], reactive[export], unit)

    def _root(self, row: int, p: int, q: int, unit: int) -> int:
        """Apparent energy in mVAs from P and Q in steps of unit / denominator; what is left over is carried."""
        root = square_root((p * p + q * q) << 2 * _SUB_BITS)
        amount = root * unit + self._apparent_remainders[row]
        whole = amount // (self._denominator << _SUB_BITS)
        self._apparent_remainders[row] = amount - whole * (self._denominator << _SUB_BITS)
        return whole


def split(row: list, active: int, reactive: int) -> None:
    """Book `active` (mWs) and `reactive` (mvars) energy by direction; quadrants as in IEC 62053-23, annex C."""
    export = active < 0
    row[_A_EXPORT if export else _A_IMPORT] = abs(active)
    if reactive >= 0:
        row[_R_IMPORT] = row[_R2 if export else _R1] = reactive
    else:
        row[_R_EXPORT] = row[_R3 if export else _R4] = -reactive
