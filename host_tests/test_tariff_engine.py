"""When entries of load profiles are made and what they say, through power cuts and changes of the clock."""

from __future__ import annotations

import pytest

from host_tests.tariff_bench import Life, World, shown_rows
from host_tests.tariff_cases import (
    BEFORE_SETTING,
    BERLIN,
    BUTTON,
    CLOCK_SET,
    FATAL,
    INTERNAL,
    INVALID,
    IRREGULAR,
    LOG_CLEARED,
    POWER_DOWN,
    POWER_UP,
    PROFILE_CLEARED,
    START,
    SUMMER,
    TEN,
    entries,
    last,
    start,
)
from host_tests.tariff_zone import seconds
from meter.storage import layout
from meter.storage.records import Record

# --- regular intervals ----------------------------------------------------------------------------------------------


def test_a_new_meter_begins_with_a_power_up_and_its_first_interval_ends_at_the_quarter() -> None:
    life = start(TEN + 100)
    life.book(TEN + 899, 3)
    life.book(TEN + 900, 4)
    life.book(TEN + 901, 5)
    life.book(TEN + 1801, 6)
    assert entries(life) == [
        (TEN + 100, POWER_UP | START, 0),
        (TEN + 900, INTERNAL, 7),
        (TEN + 1800, INTERNAL, 11),
    ]


def test_a_stall_over_several_intervals_puts_its_energy_into_the_first() -> None:
    life = start()
    life.book(TEN + 2750, 10)
    assert entries(life)[1:] == [(TEN + 900, INTERNAL, 10), (TEN + 1800, INTERNAL, 0), (TEN + 2700, INTERNAL, 0)]


def test_an_hours_stall_fits_a_ring_that_has_room_for_few_uncommitted_entries() -> None:
    life = start(profile_1_period_min=1)
    life.book(TEN + 3540, 10)
    assert entries(life)[1:] == [(TEN + 60 * n, INTERNAL, 10 if n == 1 else 0) for n in range(1, 60)]
    assert not life.engine.rings_failed


def test_a_longer_one_gets_one_entry_for_all_that_was_missed() -> None:
    life = start(profile_1_period_min=1)
    life.book(TEN + 86400, 10)
    life.book(TEN + 86460, 1)
    assert entries(life)[1:] == [(TEN + 60, INTERNAL, 10), (TEN + 86460, INTERNAL, 1)]


def test_entries_of_summer_say_so_through_both_changes() -> None:
    for at, before, after in (
        (seconds(2026, 3, 29, 1, 0, 0), 0, SUMMER),
        (seconds(2026, 10, 25, 1, 0, 0), SUMMER, 0),
    ):
        life = start(at - 1800)
        for n in range(1, 5):
            life.book(at - 1800 + 900 * n, 1)
        assert [status for _, status, _ in entries(life)[1:]] == [
            INTERNAL | before,
            INTERNAL | after,
            INTERNAL | after,
            INTERNAL | after,
        ]


def test_trouble_and_a_clock_that_is_not_valid_stand_in_every_entry() -> None:
    life = start()
    life.engine.status = lambda: FATAL
    life.clock.valid = False
    life.book(TEN + 900, 1)
    life.engine.status = lambda: 0
    life.clock.valid = True
    life.engine.mark(LOG_CLEARED)
    life.book(TEN + 1800, 1)
    life.book(TEN + 2700, 1)
    assert [status for _, status, _ in entries(life)[1:]] == [
        INTERNAL | FATAL | INVALID,
        INTERNAL | LOG_CLEARED,
        INTERNAL,
    ]


# --- power ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("warned", [True, False])
def test_a_power_cut_makes_two_entries_and_none_for_the_intervals_missed(warned: bool) -> None:
    life = start()
    life.book(TEN + 100, 10)
    if warned:
        life.engine.power_down(TEN + 100)
    life = Life(life.world, TEN + 5000)
    life.book(TEN + 5400, 3)
    assert entries(life)[1:] == [
        (TEN + 100, POWER_DOWN | IRREGULAR, 10),
        (TEN + 5000, POWER_UP | START, 0),
        (TEN + 5400, INTERNAL, 3),
    ]


