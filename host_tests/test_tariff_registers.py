"""Rated registers, the record of energy, and what parameters may say about registers, demand and profiles."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.model_sources import Actual, Increment, Ram, rising_increment
from host_tests.tariff_zone import Zone, seconds
from meter.metrology.energies import MOMENTS, NAMES, channels, energy_list
from meter.parameters import RANGE, ParameterRefused, Parameters
from meter.storage import layout
from meter.storage.records import Record
from meter.tariff import billing, energy_record, energy_registers, rated_registers
from meter.tariff.energy_record import EnergyRecord
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariff.load_profile import entry_size, moment
from meter.tariff.periods import next_boundary
from meter.tariff.rated_registers import RatedRegisters

Fed = list[tuple[list[int], int]]
fed = st.lists(st.tuples(st.lists(st.integers(0, 2**50), min_size=10, max_size=10), st.integers(0, 255)), max_size=6)
lists = st.lists(st.sampled_from(NAMES), unique=True, max_size=10)


@given(lists, st.integers(1, 8), fed)
def test_a_rated_register_is_the_sum_of_what_came_while_its_rate_was_on(
    names: list, rates: int, increments: Fed
) -> None:
    registers = RatedRegisters(tuple(names), rates)
    for row, mask in increments:
        registers.add(row, mask)
    assert len(registers.quantities) == min(len(names), 24 // rates)
    for name in registers.quantities:
        for rate in range(1, rates + 1):
            expected = sum(row[NAMES.index(name)] for row, mask in increments if mask & 2 ** (rate - 1))
            assert registers.get(name, rate) == expected


@given(lists, st.integers(1, 8), lists, st.integers(1, 8), fed)
def test_registers_keep_their_values_through_any_other_definition(
    names: list, rates: int, others: list, other_rates: int, increments: Fed
) -> None:
    """Those that both have keep counting from there, new ones begin at zero."""
    first = RatedRegisters(tuple(names), rates)
    for row, mask in increments:
        first.add(row, mask)
    second = RatedRegisters(tuple(others), other_rates)
    second.unpack(bytes(first.pack()))
    old = {(name, rate) for name in first.quantities for rate in range(1, rates + 1)}
    for name in second.quantities:
        for rate in range(1, other_rates + 1):
            assert second.get(name, rate) == (first.get(name, rate) if (name, rate) in old else 0)


def test_the_stored_form_is_24_definitions_and_24_numbers() -> None:
    registers = RatedRegisters(("a_export", "s_export"), 2)
    registers.add(rising_increment().rows[0], 0b10)
    stored = bytes(registers.pack())
    kwh = 3_600_000_000
    assert (
        struct.unpack("<24B24Q", stored) == (0x11, 0x12, 0x91, 0x92) + (0,) * 20 + (0, 2 * kwh, 0, 10 * kwh) + (0,) * 20
    )
    assert rated_registers.stored_value(b"xx" + stored, 2, "s_export", 2) == 10 * kwh
    assert rated_registers.stored_value(stored, 0, "s_export", 3) is None


def life(ram: Ram) -> tuple[EnergyRegisters, RatedRegisters, EnergyRecord, Record]:
    energies, rated = EnergyRegisters(), RatedRegisters(("a_import",), 2)
    owner, area = EnergyRecord(energies, rated), layout.ENERGY
    record = Record(ram, area.address, area.capacity, energy_record.VERSION, energy_record.READABLE)
    stored = record.load()
    if stored is not None:
        owner.unpack(stored)
    return energies, rated, owner, record


def test_totals_rates_and_the_time_are_one_record() -> None:
    ram = Ram()
    energies, rated, owner, record = life(ram)
    energies.add(rising_increment())
    rated.add(rising_increment().rows[0], 1)
    owner.utc = 848_000_000
    record.save(owner.pack())
    energies, rated, owner, _ = life(ram)
    assert energies.get("s_export", 3) == 310 * 3_600_000_000
    assert (rated.get("a_import", 1), rated.get("a_import", 2)) == (3_600_000_000, 0)
    assert owner.utc == 848_000_000 and layout.ENERGY.capacity >= energy_record.SIZE


@pytest.mark.parametrize("version", [1, 2])
def test_totals_of_older_firmware_are_taken_over(version: int) -> None:
    ram, area = Ram(), layout.ENERGY
    old = EnergyRegisters()
    old.add(rising_increment())
    payload = bytes(old.pack()) if version == 2 else struct.pack("<8Q", *(old.get(name) for name in NAMES[:8]))
    Record(ram, area.address, area.capacity, version).save(payload)
    energies, rated, owner, _ = life(ram)
    assert [energies.get(name) for name in NAMES[:8]] == [old.get(name) for name in NAMES[:8]]
    assert rated.get("a_import", 1) == owner.utc == 0


def test_stored_totals_are_found_in_a_record() -> None:
    registers = EnergyRegisters((("a_import", "a_export"), ()))
    registers.add(Increment([[n + 10 * row for n in range(10)] for row in range(4)]))
    stored = b"?" + bytes(registers.pack())
    assert energy_registers.stored_total(stored, 1, "r1", 3) == 34
    assert energy_registers.stored_sum(stored, 1, 0) == 1


def is_whole(zone: Zone, step_s: int, utc: int, ahead: int = 0) -> bool:
    """Whether the local clock shows whole minutes of a period, or will in `ahead` seconds if nobody sets it."""
    local = zone.local(utc)
    return (local.minute * 60 + local.second + ahead) % step_s == 0


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Tehran"])
@pytest.mark.parametrize("minutes", [1, 15, 60])
def test_boundaries_are_the_next_whole_periods_of_the_local_clock(name: str, minutes: int) -> None:
    """Also through the half-hour summer time of Lord Howe Island, and at midnight in Tehran."""
    zone, step_s = Zone(name), minutes * 60
    for start in (seconds(2021, 3, 21, 19, 0, 0), seconds(2026, 4, 4, 13, 7, 0), seconds(2026, 10, 3, 14, 50, 0)):
        for utc in range(start, start + 9000, 601):
            due = next_boundary(zone.zone, utc, step_s)
            assert utc < due <= utc + step_s
            strikes = [
                t for t in range(utc + 1, due + 1) if is_whole(zone, step_s, t) or is_whole(zone, step_s, t - 1, 1)
            ]
            assert strikes == [due]


@pytest.mark.parametrize(("jump", "expected"), [(5, 10), (15, 0), (20, 15), (-5, 15), (-50, 5)])
def test_a_jump_of_local_time_inside_a_period_may_make_it_shorter_but_not_longer(jump: int, expected: int) -> None:
    """Minutes; hours end at 0 and 60, and at 45 the local clock jumps. From 45 on the period has 15 more at most."""
    change = 45 * 60

    def zone(utc: int) -> tuple[int, bool, int, int]:
        return (0, False, -1 << 40, change) if utc < change else (jump, True, change, 1 << 40)

    assert next_boundary(zone, 100, 3600) == change + expected * 60
    assert next_boundary(zone, change - 1, 3600) == change + expected * 60


# --- parameters -----------------------------------------------------------------------------------------------------


def test_channels_are_of_four_forms() -> None:
    assert channels("a_import,=a_import,~r1,@pf1") == (("", "a_import"), ("=", "a_import"), ("~", "r1"), ("@", "pf1"))
    assert channels("") == () and energy_list("") == () and energy_list("r4,a_export") == ("r4", "a_export")


@pytest.mark.parametrize(
    "text", ["a_import,", ",", "a", "@a_import", "=u1", "u1", "a_import,a_import", "@u4", "==r1", " r1"]
)
def test_other_channels_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="channel"):
        channels(text)


def test_36_channels_are_the_most() -> None:
    every = [form + name for form in ("", "=", "~") for name in NAMES] + ["@" + name for name in MOMENTS]
    assert len(channels(",".join(every[:36]))) == 36
    with pytest.raises(ValueError, match="36"):
        channels(",".join(every[:37]))
    assert 4096 // (entry_size(channels(",".join(every[:36]))) + 12) >= 13  # entries in a sector
    assert 4096 // (billing.ENTRY_SIZE + 12) == 4


@pytest.mark.parametrize("text", ["a_import,a_import", "a_import,", "u1", "=r1", "a_import r1"])
def test_other_lists_of_energies_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="energy"):
        energy_list(text)


def test_moments_are_the_values_of_the_instant_in_thousandths() -> None:
    values: Any = Actual()
    expected = {"u1": 230_000, "u3": 232_000, "i2": 6_000, "p": 2_987_700, "q": -1_725_100, "pf": -866, "f": 50_012}
    assert {name: moment(values, name) for name in expected} == expected and moment(values, "i0") == 42
    values.total = lambda _quantity: None
    assert moment(values, "f") is None


@pytest.mark.parametrize(
    ("first", "refused"),
    [
        (("rates", 4), ("rated_quantities", "a_import,a_export,r1,r2,r3,r4,s_import")),
        (("rates", 1), ("demand_quantities", "a_import,a_import")),
        (("rated_quantities", "a_import,a_export,r1,r2"), ("rates", 7)),
        (("demand_period_min", 15), ("demand_subperiods", 7)),
        (("demand_period_min", 1), ("demand_subperiods", 8)),
        (("demand_subperiods", 9), ("demand_period_min", 1)),
        (("demand_period_min", 60), ("demand_period_min", 7)),
        (("profile_1_channels", "a_import"), ("profile_1_channels", "a_import,@volts")),
        (("reset_day", 28), ("reset_day", 29)),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(first: tuple, refused: tuple) -> None:
    parameters = Parameters(Ram())
    parameters.load()
    parameters.set(first[0], first[1], 4)
    before = parameters.get(refused[0])
    with pytest.raises(ParameterRefused, match=RANGE):
        parameters.set(refused[0], refused[1], 4)
    assert parameters.get(refused[0]) == before


def test_new_registers_come_with_the_next_start() -> None:
    parameters = Parameters(Ram())
    parameters.load()
    parameters.set("reset_lockout_min", 5, 4)
    assert not parameters.restart_due
    parameters.set("profile_1_channels", "a_import", 4)
    assert parameters.restart_due
