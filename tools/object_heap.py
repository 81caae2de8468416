"""Heap bytes that objects of the meter's object model take while somebody holds them, under the Unix MicroPython."""

from __future__ import annotations

import json
import subprocess

from tools.bench.process import ROOT, find_micropython

_COPIES = 10  # of an object that are held while it is measured

# One of each object of a full meter, made with nothing behind it: an object only knows the way to its value.
_SCRIPT = """
import gc, json, sys
sys.path.insert(0, {firmware!r})
from meter.cosem.model import ObjectModel
from meter.metrology.energies import channels, energy_list
from meter.parameters import Parameters
from meter.tariff.demand import Demand
from meter.tariff.load_profile import LoadProfile
from meter.tariff.rated_registers import RatedRegisters
from meter.type_code import TypeCode

class Nothing:
    capacity, security, serial_number, scripts = 0, None, "00000000", {{}}
    def __getattr__(self, name):
        return self
    def __getitem__(self, n):
        return self

class Memory:
    def read_into(self, address, buf):
        buf[:] = bytes(len(buf))

def sources_with(parameters):
    sources = Nothing()
    sources.rated = RatedRegisters(energy_list(parameters.rated_quantities), parameters.rates)
    sources.demand = Demand(sources, energy_list(parameters.demand_quantities), parameters.rates, 900)
    shown = [channels(parameters.get("profile_%d_channels" % n)) for n in (1, 2)]
    sources.profiles = tuple([LoadProfile(sources, each, 900, sources) for each in shown])
    return sources

def used():
    gc.collect()
    return gc.mem_alloc()

sources = sources_with(Parameters(Memory()))
before = used()
model = ObjectModel(sources, Parameters(Memory()), TypeCode("ZMG405CR4.260b.42"))
sizes = {{"model": [1, used() - before]}}
names = [(found.class_id, found.logical_name) for found in model.objects()]
held = [None] * {copies}
for class_id, logical_name in names:
    model.get(class_id, logical_name)
    before = used()
    for n in range(len(held)):
        held[n] = model.get(class_id, logical_name)
    size = used() - before
    for n in range(len(held)):
        held[n] = None
    of_class = sizes.setdefault(str(class_id), [0, 0])
    of_class[0] += 1
    of_class[1] += size // len(held)
print(json.dumps(sizes))
"""


def measure() -> dict[str, tuple[int, int]]:
    """By class, and "model" for the ObjectModel with its parameters: how many objects, bytes of all of them."""
    script = _SCRIPT.format(firmware=str(ROOT / "firmware"), copies=_COPIES)
    command = [find_micropython(), "-X", "heapsize=1M", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return {name: (count, size) for name, (count, size) in json.loads(done.stdout).items()}


def report(sizes: dict[str, tuple[int, int]]) -> str:
    """The measurement as a table, bytes of one object of each class."""
    objects = {name: value for name, value in sizes.items() if name != "model"}
    lines = [f"  {'model':<22}{sizes['model'][1]:>12}"]
    for name in sorted(objects, key=int):
        count, size = objects[name]
        lines.append(f"  {f'class {name}, {count} objects':<22}{size / count:>12.0f}")
    mean = sum(size for _, size in objects.values()) / sum(count for count, _ in objects.values())
    return "\n".join([*lines, f"  {'mean of the objects':<22}{mean:>12.0f}"])
