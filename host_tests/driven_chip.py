"""The shipping ADE9000 driver joined to the chip model inside one CPython process, powered and ready to be started."""

from __future__ import annotations

import micropython_names

from drivers.ade9000 import ADE9000
from host_tests.wires import DirectPin, DirectSPI, Wires
from tools.bench.ade9000 import ADE9000 as Chip


def drive(chip: Chip) -> tuple[ADE9000, Wires]:
    """The driver of `chip`, and the wires whose clock MicroPython's `time` and `asyncio` follow from here on."""
    wires = Wires(chip)
    chip.power(True, 0)
    micropython_names.follow(wires)
    reset = DirectPin(on_write=lambda level: chip.reset(level, wires.t_ns))
    select = DirectPin.chip_select(chip, wires)
    return ADE9000(DirectSPI(chip, wires), select, DirectPin(chip.irq0), DirectPin(chip.irq1), reset), wires
