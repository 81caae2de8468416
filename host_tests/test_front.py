"""The front's states: what buttons lead to, what comes back by itself, errors, billing reset and set mode."""

from __future__ import annotations

from collections.abc import Iterator

import micropython_names
import pytest

from host_tests.front_bench import FrontBench
from meter import persian
from meter.events import error_register as error

CHECK = ("8:8:8:8:8:8:8", "8.8.8.8:8.8:8.8", "MkVAWvarhHz%°C")  # all segments


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    yield
    micropython_names.follow(None)


@pytest.fixture
def bench() -> FrontBench:
    return FrontBench()


def walk(bench: FrontBench, button: str = "down") -> list[str]:
    """The index fields of a list, once around from where it is."""
    found = [bench.lcd.index]
    while bench.press(button)[0] != found[0]:
        found.append(bench.lcd.index)
    return found


def menu(bench: FrontBench) -> list[str]:
    """The entries of the menu that is open, once around."""
    found = [" ".join(bench.read()).strip()]
    while (entry := " ".join(bench.press("down")).strip()) != found[0]:
        found.append(entry)
    return found


def to_list(bench: FrontBench, title: str) -> tuple[str, str, str]:
    """From the operating display into a list of the display menu."""
    bench.press("down", "down")
    while bench.lcd.value != title:
        bench.press("down")
    return bench.press("DOWN")


# --- from state to state ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_ms", range(0, 250, 30))
def test_a_press_shows_within_200_ms(offset_ms: int) -> None:
    bench = FrontBench()
    bench.run(offset_ms / 1000)
    bench.hold("down")
    pressed = bench.wires.t_ns
    while bench.read() != CHECK:
        bench.run(0.001)
    assert bench.wires.t_ns - pressed <= 200_000_000


def test_a_press_leads_to_the_display_check_and_holding_on_to_nothing_more(bench: FrontBench) -> None:
    bench.hold("down")
    bench.run(10)
    assert bench.read() == CHECK
    bench.hold("down", False)
    bench.run(10)
    assert bench.read() == CHECK
    assert bench.lcd.lit == frozenset(range(160))


def test_the_menu_has_the_lists_of_the_type(bench: FrontBench) -> None:
    bench.press("down", "down")
    assert menu(bench) == ["5td dAtA", "5td 5torEd", "5td P.01", "5td P.98", "5Er dAtA", "End"]
    small = FrontBench("ZMG410CR1.0000.00")
    small.press("down", "down")
    assert menu(small) == ["5td dAtA", "5td 5torEd", "5Er dAtA", "End"]


def test_the_menu_goes_round_in_both_directions_and_end_leads_out(bench: FrontBench) -> None:
    bench.press("down", "down")
    assert bench.press("up")[0] == "End"
    assert bench.press("down")[1] == "dAtA"
    assert bench.press("up", "DOWN")[0] == "1.8.0"


def test_a_list_is_gone_through_in_both_directions(bench: FrontBench) -> None:
    to_list(bench, "dAtA")
    there = walk(bench)
    assert there == bench.model.list_codes("standard")
    assert walk(bench, "up") == [there[0], *reversed(there[1:])]


def test_a_long_press_goes_on_to_the_older_period_and_then_to_the_next_list(bench: FrontBench) -> None:
    for kwh in (1, 2, 4):
        bench.consume(kwh, 7200)
        bench.press("reset")
        bench.run(5)
    to_list(bench, "5torEd")
    seen = []
    while bench.lcd.index != "5td":
        bench.press("down")
        seen.append(bench.read())
        bench.press("DOWN")
    assert seen == [
        ("1.8.0*03", "000008.00", "kWh"),
        ("1.8.0*02", "000004.00", "kWh"),
        ("1.8.0*01", "000002.00", "kWh"),
    ]
    assert bench.lcd.value == "P.01"


def test_a_long_press_up_goes_back_to_the_newer_period_and_then_to_the_list_before(bench: FrontBench) -> None:
    for kwh in (1, 2):
        bench.consume(kwh, 7200)
        bench.press("reset")
        bench.run(5)
    to_list(bench, "5torEd")
    assert bench.press("DOWN")[0] == "0.1.2*01"
    assert bench.press("UP")[0] == "0.1.2*02"
    assert bench.press("UP")[:2] == ("5td", "dAtA")


def test_only_so_many_stored_periods_are_shown_as_the_parameter_says() -> None:
    bench = FrontBench(values={"display_periods": 2})
    for _ in range(4):
        bench.consume(1, 7200)
        bench.press("reset")
        bench.run(5)
    assert to_list(bench, "5torEd")[0] == "0.1.2*04"
    assert [bench.press("DOWN")[0] for _ in range(2)] == ["0.1.2*03", "5td"]


