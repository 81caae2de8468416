"""Pulse outputs: the count against the register in exact arithmetic, evenness, lengths, and what a restart leaves."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest

from host_tests.pulse_bench import INTERVAL_MS, KWH, World
from host_tests.tariff_bench import Memory, PowerCut, Supply
from meter.output_function import LENGTHS_MS, keeps_up, output_function
from meter.storage.layout import PULSES

Make = Callable[..., World]
ACTIVE = {0: "pulse a_import 1000 80"}


@pytest.fixture
def make() -> Iterator[Make]:
    worlds: list[World] = []

    def made(functions: Any = ACTIVE, **more: Any) -> World:
        worlds.append(World(functions, **more))
        return worlds[-1]

    yield made
    for world in worlds:
        world.close()


# --- functions ------------------------------------------------------------------------------------------------------


def test_a_function_is_read_as_it_is_written() -> None:
    assert output_function("control") == ("control", 0, 0)
    assert output_function("direction") == ("direction", 0, 0)
    assert output_function("pulse r_export 50000 20") == ("r_export", 50_000, 20)
    for text in (
        *("", "pulse", "controls", "pulse a_import", "pulse a_import 1000", "pulse x 1000 80", "pulse a_import 0 80"),
        *("pulse a_import 1000 81", "pulse a_import 50001 20", "pulse a_import -5 20", "pulse a_import 1e3 20"),
        *("pulse a_import 1000 80 ", "pulse  a_import 1000 80", "Control", "pulse a_import 0100 80"),
    ):
        with pytest.raises(ValueError, match="output|number|constant"):
            output_function(text)


@pytest.mark.parametrize("length_ms", LENGTHS_MS)
def test_a_constant_is_taken_when_pulses_and_gaps_fit_at_the_highest_power(length_ms: int) -> None:
    """115 % of 230 V, 10 A, three phases; 25 Hz at 20 ms is the data sheet's limit, half a period is a pulse."""
    kilowatts = Fraction(3 * 230 * 10 * 115, 100_000)
    most = Fraction(1000, 2 * length_ms) * 3600 / kilowatts
    text, power = "pulse s_import %d %d", (230, 10_000, 3000)
    taken = [constant for constant in range(1, 12_000, 7) if keeps_up(text % (constant, length_ms), *power)]
    assert 0.9 * most < taken[-1] < most
    assert taken == list(range(1, taken[-1] + 1, 7))


# --- a steady load --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("watts", [40, 1725, 3456.789, 7900, 80_000])
def test_pulses_of_a_steady_load_are_even_and_as_many_as_the_energy(make: Make, watts: float) -> None:
    world = make({0: "pulse a_import 250 20"})
    world.power["a_import"] = round(watts * 1000)
    world.start()
    world.live(3_600_000)
    pulses = world.contacts[0].whole
    period = 3_600_000 / 250 / watts * 1000
    assert {length for _, length in pulses} == {21}
    assert max(abs(b - a - period) for (a, _), (b, _) in zip(pulses, pulses[1:], strict=False)) <= 2
    assert 0 <= world.debt(0) < 2 * KWH + world.power["a_import"] * 250  # the last interval's is still to come


def test_a_pulse_comes_one_interval_after_the_energy_it_stands_for(make: Make) -> None:
    world = make()
    world.power["a_import"] = 1_000_000  # a pulse each 3.6 s
    world.start()
    world.live(20_000)
    assert [t for t, _ in world.contacts[0].whole] == [3600 * n + INTERVAL_MS for n in range(1, 6)]


def test_each_output_has_its_energy_constant_and_length(make: Make) -> None:
    functions = {0: "pulse a_import 1000 80", 1: "pulse r4 500 240", 5: "pulse s_export 2000 20"}
    world = make(functions)
    world.power.update(a_import=900_000, r4=800_000, s_export=3_600_000)
    pulses = world.start()
    world.live(600_400)
    assert [pulses.sent(n) for n in range(6)] == [149, 66, 0, 0, 0, 1199]
    assert [len(contact.whole) for contact in world.contacts] == [149, 66, 0, 0, 0, 1199]
    assert [{length for _, length in world.contacts[n].whole} for n in (0, 1, 5)] == [{81}, {241}, {21}]


