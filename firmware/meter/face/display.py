"""The LCD as a meter uses it: index, value and unit fields, phase symbols, direction arrows, symbols.

Everything is drawn into an image of the driver's RAM; `refresh` sends the image. See glass.py for the wiring.
"""

from micropython import const

from drivers.pcf8576 import RAM_SIZE
from meter.face.glass import (
    ABSENT,
    FONT,
    INDEX_DIGITS,
    INDEX_POINTS,
    INDEX_RAISED,
    SYMBOLS,
    UNITS,
    VALUE_DIGITS,
    VALUE_POINTS,
    VALUE_RAISED,
)

_FLASH_HALF_MS = const(500)  # 1 Hz
_REWRITE_MS = const(
    4000
)  # what is on the glass, in case it is not: a broken transfer or a dip of the supply is not seen
_TICKS_MASK = const(0x3FFFFFFF)  # time.ticks_ms() counts modulo 2**30
_ARROWS = const(12)

_MARKS = const(".:*")
_PHASES = const(("L1", "L2", "L3"))


def _set(image: bytearray, element: int, on: bool = True) -> None:
    mask = 0x80 >> (element & 7)
    if on:
        image[element >> 3] |= mask
    else:
        image[element >> 3] &= ~mask


def _glyph(char: str) -> int:
    """Segments of `char`; the other case where the glass knows only that; a low bar for what it cannot show."""
    for form in (char, char.upper(), char.lower(), "_"):
        if form in FONT:
            return FONT[form]
    return 0


def _cells(text: str) -> list:
    """`text` as digit places: [character, mark after it], mark one of "", ".", ":", "*"."""
    cells: list = []
    for char in text:
        if char not in _MARKS:
            cells.append([char, ""])
        elif cells and not cells[-1][1]:
            cells[-1][1] = char
        else:
            cells.append([" ", char])
    return cells


def _text_mask() -> bytearray:
    """Image in which every element of the three text fields is set."""
    mask = bytearray(RAM_SIZE)
    for group in VALUE_DIGITS + INDEX_DIGITS + (VALUE_POINTS, INDEX_POINTS, VALUE_RAISED, INDEX_RAISED):
        for element in group:
            if element != ABSENT:
                _set(mask, element)
    for _, element in UNITS:
        _set(mask, element)
    return mask


