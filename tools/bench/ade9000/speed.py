"""How many times faster than real time the model runs: `python -m tools.bench.ade9000.speed`."""

from __future__ import annotations

import argparse
import json
import time

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.chip import ADE9000
from tools.bench.ade9000.spi import crc16
from tools.bench.ade9000.tolerances import draw
from tools.bench.source import Source

_SETUP = (
    (r.WTHR, 0x00100000),
    (r.VARTHR, 0x00100000),
    (r.VATHR, 0x00100000),
    (r.COMPMODE, 0x003F),
    (r.CFMODE, 4 << 3),
    (r.CF1DEN, 6814),
    (r.CF1DEN + 1, 6814),
    (r.EGY_TIME, 3999),
    (r.PWR_TIME, 3999),
    (r.WFB_PG_IRQEN, 0xAAAA),
    (r.WFB_CFG, 0x13F0),
    (r.MASK0, 1 << 17 | 1),
    (r.RUN, 1),
    (r.EP_CFG, 0x0001),
)


class Host:
    """A minimal host: follows IRQ0, reads pages and energies over SPI in the way of a streaming driver."""

    def __init__(self, chip: ADE9000) -> None:
        self.chip = chip
        self.page = 15
        self.pages = self.energies = self.bad_crc = 0

    def transact(self, header: int, data: bytes) -> bytes:
        chip = self.chip
        chip.select(chip.now)
        chip.exchange(header.to_bytes(2, "big"), chip.now)
        answer = chip.exchange(data, chip.now)
        chip.deselect(chip.now)
        return answer

    def read(self, address: int) -> int:
        """One register without its CRC."""
        return int.from_bytes(self.transact(address << 4 | 8, bytes(2 if r.is_16_bit(address) else 4)), "big")

    def write(self, address: int, value: int) -> None:
        """One register."""
        self.transact(address << 4, value.to_bytes(2 if r.is_16_bit(address) else 4, "big"))

    def serve(self) -> None:
        """IRQ0 is low: acknowledge and read what there is."""
        self.write(r.STATUS0, 1 << 17)
        last = self.read(r.WFB_TRG_STAT) >> 12
        count = (last - self.page) % 16
        if count:
            first = (self.page + 1) % 16
            data = self.transact((r.BUFFER + 0x80 * first) << 4 | 8, bytes(448 * count))
            self.bad_crc += self.read(r.CRC_SPI) != crc16(data)
            self.page, self.pages = last, self.pages + count
        if not self.chip.irq0.level and self.read(r.STATUS0) & 1:
            self.write(r.STATUS0, 1)
            for phase in range(3):
                self.read(r.energy_hi(phase, "WATT"))
                self.read(r.energy_hi(phase, "FVAR"))
            self.energies += 1


def measure(seconds: float = 20.0, pages: bool = True, specimen: int | None = None) -> dict[str, float]:
    """Run `seconds` of bench time; returns the real-time factor and what was read.

    With `pages` every waveform page and energy goes through the SPI front, else the chip runs unattended. `specimen`:
    with the errors, and so the noise, of that made meter.
    """
    source = Source(1)
    source.set(u=230, i=5, phi=60, harmonics={"u": {5: (0.03, 0.0)}, "i": {3: (0.1, 0.0), 5: (0.05, 30.0)}})
    chip = ADE9000(source, **({} if specimen is None else vars(draw(specimen))))
    chip.power(True, 0)
    chip.advance(50_000_000)
    host = Host(chip)
    for address, value in _SETUP:
        host.write(address, value)
    if not pages:
        host.write(r.MASK0, 0)
    end = chip.now + round(seconds * 1e9)
    begun = time.perf_counter()
    while True:
        event = chip.next_event()
        if event is None or event > end:
            break
        chip.advance(event)
        if not chip.irq0.level:
            host.serve()
    chip.advance(end)
    wall = time.perf_counter() - begun
    return {
        "times_real_time": round(seconds / wall, 1),
        "wall_seconds": round(wall, 3),
        "bench_seconds": seconds,
        "pages": host.pages,
        "energy_readings": host.energies,
        "bad_crc": host.bad_crc,
        "cf_pulses": sum(chip.cf_counts),
    }


def main() -> None:
    """Command line: prints a JSON line for each: attended and unattended, ideal and with the noise of a made meter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="bench time to run (default %(default)s)")
    seconds = parser.parse_args().seconds
    for specimen in (None, 1):
        for pages in (True, False):
            print(json.dumps({"pages_read": pages, "specimen": specimen} | measure(seconds, pages, specimen)))


if __name__ == "__main__":
    main()
