"""Demand, its maxima, and billing resets, case by case."""

from __future__ import annotations

import pytest

from host_tests.tariff_bench import Life, World
from host_tests.tariff_cases import (
    BUTTON,
    COMMUNICATION,
    EXTERNAL,
    INPUT,
    INTERNAL,
    PROFILE_1,
    RESET,
    TARIFF_CHANGE,
    TEN,
    TIME_SWITCH,
    entries,
    last,
    start,
)
from host_tests.tariff_zone import Zone, seconds

# --- demand ---------------------------------------------------------------------------------------------------------


def test_a_maximum_is_only_replaced_by_a_larger_one_and_stamped_with_the_end_of_its_period() -> None:
    life = start()
    for n, amount in enumerate((900_000, 1_800_000, 1_800_000, 900_000), 1):
        life.book(TEN + 900 * n, amount)
    assert life.demand.maximum("a_import", 1) == (2_000, TEN + 1800)
    assert life.demand.last("a_import") == 1_000 and life.demand.maximum("a_import", 2) == (0, None)


def test_sliding_demand_is_the_mean_of_the_last_sub_periods() -> None:
    """15 min in three: 0, 0, 9, 9, 0, 0, 0 MWs make 10, 20, 20, 10, 0 kW."""
    life = start(demand_subperiods=3)
    seen = []
    for n, amount in enumerate((0, 0, 9, 9, 0, 0, 0), 1):
        life.book(TEN + 300 * n, amount * 10**6)
        seen.append(life.demand.last("a_import"))
    assert seen == [0, 0, 10_000, 20_000, 20_000, 10_000, 0]
    assert life.demand.maximum("a_import", 1) == (20_000, TEN + 1200)


def test_the_rate_at_its_end_is_the_one_a_period_belongs_to() -> None:
    life = start(seconds(2026, 11, 26, 20, 30, 0))  # rate 2 begins at 22:00 in Berlin
    for n in range(1, 4):
        life.book(seconds(2026, 11, 26, 20, 30, 0) + 900 * n, 900_000 * n)
    assert life.demand.maximum("a_import", 1) == (2_000, seconds(2026, 11, 26, 21, 0, 0))
    assert life.demand.maximum("a_import", 2) == (3_000, seconds(2026, 11, 26, 21, 15, 0))
    assert [life.rated.get("a_import", rate) for rate in (1, 2)] == [2_700_000, 2_700_000]


@pytest.mark.parametrize("ends", [0, 1])
def test_a_change_of_rate_ends_the_period_if_a_parameter_says_so(ends: int) -> None:
    life = start(demand_on_tariff_change=ends)
    life.rates._night = 10  # from the next look on it is night
    life.book(TEN + 100, 900_000)
    life.engine.wake()
    life.engine.tick(TEN + 100)
    life.book(TEN + 900, 1_800_000)
    if ends:
        assert life.world.events == [(43, 0, TEN + 100)]
        assert life.demand.maximum("a_import", 1) == (1_000, TEN + 100)
        assert life.demand.maximum("a_import", 2) == (2_000, TEN + 900)
    else:
        assert life.world.events == []
        assert life.demand.maximum("a_import", 1) == (0, None)
        assert life.demand.maximum("a_import", 2) == (3_000, TEN + 900)


def test_a_signal_ends_demand_and_load_profile_1_with_the_bit_of_an_external_end() -> None:
    life = start(demand_control="external", profile_2_channels="a_import")
    life.book(TEN + 1000, 900_000)  # the clock ends nothing
    life.rates.period_end = True
    life.engine.tick(TEN + 1000, inputs=1)
    life.rates.period_end = False
    life.book(TEN + 1400, 900_000, inputs=1)
    life.engine.end_period(TEN + 1400)
    assert entries(life)[1:] == [(TEN + 1000, EXTERNAL, 900_000), (TEN + 1400, EXTERNAL, 900_000)]
    assert [status for _, status, _ in entries(life, 1)[1:]] == [INTERNAL] * 4
    assert life.demand.maximum("a_import", 1) == (1_000, TEN + 1400)  # the first was longer than 900 s
    again = Life(life.world, TEN + 1500)
    assert again.demand.maximum("a_import", 1) == (1_000, TEN + 1400) and again.rates.inputs == 0


def test_a_signal_can_keep_energy_out_of_demand() -> None:
    life = start()
    life.rates.demand_inhibited = True
    life.engine.tick(TEN, inputs=1)
    life.book(TEN + 100, 900_000, inputs=1)
    life.rates.demand_inhibited = False
    life.book(TEN + 200, 900_000, inputs=0)
    life.book(TEN + 900, 1_800_000)
    assert life.demand.last("a_import") == 2_000


# --- billing --------------------------------------------------------------------------------------------------------


