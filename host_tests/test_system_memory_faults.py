"""A memory that fails: nothing is saved over what could not be read, and the meter goes on counting."""

from __future__ import annotations

from meter.storage import layout
from tools.bench import Bench

MAIN_MEMORY, BACKUP_DATA, PARAMETERS = 0x0001_0000, 0x0000_0200, 0x0000_0400


def errors(bench: Bench) -> int:
    return int(bench.read("F.F").value.text, 16)


def test_a_memory_silent_at_start_is_taken_up_when_it_answers_with_what_was_counted_meanwhile() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(20)
        bench.kill()
        before = bench.totals()["a_import"]
        bench.inject("fram", stuck_miso=0xFF)
        bench.power_on()
        bench.run(10)
        bench.inject("fram", stuck_miso=None)
        bench.run(5)
        gained = bench.totals()["a_import"] - before
        power = bench.source.truth().p_total
        assert 1000 * power * 12 <= gained <= 1000 * power * 15  # two starts
        assert bench.read("0.0.0").value.text == bench.serial
        assert bench.log == ""


def test_a_memory_that_fails_while_running_is_caught_up_with_when_it_answers_again() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(10)
        before = bench.totals()["a_import"]
        bench.inject("fram", dead=True)
        bench.run(10)
        assert bench.totals()["a_import"] == before
        bench.inject("fram", dead=False)
        bench.run(5)
        gained = bench.totals()["a_import"] - before
        second = 1000 * bench.source.truth().p_total
        assert abs(gained - 15 * second) <= 0.51 * second
        assert errors(bench) & MAIN_MEMORY


def test_totals_damaged_in_both_slots_start_from_zero_and_are_reported() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(10)
        bench.kill()
        area = layout.ENERGY
        for slot in (area.address, area.address + area.size // 2):
            bench.fram.poke(slot + 8, b"\xa5" * 8)
        bench.power_on()
        on = bench.world.now
        bench.run(5)
        assert bench.totals()["a_import"] <= 1000 * sum(bench.source.fed(on, bench.world.now)[0])
        assert errors(bench) & BACKUP_DATA


def test_a_meter_without_a_factory_record_says_so_and_counts() -> None:
    with Bench(seed=1) as bench:
        bench.fram.image = bytes(0x40000)
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        assert errors(bench) & PARAMETERS
        assert bench.read("0.0.0").value.text == "00000000"
        assert bench.lcd.index == "F.F"
        assert bench.totals()["a_import"] > 0
