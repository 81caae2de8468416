"""A ring on the models of the two chips, through their drivers, as the meter has it."""

from __future__ import annotations

import micropython_names

from drivers.fram import Fram
from drivers.nor_flash import W25Q128
from host_tests.ring_bench import payload_of
from host_tests.wires import DirectPin, DirectSPI, Wires
from meter.storage import layout
from meter.storage.layout import Area
from meter.storage.ring import Ring
from tools.bench.fram import FRAM
from tools.bench.nor_flash import NorFlash

Places = tuple[Area, Area, tuple[int, int]]
PROFILE: Places = layout.PROFILE_1_STAGE, layout.PROFILE_1_INDEX, layout.PROFILE_1_SECTORS


class CountingSPI(DirectSPI):
    """Counts the bytes on the bus."""

    moved = 0

    def _exchange(self, data: bytes) -> bytes:
        self.moved += len(data)
        return super()._exchange(data)


class Rig:
    """A ring on the driver of either chip, as the meter has it."""

    def __init__(self, payload: int, places: Places = PROFILE, seed: int = 0) -> None:
        self.fram, self.flash = FRAM(seed=seed), NorFlash(seed=seed)
        self.payload, self.places = payload, places
        self.entries: list[tuple[int, bytes]] = []
        self.start()

    def start(self) -> None:
        """Power on."""
        self.wires = Wires(self.fram, self.flash)
        micropython_names.follow(self.wires)
        for chip in (self.fram, self.flash):
            chip.power(False, 0)
            chip.power(True, 0)
        self.spi = CountingSPI(self.fram, self.wires), CountingSPI(self.flash, self.wires)
        self.memory = Fram(self.spi[0], DirectPin.chip_select(self.fram, self.wires))
        self.driver = W25Q128(self.spi[1], DirectPin.chip_select(self.flash, self.wires))
        self.driver.check_id()
        self.ring = self.make(*self.places, self.payload)
        self.ring.restore(len(self.entries))

    def make(self, stage: Area, index: Area, sectors: tuple[int, int], payload: int) -> Ring:
        """Another ring on the same chips."""
        return Ring(self.memory, self.driver, stage, index, sectors, payload)

    def add(self, utc: int) -> None:
        """Append and commit."""
        entry = utc, payload_of(len(self.entries) + 1, self.payload)
        self.ring.append(*entry)
        self.ring.commit()
        self.entries.append(entry)

    def settle(self) -> None:
        while self.ring.tend():
            self.wires.run(0.004)

    def settle_with_errors(self) -> list[str]:
        """Texts of the errors on the way."""
        errors, more = [], True
        while more:
            try:
                more = self.ring.tend()
            except OSError as error:
                errors.append(str(error))
            self.wires.run(0.02)
        return errors

    def fill(self, count: int, first_utc: int, period_s: int) -> None:
        for n in range(count):
            self.add(first_utc + n * period_s)
            self.settle()

    def walked(self, first: int, last: int) -> bool:
        return list(self.ring.walk(first, last)) == [(n, *self.entries[n - 1]) for n in range(first, last + 1)]
