"""The waveform buffer: 256 sets of 8 words at 0x800..0xFFF, filled at a fixed 8 kSPS.

Set: IA VA IB VB IC VC IN spare. Sixteen pages of sixteen sets, 2 ms each. The memory is written lazily: the samples of
a chunk are packed once and copied into the ring when somebody looks.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from tools.bench.ade9000 import registers as r

SETS = 256
PAGE_SETS = 16
PAGES = 16
STOP_WHEN_FULL, STOP_ON_TRIGGER, CENTRE_TRIGGER, NOTE_TRIGGER = range(4)
SOURCE_LPF, SOURCE_PCF = 2, 3
# BURST_CHAN -> first and last+1 word of each set; all others stream whole sets
_CHANNELS = {1: (0, 2), 2: (2, 4), 3: (4, 6)} | {8 + n: (n, n + 1) for n in range(7)}
SINGLE_ADDRESS = 0xF


class WordSource(Protocol):
    """Who has the samples: `words(first, last)` gives (last - first, 8) big-endian words or None if gone."""

    def words(self, first: int, last: int, lpf: bool, neutral: bool) -> npt.NDArray[np.int32]: ...


class WaveformBuffer:
    """Capture control and memory. Sample counts are the DSP's since RUN.

    `irq_at` is the count at which filling ends after a trigger and WFB_TRIG_IRQ is due, None if there is none.
    """

    def __init__(self, source: WordSource) -> None:
        self._source = source
        self.memory = np.zeros((SETS, 8), dtype=">i4")
        self.reset()

    def reset(self) -> None:
        """Chip reset: the capture stops, the memory keeps its content."""
        self.config = 0
        self.set_pages(0)
        self.start: int | None = None
        self.stop: int | None = None
        self.irq_at: int | None = None
        self.trigger_address = 0
        self.triggered = False
        self._synced = 0

    @property
    def streaming(self) -> bool:
        """True while fixed-rate samples are being captured."""
        return self.start is not None

    def configure(self, value: int, now: int, running: bool) -> None:
        """Write WFB_CFG at sample count `now`; enabling starts at 0x800, disabling forgets page and trigger."""
        self.sync(now)
        enabled, was_enabled = value >> 4 & 1, self.config >> 4 & 1
        self.config = value
        if not enabled:
            self.start = self.stop = self.irq_at = None
            self.trigger_address, self.triggered = 0, False
        elif not was_enabled or self.start is None:
            self.begin(now, running)

    def begin(self, now: int, running: bool) -> None:
        """Start filling, if capture is enabled, the DSP runs and the source is a fixed-rate 8 kSPS one."""
        fixed = self.config >> 5 & 1 and self.config >> 8 & 3 in (SOURCE_LPF, SOURCE_PCF)
        if not (running and fixed and self.config >> 4 & 1):
            return
        self.start = self._synced = now
        self.irq_at = None
        self.stop = now + SETS if self.mode == STOP_WHEN_FULL else None

    def halt(self, now: int) -> None:
        """The DSP stops."""
        self.sync(now)
        self.start = None

    @property
    def mode(self) -> int:
        return self.config >> 6 & 3

    def trigger(self, now: int) -> bool:
        """A trigger event; True if it is the first since the start and the buffer notices it."""
        if self.start is None or self.triggered or self.mode == STOP_WHEN_FULL:
            return False
        self.sync(now)
        self.triggered = True
        self.trigger_address = (now - self.start) % SETS * 8
        if self.mode == STOP_ON_TRIGGER:
            self.stop = self.irq_at = now
        elif self.mode == CENTRE_TRIGGER:
            self.stop = self.irq_at = now + SETS // 2
        return True

    def filled(self, now: int) -> int:
        """Pages filled since the start of the capture."""
        if self.start is None:
            return 0
        end = now if self.stop is None else min(now, self.stop)
        return (end - self.start) // PAGE_SETS

    def last_page(self, now: int) -> int:
        """Number 0..15 of the page filled last; 0 also before the first one is full, as in the register."""
        filled = self.filled(now)
        return (filled - 1) % PAGES if filled else 0

    def set_pages(self, pages: int) -> None:
        """WFB_PG_IRQEN: the pages that raise PAGE_FULL, one bit each."""
        self.pages = pages
        # how many pages on from each page the next enabled one is
        self._ahead = [next((n for n in range(PAGES) if pages >> (page + n) % PAGES & 1), 0) for page in range(PAGES)]

    def next_full(self, now: int) -> int | None:
        """Sample count after `now` at which a page enabled for the interrupt fills."""
        if self.start is None or not self.pages:
            return None
        page = (now - self.start) // PAGE_SETS
        at = self.start + (page + 1 + self._ahead[page % PAGES]) * PAGE_SETS
        return at if self.stop is None or at <= self.stop else None

    def status(self, now: int) -> int:
        """WFB_TRG_STAT."""
        return self.last_page(now) << 12 | self.trigger_address

    def sync(self, now: int) -> None:
        """Bring the memory up to sample count `now`."""
        if self.start is None:
            return
        end = now if self.stop is None else min(now, self.stop)
        if end <= self._synced:
            return
        first = max(self._synced, end - SETS)
        words = self._source.words(first, end, (self.config >> 8 & 3) == SOURCE_LPF, bool(self.config >> 12 & 1))
        place = (first - self.start) % SETS
        head = min(SETS - place, end - first)
        self.memory[place : place + head] = words[:head]
        if head < end - first:
            self.memory[: end - first - head] = words[head:]
        self._synced = end

    def word(self, address: int) -> int:
        """One cell, unsigned."""
        offset = address - r.BUFFER
        return int(self.memory[offset >> 3, offset & 7]) & 0xFFFFFFFF

    def burst(self, address: int, position: int, count: int) -> bytes:
        """`count` bytes from byte `position` of the burst that began at `address`; spare cells do not appear."""
        low, high = _CHANNELS.get(self.config & 0xF, (0, 7 if self.config >> 12 & 1 else 6))
        width = 4 * (high - low)
        first = (address - r.BUFFER >> 3) + position // width
        last = (address - r.BUFFER >> 3) + (position + count - 1) // width + 1
        skip = position % width
        if last <= SETS:
            data = self.memory[first:last, low:high].tobytes()
        else:
            data = self.memory.take(np.arange(first, last), axis=0, mode="wrap")[:, low:high].tobytes()
        return data[skip : skip + count]
