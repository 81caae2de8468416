"""Which rates are on: a year minute by minute with both DST nights, inputs, commands, emergency, words."""

from __future__ import annotations

from typing import Any

import pytest

from host_tests.model_sources import Ram
from host_tests.tariff_calendars import LOADED, program
from host_tests.tariff_reference import Gregorian, Reference
from host_tests.tariff_zone import Zone
from host_tests.tariff_zone import seconds as utc
from meter.storage.layout import CONTROL_TABLE, TIME_SWITCH
from meter.tariff.billing import INPUT
from meter.tariff.control_table import ControlTable
from meter.tariff.rates import Rates
from meter.tariff.time_switch import PASSIVE, TimeSwitch
from meter.type_code import TypeCode

SWITCHED, EXTERNAL = "ZMG405CR4.260b.43", "ZMG405CR3.440b.43"


class Settings:
    fallback_rate = 3
    changes = 0


class Rig:
    """Rates with real tables on memories of their own."""

    def __init__(self, designation: str = SWITCHED, clock: Any = None, tables: Any = LOADED, rows: str | None = None):
        type_code = TypeCode(designation)
        self.clock = clock or Zone()
        self.switch = TimeSwitch(Ram(TIME_SWITCH.end))
        self.table = ControlTable(Ram(CONTROL_TABLE.end), type_code)
        if tables:
            program(self.switch, tables)
        if rows is not None:
            self.table.write(rows)
        self.events: list[tuple[int, int, int]] = []
        self.rates = Rates(
            type_code, self.switch, self.table, Settings(), self.clock, lambda *event: self.events.append(event)
        )


NIGHT, NOON = utc(2026, 11, 26, 2), utc(2026, 11, 26, 12)  # rates 2 and 1 of the tables in use


def masks(selector: int | None) -> tuple[int, int]:
    assert selector
    energy, demand = selector % 10, selector // 10 % 10 or selector % 10
    return 1 << energy - 1, 1 << demand - 1


