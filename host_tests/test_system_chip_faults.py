"""A metering chip that is stuck, resets or lies: noticed within a second, no energy invented, metering resumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tools.bench import Bench

MEASURING_SYSTEM, WATCHDOG = 0x0004_0000, 0x0000_0010  # bits of the error register F.F


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench(seed=7) as running:
        running.source.set(u=230, i=5, phi=0)
        running.run(3)
        yield running


FAULTS: dict[str, Callable[[Bench], None]] = {
    "MISO stuck low": lambda b: b.inject("metering", stuck_miso=0x00),
    "MISO stuck high": lambda b: b.inject("metering", stuck_miso=0xFF),
    "brown-out": lambda b: b.inject("metering", brown_out=50),
    "spontaneous reset": lambda b: b.metering.faults.spontaneous_reset(),
    "sampling stopped": lambda b: b.inject("metering", stop_sampling=True),
    "internal error": lambda b: b.inject("metering", error=0),
    "interrupt lines dead": lambda b: b.inject("metering", dead_irq=True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_chip_fault_is_noticed_within_a_second_and_metering_resumes(bench: Bench, fault: str) -> None:
    power = 1000 * bench.source.truth().p_total
    before, start = bench.totals()["a_import"], bench.world.now
    FAULTS[fault](bench)
    bench.run(1.0)
    if fault != "interrupt lines dead":  # then the chip is asked without having called, and nothing is lost
        assert bench.log.startswith("metering:"), "not noticed within a second"
    bench.run(4)
    bench.metering.faults.clear()
    healed = bench.world.now
    bench.run(5)
    gained = bench.totals()["a_import"] - before
    assert gained <= 1000 * sum(bench.source.fed(start - 500_000_000, bench.world.now)[0])
    # At the least what was fed after the fault was gone, but for a start and the interval under way.
    lost = 0.51 if fault == "interrupt lines dead" else 2.0
    since = start if fault == "interrupt lines dead" else healed
    assert gained >= 1000 * sum(bench.source.fed(since, bench.world.now)[0]) - lost * power
    # Metering has resumed by itself: another ten seconds count in full, from the middle of an interval.
    bench.run(0.25)
    before = bench.totals()["a_import"]
    bench.run(10)
    assert bench.totals()["a_import"] - before == pytest.approx(10 * power, rel=0.0002)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_chip_fault_invents_no_energy(bench: Bench, fault: str) -> None:
    """The load goes just before the fault: only what was on its way may still arrive."""
    interval = 500 * bench.source.truth().p_total
    before = bench.totals()
    bench.source.set(i=0)
    FAULTS[fault](bench)
    bench.run(3)
    bench.metering.faults.clear()
    bench.run(5)
    after = bench.totals()
    assert 0 <= after["a_import"] - before["a_import"] <= 1.3 * interval  # and the power filter's 0.13 s
    for name in ("a_export", "r_export", "r2", "r3", "r4"):
        assert after[name] <= before[name] + interval / 1000


def test_energy_is_booked_before_the_chip_is_asked_for_anything_else() -> None:
    cfmode = 0x490
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=0)
        bench.run(5)
        bench.inject("metering", stuck={cfmode: bench.metering.read(cfmode)})
        bench.source.set(i=5)  # the first interval with load switches the test LEDs on, which fails
        while not bench.events():
            bench.run(0.01)
        assert bench.totals()["a_import"] > 0


def test_a_chip_in_trouble_gives_what_it_has_added_up_before_it_is_reset(bench: Bench) -> None:
    power = 1000 * bench.source.truth().p_total
    before = bench.totals()["a_import"]
    bench.inject("metering", missed_egyrdy=2)
    bench.run(10)
    assert bench.log.startswith("metering:")
    gained = bench.totals()["a_import"] - before
    # 0.25 s of the interval under way, a start, and the interval at the end; without the rescue 0.5 s more
    assert 10 * power - 1.6 * power <= gained <= 10.5 * power


def test_a_fault_shows_in_the_error_register_until_it_is_cleared(bench: Bench) -> None:
    assert bench.read("F.F").value.text == "00000000"
    bench.metering.faults.spontaneous_reset()
    bench.run(5)
    assert int(bench.read("F.F").value.text, 16) & MEASURING_SYSTEM
    assert bench.read("C.15.1").value.number == 1


def test_single_bit_errors_on_the_bus_are_caught_and_repeated(bench: Bench) -> None:
    before = bench.totals()
    for _ in range(20):
        bench.inject("metering", flip_reads=1)
        bench.run(0.5)
    gained = bench.totals()["a_import"] - before["a_import"]
    assert gained == pytest.approx(1000 * bench.source.truth().p_total * 10, rel=0.0002)
    assert bench.log == ""


def test_a_minute_without_service_costs_no_energy(bench: Bench) -> None:
    """Chip and billing path, without the watchdog that would end such a stall after 5 s: the chip goes on adding up."""
    before = bench.totals()
    bench.mcu.watchdog.stop()
    bench.mcu.stall(60)
    bench.run(5)
    gained = bench.totals()["a_import"] - before["a_import"]
    assert gained == pytest.approx(1000 * bench.source.truth().p_total * 65, rel=0.0002)
    assert bench.read("C.15.2").value.number > 29_000  # waveform pages of 2 ms, lost and counted


def test_a_short_stall_loses_no_page(bench: Bench) -> None:
    for _ in range(20):
        bench.mcu.stall(0.025)
        bench.run(0.137)
    assert bench.read("C.15.2").value.number == 0


def test_the_watchdog_ends_a_stall_and_metering_resumes(bench: Bench) -> None:
    before, start = bench.totals()["a_import"], bench.world.now
    bench.mcu.stall(8)
    bench.run(5)
    assert bench.mcu.restarts == 1
    assert int(bench.read("F.F").value.text, 16) & WATCHDOG
    gained = bench.totals()["a_import"] - before
    fed = 1000 * sum(bench.source.fed(start, bench.world.now)[0])
    assert 1000 * bench.source.truth().p_total * 3 <= gained <= fed
