"""What the tests of the ADE9000 model share: a powered chip on a source, and SPI transactions as a host makes them."""

from __future__ import annotations

import math
from typing import Any

from tools.bench.ade9000 import ADE9000
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

# full scale of the reference design (0.06 V/A, 1/1001 V/V): 0.70710678 V rms at the ADC
FULL_SCALE_U = 1001 / math.sqrt(2)
FULL_SCALE_I = 1 / 0.06 / math.sqrt(2)
WATT_FULL_SCALE = 20_694_066
RMS_FULL_SCALE = 52_702_092
PCF_FULL_SCALE = 74_532_013
SAMPLE_NS = 125_000
MS = 1_000_000


class Host:
    """A chip out of reset at 50 ms with its RSTDONE acknowledged, and the SPI access of a host."""

    def __init__(self, source: Source | None = None, **chip: Any) -> None:
        self.source = source or Source(1)
        self.chip = ADE9000(self.source, **chip)
        self.chip.power(True, 0)
        self.chip.advance(50 * MS)
        self.write(r.STATUS1, 1 << 16)

    def spi(self, sent: bytes, *pieces: int) -> bytes:
        """One transaction: `sent` in one piece, then reads of the given lengths; returns all bytes after the header."""
        chip = self.chip
        chip.select(chip.now)
        answer = chip.exchange(sent, chip.now)[2:]
        for count in pieces:
            answer += chip.exchange(bytes(count), chip.now)
        chip.deselect(chip.now)
        return answer

    def raw(self, address: int, count: int) -> bytes:
        """`count` bytes clocked out of a read of `address`."""
        return self.spi((address << 4 | 8).to_bytes(2, "big"), count)

    def read(self, address: int) -> int:
        return int.from_bytes(self.raw(address, 2 if 0x480 <= address <= 0x4FE else 4), "big")

    def signed(self, address: int) -> int:
        value = self.read(address)
        return value - (1 << 32) if value >> 31 else value

    def write(self, address: int, value: int) -> None:
        width = 2 if 0x480 <= address <= 0x4FE else 4
        self.spi((address << 4).to_bytes(2, "big") + (value & (1 << 8 * width) - 1).to_bytes(width, "big"))

    def run(self, seconds: float) -> None:
        """Advance event by event, as the bench does."""
        end = self.chip.now + round(seconds * 1e9)
        while (event := self.chip.next_event()) is not None and event <= end:
            self.chip.advance(event)
        self.chip.advance(end)

    def start(self, **registers: int) -> int:
        """Write registers by name, then RUN; returns the bench time of RUN. EP_CFG, if given, is written last."""
        ep_cfg = registers.pop("EP_CFG", None)
        for name, value in registers.items():
            self.write(getattr(r, name), value)
        began = self.chip.now
        self.write(r.RUN, 1)
        if ep_cfg is not None:
            self.write(r.EP_CFG, ep_cfg)
        return began

    def result(self, phase: int, name: str) -> int:
        return self.signed(r.result(phase, name))

    def energy(self, phase: int, kind: str) -> int:
        """HI register, signed."""
        return self.signed(r.energy_hi(phase, kind))

    def mean(self, phase: int, name: str, samples: int = 160) -> float:
        """Mean of a result register over so many samples (20 ms by default)."""
        total = 0
        for _ in range(samples):
            self.chip.advance(self.chip.now + SAMPLE_NS)
            total += self.result(phase, name)
        return total / samples


def full_scale(phi: Any = 0.0, **more: Any) -> Source:
    """A source at the chip's full scale on all phases."""
    source = Source(1)
    source.set(u=FULL_SCALE_U, i=FULL_SCALE_I, phi=phi, **more)
    return source
