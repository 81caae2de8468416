"""The control table: its text, what it refuses, and what it switches, against the truth table of each row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.model_sources import Ram
from meter.storage.layout import CONTROL_TABLE
from meter.tariff import control_table as control
from meter.tariff.control_table import LOG_CONTROL_TABLE, ControlTable
from meter.type_code import TypeCode

EXTERNAL = TypeCode("ZMG405CR3.440b.43")  # four inputs, four outputs, demand
SWITCHED = TypeCode("ZMG405CR4.260b.43")  # two inputs, six outputs, time switch, demand
ENERGY_ONLY = TypeCode("ZMG405CR1.240b.03")
RELAY = TypeCode("ZMG405CR4.041b.62")

SIGNALS = [
    *("I1", "I2"),
    *(f"{group}{n}" for group in ("TE", "TD", "TX", "C") for n in range(1, 9)),
    *("voltage_low", "voltage_high", "phase_missing", "current_high", "power_high", "demand_high", "magnet", "cover"),
    *("power_up", "clock_invalid"),
]
FUNCTIONS = [
    *(f"{group}{n}" for group, count in (("E", 8), ("D", 8), ("O", 6), ("A", 12)) for n in range(1, count + 1)),
    *("period_end", "inhibit", "reset"),
]


def new(type_code: Any = SWITCHED, memory: Any = None) -> ControlTable:
    made = ControlTable(memory or Ram(CONTROL_TABLE.end), type_code)
    made.load()
    return made


def bit_of(signal: str) -> tuple[int, int]:
    """Byte and bit of a signal, by its place in the list of names in the table's head."""
    place = 0 if signal.startswith("I") else SIGNALS.index(signal) + 6
    return (0, int(signal[1:]) - 1) if signal.startswith("I") else divmod(place, 8)


def function_bit(function: str) -> tuple[int, int]:
    if function[1:].isdigit():
        n = int(function[1:]) - 1
        return {"E": 0, "D": 1, "O": 3, "A": 4}[function[0]] + n // 8, n % 8
    return 2, ["period_end", "inhibit", "reset", "relay"].index(function)


def switched_on(table: ControlTable, on: set[str]) -> set[str]:
    """The functions that these signals switch on."""
    signals, functions = bytearray(control.SIGNAL_BYTES), bytearray(control.FUNCTION_BYTES)
    for signal in on:
        place, bit = bit_of(signal)
        signals[place] |= 1 << bit
    table.evaluate(signals, functions)
    found = set()
    for function in [*FUNCTIONS, "relay"]:
        place, bit = function_bit(function)
        if functions[place] >> bit & 1:
            found.add(function)
            functions[place] &= ~(1 << bit)
    assert not any(functions)
    return found


# --- what it switches -----------------------------------------------------------------------------------------------


def test_two_inputs_choose_one_of_four_rates_where_rates_come_from_outside() -> None:
    table = new(EXTERNAL)
    found = [switched_on(table, on) for on in (set(), {"I1"}, {"I2"}, {"I1", "I2"})]
    assert found == [{"E1"}, {"E2"}, {"E3"}, {"E4"}]
    assert new(SWITCHED).text == "" and new(TypeCode("ZMG405CR3.060b.03")).text == ""


ROW = st.tuples(
    st.sampled_from(FUNCTIONS),
    st.sampled_from(["and", "or"]),
    st.lists(st.tuples(st.booleans(), st.sampled_from(SIGNALS)), min_size=1, max_size=3),
)


def text_of(rows: list[Any]) -> str:
    return "; ".join(
        f"{function} = " + f" {joint} ".join(("not " if inverted else "") + name for inverted, name in signals)
        for function, joint, signals in rows
    )


@settings(deadline=None)
@given(st.lists(ROW, max_size=16), st.sets(st.sampled_from(SIGNALS)))
def test_rows_switch_what_they_say(rows: list[Any], on: set[str]) -> None:
    table = new()
    table.write(text_of(rows))
    expected = set()
    for function, joint, signals in rows:
        states = [(name in on) != inverted for inverted, name in signals]
        if all(states) if joint == "and" else any(states):
            expected.add(function)
    assert switched_on(table, on) == expected


@settings(deadline=None)
@given(st.lists(ROW, max_size=16))
def test_the_text_comes_back_as_it_was_written(rows: list[Any]) -> None:
    memory = Ram(CONTROL_TABLE.end)
    new(SWITCHED, memory).write(text_of(rows))
    assert new(SWITCHED, memory).text == text_of(rows)


