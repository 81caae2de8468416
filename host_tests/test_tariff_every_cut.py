"""The supply goes at every byte of every kind of write: afterwards the meter is as it was before, or as it was to be.

Every byte that is written to the FRAM is a cut point, with anything in the byte under way; so is every byte that is
programmed into the flash, and each 64th part of an erase. The short form takes both ends of each write and some points
between. `-rP` prints how many points there are.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from host_tests.power_cut import PowerCut
from host_tests.tariff_calendars import SEASONS, SPECIAL_DAYS, program
from host_tests.tariff_zone import seconds
from host_tests.whole_tariffs import POLL_S, UTILITY, Life, World, shown
from meter.storage import layout
from meter.storage.records import Record
from meter.storage.ring import OVERHEAD
from meter.tariff.load_profile import entry_size
from meter.tariff.time_switch import PASSIVE
from meter.tariff.time_switch import SPECIAL_DAYS as SPECIAL_DAYS_PART

BUTTON, COMMUNICATION = 1, 3
SETTINGS = {
    "time_zone": 60,
    "dst_enabled": 1,
    "rated_quantities": "a_import,a_export,r1",
    "demand_subperiods": 3,
    "snapshot_sources": 4,
    "rated_registers": "period",
    "profile_1_channels": "a_import,=a_export,~r1,@u1",
    "profile_2_channels": "a_import",
}
EVENING = seconds(2028, 2, 28, 20, 7, 30)  # in a quarter of an hour, two days before the leap year's month ends
MONTH_END = seconds(2028, 2, 29, 23, 0, 0)
WHOLE = {"a_import": 4_000_000_007, "a_export": 13, "r1": 2_000_000_011, "s_import": 4_500_000_000}
LEAST_POINTS, LEAST_SHORT_POINTS = 60_000, 1_000
ERASE_PARTS = 64
BETWEEN = 40  # points of the short form


# --- what the meter has lived through before ----------------------------------------------------------------------


@cache
def lived() -> World:
    """Some days with resets; a sector of profile 1 is full and waits to be moved, one has been moved before."""
    world = World(1, **SETTINGS)
    program(world.time_switch())
    per_sector = 4096 // (entry_size(tuple(range(4))) + OVERHEAD)
    quarters = 2 * per_sector + 1
    utc = EVENING - quarters * 900
    life = Life(world, utc)
    for n in range(quarters):
        utc += 900
        life.book(utc, a_import=10**9 + n, a_export=n, r1=3 * 10**8, s_import=10**9 + n * n)
        if n in (50, 90):
            assert life.engine.reset(BUTTON, utc)
        if n < 2 * per_sector - 10:
            life.archive()
    assert life.profiles[0].ring.per_sector == per_sector and life.tariffs.tend()
    world.power_off()
    return world


@cache
def lived_until_the_month_ends() -> World:
    return further(lived(), MONTH_END - 10)


def further(past: World, utc: int) -> World:
    """A past that went on until then, with the last energies so far away that some periods have ended."""
    world = past.copy()
    life = Life(world, utc - 60)
    life.book(utc, **WHOLE)
    world.power_off()
    return world


@cache
def about_to_switch() -> World:
    """The passive table becomes active in an hour."""
    world = lived().copy()
    time_switch = world.time_switch()
    time_switch.load()
    time_switch.set_part(PASSIVE, b"TOU 2028")
    time_switch.set_part(PASSIVE + 3, [(1, [(0, 4)]), (2, [(0, 3)]), (3, [(0, 21)])])
    time_switch.set_activation(EVENING + 3600)
    return world


def of_the_first_firmware(energy: int) -> World:
    """A memory from before there were rates: energies in format `energy`, counters in format 1, parameters up to 99."""
    world = World(2, led_constant=5000, address="1234")
    world.fram.content[layout.TARIFF.address :] = bytes(layout.MEMORY_SIZE - layout.TARIFF.address)
    for n in (1, 2):  # either slot is in use
        totals = [n * 10**12 + place for place in range(42)]
        payload = struct.pack("<8Q", *totals[:8]) if energy == 1 else struct.pack("<42Q2B", *totals, 0, 0)
        Record(world.fram, layout.ENERGY.address, layout.ENERGY.capacity, energy).save(payload)
        Record(world.fram, layout.COUNTERS.address, layout.COUNTERS.capacity, 1).save(struct.pack("<4I", n, 2, 3, 4))
    record = Record(world.fram, layout.PARAMETERS.address, layout.PARAMETERS.capacity, 1)
    stored = record.load()
    assert stored is not None
    record.save_twice(stored[: end_of_parameter(stored, 99)])
    return world


def end_of_parameter(stored: bytes, number: int) -> int:
    at = 0
    while at < len(stored) and stored[at] | stored[at + 1] << 8 <= number:
        at += 3 + stored[at + 2]
    assert 0 < at < len(stored)
    return at


@cache
def of_format_1() -> World:
    return of_the_first_firmware(1)


@cache
def of_format_2() -> World:
    return of_the_first_firmware(2)


# --- what is cut -----------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """`act` happens to a meter that has started at `start`, and the supply goes in it; without an act it goes in the
    start. It is back at `back`. `changes`: whether afterwards something is different from before."""

    name: str
    past: Callable[[], World]
    start: int
    back: int
    act: Callable[[Life], Any] | None
    changes: bool = True
    moves: bool = False  # a sector to the flash
    step: int = 1  # of the long form: where an index is cleared, the same is written again and again

    @property
    def entries(self) -> int:
        """How many of the newest are looked at."""
        return 1000 if self.moves else 24


def at_evening(name: str, act: Callable[[Life], Any], later: int = 1, **more: Any) -> Case:
    return Case(name, lived, EVENING, EVENING + later, act, **more)


def book(life: Life, utc: int) -> None:
    life.book(utc, **WHOLE)


def twice(life: Life) -> None:
    """Into the other slot."""
    life.save(EVENING)
    book(life, EVENING + 1)


def count(life: Life) -> None:
    life.counters.add("power_failures", 1)
    life.counters.set("configured_minutes", EVENING // 60)
    life.store.save_counters()


def move(life: Life) -> None:
    """A sector of profile 1 to the flash."""
    while life.profiles[0].ring.tend():
        life.world.wires.run(POLL_S)


def down(life: Life) -> None:
    life.counters.add("operating_seconds", 9)
    life.power_down(EVENING + 1)


CASES = [
    at_evening("energy", lambda life: book(life, EVENING + 1)),
    at_evening("end of a quarter", lambda life: book(life, EVENING + 450), 450),
    at_evening("several intervals", lambda life: book(life, EVENING + 4000), 4000),
    Case("end of the month", lived_until_the_month_ends, MONTH_END - 10, MONTH_END, lambda life: book(life, MONTH_END)),
    at_evening("reset", lambda life: life.engine.reset(BUTTON, EVENING + 1)),
    at_evening("reset in both schemes", lambda life: life.engine.reset(COMMUNICATION, EVENING + 1)),
    at_evening("clock put forward", lambda life: life.engine.clock_set(EVENING, EVENING + 5000), 5000),
    at_evening("clock put back", lambda life: life.engine.clock_set(EVENING, EVENING - 5000), -5000),
    at_evening("profile cleared", lambda life: life.engine.clear_profile(0, EVENING + 1), step=7),
    at_evening("power down", down),
    at_evening("counters", count),
    at_evening("parameter", lambda life: life.parameters.set("profile_2_channels", "a_export,@f", UTILITY)),
    at_evening("passive table", lambda life: life.tariffs.time_switch.set_part(PASSIVE + 1, SEASONS[:1])),
    at_evening("special days", lambda life: life.tariffs.time_switch.set_part(SPECIAL_DAYS_PART, SPECIAL_DAYS[:1])),
    Case("table activated", about_to_switch, EVENING, EVENING + 1, lambda life: life.tariffs.time_switch.activate()),
    Case("table in time", about_to_switch, EVENING, EVENING + 3600, lambda life: book(life, EVENING + 3600)),
    at_evening("control table", lambda life: life.tariffs.control_table.write("E3 = I1; E1 = not I1; O2 = TX1 or I2")),
    at_evening("tariff command", lambda life: life.tariffs.command(3)),
    at_evening("signal", lambda life: life.tariffs.switch(8)),
    Case("start", lived, EVENING, EVENING, None, changes=False),
    Case("late start", lived, MONTH_END, MONTH_END, None, changes=False),
    at_evening("sector", move, changes=False, moves=True),
]
for number, past in enumerate((of_format_1, of_format_2), 1):
    name = f"upgrade {number}: "
    CASES += [
        Case(name + "start", past, EVENING, EVENING, None, changes=False, step=7),
        Case(name + "energy", past, EVENING, EVENING + 1, lambda life: book(life, EVENING + 1)),
        Case(name + "counters", past, EVENING, EVENING + 1, count),
        Case(name + "parameter", past, EVENING, EVENING + 1, lambda life: life.parameters.set("rates", 2, UTILITY)),
    ]


Point = tuple[str, int]


@cache
def _points(name: str) -> list[Point]:
    case = BY_NAME[name]
    world = case.past().copy()
    life = None if case.act is None else Life(world, case.start)
    before = world.supply.spent
    if life is None or case.act is None:
        Life(world, case.start)
    else:
        case.act(life)
    points = [("fram", n) for n in range(0, world.supply.spent - before, case.step)]
    if case.moves:
        assert life is not None
        ring = life.profiles[0].ring
        assert world.chip.erases == {1: 1}
        points += [("flash", n) for n in range(ring.per_sector * ring._size)]
        points += [("erase", n) for n in range(ERASE_PARTS)]
    return points


@cache
def _expected(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is shown in the next life if it did not happen, and if it did."""
    case, found = BY_NAME[name], []
    for happens in (False, True):
        world = case.past().copy()
        if case.act is not None or happens:
            life = Life(world, case.start)
            if case.act is not None and happens:
                case.act(life)
        found.append(shown(Life(world, case.back), case.entries))
    old, new = found
    assert (old != new) == case.changes and old["damaged"] == new["damaged"] and not any(old["damaged"])
    return old, new