# --- by time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_each_minute_of_a_year_has_the_rate_of_its_local_time(zone: str) -> None:
    """Both nights of summer time are in it: 29 March and 25 October 2026."""
    clock = Zone(zone)
    rates = Rig(clock=clock).rates
    reference = Reference(Gregorian(), LOADED)
    looks = ahead = end = 0
    for moment in range(utc(2026, 1, 1), utc(2027, 1, 1), 60):
        if moment >= end:
            ahead, _, _, end = clock.zone(moment)
        looks += rates.update(moment)
        local = moment + ahead * 60
        assert (rates.energy, rates.demand) == masks(reference.minutes(local // 86400)[local // 60 % 1440]), moment
    assert looks < 365 * 7  # five changes a day at most and midnight; the rest is one comparison


def test_the_hour_that_comes_twice_is_charged_by_its_own_times_both_times() -> None:
    """Berlin, 25 October 2026: 02:00 to 03:00 comes twice, from 00:00 and from 01:00 UTC."""
    days = [(1, [(0, 1), (120, 2), (150, 3), (180, 4)])]
    tables: Any = ((b"x", LOADED[0][1], [(b"W", *[1] * 7), (b"S", *[1] * 7)], days), [])
    rates = Rig(clock=Zone("Europe/Berlin"), tables=tables).rates
    night = utc(2026, 10, 25)
    found = []
    for minutes in (-10, 0, 29, 30, 59, 60, 89, 90, 119, 120):
        rates.update(night + minutes * 60)
        found.append(rates.active_tariff)
    assert found == ["1", "2", "2", "3", "3", "2", "2", "3", "3", "4"]


def test_a_time_that_spring_leaves_out_counts_from_the_end_of_the_gap() -> None:
    """Berlin, 29 March 2026: behind 01:59:59 comes 03:00, at 01:00 UTC."""
    days = [(1, [(0, 1), (150, 2)])]
    tables: Any = ((b"x", LOADED[0][1], [(b"W", *[1] * 7), (b"S", *[1] * 7)], days), [])
    rates = Rig(clock=Zone("Europe/Berlin"), tables=tables).rates
    gap = utc(2026, 3, 29, 1)
    for moment in (gap - 2, gap - 1):
        rates.update(moment)
    assert rates.active_tariff == "1" and rates.next_change == gap
    rates.update(gap)
    assert rates.active_tariff == "2"


def test_energy_demand_and_further_outputs_of_the_switch_are_told_apart() -> None:
    days = [(1, [(0, 1), (600, 25523)])]  # from 10:00 TX1 .. TX8, demand 2, energy 3
    tables: Any = ((b"x", LOADED[0][1], [(b"W", *[1] * 7), (b"S", *[1] * 7)], days), [])
    rig = Rig(tables=tables, rows="O6 = TX8; A12 = TX1 and TE3 and TD2; A1 = TX2")
    rig.rates.update(NIGHT)
    assert (rig.rates.energy, rig.rates.demand, rig.rates.outputs, rig.rates.arrows) == (1, 1, 0, 0)
    rig.rates.update(NOON)
    assert (rig.rates.energy, rig.rates.demand, rig.rates.outputs, rig.rates.arrows) == (4, 2, 32, 0x801)
    assert rig.rates.control_word == bytes((2, 4, 255, 0))


def test_the_clock_may_be_set_back_and_forth() -> None:
    rates = Rig().rates
    for moment, tariff in ((NIGHT, "2"), (NOON, "1"), (NIGHT, "2"), (NOON, "1"), (NOON - 7 * 86400, "1")):
        rates.update(moment)
        assert rates.active_tariff == tariff


def test_without_a_valid_clock_or_a_season_the_fallback_rate_is_on() -> None:
    rig = Rig(rows="A1 = clock_invalid")
    rates = rig.rates
    rig.clock.valid = False
    rates.update(NIGHT)
    assert rates.emergency and (rates.energy, rates.demand, rates.arrows) == (4, 4, 1)
    assert rates.control_word[3] == 0x40
    rates.update(NIGHT + 86400)
    rig.clock.valid = True
    rates.update(NIGHT + 86401)
    assert not rates.emergency and (rates.active_tariff, rates.arrows) == ("2", 0)
    seasonless = ((b"x", [(b"a", b"\x07\xeb\x01\x01\xff", b"W")], LOADED[0][2], LOADED[0][3]), [])  # from 2027 on
    later = Rig(tables=seasonless).rates
    later.update(NIGHT)
    assert later.emergency and later.active_tariff == "3"


def test_a_meter_without_a_time_switch_does_not_mind_its_clock() -> None:
    rig = Rig(EXTERNAL, tables=None)
    rig.clock.valid = False
    rig.rates.update(NIGHT, 0b10)
    assert not rig.rates.emergency and rig.rates.active_tariff == "3"
    plain = Rig("ZMG405CR3.060b.03", tables=None).rates
    plain.update(NIGHT)
    assert (plain.energy, plain.demand) == (1, 1)


def test_the_passive_table_takes_over_at_its_moment_and_is_waited_for() -> None:
    rig = Rig()
    rig.switch.set_part(PASSIVE + 3, [(n, [(0, 5)]) for n in (1, 2, 3)])
    rig.switch.set_activation(NOON + 77)
    for moment in (NOON - 1, NOON):
        rig.rates.update(moment)
    assert rig.rates.next_change == NOON + 77 and rig.rates.active_tariff == "1"
    rig.rates.update(NOON + 76)
    assert rig.rates.active_tariff == "1"
    rig.rates.update(NOON + 77)
    assert rig.rates.active_tariff == "5" and rig.switch.activation is None


def test_a_passive_table_is_not_activated_by_a_clock_that_is_not_valid() -> None:
    rig = Rig()
    rig.switch.set_part(PASSIVE, b"second")
    rig.switch.set_activation(NOON)
    rig.clock.valid = False
    rig.rates.update(NOON + 1)
    assert rig.rates.program == "TOU 2026"
    rig.clock.valid = True
    rig.rates.update(NOON + 2)
    assert rig.rates.program == "second"


def test_a_new_table_counts_from_the_next_update_on() -> None:
    rig = Rig()
    rig.rates.update(NOON)
    rig.switch.set_part(PASSIVE + 3, [(n, [(0, 7)]) for n in (1, 2, 3)])
    rig.switch.activate()
    assert rig.rates.update(NOON) and rig.rates.active_tariff == "7"
    rig.table.write("E8 = power_up or not I1")
    assert rig.rates.update(NOON) and (rig.rates.active_tariff, rig.rates.demand) == ("8", 128)
    assert not rig.rates.update(NOON + 1)


# --- by inputs and commands -----------------------------------------------------------------------------------------


def test_inputs_choose_the_rates_and_changes_are_logged_with_the_inputs_number() -> None:
    rig = Rig(EXTERNAL, tables=None)
    found = []
    for n, inputs in enumerate((0b0100, 0b0101, 0b0111, 0b0010, 0b0010, 0b11110000)):
        rig.rates.update(NOON + n, inputs)
        found.append((rig.rates.energy, rig.rates.demand))
    assert found == [(1, 1), (2, 2), (8, 8), (4, 4), (4, 4), (1, 1)]
    assert rig.events == [
        (13, 1, NOON + 1),
        (13, 2, NOON + 2),
        (12, 1, NOON + 3),
        (12, 3, NOON + 3),
        (12, 2, NOON + 5),
    ]


def test_several_rates_may_be_on_and_none() -> None:
    rates = Rig(rows="E1 = I1; E2 = I1 or I2; E2 = C1; D4 = I1").rates
    for inputs, masks_expected in ((0, (0, 0)), (1, (3, 8)), (2, (2, 0))):
        rates.update(NOON, inputs)
        assert (rates.energy, rates.demand) == masks_expected
    rates.update(NOON, 1)
    assert rates.active_tariff == "12"
    rates.update(NOON, 0)
    assert rates.active_tariff == "0"


def test_a_command_overrides_all_tables_until_it_is_given_back() -> None:
    rates = Rig(rows="E1 = not I1; E2 = I1").rates
    rates.update(NOON)
    rates.command(45)
    assert rates.active_tariff == "1"  # up to the next update: what is booked till then has the old rate
    rates.update(NOON + 1)
    assert (rates.energy, rates.demand, rates.control_word[3]) == (16, 8, 0x80)
    rates.update(NOON + 2, 1)
    assert rates.active_tariff == "5"
    for bad in (9, 10, 95, 25601, 65535):
        with pytest.raises(ValueError, match="no such script"):
            rates.command(bad)
    rates.command(0)
    rates.update(NOON + 3, 1)
    assert (rates.active_tariff, rates.control_word[3]) == ("2", 0)


def test_what_has_been_commanded_is_stored_in_three_bytes_and_holds_from_the_first_update_on() -> None:
    rates = Rig("ZMG405CR4.041b.62").rates
    rates.command(312)
    for script in (1, 3, 11):
        rates.switch(script)
    assert rates.pack() == bytes((0x38, 0x01, 0b100))  # 312, C3
    rig = Rig("ZMG405CR4.041b.62", rows="relay = C3; reset = C3; O1 = not C1")
    rig.rates.unpack(rates.pack())
    rig.rates.update(NOON)
    found = rig.rates
    assert (found.energy, found.demand, found.relay, found.outputs, found.reset_due) == (2, 1, True, 1, 0)
    assert found.commanded_signals == 0b100


def test_other_parameters_of_local_time_or_the_fallback_count_from_the_next_update_on() -> None:
    days = [(1, [(0, 1), (720, 2)])]
    tables: Any = ((b"x", LOADED[0][1], [(b"W", *[1] * 7), (b"S", *[1] * 7)], days), [])
    clock = Zone("UTC")
    rig = Rig(clock=clock, tables=tables)
    rates = rig.rates
    rates._parameters.changes = 1
    for _ in range(2):
        rates.update(NOON - 3600)
    assert rates.active_tariff == "1" and rates.next_change == NOON
    clock.zone = Zone("Europe/Berlin").zone  # type: ignore[method-assign]
    assert not rates.update(NOON - 3600)
    rates._parameters.changes += 1
    assert rates.update(NOON - 3600) and rates.active_tariff == "2"  # 12:00 there
    clock.valid = False
    rates.update(NOON)
    assert rates.active_tariff == "3"
    rates._parameters.fallback_rate = 4
    rates._parameters.changes += 1
    assert rates.update(NOON) and rates.active_tariff == "4"


def test_resets_and_ends_of_period_come_with_the_signal_and_once() -> None:
    rates = Rig(rows="reset = I1 and not C1; period_end = I2; inhibit = C2").rates
    found = []
    for inputs in (0b11, 0b11, 0b00, 0b10, 0b10, 0b01, 0b01, 0b00, 0b11):
        rates.update(NOON, inputs)
        found.append((rates.reset_due, rates.period_end))
    quiet, reset, end = (0, False), (INPUT, False), (0, True)
    assert found == [quiet, quiet, quiet, end, quiet, reset, quiet, quiet, (INPUT, True)]
    assert not rates.demand_inhibited


def test_what_is_on_when_the_meter_starts_does_not_come_on_then_but_the_start_itself_does() -> None:
    rates = Rig(rows="reset = I1; period_end = power_up; A2 = power_up").rates
    rates.update(NOON, 1)
    assert (rates.reset_due, rates.period_end, rates.arrows) == (0, True, 2)
    assert rates.next_change == NOON + 1  # who looks only when something is due has to look again
    rates.update(NOON, 1)
    assert (rates.reset_due, rates.period_end, rates.arrows) == (0, False, 0)


def test_scripts_set_and_clear_the_signals_of_communication_and_monitors_theirs() -> None:
    rates = Rig("ZMG405CR4.041b.62", rows="relay = C1; O4 = C8; inhibit = phase_missing; O1 = cover").rates
    rates.update(NOON)
    for script in (1, 8):
        rates.switch(script)
    assert rates.monitor(0b10000100) and not rates.monitor(0b10000100)
    rates.update(NOON)
    assert (rates.relay, rates.outputs, rates.demand_inhibited) == (True, 0b1001, True)
    assert rates.control_word[3] == 0x0A
    rates.switch(11)
    rates.monitor(0)
    rates.update(NOON)
    assert (rates.relay, rates.outputs, rates.demand_inhibited) == (False, 0b1000, False)
    for bad in (0, 9, 10, 19, 21):
        with pytest.raises(ValueError, match="no such script"):
            rates.switch(bad)