def test_what_came_at_once_is_given_as_fast_as_the_contact_can(make: Make) -> None:
    """60 s without a reading: the energy is there, and its pulses follow with gaps as long as they are."""
    world = make({0: "pulse a_import 10000 20"})
    world.start()
    world.registers["a_import"] = KWH // 100
    world.live(5_000)
    pulses = world.contacts[0].whole
    assert len(pulses) == 100
    gaps = [b - a for (a, _), (b, _) in zip(pulses, pulses[1:], strict=False)]
    assert min(gaps) >= 40 and max(gaps) <= 43


def test_a_contact_rests_as_long_as_it_was_closed(make: Make) -> None:
    world = make({0: "pulse a_import 1000 240"})
    world.power["a_import"] = 30_000_000  # more than it can give
    world.start()
    world.live(60_000)
    pulses = world.contacts[0].whole
    assert all(b - a >= 480 for (a, _), (b, _) in zip(pulses, pulses[1:], strict=False))
    world.power["a_import"] = 0
    world.live(600_000)
    assert 0 <= world.debt(0) < KWH  # it has caught up


def test_a_pulse_after_a_week_of_none_comes_in_time(make: Make) -> None:
    """ticks_ms wraps after 12.4 days, and what is more than half of that ago seems to lie ahead."""
    world = make(start_ms=(1 << 30) - 5_000)
    world.power["a_import"] = 3_600_000
    world.start()
    world.live(10_000)
    world.power["a_import"] = 0
    world.live(2_000)
    before = len(world.contacts[0].whole)
    assert before >= 9 and world.pulses is not None
    for _ in range(8 * 24):
        world.t_ns += 3_600_000_000_000
        world.pulses.plan()
        world.pulses.step(world.pulses.outputs[0])
    world._booking = world.ms + INTERVAL_MS
    world.power["a_import"] = 3_600_000
    world.live(10_000)
    assert len(world.contacts[0].whole) >= before + 9


# --- lives ----------------------------------------------------------------------------------------------------------


def lives(world: World, seed: int, ends: int, least_ms: int, most_ms: int) -> None:
    """Loads that change, and ends of the supply with and without warning, at any moment."""
    random_ = random.Random(seed)
    first = world.total("a_import")
    world.start()
    for _ in range(ends):
        for _ in range(random_.randrange(1, 5)):
            world.power["a_import"] = random_.choice(
                [0, 3_000, 250_000, 1_725_000, 7_935_000, random_.randrange(8_000_000)]
            )
            world.live(random_.randrange(least_ms, most_ms))
        if random_.random() < 0.5:
            world.end()
        else:
            world.kill()
        given = len(world.contacts[0].whole)
        pulses = world.start()
        assert pulses.sent(0) == given  # what has left the meter whole, no more and no less
    world.power["a_import"] = 0
    world.live(120_000)
    assert 0 <= world.debt(0, first) < KWH
    assert all(length < 81 for _, length in world.contacts[0].cut)


@pytest.mark.parametrize("seed", range(4))
def test_over_fifty_restarts_pulses_times_valency_and_the_rest_are_the_registers_advance(make: Make, seed: int) -> None:
    world = make()
    world.registers["a_import"] = 123_456_789_012
    lives(world, seed, 50, 700, 60_000)
    assert len(world.contacts[0].whole) > 500
    assert world.contacts[0].cut  # at least one restart was in the middle of a pulse


@pytest.mark.soak
def test_a_month_with_fifty_restarts_loses_and_wins_no_pulse(make: Make) -> None:
    world = make()
    lives(world, 1, 50, 60_000, 50_000_000)
    assert world.ms > 30 * 86_400_000
    assert len(world.contacts[0].whole) > 500_000


def test_a_pulse_cut_short_is_given_again_whole(make: Make) -> None:
    world = make()
    world.power["a_import"] = 1_000_000
    world.start()
    world.live(3600 + INTERVAL_MS + 79)
    world.kill()
    contact = world.contacts[0]
    assert (contact.whole, contact.cut) == ([], [(4100, 79)])
    world.power["a_import"] = 0
    world.start()
    world.live(2_000)
    assert [length for _, length in contact.whole] == [81]


def test_before_an_orderly_end_a_pulse_is_finished_and_none_begins(make: Make) -> None:
    world = make()
    world.power["a_import"] = 7_000_000
    world.start()
    world.live(3600)
    while world.contacts[0].since is None:
        world.live(1)
    begun = len(world.contacts[0].whole) + 1
    world.end()
    assert world.contacts[0].cut == []
    assert world.start().sent(0) == len(world.contacts[0].whole) == begun


