"""The ADE9000 driver against the register-level chip model, bus byte by bus byte."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import micropython_names
import pytest

from drivers import ade9000_registers as r
from drivers.ade9000 import ADE9000, ChipError
from host_tests.metrology_signals import ANALOG, PAGE_BYTES
from host_tests.wires import DirectPin, DirectSPI, Wires
from meter.metrology.front_end import chip_setup
from meter.metrology.networks import NETWORKS
from tools.bench.ade9000 import ADE9000 as Chip
from tools.bench.source import Source

SETUP = chip_setup(ANALOG, NETWORKS["3P4W"], 50, 230, 6814)


class CountingSPI(DirectSPI):
    """Counts what the virtual board pays for: transactions that wait for an answer."""

    answers = 0

    def readinto(self, buf: Any, write: int = 0) -> None:
        self.answers += 1
        super().readinto(buf, write)

    def write_readinto(self, out: Any, buf: Any) -> None:
        self.answers += 1
        super().write_readinto(out, buf)


class Bench:
    """A chip on a source, its driver, and time."""

    def __init__(self, reset_pin: bool = True) -> None:
        self.source = Source(1)
        self.source.set(u=230, i=5, phi=60)
        self.chip = Chip(self.source)
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.spi = CountingSPI(self.chip, self.wires)
        reset = DirectPin(on_write=lambda level: self.chip.reset(level, self.wires.t_ns)) if reset_pin else None
        micropython_names.follow(self.wires)
        irq = DirectPin(self.chip.irq0), DirectPin(self.chip.irq1)
        self.driver = ADE9000(self.spi, DirectPin.chip_select(self.chip, self.wires), *irq, reset)

    def start(self, setup: dict[int, int] | None = None) -> None:
        asyncio.run(self.driver.start(SETUP if setup is None else setup))

    def serve(self, seconds: float) -> tuple[list[bytes], list[int]]:
        """Pages, and bench times (ms) of the energy intervals, as the meter's measuring task takes them."""
        pages, intervals, buf = [], [], self.driver.page_buffer
        end = self.wires.t_ns + round(seconds * 1e9)
        while self.wires.t_ns < end:
            self.wires.run(0.001)
            while n := self.driver.read_pages(buf):
                pages += [bytes(buf[k * PAGE_BYTES : (k + 1) * PAGE_BYTES]) for k in range(n)]
            if self.driver.energy_ready():
                intervals.append(self.wires.t_ns // 1_000_000)
        return pages, intervals

    def energies(self) -> list[int]:
        codes = [0] * 6
        self.driver.read_energies(codes)
        return codes


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def started(bench: Bench) -> Bench:
    bench.start()
    return bench


# --- start ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset_pin", [True, False])
def test_start_leaves_the_chip_configured_and_running(reset_pin: bool) -> None:
    bench = Bench(reset_pin)
    try:
        bench.wires.run(0.06)
        bench.start()
        for register, value in SETUP.items():
            assert bench.chip.access.read(register) == value, hex(register)
        assert bench.chip.access.read(r.RUN) == 1
        assert bench.chip.irq1.level == 1  # RSTDONE is acknowledged
        assert bench.driver.read32(r.VLEVEL) == SETUP[r.VLEVEL]
    finally:
        micropython_names.follow(None)


def test_start_waits_for_a_chip_that_is_still_powering_up(bench: Bench) -> None:
    bench.start()
    assert 26 <= bench.wires.t_ns / 1e6 < 60


def test_start_gives_up_on_a_silent_chip_after_its_time_out(bench: Bench) -> None:
    bench.chip.power(False, bench.wires.t_ns)
    with pytest.raises(ChipError, match="no RSTDONE within 250 ms"):
        bench.start()
    assert 250 <= bench.wires.t_ns / 1e6 < 300


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_start_gives_up_on_a_stuck_bus(bench: Bench, level: int) -> None:
    bench.chip.faults.stuck_miso = level
    with pytest.raises(ChipError, match="no RSTDONE"):
        bench.start()


@pytest.mark.parametrize(("register", "value"), [(r.PART_ID, 0), (r.VERSION, 0xFFFC), (r.VERSION, 0x0000)])
def test_start_refuses_another_chip(bench: Bench, register: int, value: int) -> None:
    bench.chip.faults.stuck[register] = value
    with pytest.raises(ChipError, match="not an ADE9000: PART_ID 0x.*VERSION 0x"):
        bench.start()


def test_start_notices_a_setting_that_does_not_stick(bench: Bench) -> None:
    bench.chip.faults.stuck[r.CF1DEN] = 0xFFFF
    with pytest.raises(ChipError, match="register 0x494: 0x1A9E written, 0xFFFF read back"):
        bench.start()


def test_one_spoilt_write_is_written_again(bench: Bench) -> None:
    bench.start()
    bench.chip.faults.flip_writes = 1
    bench.driver.write32(r.WTHR, 0x0012_3456)
    assert bench.chip.access.read(r.WTHR) == 0x0012_3456
    bench.chip.faults.flip_writes = 2
    bench.driver.write16(r.CF1DEN, 0x0203)
    assert bench.chip.access.read(r.CF1DEN) == 0x0203


def test_start_can_be_repeated(started: Bench) -> None:
    started.serve(0.3)
    started.start()
    assert len(started.serve(1.0)[1]) in (1, 2)


# --- registers --------------------------------------------------------------------------------------------------------


def test_two_spoilt_reads_are_repeated_and_three_are_an_error(started: Bench) -> None:
    started.chip.faults.flip_reads = 2
    assert started.driver.read32(r.VLEVEL) == SETUP[r.VLEVEL]
    assert started.driver.crc_errors == 2
    started.chip.faults.flip_reads = 3
    with pytest.raises(ChipError, match="register 0x480: bad CRC"):
        started.driver.read16(r.RUN)


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_stuck_bus_never_passes_for_data(started: Bench, level: int) -> None:
    started.chip.faults.stuck_miso = level
    for read in (lambda: started.driver.read16(r.RUN), lambda: started.driver.read32(r.STATUS0), started.energies):
        with pytest.raises(ChipError, match="bad CRC"):
            read()


# --- pages ------------------------------------------------------------------------------------------------------------


def samples(pages: list[bytes]) -> list[int]:
    """IA of all sets, the series that shows whether pages follow one another."""
    return [int.from_bytes(page[k : k + 4], "big", signed=True) for page in pages for k in range(0, PAGE_BYTES, 28)]


def steps_of_a_sine(values: list[int]) -> float:
    """Largest deviation from x[n+1] + x[n-1] = 2 cos(w) x[n], which a sine without a gap obeys, against its peak."""
    factor = 2 * math.cos(2 * math.pi * 50 / 8000)
    worst = max(abs(a + c - factor * b) for a, b, c in zip(values, values[1:], values[2:], strict=False))
    return worst / max(map(abs, values))


def test_pages_follow_one_another_without_a_gap(started: Bench) -> None:
    started.serve(1.5)  # the high pass settles
    pages, _ = started.serve(0.5)
    assert len(pages) == pytest.approx(250, abs=2)
    assert steps_of_a_sine(samples(pages)) < 1e-6
    assert started.driver.lost_pages == 0


def test_a_page_wake_costs_two_answers_and_every_seventh_three(started: Bench) -> None:
    """The virtual board pays per answer: burst, CRC, now and then LAST_PAGE; the acknowledgement is posted."""
    started.serve(0.1)
    before = started.spi.answers
    pages, _ = started.serve(0.2)
    wakes = len(pages) // 2
    assert started.spi.answers - before == pytest.approx(2 * wakes + wakes // 7, abs=1)


@pytest.mark.parametrize("stall_ms", [9, 17, 25])
def test_a_stall_of_25_ms_loses_no_page(started: Bench, stall_ms: int) -> None:
    started.serve(1.5)
    pages, _ = started.serve(0.05)
    started.wires.run(stall_ms / 1000)
    pages += started.serve(0.05)[0]
    assert started.driver.lost_pages == 0
    assert steps_of_a_sine(samples(pages)) < 1e-6


@pytest.mark.parametrize("stall_ms", [32, 40, 48, 64, 100, 1000, 5003])
def test_longer_stalls_are_counted_to_the_page(started: Bench, stall_ms: int) -> None:
    started.serve(1.0)
    first, _ = started.serve(0.1)
    t = started.wires.t_ns
    started.wires.run(stall_ms / 1000)
    second, _ = started.serve(0.1)
    assert started.driver.lost_pages > 0
    filled = (started.wires.t_ns - t) / 2e6
    assert len(second) + started.driver.lost_pages == pytest.approx(filled, abs=2)
    assert steps_of_a_sine(samples(first)) < 1e-4
    assert steps_of_a_sine(samples(second)) < 1e-4


def test_pages_left_over_make_the_next_wait_return_at_once(started: Bench) -> None:
    started.serve(0.1)
    started.wires.run(0.02)
    assert started.driver.read_pages(started.driver.page_buffer) == 4
    t = started.wires.t_ns
    assert asyncio.run(started.driver.wait(250))
    assert started.wires.t_ns == t


def test_a_spoilt_burst_is_read_again(started: Bench) -> None:
    started.serve(1.5)
    started.chip.faults.flip_pages = 2
    pages, _ = started.serve(0.1)
    assert started.driver.crc_errors == 2
    assert steps_of_a_sine(samples(pages)) < 1e-6
    started.chip.faults.flip_pages = 3
    with pytest.raises(ChipError, match="waveform page .*: bad CRC"):
        started.serve(0.1)


def test_pages_come_even_when_the_interrupt_line_is_dead(started: Bench) -> None:
    started.chip.faults.dead_irq = True
    pages, intervals = started.serve(3.0)
    assert len(intervals) >= 3
    assert len(pages) > 1000


# --- energy -----------------------------------------------------------------------------------------------------------


def test_energy_intervals_come_twice_a_second(started: Bench) -> None:
    _, intervals = started.serve(5.3)
    assert len(intervals) == 10
    assert all(abs(b - a - 500) <= 2 for a, b in zip(intervals, intervals[1:], strict=False))
    assert started.driver.energy_elapsed_ms == pytest.approx(500, abs=2)


@pytest.mark.parametrize(("code", "settle_ms"), [(0, 64), (1, 128), (2, 256), (3, 0)])
def test_the_first_interval_may_come_later_by_the_settling_time(bench: Bench, code: int, settle_ms: int) -> None:
    bench.start({**SETUP, r.CONFIG1: code << 8})
    t = bench.wires.t_ns // 1_000_000
    _, intervals = bench.serve(1.0)
    assert intervals[0] - t == pytest.approx(500 + settle_ms, abs=3)
    assert bench.driver.energy_elapsed_ms == pytest.approx(500, abs=3)


def test_energies_are_those_of_the_source(started: Bench) -> None:
    started.serve(2.1)
    before, t = started.energies(), started.wires.t_ns
    started.serve(10.0)
    after = started.energies()
    active, reactive = started.source.fed(t, t + 10_000_000_000)
    ws_per_code = 707.813886 * 11.785113 / 20_694_066 * 8192 / 8000
    gained = [(b - a) * ws_per_code for a, b in zip(before, after, strict=True)]
    assert gained == pytest.approx([*active, *reactive], rel=1e-5)


def test_exported_energy_is_negative(started: Bench) -> None:
    started.source.set(phi=(200, 60, 300), t_ns=started.wires.t_ns)
    started.serve(1.0)
    a = started.energies()
    started.serve(1.0)
    b = started.energies()
    signs = [1 if y > x else -1 for x, y in zip(a, b, strict=True)]
    assert signs == [-1, 1, 1, -1, 1, -1]


# --- trouble: noticed within a second, never as energy ----------------------------------------------------------------


def noticed_after(bench: Bench, *, text: str) -> float:
    """Seconds until serving raises ChipError with `text`, as the meter serves: at an edge, or every 250 ms."""
    start = bench.wires.t_ns
    codes = [0] * 6
    with pytest.raises(ChipError, match=text):
        while bench.wires.t_ns - start < 3_000_000_000:
            if bench.chip.irq0.level and bench.chip.irq1.level:
                due, limit = bench.chip.next_event(), bench.wires.t_ns + 250_000_000
                while due is not None and due < limit and bench.chip.irq0.level and bench.chip.irq1.level:
                    bench.wires.run(max(0, due - bench.wires.t_ns) / 1e9)
                    due = bench.chip.next_event()
                if bench.chip.irq0.level and bench.chip.irq1.level:
                    bench.wires.run((limit - bench.wires.t_ns) / 1e9)
            bench.driver.read_pages(bench.driver.page_buffer)
            if bench.driver.energy_ready():
                bench.driver.read_energies(codes)
    return (bench.wires.t_ns - start) / 1e9


@pytest.mark.parametrize("delay", [0.7, 1.001, 1.31])
@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("spontaneous_reset", "chip has been reset"),
        ("brown_out", "chip has been reset|bad CRC"),
        ("power", "bad CRC|no energy interval|no waveform page"),
        ("stop_sampling", "no energy interval|no waveform page"),
        ("stuck_0", "bad CRC"),
        ("stuck_1", "bad CRC"),
        ("error_0", "error, STATUS1 0x1"),
        ("error_1", "error, STATUS1 0x2"),
        ("error_3", "error, STATUS1 0x8"),
        ("run_0", "RUN 0|no energy interval|no waveform page"),
    ],
)
def test_faults_are_noticed_within_a_second(started: Bench, fault: str, text: str, delay: float) -> None:
    started.serve(delay)
    chip, t = started.chip, started.wires.t_ns
    inject = {
        "spontaneous_reset": chip.faults.spontaneous_reset,
        "brown_out": lambda: chip.faults.brown_out(5.0),
        "power": lambda: chip.power(False, t),
        "stop_sampling": chip.faults.stop_sampling,
        "stuck_0": lambda: setattr(chip.faults, "stuck_miso", 0x00),
        "stuck_1": lambda: setattr(chip.faults, "stuck_miso", 0xFF),
        "error_0": lambda: chip.faults.error(0),
        "error_1": lambda: chip.faults.error(1),
        "error_3": lambda: chip.faults.error(3),
        "run_0": lambda: chip.access.write(r.RUN, 0),
    }
    inject[fault]()
    assert noticed_after(started, text=text) <= 1.0


