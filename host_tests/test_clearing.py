"""Clearing by scripts: what each takes; and the supply goes at any byte of the sequence: all is old or all is gone.

The sequence is a demand and the start after it, cut at a byte of its writes or at a step of a ring; then the meter
starts again.
"""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

from host_tests.power_cut import PowerCut
from host_tests.tariff_bench import Life, Memory, World
from meter.clearing import EVERYTHING, SCRIPTS, Clearing
from meter.events.log import EventLog
from meter.parameters import Parameters
from meter.storage import layout
from meter.tariff.billing import BUTTON, SNAPSHOTS

RATED, STORED, LOG, REGISTERS = 2, 3, 4, 5
NOW = 800_000_700  # seconds since 2000; a quarter of an hour ends 300 s later
EARLIER_EVENT = (NOW - 1000, 24, 0)


class Fram(Memory):
    """The whole chip; `left`: bytes that are still written, -1 all."""

    def __init__(self, supply: Any) -> None:
        super().__init__(supply)
        self.content = bytearray(layout.MEMORY_SIZE)
        self.left = -1
        self.written = 0

    def write(self, address: int, buf: Any) -> None:
        self.written += len(buf)
        if 0 <= self.left < len(buf):
            self.content[address : address + self.left] = buf[: self.left]
            self.left = -1
            raise PowerCut
        if self.left >= 0:
            self.left -= len(buf)
        super().write(address, buf)


class Kept(World):
    """What outlives the firmware, with the whole FRAM."""

    fram: Fram

    def __init__(self) -> None:
        super().__init__()
        self.fram = Fram(self.supply)


class Start(Life):
    """A life that begins as the meter's does."""

    def __init__(self, world: Kept, utc: int) -> None:
        self.log = EventLog(world.fram)
        self.clearing = Clearing(world.fram, self.log)
        self.clearing.carry_out()
        self.log.load()
        self.parameters = Parameters(world.fram)
        self.parameters.load()
        super().__init__(world, utc)

    def power_up(self, utc: int) -> None:
        self.clearing.start(self.engine, utc, self.energy_record.utc)


def lived() -> Kept:
    """A meter that has everything there is to clear."""
    world = Kept()
    life = Start(world, NOW - 4000)
    life.parameters.set("display_seconds", 20, 4)
    life.log.add(EARLIER_EVENT[1], EARLIER_EVENT[0])
    life.book(NOW - 3000, 5 * 10**9, 10**6)
    life.book(NOW - 1500, 3 * 10**9)
    life.engine.reset(BUTTON, NOW - 1400)
    life.engine.snapshot(BUTTON, NOW - 1300)
    life.book(NOW, 10**9)
    world.supply.steps = world.fram.written = 0
    return world


def shown(life: Start) -> dict[str, Any]:
    """What can be cleared."""
    return {
        "totals": [life.energies.get(name) for name in ("a_import", "a_export")],
        "rated": [life.rated.get("a_import", rate) for rate in (1, 2)],
        "rated since the reset": [
            life.rated.get("a_import", rate) - (life.billing.begin.rated("a_import", rate) or 0) for rate in (1, 2)
        ],
        "maxima": [life.demand.maximum("a_import", rate) for rate in (1, 2)],
        "since the reset": life.energies.get("a_import") - life.billing.begin.total("a_import"),
        "stored": [life.billing.available(scheme) for scheme in (0, SNAPSHOTS)],
        "resets": life.billing.count,
        "profiles": [profile.ring.entry(1)[0] for profile in life.profiles],  # when the first entry was made
        "log": [entry[1:] for entry in life.log.entries(100)[::-1]],
        "parameter": life.parameters.display_seconds,
    }


def cleared(script: int) -> tuple[Kept, Start]:
    world = lived()
    Start(world, NOW).clearing.demand(script, NOW)
    return world, Start(world, NOW + 2)


def events(script: int, *numbers: int) -> list[tuple[int, int, int]]:
    return [(NOW, number, script) for number in numbers]


OLD = shown(Start(lived(), NOW + 2))
NEW_METER: dict[str, Any] = {
    "totals": [0, 0],
    "rated": [0, 0],
    "rated since the reset": [0, 0],
    "maxima": [(0, None), (0, None)],
    "since the reset": 0,
    "stored": [0, 0],
    "resets": 0,
    "profiles": [NOW + 2, NOW + 2],
}


@pytest.mark.parametrize(
    ("script", "changes"),
    [
        (EVERYTHING, NEW_METER | {"log": events(1, 4, 128, 59), "parameter": 8}),
        (RATED, {"rated": [0, 0], "rated since the reset": [0, 0], "log": [EARLIER_EVENT, *events(2, 2)]}),
        (
            STORED,
            {"stored": [0, 0], "profiles": [NOW + 2, NOW + 2], "log": [EARLIER_EVENT, *events(3, 3, 193)]},
        ),
        (LOG, {"log": events(4, 4)}),
        (REGISTERS, NEW_METER | {"log": [EARLIER_EVENT, *events(5, 128, 59)]}),
    ],
)
def test_a_script_takes_what_it_is_for_and_nothing_else(script: int, changes: dict[str, Any]) -> None:
    assert OLD["totals"] == [9 * 10**9, 10**6] and OLD["stored"] == [1, 1] and OLD["parameter"] == 20
    world, life = cleared(script)
    assert shown(life) == OLD | changes
    life.book(NOW + 10, 7)
    again = Start(world, NOW + 20)  # what is done is not done again
    assert again.energies.get("a_import") == life.energies.get("a_import") >= 7
    assert shown(again)["log"] == shown(life)["log"]