def test_rows_may_stand_on_lines_of_their_own_with_any_spaces() -> None:
    table = new()
    table.write("\n  E1=TE1 or   I1\n\nreset = not I2 ;\r\n A12 = C8\n")
    assert table.text == "E1 = TE1 or I1; reset = not I2; A12 = C8"
    assert table.has(control.ENERGY) and not table.has(control.DEMAND)


# --- what it refuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("E1", "row 1: not of the form"),
        ("E1 =", "row 1: a signal is missing"),
        ("E1 = I1; E9 = I1", "row 2: no such function: E9"),
        ("E0 = I1", "no such function: E0"),
        ("E10 = I1", "no such function: E10"),
        ("A13 = I1", "no such function: A13"),
        ("off = I1", "no such function: off"),
        ("E1 = I9", "no such signal: I9"),
        ("E1 = E2", "no such signal: E2"),
        ("E1 = TE", "no such signal: TE"),
        ("E1 = I3", "I3: this meter has none"),
        ("E1 = I1 I2", "I2: signals are joined by and, or all by or"),
        ("E1 = I1 and I2 or C1", "or: signals are joined by and, or all by or"),
        ("E1 = I1 and", "a signal is missing at the end"),
        ("E1 = not", "a signal is missing at the end"),
        ("E1 = I1 and not", "a signal is missing at the end"),
        ("E1 = not not I1", "no such signal: not"),
        ("E1 = I1 and I2 and C1 and C2", "more than 3 signals"),
        ("relay = I1", "relay: this meter has none"),
        ("; ".join(["E1 = I1"] * 17), "more than 16 rows"),
    ],
)
def test_a_text_that_is_no_table_is_refused_with_row_and_reason(text: str, reason: str) -> None:
    memory = Ram(CONTROL_TABLE.end)
    table = new(SWITCHED, memory)
    table.write("O1 = C1")
    before = bytes(memory.content)
    with pytest.raises(ValueError, match=reason):
        table.write(text)
    assert table.text == "O1 = C1" and bytes(memory.content) == before and reason in table.refused


@pytest.mark.parametrize(
    ("type_code", "row", "reason"),
    [
        (EXTERNAL, "E1 = TE1", "TE1: this meter has none"),
        (EXTERNAL, "E1 = TX8", "TX8: this"),
        (EXTERNAL, "O5 = I4", "O5: this"),
        (ENERGY_ONLY, "D1 = I1", "D1: this"),
        (ENERGY_ONLY, "inhibit = I1", "inhibit: this"),
        (ENERGY_ONLY, "period_end = I1", "period_end: this"),
        (RELAY, "E1 = I1", "I1: this"),
    ],
)
def test_a_table_may_only_name_what_the_meter_has(type_code: TypeCode, row: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        new(type_code).write(row)


def test_what_the_meter_has_may_be_named() -> None:
    new(EXTERNAL).write("E1 = I4; O4 = not I3; D8 = C1; period_end = I1")
    new(ENERGY_ONLY).write("E1 = I2; reset = I1; O4 = C1")
    table = new(RELAY)
    table.write("relay = TX1 and not voltage_low")
    assert switched_on(table, {"TX1"}) == {"relay"} and switched_on(table, {"TX1", "voltage_low"}) == set()


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_change_is_kept_counted_and_logged_and_the_empty_table_is_one() -> None:
    memory = Ram(CONTROL_TABLE.end)
    said: list[int] = []
    table = new(EXTERNAL, memory)
    table.log = said.append
    table.write("")
    assert said == [LOG_CONTROL_TABLE] and table.changes == 1
    assert new(EXTERNAL, memory).text == "" and not new(EXTERNAL, memory).damaged


def test_a_damaged_table_gives_way_to_the_default_and_a_failing_memory_changes_nothing() -> None:
    memory = Ram(CONTROL_TABLE.end)
    table = new(EXTERNAL, memory)
    default = table.text
    table.write("E1 = I1")
    for slot in (0, CONTROL_TABLE.size // 2):
        memory.content[CONTROL_TABLE.address + slot + 9] ^= 1
    lost = new(EXTERNAL, memory)
    assert lost.damaged and lost.text == default
    lost.locked = True
    with pytest.raises(OSError, match="could not be read"):
        lost.write("E1 = I1")
    assert lost.text == default
    lost.locked = False
    lost.write("E2 = I2")
    assert not lost.damaged and new(EXTERNAL, memory).text == "E2 = I2"
