"""STATUS0/STATUS1, their masks and the two interrupt pins.

Status bits are cleared by writing 1. A pin is low while any unmasked bit is set; ERROR0, ERROR1 and RSTDONE cannot be
masked. Bits that come with every sample, half cycle or power interval are only looked up when somebody asks: each
knows the last count it was acknowledged at.
"""

from __future__ import annotations

from collections.abc import Callable

from tools.bench.line import Line

EGYRDY, DREADY, WFB_TRIG_IRQ, PAGE_FULL, PWRRDY = 1 << 0, 1 << 15, 1 << 16, 1 << 17, 1 << 18
RMSONERDY, RMS1012RDY, THD_PF_RDY, WFB_TRIG, TEMP_RDY = 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 25
CF_BIT = tuple(1 << 11 + n for n in range(4))
REVPSUM_BIT = tuple(1 << 7 + n for n in range(4))
RSTDONE, CRC_CHG, CRC_DONE = 1 << 16, 1 << 26, 1 << 27
ERROR_BIT = (1 << 28, 1 << 29, 1 << 30, 1 << 31)
NOT_MASKABLE = RSTDONE | ERROR_BIT[0] | ERROR_BIT[1]
PERIODIC = (DREADY, RMSONERDY, RMS1012RDY, THD_PF_RDY, PWRRDY)
PERIODIC_BITS = sum(PERIODIC)


class Status:
    """Both status registers. `grid(bit)` gives (period, origin) in samples of a periodic bit, or None if it rests."""

    def __init__(self, irq0: Line, irq1: Line, grid: Callable[[int], tuple[float, int] | None]) -> None:
        self.irq0, self.irq1, self._grid = irq0, irq1, grid
        self.dead_irq = False
        self.reset()

    def reset(self) -> None:
        """All bits and masks 0, and the periodic bits counted from zero."""
        self.bits = [0, 0]
        self.masks = [0, 0]
        self.irq0_on_irq1 = False
        self.seen = dict.fromkeys(PERIODIC, 0)

    def raise_bits(self, register: int, bits: int) -> None:
        """Set bits of STATUS0 (register 0) or STATUS1 (1); `drive` puts it on the pins."""
        self.bits[register] |= bits

    def acknowledge(self, register: int, value: int, samples: int) -> None:
        """Write 1 to clear, at sample count `samples`."""
        if register == 0 and value & PERIODIC_BITS:
            self.refresh(samples, value & PERIODIC_BITS)
        self.bits[register] &= ~value

    def refresh(self, samples: int, which: int = -1) -> None:
        """Set the periodic bits (of `which`) that have come since they were last looked at."""
        for bit in PERIODIC:
            if bit & which:
                grid = self._grid(bit)
                if grid is None:
                    self.seen[bit] = samples
                    continue
                period, origin = grid
                if (samples - origin) // period > (self.seen[bit] - origin) // period:
                    self.bits[0] |= bit
                self.seen[bit] = samples

    def next_periodic(self, samples: int) -> int | None:
        """Sample count of the next unmasked periodic bit that is not set yet."""
        wanted = self.masks[0] & ~self.bits[0]
        best = None
        for bit in PERIODIC:
            if bit & wanted:
                grid = self._grid(bit)
                if grid is not None:
                    period, origin = grid
                    at = origin + ((samples - origin) // period + 1) * period
                    at = int(at) if at == int(at) else int(at) + 1
                    best = at if best is None else min(best, at)
        return best

    def drive(self, t_ns: int) -> None:
        """Set both pins to what status and masks say."""
        level0 = 0 if self.bits[0] & self.masks[0] and not self.dead_irq else 1
        level1 = 0 if self.bits[1] & (self.masks[1] | NOT_MASKABLE) and not self.dead_irq else 1
        if self.irq0_on_irq1:
            level1 &= level0
        if self.irq0.level != level0:
            self.irq0.set(level0, t_ns)
        if self.irq1.level != level1:
            self.irq1.set(level1, t_ns)

    def release(self, t_ns: int) -> None:
        """Unpowered: the pull-ups have the pins."""
        self.irq0.set(1, t_ns)
        self.irq1.set(1, t_ns)