def test_a_reset_stores_everything_clears_maxima_and_counts() -> None:
    life = start()
    life.book(TEN + 900, 900_000, 7)
    assert life.engine.reset(COMMUNICATION, TEN + 1000)
    life.book(TEN + 1800, 450_000, 8)
    stored, billing = life.billing.stored(1), life.billing
    assert stored is not None
    assert (stored.utc, stored.begun, stored.count, stored.source) == (TEN + 1000, TEN, 1, COMMUNICATION)
    assert (stored.total("a_import"), stored.rated("a_import", 1), stored.rated("a_export", 1)) == (900_000, 900_000, 7)
    assert stored.maximum("a_import", 1) == (1_000, TEN + 900) and stored.maximum("a_import", 2) == (0, None)
    assert stored.maximum("r_import", 1) is None and stored.rated("r1", 1) is None and stored.sum_channel(0) == 0
    assert stored.cumulated("a_import", 1) == 0 and life.demand.cumulated("a_import", 1) == 1_000
    assert (billing.count, billing.utc, billing.source) == (1, TEN + 1000, COMMUNICATION)
    assert life.energies.get("a_export") - billing.begin.total("a_export") == 8
    assert life.rated.get("a_import", 1) - (billing.begin.rated("a_import", 1) or 0) == 450_000
    assert life.demand.maximum("a_import", 1) == (500, TEN + 1800)
    assert life.world.events == [(8, COMMUNICATION, TEN + 1000)]
    assert last(life) == [(TEN + 1800, INTERNAL | RESET, 450_000)]
    assert billing.stored(2) is None and billing.stored(0) is None


def test_the_reset_counter_goes_from_99_to_0() -> None:
    life = start(reset_lockout_min=0)
    for n in range(101):
        assert life.engine.reset(BUTTON, TEN + n)
    assert life.billing.count == 1
    assert [stored.count for n in (1, 2, 3) if (stored := life.billing.stored(n))] == [1, 0, 99]
    assert life.billing.available() == 101


def test_a_source_is_locked_out_for_an_hour_and_only_itself() -> None:
    life = start()
    assert life.engine.reset(BUTTON, TEN)
    assert not life.engine.reset(BUTTON, TEN + 3599)
    assert life.billing.lockout_s(BUTTON, TEN + 3599) == 1
    assert life.engine.reset(INPUT, TEN + 3599) and life.engine.reset(COMMUNICATION, TEN + 3599)
    assert life.engine.reset(BUTTON, TEN + 3600)
    assert life.engine.reset(TIME_SWITCH, TEN + 3600) and life.engine.reset(TIME_SWITCH, TEN + 3601)
    again = Life(life.world, TEN + 3700)
    assert not again.engine.reset(COMMUNICATION, TEN + 3700) and again.billing.lockout_s(BUTTON, TEN + 3700) == 3500


def test_only_the_sources_that_are_chosen_reset() -> None:
    life = start(reset_sources=0b00101, snapshot_sources=0b00010)
    assert [life.engine.reset(source, TEN) for source in (1, 2, 3, 4, 5)] == [True, True, True, False, False]
    assert life.billing.count == 2
    assert (life.billing.available(0), life.billing.available(1)) == (2, 1)


def test_a_snapshot_stores_in_the_second_scheme_and_clears_nothing() -> None:
    life = start()
    life.book(TEN + 900, 900_000)
    life.engine.snapshot(COMMUNICATION, TEN + 901)
    stored = life.billing.stored(1, scheme=1)
    assert stored is not None and stored.maximum("a_import", 1) == (1_000, TEN + 900)
    assert life.billing.count == 0 and life.demand.maximum("a_import", 1) == (1_000, TEN + 900)
    again = Life(life.world, TEN + 950)
    assert again.billing.available(1) == 1 and again.billing.available(0) == 0


def test_a_change_of_rate_resets_if_it_is_chosen() -> None:
    for sources, count in ((0x0F, 0), (0x10, 1)):
        life = start(seconds(2026, 11, 26, 20, 0, 0), reset_sources=sources)
        life.book(seconds(2026, 11, 26, 20, 59, 59), 5)
        life.book(seconds(2026, 11, 26, 21, 0, 0), 7)
        assert life.billing.count == count
        if count:
            stored = life.billing.stored(1)
            assert stored is not None and stored.rated("a_import", 1) == 12 and stored.source == TARIFF_CHANGE
        again = Life(life.world, seconds(2026, 11, 27, 12, 0, 0))  # a rate that changed unseen is no change
        assert again.billing.count == count


def test_a_signal_resets_with_its_own_source() -> None:
    life = start()
    life.rates.reset_due = INPUT
    life.engine.tick(TEN + 10, inputs=2)
    life.rates.reset_due = 0
    assert (life.billing.count, life.billing.source) == (1, INPUT)


