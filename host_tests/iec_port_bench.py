"""The optical port on its own under MicroPython: the virtual board's UART, the bench's line, a client's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_tests.iec_meter import SERVICE, STANDARD
from tools.bench import process
from tools.bench.gpio import Gpio
from tools.bench.mcu import Mcu
from tools.bench.uart import UartLine, VirtualEnd
from tools.bench.world import World

BOOT = """
import sys
sys.path[:] = [{board!r}, {firmware!r}, ".frozen"]
import time
import tasks
sys.modules["_asyncio"] = tasks
import asyncio.core
tasks.core = asyncio.core
import io_queue
io_queue.core = asyncio.core
asyncio.core._io_queue = io_queue.IOQueue()
import machine
from meter.comms.iec62056_21 import ModeC
from meter.comms.line import OpticalLine
from meter.comms.port import Port
from meter.comms.port_setup import PortSetup
from meter.comms.programming import Programming

class Parameters:
    address = "12345678"
    reaction_ms = {reaction_ms}
    changeover_ms = 1000

LISTS = {lists!r}
BUSY_MS = {busy_ms}

{access}

async def measure():
    # the metering task: holds the loop up for a while, again and again
    while BUSY_MS:
        time.sleep_ms(BUSY_MS)
        await asyncio.sleep_ms(1)

async def main():
    uart = machine.UART(0, 300, bits=7, parity=0, stop=1)
    programming = globals().get("programming") or (Programming(access) if access else None)
    make_station = globals().get("make_station")
    lines = lambda number: iter(LISTS[number])
    protocol = ModeC(lambda: {ident!r}, lines, PortSetup(Parameters), programming, make_station)
    port = Port(OpticalLine(uart), protocol)
    await asyncio.gather(port.run(), measure())

asyncio.run(main())
"""


class PortBench:
    """A microcontroller that runs nothing but the port, the line and a client's end."""

    def __init__(self) -> None:
        self.line, self.end = UartLine(), VirtualEnd()
        self.line.attach(self.end)
        self.world = World([self.line])
        self.mcu = Mcu(self.world, Gpio(), {}, {}, [self.line], virtual=True, unique_id=bytes(8))
        self.mcu.start()
        self.run(0.1)

    def run(self, seconds: float) -> None:
        self.mcu.run_until(self.world.now + round(seconds * 1e9))

    def say(self, data: bytes, baud: int = 300) -> int:
        """Send and let it arrive; when it was out (ns)."""
        self.end.write(data, baud)
        out = self.end.idle_at()
        self.run((out - self.world.now) / 1e9)
        return out

    def first_heard_after(self, t_ns: int, limit_s: float = 3) -> int:
        """Time from `t_ns` until the first character from the meter has come, ns."""
        while self.world.now - t_ns < limit_s * 1e9:
            self.run(0.001)
            if self.end.read():
                return self.world.now - t_ns
        raise AssertionError("nothing")


Maker = Callable[..., PortBench]


def port_benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    """Gives a function that starts a microcontroller with the port; what it has started is stopped in the end.

    `access` is code that makes an object of that name, and perhaps a `programming` and a `make_station`.
    """
    benches: list[PortBench] = []

    def make_one(
        ident: str = "/LGZ5ZMG405260b.P01",
        busy_ms: int = 0,
        lines: list[str] | None = None,
        access: str = "access = None",
        reaction_ms: int = 200,
    ) -> PortBench:
        root = process.ROOT
        boot = tmp_path / f"boot{len(benches)}.py"
        lists = {0: lines or STANDARD, 6: SERVICE}
        paths = {"board": str(root / "boards" / "virtual"), "firmware": str(root / "firmware")}
        options = {"busy_ms": busy_ms, "ident": ident, "access": access, "reaction_ms": reaction_ms}
        boot.write_text(BOOT.format(lists=lists, **options, **paths))
        monkeypatch.setattr(process, "BOOT", boot)
        benches.append(PortBench())
        return benches[-1]

    yield make_one
    for bench in benches:
        bench.mcu.stop()
