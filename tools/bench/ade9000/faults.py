"""Faults that can be injected into the chip model, as `chip.faults`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tools.bench.ade9000.analog import ROWS

if TYPE_CHECKING:
    from tools.bench.ade9000.chip import ADE9000


class Faults:
    """Attributes act as long as they are set; counters count down; methods act at the chip's present time.

    A method may also be given its argument by assignment, for callers who only set attributes: `faults.error = 0`,
    `faults.brown_out = 5.0`, `faults.gain_jump = ("IA", 1.1)`, `faults.spontaneous_reset = True`.

    power_gain is behind the chip's split into energies and waveform samples on one side, page_gain, lose_pages and
    dead_pages on the other; gain_jump is before it.

    stuck_miso: None, or the byte (0x00, 0xFF) every SPI read returns.
    flip_reads: the next n reads (register or burst) arrive with one bit turned over; CRCs stay those of the truth.
    flip_pages: the same for the next n bursts from the waveform buffer only.
    flip_writes: the next n register writes arrive with one data bit turned over.
    missed_egyrdy: the next n energy intervals end without setting EGYRDY (the registers are updated).
    stuck: address -> value: what these registers read as, whatever happens.
    dead_irq: both interrupt pins stay high.
    dead_pages: no full waveform page is told any more; resets do not help.
    """

    _ACTIONS = frozenset(
        "error brown_out spontaneous_reset stop_sampling gain_jump power_gain page_gain lose_pages".split()
    )

    def __init__(self, chip: ADE9000, seed: int) -> None:
        self._chip = chip
        self._random = random.Random(seed)
        self._dead_irq = False
        self.clear()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._ACTIONS:
            super().__setattr__(name, value)
        elif name == "spontaneous_reset":
            if value:
                self.spontaneous_reset()
        else:
            getattr(self, name)(*(value if isinstance(value, tuple) else (value,)))

    def clear(self) -> None:
        """Heal everything but what a reset would heal; sampling goes on, channel gains are 1 again."""
        self.stuck_miso: int | None = None
        self.flip_reads = self.flip_pages = self.flip_writes = 0
        self.missed_egyrdy = 0
        self.stuck = {}
        self.dead_irq = self.dead_pages = False
        self.stop_sampling(False)
        for channel in ROWS:
            self.gain_jump(channel, 1.0)
            self.page_gain(channel, 1.0)
        for phase in range(3):
            self.power_gain(phase, 1.0)

    @property
    def dead_irq(self) -> bool:
        return self._dead_irq

    @dead_irq.setter
    def dead_irq(self, dead: bool) -> None:
        self._dead_irq = dead
        self._chip.core.status.dead_irq = dead
        self._chip.core.status.drive(self._chip.now)

    @property
    def dead_pages(self) -> bool:
        return self._chip.core.buffer.silent

    @dead_pages.setter
    def dead_pages(self, dead: bool) -> None:
        self._chip.core.buffer.silent = dead
        self._chip.core.schedule()

    @property
    def missed_egyrdy(self) -> int:
        return self._chip.core.missed_egyrdy

    @missed_egyrdy.setter
    def missed_egyrdy(self, intervals: int) -> None:
        self._chip.core.missed_egyrdy = intervals

    @property
    def stuck(self) -> dict[int, int]:
        return self._chip.access.stuck

    @stuck.setter
    def stuck(self, registers: dict[int, int]) -> None:
        self._chip.access.stuck = registers

    def error(self, number: int) -> None:
        """Raise ERROR0..ERROR3 in STATUS1."""
        if number not in range(4):
            raise ValueError(f"error: {number!r} is not 0..3")
        self._chip.raise_error(number)

    def brown_out(self, milliseconds: float = 1.0) -> None:
        """The supply dips below the power-on-reset level: outputs released, registers at reset, RSTDONE later."""
        self._chip.brown_out(round(milliseconds * 1e6))

    def spontaneous_reset(self) -> None:
        """The digital part resets as after SWRST, unasked."""
        self._chip.spontaneous_reset()

    def stop_sampling(self, stopped: bool = True) -> None:
        """The sample clock stands still: registers answer, buffer and accumulators are frozen."""
        self._chip.core.freeze(stopped)

    def gain_jump(self, channel: str, factor: float) -> None:
        """The analog gain of a channel (IA VA IB VB IC VC IN) changes to `factor` times the ideal one."""
        if channel not in ROWS:
            raise ValueError(f"gain_jump: {channel!r} is not one of {' '.join(ROWS)}")
        self._chip.core.set_channel_gain(ROWS.index(channel), factor)

    def power_gain(self, phase: int, factor: float) -> None:
        """All energies of phase 0..2 and its pulses become `factor` times what they should be; xWATT, xFVAR do not."""
        if phase not in range(3):
            raise ValueError(f"power_gain: {phase!r} is not 0..2")
        self._chip.core.set_energy_gain(phase, factor)

    def page_gain(self, channel: str, factor: float) -> None:
        """A channel (IA VA IB VB IC VC IN) of the waveform buffer becomes `factor` times what it should be; 0: dead."""
        if channel not in ROWS:
            raise ValueError(f"page_gain: {channel!r} is not one of {' '.join(ROWS)}")
        self._chip.core.set_page_gain(ROWS.index(channel), factor)

    def lose_pages(self, pages: int) -> None:
        """The next `pages` waveform pages fill without PAGE_FULL; of more than 14 the first ones are overwritten."""
        self._chip.core.silence_pages(pages)

    # -- used by the SPI front ----------------------------------------------------------------------------------

    def spoil(self, data: bytes) -> bytes:
        """`data` with one bit turned over."""
        bit = self._random.randrange(8 * len(data))
        spoilt = bytearray(data)
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        return bytes(spoilt)
