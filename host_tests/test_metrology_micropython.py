"""Metrology and the chip's driver under MicroPython: the same numbers as in CPython, no heap per page, fast enough."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.ade9000_crc import crc16, make_table
from host_tests.interpreters import on_micropython
from host_tests.metrology_signals import ANALOG, codes, pages, phase_cycles, waveform
from meter.metrology import kernels as k
from meter.metrology.billing_path import BillingPath
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"


def run(script: str, *arguments: object) -> Any:
    """What a script prints as JSON; `sys.argv[1:]` are the arguments."""
    text = f"import sys\nsys.path.insert(0, {str(FIRMWARE)!r})\nimport json\nargv = {[str(a) for a in arguments]!r}\n"
    printed = on_micropython(text + script, "2M")
    return json.loads(printed)


KERNELS = """
from array import array
from drivers.ade9000_crc import crc16, make_table
from meter.metrology import kernels as k

page = open(argv[0], "rb").read()
table, ref, oscillator = k.sine_table(), array("H", [0] * 66), array("i", [123456789, 6710886, 0])
bins, grid = array("i", [0] * (k.CHANNELS * k.BANK_WORDS)), array("i", [0] * k.GRID_WORDS)
grid[k.GAP], grid[k.TOTAL] = k.ONE * 5 // 8, k.GRID
orders, found = array("i", [0] * (2 * k.ORDERS * k.CHANNELS)), []
for block in range(len(page) // 896):
    k.reference(32, table, ref, oscillator)
    found.append(sum((n + 1) * ref[n] for n in range(66)))
    for phase in range(3):
        state = array("i", [0] * k.STATE_WORDS)
        state[k.U_SHIFT] = state[k.I_SHIFT] = 12 - block % 3
        for n in (0, 1):
            # the second time on top of the first: sums and their carries
            found.append(k.correlate(page, ref, (32 * block + n) | (32 - n) << 10 | phase << 16 | (1 + n) << 18, state))
            found.extend(state)
    sum0 = array("i", [14, 0, 0, 0])
    found.append(k.neutral(page, (32 * block) | 32 << 10 | (block & 1) << 16, sum0))
    found.extend(sum0)
    full = k.fold(page, (32 * block) | 32 << 10 | 7 << 16, bins, grid)
    found.extend([full] + list(grid))
    if full:
        for channel in range(6):
            found.extend(bins[channel * k.BANK_WORDS : (channel + 1) * k.BANK_WORDS])
            found.append(k.dft(bins, table, channel * k.BANK_WORDS + (full - 1) * k.GRID, orders))
        found.extend(orders)
    crossing = array("i", [0, 100])
    found.append(k.rising(page, (32 * block) | (block % 7) << 10, 32, crossing))
    found.extend(crossing)
    found.append(k.code(page, 224 * block + 5))
    found.append(crc16(page, make_table(), 896 * block, 896))
out = bytearray(28)
k.copy_set(out, page, 77)
found.extend(out)
print(json.dumps(found))
"""


def kernels_in_cpython(page: bytes) -> list[int]:
    lines = KERNELS.splitlines()
    body = "\n".join(line for line in lines if not line.startswith(("from", "page", "print")))
    scope: dict[str, Any] = {"page": page, "k": k, "array": array, "crc16": crc16, "make_table": make_table}
    exec(body, scope)
    return list(scope["found"])


def test_kernels_give_the_same_bits(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    sets = generator.integers(-(1 << 27), 1 << 27, size=(16 * 32, 7))
    sets[32:64] //= 1 << 14
    sets[64:96] = -1
    (tmp_path / "pages").write_bytes(pages(sets))
    assert run(KERNELS, tmp_path / "pages") == kernels_in_cpython(pages(sets))


SAMPLE_PATH = """
import gc, time
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath

analog = json.loads(argv[1])
stream = open(argv[0], "rb").read()
blocks = [stream[n : n + 896] for n in range(0, len(stream), 896)]
path = SamplePath(analog, 50, NETWORKS["3P4W"])
windows, used, ends, seen = [], [], [], 0
for block in blocks:
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    path.feed(block, 2)
    after = gc.mem_alloc()
    gc.enable()
    if path.windows != seen:
        seen = path.windows
        ends.append(after - before)
        values = path.window
        windows.append([values.f] + values.u + values.i + values.p + values.q)
    elif seen:
        used.append(after - before)
from drivers.ade9000_crc import crc16, make_table
table = make_table()
def spent(work, times):
    # processor time for one block, us; its clock may tick in ms
    start = time.clock()
    for _ in range(times):
        for block in blocks:
            work(block)
    return (time.clock() - start) * 1e6 / len(blocks) / times
turns = [(spent(lambda block: path.feed(block, 2), 10), spent(lambda block: crc16(block, table, 0, 896), 50))
         for _ in range(5)]
feed, check = [min(column) for column in zip(*turns)]
print(json.dumps({"windows": windows, "used": used, "ends": ends, "feed": feed, "check": check}))
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, bytes]:
    file = tmp_path_factory.mktemp("pages") / "pages"
    stream = pages(codes(waveform(phase_cycles(49.9, 12_000), u=230.0, i=(5.0, 0.05, 9.0), phi=(60.0, -20.0, 170.0))))
    file.write_bytes(stream)
    return run(SAMPLE_PATH, file, json.dumps(ANALOG)), stream


