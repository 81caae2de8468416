"""How the picture gets to the glass: only when it changes, again after a while, and at a small price."""

from __future__ import annotations

from collections.abc import Iterator

import micropython_names
import pytest

from host_tests.front_bench import FrontBench
from meter.events import error_register as error

FRAME = 1 + 5 + 20  # address, commands, RAM
BITS_OF_A_BYTE = 9  # with its acknowledgement
SLOWEST_BUS_HZ = 100_000  # the PCF8576C's I2C


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    yield
    micropython_names.follow(None)


def frames(bench: FrontBench, seconds: float) -> int:
    """How many times the picture is sent in so many seconds."""
    before = bench.chip.bus_bytes
    bench.run(seconds)
    whole, rest = divmod(bench.chip.bus_bytes - before, FRAME)
    assert rest == 0
    return whole


def test_a_picture_that_stays_is_sent_every_4_s_only() -> None:
    assert frames(FrontBench(values={"display_mode": "fixed"}), 60) == 15


def test_a_picture_that_changes_is_sent_as_often_as_it_does() -> None:
    """24 values in 8 s each; of each one the first frame, and one 4 s later."""
    assert frames(FrontBench(), 24 * 8) == 24 * 2


def test_the_display_takes_at_most_2_percent_of_the_slowest_bus() -> None:
    """Worst case: phases that flash, a running clock, and a button every half second."""
    bench = FrontBench(values={"display_list": "0.9.1", "display_mode": "fixed"})
    bench.samples.reversed_field = True
    bench.press("down", "down")
    before, began = bench.chip.bus_bytes, bench.wires.t_ns
    for _ in range(60):
        bench.sources.clock.now += 1
        bench.press("down", "down")
    seconds = (bench.wires.t_ns - began) / 1e9
    bits = (bench.chip.bus_bytes - before) * BITS_OF_A_BYTE
    assert seconds > 45
    assert bits / SLOWEST_BUS_HZ <= 0.02 * seconds


def test_a_driver_that_was_without_supply_for_a_moment_shows_the_picture_again() -> None:
    bench = FrontBench(values={"display_mode": "fixed"})
    before = bench.lcd.lit
    bench.chip.brown_out(bench.wires.t_ns)
    assert bench.lcd.lit == frozenset()
    bench.run(4.3)
    assert bench.lcd.lit == before


@pytest.mark.parametrize("after", range(1, FRAME + 1))
def test_a_transfer_that_breaks_off_is_made_good_by_the_next_look(after: int) -> None:
    bench = FrontBench(values={"display_mode": "fixed"})
    bench.put_total("a_import", 123.45)
    bench.chip.faults.break_after = after
    bench.run(4.5)
    assert bench.read() == ("1.8.0", "000123.45", "kWh")


def test_a_driver_that_does_not_answer_is_an_error_until_it_does() -> None:
    bench = FrontBench()
    bench.chip.faults.absent = True
    bench.run(5)
    assert bench.errors.bits == error.DISPLAY_BOARD
    bench.chip.faults.absent = False
    bench.run(0.5)
    assert bench.errors.bits == 0
    assert bench.read()[0] == "1.8.0"


def test_the_glass_stays_dark_while_mains_is_away_whatever_the_driver_goes_through() -> None:
    bench = FrontBench()
    bench.mains.is_down = True
    bench.run(0.5)
    assert bench.lcd.lit == frozenset()
    assert frames(bench, 8) == 2
    bench.chip.brown_out(bench.wires.t_ns)
    bench.run(5)
    assert bench.lcd.lit == frozenset()