def test_an_empty_list_says_so_and_leads_back_to_the_menu(bench: FrontBench) -> None:
    assert to_list(bench, "P.98")[:2] == ("5td", "----")
    bench.run(4.5)
    assert bench.read()[:2] == ("5td", "P.98")


def test_a_moment_shows_date_and_time_in_turn_and_a_maximum_when_it_was(bench: FrontBench) -> None:
    """1 kWh in the 15 minutes until 16:45 are 4 kW."""
    bench.consume(1, 244)
    to_list(bench, "dAtA")
    while bench.lcd.index != "1.6.1":
        bench.press("down")
    seen = []
    for _ in range(4):
        seen.append(bench.read()[1:])
        bench.run(2)
    assert seen == [("004.000", "kW"), ("26-11-22", ""), ("16:45", ""), ("004.000", "kW")]


def test_the_persian_calendar_is_on_the_display_too() -> None:
    """2026-11-22 is 1 Azar 1405."""
    bench = FrontBench()
    bench.sources.clock.calendar = persian
    bench.sources.log.add(24, bench.sources.clock.now, 0)
    assert to_list(bench, "P.98")[:2] == ("P.98.24", "05-09-01")


@pytest.mark.parametrize("presses", [("down",), ("down", "down"), ("service",), ("service", "DOWN")])
def test_the_operating_display_comes_back_by_itself(bench: FrontBench, presses: tuple[str, ...]) -> None:
    before = bench.read()
    bench.press(*presses)
    bench.run(119)
    shown = bench.read()
    assert shown != before
    bench.run(1.5)
    assert bench.read() == before


def test_each_press_begins_the_time_out_anew() -> None:
    bench = FrontBench(values={"display_timeout_s": 10})
    bench.press("down", "down")
    for _ in range(5):
        bench.run(9)
        assert bench.press("down") != ("1.8.0", "000001.00", "kWh")
    bench.run(10.3)
    assert bench.read()[0] == "1.8.0"


def test_a_board_with_one_button_reaches_all_lists() -> None:
    bench = FrontBench(up=False, reset=False, service=False)
    bench.press("down", "down")
    assert len(menu(bench)) == 6


def test_buttons_do_nothing_while_mains_is_away(bench: FrontBench) -> None:
    bench.mains.is_down = True
    bench.press("down", "reset")
    assert bench.lcd.lit == frozenset()
    bench.mains.is_down = False
    bench.run(0.5)
    assert bench.read()[0] == "1.8.0"
    assert bench.sources.billing.count == 0


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_critical_error_shows_until_somebody_has_seen_it(bench: FrontBench) -> None:
    bench.errors.set(error.WATCHDOG)
    bench.run(20)
    assert bench.read()[:2] == ("F.F", "00000010")
    assert bench.press("down")[0] == "1.8.0"
    assert "error" in bench.lcd.symbols, "it is still there"
    bench.errors.set(error.PROFILE_MEMORY)
    bench.run(0.5)
    assert bench.read()[:2] == ("F.F", "00100010"), "a new one has not been seen yet"
    bench.press("down")
    bench.errors.clear(error.WATCHDOG)
    bench.run(0.5)
    bench.errors.set(error.WATCHDOG)
    bench.run(0.5)
    assert bench.read()[0] == "F.F", "one that comes back has not been seen either"


def test_an_error_of_the_time_base_is_a_symbol_and_no_more(bench: FrontBench) -> None:
    bench.errors.set(error.BATTERY_LOW)
    bench.run(0.5)
    assert bench.read()[0] == "1.8.0"
    assert {"battery", "error"} <= bench.lcd.symbols
    assert to_list(bench, "dAtA")[:2] == ("F.F", "01000000")


@pytest.mark.parametrize("bit", [error.MAIN_MEMORY, error.MEASURING_SYSTEM, error.PARAMETERS, error.CALIBRATION])
def test_a_fatal_error_takes_the_place_of_all_values(bench: FrontBench, bit: int) -> None:
    to_list(bench, "dAtA")
    bench.errors.set(bit)
    bench.run(0.5)
    assert bench.read()[:2] == ("F.F", f"{bit:08X}")
    assert bench.press("down") == CHECK, "the check is still needed to trust it"
    assert bench.press("down")[0] == "F.F"
    assert bench.press("service")[0] == "5Et"


# --- billing reset ----------------------------------------------------------------------------------------------------


