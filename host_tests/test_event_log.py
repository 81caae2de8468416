"""The event log through the FRAM driver on the chip model: order, overflow, power cuts at every byte, damage."""

from __future__ import annotations

import contextlib

import pytest

from drivers.fram import Fram
from host_tests.wires import DirectPin, DirectSPI, Wires
from meter.events import error_register, log
from meter.events.log import ENTRY_SIZE, EventLog
from meter.storage import layout
from tools.bench.fram import FRAM

SMALL = layout.Area("small ring", layout.EVENTS.address, 7 * ENTRY_SIZE)


class PowerCut(BaseException):
    """Ends the firmware where it stands."""


def boot(chip: FRAM, area: layout.Area = SMALL) -> EventLog:
    """The log as a firmware finds it that has just been started."""
    wires = Wires(chip)
    chip.power(False, 0)
    chip.power(True, 0)
    return EventLog(Fram(DirectSPI(chip, wires), DirectPin.chip_select(chip, wires)), area)


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
    assert EventLog(Fram.__new__(Fram)).capacity >= 1000


@pytest.mark.parametrize("count", range(20))
def test_the_next_life_goes_on_where_the_last_one_stopped(count: int) -> None:
    chip = FRAM(seed=1)
    first = boot(chip)
    for n in range(count):
        first.add(n + 1, 1000 + n, n)
    again = boot(chip)
    expected = [(n, 999 + n, n, n - 1) for n in range(count, max(0, count - 7), -1)]
    assert again.entries(100) == expected
    again.add(99, 5000)
    assert again.entries(1) == [(count + 1, 5000, 99, 0)]


@pytest.mark.parametrize("before", [0, 1, 6, 7, 8, 13])
def test_a_cut_at_every_byte_leaves_the_log_with_or_without_the_entry(before: int) -> None:
    chip = FRAM(seed=1)
    for n in range(before):
        boot(chip).add(n + 1, n)
    image = chip.image
    for cut in range(ENTRY_SIZE + 1):
        for torn in (False, True):
            chip = FRAM(image, seed=cut)
            events = boot(chip)
            events.entries(1)

            def stop() -> None:
                raise PowerCut

            chip.cut_after(cut, stop, torn_byte=torn)
            with contextlib.suppress(PowerCut):
                events.add(200, 777)
            chip.cancel_cut()
            after = boot(chip)
            old = list(range(before, max(0, before - 7), -1))
            # The oldest entry's place is the new one's: the old one may be gone already.
            assert numbers(after) in ([200, *old][:7], old, old[:6]), (cut, torn)
            after.add(201, 778)
            assert numbers(after)[0] == 201 and numbers(boot(chip))[0] == 201


def test_a_damaged_entry_is_left_out() -> None:
    chip = FRAM(seed=1)
    events = boot(chip)
    for n in range(10):
        events.add(n + 1, n)
    image = bytearray(chip.image)
    image[SMALL.address + 5 * ENTRY_SIZE + 8] ^= 0x10  # entry 6's event number
    assert numbers(boot(FRAM(bytes(image), seed=1))) == [10, 9, 8, 7, 5, 4]


def test_an_entry_in_a_wrong_place_is_not_believed() -> None:
    chip = FRAM(seed=1)
    events = boot(chip)
    events.add(1, 1)
    image = bytearray(chip.image)
    place = SMALL.address
    image[place + 7 * ENTRY_SIZE : place + 8 * ENTRY_SIZE] = image[place : place + ENTRY_SIZE]
    image[place : place + ENTRY_SIZE] = bytes(ENTRY_SIZE)
    assert boot(FRAM(bytes(image), seed=1), layout.EVENTS).entries(9) == []


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
