"""The face under MicroPython: the same bytes for the LCD driver as in CPython, and no allocation in a refresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.pcf8576 import PCF8576
from host_tests.interpreters import on_micropython
from meter.face.display import Display
from meter.face.leds import cf_divider

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"

CASES = [
    ("1.8.0", "000102.28", "kWh"),
    ("5.8.0*19", "-00147.20", "kvarh"),
    ("F.F", "00B0C1DE", ""),
    ("0.9.1", "16:40:56", ""),
    ("C.7.0", "Error X?", "°C"),
    ("1.8.0", "123456789", "furlong"),
]

SCRIPT = """
import sys
sys.path.insert(0, {firmware!r})
import micropython
from drivers.pcf8576 import PCF8576
from meter.face.display import Display
from meter.face.leds import cf_divider

class Bus:
    frame = b""
    def writeto(self, address, frame):
        self.frame = frame
        return len(frame)

bus = Bus()
display = Display(PCF8576(bus))
display.phases((True, False, True), True)
display.arrows(1, -1)
display.symbols(comm=True, error=True)
display.refresh(0)
for texts in {cases!r}:
    display.show(*texts)
    for ticks in (0, 500, (1 << 30) - 1):
        micropython.heap_lock()
        display.refresh(ticks)
        micropython.heap_unlock()
        print(bytes(bus.frame).hex())
print(cf_divider(10000, 11785113020, 707813886)[0])
"""


class Bus:
    """Keeps what was sent last."""

    frame = b""

    def writeto(self, address: int, frame: bytes) -> int:
        self.frame = bytes(frame)
        return len(frame)


def expected() -> list[str]:
    bus = Bus()
    display = Display(PCF8576(bus))
    display.phases((True, False, True), True)
    display.arrows(1, -1)
    display.symbols(comm=True, error=True)
    lines = []
    for texts in CASES:
        display.show(*texts)
        for ticks in (0, 500, (1 << 30) - 1):
            display.refresh(ticks)
            lines.append(bus.frame.hex())
    return [*lines, str(cf_divider(10_000, 11_785_113_020, 707_813_886)[0])]


@pytest.mark.parametrize("heap", ["64K"])
def test_micropython_sends_the_same_bytes_and_refresh_needs_no_heap(heap: str) -> None:
    script = SCRIPT.format(firmware=str(FIRMWARE), cases=CASES)
    printed = on_micropython(script, heap)
    assert printed.split() == expected()
