"""The glass as an SVG picture. Pure drawing: which elements are lit and which element is what comes from outside.

Letters are strokes, not fonts, so that the picture is the same everywhere, as the shapes etched into a glass are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 600, 230

# Segments of one digit in a box of 22 x 38.
_SEGMENTS = {
    "a": "M1.2 0H20.8L16.2 4.6H5.8Z",
    "b": "M22 1.2V16.6L19.8 18.4L17.4 16.2V5.8Z",
    "c": "M22 36.8V21.4L19.8 19.6L17.4 21.8V32.2Z",
    "d": "M1.2 38H20.8L16.2 33.4H5.8Z",
    "e": "M0 36.8V21.4L2.2 19.6L4.6 21.8V32.2Z",
    "f": "M0 1.2V16.6L2.2 18.4L4.6 16.2V5.8Z",
    "g": "M2.9 19L5.5 16.7H16.5L19.1 19L16.5 21.3H5.5Z",
}
_PITCH = 32
_POINT = (27.2, 35.9)  # centre of the point after a digit
_RAISED = (27.2, 12)

# Fields: x, y, scale.
_INDEX_FIELD = (44, 113, 0.89)  # 8 mm against the value field's 9 mm
_VALUE_FIELD = (305, 109, 1)

# On the shapes themselves: a rule of the style sheet that starts at the root does not match inside <use>.
_LINE, _AREA = 'fill="none" stroke-linecap="round" stroke-linejoin="round"', 'stroke="none"'

# Letters as strokes in a box 10 high; advance width first.
_LETTERS = {
    "M": (8, "M0 10V0L4 5.5L8 0V10"),
    "k": (5, "M0 0V10M4.8 3.4L0 7.4M1.6 6L5 10"),
    "V": (8, "M0 0L4 10L8 0"),
    "A": (8, "M0 10L4 0L8 10M1.3 6.8H6.7"),
    "W": (11, "M0 0L2.8 10L5.5 1.5L8.2 10L11 0"),
    "v": (5, "M0 3.5L2.5 10L5 3.5"),
    "a": (5, "M.4 4.2Q1.2 3.5 2.6 3.5Q5 3.5 5 5.6V10M5 6.6H2.2Q0 6.6 0 8.3T2.2 10Q4.2 10 5 8.4"),
    "r": (3.4, "M0 3.5V10M0 6.4Q.6 3.6 3.4 3.6"),
    "h": (5, "M0 0V10M0 6Q.6 3.6 2.8 3.6Q5 3.6 5 6V10"),
    "H": (7, "M0 0V10M7 0V10M0 5H7"),
    "z": (5, "M0 3.6H5L0 10H5"),
    "%": (9, "M8 0L1 10M0 2A1.9 2 0 1 1 3.8 2A1.9 2 0 1 1 0 2M5.2 8A1.9 2 0 1 1 9 8A1.9 2 0 1 1 5.2 8"),
    "°": (3.6, "M0 1.8A1.8 1.8 0 1 1 3.6 1.8A1.8 1.8 0 1 1 0 1.8"),
    "C": (7, "M7 2.2Q6.2 0 3.9 0Q0 0 0 5T3.9 10Q6.2 10 7 7.8"),
    "L": (5, "M0 0V10H5"),
    "1": (3, "M0 2.4L3 0V10"),
    "2": (5.4, "M0 2.6Q0 0 2.7 0T5.4 2.6Q5.4 4.8 0 10H5.4"),
    "3": (5.4, "M.2 1.8Q.9 0 2.7 0T5.1 2.4Q5.1 4.7 2.2 4.7Q5.4 4.7 5.4 7.3T2.7 10Q.5 10 0 8"),
    "T": (7, "M0 0H7M3.5 0V10"),
    "E": (5.4, "M5.4 0H0V10H5.4M0 4.8H4.6"),
    "S": (5.6, "M5.4 2Q4.8 0 2.8 0Q.2 0 .2 2.4Q.2 4.4 2.8 4.9T5.6 7.5Q5.6 10 2.8 10Q.4 10 0 7.9"),
}
_LETTER_GAP = 2.2

_UNIT_RIGHT, _UNIT_Y, _UNIT_SCALE = 554, 74, 1.7
_UNIT_GAP = 3.2

_ARROW_HEAD = "M0 0L-9 -7V7Z"  # tip at the origin, pointing right
_CROSS = (70, 68, 34)  # centre, distance of the arrow tips
_OPERATING = (48, 173, 45.8)  # first arrow's x, tip's y, pitch

# Symbols other than arrows: x, y, scale, kind, path. Letters are spelled in _WORDS.
_SIGNS = {
    "quadrant": (70, 68, 1, _LINE, "M-22 0H22M0 -22V22"),
    "comm": (250, 38, 1, _LINE, "M0 5H20L15 0M24 13H4L9 18"),
    "battery": (296, 39, 1, _LINE, "M0 1H26V16H0ZM26 5.5H29.5V11.5H26M5 5V12"),
    "error": (349, 36, 1, _LINE, "M12 1L24 21H0ZM12 8V14.6M12 17V18.4"),
}
_WORDS = {"L1": (128, 40, 1.6), "L2": (166, 40, 1.6), "L3": (204, 40, 1.6), "test": (398, 40, 1.6)}
_SPELLING = {"test": "TEST"}

_SLUGS = {"+P": "P-import", "-P": "P-export", "+Q": "Q-import", "-Q": "Q-export", "%": "percent", "°C": "celsius"}

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" class="lcd" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<title>{title}</title>
<style>
.lcd .off {{ fill: #1b2118; stroke: #1b2118; opacity: .055 }}
.lcd .on {{ fill: #1b2118; stroke: #1b2118 }}
.lcd .print {{ font: 11px Arial, Helvetica, "DejaVu Sans", sans-serif; fill: #5d625f; text-anchor: middle }}
</style>
<defs>
<linearGradient id="lcd-panel" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="#c9d2bd"/><stop offset="1" stop-color="#aeb9a2"/>
</linearGradient>
"""