def test_a_return_while_the_supply_holds_goes_on_without_an_entry() -> None:
    life = start()
    life.book(TEN + 100, 10)
    life.engine.power_down(TEN + 100)
    life.book(TEN + 101, 1)  # nothing happens while mains is away
    life.engine.power_up(TEN + 105)
    life.book(TEN + 900, 2)
    assert entries(life)[1:] == [(TEN + 100, POWER_DOWN | IRREGULAR, 10), (TEN + 900, INTERNAL | POWER_UP, 3)]


def test_a_return_while_the_supply_holds_after_the_intervals_end_begins_a_new_one() -> None:
    life = start()
    life.book(TEN + 895, 10)
    life.engine.power_down(TEN + 895)
    life.book(TEN + 900, 0)
    life.engine.power_up(TEN + 903)
    assert last(life, 2) == [(TEN + 895, POWER_DOWN | IRREGULAR, 10), (TEN + 903, POWER_UP | START, 0)]


def test_demand_goes_on_after_a_power_cut_in_its_period_and_is_closed_late_after_a_longer_one() -> None:
    life = start()
    life.book(TEN + 300, 900_000)
    life = Life(life.world, TEN + 600)
    assert life.demand.current("a_import") == 1_000
    life.book(TEN + 899, 900_000)
    life = Life(life.world, TEN + 4000)
    assert life.demand.maximum("a_import", 1) == (2_000, TEN + 900)
    assert (life.demand.last("a_import"), life.demand.current("a_import")) == (0, 0)


def test_energy_does_not_count_to_demand_for_a_while_after_power_up() -> None:
    life = start(demand_inhibition_s=120)
    life.book(TEN + 119, 900_000)
    assert life.demand.current("a_import") == 0
    life.book(TEN + 120, 900_000)
    life.book(TEN + 121, 1_800_000)
    life.book(TEN + 899, 0)
    assert life.demand.current("a_import") == 2_000 and life.energies.get("a_import") == 3_600_000
    life = Life(life.world, TEN + 900 - 60)  # inhibited over the end of the period
    life.book(TEN + 900, 9_000_000)
    assert life.demand.last("a_import") == 2_000
    life.book(TEN + 900 + 59, 9_000_000)
    life = Life(life.world, TEN + 900 + 59)  # and again
    life.book(TEN + 900 + 178, 9_000_000)
    assert life.demand.current("a_import") == 0
    life.book(TEN + 900 + 179, 0)
    life.book(TEN + 900 + 180, 900_000)
    assert life.demand.current("a_import") == 1_000


# --- the clock ------------------------------------------------------------------------------------------------------


def test_a_small_change_of_the_clock_inside_the_period_leaves_no_trace() -> None:
    life = start()
    life.book(TEN + 100, 5)
    life.engine.clock_set(TEN + 100, TEN + 109)
    life.engine.clock_set(TEN + 109, TEN + 100)
    life.book(TEN + 900, 5)
    assert entries(life)[1:] == [(TEN + 900, INTERNAL, 10)] and life.world.events == []