def cut(case: Case, point: Point, seed: int) -> World:
    """The memories after it."""
    world = case.past().copy(seed)
    life = None if case.act is None else Life(world, case.start)
    kind, n = point
    if kind == "fram":
        world.supply.left = n
    elif kind == "flash":
        world.cut_while_programming(n)
    else:
        world.cut_while_erasing(n / ERASE_PARTS)
    with pytest.raises(PowerCut):
        if life is None or case.act is None:
            Life(world, case.start)
        else:
            case.act(life)
    return world


def try_points(case: Case, points: list[Point], step: int) -> None:
    """Cut at each of the points; at every `step`-th also in the start after it, and see that the meter goes on."""
    old, new = _expected(case.name)
    for number, point in enumerate(points):
        world = cut(case, point, number)
        dice = world.supply.dice
        if number % step == 0:
            world.power_on()
            world.supply.left = dice.randrange(4000)
            with contextlib.suppress(PowerCut):
                Life(world, case.back)
        world.power_on()
        life = Life(world, case.back)
        found = shown(life, case.entries)
        assert found in (old, new), point
        if number % step == 0:
            goes_on(world, life, case)


def goes_on(world: World, life: Life, case: Case) -> None:
    """The next energy is counted once, and what waits for the flash gets there."""
    total, utc = life.energies.get("a_import"), case.back + 1
    life.book(utc, a_import=5)
    life.archive()
    if case.moves:  # what is in the flash now is needed, as when its half of the stage is used again
        ring = life.profiles[0].ring
        group = ring._staged()
        assert ring._indexed(group) is not None
        address = ring._half(group)
        world.fram.content[address : address + ring.per_sector * ring._size] = bytes(ring.per_sector * ring._size)
    again = Life(world, utc)
    assert again.energies.get("a_import") == total + 5
    assert shown(again, case.entries)["profiles"] == shown(life, case.entries)["profiles"]


BY_NAME = {case.name: case for case in CASES}
every_case = pytest.mark.parametrize("name", list(BY_NAME))


def sample(points: list[Point]) -> list[Point]:
    """Both ends, and some between."""
    return points[:5] + points[5 : -5 : len(points) // BETWEEN + 1] + points[-5:]


@every_case
def test_a_cut_leaves_the_old_or_the_new_state_and_never_a_mix(name: str) -> None:
    try_points(BY_NAME[name], sample(_points(name)), 3)


@pytest.mark.soak
@every_case
def test_a_cut_at_every_byte_leaves_the_old_or_the_new_state_and_never_a_mix(name: str) -> None:
    points = _points(name)
    try_points(BY_NAME[name], points, 7)
    print(f"{name}: {len(points)} cut points")


def test_there_are_as_many_cut_points_as_claimed() -> None:
    every = {name: len(_points(name)) for name in BY_NAME}
    short = sum(len(sample(_points(name))) for name in BY_NAME)
    print(every, "together", sum(every.values()), "in the short form", short)
    assert sum(every.values()) >= LEAST_POINTS and short >= LEAST_SHORT_POINTS