def test_the_reset_button_resets_once_and_is_then_locked_out(bench: FrontBench) -> None:
    bench.consume(1)
    assert bench.press("reset")[:2] == ("rE5Et", "donE")
    assert (bench.sources.billing.count, bench.sources.billing.source) == (1, 1)
    bench.run(5)
    bench.sources.clock.now += 600
    assert bench.press("reset")[:2] == ("rE5Et", "L0C 50"), "60 minutes by default"
    assert bench.sources.billing.count == 1
    bench.run(5)
    assert bench.read()[0] == "1.8.0"
    bench.sources.clock.now += 3000
    assert bench.press("reset")[1] == "donE"
    assert bench.sources.billing.count == 2


def test_holding_the_reset_button_resets_once() -> None:
    bench = FrontBench(values={"reset_lockout_min": 0})
    bench.hold("reset")
    bench.run(30)
    assert bench.sources.billing.count == 1


def test_a_button_that_is_no_source_of_resets_does_not_reset() -> None:
    bench = FrontBench(values={"reset_sources": 0x0E})
    assert bench.press("reset")[:2] == ("rE5Et", "oFF")
    assert bench.sources.billing.count == 0


def test_a_reset_that_cannot_be_stored_says_so(bench: FrontBench) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5)

    bench.sources.fram.write = refuse
    assert bench.press("reset")[1] == "Err"
    assert bench.sources.billing.count == 0


def test_no_reset_is_made_whose_values_are_about_to_be_cleared(bench: FrontBench) -> None:
    bench.sources.engine.closing = True
    assert bench.press("reset")[1] == "Err"
    assert bench.sources.billing.count == 0 and bench.sources.billing.available() == 0


# --- set mode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["service", "reset"])
def test_the_service_menu_opens_by_its_button_or_by_reset_from_the_check(bench: FrontBench, button: str) -> None:
    bench.press("down", button)
    assert menu(bench) == ["5Et 0.9.1", "5Et 0.9.2", "5Er dAtA", "tE5t on", "End"]
    assert bench.sources.billing.count == 0


def test_time_is_set_digit_by_digit_and_holds_from_the_last_confirmation_on(bench: FrontBench) -> None:
    """16:40:56 -> 17:35:56."""
    bench.press("service", "DOWN")
    bench.press("DOWN", "down", "DOWN", "up", "DOWN", *["down"] * 5, "DOWN", "DOWN")
    assert bench.sources.clock.fields()[4:] == (16, 40, 56)
    assert bench.press("DOWN")[:2] == ("0.9.1", "donE")
    assert bench.sources.clock.fields() == (2026, 11, 22, 7, 17, 35, 56)


def test_date_is_set_and_leaves_the_time(bench: FrontBench) -> None:
    """26-11-22 -> 27-01-22, a Friday."""
    bench.press("service", "down", "DOWN")
    bench.press("DOWN", "down", "DOWN", "up", *["DOWN"] * 4)
    assert bench.read()[:2] == ("0.9.2", "donE")
    assert bench.sources.clock.fields() == (2027, 1, 22, 5, 16, 40, 56)


def test_the_digit_that_is_set_blinks_alone(bench: FrontBench) -> None:
    bench.press("service", "DOWN", "DOWN")
    seen = set()
    for _ in range(40):
        bench.run(0.05)
        seen.add(bench.lcd.value)
    assert seen == {"16:40:56", "1 :40:56"}


def test_what_cannot_be_is_refused_and_changes_nothing(bench: FrontBench) -> None:
    before = bench.sources.clock.fields()
    bench.press("service", "DOWN", "up", "up", *["DOWN"] * 6)  # 96:40:56
    assert bench.read()[:2] == ("0.9.1", "Err")
    assert bench.sources.clock.fields() == before
    bench.run(5)
    assert bench.read()[0] == "5Et"


@pytest.mark.parametrize("way", ["reset", "time-out"])
def test_a_setting_that_is_left_changes_nothing(bench: FrontBench, way: str) -> None:
    before = bench.sources.clock.fields()
    bench.press("service", "DOWN", "down", "DOWN")
    if way == "reset":
        assert bench.press("reset")[:2] == ("5Et", "0.9.1")
    else:
        bench.run(121)
    assert bench.sources.clock.fields() == before
    assert bench.sources.billing.count == 0


def test_the_service_menu_switches_the_test_mode_that_the_meter_has(bench: FrontBench) -> None:
    test_mode = bench.sources.test_mode
    for is_on in (True, False):
        bench.press("service", "up", "up")
        assert bench.read()[:2] == ("tE5t", "on" if is_on else "oFF")
        assert bench.press("DOWN")[:2] == ("tE5t", "donE")
        bench.run(5)
        assert bench.read()[0] == "1.8.0"
        assert test_mode.on is is_on
        assert ("test" in bench.lcd.symbols) is is_on
