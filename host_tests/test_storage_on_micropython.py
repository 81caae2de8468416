"""Storage, parameters, factory data and clock arithmetic under MicroPython, checked by CPython."""

from __future__ import annotations

import datetime
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from host_tests.interpreters import on_micropython
from meter import factory
from meter.factory import Factory
from meter.parameters import Parameters
from meter.storage import layout
from meter.storage.records import Record
from tools.bench.process import ROOT

HEAP = "256K"

PRELUDE = """
import gc, json, sys
sys.path.insert(0, {firmware!r})

class Memory:
    def __init__(self):
        with open({image!r}, "rb") as file:
            self.content = bytearray(file.read())
    def read_into(self, address, buf):
        buf[:] = self.content[address : address + len(buf)]
    def write(self, address, buf):
        self.content[address : address + len(buf)] = buf
    def keep(self):
        with open({image!r}, "wb") as file:
            file.write(self.content)
"""


class Image:
    """The used part of a FRAM in a file, as CPython sees it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(layout.COUNTERS.end))

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self.path.read_bytes()[address : address + len(buf)]

    def write(self, address: int, buf: Any) -> None:
        content = bytearray(self.path.read_bytes())
        content[address : address + len(buf)] = buf
        self.path.write_bytes(content)

    def run(self, script: str) -> Any:
        """Run `script` under MicroPython on this memory; what it prints is JSON."""
        text = PRELUDE.format(firmware=str(ROOT / "firmware"), image=str(self.path)) + script
        printed = on_micropython(text, HEAP)
        return json.loads(printed)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path / "fram.bin")


def test_factory_data_made_by_cpython_is_read_by_micropython(image: Image) -> None:
    made = Factory("ZMG405CR4.260b.43", "23660088")
    image.write(layout.FACTORY.address, factory.image(made))
    found = image.run(
        "from meter import factory\n"
        "f = factory.load(Memory())\n"
        "ident = factory.identification(f.type_designation, 'P01')\n"
        "print(json.dumps([f.type_designation, f.serial_number, f.full_scale_uv, f.full_scale_na, ident]))"
    )
    assert found == [made.type_designation, "23660088", made.full_scale_uv, made.full_scale_na, "ZMG405260b.P01"]


def test_factory_image_is_the_same_from_both(image: Image) -> None:
    image.run(
        "from meter.factory import Factory\n"
        "m = Memory()\n"
        "Factory('ZMG410AR1.000b.00', '00000017', 1, 1 << 40).store(m)\n"
        "m.keep()\n"
        "print('null')"
    )
    made = factory.image(Factory("ZMG410AR1.000b.00", "00000017", 1, 1 << 40))
    assert image.path.read_bytes()[: layout.FACTORY.size] == made


def test_records_go_on_in_the_other_interpreter_across_the_wrap_of_the_sequence(image: Image) -> None:
    area = layout.ENERGY
    ours = Record(image, area.address, area.capacity, 1)
    ours._sequence, ours.status = 0xFFFFFFFD, 1  # three saves before the wrap
    ours.save(struct.pack("<3Q", 1, 2, 1 << 50))
    found = image.run(
        "import struct\n"
        "from meter.storage.layout import ENERGY\n"
        "from meter.storage.records import Record\n"
        "m = Memory()\n"
        "r = Record(m, ENERGY.address, ENERGY.capacity, 1)\n"
        "values = struct.unpack('<3Q', r.load())\n"
        "for k in range(3): r.save(struct.pack('<3Q', *[v + k + 1 for v in values]))\n"
        "m.keep()\n"
        "print(json.dumps(values))"
    )
    assert found == [1, 2, 1 << 50]
    again = Record(image, area.address, area.capacity, 1)
    assert again.load() == struct.pack("<3Q", 4, 5, (1 << 50) + 3)
    assert again._sequence == 1


def test_parameters_keep_their_door_and_their_format(image: Image) -> None:
    Parameters(image).set("address", "0815", 4)
    found = image.run(
        "from meter.parameters import ParameterRefused, Parameters\n"
        "m = Memory()\n"
        "p = Parameters(m)\n"
        "p.load()\n"
        "out = [p.address, p.reaction_ms, p.set('reaction_ms', 20, 2), p.reaction_ms]\n"
        "for name, value, level in (('reaction_ms', 19, 4), ('reaction_ms', True, 4), ('led_constant', 5000, 3)):\n"
        "    try: p.set(name, value, level)\n"
        "    except ParameterRefused as e: out.append(e.reason)\n"
        "try: p.reaction_ms = 7\n"
        "except AttributeError: out.append('door')\n"
        "m.keep()\n"
        "print(json.dumps(out))"
    )
    assert found == ["0815", 200, True, 20, "out of range", "wrong type", "access denied", "door"]
    ours = Parameters(image)
    ours.load()
    assert (ours.reaction_ms, ours.address) == (20, "0815")


def test_saving_a_record_every_second_leaves_next_to_nothing_for_the_collector(image: Image) -> None:
    used = image.run(
        "from meter.storage.layout import ENERGY\n"
        "from meter.storage.records import Record\n"
        "m = Memory()\n"
        "r = Record(m, ENERGY.address, ENERGY.capacity, 1)\n"
        "payload = bytearray(8 * 48)\n"
        "kept = bytearray(8 * 48 + 12)\n"
        "def write(address, buf): kept[:] = buf\n"
        "def read_into(address, buf):\n"
        "    if len(buf) == len(kept): buf[:] = kept\n"
        "m.write, m.read_into = write, read_into\n"
        "r.save(payload)\n"
        "gc.collect(); gc.disable()\n"
        "before = gc.mem_alloc()\n"
        "for _ in range(10): r.save(payload)\n"
        "after = gc.mem_alloc()\n"
        "print(json.dumps((after - before) / 10))"
    )
    assert used <= 64  # bytes per save of 396 bytes, on the 64-bit port


def test_the_clock_driver_counts_days_as_pythons_calendar_does(image: Image) -> None:
    epoch, step = datetime.datetime(2000, 1, 1), 3_456_789
    found = image.run(
        "from drivers.ds3231 import DS3231\n"
        "class I2C:\n"
        "    def __init__(self): self.registers = bytearray(19)\n"
        "    def writeto_mem(self, _address, register, buf): self.registers[register : register + len(buf)] = buf\n"
        "    def readfrom_mem_into(self, _address, register, buf):\n"
        "        buf[:] = self.registers[register : register + len(buf)]\n"
        "bus = I2C()\n"
        "clock = DS3231(bus)\n"
        "out = bytearray()\n"
        f"for t in range(0, 36525 * 86400, {step}):\n"
        "    clock.set(t)\n"
        "    assert clock.now() == t\n"
        "    out.extend(bus.registers[:7])\n"
        "print(json.dumps(out.hex()))"
    )
    registers = bytes.fromhex(found)
    assert len(registers) // 7 > 900
    for number in range(len(registers) // 7):
        moment = epoch + datetime.timedelta(seconds=number * step)
        shown = registers[7 * number : 7 * number + 7].hex(" ")
        assert shown == moment.strftime(f"%S %M %H {moment.isoweekday():02d} %d %m %y")
