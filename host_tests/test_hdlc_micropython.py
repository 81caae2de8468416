"""The link layer under MicroPython with a small heap: the same octets as in CPython, and steady memory."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from host_tests.hdlc_line import POLL, RR, SNRM, Client, FakeServer, Frame, Line, command, parameters
from host_tests.interpreters import on_micropython

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"

SCRIPT = """
import sys
sys.path.insert(0, {firmware!r})
import gc, json
from meter.comms.hdlc import Station

class Setup:
    window_tx = window_rx = 7
    max_info_tx = max_info_rx = 1024
    inter_octet_ms, inactivity_s, physical_address, logical_devices = 25, 120, 17, (1,)

class Server:
    max_pdu = 5000
    def request(self, client, logical_device, apdu):
        return apdu + apdu
    def released(self):
        pass
    def notification(self):
        return None

station, now = Station(Setup(), Server()), 0
with open({speech!r}) as file:
    for line in file:
        now += 100
        station.feed(bytes.fromhex(line.strip()), now)
        out = station.tick(now)
        if out is not None:
            print(json.dumps([bytes(frame).hex() for frame in out]))
            station.sent(now)
print(station.lost)
"""


def run(script: str, heap: str, **values: object) -> list[Any]:
    """The lines of JSON that a script prints."""
    text = script.format(firmware=str(FIRMWARE), **values)
    printed = on_micropython(text, heap)
    return [json.loads(text) for text in printed.splitlines()]


def test_micropython_says_the_same_octets(tmp_path: Path) -> None:
    """A conversation with repeats and spoilt frames, in windows and out of them, recorded in CPython."""
    line = Line(FakeServer(lambda apdu: apdu * 2), window_tx=7, window_rx=7, max_info_tx=1024, max_info_rx=1024)
    generator, heard, said = random.Random(1), [], []

    def carry(frames: list[Frame]) -> list[Frame]:
        octets = bytearray(b"".join(frame.octets() for frame in frames))
        if generator.random() < 0.2:
            octets[generator.randrange(len(octets))] ^= 1 << generator.randrange(8)
        line.now += 100
        heard.append(bytes(octets).hex())
        answer = line.say(bytes(octets))
        if answer:
            said.append([frame.octets().hex() for frame in answer])
        return answer if generator.random() < 0.8 else []

    for info, window in ((128, 1), (1024, 1), (200, 7), (32, 3)):
        client = Client(carry)
        client.connect(parameters(info_tx=info, info_rx=info, window_tx=window, window_rx=window))
        for size in (1, 100, 700):
            client.exchange(generator.randbytes(size))
        client.disconnect()
    speech = tmp_path / "speech"
    speech.write_text("\n".join(heard))
    result = run(SCRIPT, "160K", speech=str(speech))
    assert result[:-1] == said
    assert result[-1] == line.station.lost > 0


STEADY = """
import sys
sys.path.insert(0, {firmware!r})
import gc, json, micropython
from meter.comms.hdlc import Station

class Setup:
    window_tx = window_rx = 1
    max_info_tx = max_info_rx = 128
    inter_octet_ms, inactivity_s, physical_address, logical_devices = 25, 120, 17, (1,)

class Server:
    max_pdu = 1024
    def request(self, client, logical_device, apdu):
        return apdu
    def released(self):
        pass
    def notification(self):
        return None

gc.collect()
before = gc.mem_alloc()
station = Station(Setup(), Server())
gc.collect()
own = gc.mem_alloc() - before
frames = [bytes.fromhex(text) for text in {frames!r}]
answers = 0
for n in range(2000):
    for frame in frames:
        station.feed(frame, n)
        out = station.tick(n)
        for piece in out or ():
            answers += 1
gc.collect()
print(json.dumps([own, gc.mem_alloc() - before, answers]))
"""


def test_a_busy_bus_leaves_no_memory_behind() -> None:
    frames = [
        command(SNRM | POLL),
        command(POLL, b"\xe6\xe6\x00" + bytes(100)),
        command(RR | POLL | 1 << 5),
        Frame(b"\x21", bytes.fromhex("00020025"), 0x30, b"\xe6\xe7\x00" + bytes(1500)),
    ]
    texts = [frame.octets().hex() for frame in frames] + ["7ea7ff0321", "55" * 40]
    ((own, after, answers),) = run(STEADY, "120K", frames=texts)
    assert answers == 3 * 2000
    assert own < 2 * 4096  # on a 64-bit machine; 2 KB of it are the buffer for the longest frame
    assert after < own + 4096
