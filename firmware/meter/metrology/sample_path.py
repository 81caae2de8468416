"""The sample path: waveform pages become U, I, P, Q of each phase and f, over 10 (50 Hz) or 12 (60 Hz) cycles.

Windows follow one another without a gap, from rising zero crossing to rising zero crossing of the reference voltage:
that of L1, or of the first phase present. Without a voltage they last 200 ms by sample count. P is the mean of u * i, Q
that of the fundamentals, from the correlation of u and i with a sine at the measured frequency (README.md).
"""

from array import array
from math import pi, sin, sqrt

from drivers.ade9000_registers import SAMPLE_RATE
from meter.metrology import kernels
from meter.metrology.kernels import MAX_SETS, copy_set, reference, rising
from meter.metrology.scales import sample_scales
from meter.metrology.window import PhaseWindow

_PHASES = 3
_PAGE_SETS = 16
_FREE_SETS = SAMPLE_RATE // 5  # a window without a reference voltage
_HOLD_SETS = SAMPLE_RATE // 80  # after a zero crossing none is looked for: at most 80 Hz
_LOST_SETS = SAMPLE_RATE // 40  # without a zero crossing the reference voltage is gone: at least 40 Hz
_F_MIN, _F_MAX = 40.0, 70.0
_ARM_V = 10.0  # the reference voltage must have been below minus this before a rising crossing counts
_PRESENT_V = 20.0  # above it a phase counts as present
_TURN = 1 << 30  # of the reference oscillator
# Amplitude of the reference: its table's, and what straight lines between 512 points a turn take from a sine
_AMPLITUDE = 32767 * (sin(pi / 512) / (pi / 512)) ** 2

# What is being done with the windows
_FREE = 0  # by sample count; looking for the reference voltage
_ACQUIRE = 1  # the first cycle from crossing to crossing gives the frequency
_LOCKED = 2