@pytest.mark.parametrize(
    ("script", "bits"),
    [(EVERYTHING, 0x206000), (RATED, 0x200000), (STORED, 0x4000), (LOG, 0x2000), (REGISTERS, 0x204000)],
)
def test_the_profiles_tell_of_it_once(script: int, bits: int) -> None:
    """Bits of the EDIS status word as the product family's readers have them."""
    _, life = cleared(script)
    life.book(NOW + 400, 1)
    for n in (0, 1):
        words = [word for _, _, word, _ in life.rows(n)]
        assert [word & 0x206000 for word in words if word & 0x206000] == [bits]
        assert words[-1] & 0x800000 and not words[-1] & 0x206000


def test_several_demands_are_all_met_and_unknown_ones_refused() -> None:
    world = lived()
    life = Start(world, NOW)
    for script in (0, 6, -1):
        with pytest.raises(ValueError, match="script"):
            life.clearing.demand(script, NOW)
    assert not life.clearing.due and shown(Start(world, NOW + 2)) == OLD
    life = Start(world, NOW)
    life.clearing.demand(RATED, NOW)
    life.clearing.demand(LOG, NOW + 1)
    assert life.clearing.due and SCRIPTS == (1, 2, 3, 4, 5)
    found = shown(Start(world, NOW + 2))
    assert found["rated"] == [0, 0] and found["log"] == [(NOW + 1, 2, RATED), (NOW + 1, 4, LOG)]
    assert found["totals"] == OLD["totals"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_reset_is_acknowledged_that_a_clearing_could_take_with_it(
    script: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Start(lived(), NOW)
    monkeypatch.setattr(life.clock, "utc", lambda: NOW + 5000, raising=False)
    with pytest.raises(ValueError, match="script"):
        life.clearing.demand(9, NOW)
    life.engine.reset_by_command()
    assert life.billing.count == 2
    monkeypatch.setattr(life.clock, "utc", lambda: NOW + 9000, raising=False)
    life.clearing.demand(script, NOW)
    with pytest.raises(OSError, match="reset"):
        life.engine.reset_by_command()
    assert life.billing.count == 2
    again = Start(life.world, NOW + 9001)
    monkeypatch.setattr(again.clock, "utc", lambda: NOW + 9002, raising=False)
    count = again.billing.count
    again.engine.reset_by_command()
    assert again.billing.count == count + 1


def test_nothing_is_marked_in_a_memory_that_does_not_keep_it_or_was_not_read() -> None:
    world = lived()
    life = Start(world, NOW)
    life.clearing.locked = True
    with pytest.raises(OSError, match="could not be read"):
        life.clearing.demand(EVERYTHING, NOW)
    life.clearing.locked = False
    world.fram.broken = True
    with pytest.raises(OSError, match="memory"):
        life.clearing.demand(EVERYTHING, NOW)
    world.fram.broken = False
    assert not life.clearing.due and shown(Start(world, NOW + 2)) == OLD


def test_a_start_that_cannot_clear_says_so_and_the_next_one_does() -> None:
    world = lived()
    Start(world, NOW).clearing.demand(REGISTERS, NOW)
    world.fram.broken = True
    with pytest.raises(OSError, match="memory"):
        Start(world, NOW + 1)
    world.fram.broken = False
    assert shown(Start(world, NOW + 2))["totals"] == [0, 0]


# --- the supply goes ------------------------------------------------------------------------------------------------


def cut(script: int, byte: int = -1, half_step: int = -1, again: int = -1) -> dict[str, Any]:
    """What is shown after the sequence is cut at a byte, or in a half of a step, and the next start maybe too."""
    world = lived()
    life = Start(world, NOW)
    world.fram.left, world.supply.left = byte, half_step
    with pytest.raises(PowerCut):
        life.clearing.demand(script, NOW)
        Start(world, NOW + 2)
    world.fram.left, world.supply.left = again, -1
    with suppress(PowerCut):
        Start(world, NOW + 2)
    world.fram.left = -1
    return shown(Start(world, NOW + 2))


def extent(script: int) -> tuple[int, int]:
    """Bytes and steps of a sequence."""
    world = lived()
    life = Start(world, NOW)
    world.fram.written = world.supply.steps = 0
    life.clearing.demand(script, NOW)
    Start(world, NOW + 2)
    return world.fram.written, world.supply.steps


MARK = 17  # bytes of the write that decides: header 8, script and time 5, CRC 4


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_cut_at_any_byte_leaves_all_old_or_all_cleared(script: int) -> None:
    done = shown(cleared(script)[1])
    size, steps = extent(script)
    chance = random.Random(script)
    places = {*range(MARK + 3), *range(size - 60, size), *(chance.randrange(size) for _ in range(100))}
    for byte in sorted(places & set(range(size))):
        assert cut(script, byte=byte) == (OLD if byte < MARK else done), byte
    assert 2 * steps > 8
    halves = {*range(8), *range(2 * steps - 40, 2 * steps), *(chance.randrange(2 * steps) for _ in range(20))}
    for half_step in sorted(halves & set(range(2 * steps))):
        assert cut(script, half_step=half_step) == (OLD if half_step < 2 else done), half_step


def test_cuts_in_each_others_restarts_change_nothing_either() -> None:
    chance = random.Random(7)
    for script in SCRIPTS:
        done, size = shown(cleared(script)[1]), extent(script)[0]
        for _ in range(40):
            byte, again = chance.randrange(MARK, size), chance.randrange(size)
            assert cut(script, byte=byte, again=again) == done, (script, byte, again)
