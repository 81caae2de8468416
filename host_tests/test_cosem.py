"""OBIS codes, the object classes and the calendar, against the standard's forms and other implementations."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter import calendar
from meter.cosem import obis
from meter.cosem.classes import Data, Register
from meter.tariff.counters import Counters


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1.8.0", (1, 1, 1, 8, 0, 255)),
        ("1-0:1.8.0", (1, 0, 1, 8, 0, 255)),
        ("1.8.1*19", (1, 1, 1, 8, 1, 19)),
        ("F.F", (0, 0, 97, 97, 255, 255)),
        ("C.7.0", (0, 0, 96, 7, 0, 255)),
        ("0.9.1", (1, 0, 0, 9, 1, 255)),
        ("0-0:1.0.0", (0, 0, 1, 0, 0, 255)),
        ("L.1.0", (0, 0, 98, 1, 0, 255)),
        ("P.01", (0, 0, 99, 1, 255, 255)),
    ],
)
def test_short_codes_name_their_objects(code: str, name: tuple[int, ...]) -> None:
    assert tuple(obis.parse(code)) == name


@pytest.mark.parametrize("code", ["1.8.0", "F.F", "C.7.0", "1.8.1*19", "31.7.0", "0.9.1"])
def test_short_codes_print_as_they_are_read(code: str) -> None:
    assert obis.short(obis.parse(code)) == code


@given(st.text(alphabet="0123456789.:-*CFLPxyz() ", max_size=14))
def test_a_malformed_code_is_refused_with_a_value_error(text: str) -> None:
    try:
        name = obis.parse(text)
    except ValueError:
        return
    assert len(name) == 6


@pytest.mark.parametrize(
    ("value", "unit", "form", "text"),
    [
        (10228, "Wh", (1, 8, 3, False), "1.8.0(000102.28*kWh)"),
        (12_345_678, "Wh", (4, 8, 6, False), "1.8.0(123456.78*MWh)"),
        (12_345, "Wh", (3, 8, 3, False), "1.8.0(00012345*kWh)"),
        (-8200, "W", (-1, 7, 3, True), "1.8.0(-000.8200*kW)"),
        (-8, "W", (-1, 7, 3, True), "1.8.0(-000.0008*kW)"),
        (16_700, "W", (-1, 7, 3, True), "1.8.0( 001.6700*kW)"),
        (None, "W", (-1, 7, 3, True), "1.8.0(*kW)"),
    ],
)
def test_registers_print_as_real_meters_do(
    value: int | None, unit: str, form: tuple[int, int, int, bool], text: str
) -> None:
    assert Register(obis.parse("1.8.0"), lambda: value, unit, form).data_set() == text


def test_data_prints_without_a_unit() -> None:
    assert Data(obis.parse("0.0.0"), lambda: "60800001").data_set() == "0.0.0(60800001)"


def test_an_attribute_that_a_class_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        Data(obis.parse("0.0.0"), lambda: 1).get(3)


def test_dates_agree_with_the_standard_library_from_1900_to_2200() -> None:
    for days in range(-36524, 73050):
        date = datetime.date(2000, 1, 1) + datetime.timedelta(days)
        assert calendar.date(days) == (date.year, date.month, date.day)
        assert calendar.fields(days * 86400 + 86399)[3:] == (date.isoweekday(), 23, 59, 59)


def test_a_counter_runs_over_after_eight_digits() -> None:
    counters = Counters()
    counters.add("lost_pages", 99_999_999)
    counters.add("lost_pages", 2)
    assert counters.get("lost_pages") == 1
