"""The wrapper under MicroPython, in real time on the virtual board, with an echo for an application layer."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.bench import Bench, process

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
import machine
import socket_queue
asyncio.core._io_queue = socket_queue.SocketQueue()
import board
from meter.comms.wrapper import TcpSetup, WrapperPort

class Echo:
    max_pdu = 1024
    ended = 0  # connections

    def __init__(self):
        self.waiting = None
        self.standing = 0

    def request(self, client, logical_device, apdu):
        if apdu == b"none":
            return None
        if apdu == b"ask":
            return ask().encode()
        if apdu == b"ended":
            return b"%d" % Echo.ended
        if apdu == b"open":
            return b"%d" % len(port._connections)
        if apdu == b"long":
            return bytes(60000)
        if apdu == b"associate":
            self.standing = 2
        if apdu == b"fail":
            raise ValueError("asked for")
        if apdu == b"notify":
            self.waiting = (client, logical_device, b"news")
            port.wake()
            return None
        return apdu

    def released(self):
        Echo.ended += 1

    def notification(self):
        waiting, self.waiting = self.waiting, None
        return waiting

class Tcp(TcpSetup):
    inactivity_s = {inactivity_s}

this_board = board.Board()
port = WrapperPort(this_board.tcp_address(4059), Echo, Tcp)

{more}

async def main():
    await asyncio.gather(port.run(), more())

asyncio.run(main())
"""

NO_MORE = """
def ask():
    return ""

async def more():
    pass
"""

# The whole meter beside it, and a task that looks at the clock all the time.
METER = """
from meter.meter import Meter
meter = Meter(this_board)
steps_back = 0
longest = 0

def ask():
    return "%d %d %d" % (meter._counters.get("lost_pages"), steps_back, longest)

async def watch():
    global steps_back, longest
    last = time.ticks_us()
    while True:
        await asyncio.sleep_ms(1)
        now = time.ticks_us()
        steps_back += now < last
        longest = max(longest, now - last)
        last = now

async def more():
    await asyncio.gather(meter.run(), watch())
"""

# So many round trips one after the other, from a process of its own; prints the processor time it took for them.
CLIENT = """
import socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
client = socket.create_connection(("127.0.0.1", port))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
message = bytes.fromhex("0001 0010 0001 000d c001c100030100010800ff0200")
answer = bytes.fromhex("0001 0001 0010 000d c001c100030100010800ff0200")
begin = time.process_time()
for _ in range(count):
    client.sendall(message)
    assert client.recv(4096) == answer
print(time.process_time() - begin)
"""


@contextmanager
def wrapper_bench(folder: Path, *, more: str = NO_MORE, inactivity_s: int = 180) -> Iterator[Bench]:
    """A real-time bench whose firmware is the echo, and whatever the code `more` is: `async more()` and `ask()`."""
    boot = folder / "boot.py"
    paths = {"board": str(process.ROOT / "boards" / "virtual"), "firmware": str(process.ROOT / "firmware")}
    boot.write_text(BOOT.format(more=more, inactivity_s=inactivity_s, **paths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "BOOT", boot)
        bench = Bench(virtual=False)
        bench.source.set(u=230, i=5, phi=0)
        with bench:
            yield bench


def connect(bench: Bench, limit_s: float = 10) -> socket.socket:
    """A connection, as soon as the firmware listens."""
    assert bench.tcp_port is not None
    end = time.monotonic() + limit_s
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", bench.tcp_port), timeout=5)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client
        except ConnectionRefusedError:
            assert time.monotonic() < end, bench.log
            time.sleep(0.01)


def pdu(apdu: bytes, source: int = 16, destination: int = 1) -> bytes:
    """A wrapped APDU."""
    return b"".join(n.to_bytes(2, "big") for n in (1, source, destination, len(apdu))) + apdu


def receive(client: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, fewer if the connection ends."""
    data = b""
    while len(data) < size:
        part = client.recv(min(1 << 16, size - len(data)))
        if not part:
            break
        data += part
    return data


def ask(client: socket.socket, apdu: bytes) -> bytes:
    """The APDU that answers `apdu`."""
    client.sendall(pdu(apdu))
    header = receive(client, 8)
    assert header[:6] == bytes.fromhex("0001 0001 0010")
    return receive(client, int.from_bytes(header[6:], "big"))


def round_trips(bench: Bench, count: int) -> tuple[float, float]:
    """Processor time in seconds that the firmware and a client without pauses took for so many round trips."""
    before = cpu_seconds(bench)
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(bench.tcp_port), str(count)], stdout=subprocess.PIPE, text=True
    )
    said, _ = client.communicate(timeout=120)
    assert client.returncode == 0
    return cpu_seconds(bench) - before, float(said)


def cpu_seconds(bench: Bench) -> float:
    """Processor time of the firmware's process so far."""
    assert bench.mcu.process is not None
    runtime_ns = Path(f"/proc/{bench.mcu.process.pid}/schedstat").read_text().split()[0]
    return int(runtime_ns) / 1e9
