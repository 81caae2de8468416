"""ADE9000 model: supply, resets, status registers and interrupt pins."""

from __future__ import annotations

import pytest

from host_tests.ade9000_host import MS, Host, full_scale
from tools.bench.ade9000 import ADE9000
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

RSTDONE = 1 << 16


def until_irq1_falls(chip: ADE9000) -> int:
    """Bench time at which IRQ1 falls, at most 200 ms on."""
    end = chip.now + 200 * MS
    while chip.irq1.level and (event := chip.next_event()) is not None and event < end:
        chip.advance(event)
    assert chip.irq1.level == 0
    return chip.irq1.changed_ns


def test_power_on_reset_is_done_after_about_46_ms() -> None:
    chip = ADE9000(Source(1))
    assert chip.next_event() is None
    chip.power(True, 7 * MS)
    assert until_irq1_falls(chip) == 53 * MS
    assert chip.irq0.level == 1


def test_an_unpowered_or_starting_chip_leaves_miso_to_its_pull_up() -> None:
    host = Host()
    host.chip.power(False, host.chip.now)
    assert host.raw(0x4FE, 4) == b"\xff" * 4
    host.chip.power(True, host.chip.now)
    host.run(0.045)
    assert host.raw(0x4FE, 4) == b"\xff" * 4
    host.run(0.002)
    assert host.raw(0x4FE, 2) == b"\x00\xfe"


def test_rstdone_cannot_be_masked_and_is_cleared_by_writing_one() -> None:
    chip = ADE9000(Source(1))
    chip.power(True, 0)
    host = Host.__new__(Host)
    host.chip = chip
    chip.advance(50 * MS)
    assert (host.read(r.MASK1), host.read(r.STATUS1), chip.irq1.level) == (0, RSTDONE, 0)
    host.write(r.STATUS1, ~RSTDONE)
    assert (host.read(r.STATUS1), chip.irq1.level) == (RSTDONE, 0), "writing 0 clears nothing"
    host.write(r.STATUS1, RSTDONE)
    assert (host.read(r.STATUS1), chip.irq1.level) == (0, 1)


def test_software_reset_takes_60_to_90_microseconds_and_clears_the_registers() -> None:
    host = Host()
    host.write(r.EGY_TIME, 7999)
    host.write(0x00B, 123)
    began = host.chip.now
    host.write(r.CONFIG1, 1)
    assert host.raw(0x4B2, 2) == b"\xff\xff"
    done = until_irq1_falls(host.chip)
    assert 60_000 <= done - began <= 90_000
    assert (host.read(r.EGY_TIME), host.read(0x00B), host.read(r.CONFIG1)) == (0xFF, 0, 0)


def test_reset_pin_holds_the_chip_and_repeats_the_start() -> None:
    host = Host()
    host.write(0x00B, 123)
    host.chip.reset(0, host.chip.now)
    host.run(0.2)
    assert host.raw(0x4FE, 2) == b"\xff\xff"
    released = host.chip.now
    host.chip.reset(1, released)
    assert until_irq1_falls(host.chip) == released + 26 * MS
    assert host.read(0x00B) == 0


def test_psm3_switches_the_chip_off_until_the_pins_are_low_again() -> None:
    host = Host()
    host.chip.pm_pins(1, 1, host.chip.now)
    host.run(0.1)
    assert host.raw(0x4FE, 2) == b"\xff\xff"
    assert host.chip.next_event() is None
    host.chip.pm_pins(0, 0, host.chip.now)
    host.run(0.047)
    assert host.raw(0x4FE, 2) == b"\x00\xfe"


def test_outputs_are_released_without_supply() -> None:
    host = Host(full_scale())
    host.start(COMPMODE=7, CF1DEN=6814, WTHR=0x100000, MASK0=1, EP_CFG=1)
    host.run(0.5)
    while host.chip.cf1.level:
        host.chip.advance(host.chip.next_event() or 0)
    assert host.chip.irq0.level == 0
    host.chip.power(False, host.chip.now)
    assert [line.level for line in (host.chip.irq0, host.chip.irq1, host.chip.cf1)] == [1, 1, 1]


