"""What the memory holds of the parameters: damage, sets of other firmware, and whatever has been changed before."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.stored_parameters import Ram, life, store, stored
from meter.parameter_table import TABLE
from meter.parameters import ParameterRefused
from meter.storage.layout import PARAMETERS

NAMES = sorted(row[1] for row in TABLE)


def test_a_damaged_set_gives_defaults_and_the_flag_until_it_is_written_again() -> None:
    ram = Ram()
    life(ram).set("reaction_ms", 300, 4)
    for start in (PARAMETERS.address, PARAMETERS.address + PARAMETERS.size // 2):
        ram.content[start + 12] ^= 1
    damaged = life(ram)
    assert damaged.checksum_error and damaged.reaction_ms == 200
    assert damaged.set("obis_b", 0, 4)
    assert not damaged.checksum_error and not life(ram).checksum_error


def test_one_damaged_copy_is_survived() -> None:
    for start in (PARAMETERS.address, PARAMETERS.address + PARAMETERS.size // 2):
        ram = Ram()
        life(ram).set("reaction_ms", 300, 4)
        life(ram).set("reaction_ms", 310, 4)
        ram.content[start + 12] ^= 1
        survivor = life(ram)
        assert survivor.reaction_ms == 310 and not survivor.checksum_error


def test_a_stored_set_of_an_older_firmware_keeps_its_values_and_new_ones_get_defaults() -> None:
    ram = Ram()
    store(ram, {2: struct.pack("<i", 321)})
    parameters = life(ram)
    assert (parameters.reaction_ms, parameters.display_seconds) == (321, 8)


def test_entries_of_a_newer_firmware_survive_a_change_by_this_one() -> None:
    ram = Ram()
    store(ram, {900: b"later", 2: struct.pack("<i", 321), 901: b""})
    life(ram).set("display_seconds", 9, 4)
    entries = stored(ram)
    assert (entries[900], entries[901], entries[2], entries[5]) == (
        b"later",
        b"",
        struct.pack("<i", 321),
        struct.pack("<i", 9),
    )
    life(ram).set("display_seconds", 10, 4)
    assert stored(ram)[900] == b"later"


def test_stored_values_outside_todays_range_run_on_the_default_and_are_named() -> None:
    ram = Ram()
    store(ram, {2: struct.pack("<i", 5_000), 4: b"\xe9", 5: b"\x01", 10: struct.pack("<i", 60)})
    parameters = life(ram)
    assert parameters.replaced == ["reaction_ms", "max_baud_char", "display_seconds"]
    assert (parameters.reaction_ms, parameters.max_baud_char, parameters.display_seconds) == (200, "5", 8)
    assert parameters.nominal_hz == 60 and not parameters.checksum_error


def test_a_set_in_a_format_this_firmware_does_not_know_counts_as_damaged() -> None:
    ram = Ram()
    store(ram, {2: struct.pack("<i", 321)}, version=9)
    assert life(ram).checksum_error


def test_the_meters_own_defaults_come_before_the_tables_and_after_stored_values() -> None:
    ram = Ram()
    assert life(ram, defaults={"address": "12345678"}).address == "12345678"
    life(ram).set("address", "77", 4)
    assert life(ram, defaults={"address": "12345678"}).address == "77"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers() | st.text(max_size=40), st.integers(0, 6))))
def test_whatever_is_tried_the_next_life_sees_exactly_what_was_accepted(changes: list[tuple[str, Any, int]]) -> None:
    ram = Ram()
    parameters = life(ram)
    expected = {name: parameters.get(name) for name in parameters.names()}
    for name, value, level in changes:
        try:
            parameters.set(name, value, level)
            expected[name] = value
        except ParameterRefused:
            pass
    again = life(ram)
    assert expected == {name: again.get(name) for name in again.names()}
    assert again.replaced == []
