"""The picture of the glass: golden files a reviewer can look at (`pytest --update-golden` rewrites them)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from meter.face import glass
from meter.face.display import Display
from tools.bench.lcd import Lcd

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


class Glass:
    """A display whose driver's RAM is lit as it is."""

    def __init__(self) -> None:
        self.ram = bytes(20)
        self.display = Display(self)

    def write(self, ram: bytes) -> None:
        self.ram = bytes(ram)

    def lit(self) -> frozenset[int]:
        return frozenset(e for e in range(160) if self.ram[e >> 3] & 0x80 >> (e & 7))


def operating() -> Glass:
    """Import at an inductive load, the total of active energy, an open optical port."""
    shown = Glass()
    shown.display.phases((True, True, True), False)
    shown.display.arrows(1, 1)
    shown.display.symbols(comm=True)
    shown.display.operating_arrows(1)
    shown.display.show("1.8.0", "000102.28", "kWh")
    shown.display.refresh(0)
    return shown


def stored_value() -> Glass:
    """Export, phase 2 missing, reactive energy of quadrant III stored at reset 19, battery low, error set."""
    shown = Glass()
    shown.display.phases((True, False, True), False)
    shown.display.arrows(-1, -1)
    shown.display.symbols(battery=True, error=True)
    shown.display.show("7.8.0*19", "000101.71", "kvarh")
    shown.display.refresh(0)
    return shown


def clock() -> Glass:
    """The time of day, nothing consumed."""
    shown = Glass()
    shown.display.phases((True, True, True), False)
    shown.display.show("0.9.1", "16:40:56", "")
    shown.display.refresh(0)
    return shown


def display_check() -> Glass:
    """Every element."""
    shown = Glass()
    shown.display.all_on()
    shown.display.refresh(0)
    return shown


STATES = {
    "lcd_operating": operating,
    "lcd_stored_value": stored_value,
    "lcd_clock": clock,
    "lcd_display_check": display_check,
}


def layer(svg: str, kind: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    return next(group for group in root.iter(SVG + "g") if group.get("class") == kind)


def drawn(group: ElementTree.Element) -> int:
    """Elements drawn in a layer."""
    return sum(1 for node in group.iter() if node.tag in (SVG + "use", SVG + "circle"))


@pytest.mark.parametrize("name", STATES)
def test_picture_is_the_golden_one(name: str, update_golden: bool) -> None:
    svg = Lcd(STATES[name]()).svg()
    path = GOLDEN / f"{name}.svg"
    if update_golden:
        path.write_text(svg, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == svg


@pytest.mark.parametrize("name", STATES)
def test_picture_draws_each_lit_element_once_over_the_whole_glass(name: str) -> None:
    shown = STATES[name]()
    svg = Lcd(shown).svg()
    assert drawn(layer(svg, "on")) == len(shown.lit())
    assert drawn(layer(svg, "off")) == 160


@pytest.mark.parametrize("element", range(160))
def test_picture_shows_every_single_element_somewhere_else(element: int) -> None:
    class One:
        def lit(self) -> frozenset[int]:
            return frozenset({element})

    class Other:
        def lit(self) -> frozenset[int]:
            return frozenset({(element + 1) % 160})

    one = layer(Lcd(One()).svg(), "on")
    assert drawn(one) == 1
    assert ElementTree.tostring(one) != ElementTree.tostring(layer(Lcd(Other()).svg(), "on"))


def test_picture_refers_only_to_shapes_it_has() -> None:
    svg = Lcd(display_check()).svg()
    shapes = re.findall(r'id="([^"]+)"', svg)
    assert len(shapes) == len(set(shapes))
    assert set(re.findall(r'href="#([^"]+)"', svg)) <= set(shapes)


def test_shapes_used_elsewhere_need_no_style_sheet() -> None:
    """Rules that begin at the root do not match inside <use> (SVG 2, 5.6.3): browsers would fill the letters."""
    root = ElementTree.fromstring(Lcd(display_check()).svg())
    used = {node.get("href", "")[1:] for node in root.iter(SVG + "use")}
    shapes = {path.get("id"): path for path in root.iter(SVG + "path") if path.get("id")}
    assert used == set(shapes)
    for name, path in shapes.items():
        assert path.get("class") is None
        assert (path.get("fill") == "none") == (path.get("stroke-width") is not None), name
        assert (path.get("stroke") == "none") == (path.get("fill") is None), name


def test_picture_says_in_its_title_what_it_shows() -> None:
    title = ElementTree.fromstring(Lcd(operating()).svg()).find(SVG + "title")
    assert title is not None
    assert title.text == "1.8.0 000102.28 kWh +P +Q L1 L2 L3 comm op1 quadrant"


def test_arrows_stand_where_their_direction_points() -> None:
    svg = Lcd(display_check()).svg()

    def place(slug: str) -> tuple[float, float]:
        found = re.search(rf'id="lcd-{slug}"[^>]* transform="translate\(([-\d.]+) ([-\d.]+)\)', svg)
        assert found
        return float(found[1]), float(found[2])

    x, y = place("quadrant")
    right, left, up, down = (place(slug) for slug in ("P-import", "P-export", "Q-import", "Q-export"))
    assert right[0] > x > left[0]
    assert right[1] == y == left[1]
    assert up[1] < y < down[1]
    assert up[0] == x == down[0]


def test_golden_folder_holds_no_forgotten_picture() -> None:
    assert {path.stem for path in GOLDEN.glob("lcd_*.svg")} == set(STATES)


def test_picture_knows_every_name_of_the_table() -> None:
    svg = Lcd(display_check()).svg()
    names = len(glass.UNITS) + len(glass.SYMBOLS)
    assert len(re.findall(r'<(?:path|g) id="lcd-', svg)) == names + len("abcdefg")
