"""The sample path: waveform pages become values (values.py) and harmonics over 10 (50 Hz) or 12 (60 Hz) cycles.

Windows follow one another without a gap, from rising zero crossing to rising zero crossing of the reference voltage:
that of L1, or of the first phase present. Without a voltage they last 200 ms by sample count. P is the mean of u * i, Q
that of the fundamentals, from the correlation of u and i with a sine at the measured frequency (README.md).
"""

from array import array
from math import atan2, pi, sin, sqrt

from micropython import const

from drivers.ade9000_registers import SAMPLE_RATE
from meter.metrology import kernels as portable
from meter.metrology.harmonics import Harmonics
from meter.metrology.kernels import MAX_SETS, PHASE, STEP, code, copy_set, sine_table
from meter.metrology.scales import sample_scales
from meter.metrology.values import I0, I1, II, MEANS, PER_PHASE, PRESENT_V, U1, UU, EnergySums, Mean, P, Q, Values
from meter.metrology.window import UC, US, NeutralWindow, PhaseWindow

_PHASES = const(3)
_PAGE_SETS = const(16)
_FREE_SETS = SAMPLE_RATE // 5  # a window without a reference voltage
_HOLD_SETS = SAMPLE_RATE // 80  # after a zero crossing none is looked for: at most 80 Hz
_LOST_SETS = SAMPLE_RATE // 40  # without a zero crossing the reference voltage is gone: at least 40 Hz
_F_MIN, _F_MAX = 40.0, 70.0
_ARM_V = const(10.0)  # the reference voltage must have been below minus this before a rising crossing counts
_I_MIN_SHARE = const(5000)  # a current below this part of full scale has no angle, no distortion and no power factor
_SECOND_WINDOWS = const(5)
_TURN = const(1 << 30)  # of the reference oscillator
# Amplitude of the reference: its table's, and what straight lines between 512 points a turn take from a sine
_AMPLITUDE = 32767 * (sin(pi / 512) / (pi / 512)) ** 2
_SLIP_HZ = const(0.05)  # zero crossings and phase may disagree so much about f; more comes of a jump
_DRIFT_HZ = const(0.02)  # from window to window: so much is a drift that will go on, more a jump

# What is being done with the windows
_FREE = const(0)  # by sample count; looking for the reference voltage
_ACQUIRE = const(1)  # the first cycle from crossing to crossing gives the frequency
_LOCKED = const(2)


