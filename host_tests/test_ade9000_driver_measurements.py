"""What the ADE9000 driver reads and writes while the chip runs: energies with signs, LEDs, powers, temperature."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from drivers import ade9000_registers as r
from drivers.ade9000 import ChipError
from host_tests.billing_bench import BillingBench, mains
from host_tests.metrology_signals import FULL_SCALE_I, FULL_SCALE_U, WATT_FULL_SCALE

CODE_PER_W = WATT_FULL_SCALE / FULL_SCALE_U / FULL_SCALE_I


def meter(**setting: Any) -> BillingBench:
    return BillingBench(mains(**{"i": 5, "phi": 60, **setting}))


@pytest.mark.parametrize(
    ("phi", "negative"),
    [((10, 10, 10), 0), ((170, 10, 10), 0b000001), ((10, 190, -10), 0b110010), ((-10, 10, 170), 0b001100)],
)
def test_signs_of_the_powers_come_with_the_energies(phi: tuple[float, ...], negative: int) -> None:
    bench = meter(phi=phi)
    codes = [0] * 6
    assert bench.driver.read_energies(codes) == negative
    assert [n for n in range(6) if codes[n] < 0] == [n for n in range(6) if negative >> n & 1]


def test_nine_places_take_apparent_energy_too() -> None:
    bench = meter(i=(5, 3, 1))
    before, after = [0] * 9, [0] * 9
    bench.driver.read_energies(before)
    bench.wires.run(10)
    bench.driver.read_energies(after)
    ws_per_code = FULL_SCALE_U * FULL_SCALE_I / WATT_FULL_SCALE * 8192 / 8000
    gained = [(b - a) * ws_per_code for a, b in zip(before, after, strict=True)]
    assert gained[:3] == pytest.approx([230 * i * 0.5 * 10 for i in (5, 3, 1)], rel=2e-5)
    assert gained[6:] == pytest.approx([230 * i * 10 for i in (5, 3, 1)], rel=2e-5)


def test_leds_are_dark_until_enabled_and_again_after_a_start() -> None:
    bench = meter()
    driver, counts = bench.driver, bench.chip.cf_counts
    driver.enable_pulses(False, True)
    before = list(counts)
    bench.wires.run(2)
    assert counts[0] == before[0] and counts[1] > before[1]
    driver.enable_pulses(True, False)
    before = list(counts)
    bench.wires.run(2)
    assert counts[0] > before[0] and counts[1] == before[1]
    asyncio.run(driver.start(bench.setup))
    before = list(counts)
    bench.wires.run(2)
    assert list(counts) == before
    driver.enable_pulses(True, True)  # it has not forgotten that it must write
    bench.wires.run(2)
    assert counts[0] > before[0] and counts[1] > before[1]


def test_leds_are_written_only_when_they_change_and_checked() -> None:
    bench = meter()
    bench.driver.enable_pulses(True, True)
    bench.chip.faults.stuck[r.CFMODE] = 0xF020
    bench.driver.enable_pulses(True, True)
    with pytest.raises(ChipError, match="register 0x490"):
        bench.driver.enable_pulses(True, False)


def test_powers_of_the_moment() -> None:
    bench = meter(i=(5, 4, 3), phi=(60, 150, -100))
    codes = [0] * 6
    bench.driver.read_powers(codes)
    truth = bench.source.truth()
    # the low pass leaves a ripple of some 0.06 % of S in the active power; settled to 0.01 % after 2 s
    assert [c / CODE_PER_W for c in codes[:3]] == pytest.approx(truth.p, abs=1e-3 * 1150)
    assert [c / CODE_PER_W for c in codes[3:]] == pytest.approx(truth.q, abs=1e-4 * 1150)


@pytest.mark.parametrize("celsius", [-40.0, 0.0, 23.0, 85.0])
def test_temperature(celsius: float) -> None:
    """Data sheet: one step is about 0.3 K."""
    bench = meter()
    bench.chip.temperature = celsius
    driver = bench.driver
    assert driver.read_temperature() is None  # the first is under way
    bench.wires.run(0.1)
    assert driver.read_temperature() is None
    bench.wires.run(0.2)
    found = driver.read_temperature()
    assert isinstance(found, int) and found == pytest.approx(1000 * celsius, abs=170)
    bench.chip.temperature = celsius + 10
    bench.wires.run(0.3)
    driver.read_temperature()
    bench.wires.run(0.3)
    assert driver.read_temperature() == pytest.approx(1000 * (celsius + 10), abs=170)


def test_verify_finds_what_has_changed() -> None:
    bench = meter()
    bench.count(1)
    assert bench.driver.verify(bench.setup) == []  # with both LEDs on
    bench.chip.access.write(r.CF1DEN, 6815)
    bench.chip.access.write(r.VLEVEL, 1)
    bench.chip.access.write(r.CFMODE, 0xF020)
    assert bench.driver.verify(bench.setup) == [r.VLEVEL, r.CFMODE, r.CF1DEN]


def test_update_writes_gains_while_the_chip_runs() -> None:
    """xIGAIN and xVGAIN, 2**27 is one (data sheet, table of registers): +1 % and -2 %."""
    bench = meter(phi=0)
    gains = {0x000: 2**27 // 100, 0x02B: (-(2**27) // 50) & 0xFFFF_FFFF}
    bench.driver.update(gains)
    assert bench.driver.verify(gains) == []
    bench.count(2)
    assert bench.count(4).p == pytest.approx([1150 * 1.01, 1150 * 0.98, 1150], rel=1e-5)
    bench.chip.faults.stuck[0x040] = 0
    with pytest.raises(ChipError, match="register 0x040: 0x1 written, 0x0 read back"):
        bench.driver.update({0x040: 1})


def test_offsets_and_gains_reach_the_accumulators_and_the_leds() -> None:
    """xWATTOS and xFVAROS add to the power codes, xPGAIN multiplies all powers of a phase."""
    bench = meter(i=0.5, phi=45)
    codes = round(10 * CODE_PER_W)
    bench.driver.update({0x00F: codes, 0x012: 2 * codes, 0x02E: 2**27 // 10})
    bench.count(2)
    counted = bench.count(100)
    half = 115 * math.sqrt(0.5)
    assert counted.p == pytest.approx([half + codes / CODE_PER_W, 1.1 * half, half], rel=2e-5)
    assert counted.q == pytest.approx([half + 2 * codes / CODE_PER_W, 1.1 * half, half], rel=2e-5)
    assert counted.flashes[0] * bench.flash_ws == pytest.approx(sum(counted.p) * 100, abs=bench.flash_ws)
    assert counted.flashes[1] * bench.flash_ws == pytest.approx(sum(counted.q) * 100, abs=bench.flash_ws)
