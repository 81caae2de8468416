"""The sample path's energy at any moment of the last two seconds, for the audit: what its windows say, interpolated."""

from micropython import const

from drivers.ade9000_registers import SAMPLE_RATE
from meter.metrology.values import wrapped

PHASES = const(3)
BALANCES = const(6)  # energies compared: active L1..L3, reactive L1..L3

_PAGE_SETS = const(16)
_KEPT = const(12)  # windows
_SLACK = const(40)  # samples, by which a window's end may seem to lie outside the pages that ended it

# How far around a moment the power is looked at: before it, because that is still felt behind the chip's low pass
_BEFORE = const(3200)
_AFTER = const(1600)
_EDGE_PER_S = const(5)  # a change of power around a moment makes the energy uncertain by 0.2 s of it


class AuditWindows:
    """Time is in samples since the chip's start, `position` is now; a gap in the samples does not stop it.

    After `look`, per balance: `at` (mWs, mvars, signed, since the start of the firmware, without what was in gaps),
    `power` (mW), `edge` (how uncertain `at` is), `turned` (whether the power may have reversed thereabouts) and `doubt`
    (mvars: by how much at most all windows before the one at that moment were wrong together). Times, `at` and `doubt`
    go on for ever and are `wrapped` (values.py): only differences of two that lie close together mean something.
    """

    def __init__(self, used: list):
        self.at = [0] * BALANCES
        self.power = [0] * BALANCES
        self.edge = [0] * BALANCES
        self.doubt = [0] * BALANCES
        self.turned = [False] * BALANCES
        self._used = used
        self._low = [0] * BALANCES
        self._duration = 0  # of the sample path's energy, at the newest window
        # A ring: end, energies up to it and how wrong they may be, mean powers
        self._newest = 0
        self._ends = [0] * _KEPT
        self._sums = [[0] * BALANCES for _ in range(_KEPT)]
        self._doubts = [[0] * BALANCES for _ in range(_KEPT)]
        self._powers = [[0] * BALANCES for _ in range(_KEPT)]
        self.restart()

    def restart(self) -> None:
        """The chip has been started anew."""
        self.position = 0
        self._lost_pages = -1
        self._windows = 0  # since the last gap

    def feed(self, energy, pages: int, lost_pages: int) -> None:
        """`pages` pages have been read, and `energy` (EnergySums) holds what they have completed."""
        if self._lost_pages >= 0:
            self.position = wrapped(self.position + _PAGE_SETS * (lost_pages - self._lost_pages))
        self._lost_pages = lost_pages
        self.position = wrapped(self.position + _PAGE_SETS * pages)
        length = wrapped(energy.duration - self._duration)
        if length == 0:
            return
        self._duration = energy.duration
        last, slot = self._newest, (self._newest + 1) % _KEPT
        end = wrapped(self._ends[last] + length)
        if not self._windows or not -_SLACK <= wrapped(self.position - end) <= _PAGE_SETS * pages + _SLACK:
            # It does not follow the one before. It has ended within these pages.
            self._windows = 0
            end = wrapped(self.position - _PAGE_SETS * pages // 2)
            self._ends[last] = wrapped(end - length)
        self._newest = slot
        self._windows = min(_KEPT, self._windows + 1)
        self._ends[slot] = end
        before, sums, powers = self._sums[last], self._sums[slot], self._powers[slot]
        for n in range(BALANCES):
            total = energy.p_energy[n] if n < PHASES else energy.q_energy[n - PHASES]
            powers[n] = wrapped(total - before[n]) * SAMPLE_RATE // length
            sums[n] = total
        for n in range(PHASES):
            self._doubts[slot][PHASES + n] = energy.q_doubt[n]

    def look(self, t: int) -> bool:
        """Find the energies at `t`; False if the windows around it are not there (yet), or not without a gap."""
        slot, last = self._newest, t + _AFTER
        if not self._windows or wrapped(self._ends[slot] - last) < 0:
            return False
        fresh = True
        for _ in range(min(self._windows, _KEPT - 1)):
            before = (slot - 1) % _KEPT
            begin = self._ends[before]
            length = wrapped(self._ends[slot] - begin)
            into = wrapped(t - begin)
            if into > -_AFTER:
                self._spread(slot, before, length, fresh)
                fresh = False
            if 0 <= into < length:
                self._interpolate(slot, before, into, length)
            if into >= _BEFORE:
                break
            slot = before
        else:
            return False
        high, low = self.edge, self._low
        for n in self._used:
            spread = high[n] - low[n]
            # Within a window it could reverse unseen, but then the window's mean is much lower than others.
            self.turned[n] = 2 * spread > max(high[n], -low[n])
            high[n] = spread // _EDGE_PER_S
        return True

    def _spread(self, slot: int, before: int, length: int, fresh: bool) -> None:
        """Widen the range of powers by those of the window in `slot`, or begin it with them."""
        powers, high, low = self._powers[slot], self.edge, self._low
        doubts, earlier = self._doubts[slot], self._doubts[before]
        for n in self._used:
            doubt = wrapped(doubts[n] - earlier[n]) * SAMPLE_RATE // length
            if fresh or powers[n] + doubt > high[n]:
                high[n] = powers[n] + doubt
            if fresh or powers[n] - doubt < low[n]:
                low[n] = powers[n] - doubt

    def _interpolate(self, slot: int, before: int, into: int, length: int) -> None:
        """Take the energies `into` samples after the beginning of the window in `slot`."""
        earlier, later, powers, doubts = self._sums[before], self._sums[slot], self._powers[slot], self._doubts[before]
        for n in self._used:
            self.at[n] = wrapped(earlier[n] + wrapped(later[n] - earlier[n]) * into // length)
            self.power[n] = powers[n]
            self.doubt[n] = doubts[n]