class SamplePath:
    """Instantaneous values. Lists over L1..L3, updated in place when a window ends; `windows` counts windows.

    u (V), i (A), p (W), q (var, fundamental); `f` (Hz), None without a voltage; `present`: U above 20 V;
    `reversed_field`: all three present in the order L3 L2 L1.
    """

    def __init__(self, analog: dict, nominal_hz: int = 50):
        self.u = [0.0] * _PHASES
        self.i = [0.0] * _PHASES
        self.p = [0.0] * _PHASES
        self.q = [0.0] * _PHASES
        self.f: "float | None" = None
        self.present = [False] * _PHASES
        self.reversed_field = False
        self.windows = 0
        self._volt, self._ampere = sample_scales(analog, nominal_hz)
        self._cycles_per_window = nominal_hz // 5
        self._table = kernels.sine_table()
        self._ref = array("H", [32768] * (2 * (MAX_SETS + 1)))
        self._oscillator = array("i", [0, self._step(nominal_hz), 0])
        self._crossing = array("i", [0, int(_ARM_V / self._volt) >> 8])
        self._tail = bytearray(28)
        self._phases = tuple(PhaseWindow(phase) for phase in range(_PHASES))
        self._lost_pages = 0
        self._reference = 0
        self.reset()

    def reset(self) -> None:
        """Samples are missing before the next page: begin a new window and find the reference voltage again."""
        self._mode = _FREE
        self._count = 0  # sets counted in full in this window
        self._cycles = 0
        self._since = 0  # sets since the last zero crossing
        self._begin = 0.5  # how far after the last set of the window before this one began
        self._crossing[0] = 0
        for phase in self._phases:
            phase.close(1.0)

    def invalidate(self) -> None:
        """The samples come from a front end that is not to be trusted: no values until the next whole window."""
        self.windows = 0
        self.f = None
        for phase in range(_PHASES):
            self.present[phase] = False
        self.reset()

    def feed(self, page, pages: int, lost_pages: int = 0) -> None:
        """Take `pages` consecutive pages from the beginning of buffer `page`.

        `lost_pages` is the driver's count of pages lost so far; when it has grown, a gap lies before these pages.
        """
        if lost_pages != self._lost_pages:
            self._lost_pages = lost_pages
            self.reset()
        first = 0
        end = _PAGE_SETS * pages
        while first < end:
            n = end - first
            if n > MAX_SETS:
                n = MAX_SETS
            reference(n, self._table, self._ref, self._oscillator)
            if self._mode == _FREE:
                self._feed_free(page, first, n)
            else:
                self._feed_cycles(page, first, n)
            first += n
            copy_set(self._tail, page, first - 1)

    def phase(self, quantity: str, n: int) -> "float | None":
        """Quantity "u", "i", "p" or "q" of phase n (0..2); None before the first window."""
        return getattr(self, quantity)[n] if self.windows else None

    def total(self, quantity: str) -> "float | None":
        """Quantity "p" or "q" of all phases together, or "f"; None before the first window, and f without a voltage."""
        if not self.windows:
            return None
        return self.f if quantity == "f" else sum(getattr(self, quantity))

    # --- blocks of `n` sets from set `first` on; slot 1 of the reference belongs to set `first` -----------------------

    def _feed_free(self, page, first: int, n: int) -> None:
        k = rising(page, first | self._channel(), n, self._crossing)
        if k >= 0:
            self._cut(page, first, k)
            self._mode = _ACQUIRE
            self._add(page, first, k, n)
            self._since = n - k
            return
        self._since += n
        if self._since > _LOST_SETS:
            self._look_at((self._reference + 1) % _PHASES)
        end = _FREE_SETS - self._count
        if end > n:
            self._add(page, first, 0, n)
            return
        end = max(0, end)  # a window whose reference failed can be longer already
        self._add(page, first, 0, end)
        self._close_free()
        self._add(page, first, end, n)

    def _feed_cycles(self, page, first: int, n: int) -> None:
        start = _HOLD_SETS - self._since
        if start < 0:
            start = 0
        k = -1
        if start < n:
            k = rising(page, (first + start) | self._channel(), n - start, self._crossing)
        if k < 0:
            self._add(page, first, 0, n)
            self._since += n
            if self._since > _LOST_SETS:
                self._look_at((self._reference + 1) % _PHASES)
            return
        k += start
        self._cycles += 1
        self._since = n - k
        if self._mode == _LOCKED and self._cycles < self._cycles_per_window:
            self._add(page, first, 0, n)
            return
        self._add(page, first, 0, k)
        self._close_cycles(page, first, k, n)
        self._add(page, first + k, 0, n - k)

    def _add(self, page, first: int, start: int, end: int) -> None:
        n = end - start
        if n <= 0:
            return
        self._count += n
        span = (first + start) | n << 10 | (start + 1) << 18
        for phase in self._phases:
            phase.add(page, self._ref, span)

    # --- ends of windows ----------------------------------------------------------------------------------------------

    def _close_free(self) -> None:
        length = self._count + 0.5 - self._begin
        for phase in self._phases:
            phase.close(length)
        self._begin = 0.5
        self._count = 0
        self._publish(None, 1.0)

    def _close_cycles(self, page, first: int, k: int, n: int) -> None:
        cycles = self._cycles
        length = self._cut(page, first, k)
        f = SAMPLE_RATE * cycles / length
        if not _F_MIN <= f <= _F_MAX:
            f = self._f_ref()
            self._look_at(self._reference)
        elif self._mode == _LOCKED:
            x = pi * (f - self._f_ref()) * length / SAMPLE_RATE
            # A reference that drifts against the fundamental sees less of it, equally in u and in i.
            self._publish(f, (x / sin(x)) ** 2 if 0 < abs(x) < 1 else 1.0)
            self._choose_reference()
        else:
            self._mode = _LOCKED
        self._tune(f, n - k)

    def _tune(self, f: float, n: int) -> None:
        """Run the reference at `f` from the last `n` sets of the block on, which become a block of their own."""
        oscillator = self._oscillator
        oscillator[kernels.PHASE] = (oscillator[kernels.PHASE] - n * oscillator[kernels.STEP]) & (_TURN - 1)
        oscillator[kernels.STEP] = self._step(f)
        reference(n, self._table, self._ref, oscillator)

    def _f_ref(self) -> float:
        return self._oscillator[kernels.STEP] * (SAMPLE_RATE / _TURN)

    def _cut(self, page, first: int, k: int) -> float:
        """End the window at the zero crossing before set `k` of the block, begin a new one; its length in samples."""
        word = 2 * self._reference + 1
        if k:
            before, m = page, first + k - 1
        else:
            before, m = self._tail, 0
        low = kernels.code(before, 7 * m + word)
        a = low / (low - kernels.code(page, 7 * (first + k) + word))
        length = self._count + a - self._begin
        ends = ((before, m | 1 << 10 | k << 18), (page, (first + k) | 1 << 10 | (k + 1) << 18))
        for phase in self._phases:
            phase.close_between(max(1.0, length), a, ends, self._ref)
        self._begin = a
        self._count = self._cycles = 0
        return length

    def _publish(self, f: "float | None", gain: float) -> None:
        volt, ampere = self._volt, self._ampere
        q_scale = 2 * volt * ampere * gain / (_AMPLITUDE * _AMPLITUDE)
        for n in range(_PHASES):
            uu, ii, ui, uc, us, ic, i_s = self._phases[n].means
            self.u[n] = volt * sqrt(max(0.0, uu))
            self.i[n] = ampere * sqrt(max(0.0, ii))
            self.p[n] = volt * ampere * ui
            self.q[n] = q_scale * (uc * i_s - us * ic)
            self.present[n] = self.u[n] > _PRESENT_V
        self.f = f if self.present[self._reference] else None
        self.reversed_field = all(self.present) and self._turning() > 0
        self.windows += 1

    def _turning(self) -> float:
        """Sum of the sines of the angles from L1 to L2, L2 to L3, L3 to L1, weighted; negative in the normal field."""
        total = 0.0
        for n in range(_PHASES):
            _, _, _, c1, s1, _, _ = self._phases[n].means
            _, _, _, c2, s2, _, _ = self._phases[(n + 1) % _PHASES].means
            total += c2 * s1 - s2 * c1
        return total

    def _choose_reference(self) -> None:
        wanted = self.present.index(True) if True in self.present else self._reference
        if wanted != self._reference:
            self._look_at(wanted)

    def _look_at(self, phase: int) -> None:
        """Look for zero crossings of this phase's voltage; until there are some, windows go by time."""
        self._reference = phase
        self._crossing[0] = 0
        self._since = 0
        self._mode = _FREE

    def _channel(self) -> int:
        """The reference voltage's channel as `rising` takes it."""
        return (2 * self._reference + 1) << 10

    def _step(self, f: float) -> int:
        return round(f * (_TURN / SAMPLE_RATE))
