"""ADE9000 model: injected faults do what their names say and nothing else."""

from __future__ import annotations

import pytest

from host_tests.ade9000_host import RMS_FULL_SCALE, WATT_FULL_SCALE, Host, full_scale
from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.spi import crc16

STREAM = 0x13F0


def running() -> Host:
    host = Host(full_scale())
    host.write(r.WFB_PG_IRQEN, 0xFFFF)
    host.start(WFB_CFG=STREAM, EGY_TIME=799, CONFIG1=3 << 8, EP_CFG=1)
    host.run(1.5)
    return host


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_stuck_miso_hides_everything_until_it_heals(level: int) -> None:
    host = running()
    host.chip.faults.stuck_miso = level
    assert host.raw(0x4FE, 4) == bytes([level]) * 4
    assert host.raw(0x800, 448) == bytes([level]) * 448
    host.chip.faults.clear()
    assert host.raw(0x4FE, 4).hex() == "00fe13de"


def test_flipped_reads_fail_their_crc_exactly_n_times() -> None:
    host = running()
    host.chip.faults.flip_reads = 2
    bad = 0
    for _ in range(5):
        answer = host.raw(0x40F, 6)
        bad += crc16(answer[:4]) != int.from_bytes(answer[4:], "big")
    assert bad == 2


def test_flipped_pages_differ_from_crc_spi_and_leave_registers_alone() -> None:
    host = running()
    host.chip.faults.flip_pages = 1
    assert host.raw(0x4FE, 4).hex() == "00fe13de"
    assert crc16(host.raw(0x800, 448)) != host.read(r.CRC_SPI)
    assert crc16(host.raw(0x800, 448)) == host.read(r.CRC_SPI)


def test_flipped_writes_are_seen_by_reading_back() -> None:
    host = running()
    host.chip.faults.flip_writes = 1
    host.write(r.CF1DEN, 0x1234)
    assert bin(host.read(r.CF1DEN) ^ 0x1234).count("1") == 1
    host.write(r.CF1DEN, 0x1234)
    assert host.read(r.CF1DEN) == 0x1234


@pytest.mark.parametrize(("number", "maskable"), [(0, False), (1, False), (2, True), (3, True)])
def test_errors_raise_their_status_bit_and_interrupt(number: int, maskable: bool) -> None:
    host = running()
    host.chip.faults.error(number)
    assert host.read(r.STATUS1) >> 28 == 1 << number
    assert host.chip.irq1.level == int(maskable)
    host.write(r.MASK1, 1 << 28 + number)
    assert host.chip.irq1.level == 0
    host.write(r.STATUS1, 1 << 28 + number)
    assert host.chip.irq1.level == 1


def test_brown_out_puts_registers_at_reset_and_raises_rstdone_after_the_start() -> None:
    host = running()
    host.chip.faults.brown_out(2.0)
    assert host.raw(0x480, 2) == b"\xff\xff"
    host.run(0.0479)
    assert host.chip.irq1.level == 1
    host.run(0.0002)
    assert host.chip.irq1.level == 0
    assert (host.read(r.RUN), host.read(r.EGY_TIME), host.energy(0, "WATT")) == (0, 0xFF, 0)


def test_spontaneous_reset_is_quick_and_tells_by_rstdone() -> None:
    host = running()
    host.chip.faults.spontaneous_reset()
    host.run(0.0001)
    assert (host.chip.irq1.level, host.read(r.RUN)) == (0, 0)


def test_missed_energy_interrupts_still_update_the_registers() -> None:
    host = running()
    host.write(r.STATUS0, 1)
    before = host.energy(0, "WATT")
    host.chip.faults.missed_egyrdy = 3
    host.run(0.35)
    assert host.read(r.STATUS0) & 1 == 0
    assert host.energy(0, "WATT") > before
    host.run(0.1)
    assert host.read(r.STATUS0) & 1 == 1


def test_stuck_registers_keep_their_value_also_in_bursts() -> None:
    host = running()
    host.chip.faults.stuck = {r.result(0, "WATT"): 1234, 0x60E: 1234}
    assert host.result(0, "WATT") == 1234
    host.write(r.CONFIG1, 1 << 11)
    assert host.raw(0x60D, 8)[4:].hex() == "000004d2"


def test_gain_jump_changes_a_channel_from_now_on() -> None:
    host = running()
    host.chip.faults.gain_jump("IA", 0.5)
    host.run(1.5)
    assert host.mean(0, "IRMS") == pytest.approx(RMS_FULL_SCALE / 2, rel=1e-5)
    assert host.mean(1, "WATT") == pytest.approx(WATT_FULL_SCALE, rel=1e-5)
    with pytest.raises(ValueError, match="IX"):
        host.chip.faults.gain_jump("IX", 2)


def test_stopped_sampling_freezes_buffer_energy_and_interrupts() -> None:
    host = running()
    host.chip.faults.stop_sampling()
    host.write(r.STATUS0, 0xFFFFFFFF)
    page, data, energy = host.read(r.WFB_TRG_STAT), host.raw(0x800, 7168), host.energy(0, "WATT")
    host.run(2)
    assert host.read(r.STATUS0) == 0
    assert (host.read(r.WFB_TRG_STAT), host.raw(0x800, 7168), host.energy(0, "WATT")) == (page, data, energy)
    assert host.read(r.RUN) == 1
    host.chip.faults.stop_sampling(False)
    host.run(0.5)
    assert host.energy(0, "WATT") - energy == pytest.approx(0.5 * 20_209_049, rel=0.15)
    assert host.raw(0x800, 7168) != data


def test_dead_interrupt_pins_stay_high_while_status_works() -> None:
    host = running()
    host.write(r.MASK0, 1)
    assert host.chip.irq0.level == 0
    host.chip.faults.dead_irq = True
    assert host.chip.irq0.level == 1
    assert host.read(r.STATUS0) & 1 == 1
    host.chip.faults.dead_irq = False
    assert host.chip.irq0.level == 0


def test_actions_can_be_injected_by_assignment() -> None:
    host = running()
    host.chip.faults.__setattr__("error", 2)
    assert host.read(r.STATUS1) >> 30 & 1 == 1
    host.chip.faults.__setattr__("gain_jump", ("VA", 0.25))
    host.run(1.5)
    assert host.mean(0, "VRMS") == pytest.approx(RMS_FULL_SCALE / 4, rel=1e-5)
    host.chip.faults.__setattr__("spontaneous_reset", True)
    assert host.raw(0x480, 2) == b"\xff\xff"