class Display:
    """The glass behind `lcd` (drivers.pcf8576.PCF8576, or anything with `write(ram20)`)."""

    def __init__(self, lcd):
        self._lcd = lcd
        self._image = bytearray(RAM_SIZE)
        self._flashing = bytearray(RAM_SIZE)  # elements that are dark in the second half of each second
        self._out = bytearray(RAM_SIZE)
        self._sent = bytearray(RAM_SIZE)
        self._sent_at: "int | None" = None  # None: what is on the glass is not known
        self._is_dark = False
        self._arrows = 0
        self._text_mask = _text_mask()
        self._shown = ("", "", "")
        self._all_on = False

    def show(self, index: str, value: str, unit: str) -> None:
        """Fill the three text fields, e.g. ("1.8.0", "000102.28", "kWh").

        The index stands left, the value right. "." is the point after a digit, "*" the raised dot, ":" both; a place
        without a raised dot shows the point for all three. A text with more digits than the field has is shown as
        dashes and a unit the glass cannot compose is not shown: a wrong reading must not look like a right one.
        """
        if (index, value, unit) == self._shown:
            return
        image, mask = self._image, self._text_mask
        for i in range(RAM_SIZE):
            image[i] &= ~mask[i]
        self._write(index, INDEX_DIGITS, INDEX_POINTS, INDEX_RAISED, False)
        self._write(value, VALUE_DIGITS, VALUE_POINTS, VALUE_RAISED, True)
        self._write_unit(unit)
        self._shown = (index, value, unit)

    def _write(self, text: str, digits: tuple, points: bytes, raised: bytes, right: bool) -> None:
        image = self._image
        cells = _cells(text)
        if len(cells) > len(digits):
            cells = _cells("-" * len(digits))
        place = len(digits) - len(cells) if right else 0
        for char, mark in cells:
            glyph = _glyph(char)
            for element in digits[place]:
                if glyph & 1:
                    _set(image, element)
                glyph >>= 1
            if mark and place < len(points):
                has_raised = raised[place] != ABSENT
                if mark != "*" or not has_raised:
                    _set(image, points[place])
                if mark != "." and has_raised:
                    _set(image, raised[place])
            place += 1

    def _write_unit(self, unit: str) -> None:
        parts = []
        for name, element in UNITS:
            if unit.startswith(name):
                parts.append(element)
                unit = unit[len(name) :]
        if not unit:
            for element in parts:
                _set(self._image, element)

    def symbol(self, name: str, on: bool) -> None:
        """Switch one symbol of the glass table by its name; KeyError if the glass has none such."""
        _set(self._image, SYMBOLS[name], on)

    def phases(self, present, reversed_field: bool) -> None:
        """Phase symbols: lit where `present` (three truth values, L1..L3), all of them flashing in a reversed field."""
        for phase in range(3):
            name = _PHASES[phase]
            self.symbol(name, present[phase])
            _set(self._flashing, SYMBOLS[name], reversed_field)

    def arrows(self, p_sign: int, q_sign: int) -> None:
        """Energy direction: > 0 import (+P right, +Q up), < 0 export (-P left, -Q down), 0 nothing is counted."""
        self.symbol("+P", p_sign > 0)
        self.symbol("-P", p_sign < 0)
        self.symbol("+Q", q_sign > 0)
        self.symbol("-Q", q_sign < 0)
        self.symbol("quadrant", p_sign != 0 or q_sign != 0)

    def symbols(self, comm: bool = False, battery: bool = False, error: bool = False, test: bool = False) -> None:
        """Communication running, battery low, error in the error register, test mode."""
        self.symbol("comm", comm)
        self.symbol("battery", battery)
        self.symbol("error", error)
        self.symbol("test", test)

    def operating_arrows(self, mask: int) -> None:
        """Operating arrows of the bottom row, bit n - 1 is arrow n; their meaning is printed on the face plate."""
        if mask != self._arrows:
            self._arrows = mask
            for n in range(_ARROWS):
                self.symbol("op%d" % (n + 1), bool(mask >> n & 1))

    def all_on(self, on: bool = True) -> None:
        """Display check: every element lit, until `all_on(False)`; what is drawn meanwhile appears then."""
        self._all_on = on

    def off(self, ticks_ms: int) -> None:
        """Dark glass until the next `refresh`. Raises OSError when the LCD driver does not answer."""
        if not self._is_dark or self._is_due(ticks_ms):
            self._sent_at = None
            self._lcd.start()
            self._sent_at, self._is_dark = ticks_ms, True

    def refresh(self, ticks_ms: int) -> None:
        """Send the whole image if it is not on the glass, or has been there for 4 s; `ticks_ms` (time.ticks_ms()) gives
        the beat of flashing symbols.

        Call it 2..4 times a second. Raises OSError when the LCD driver does not answer; the next call restores all.
        """
        image, flashing, out = self._image, self._flashing, self._out
        dark = ticks_ms // _FLASH_HALF_MS & 1 and not self._all_on
        for i in range(RAM_SIZE):
            if self._all_on:
                out[i] = 0xFF
            elif dark:
                out[i] = image[i] & ~flashing[i]
            else:
                out[i] = image[i]
        if self._is_dark or out != self._sent or self._is_due(ticks_ms):
            self._sent_at = None
            self._lcd.write(out)
            self._sent_at, self._is_dark = ticks_ms, False
            self._out, self._sent = self._sent, out

    def _is_due(self, ticks_ms: int) -> bool:
        """Whether the glass may not show what was sent last."""
        return self._sent_at is None or (ticks_ms - self._sent_at) & _TICKS_MASK >= _REWRITE_MS