def test_sample_path_gives_the_same_numbers(measured: tuple[Any, bytes]) -> None:
    found, stream = measured
    path, expected, seen = SamplePath(ANALOG, 50, NETWORKS["3P4W"]), [], 0
    for n in range(0, len(stream), 896):
        path.feed(stream[n : n + 896], 2)
        if path.windows != seen:
            seen = path.windows
            values = path.window
            expected.append([values.f, *values.u, *values.i, *values.p, *values.q])
    assert len(found["windows"]) == len(expected) >= 5
    for a, b in zip(found["windows"], expected, strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-9)


def test_sample_path_allocates_only_when_a_window_ends_or_is_half_over(measured: tuple[Any, bytes]) -> None:
    """Floats live on the heap: some where a window ends, a few in its middle, where the frequency is taken."""
    used, ends = measured[0]["used"], measured[0]["ends"]
    assert len(used) > 250
    halves = [size for size in used if size]
    assert len(halves) <= len(ends) + 1, used
    assert max(halves) < 1024
    assert max(ends) < 32 * 1024  # half of it on a machine of 32 bits


def test_a_page_pair_is_reduced_fast_enough(measured: tuple[Any, bytes]) -> None:
    """Beside the check sequence of the same octets, one viper loop, in the same process: 14 times as long."""
    found = measured[0]
    print(f"a page pair {found['feed']:.1f} us, its check sequence {found['check']:.1f} us")
    assert found["feed"] < 40 * found["check"]


DRIVER = """
import gc, time
import micropython
from array import array
from drivers import ade9000_registers as r
from drivers.ade9000 import ADE9000
from drivers.ade9000_crc import crc16, make_table

table, page = make_table(), open(argv[0], "rb").read()

class Pin:
    IRQ_FALLING = 2
    level = 0
    def value(self): return self.level
    def irq(self, handler, trigger): pass

class Chip:
    # answers just what reading pages and energies needs, without allocating
    def __init__(self):
        self.last, self.header, self.crc, self.runs = 1, bytearray(2), crc16(page, table, 0, 896), 1
    def write(self, out):
        self.header[0], self.header[1] = out[0], out[1]
    def readinto(self, view):
        view[:] = page
    def write_readinto(self, out, data):
        register = out[0] << 4 | out[1] >> 4
        for n in range(len(data)):
            data[n] = 0
        if register == r.WFB_TRG_STAT:
            data[2] = self.last << 4
        elif register == r.CRC_SPI:
            data[2], data[3] = self.crc >> 8, self.crc & 255
        elif register == r.STATUS0:
            data[3] = 2
        size = len(data) - 4
        crc = crc16(data, table, 2, size)
        data[2 + size], data[3 + size] = crc >> 8, crc & 255

chip, irq1 = Chip(), Pin()
irq1.level = 1
driver = ADE9000(chip, lambda level: None, Pin(), irq1)
buf, pages, used = driver.page_buffer, 0, 0
driver.read_pages(buf)
for turn in range(100):
    chip.last = (chip.last + 2) & 15
    micropython.heap_lock()
    pages += driver.read_pages(buf)
    ready = driver.energy_ready()
    micropython.heap_unlock()
    assert not ready
print(json.dumps([pages, driver.lost_pages, driver.crc_errors, bytes(buf[:896]) == page]))
"""


