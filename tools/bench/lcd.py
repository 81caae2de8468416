"""What is to be read on the meter's glass: the elements the LCD driver lights, as text, symbols and a picture.

The wiring comes from the firmware's glass table, the only description of the glass there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from tools.bench import lcd_picture

# By name at run time: the firmware knows this file as meter.face.glass, and a type checker must not see it twice.
glass: Any = import_module("firmware.meter.face.glass")

_MARKS = {(0, 0): "", (1, 0): ".", (0, 1): "*", (1, 1): ":"}


def _characters() -> dict[int, str]:
    """Segment pattern -> character, the first of those that look alike."""
    characters: dict[int, str] = {}
    for char, pattern in glass.FONT.items():
        characters.setdefault(pattern, char)
    return characters


_CHARACTERS = _characters()


class Chip(Protocol):
    """The driver behind the glass."""

    def lit(self) -> frozenset[int]:
        """Numbers (4 x column + row) of the elements lit now."""


def patterns(lit: frozenset[int], digits: Sequence[bytes]) -> list[int]:
    """Segments (bit 0 = a ... bit 6 = g) of each digit of a field."""
    return [sum((element in lit) << n for n, element in enumerate(digit)) for digit in digits]


def _read(lit: frozenset[int], digits: Sequence[bytes], points: bytes, raised: bytes) -> str:
    """A field as text; "?" stands for a pattern that is no character."""
    text = ""
    for place, pattern in enumerate(patterns(lit, digits)):
        text += _CHARACTERS.get(pattern, "?")
        if place < len(points):
            text += _MARKS[points[place] in lit, raised[place] in lit]
    return text.strip()


class Lcd:
    """The glass on `chip`. Every attribute is read anew from what the chip lights at that moment.

    >>> bench.lcd.index, bench.lcd.value, bench.lcd.unit
    ('1.8.0', '000102.28', 'kWh')
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip

    @property
    def lit(self) -> frozenset[int]:
        """Element numbers lit now."""
        return self._chip.lit()

    @property
    def index(self) -> str:
        """The index field, e.g. "1.8.0"; a raised dot alone reads as "*"."""
        return _read(self.lit, glass.INDEX_DIGITS, glass.INDEX_POINTS, glass.INDEX_RAISED)

    @property
    def value(self) -> str:
        """The value field, e.g. "000102.28" or "16:40:56"."""
        return _read(self.lit, glass.VALUE_DIGITS, glass.VALUE_POINTS, glass.VALUE_RAISED)

    @property
    def unit(self) -> str:
        """The unit field, e.g. "kvarh"."""
        lit = self.lit
        return "".join(name for name, element in glass.UNITS if element in lit)

    @property
    def symbols(self) -> frozenset[str]:
        """Names of the lit symbols: L1 L2 L3, quadrant, +P -P +Q -Q, comm, battery, error, test, op1 .. op12."""
        lit = self.lit
        return frozenset(name for name, element in glass.SYMBOLS.items() if element in lit)

    @property
    def text(self) -> dict[str, Any]:
        """Everything in one JSON-ready dict: index, value, unit, symbols (sorted list)."""
        return {"index": self.index, "value": self.value, "unit": self.unit, "symbols": sorted(self.symbols)}

    def svg(self) -> str:
        """The glass as a picture (a whole SVG document): lit elements dark, the others just visible."""
        return lcd_picture.draw(self.lit, glass, str(self))

    def markup(self) -> str:
        """The lit elements alone, as they stand in the group "on" of the picture."""
        return lcd_picture.draw_lit(self.lit, glass)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.index, self.value, self.unit, *sorted(self.symbols))))
