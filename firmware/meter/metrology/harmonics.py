"""Harmonics 1..40 of all voltages and currents, and their total distortion.

The samples of 10 or 12 cycles are folded on one cycle of 256 points that runs at the frequency of the window before
(kernels.fold). One fold follows the other without a gap; its ends need not be those of the measuring windows. When
someone asks, the points are transformed (kernels.dft), one channel at a time, and what each order has lost on the way
from the mains is put back. Formulas: README.md.
"""

from array import array
from math import log, pi, sin, sqrt

from drivers.ade9000_registers import SAMPLE_RATE
from meter.metrology import kernels as layout
from meter.metrology.kernels import AT, BANK_WORDS, CHANNELS, COUNT, GAP, GRID, HISTORY, ONE, ORDERS, TOTAL, ZERO
from meter.metrology.values import PRESENT_V

# The chip's decimation filters (ADE9000 data sheet, table 1): 0.1 dB down at 1344 Hz, 3 dB at 3200 Hz. Between them,
# and below, a maximally flat curve through both.
_EDGE_HZ = 3200.0
_STEEPNESS = log(10**0.01 - 1) / log(1344 / _EDGE_HZ)
_TABLE_AMPLITUDE = 32767 / 32  # of kernels.dft: table amplitude / 2**PRODUCT_SHIFT
_CODE_STEP = 256  # a code in kernels.fold is 1 / 256 of a sample's


class Harmonics:
    """U and I of order h = 1..40 (V, A rms) and THD (%, of the fundamental, orders 2..40) of the last complete fold.

    `volt`, `ampere`: of a sample's code, as rms = volt * sqrt(mean(code**2)). None is said where there is no such
    channel in the network, while no fold is complete yet and while the reference voltage is gone. `mask`: bits of the
    phases being folded, 0 while there is no frequency; `folds` counts complete ones. The first question about a channel
    after a fold takes about 0.3 million instructions, 2 ms on a Pico 2.
    """

    def __init__(self, volt: float, ampere: float, i_min: float, network, cycles: int, table: array, kernels):
        self.mask = 0
        self.folds = 0
        self.bins = array("i", bytes(4 * CHANNELS * BANK_WORDS))
        self.grid = array("i", bytes(4 * layout.GRID_WORDS))
        self.grid[TOTAL] = cycles * GRID
        self.valid = False
        self._scales = (ampere, volt)
        self._minimum = (i_min, PRESENT_V)
        self._phases = 0
        for phase in network.currents:
            self._phases |= 1 << phase
        self._channels = [2 * phase for phase in network.currents] + [2 * phase + 1 for phase in network.voltages]
        self._table = table
        self._dft = kernels.dft
        self._orders = array("i", bytes(8 * CHANNELS * ORDERS))
        self._shifts = [0] * CHANNELS
        self._bank = 0
        self._todo = 0  # bits of the channels whose points have not been transformed yet
        self._f = self._off = 0.0  # the grid's frequency, and what the mains' was above it
        self._fold_f = self._fold_off = 0.0  # the same of the last fold
        self._gains = [0.0] * ORDERS  # what puts back what each order has lost
        self._gains_due = False

    # --- measuring ----------------------------------------------------------------------------------------------------

    def begin(self, f: float, page, last: int) -> None:
        """Fold at frequency `f` from the set after set `last` (at least 1) of `page` on."""
        grid = self.grid
        for channel in range(CHANNELS):
            for back in (0, 1):
                word = layout.code(page, 7 * (last - back) + channel)
                grid[HISTORY + 2 * channel + back] = (word >> 8) + ZERO
        grid[AT] = grid[COUNT] = 0
        self.tune(f, 0.0)
        self.mask = self._phases

    def tune(self, f: float, off: float) -> None:
        """A window has ended: the grid is to run at `f` now; `off`: by how much f was above the grid's."""
        self.grid[GAP] = min(ONE, round(SAMPLE_RATE / GRID * ONE / f))
        self._f, self._off = f, off

    def stop(self) -> None:
        """There is no frequency any more, or samples are missing."""
        self.mask = 0
        self.valid = False

    def take(self, bank: int) -> None:
        """A fold is complete, in bank `bank` - 1."""
        self._bank = (bank - 1) * GRID
        self._todo = (1 << CHANNELS) - 1
        self._fold_f, self._fold_off = self._f, self._off
        self._gains_due = True
        self.folds += 1
        self.valid = True

    # --- asking -------------------------------------------------------------------------------------------------------

    def u(self, phase: int, order: int) -> "float | None":
        """V rms; ValueError for an order other than 1..40."""
        return self._order(2 * phase + 1, order)

    def i(self, phase: int, order: int) -> "float | None":
        """A rms; ValueError for an order other than 1..40."""
        return self._order(2 * phase, order)

    def thd_u(self, phase: int) -> "float | None":
        """%; None also if the voltage is not present."""
        return self._thd(2 * phase + 1)

    def thd_i(self, phase: int) -> "float | None":
        """%; None also if there is hardly any current."""
        return self._thd(2 * phase)

    def _order(self, channel: int, order: int) -> "float | None":
        if not 1 <= order <= ORDERS:
            raise ValueError("order: 1..40, not " + repr(order))
        if not self.valid or channel not in self._channels:
            return None
        if self._todo >> channel & 1:
            self._todo ^= 1 << channel
            place = BANK_WORDS * channel + self._bank
            self._shifts[channel] = self._dft(self.bins, self._table, place, self._orders)
        return sqrt(self._square(channel, order)) * self._scale(channel)

    def _thd(self, channel: int) -> "float | None":
        fundamental = self._order(channel, 1)
        if fundamental is None or fundamental <= self._minimum[channel & 1]:
            return None
        total = 0.0
        for order in range(2, ORDERS + 1):
            total += self._square(channel, order)
        return 100.0 * sqrt(total / self._square(channel, 1))

    def _square(self, channel: int, order: int) -> float:
        """An order's size squared, what was lost on the way put back."""
        if self._gains_due:
            self._work_out_gains(self._fold_f, self._fold_off)
            self._gains_due = False
        k = 2 * (ORDERS * channel + order - 1)
        gain = self._gains[order - 1]
        c, s = self._orders[k] * gain, self._orders[k + 1] * gain
        return c * c + s * s

    def _scale(self, channel: int) -> float:
        """V or A of a size of 1."""
        return self._scales[channel & 1] * 2.0 ** self._shifts[channel]

    def _work_out_gains(self, f: float, off: float) -> None:
        points = self.grid[TOTAL]
        # amplitude = 2 / points * |sum|, rms = volt * amplitude / sqrt(2)
        base = sqrt(2.0) * _CODE_STEP / (_TABLE_AMPLITUDE * points)
        drift = off * points / (GRID * f)
        for order in range(1, ORDERS + 1):
            hz = order * f
            lost = _sinc(hz / SAMPLE_RATE) ** 3 * _sinc(order * drift)
            self._gains[order - 1] = base * sqrt(1 + (hz / _EDGE_HZ) ** _STEEPNESS) / lost


def _sinc(x: float) -> float:
    """sin(pi x) / (pi x); from half a turn on what there is no bringing back is left as at half a turn."""
    x = min(abs(x), 0.5) * pi
    return sin(x) / x if x > 1e-3 else 1.0