@pytest.mark.parametrize(("old", "new"), [(100, 110), (100, 90), (895, 900), (902, 898), (100, 5000), (4000, 100)])
def test_a_larger_one_or_one_out_of_the_period_ends_it_at_the_old_time_and_begins_anew(old: int, new: int) -> None:
    life = start()
    life.book(TEN + 50, 900_000)
    life.engine.clock_set(TEN + old, TEN + new)
    life.book(TEN + new + 1, 900_000)
    expected = [
        (TEN + old, CLOCK_SET | BEFORE_SETTING | IRREGULAR, 900_000 if old < 900 else 0),
        (TEN + new, CLOCK_SET | START, 0),
    ]
    assert [each for each in last(life, 4) if each[1] & CLOCK_SET] == expected
    assert life.world.events == [(42, 0, TEN + new)]
    assert life.demand.maximum("a_import", 1) == (1_000, TEN + min(old, 900))
    assert life.demand.current("a_import") == (1_000 if (new + 1) // 900 == new // 900 else 0)


def test_a_lockout_lasts_no_longer_and_no_shorter_when_the_clock_is_set() -> None:
    life = start()
    assert life.engine.reset(BUTTON, TEN)
    life.engine.clock_set(TEN + 60, TEN + 7260)
    assert life.billing.lockout_s(BUTTON, TEN + 7260) == 3540
    life.engine.clock_set(TEN + 7260, TEN + 120)
    assert life.billing.lockout_s(BUTTON, TEN + 120) == 3540
    assert not life.engine.reset(BUTTON, TEN + 3659) and life.engine.reset(BUTTON, TEN + 3660)


def test_a_cut_before_energy_is_saved_with_the_new_time_makes_up_no_intervals() -> None:
    life = start(TEN + 4000)
    life.book(TEN + 4100, 5)
    life.engine.clock_set(TEN + 4101, TEN + 100)  # the energy record still says the old time
    life = Life(life.world, TEN + 101)
    assert last(life, 3) == [
        (TEN + 100, CLOCK_SET | START, 0),
        (TEN + 100, POWER_DOWN | IRREGULAR, 0),
        (TEN + 101, POWER_UP | START, 0),
    ]


def test_a_period_that_was_shifted_before_its_beginning_goes_on_after_power_up() -> None:
    life = start(TEN + 3)
    life.book(TEN + 4, 900_000)
    life.engine.clock_set(TEN + 4, TEN + 1)
    life = Life(life.world, TEN + 2)
    assert life.demand.current("a_import") == 1_000 and life.demand.maximum("a_import", 1) == (0, None)


# --- reading ---------------------------------------------------------------------------------------------------------


def rows_of(utcs: range, forms: str = "a_import,=a_import,~a_import,@u1") -> Life:
    """Intervals that end at these seconds after ten with 900 000 mWs each, and 230 V."""
    life = start(profile_1_channels=forms)
    life.moments["u1"] = 230_000
    for utc in utcs:
        life.book(TEN + utc, 900_000)
    return life


def test_a_channel_shows_advance_register_mean_or_moment() -> None:
    life = rows_of(range(900, 2000, 900))
    life.moments.clear()
    life.book(TEN + 2700, 1_800_000)
    assert [values for _, _, _, values in life.rows()[1:]] == [
        [900_000, 900_000, 1_000, 230_000],
        [900_000, 1_800_000, 1_000, 230_000],
        [1_800_000, 3_600_000, 2_000, None],
    ]


def test_a_selection_by_time_holds_what_it_names_also_where_the_clock_was_set_back() -> None:
    life = rows_of(range(900, 20 * 900, 900))
    life.engine.clock_set(TEN + 17100, TEN + 10)
    for utc in range(900, 9000, 900):
        life.book(TEN + utc, 7)
    everything = life.rows()
    for first, end in ((900, 900), (0, 3599), (2700, 20000), (-5, 0), (30000, 40000)):
        expected = [row for row in everything if TEN + first <= row[1] <= TEN + end]
        assert life.rows(0, TEN + first, TEN + end) == expected
    assert life.rows(0, None, TEN + 950) == [row for row in everything if row[1] <= TEN + 950]
    assert life.rows(0, TEN + 8100, None) == [row for row in everything if row[1] >= TEN + 8100]


def test_an_advance_is_not_known_where_the_entry_before_is_missing() -> None:
    life = rows_of(range(900, 9000, 900))
    life.profiles[0].ring.capacity = 5  # the older ones have been overwritten
    rows = life.rows()
    assert [row[0] for row in rows] == [6, 7, 8, 9, 10]
    assert [row[3][:3] for row in rows[:2]] == [[None, 5 * 900_000, None], [900_000, 6 * 900_000, 1_000]]
    life.world.kept["profile_1"][7] = None  # entry 8 is damaged
    assert list(shown_rows(life.profiles[0], [(6, 10)]))[2] == (8, None, None, None)
    shown = [(row[0], row[3] and row[3][0]) for row in life.rows()]
    assert shown == [(6, None), (7, 900_000), (8, None), (9, None), (10, 900_000)]


def test_an_interval_that_only_begins_has_advanced_by_nothing_even_if_the_one_before_is_missing() -> None:
    life = rows_of(range(900, 1000, 900))
    life = Life(life.world, TEN + 1000)
    life.profiles[0].ring.capacity = 1
    assert [(status, values[0]) for _, _, status, values in life.rows()] == [(POWER_UP | START, 0)]


# --- set-up ---------------------------------------------------------------------------------------------------------


def test_other_channels_clear_a_profile_and_say_so() -> None:
    life = start(profile_2_channels="a_import")
    life.book(TEN + 900, 5)
    world = life.world
    world.settings.profile_1_channels = "a_import,a_export"
    life = Life(world, TEN + 950)
    assert life.rows() == [(1, TEN + 950, POWER_UP | START | PROFILE_CLEARED, [0, 0])]
    assert world.events == [(3, 1, TEN + 950)]
    assert [status for _, status, _ in entries(life, 1)][-2:] == [POWER_DOWN | IRREGULAR, POWER_UP | START]
    world.settings.profile_2_period_min = 15
    life = Life(world, TEN + 960)
    assert world.events[1:] == [(193, 2, TEN + 960)] and len(life.rows(1)) == 1 and len(life.rows(0)) == 3
    life.engine.clear_profile(0, TEN + 970)
    assert life.rows() == [(1, TEN + 970, START | PROFILE_CLEARED, [0, 0])]
    assert world.events[2:] == [(3, 1, TEN + 970)]


def test_registers_that_stay_keep_what_they_have_when_others_come_and_go() -> None:
    life = start(demand_quantities="a_import,a_export")
    life.book(TEN + 900, 900_000, 1_800_000)
    world = life.world
    world.settings.rated_quantities = "a_export,r1"
    world.settings.demand_quantities = "a_export"
    life = Life(world, TEN + 901)
    assert (life.rated.get("a_export", 1), life.rated.get("r1", 1)) == (1_800_000, 0)
    assert life.demand.maximum("a_export", 1) == (2_000, TEN + 900)
    world.settings.rated_quantities = world.settings.demand_quantities = "a_import,a_export"
    life = Life(world, TEN + 902)  # as it was: a parameter that was lost costs nothing
    assert life.rated.get("a_import", 1) == 900_000
    assert life.demand.maximum("a_import", 1) == (1_000, TEN + 900)


def test_a_lost_record_is_told_and_starts_maxima_and_profiles_anew() -> None:
    life = start()
    life.book(TEN + 900, 900_000)
    world = life.world
    area = layout.TARIFF
    for slot in (area.address, area.address + area.size // 2):
        world.fram.content[slot + 50] ^= 1
    life = Life(world, TEN + 1000)
    assert life.engine.damaged and life.demand.maximum("a_import", 1) == (0, None)
    assert life.energies.get("a_import") == life.rated.get("a_import", 1) == 900_000
    assert entries(life) == [(TEN + 1000, POWER_UP | START | PROFILE_CLEARED, 0)] and (3, 1, TEN + 1000) in world.events


def test_a_record_of_newer_firmware_is_left_alone() -> None:
    area = layout.TARIFF
    world = World(BERLIN)
    Record(world.fram, area.address, area.capacity, 9).save(b"new")
    before = bytes(world.fram.content)
    with pytest.raises(OSError, match="newer firmware"):
        Life(world, TEN)
    assert world.fram.content == before
