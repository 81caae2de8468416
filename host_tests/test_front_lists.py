"""The lists of the display: which objects they have, who may change them, and how values are shown."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import micropython_names
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.front_bench import FrontBench
from host_tests.model_sources import make_model
from meter.face.lists import pages, trimmed
from meter.parameters import KIND, LEVEL, RANGE, ParameterRefused

AR = "ZMG405AR2.0200.02"
LISTS = ("display_list", "menu_list", "installation_list")


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    yield
    micropython_names.follow(None)


def rolled(bench: FrontBench, seconds: int) -> list[str]:
    """The index fields of the operating display, at the middle of each 8 s."""
    found = []
    for _ in range(seconds // 8):
        bench.run(4)
        found.append(bench.lcd.index)
        bench.run(4)
    return found


def test_the_operating_display_rolls_through_its_list_8_s_each() -> None:
    bench = FrontBench(values={"display_list": "1.8.0,0.0.0,2.8.0"})
    assert rolled(bench, 48) == ["1.8.0", "0.0.0", "2.8.0"] * 2


def test_a_new_list_and_a_new_pace_hold_at_once() -> None:
    bench = FrontBench()
    bench.parameters.set("display_list", "0.0.0,0.9.1", 2)
    bench.parameters.set("display_seconds", 2, 2)
    seen = []
    for _ in range(4):
        bench.run(2)
        seen.append(bench.lcd.index)
    assert sorted(seen) == ["0.0.0", "0.0.0", "0.9.1", "0.9.1"]


def test_a_fixed_display_shows_the_first_value_of_its_list() -> None:
    bench = FrontBench(values={"display_mode": "fixed", "display_list": "2.8.0,1.8.0"})
    assert rolled(bench, 40) == ["2.8.0"] * 5


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("value", "level", "reason"),
    [
        ("1.8.0,9.9.9", 2, RANGE),  # no such object
        ("1.8.0,,2.8.0", 2, RANGE),
        ("1.8.0,", 2, RANGE),
        ("kWh", 2, RANGE),
        ("1.8.0*01", 2, RANGE),
        ("C.61.21", 4, RANGE),  # a password
        ("C.61.1", 4, RANGE),  # what only data collection may read
        ("C.60.1", 4, RANGE),
        (",".join(["1.8.0"] * 41), 2, RANGE),  # 245 characters
        ("1.8.0", 1, LEVEL),
        (180, 2, KIND),
    ],
)
def test_a_list_that_cannot_be_shown_is_refused(name: str, value: object, level: int, reason: str) -> None:
    model = make_model()
    model.parameters.may_show = model.is_public
    with pytest.raises(ParameterRefused) as refused:
        model.parameters.set(name, value, level)
    assert refused.value.reason == reason
    assert model.parameters.get(name) == ""


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_objects_that_there_are_is_taken_in_its_order(name: str) -> None:
    model = make_model()
    model.parameters.may_show = model.is_public
    wanted = "2.8.0,1.8.1,1.6.2,0.0.0,C.7.0,F.F,32.7.0,1.9.0,1-1:1.8.0"
    assert model.parameters.set(name, wanted, 2)
    assert ",".join(model.list_codes(name[: -len("_list")])) == wanted


def test_a_stored_list_leaves_out_what_the_meter_no_longer_has() -> None:
    assert make_model(AR, {"display_list": "1.8.0,3.8.0,0.0.0"}).list_codes("display") == ["1.8.0", "0.0.0"]


def test_lists_follow_from_type_and_network_when_none_are_chosen() -> None:
    model = make_model(AR, {"network": "1P2W"})
    assert model.list_codes("display") == ["1.8.0", "2.8.0"]
    assert model.list_codes("menu") == model.list_codes("standard")
    assert model.list_codes("installation") == ["32.7.0", "31.7.0", "16.7.0", "36.7.0", "14.7.0", "81.7.4", "C.63.1"]
    three = make_model().list_codes("installation")
    assert three[:7] == ["32.7.0", "52.7.0", "72.7.0", "31.7.0", "51.7.0", "71.7.0", "91.7.0"]
    assert three[-6:] == ["81.7.1", "81.7.2", "81.7.4", "81.7.15", "81.7.26", "C.63.1"]


def test_the_display_readout_list_is_the_list_of_the_display() -> None:
    """0-0:21.0.1, class 7: attribute 3 are its columns."""
    model = make_model(values={"display_list": "0.0.0,2.8.0"})
    columns = model.get(7, b"\x00\x00\x15\x00\x01\xff").get(3)
    assert [column[1] for column in columns] == [model.find(code).logical_name for code in ("0.0.0", "2.8.0")]


@given(st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", fullmatch=True))
def test_leaving_zeros_out_keeps_value_decimals_and_one_digit(text: str) -> None:
    short = trimmed(text)
    assert Decimal(short) == Decimal(text)
    assert short.partition(".")[2] == text.partition(".")[2]
    whole = short.lstrip("-").partition(".")[0]
    assert whole == "0" or whole[0] != "0"
    assert short.startswith("-") == text.startswith("-")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1.8.0", [("1.8.0", "1.00", "kWh")]),
        ("131.7.0", [("131.7.0", "-1.7251", "kvar")]),
        ("1.6.1", [("1.6.1", "0.000", "kW"), ("1.6.1", "00-00-00", ""), ("1.6.1", "00:00", "")]),
        ("1.4.0", [("1.4.0", "0.000", "kW")]),
        ("C.7.0", [("C.7.0", "3", "")]),
        ("0.0.0", [("0.0.0", "60800001", "")]),
        ("0.1.0", [("0.1.0", "00", "")]),  # a number of two digits, not a register
        ("0.9.1", [("0.9.1", "16:40:56", "")]),
    ],
)
def test_zeros_are_left_out_of_registers_only(code: str, shown: list[tuple[str, str, str]]) -> None:
    assert pages(make_model().find(code), False) == shown


def test_a_value_that_there_is_not_is_dashes() -> None:
    model = make_model()
    model.sources.actual.totals = dict(model.sources.actual.totals, pf=None)
    assert pages(model.find("13.7.0"), True) == [("13.7.0", "--------", "")]


def test_a_value_of_nine_digits_is_dashes_on_the_glass() -> None:
    bench = FrontBench(values={"display_list": "1.8.0"})
    bench.sources.firmware_version = "123456789"
    bench.parameters.set("display_list", "0.2.0", 2)
    bench.run(1)
    assert bench.read() == ("0.2.0", "--------", "")


def test_a_memory_that_does_not_answer_is_dashes_and_no_fault_of_the_display() -> None:
    bench = FrontBench(values={"display_list": "1.29.0"})
    bench.consume(1)
    bench.run(0.5)
    assert bench.read()[0] == "1.29.0"

    def fail(*_: object) -> None:
        raise OSError(5)

    bench.sources.fram.read_into = fail
    bench.run(1)
    assert bench.read()[1] == "--------"
    assert bench.errors.bits == 0


def test_an_event_that_cannot_be_read_any_more_is_dashes() -> None:
    bench = FrontBench()
    for n in range(20):
        bench.sources.log.add(24, bench.sources.clock.now + n, 0)
    bench.press("down", "down", "up", "up", "up")
    assert bench.press("DOWN")[0] == "P.98.24"

    def fail(*_: object) -> None:
        raise OSError(5)

    bench.sources.log.ring._memory.read_into = fail
    assert bench.press("down") == ("P.98", "--------", "")


@pytest.mark.parametrize(
    ("present", "is_reversed", "text"),
    [
        ([True] * 3, False, "1-2-3"),
        ([True] * 3, True, "3-2-1"),
        ([True, False, True], False, "---"),
    ],
)
def test_the_order_of_the_phases_is_told_where_all_are_there(present: list, is_reversed: bool, text: str) -> None:
    bench = FrontBench(values={"installation_list": "14.7.0"})
    bench.samples.present, bench.samples.reversed_field = present, is_reversed
    bench.press("service", "down", "down", "DOWN")
    assert bench.press("down")[:2] == ("5Eq", text)


def test_load_profile_1_shows_its_intervals_with_their_channels() -> None:
    bench = FrontBench(values={"profile_1_channels": "a_import,=a_import"})
    bench.consume(1.5, 244)  # until 16:45
    bench.consume(0.25, 900)
    bench.press("down", "down", "down", "down")
    assert bench.press("DOWN")[:2] == ("P.01", "26-11-22")
    bench.run(2)
    assert bench.read()[1] == "17:00"
    assert bench.press("down") == ("1.29", "000.25", "kWh")
    assert bench.press("down") == ("1.8", "000002.75", "kWh")  # the model's meter begins with 1 kWh
    assert bench.press("DOWN")[0] == "P.01"
    assert bench.press("down") == ("1.29", "001.50", "kWh")
