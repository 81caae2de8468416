"""The total energy registers and their stored record, with the one of older firmware."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.model_sources import Increment, Ram, rising_increment
from meter.events.error_register import ErrorRegister
from meter.metrology.energies import sum_channel
from meter.storage import layout
from meter.storage.records import FOREIGN, Record
from meter.store import Store
from meter.tariff.counters import Counters
from meter.tariff.energy_record import READABLE, VERSION, EnergyRecord
from meter.tariff.energy_registers import NAMES, EnergyRegisters
from meter.tariff.rated_registers import RatedRegisters
from tools.bench import firmware_code
from tools.bench.fram import FRAM

OLD_NAMES = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4")  # of the record's version 1
AREA = layout.ENERGY

rows = st.lists(st.lists(st.integers(0, 2**58), min_size=10, max_size=10), min_size=4, max_size=4)


def everything(registers: EnergyRegisters) -> list[int]:
    totals = [registers.get(name, row) for row in range(4) for name in NAMES]
    return totals + [registers.sum_channel(0), registers.sum_channel(1)]


def life(ram: Ram, registers: EnergyRegisters) -> Store:
    """A store on a memory that always answers."""

    class Memory(Ram):
        def check_id(self) -> None:
            pass

    memory = Memory()
    memory.content = ram.content
    store = Store(memory, EnergyRecord(registers, RatedRegisters(("a_import",), 2)), Counters(), ErrorRegister())
    store.load()
    assert store.loaded
    return store


@given(st.lists(rows, max_size=3))
def test_every_register_is_the_sum_of_its_increments_and_comes_back_from_its_record(added: list) -> None:
    registers = EnergyRegisters((("a_import", "a_export"), ("s_import", "s_export")))
    for each in added:
        registers.add(Increment(each))
    expected = [sum(each[row][n] for each in added) for row in range(4) for n in range(10)]
    expected += [sum(each[0][0] + each[0][1] for each in added), sum(each[0][8] + each[0][9] for each in added)]
    assert everything(registers) == expected
    copy = EnergyRegisters((("a_import", "a_export"), ("s_import", "s_export")))
    copy.unpack(bytes(registers.pack()))
    assert everything(copy) == expected


def test_the_record_is_42_little_endian_numbers_and_what_the_sums_are_of() -> None:
    registers = EnergyRegisters(((), ("a_import", "a_export")))
    registers.add(rising_increment())
    stored = bytes(registers.pack())
    assert list(struct.unpack("<42Q", stored[:-2])) == everything(registers)
    assert stored[-2:] == bytes([0, 1 + 10 * 0 + 1])
    assert len(stored) <= AREA.capacity


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_record_keeps_every_total_and_is_stored_as_the_newest(version: int) -> None:
    ram = Ram()
    amounts = [10**18 + 7 * n for n in range(8)]
    stored = struct.pack("<8Q", *amounts) if version == 1 else struct.pack("<42Q2B", *amounts, *[0] * 34, 0, 0)
    Record(ram, AREA.address, AREA.capacity, version).save(stored)
    registers = EnergyRegisters()
    store = life(ram, registers)
    assert [registers.get(name) for name in OLD_NAMES] == amounts
    assert sum(everything(registers)) == sum(amounts)  # all others are zero
    registers.add(rising_increment())
    store.save_energies()
    again = EnergyRegisters()
    life(ram, again)
    assert everything(again) == everything(registers)
    record = Record(ram, AREA.address, AREA.capacity, VERSION, READABLE)
    record.load()
    assert record.found_version == 3


def test_older_firmware_does_not_take_the_new_record_for_its_own() -> None:
    ram = Ram()
    life(ram, EnergyRegisters()).save_energies()
    record = Record(ram, AREA.address, AREA.capacity, 1)
    assert record.load() is None and record.status == FOREIGN


def test_a_sum_channel_with_another_meaning_begins_at_zero() -> None:
    before = EnergyRegisters((("a_import", "a_export"), ()))
    before.add(rising_increment())
    assert before.sum_channel(0) == 3 * 3_600_000_000 and before.sum_channel(1) == 0
    after = EnergyRegisters((("a_export", "a_import"), ("r1", "r2")))
    after.unpack(bytes(before.pack()))
    assert (after.sum_channel(0), after.sum_channel(1)) == (0, 0)
    assert [after.get(name, 3) for name in NAMES] == [before.get(name, 3) for name in NAMES]


def test_a_sum_channel_outlives_the_loss_of_its_parameter() -> None:
    pair = ("a_import", "a_export")
    first = EnergyRegisters((pair, ()))
    first.add(rising_increment())
    without = EnergyRegisters()
    without.unpack(bytes(first.pack()))
    without.add(rising_increment())  # counts nothing in a channel that is not in use
    again = EnergyRegisters((pair, ()))
    again.unpack(bytes(without.pack()))
    assert again.sum_channel(0) == first.sum_channel(0) > 0


def test_a_century_at_the_thermal_limit_fits_the_record() -> None:
    registers = EnergyRegisters((("a_import", "a_export"), ()))
    limit_mw = 3 * 480 * 12 * 1000
    amount = limit_mw * 100 * 366 * 86400
    registers.add(Increment([[amount] * 10 for _ in range(4)]))
    registers.pack()
    assert amount * 100 < 2**64


def test_the_bench_sees_every_register_of_either_version() -> None:
    fram, ram = FRAM(), Ram()
    assert firmware_code.energy_totals(fram) == {}
    Record(ram, AREA.address, AREA.capacity, 1).save(struct.pack("<8Q", *range(8)))
    fram.poke(0, bytes(ram.content))
    totals = firmware_code.energy_totals(fram)
    assert [totals[name] for name in OLD_NAMES] == list(range(8))
    registers = EnergyRegisters((("a_import", "a_export"), ()))
    registers.add(rising_increment())
    life(ram, registers).save_energies()
    fram.poke(0, bytes(ram.content))
    totals = firmware_code.energy_totals(fram)
    assert totals["a_export_l2"] == registers.get("a_export", 2) and totals["s_export"] == registers.get("s_export")
    assert (totals["sum_1"], totals["sum_2"], len(totals)) == (registers.sum_channel(0), 0, 42)


@pytest.mark.parametrize("text", ["a_import+a_export", "r1+r4", "r_import+r3", "s_import+s_export"])
def test_two_energies_in_one_unit_make_a_sum_channel(text: str) -> None:
    assert "+".join(sum_channel(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a_import",
        "a_import+",
        "+",
        "a_import+a_import",
        "a_import+r_import",
        "a_import+a_export+r1",
        "a_import-a_export",
    ]
    + ["a_import + a_export", "A_import+a_export", "s_import+a_import", " "],
)
def test_nothing_else_does(text: str) -> None:
    with pytest.raises(ValueError):
        sum_channel(text)
    assert sum_channel("") == ()