@pytest.mark.parametrize("ends", [0, 1])
def test_the_demand_period_goes_on_at_a_reset_or_ends(ends: int) -> None:
    life = start(demand_on_reset=ends)
    life.book(TEN + 300, 900_000)
    life.engine.reset(BUTTON, TEN + 300)
    life.book(TEN + 900, 900_000)
    assert life.demand.maximum("a_import", 1) == (1_000 if ends else 2_000, TEN + 900)
    assert life.demand.cumulated("a_import", 1) == (1_000 if ends else 0)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "expected"),
    [
        (0, 0, 0, []),
        (31, 0, 0, ["2024-02-29 23:00", "2024-03-31 22:00", "2024-04-30 22:00"]),  # UTC; summer begins on 31 March
        (31, 6, 30, ["2024-02-29 05:30", "2024-03-31 04:30", "2024-04-30 04:30"]),
        (1, 0, 0, ["2024-02-29 23:00", "2024-03-31 22:00", "2024-04-30 22:00"]),
        (28, 12, 15, ["2024-02-28 11:15", "2024-03-28 11:15", "2024-04-28 10:15"]),
    ],
)
def test_the_time_switch_resets_once_a_month_in_local_time(day: int, hour: int, minute: int, expected: list) -> None:
    begin = seconds(2024, 2, 20, 0, 0, 0)
    life = start(begin, reset_day=day, reset_hour=hour, reset_minute=minute, profile_1_channels="")
    for utc in range(begin, seconds(2024, 5, 10, 0, 0, 0), 900):
        life.book(utc, 1)
    stored = [life.billing.stored(n) for n in range(life.billing.available(), 0, -1)]
    assert [each and each.utc for each in stored] == [
        seconds(*(int(part) for part in text.replace("-", " ").replace(":", " ").split())) for text in expected
    ]
    assert all(each and each.source == TIME_SWITCH for each in stored)


def test_the_calendar_of_the_reset_is_the_one_that_is_set() -> None:
    """1 Farvardin 1404 is 2025-03-21; Esfand 1403 has 30 days."""

    def persian(days: int) -> tuple[int, int, int]:
        new_year = 9211  # days from 2000-01-01 to 2025-03-21
        return (1404, 1, days - new_year + 1) if days >= new_year else (1403, 12, 30 + days - new_year + 1)

    world = World(Zone("Asia/Tehran"), **PROFILE_1)
    midnight = seconds(2025, 3, 20, 20, 30, 0)  # 00:00 in Tehran
    life = Life(world, midnight - 86400)
    life.engine.reset_plan.date = persian
    life.engine.reset_plan.due = 0
    life.book(midnight - 1, 1)
    assert life.billing.count == 0
    life.book(midnight, 1)
    assert life.billing.count == 1 and life.billing.utc == midnight


def test_a_reset_that_was_due_while_the_meter_was_off_is_made_when_it_is_on_again() -> None:
    life = start()
    life.book(TEN + 10, 5)
    back = seconds(2027, 2, 3, 4, 5, 6)
    life = Life(life.world, back)
    assert (life.billing.count, life.billing.utc, life.billing.source) == (1, back, TIME_SWITCH)
    life.book(back + 1, 5)
    assert life.billing.count == 1


def test_no_time_of_a_clock_that_is_not_valid_makes_a_reset() -> None:
    life = start()
    life.book(TEN + 10, 5)
    life = Life(life.world, seconds(2030, 2, 3, 4, 5, 6), valid=False)
    life.book(seconds(2030, 4, 3, 4, 5, 6), 5)
    assert life.billing.count == 0
    life.clock.valid = True
    life.engine.clock_set(seconds(2030, 4, 3, 4, 5, 6), TEN + 100)
    life.book(TEN + 101, 1)
    assert life.billing.count == 0
    life.book(seconds(2026, 11, 30, 23, 0, 0), 5)
    assert life.billing.count == 1


def test_putting_the_clock_back_over_midnight_does_not_reset_twice() -> None:
    life = start()
    midnight = seconds(2026, 11, 30, 23, 0, 0)
    life.book(midnight + 1, 1)
    life.engine.clock_set(midnight + 1, midnight - 20)
    life.book(midnight, 1)
    assert life.billing.count == 1


def test_a_period_that_a_signal_left_open_shows_no_more_than_there_was_when_the_clock_ends_it() -> None:
    life = start(demand_control="external")
    for hour in range(1, 7):
        life.book(TEN + 3600 * hour, 3600 * 2_000)  # 2 kW all the time
    life.world.settings.demand_control = "clock"
    life = Life(life.world, TEN + 6 * 3600)
    for quarter in range(1, 5):
        life.book(TEN + 6 * 3600 + 900 * quarter, 900 * 2_000)
    assert 0 < life.demand.maximum("a_import", 1)[0] <= 2_000
    assert life.demand.last("a_import") == 2_000


def test_a_command_that_is_no_source_of_resets_is_told_apart_from_one_that_is_locked_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = start(reset_sources=0)
    with pytest.raises(ValueError, match="not by communication"):
        life.engine.reset_by_command()
    life = start(reset_sources=4)
    monkeypatch.setattr(life.clock, "utc", lambda: TEN + 100, raising=False)
    life.engine.reset_by_command()
    with pytest.raises(OSError, match="locked out"):
        life.engine.reset_by_command()
    life.world.settings.reset_lockout_min = 0  # lifts a lockout that runs
    life.engine.reset_by_command()
    assert life.billing.count == 2
