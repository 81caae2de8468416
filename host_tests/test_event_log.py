"""The event log: order, overflow, damage through the FRAM driver on the chip model; power cuts at every byte."""

from __future__ import annotations

import pytest

from drivers.fram import Fram
from host_tests.model_sources import log_area
from host_tests.power_cut import PowerCut
from host_tests.ring_bench import SmallFram, Supply
from host_tests.wires import started_fram
from meter.events import error_register, log
from meter.events.log import EventLog
from meter.storage import layout
from tools.bench.fram import FRAM

SMALL = log_area(2, layout.EVENTS.address)
PER_SECTOR = 14
STAGE = 2 * 16 + 2 * 16  # record, index
SECTORS = STAGE + 2 * 256


def boot(chip: FRAM, area: layout.Area = SMALL) -> EventLog:
    """The log as a firmware finds it that has just been started."""
    events = EventLog(started_fram(chip), area)
    events.load()
    return events


def oldest(newest: int, sectors: int = 2) -> int:
    """What a ring of so many sectors still has when it has been given `newest` entries."""
    return max(0, newest // PER_SECTOR - sectors) * PER_SECTOR + 1


def numbers(events: EventLog) -> list[int]:
    return [number for _, _, number, _ in events.entries(1000)]


def test_a_new_log_is_empty_and_numbers_entries_from_one() -> None:
    events = boot(FRAM(seed=1), layout.EVENTS)
    assert events.entries(10) == []
    events.add(log.POWER_UP, 800_000_000)
    events.add(log.PATHS_DISAGREE, 0xFFFF_FFFF, 0xFFFF_FFFF)
    assert events.entries(10) == [(2, 0xFFFF_FFFF, 174, 0xFFFF_FFFF), (1, 800_000_000, 24, 0)]
    assert events.entries(1) == [(2, 0xFFFF_FFFF, 174, 0xFFFF_FFFF)]


def test_the_product_keeps_a_thousand_events() -> None:
    """Facts page 1.8: up to 1000 in the larger sister."""
    assert EventLog(Fram.__new__(Fram)).ring.capacity >= 1000


@pytest.mark.parametrize("count", [*range(4), *range(13, 16), *range(27, 30), *range(41, 45), 56, 57, 71])
def test_the_next_life_goes_on_where_the_last_one_stopped(count: int) -> None:
    chip = FRAM(seed=1)
    first = boot(chip)
    for n in range(count):
        first.add(n + 1, 1000 + n, n)
    again = boot(chip)
    expected = [(n, 999 + n, n, n - 1) for n in range(count, oldest(count) - 1, -1)]
    assert len(expected) >= min(count, first.ring.capacity) and again.entries(100) == expected
    again.add(99, 5000)
    assert again.entries(1) == [(count + 1, 5000, 99, 0)]


class Life:
    """A log whose supply goes after some bytes."""

    def __init__(self, image: bytes | None = None, seed: int = 0) -> None:
        self.supply = Supply(seed)
        self.memory = SmallFram(self.supply, SMALL.end)
        if image is not None:
            self.memory.content[:] = image
        self.log = EventLog(self.memory, SMALL)
        self.log.load()

    @property
    def image(self) -> bytes:
        return bytes(self.memory.content)


@pytest.mark.parametrize("before", [0, 1, 13, 14, 27, 28, 41, 42, 70])
def test_a_cut_at_every_byte_leaves_the_log_with_or_without_the_entry_and_all_others(before: int) -> None:
    past = Life()
    for n in range(before):
        past.log.add(n + 1, n)
    whole = Life(past.image)
    spent = whole.supply.spent
    whole.log.add(200, 777)
    total = whole.supply.spent - spent
    assert total == 18 + 16 + (256 + PER_SECTOR * 18 + 16 if before % PER_SECTOR == 0 and before >= 28 else 0)
    old = [*range(1, before + 1)]
    for cut in range(total):
        life = Life(past.image, seed=cut)
        life.supply.left = cut
        with pytest.raises(PowerCut):
            life.log.add(200, 777)
        after = Life(life.image)
        assert numbers(after.log)[::-1] == old[oldest(before) - 1 :], cut
        after.log.add(201, 778)
        again = Life(after.image)
        assert numbers(again.log)[::-1] == [*old, 201][oldest(before + 1) - 1 :], cut


def test_a_cut_at_every_byte_of_a_first_start_leaves_an_empty_log() -> None:
    total = Life().supply.spent
    assert total == 2 * 16
    for cut in range(total):
        memory = SmallFram(Supply(cut), SMALL.end)
        memory._supply.left = cut
        with pytest.raises(PowerCut):
            EventLog(memory, SMALL).load()
        life = Life(bytes(memory.content))
        assert life.log.entries(9) == [] and not life.log.damaged


@pytest.mark.parametrize("count", [10, 60])
def test_a_damaged_entry_is_left_out(count: int) -> None:
    """In the stage, and in a sector."""
    chip = FRAM(seed=1)
    events = boot(chip)
    for n in range(count):
        events.add(n + 1, n)
    image = bytearray(chip.image)
    group, slot = 0 if count == 10 else 2, 5
    assert count == 10 or image[SMALL.address + SECTORS + 5 * 18 + 8] == group * PER_SECTOR + slot + 1
    image[SMALL.address + (STAGE if count == 10 else SECTORS) + slot * 18 + 8] ^= 0x10  # an event number
    damaged = group * PER_SECTOR + slot + 1
    assert numbers(boot(FRAM(bytes(image), seed=1))) == [n for n in range(count, oldest(count) - 1, -1) if n != damaged]


def test_one_damaged_slot_of_the_record_costs_the_newest_entry_at_most() -> None:
    chip = FRAM(seed=1)
    events = boot(chip)
    for n in range(10):
        events.add(n + 1, n)
    for slot, newest in ((0, 10), (1, 9)):  # the tenth save went to the second one
        image = bytearray(chip.image)
        image[SMALL.address + 16 * slot + 9] ^= 1
        again = boot(FRAM(bytes(image), seed=1))
        assert numbers(again) == [*range(newest, 0, -1)] and not again.damaged
        again.add(99, 99)
        assert numbers(again)[:2] == [99, newest]


def test_a_log_whose_end_is_lost_begins_anew_and_says_so() -> None:
    chip = FRAM(seed=1)
    events = boot(chip)
    for n in range(50):
        events.add(n + 1, n)
    image = bytearray(chip.image)
    image[SMALL.address + 9] ^= 1
    image[SMALL.address + 16 + 9] ^= 1
    chip = FRAM(bytes(image), seed=1)
    again = boot(chip)
    assert again.damaged and again.entries(9) == []
    for n in range(50):
        again.add(100 + n, n)
    found = boot(chip)
    assert not found.damaged and numbers(found) == [*range(149, 99 + oldest(50) - 1, -1)]


def test_two_logs_in_one_memory_keep_apart() -> None:
    memory = SmallFram(Supply(), 0x2000)
    first, second = log_area(2), log_area(3, log_area(2).end)
    logs = EventLog(memory, first), EventLog(memory, second)
    for n in range(100):
        logs[n % 2].add(n % 256, n)
    for k, sectors in ((0, 2), (1, 3)):
        found = EventLog(memory, (first, second)[k])
        found.load()
        assert numbers(found)[::-1] == [*range(k, 100, 2)][oldest(50, sectors) - 1 :]


def test_a_memory_that_does_not_keep_an_entry_is_an_error() -> None:
    class Forgetful:
        def read_into(self, address: int, buf: bytearray) -> None:
            buf[:] = bytes(len(buf))

        def write(self, address: int, buf: bytearray) -> None:
            pass

    events = EventLog(Forgetful(), SMALL)
    with pytest.raises(OSError, match="does not keep"):
        events.add(1, 1)
    assert events.entries(5) == []


@pytest.mark.parametrize(
    ("bit", "event"),
    [
        (error_register.BATTERY_LOW, 65),
        (error_register.MAIN_MEMORY, 73),
        (error_register.MEASURING_SYSTEM, 75),
        (error_register.CALIBRATION, 87),
        (error_register.INVALID_POWER_DOWN, 89),
        (error_register.MEASUREMENT, 90),
        (error_register.WATCHDOG, 93),
    ],
)
def test_error_bits_have_the_event_numbers_of_the_family(bit: int, event: int) -> None:
    """Facts page 1.9: 65 + bit index in the order of the groups AA, BB, CC, DD."""
    assert log.error_event(bit) == event
