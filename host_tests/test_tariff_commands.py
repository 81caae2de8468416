"""What communication commands outlasts the supply, and other local time counts on the tariff at once: the whole billing
part, as it ships."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import micropython_names
import pytest

from host_tests.tariff_calendars import program
from host_tests.tariff_zone import seconds
from host_tests.whole_tariffs import UTILITY, Life, World, shown
from meter.storage import layout
from meter.storage.records import Record
from meter.tariff import tariff_record

NOON = seconds(2028, 2, 28, 12, 0, 0)
RESET_BY_TIME = 4


@pytest.fixture(autouse=True)
def computers_time() -> Iterator[None]:
    yield
    micropython_names.follow(None)


def stored_parts(world: World) -> tuple[Record, dict[int, bytes]]:
    """The tariff record by its format: number u8, length u16, little endian, and so many bytes."""
    record = Record(world.fram, layout.TARIFF.address, layout.TARIFF.capacity, tariff_record.VERSION)
    payload, parts = record.load(), {}
    assert payload is not None
    while payload:
        number, length = struct.unpack_from("<BH", payload)
        parts[number], payload = payload[3 : 3 + length], payload[3 + length :]
    return record, parts


def told(life: Life, setting: str, value: Any, utc: int) -> None:
    """A parameter is changed, and the meter told, as meter.py does it; then the next interval ends."""
    life.parameters.set(setting, value, UTILITY)
    life.engine.wake()
    life.book(utc)


def test_a_rate_without_registers_is_refused_and_changes_nothing() -> None:
    life = Life(World(), NOON)
    life.tariffs.command(2)
    for selector in (5, 51, 15):  # four rates are kept; a demand rate stands before the energy rate
        with pytest.raises(ValueError, match="no registers of this rate"):
            life.tariffs.command(selector)
    assert life.tariffs.rates.commanded == 2
    life.tariffs.command(44)
    life.book(NOON + 1)
    assert life.tariffs.rates.energy == 8


def test_a_commanded_rate_and_signals_hold_after_a_start_without_warning() -> None:
    world = World()
    life = Life(world, NOON)
    life.tariffs.control_table.write("O1 = C2; O2 = not C2")
    life.tariffs.command(23)
    life.tariffs.switch(2)
    life = Life(world, NOON + 5)
    rates = life.tariffs.rates
    assert (rates.energy, rates.demand, rates.outputs, rates.control_word[3]) == (4, 2, 1, 0x80)
    life.book(NOON + 6, a_import=7)
    assert life.rated.get("a_import", 3) == 7
    life.tariffs.command(0)
    life.tariffs.switch(12)
    rates = Life(world, NOON + 9).tariffs.rates
    assert (rates.energy, rates.outputs, rates.control_word[3]) == (1, 2, 0)


def test_a_command_while_mains_is_away_is_kept_too() -> None:
    world = World()
    life = Life(world, NOON)
    life.power_down(NOON + 1)
    life.tariffs.command(4)
    assert Life(world, NOON + 60).tariffs.rates.energy == 8


def test_the_record_of_a_firmware_that_forgot_commands_is_taken_over_whole() -> None:
    world = World()
    life = Life(world, NOON)
    life.book(NOON + 900, a_import=10**9)
    assert life.engine.reset(1, NOON + 900)
    life.book(NOON + 1800, a_import=10**9 + 1)
    expected = shown(life)
    record, parts = stored_parts(world)
    assert parts.pop(16) == bytes(3)
    record.save(b"".join(struct.pack("<BH", n, len(part)) + part for n, part in parts.items()))
    life = Life(world, NOON + 1800)
    assert shown(life) == expected and not life.engine.damaged
    life.tariffs.command(2)
    assert stored_parts(world)[1][16] == bytes((2, 0, 0))


def test_a_command_that_the_memory_does_not_take_is_refused_and_changes_nothing() -> None:
    world = World()
    life = Life(world, NOON)
    life.tariffs.command(2)
    life.book(NOON + 1)
    write = world.fram.write

    def fail(_address: int, _data: Any) -> None:
        raise OSError(5, "memory")

    world.fram.write = fail  # type: ignore[method-assign,assignment]
    for change in (life.tariffs.command, life.tariffs.switch):
        with pytest.raises(OSError, match="not kept"):
            change(3)
    world.fram.write = write  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="no such script"):
        life.tariffs.command(9)
    life.book(NOON + 2)
    assert life.tariffs.rates.pack() == bytes((2, 0, 0)) and life.tariffs.rates.energy == 2
    assert Life(world, NOON + 3).tariffs.rates.pack() == bytes((2, 0, 0))


def test_another_zone_or_summer_time_changes_the_rate_in_the_next_interval() -> None:
    """The table in use is in rate 2 until 06:00 and from 22:00 on, on working days (28 February 2028 is a Monday)."""
    world = World(time_zone=0, dst_begin=b"\xff\xff\x01\x01\xff\x00\x00\x00\x00\x80\x00\xff")
    program(world.time_switch())
    life = Life(world, NOON)
    life.book(NOON + 7)
    day = life.tariffs.rates.active_tariff
    told(life, "time_zone", 720, NOON + 8)  # 00:00
    night = life.tariffs.rates.active_tariff
    told(life, "time_zone", 0, NOON + 9)
    assert (day, night, life.tariffs.rates.active_tariff) == ("1", "2", "1")
    told(life, "dst_minutes", 120, NOON + 10)
    assert life.tariffs.rates.active_tariff == "1"
    at_five = NOON - 7 * 3600 - 1800 + 86400  # 04:30
    life.book(at_five)
    assert life.tariffs.rates.active_tariff == "2"
    told(life, "dst_enabled", 1, at_five + 1)  # 06:30 by the rule that began with the year
    assert life.tariffs.rates.active_tariff == "1"


def test_the_monthly_reset_follows_the_zone_and_is_not_made_twice() -> None:
    midnight = seconds(2028, 3, 1, 0, 0, 0)
    world = World(time_zone=0, reset_lockout_min=0)
    life = Life(world, NOON)
    told(life, "time_zone", 60, NOON + 1)
    life.book(midnight - 3601)
    assert life.billing.count == 0
    life.book(midnight - 3600)  # there is March by now
    assert (life.billing.count, life.billing.source) == (1, RESET_BY_TIME)
    told(life, "time_zone", -60, midnight)  # and February again
    life.book(midnight + 3600)
    life.book(midnight + 2 * 86400)
    assert life.billing.count == 1
    april = seconds(2028, 4, 1, 1, 0, 0)  # midnight in the new zone
    life.book(april - 1)
    assert life.billing.count == 1
    life.book(april)
    assert life.billing.count == 2


def test_a_reset_that_is_due_when_the_zone_is_changed_is_still_made() -> None:
    midnight = seconds(2028, 3, 1, 0, 0, 0)
    life = Life(World(time_zone=0), NOON)
    life.book(midnight - 1)
    told(life, "time_zone", 30, midnight + 1)
    assert life.billing.count == 1
