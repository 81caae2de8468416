"""OBIS codes, the object classes and the calendar, against the standard's forms and other implementations."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter.cosem import obis
from meter.cosem.classes import UNIT_W, UNIT_WH, Data, Register
from meter.cosem.model import DISPLAY_LIST, READOUT_LISTS, ObjectModel
from meter.tariff import calendar
from meter.tariff.counters import Counters
from meter.tariff.energy_registers import NAMES, EnergyRegisters


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
        (10228, UNIT_WH, (1, 8, 3, False), "1.8.0(000102.28*kWh)"),
        (100_000_000 + 7, UNIT_WH, (1, 8, 3, False), "1.8.0(000000.07*kWh)"),  # past all nines it is zero again
        (-8200, UNIT_W, (-1, 7, 3, True), "1.8.0(-000.8200*kW)"),
        (16_700, UNIT_W, (-1, 7, 3, True), "1.8.0( 001.6700*kW)"),
        (None, UNIT_W, (-1, 7, 3, True), "1.8.0(*kW)"),
    ],
)
def test_registers_print_as_real_meters_do(
    value: int | None, unit: int, form: tuple[int, int, int, bool], text: str
) -> None:
    assert Register(obis.parse("1.8.0"), lambda: value, unit, form).data_set() == text


def test_data_prints_without_a_unit() -> None:
    assert Data(obis.parse("0.0.0"), lambda: "60800001").data_set() == "0.0.0(60800001)"


def test_an_attribute_that_a_class_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        Data(obis.parse("0.0.0"), lambda: 1).get(3)


class Everything:
    """Stands for all owners of values."""

    energies = EnergyRegisters()
    counters = Counters()
    error_text, serial_number, firmware_version, led_constant = "00000000", "1", "P01", 10_000

    class actual:
        @staticmethod
        def total(quantity: str) -> float | None:
            return None if quantity == "f" else 1.0

        @staticmethod
        def phase(quantity: str, n: int) -> float:
            return 2.0

    class clock:
        valid = True

        @staticmethod
        def fields() -> tuple[int, ...]:
            return (2026, 11, 22, 7, 16, 40, 56)


def test_every_code_of_every_list_has_an_object_that_prints_under_it() -> None:
    model = ObjectModel(Everything, 1)
    for number, codes in READOUT_LISTS.items():
        lines = list(model.readout(number))
        assert [line.partition("(")[0] for line in lines] == list(codes)
        assert all(len(line) <= 76 for line in lines)  # with CR LF at most 78 characters (IEC 62056-21)
    assert {model.find(code).index for code in DISPLAY_LIST} == set(DISPLAY_LIST)
    assert model.find("0.9.1").data_set() == "0.9.1(16:40:56)"
    assert model.find("0.9.2").data_set() == "0.9.2(26-11-22)"
    with pytest.raises(KeyError):
        model.find("99.99.9")


def test_dates_agree_with_the_standard_library_from_1900_to_2200() -> None:
    for days in range(-36524, 73050):
        date = datetime.date(2000, 1, 1) + datetime.timedelta(days)
        assert calendar.date(days) == (date.year, date.month, date.day)
        assert calendar.fields(days * 86400 + 86399)[3:] == (date.isoweekday(), 23, 59, 59)


@given(st.lists(st.integers(0, 2**60), min_size=8, max_size=8))
def test_totals_come_back_from_their_record_as_they_were(amounts: list[int]) -> None:
    registers = EnergyRegisters()
    registers.add(type("Increment", (), dict(zip(NAMES, amounts, strict=True))))
    copy = EnergyRegisters()
    copy.unpack(registers.pack())
    assert [copy.get(name) for name in NAMES] == amounts


def test_a_counter_runs_over_after_eight_digits() -> None:
    counters = Counters()
    counters.add("lost_pages", 99_999_999)
    counters.add("lost_pages", 2)
    assert counters.get("lost_pages") == 1