class SamplePath:
    """Instantaneous values of one network (networks.py).

    `window`: Values of the last 10 or 12 cycles; `second`: of the last five windows together. `windows`, `seconds`
    count them; `energy`: EnergySums of all windows; `harmonics`: Harmonics. `present`: voltages above 20 V, per phase
    (3P3W: from those between phases); `reversed_field`: all three are, in the order L3 L2 L1. `offsets`: what is added
    to P1..3 (W), then to Q1..3 (var). `periods` of the mains have been counted; what interrupts that begins at 0 again.
    `apparent`: see Values. `kernels`: module with the kernels to use.
    """

    def __init__(self, analog: dict, nominal_hz: int, network, apparent: str = "vector", kernels=portable):
        i_min = analog["i_full_scale_nA"] / 1e9 / _I_MIN_SHARE
        cycles = nominal_hz // 5
        self._volt, self._ampere = sample_scales(analog, nominal_hz)
        self._table = sine_table()
        self.window = Values(network, apparent, i_min)
        self.second = Values(network, apparent, i_min)
        self.windows = 0
        self.seconds = 0
        self.energy = EnergySums()
        self.harmonics = Harmonics(self._volt, self._ampere, i_min, network, cycles, self._table, kernels)
        self.offsets = [0.0] * (2 * _PHASES)
        self.present = [False] * _PHASES
        self.reversed_field = False
        self._network = network
        self._cycles_per_window = cycles
        self._oscillate = kernels.reference
        self._rising = kernels.rising
        self._fold = kernels.fold
        self._ref = array("H", [32768] * (2 * (MAX_SETS + 1)))
        self._oscillator = array("i", [0, self._step(nominal_hz), 0])
        self._crossing = array("i", [0, int(_ARM_V / self._volt) >> 8])
        self._tail = bytearray(28)
        self._phases = tuple([PhaseWindow(phase, kernels.correlate) for phase in network.currents])
        self._neutral = None
        if network.phases and len(network.currents) > 1:
            self._neutral = NeutralWindow(len(network.currents) == _PHASES, kernels.neutral)
        self._means = [0.0] * MEANS
        self._doubts = [0.0] * _PHASES  # var by which the window's Q may be wrong
        self._mean = Mean()
        self._lost_pages = 0
        self._reference = 0
        self.reset()

    def reset(self) -> None:
        """Samples are missing before the next page: begin a new window and find the reference voltage again."""
        self._mode = _FREE
        self.periods = 0
        self._count = 0  # sets counted in full in this window
        self._cycles = 0
        self._since = 0  # sets since the last zero crossing
        self._begin = 0.5  # how far after the last set of the window before this one began
        self._half = (0.0, 0.0)  # the reference voltage's sums in the first half of the window
        self._f_before = 0.0  # of the window before
        self._crossing[0] = 0
        self.harmonics.stop()
        for phase in self._phases:
            phase.close(1.0)
        if self._neutral:
            self._neutral.close(1.0)

    def invalidate(self) -> None:
        """The samples come from a front end that is not to be trusted: no values until the next whole window."""
        self.windows = self.seconds = 0
        self.window.valid = self.second.valid = False
        self._mean.clear()
        self.reversed_field = False
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
        harmonics = self.harmonics
        first = 0
        end = _PAGE_SETS * pages
        while first < end:
            n = end - first
            if n > MAX_SETS:
                n = MAX_SETS
            if harmonics.mask:
                full = self._fold(page, first | n << 10 | harmonics.mask << 16, harmonics.bins, harmonics.grid)
                if full:
                    harmonics.take(full)
            self._oscillate(n, self._table, self._ref, self._oscillator)
            if self._mode == _FREE:
                self._feed_free(page, first, n)
            else:
                self._feed_cycles(page, first, n)
            first += n
            copy_set(self._tail, page, first - 1)

    # --- blocks of `n` sets from set `first` on; slot 1 of the reference belongs to set `first` -----------------------

    def _feed_free(self, page, first: int, n: int) -> None:
        k = self._rising(page, first | self._channel(), n, self._crossing)
        if k >= 0:
            self._cut(page, first, k)
            self._mode = _ACQUIRE
            self._add(page, first, k, n)
            self._since = n - k
            return
        self._since += n
        if self._since > _LOST_SETS:
            self._look_at(self._next_voltage())
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
            k = self._rising(page, (first + start) | self._channel(), n - start, self._crossing)
        if k < 0:
            self._add(page, first, 0, n)
            self._since += n
            if self._since > _LOST_SETS:
                self._look_at(self._next_voltage())
            return
        k += start
        self._cycles += 1
        self.periods = (self.periods + 1) & 0x3FFFFFFF
        self._since = n - k
        if self._mode == _LOCKED and self._cycles < self._cycles_per_window:
            if 2 * self._cycles != self._cycles_per_window:
                self._add(page, first, 0, n)
                return
            self._add(page, first, 0, k)
            self._half = self._halve(page, first, k)
            self._add(page, first, k, n)
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
        if self._neutral:
            self._neutral.add(page, span)

    # --- ends of windows ----------------------------------------------------------------------------------------------

    def _close_free(self) -> None:
        length = self._count + 0.5 - self._begin
        for phase in self._phases:
            phase.close(length)
        if self._neutral:
            self._neutral.close(length)
        self._begin = 0.5
        self._count = 0
        self._publish(length, None, 1.0, 1.0)

    def _close_cycles(self, page, first: int, k: int, n: int) -> None:
        cycles = self._cycles
        length = self._cut(page, first, k)
        f_ref = self._f_ref()
        f = following = crossed = SAMPLE_RATE * cycles / length
        if not _F_MIN <= f <= _F_MAX:
            following = f_ref
            self._look_at(self._reference)
        elif self._mode == _LOCKED:
            f = self._refined(f, length)
            x = pi * (f - f_ref) * length / SAMPLE_RATE
            # A reference that drifts against the fundamental sees less of it, equally in u and in i.
            jump = max(abs(f - f_ref), abs(crossed - f_ref))
            self._publish(length, f, x / sin(x) if 0 < abs(x) < 1 else 1.0, jump / f if jump > _DRIFT_HZ else 0.0)
            drift = f - self._f_before
            following = f + drift if abs(drift) < _DRIFT_HZ else f
            self._f_before = f
            if self.harmonics.mask:
                self.harmonics.tune(following, f - f_ref)
            else:  # only now is the frequency known well enough for the highest orders
                self.harmonics.begin(following, page, first + n - 1)
            self._choose_reference()
        else:
            self._mode = _LOCKED
        self._tune(following, n - k)

    def _refined(self, f: float, length: float) -> float:
        """Frequency from the fundamental's phase in the second half of the window against that in the first.

        Harmonics have no part in it. `f`, from the zero crossings, does: lines between samples are not sines.
        """
        c1, s1 = self._half
        means = self._phases[self._reference].means
        c2, s2 = means[UC] * length - c1, means[US] * length - s1
        turned = atan2(c2 * s1 - s2 * c1, c1 * c2 + s1 * s2)
        refined = self._f_ref() + turned * SAMPLE_RATE / (pi * length)
        return refined if abs(refined - f) < _SLIP_HZ else f

    def _halve(self, page, first: int, k: int) -> tuple:
        """Sums of the reference voltage with cosine and sine up to the zero crossing before set `k` of the block."""
        a, low, high = self._crossed(page, first, k)
        w_before, w_after = (1 - a) ** 2 / 2 * low, a * a / 2 * high
        ref, j = self._ref, 2 * k
        c, s = self._phases[self._reference].voltage()
        c -= w_before * (ref[j] - 32768) - w_after * (ref[j + 2] - 32768)
        s -= w_before * (ref[j + 1] - 32768) - w_after * (ref[j + 3] - 32768)
        return c, s

    def _tune(self, f: float, n: int) -> None:
        """Run the reference at `f` from the last `n` sets of the block on, which become a block of their own."""
        oscillator = self._oscillator
        oscillator[PHASE] = (oscillator[PHASE] - n * oscillator[STEP]) & (_TURN - 1)
        oscillator[STEP] = self._step(f)
        self._oscillate(n, self._table, self._ref, oscillator)

    def _f_ref(self) -> float:
        return self._oscillator[STEP] * (SAMPLE_RATE / _TURN)

    def _crossed(self, page, first: int, k: int) -> tuple:
        """Where the reference voltage crosses zero before set `k`: (fraction of the way, code before, code after)."""
        word = 2 * self._reference + 1
        low = code(page, 7 * (first + k - 1) + word) if k else code(self._tail, word)
        high = code(page, 7 * (first + k) + word)
        return low / (low - high), low, high

    def _cut(self, page, first: int, k: int) -> float:
        """End the window at the zero crossing before set `k` of the block, begin a new one; its length in samples."""
        before, m = (page, first + k - 1) if k else (self._tail, 0)
        a = self._crossed(page, first, k)[0]
        length = self._count + a - self._begin
        ends = ((before, m | 1 << 10 | k << 18), (page, (first + k) | 1 << 10 | (k + 1) << 18))
        for phase in self._phases:
            phase.close_between(max(1.0, length), a, ends, self._ref)
        if self._neutral:
            self._neutral.close_between(max(1.0, length), a, ends)
        self._begin = a
        self._count = self._cycles = 0
        return length

    def _publish(self, length: float, f: "float | None", gain: float, jump: float) -> None:
        """A window of `length` samples has ended; `gain`: what the fundamentals have lost by a drifting reference.

        `jump`: the part of f by which the frequency was not the expected one, 0 if that is a drift.
        """
        volt, ampere, means, offsets = self._volt, self._ampere, self._means, self.offsets
        scale = gain * sqrt(2.0) / _AMPLITUDE
        turn = 0j if f is None else self._turn_back()
        for n in self._network.currents:
            uu, ii, ui, uc, us, ic, i_s = self._phases[n].means
            k = PER_PHASE * n
            i = complex(ic, -i_s) * (ampere * scale)
            means[k + II] = ampere * ampere * ii
            means[k + I1] = i * turn
            if n in self._network.elements:
                u = complex(uc, -us) * (volt * scale)
                means[k + UU] = volt * volt * uu
                means[k + P] = volt * ampere * ui + offsets[n]
                means[k + Q] = u.imag * i.real - u.real * i.imag + offsets[_PHASES + n]
                means[k + U1] = u * turn
        if self._neutral:
            means[I0] = ampere * ampere * self._neutral.mean
        self.window.update(means, f)
        self._look_at_voltages()
        self.windows += 1
        self._doubt(gain, jump)
        self.energy.add(means, self._doubts, length)
        self._mean.add(means, self.window.f, length)
        if self._mean.windows == _SECOND_WINDOWS:
            self._mean.give(self.second)
            self.seconds += 1

    def _doubt(self, gain: float, jump: float) -> None:
        """Say how wrong the window's Q may be; arguments as for `_publish`.

        Q is the product of two means. The mean of the product, which is what was fed, differs from it by at most the
        root of both variances: nothing as long as u and i keep their phases, much when a load steps with the frequency.
        """
        means, doubts = self._means, self._doubts
        seen = 1 / (gain * gain)
        for n in self._network.elements:
            k = PER_PHASE * n
            doubts[n] = 0.0
            if jump:
                uu, ii = means[k + UU], means[k + II]
                u_varies = uu - abs(means[k + U1]) ** 2 * seen
                i_varies = ii - abs(means[k + I1]) ** 2 * seen
                doubts[n] = sqrt(max(0.0, u_varies) * max(0.0, i_varies))
                doubts[n] += abs(means[k + Q]) * (1 - seen) + jump * sqrt(max(0.0, uu * ii))

    def _turn_back(self) -> complex:
        """Factor that turns phasors so that the reference voltage's stands at 0 degrees."""
        means = self._phases[self._reference].means
        turn = complex(means[UC], means[US])
        return turn / abs(turn) if turn else 0j

    def _look_at_voltages(self) -> None:
        window, present = self.window, self.present
        for n in self._network.voltages:
            present[n] = window.u[n] > PRESENT_V
        if not present[self._reference]:
            window.f = None
        if not self._network.phases:
            present[1] = present[0] or present[2]
        self.reversed_field = window.reversed_field

    def _choose_reference(self) -> None:
        for n in self._network.voltages:
            if self.present[n]:
                if n != self._reference:
                    self._look_at(n)
                return

    def _next_voltage(self) -> int:
        voltages = self._network.voltages
        return voltages[(voltages.index(self._reference) + 1) % len(voltages)]

    def _look_at(self, phase: int) -> None:
        """Look for zero crossings of this phase's voltage; until there are some, windows go by time."""
        self._reference = phase
        self._crossing[0] = 0
        self._since = self.periods = 0
        self._mode = _FREE
        self._f_before = 0.0
        self.harmonics.stop()

    def _channel(self) -> int:
        """The reference voltage's channel as `rising` takes it."""
        return (2 * self._reference + 1) << 10

    def _step(self, f: float) -> int:
        return round(f * (_TURN / SAMPLE_RATE))
