"""The display from the meter's call to what a person reads: driver, chip model and decoder in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pcf8576 import PCF8576
from host_tests.wires import DirectI2C, Wires
from meter.face import glass
from meter.face.display import Display
from meter.face.rolling import Rolling
from tools.bench.lcd import Lcd
from tools.bench.pcf8576 import PCF8576 as Chip


class Face:
    """A display on its own chip, and what is to be read on it."""

    def __init__(self) -> None:
        self.chip = Chip(seed=7)
        self.chip.power(True, 0)
        driver = PCF8576(DirectI2C({0x38: self.chip}, Wires(self.chip)))
        driver.start()
        self.display = Display(driver)
        self.lcd = Lcd(self.chip)

    def shows(self, index: str = "", value: str = "", unit: str = "", ticks_ms: int = 0) -> tuple[str, str, str]:
        self.display.show(index, value, unit)
        self.display.refresh(ticks_ms)
        return self.lcd.index, self.lcd.value, self.lcd.unit

    def symbols(self, ticks_ms: int = 0) -> set[str]:
        self.display.refresh(ticks_ms)
        return set(self.lcd.symbols)


@pytest.fixture
def face() -> Face:
    return Face()


@pytest.mark.parametrize(
    "texts",
    [
        ("1.8.0", "000102.28", "kWh"),
        ("5.8.0", "000147.20", "kvarh"),
        ("9.8.0", "000147.20", "kVAh"),
        ("1.8.1", "0000.125", "MWh"),
        ("1.6.1", "000.01", "kW"),
        ("36.7.0", "-000.82", "kW"),
        ("131.7.0", "-000.95", "kvar"),
        ("32.7.0", "239.5", "V"),
        ("31.7.0", "000.35", "A"),
        ("14.7.0", "49.98", "Hz"),
        ("1.8.0*19", "000101.71", "kWh"),
        ("1-1:1.8.0", "0000094.5", "Wh"),
        ("C.7.0", "00000197", ""),
        ("F.F", "00000000", ""),
        ("L.1", "Error", ""),
        ("P.98", "12345678", "var"),
        ("0.9.1", "16:40:56", ""),
        ("0.9.6", "00:00", ""),
        ("0.9.2", "17-11-06", ""),
        ("12.7.124", "2.5", "%"),
        ("96.9.0", "-40", "°C"),
    ],
    ids=lambda texts: texts[0],
)
def test_reads_as_it_was_shown(face: Face, texts: tuple[str, str, str]) -> None:
    assert face.shows(*texts) == texts


@given(value=st.from_regex(r"-?[0-9]{1,4}\.[0-9]{1,3}", fullmatch=True), unit=st.sampled_from(["kWh", "kvarh", "V"]))
def test_any_value_that_fits_reads_as_it_was_shown(value: str, unit: str) -> None:
    assert Face().shows("1.8.0", value, unit) == ("1.8.0", value, unit)


def test_value_stands_right_and_index_left(face: Face) -> None:
    face.shows("1", "1", "")
    segment_b, segment_c = 1, 2
    one = (segment_b, segment_c)
    assert face.lcd.lit == {glass.INDEX_DIGITS[0][s] for s in one} | {glass.VALUE_DIGITS[7][s] for s in one}


def test_hexadecimal_register_is_shown_in_either_case(face: Face) -> None:
    assert face.shows("F.F", "00B0C1DE")[1].upper() == "00B0C1DE"
    assert face.shows("f.f", "a")[:2] == ("F.F", "A")


def test_too_long_a_text_never_looks_like_a_reading(face: Face) -> None:
    assert face.shows("1.8.0", "123456789", "kWh")[1] == "-" * 8
    assert face.shows("1-1:131.7.0", "1", "")[0] == "-" * 7
    assert face.shows("1.8.0", "12345678.", "")[1] == "12345678"


def test_unit_the_glass_cannot_compose_is_left_out(face: Face) -> None:
    assert face.shows("1.8.0", "1", "m3") == ("1.8.0", "1", "")
    assert face.shows("1.8.0", "1", "Wk")[2] == ""


def test_character_without_segments_shows_a_low_bar(face: Face) -> None:
    assert face.shows("1", "1X2")[1] == "1_2"


def test_point_without_a_digit_takes_a_place(face: Face) -> None:
    assert face.shows("1", ".5")[1] == ".5"
    assert face.shows("1", "1..5")[1] == "1. .5"


def test_raised_dot_falls_back_to_the_point(face: Face) -> None:
    assert face.shows("1", "1:234")[1] == "1.234"
    assert face.shows("1", "1*2")[1] == "1.2"


def test_new_text_leaves_nothing_of_the_old(face: Face) -> None:
    face.shows("8.8.8.8.8.8.8", "8.8.8.8:8.8:8.8", "kVArh")
    assert face.shows("", "", "") == ("", "", "")
    assert face.lcd.lit == frozenset()


def test_text_and_symbols_do_not_touch_each_other(face: Face) -> None:
    face.display.phases((True, False, True), False)
    face.display.arrows(1, -1)
    face.display.symbols(comm=True, battery=True, error=True, test=True)
    face.display.operating_arrows(0xFFF)
    assert face.shows("1.8.0", "000102.28", "kWh") == ("1.8.0", "000102.28", "kWh")
    arrows = {f"op{number}" for number in range(1, 13)}
    symbols = {"L1", "L3", "quadrant", "+P", "-Q", "comm", "battery", "error", "test"} | arrows
    assert face.symbols() == symbols
    face.display.symbols()
    face.display.operating_arrows(0xFFF & ~(1 << 6))
    assert face.symbols() == symbols - {"comm", "battery", "error", "test", "op7"}


@pytest.mark.parametrize(
    ("p_sign", "q_sign", "arrows"),
    [
        (1, 1, {"quadrant", "+P", "+Q"}),
        (-1, 1, {"quadrant", "-P", "+Q"}),
        (-1, -1, {"quadrant", "-P", "-Q"}),
        (1, -1, {"quadrant", "+P", "-Q"}),
        (0, 1, {"quadrant", "+Q"}),
        (0, 0, set()),
    ],
)
def test_arrows_show_the_quadrant(face: Face, p_sign: int, q_sign: int, arrows: set[str]) -> None:
    face.display.arrows(-1, -1)
    face.display.arrows(p_sign, q_sign)
    assert face.symbols() == arrows


def test_present_phases_are_lit_steadily(face: Face) -> None:
    face.display.phases((True, True, False), False)
    assert [face.symbols(t) for t in range(0, 2000, 250)] == [{"L1", "L2"}] * 8


def test_present_phases_flash_at_1_hz_in_a_reversed_field(face: Face) -> None:
    face.display.phases((True, True, True), True)
    face.display.arrows(1, 0)
    seen = ["L1" in face.symbols(t) for t in range(0, 4000, 250)]
    assert seen == [True, True, False, False] * 4
    assert face.symbols(700) == {"quadrant", "+P"}, "nothing else flashes"
    face.display.phases((True, True, True), False)
    assert {"L1", "L2", "L3"} <= face.symbols(700)


def test_display_check_lights_all_160_and_gives_the_picture_back(face: Face) -> None:
    face.display.phases((True, True, True), True)
    face.shows("1.8.0", "000102.28", "kWh", ticks_ms=700)
    before = face.lcd.lit
    face.display.all_on()
    face.display.refresh(700)
    assert face.lcd.lit == frozenset(range(160))
    face.display.all_on(False)
    face.display.refresh(700)
    assert face.lcd.lit == before


def test_error_of_the_driver_reaches_the_caller_and_the_next_refresh_heals(face: Face) -> None:
    face.shows("1.8.0", "000102.28", "kWh")
    face.chip.faults.absent = True
    face.display.show("2.8.0", "000000.01", "kWh")
    with pytest.raises(OSError, match="19"):
        face.display.refresh(0)
    face.chip.faults.absent = False
    face.chip.brown_out(0)
    face.display.refresh(0)
    assert face.lcd.text == {"index": "2.8.0", "value": "000000.01", "unit": "kWh", "symbols": []}


def test_pattern_that_is_no_character_reads_as_a_question_mark() -> None:
    class Odd:
        def lit(self) -> frozenset[int]:
            return frozenset({glass.VALUE_DIGITS[7][0], glass.VALUE_DIGITS[7][2]})

    assert Lcd(Odd()).value == "?"


class Item:
    """Stands for a COSEM object in the list."""

    def __init__(self, index: str, value: str, unit: str) -> None:
        self.index, self.value, self.unit = index, value, unit

    def formatted(self) -> tuple[str, str]:
        return self.value, self.unit


ITEMS = [Item("1.8.0", "000102.28", "kWh"), Item("2.8.0", "000000.00", "kWh"), Item("0.9.1", "16:40:56", "")]


def test_rolling_gives_each_item_its_time_and_begins_again() -> None:
    rolling = Rolling(ITEMS, 8)
    seen = [rolling.step(t).index for t in range(5000, 53_000, 500)]
    assert seen == ["1.8.0"] * 16 + ["2.8.0"] * 16 + ["0.9.1"] * 16 + ["1.8.0"] * 16 + ["2.8.0"] * 16 + ["0.9.1"] * 16


def test_rolling_keeps_its_pace_when_called_unevenly() -> None:
    rolling = Rolling(ITEMS, 8)
    seen = [(t, rolling.step(t).index) for t in (0, 7900, 8300, 15_900, 16_000)]
    assert seen == [(0, "1.8.0"), (7900, "1.8.0"), (8300, "2.8.0"), (15_900, "2.8.0"), (16_000, "0.9.1")]


def test_rolling_skips_nothing_after_a_stall() -> None:
    rolling = Rolling(ITEMS, 8)
    assert [rolling.step(t).index for t in (0, 60_000, 67_999, 68_000)] == ["1.8.0", "2.8.0", "2.8.0", "0.9.1"]


def test_rolling_survives_the_wrap_of_the_ticks() -> None:
    rolling = Rolling(ITEMS, 8)
    start = (1 << 30) - 3000
    seen = [rolling.step((start + dt) % (1 << 30)).index for dt in (0, 7999, 8000, 15_999, 16_000)]
    assert seen == ["1.8.0", "1.8.0", "2.8.0", "2.8.0", "0.9.1"]


def test_rolling_begins_anew_and_takes_a_new_time() -> None:
    rolling = Rolling(ITEMS, 8)
    assert [rolling.step(t).index for t in (0, 8000, 15_000)] == ["1.8.0", "2.8.0", "2.8.0"]
    rolling.begin()
    rolling.seconds = 2
    assert [rolling.step(t).index for t in (15_500, 17_499, 17_500)] == ["1.8.0", "1.8.0", "2.8.0"]


def test_rolling_through_an_empty_list_has_nothing_to_show() -> None:
    assert Rolling([], 8).step(0) is None
