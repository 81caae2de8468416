"""A memory that fails: nothing is saved over what could not be read, and the meter goes on counting."""

from __future__ import annotations

from typing import Any

import pytest

from host_tests.hdlc_bench import HdlcClient
from meter import factory
from meter.storage import layout
from meter.storage.records import Record
from meter.tariff.energy_record import READABLE
from tools.bench import Bench

MAIN_MEMORY, BACKUP_DATA, PARAMETERS, CALIBRATION = 0x0001_0000, 0x0000_0200, 0x0000_0400, 0x0000_4000


class PokedMemory:
    """The FRAM's array past its pins."""

    def __init__(self, bench: Bench) -> None:
        self.fram = bench.fram

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self.fram.peek(address, len(buf))

    def write(self, address: int, buf: Any) -> None:
        self.fram.poke(address, bytes(buf))


def errors(bench: Bench) -> int:
    return int(bench.read("F.F").value.text, 16)


def test_a_memory_silent_at_start_is_taken_up_when_it_answers_and_loses_nothing_it_held() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(20)
        bench.kill()
        before = bench.totals()["a_import"]
        bench.inject("fram", stuck_miso=0xFF)
        bench.power_on()
        bench.run(10)
        assert bench.lcd.index == "F.F"
        bench.inject("fram", stuck_miso=None)
        bench.run(5)
        gained = bench.totals()["a_import"] - before
        # What it cannot know the constants of it does not count: only from its new start on.
        assert 1000 * bench.source.truth().p_total * 2 <= gained <= 1000 * bench.source.truth().p_total * 5
        assert bench.read("0.0.0").value.text == bench.serial
        assert errors(bench) == 0 and bench.log == ""


def test_a_command_is_not_kept_over_what_a_memory_that_is_not_known_holds() -> None:
    """Rate 3 by the tariff scripts, at level 2, when no more is wrong than the memory's identity."""
    with Bench(seed=1, serial="60800000") as bench:  # the lower HDLC address of serial number 0
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        bench.press("reset")
        bench.run(2)
        bench.kill()
        area = layout.TARIFF
        before = bench.fram.peek(area.address, area.size)
        bench.inject("fram", device_id=bytes(9))
        bench.power_on()
        bench.run(5)
        client = HdlcClient(bench, 0, client=48)
        client.connect(password=b"00000000")
        answer = client.ask(bytes.fromhex("C301C1 0009 00000A0064FF 01 01 120003"))
        assert answer.hex() == "c701c10200"  # temporary failure
        client.close()
        assert bench.fram.peek(area.address, area.size) == before
        bench.kill()
        bench.inject("fram", device_id=None)
        bench.power_on()
        bench.run(5)
        assert bench.read("0.1.0").value.text == "01"


def test_records_of_a_newer_firmware_are_left_alone() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        bench.kill()
        area = layout.ENERGY
        newer = Record(PokedMemory(bench), area.address, area.capacity, 200, READABLE)
        newer.save_twice(b"from the future")
        kept = bench.fram.peek(area.address, area.size)
        bench.power_on()
        bench.run(5)
        assert bench.fram.peek(area.address, area.size) == kept
        assert errors(bench) & MAIN_MEMORY


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


def test_a_board_that_was_never_manufactured_measures_under_serial_number_zero_and_counts_nothing() -> None:
    with Bench(seed=1) as bench:
        bench.fram.image = bytes(0x40000)
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        assert errors(bench) == CALIBRATION
        service = bench.readout(6)
        assert service["0.0.0"].value.text == "00000000"
        assert float(service["16.7.0"].value.number) == pytest.approx(3.45, rel=1e-3)
        assert not any(bench.totals().values())
        assert not bench.leds.active


def test_a_damaged_factory_record_is_reported() -> None:
    with Bench(seed=1) as bench:
        for slot in (0, layout.FACTORY.size // 2):
            bench.fram.poke(layout.FACTORY.address + slot + 10, b"\xa5" * 8)
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        assert errors(bench) & PARAMETERS
        assert bench.lcd.index == "F.F"


def test_a_meter_constant_that_the_chip_cannot_flash_does_not_stop_the_counting() -> None:
    with Bench(seed=1) as bench:
        address, image = (
            layout.FACTORY.address,
            factory.image(factory.Factory(bench.type, bench.serial, full_scale_na=factory.FULL_SCALE_NA // 20)),
        )
        bench.fram.poke(address, image)
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        assert errors(bench) & PARAMETERS and bench.mcu.restarts == 0
        assert bench.totals()["a_import"] > 0
