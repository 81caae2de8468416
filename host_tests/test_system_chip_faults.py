"""A metering chip that is stuck, resets or lies: noticed within a second, no energy invented, metering resumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tools.bench import Bench

MEASURING_SYSTEM = 0x0004_0000  # bit of the error register F.F


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
def test_a_chip_fault_is_noticed_within_a_second_and_invents_no_energy(bench: Bench, fault: str) -> None:
    before, start = bench.totals(), bench.world.now
    FAULTS[fault](bench)
    bench.run(1.0)
    noticed = bench.log
    if fault == "interrupt lines dead":
        # Nothing is lost: the chip is asked without being told to. It need not count as a fault.
        bench.run(9)
    else:
        assert noticed.startswith("metering:"), "not noticed within a second"
        bench.run(4)
    bench.metering.faults.clear()
    bench.run(5)
    fed = 1000 * sum(bench.source.fed(start - 500_000_000, bench.world.now)[0])
    gained = bench.totals()["a_import"] - before["a_import"]
    assert 0 <= gained <= fed
    # Metering has resumed by itself: another ten seconds count in full.
    before = bench.totals()
    bench.run(10)
    gained = bench.totals()["a_import"] - before["a_import"]
    assert gained == pytest.approx(1000 * bench.source.truth().p_total * 10, rel=0.0002)
    for name in ("a_export", "r2", "r3"):
        assert bench.totals()[name] == 0


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


def test_a_stalled_firmware_loses_no_energy(bench: Bench) -> None:
    """The firmware stands still for a minute (the bench does not answer it): the chip goes on adding up."""
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
