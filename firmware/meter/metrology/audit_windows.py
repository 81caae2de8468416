"""The sample path's energy at any moment of the last two seconds, for the audit: what its windows say, interpolated."""

from micropython import const

from drivers.ade9000_registers import SAMPLE_RATE

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
    `power` (mW), `edge` (how uncertain `at` is) and `turned` (whether the power may have reversed thereabouts).
    """

    def __init__(self, used: list):
        self.at = [0] * BALANCES
        self.power = [0] * BALANCES
        self.edge = [0] * BALANCES
        self.turned = [False] * BALANCES
        self._used = used
        self._low = [0] * BALANCES
        self._duration = 0  # of the sample path's energy, at the newest window
        # A ring: end, energies up to it, mean powers
        self._newest = 0
        self._ends = [0] * _KEPT
        self._sums = [[0] * BALANCES for _ in range(_KEPT)]
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
            self.position += _PAGE_SETS * (lost_pages - self._lost_pages)
        self._lost_pages = lost_pages
        self.position += _PAGE_SETS * pages
        length = energy.duration - self._duration
        if length == 0:
            return
        self._duration = energy.duration
        last, slot = self._newest, (self._newest + 1) % _KEPT
        end = self._ends[last] + length
        if not self._windows or not -_SLACK <= self.position - end <= _PAGE_SETS * pages + _SLACK:
            # It does not follow the one before. It has ended within these pages.
            self._windows = 0
            end = self.position - _PAGE_SETS * pages // 2
            self._ends[last] = end - length
        self._newest = slot
        self._windows += 1
        self._ends[slot] = end
        before, sums, powers = self._sums[last], self._sums[slot], self._powers[slot]
        for n in range(BALANCES):
            total = energy.p_energy[n] if n < PHASES else energy.q_energy[n - PHASES]
            powers[n] = (total - before[n]) * SAMPLE_RATE // length
            sums[n] = total

    def look(self, t: int) -> bool:
        """Find the energies at `t`; False if the windows around it are not there (yet), or not without a gap."""
        slot, last = self._newest, t + _AFTER
        if not self._windows or self._ends[slot] < last:
            return False
        at, high, low = self.at, self.edge, self._low
        fresh = True
        for _ in range(min(self._windows, _KEPT - 1)):
            before = (slot - 1) % _KEPT
            begin, end = self._ends[before], self._ends[slot]
            if begin < last:
                powers = self._powers[slot]
                for n in self._used:
                    power = powers[n]
                    if fresh or power > high[n]:
                        high[n] = power
                    if fresh or power < low[n]:
                        low[n] = power
                fresh = False
            if begin <= t < end:
                earlier, later = self._sums[before], self._sums[slot]
                for n in self._used:
                    at[n] = earlier[n] + (later[n] - earlier[n]) * (t - begin) // (end - begin)
                    self.power[n] = powers[n]
            if begin <= t - _BEFORE:
                break
            slot = before
        else:
            return False
        for n in self._used:
            spread = high[n] - low[n]
            # Within a window it could reverse unseen, but then the window's mean is much lower than others.
            self.turned[n] = 2 * spread > max(high[n], -low[n])
            high[n] = spread // _EDGE_PER_S
        return True
