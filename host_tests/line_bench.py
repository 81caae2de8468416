"""A line discipline on its own under MicroPython: the virtual board's UART, the bench's line, a client's end.

The firmware keeps what its line gives it, chunk by chunk, and knows three commands, each ended by a line feed:
`s<n>` send n characters in pieces of 100, `r` send back all that has come, `c` send the lengths of the chunks.
What it sends ends in `~`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.bench import process
from tools.bench.gpio import Gpio
from tools.bench.mcu import Mcu
from tools.bench.uart import UartLine, VirtualEnd
from tools.bench.world import World

DRIVER = 9  # pin of the RS485 driver

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
from meter.comms import line as lines

BUSY_MS = {busy_ms}

async def measure():
    # the metering task: holds the loop up for a while, again and again
    while BUSY_MS:
        time.sleep_ms(BUSY_MS)
        await asyncio.sleep_ms(1)

def pieces(text):
    return [text[n : n + 100] for n in range(0, len(text), 100)]

async def serve(line):
    line.set_rate({rate}, lines.FRAME_{frame})
    wait_ms, got, chunks = -1, b"", []
    while True:
        chunk = await line.read(wait_ms)
        if not chunk:
            continue
        wait_ms = {wait_ms}
        chunks.append(len(chunk))
        got += chunk
        if not got.endswith(b"\\n"):
            continue
        begin = got.rfind(b"\\n", 0, -1) + 1
        command = got[begin:-1]
        if command[:1] == b"s":
            got = b""
            await line.send(pieces(b"x" * (int(command[1:]) - 1) + b"~"))
        elif command == b"r":
            await line.send(pieces(got + b"~"))
            got = b""
        elif command == b"c":
            await line.send(pieces(str(chunks).encode() + b"~"))

async def main():
    uart = machine.UART(0, 300, bits=7, parity=0, stop=1)
    driver = machine.Pin({driver}, machine.Pin.OUT, value=0)
    await asyncio.gather(serve({line}), measure())

asyncio.run(main())
"""


class LineBench:
    """A microcontroller that runs nothing but the line's test. `driver`: (time ns, level) of the driver pin."""

    def __init__(self, baud: int, frame: str) -> None:
        self.line, self.end = UartLine(), VirtualEnd(baud, frame)
        self.baud, self.frame = baud, frame
        self.line.attach(self.end)
        self.world = World([self.line])
        gpio = Gpio()
        self.driver: list[tuple[int, int]] = []
        gpio.outputs[DRIVER] = lambda level, t_ns: self.driver.append((t_ns, level))
        self.mcu = Mcu(self.world, gpio, {}, {}, [self.line], virtual=True, unique_id=bytes(8))
        self.mcu.start()
        self.run(0.1)

    def run(self, seconds: float) -> None:
        self.mcu.run_until(self.world.now + round(seconds * 1e9))

    def say(self, data: bytes) -> None:
        """Send and let it arrive."""
        self.end.write(data)
        self.run((self.end.idle_at() - self.world.now) / 1e9)

    def hear(self, last: bytes = b"~", step_s: float = 0.0001, limit_s: float = 20) -> bytes:
        """What the meter sends up to `last`, looked at after each `step_s`."""
        data, end = b"", self.world.now + limit_s * 1e9
        while not data.endswith(last):
            self.run(step_s)
            data += self.end.read()
            assert self.world.now < end, data
        return data


Maker = Callable[..., LineBench]


def line_benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    """Gives a function that starts a microcontroller with a line; what it has started is stopped in the end.

    `line` is code that makes the line from `uart` and `driver`; `wait_ms` is the time limit of its reads after the
    first; `busy_ms` how long the metering holds up the loop, each time it has the turn.
    """
    benches: list[LineBench] = []

    def make_one(
        line: str, rate: int = 9600, frame: str = "8N1", *, wait_ms: int = 120_000, busy_ms: int = 0
    ) -> LineBench:
        root = process.ROOT
        boot = tmp_path / f"boot{len(benches)}.py"
        settings = {"line": line, "rate": rate, "frame": frame, "wait_ms": wait_ms, "busy_ms": busy_ms}
        paths = {"board": str(root / "boards" / "virtual"), "firmware": str(root / "firmware")}
        boot.write_text(BOOT.format(driver=DRIVER, **settings, **paths))
        monkeypatch.setattr(process, "BOOT", boot)
        benches.append(LineBench(rate, frame))
        return benches[-1]

    yield make_one
    for bench in benches:
        bench.mcu.stop()