def test_an_error_the_chip_has_corrected_is_acknowledged(started: Bench) -> None:
    started.serve(0.6)
    started.chip.faults.error(2)
    started.serve(1.0)
    assert started.chip.irq1.level == 1


def test_a_missed_interval_is_trouble_and_a_stalled_host_is_not(started: Bench) -> None:
    started.serve(1.2)
    started.wires.run(20.0)  # the host slept: EGYRDY is waiting
    assert started.serve(0.1)[1]
    assert started.driver.energy_elapsed_ms > 19_000
    started.chip.faults.missed_egyrdy = 3
    with pytest.raises(ChipError, match="no energy interval"):
        started.serve(1.5)


def test_energies_of_a_chip_reset_in_between_are_refused(started: Bench) -> None:
    started.serve(1.2)
    started.chip.faults.spontaneous_reset()
    started.wires.run(0.0001)
    with pytest.raises(ChipError, match="reset"):
        started.energies()
    started.start()
    started.serve(0.6)
    # the reset falls between two of the six reads, and its interrupt line is broken
    irq1, reads = started.driver._irq1, 0
    original = started.spi.write_readinto

    def resetting(out: Any, buf: Any) -> None:
        nonlocal reads
        reads += 1
        if reads == 4:
            started.chip.faults.spontaneous_reset()
            started.wires.run(0.0005)
        original(out, buf)

    started.spi.write_readinto = resetting  # type: ignore[method-assign]
    started.driver._irq1 = DirectPin(value=1)
    with pytest.raises(ChipError, match="chip stopped: RUN 0"):
        started.energies()
    started.driver._irq1 = irq1


def test_after_trouble_a_start_brings_everything_back(started: Bench) -> None:
    started.serve(0.6)
    started.chip.faults.brown_out(5.0)
    with pytest.raises(ChipError):
        started.serve(1.0)
    started.start()
    pages, intervals = started.serve(1.3)
    assert len(intervals) == 2
    assert len(pages) == pytest.approx(650, abs=2)