_PANEL = """\
<rect width="{width}" height="{height}" rx="14" fill="#e7e8e4"/>
<rect x="14" y="14" width="{bezel_width}" height="{bezel_height}" rx="9" fill="#33383a"/>
<rect x="24" y="24" width="{glass_width}" height="{glass_height}" rx="4" fill="url(#lcd-panel)"/>
<path d="M28 24H240L120 {bottom}H28Q24 {bottom} 24 {corner}V28Q24 24 28 24Z" fill="#fff" opacity=".08"/>
"""


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _slug(name: str) -> str:
    return _SLUGS.get(name, name)


def _shape(name: str, x: float, y: float, scale: float, kind: str, path: str) -> str:
    place = f"translate({_number(x)} {_number(y)})" + (f" scale({_number(scale)})" if scale != 1 else "")
    width = f' stroke-width="{_number(2.3 / scale)}"' if kind == _LINE else ""
    return f'<path id="lcd-{_slug(name)}" {kind}{width} transform="{place}" d="{path}"/>'


def _spell(word: str) -> tuple[float, str]:
    """Width and one path for a word of strokes; each letter's path is moved by making its first point absolute."""
    x, path = 0.0, ""
    for letter in word:
        width, strokes = _LETTERS[letter]
        path += _shift(strokes, x)
        x += width + _LETTER_GAP
    return x - _LETTER_GAP, path


def _shift(path: str, dx: float) -> str:
    """An absolute path of M L H V Q T A Z moved right by `dx`."""
    if not dx:
        return path
    moved = []
    for command, numbers in _commands(path):
        if command == "V":
            xs: set[int] = set()
        elif command == "A":
            xs = {5}
        elif command == "H":
            xs = {0}
        else:
            xs = set(range(0, len(numbers), 2))
        moved.append(command + " ".join(_number(n + dx if i in xs else n) for i, n in enumerate(numbers)))
    return "".join(moved)


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    start = 0
    for i in range(1, len(path) + 1):
        if i == len(path) or path[i].isalpha():
            yield path[start], [float(n) for n in path[start + 1 : i].split()]
            start = i