def test_driver_reads_pages_without_heap(tmp_path: Path) -> None:
    (tmp_path / "pages").write_bytes(random.Random(1).randbytes(896))
    assert run(DRIVER, tmp_path / "pages") == [200, 0, 0, True]


WAIT = """
import asyncio, time
from drivers.ade9000 import ADE9000

class Pin:
    IRQ_FALLING = 2
    def __init__(self): self.level, self.handler = 1, None
    def value(self): return self.level
    def irq(self, handler, trigger): self.handler = handler
    def fall(self):
        self.level = 0
        self.handler(self)

irq0, irq1 = Pin(), Pin()
chip = ADE9000(None, None, irq0, irq1)
said = []

async def later(ms, pin):
    await asyncio.sleep_ms(ms)
    pin.fall()

async def timed(timeout_ms):
    start = time.ticks_ms()
    answer = await chip.wait(timeout_ms)
    said.append([answer, time.ticks_diff(time.ticks_ms(), start)])

async def main():
    await timed(40)  # nothing happens
    for pin in (irq0, irq1):
        asyncio.create_task(later(10, pin))
        await timed(5000)  # an edge ends it
        await timed(5000)  # still low: at once
        pin.level = 1
    await timed(40)  # the flag of edges already served does not end it
    turns = 0
    irq0.level = 0
    async def other():
        nonlocal turns
        for _ in range(20):
            turns += 1
            await asyncio.sleep_ms(0)
    task = asyncio.create_task(other())
    for _ in range(50):
        await chip.wait(5000)
    said.append([turns == 20, 0])  # a line that is stuck does not stop other tasks
    print(json.dumps(said))

asyncio.run(main())
"""


def test_wait_ends_at_an_edge_at_a_low_line_and_in_time() -> None:
    nothing, edge0, low0, edge1, low1, again, others = run(WAIT)
    assert nothing[0] is False and nothing[1] <= 1000
    for edge, low in ((edge0, low0), (edge1, low1)):
        assert edge[0] is True and 5 <= edge[1] < 4000
        assert low[0] is True and low[1] < 100
    assert again[0] is False
    assert others[0] is True


BILLING = """
from meter.metrology.billing_path import BillingPath
from meter.metrology.networks import NETWORKS
analog, readings, summation, apparent = [json.loads(a) for a in argv]
billing, found = BillingPath(analog, NETWORKS["3P4W"], 100, 200, 60, summation, apparent), []
for codes, negative in readings:
    i = billing.advance(codes, 500, negative)
    found.append(i.rows[0] + i.rows[1] + i.rows[2] + i.rows[3] + i.p + i.q + i.s)
print(json.dumps(found))
"""


@pytest.mark.parametrize(("summation", "apparent"), [("vector", "vector"), ("absolute", "vector"), ("separate", "rms")])
def test_billing_path_gives_the_same_integers(summation: str, apparent: str) -> None:
    billing, expected = BillingPath(ANALOG, NETWORKS["3P4W"], 100, 200, 60, summation, apparent), []
    generator, codes_now, readings = random.Random(4), [0] * len(billing.codes), []
    for _ in range(40):
        low = -9_000_000 if summation == "vector" else 0
        codes_now = [(c + generator.randrange(low, 9_000_000)) % 2**32 for c in codes_now]
        readings.append(([c - 2**32 if c >> 31 else c for c in codes_now], generator.randrange(64)))
    for codes_read, negative in readings:
        n = billing.advance(codes_read, 500, negative)
        expected.append(sum(n.rows, []) + n.p + n.q + n.s)
    assert run(BILLING, *map(json.dumps, (ANALOG, readings, summation, apparent))) == expected