def test_run_clears_the_results_and_stopping_keeps_them() -> None:
    host = Host(full_scale())
    host.start(EGY_TIME=799, EP_CFG=0x0001)
    host.run(2)
    energy, rms = host.energy(0, "WATT"), host.result(0, "IRMS")
    assert energy > 0 and rms > 0
    host.write(r.RUN, 0)
    host.run(1)
    assert (host.energy(0, "WATT"), host.result(0, "IRMS")) == (energy, pytest.approx(rms, rel=0.002))
    host.write(r.RUN, 1)
    assert (host.energy(0, "WATT"), host.result(0, "IRMS")) == (0, 0)


def test_nothing_is_measured_before_run() -> None:
    host = Host(full_scale())
    host.run(1)
    assert (host.result(0, "WATT"), host.result(0, "IRMS"), host.result(0, "V_PCF")) == (0, 0, 0)


def test_irq0_is_low_while_an_unmasked_bit_is_set() -> None:
    host = Host(full_scale())
    host.start(EGY_TIME=799, CONFIG1=3 << 8, EP_CFG=1)
    host.run(0.11)
    assert (host.read(r.STATUS0) & 1, host.chip.irq0.level) == (1, 1)
    host.write(r.MASK0, 1)
    assert host.chip.irq0.level == 0
    host.write(r.STATUS0, 1 << 17)
    assert host.chip.irq0.level == 0
    host.write(r.STATUS0, 1)
    assert host.chip.irq0.level == 1
    host.run(0.1)
    assert host.chip.irq0.level == 0
    host.write(r.MASK0, 0)
    assert host.chip.irq0.level == 1


def test_irq0_events_may_be_shown_on_irq1_too() -> None:
    host = Host(full_scale())
    host.start(EGY_TIME=799, CONFIG1=3 << 8 | 1 << 12, MASK0=1, EP_CFG=1)
    host.run(0.11)
    assert (host.chip.irq0.level, host.chip.irq1.level) == (0, 0)


def test_sample_and_rms_ready_bits_come_at_their_cadence() -> None:
    host = Host(full_scale())
    host.start()
    host.write(r.STATUS0, 0xFFFFFFFF)
    assert host.read(r.STATUS0) == 0
    host.chip.advance(host.chip.now + 125_000)
    assert host.read(r.STATUS0) == 1 << 15
    host.run(0.010)
    assert host.read(r.STATUS0) & (1 << 19 | 1 << 20) == 1 << 19, "rms of one cycle every half cycle"
    host.run(0.190)
    assert host.read(r.STATUS0) >> 20 & 1 == 1, "rms of ten cycles after 200 ms"
    assert host.read(r.STATUS0) >> 21 & 1 == 0
    host.run(0.83)
    assert host.read(r.STATUS0) >> 21 & 1 == 1, "THD and PF after 1.024 s"
    host.write(r.STATUS0, 1 << 20)
    assert host.read(r.STATUS0) >> 20 & 1 == 0
    host.run(0.2)
    assert host.read(r.STATUS0) >> 20 & 1 == 1


def test_masked_in_dready_interrupts_with_every_sample() -> None:
    host = Host(full_scale())
    began = host.start(MASK0=1 << 15)
    falls: list[int] = []
    host.chip.irq0.listeners.append(lambda line, level, t: None if level else falls.append(t))
    for _ in range(5):
        host.chip.advance(host.chip.next_event() or 0)
        host.write(r.STATUS0, 1 << 15)
    assert falls == [began + n * 125_000 for n in range(1, 6)]


def test_temperature_is_converted_on_demand() -> None:
    host = Host()
    for celsius in (25.0, -20.0, 70.0):
        host.chip.temperature = celsius
        host.write(r.STATUS0, 1 << 25)
        host.write(r.TEMP_CFG, 0xC | 1)
        host.run(0.255)
        assert host.read(r.STATUS0) >> 25 & 1 == 0
        host.run(0.002)
        assert host.read(r.STATUS0) >> 25 & 1 == 1
        trim = host.read(r.TEMP_TRIM)
        measured = -host.read(r.TEMP_RSLT) * (trim & 0xFFFF) / 65536 + (trim >> 16) / 32
        assert measured == pytest.approx(celsius, abs=0.3)
