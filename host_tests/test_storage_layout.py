"""The memory map."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drivers.nor_flash import W25Q128
from meter.storage import layout
from meter.storage.records import Record
from tools.bench.fram import SIZE


def test_areas_lie_in_the_chip_and_do_not_overlap() -> None:
    areas = sorted(layout.AREAS, key=lambda area: area.address)
    assert layout.MEMORY_SIZE == SIZE
    assert areas[0].address >= 0 and areas[-1].end <= SIZE
    for first, second in pairwise(areas):
        assert first.end <= second.address, (first.name, second.name)


def test_every_area_of_the_module_is_in_the_list() -> None:
    named = [value for value in vars(layout).values() if isinstance(value, layout.Area)]
    assert len(named) == len(layout.AREAS) and set(named) == set(layout.AREAS)


def test_energy_registers_have_room_for_8_kib() -> None:
    assert layout.ENERGY.capacity >= 8192


def test_a_record_of_full_capacity_writes_inside_its_area_only() -> None:
    class Memory:
        def __init__(self) -> None:
            self.touched: list[tuple[int, int]] = []
            self.content = bytearray(layout.MEMORY_SIZE)

        def read_into(self, address: int, buf: bytearray) -> None:
            self.touched.append((address, address + len(buf)))
            buf[:] = self.content[address : address + len(buf)]

        def write(self, address: int, buf: bytes) -> None:
            self.touched.append((address, address + len(buf)))
            self.content[address : address + len(buf)] = buf

    for area in (
        layout.FACTORY,
        layout.PARAMETERS,
        layout.ENERGY,
        layout.COUNTERS,
        layout.CALIBRATION,
        layout.INVOCATION_COUNTERS,
        layout.LOG_INS,
    ):
        memory = Memory()
        Record(memory, area.address, area.capacity, 1).save_twice(bytes(area.capacity))
        assert min(first for first, _ in memory.touched) == area.address
        assert max(end for _, end in memory.touched) == area.end


def test_addresses_are_those_of_the_meters_in_the_field() -> None:
    assert [(area.name, area.address, area.size) for area in layout.AREAS] == [
        ("factory", 0x00000, 0x0400),
        ("parameters", 0x00400, 0x2000),
        ("energy registers", 0x02400, 0x4100),
        ("counters", 0x06500, 0x0400),
        ("calibration", 0x06900, 0x0400),
        ("invocation counters", 0x06D00, 0x0400),
        ("log-ins", 0x07100, 0x0400),
        ("tariff", 0x07500, 0x3000),
        ("time switch", 0x0A500, 0x4000),
        ("control table", 0x0E500, 0x0800),
        ("clearing", 0x0ED00, 0x0100),
        ("pulses", 0x0FD00, 0x0200),
        ("tamper", 0x0FF00, 0x0100),
        ("event log", 0x10000, 0x8000),
        ("load profile 1, stage", 0x18000, 0x2000),
        ("load profile 1, index", 0x1A000, 0x6000),
        ("load profile 2, stage", 0x20000, 0x2000),
        ("load profile 2, index", 0x22000, 0x4000),
        ("stored values, stage", 0x26000, 0x2000),
        ("stored values, index", 0x28000, 0x0800),
        ("stored values 2, stage", 0x28800, 0x2000),
        ("stored values 2, index", 0x2A800, 0x0800),
    ]
    assert (layout.PROFILE_1_SECTORS, layout.PROFILE_2_SECTORS, layout.BILLING_SECTORS) == (
        (0, 1536),
        (1536, 1024),
        (2560, 64),
    )


@pytest.mark.parametrize("kind", ["SECTORS", "FILES"])
def test_rings_share_the_flash_or_the_file_system_and_fit_their_indexes(kind: str) -> None:
    available = W25Q128.sectors if kind == "SECTORS" else layout.FILE_SECTORS
    places = [(name, getattr(layout, f"{name}_{kind}")) for name in ("PROFILE_1", "PROFILE_2", "BILLING")]
    end = 0
    for name, (first, count) in places:
        assert first == end
        end = first + count
        assert getattr(layout, f"{name}_INDEX").size >= 16 * count
        assert getattr(layout, f"{name}_STAGE").size == 2 * W25Q128.sector_size
    assert end <= available
