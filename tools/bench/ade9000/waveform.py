"""The waveform buffer: 256 sets of 8 words at 0x800..0xFFF, filled at a fixed 8 kSPS.

Set: IA VA IB VB IC VC IN spare. Sixteen pages of sixteen sets, 2 ms each. The memory is written lazily: the samples of
a chunk are packed once and copied into the ring when somebody looks, at the latest when the chunk is over.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.samples import SET_BYTES

SETS = 256
PAGE_SETS = 16
PAGES = 16
STOP_WHEN_FULL, STOP_ON_TRIGGER, CENTRE_TRIGGER, NOTE_TRIGGER = range(4)
SOURCE_LPF, SOURCE_PCF = 2, 3
# BURST_CHAN -> first and last+1 word of each set; all others stream whole sets
_CHANNELS = {1: (0, 2), 2: (2, 4), 3: (4, 6)} | {8 + n: (n, n + 1) for n in range(7)}
SINGLE_ADDRESS = 0xF


class SetSource(Protocol):
    """Who has the samples: `packed` gives the sets first..last-1, each of 8 big-endian words."""

    def packed(self, first: int, last: int, lpf: bool, neutral: bool) -> bytes: ...


class WaveformBuffer:
    """Capture control and memory. Sample counts are the DSP's since RUN.

    `irq_at` is the count at which filling ends after a trigger and WFB_TRIG_IRQ is due, None if there is none.
    """

    def __init__(self, source: SetSource) -> None:
        self._source = source
        self._memory = bytearray(SETS * SET_BYTES)
        self.silent = False  # a fault: full pages are not told
        self.silent_until = 0  # likewise, up to this sample count
        self.reset()

    def reset(self) -> None:
        """Chip reset: the capture stops, the memory keeps its content."""
        self._set_config(0)
        self.set_pages(0)
        self.start: int | None = None
        self.stop: int | None = None
        self.irq_at: int | None = None
        self.silent_until = 0
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
        self._set_config(value)
        if not enabled:
            self.start = self.stop = self.irq_at = None
            self.trigger_address, self.triggered = 0, False
        elif not was_enabled or self.start is None:
            self.begin(now, running)

    def _set_config(self, value: int) -> None:
        self.config = value
        low, high = _CHANNELS.get(value & 0xF, (0, 7 if value >> 12 & 1 else 6))
        # the memory once more, of each set only what a burst streams; one item a set is what numpy copies fastest
        self._streamed = np.ndarray(SETS, f"V{4 * (high - low)}", self._memory, 4 * low, (SET_BYTES,))

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
        if self.start is None or not self.pages or self.silent:
            return None
        now = max(now, self.silent_until)
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
        sets = self._source.packed(first, end, (self.config >> 8 & 3) == SOURCE_LPF, bool(self.config >> 12 & 1))
        place = (first - self.start) % SETS * SET_BYTES
        head = len(self._memory) - place
        self._memory[place : place + len(sets)] = sets[:head]
        if head < len(sets):
            self._memory[: len(sets) - head] = sets[head:]
        self._synced = end

    def clear(self) -> None:
        """The supply has gone: the memory forgets."""
        self._memory[:] = bytes(len(self._memory))

    def word(self, address: int) -> int:
        """One cell, unsigned."""
        offset = 4 * (address - r.BUFFER)
        return int.from_bytes(self._memory[offset : offset + 4], "big")

    def burst(self, address: int, position: int, count: int) -> bytes:
        """`count` bytes from byte `position` of the burst that began at `address`; spare cells do not appear."""
        width = self._streamed.itemsize
        first = (address - r.BUFFER >> 3) + position // width
        last = (address - r.BUFFER >> 3) + (position + count - 1) // width + 1
        skip = position % width
        if last <= SETS:
            data = self._streamed[first:last].tobytes()
        else:
            data = self._streamed.take(np.arange(first, last), mode="wrap").tobytes()
        return data[skip : skip + count]