def test_power_lost_anywhere_in_the_record_costs_no_pulse_and_repeats_one_at_most(make: Make) -> None:
    for step in range(40):
        supply = Supply()
        world = make(memory=Memory(supply))
        world.power["a_import"] = 1_000_000
        world.start()
        world.live(5_000)
        supply.left = step
        with contextlib.suppress(PowerCut):
            world.live(10_000)
        supply.left = -1
        world.kill()
        closings = len(world.contacts[0].whole) + len(world.contacts[0].cut)
        assert closings - 1 <= world.start().sent(0) <= closings
        world.power["a_import"] = 0
        world.live(10_000)
        energy = world.total("a_import") * 1000
        assert energy // KWH == world.pulses.sent(0)  # type: ignore[union-attr]


def test_an_older_firmwares_meter_begins_with_the_energy_it_has(make: Make) -> None:
    """No record of pulses, but of energies: what was counted before there were pulses gives none."""
    world = make()
    world.registers["a_import"] = 10**16 + 7
    world.start()
    world.live(2_000)
    assert world.contacts[0].whole == []
    world.registers["a_import"] += KWH // 1000 - 1
    world.kill()
    world.start()
    world.live(2_000)
    assert world.contacts[0].whole == []
    world.registers["a_import"] += 1
    world.live(2_000)
    assert len(world.contacts[0].whole) == 1


@pytest.mark.parametrize("other", ["pulse a_import 500 80", "pulse a_export 1000 80", None])
def test_an_output_with_another_function_begins_anew_and_so_does_its_old_one(make: Make, other: str | None) -> None:
    world = make()
    world.power["a_import"] = 3_600_000
    world.start()
    world.live(30_000)
    world.end()
    given = len(world.contacts[0].whole)
    world.functions = {0: other} if other else {}
    pulses = world.start()
    world.live(900)
    assert pulses.sent(0) == 0 and len(world.contacts[0].whole) == given
    world.live(100_000)
    world.end()
    given = len(world.contacts[0].whole)
    world.functions = dict(ACTIVE)
    world.power["a_import"] = 0
    world.start()
    world.live(100_000)
    assert len(world.contacts[0].whole) == given


def test_another_length_goes_on_with_the_count(make: Make) -> None:
    world = make()
    world.power["a_import"] = 3_600_000
    world.start()
    world.live(30_000)
    world.end()
    world.functions = {0: "pulse a_import 1000 240"}
    assert world.start().sent(0) == len(world.contacts[0].whole) > 20


def test_registers_that_were_cleared_or_lost_begin_anew(make: Make) -> None:
    world = make()
    world.power["a_import"] = 3_600_000
    world.start()
    world.live(30_000)
    world.kill()
    world.registers.clear()
    assert world.start().sent(0) == 0
    world.live(10_400)
    assert len(world.contacts[0].whole) > 30
    assert world.pulses is not None and world.pulses.sent(0) == 9


# --- trouble --------------------------------------------------------------------------------------------------------


def test_a_contact_that_does_not_answer_gives_its_pulses_later(make: Make) -> None:
    world = make()
    world.power["a_import"] = 3_600_000
    pulses = world.start()
    world.contacts[0].broken = True
    world.live(10_000)
    assert pulses.sent(0) == 0
    world.contacts[0].broken = False
    world.live(10_050)
    world.contacts[0].broken = True
    world.live(1_000)
    world.contacts[0].broken = False
    world.power["a_import"] = 0
    world.live(10_000)
    assert 0 <= world.debt(0) < KWH and pulses.sent(0) == len(world.contacts[0].whole)


def test_a_memory_that_does_not_keep_the_count_is_named(make: Make) -> None:
    memory = Memory(Supply())
    world = make(memory=memory)
    world.power["a_import"] = 3_600_000
    pulses = world.start()
    world.live(5_000)
    assert pulses.is_saved
    memory.broken = True
    world.live(2_000)
    assert not pulses.is_saved
    memory.broken = False
    world.live(2_000)
    assert pulses.is_saved
    world.end()
    assert world.start().sent(0) == len(world.contacts[0].whole)


def test_a_damaged_record_is_named_and_counting_begins_anew(make: Make) -> None:
    world = make()
    world.power["a_import"] = 3_600_000
    assert not world.start().damaged
    world.live(5_000)
    world.end()
    for address in (PULSES.address + 4, PULSES.address + PULSES.size // 2 + 4):
        world.memory.content[address] ^= 0x10
    pulses = world.start()
    assert pulses.damaged and pulses.sent(0) == 0
    world.live(5_000)
    world.end()
    assert not world.start().damaged