def _unit_shapes(units: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The unit field, right aligned in the table's order."""
    spelled = [(name, *_spell(name)) for name, _ in units]
    x = _UNIT_RIGHT - _UNIT_SCALE * (sum(width + _UNIT_GAP for _, width, _ in spelled) - _UNIT_GAP)
    for name, width, path in spelled:
        yield _shape(name, x, _UNIT_Y, _UNIT_SCALE, _LINE, path)
        x += _UNIT_SCALE * (width + _UNIT_GAP)


def _arrow(name: str, x: float, y: float, turn: int) -> str:
    rotation = f" rotate({turn})" if turn else ""
    place = f"translate({_number(x)} {_number(y)}){rotation}"
    return f'<path id="lcd-{_slug(name)}" {_AREA} transform="{place}" d="{_ARROW_HEAD}"/>'


def _operating_x(number: int) -> float:
    return _OPERATING[0] + (number - 1) * _OPERATING[2]


def _symbol_shape(name: str) -> str:
    if name in _SIGNS:
        return _shape(name, *_SIGNS[name])
    if name in _WORDS:
        x, y, scale = _WORDS[name]
        return _shape(name, x, y, scale, _LINE, _spell(_SPELLING.get(name, name))[1])
    if name.startswith("op"):
        return _arrow(name, _operating_x(int(name[2:])), _OPERATING[1], 90)
    x, y, reach = _CROSS
    dx, dy, turn = {"+P": (1, 0, 0), "-P": (-1, 0, 180), "+Q": (0, -1, -90), "-Q": (0, 1, 90)}[name]
    return _arrow(name, x + dx * reach, y + dy * reach, turn)


def _dot(place: int, centre: tuple[float, float]) -> str:
    return f'<circle {_AREA} cx="{_number(centre[0] + _PITCH * place)}" cy="{_number(centre[1])}" r="2.4"/>'


def _field_dots(elements: bytes, centre: tuple[float, float], lit: frozenset[int] | None, absent: int) -> Iterator[str]:
    for place, element in enumerate(elements):
        if element != absent and (lit is None or element in lit):
            yield _dot(place, centre)


def _field(name: str, lit: frozenset[int] | None, glass: Any) -> Iterator[str]:
    """One line a digit. `lit` None: all that is there."""
    x, y, scale = _INDEX_FIELD if name == "INDEX" else _VALUE_FIELD
    size = f" scale({_number(scale)})" if scale != 1 else ""
    yield f'<g transform="translate({x} {y}){size} skewX(-5)">'
    for place, digit in enumerate(getattr(glass, name + "_DIGITS")):
        segments = [s for s, element in zip("abcdefg", digit, strict=True) if lit is None or element in lit]
        if segments:
            uses = "".join(f'<use href="#lcd-{s}"/>' for s in segments)
            yield f'<g transform="translate({_PITCH * place})">{uses}</g>'
    yield from _field_dots(getattr(glass, name + "_POINTS"), _POINT, lit, glass.ABSENT)
    yield from _field_dots(getattr(glass, name + "_RAISED"), _RAISED, lit, glass.ABSENT)
    yield "</g>"


def _layer(kind: str, lit: frozenset[int] | None, glass: Any) -> Iterator[str]:
    yield f'<g class="{kind}">'
    yield from _field("INDEX", lit, glass)
    yield from _field("VALUE", lit, glass)
    for name, element in (*glass.UNITS, *glass.SYMBOLS.items()):
        if lit is None or element in lit:
            yield f'<use href="#lcd-{_slug(name)}"/>'
    yield "</g>"


def draw_lit(lit: frozenset[int], glass: Any) -> str:
    """Only the group of what is lit, for a picture that is there already."""
    return "".join(_layer("on", lit, glass))


def draw(lit: frozenset[int], glass: Any, title: str) -> str:
    """An SVG document of the glass with the elements `lit`; `glass` is the firmware's glass table."""
    box = {
        "width": WIDTH,
        "height": HEIGHT,
        "bezel_width": WIDTH - 28,
        "bezel_height": HEIGHT - 50,
        "glass_width": WIDTH - 48,
        "glass_height": HEIGHT - 70,
        "bottom": HEIGHT - 46,
        "corner": HEIGHT - 50,
    }
    lines = [_HEAD.format(title=escape(title or "dark"), **box).rstrip()]
    lines += [f'<path id="lcd-{name}" {_AREA} d="{path}"/>' for name, path in _SEGMENTS.items()]
    lines += _unit_shapes(glass.UNITS)
    lines += [_symbol_shape(name) for name in glass.SYMBOLS]
    lines += ["</defs>", _PANEL.format(**box).rstrip()]
    for name in glass.SYMBOLS:
        if name.startswith("op"):
            number = int(name[2:])
            lines.append(f'<text class="print" x="{_number(_operating_x(number))}" y="{HEIGHT - 14}">{number}</text>')
    lines += _layer("off", None, glass)
    lines += _layer("on", lit, glass)
    return "\n".join([*lines, "</svg>"]) + "\n"
