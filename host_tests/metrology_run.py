"""The sample path under MicroPython, where a second of samples takes milliseconds: pages in, all values out."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy.typing as npt

from host_tests.interpreters import on_micropython
from host_tests.metrology_signals import ANALOG, codes, pages

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"

SCRIPT = """
import sys, json
sys.path.insert(0, {firmware!r})
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath

analog, nominal_hz, network, apparent, name = json.loads({setting!r})
path = SamplePath(analog, nominal_hz, NETWORKS[network], apparent)

def single(values):
    found = {{}}
    for quantity in ("u", "i", "p", "q", "s", "pf", "u_angle", "i_angle", "lag"):
        found[quantity] = [values.phase(quantity, n) for n in range(3)]
    for quantity in ("p", "q", "s", "pf", "f", "i0"):
        found["total_" + quantity] = values.total(quantity)
    found["u_sym"], found["i_sym"] = values.u_sym, values.i_sym
    found["present"], found["reversed_field"] = list(path.present), path.reversed_field
    found["p_energy"], found["q_energy"] = list(path.energy.p_energy), list(path.energy.q_energy)
    found["duration"], found["end"] = path.energy.duration, end
    return found

def spectra():
    h = path.harmonics
    found = {{"u": [], "i": [], "thd_u": [], "thd_i": [], "end": end}}
    for n in range(3):
        found["u"].append([h.u(n, order) for order in range(1, 41)])
        found["i"].append([h.i(n, order) for order in range(1, 41)])
        found["thd_u"].append(h.thd_u(n))
        found["thd_i"].append(h.thd_i(n))
    return found

windows, seconds, folds, end = [], [], [], 0
with open(name, "rb") as stream:
    while True:
        part = stream.read(896)
        if not part:
            break
        n = len(part) // 448
        seen = path.windows, path.seconds, path.harmonics.folds
        path.feed(part, n)
        end += 16 * n
        if path.windows != seen[0]:
            windows.append(single(path.window))
        if path.seconds != seen[1]:
            seconds.append(single(path.second))
        if path.harmonics.folds != seen[2]:
            folds.append(spectra())
print(json.dumps([windows, seconds, folds]))
"""


class Measured:
    """What came out: dicts of all values, one for each window, second and fold; `end`: sample at which it was there."""

    def __init__(self, windows: list[Any], seconds: list[Any], folds: list[Any]) -> None:
        self.windows, self.seconds, self.folds = windows, seconds, folds


def measure(
    signals: npt.NDArray[Any], nominal_hz: int = 50, network: str = "3P4W", apparent: str = "vector"
) -> Measured:
    """Run (n, 7) volts and amperes through a fresh sample path, two pages at a time."""
    return measure_pages(pages(codes(signals)), nominal_hz, network, apparent)


def measure_pages(stream: bytes, nominal_hz: int = 50, network: str = "3P4W", apparent: str = "vector") -> Measured:
    """The same for the chip's pages."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(stream)
        file.flush()
        setting = json.dumps([ANALOG, nominal_hz, network, apparent, file.name])
        script = SCRIPT.format(firmware=str(FIRMWARE), setting=setting)
        printed = on_micropython(script, "64M", timeout=120)
    return Measured(*json.loads(printed))
