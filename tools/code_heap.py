"""Heap bytes that the firmware's code takes under the Unix MicroPython, loaded from .mpy files and from a ROMFS."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tools.bench.process import find_micropython
from tools.deploy.plan import Item, compiled_firmware
from tools.deploy.romfs import make_image
from tools.emulator import mpy

# On a 32-bit target by what it is here: measured side by side with a Unix MicroPython 1.29 made for 32 bits (x86).
# Bytecode and text are as long there, all else is pointers.
ON_32_BITS = {"mpy": 0.674, "romfs": 0.563}

# Everything is imported, whether the meter would load it at start or later.
_SCRIPT = """
import gc, json, sys
image, modules = {image!r}, {modules!r}
if image:
    import vfs
    with open(image, "rb") as f:
        rom = f.read()
    vfs.mount(vfs.VfsRom(memoryview(rom)), "/rom")
sys.path[:] = ["/rom" if image else {folder!r}, ".frozen"]
import asyncio  # frozen on every board
gc.collect()
before = gc.mem_alloc()
for name in modules:
    __import__(name)
gc.collect()
print(gc.mem_alloc() - before)
"""


def measure() -> dict[str, int]:
    """Heap bytes on the 64-bit Unix port, whose machine code lies elsewhere: "mpy" and "romfs"."""
    items = compiled_firmware("x64")
    with tempfile.TemporaryDirectory() as folder:
        for item in items:
            place = Path(folder) / item.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(item.data)
        image = Path(folder) / "image"
        image.write_bytes(make_image(items))
        modules = [module_name(item) for item in items]
        return {"mpy": _load(folder, "", modules), "romfs": _load(folder, str(image), modules)}


def _load(folder: str, image: str, modules: list[str]) -> int:
    script = _SCRIPT.format(image=image, folder=folder, modules=modules)
    command = [find_micropython(), "-X", "heapsize=4M", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return int(json.loads(done.stdout))


def module_name(item: Item) -> str:
    return item.path.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")


def code_bytes(items: Iterable[Item], native: bool) -> int:
    """Bytes of all functions in machine code, or of all in bytecode, as they lie in the .mpy."""

    def count(code: mpy.Code) -> int:
        own = len(code.data) if (code.kind != mpy.BYTECODE) == native else 0
        return own + sum(count(child) for child in code.children)

    return sum(count(mpy.read(item.data).code) for item in items)


def on_target(measured: dict[str, int], architecture: str) -> dict[str, int]:
    """Heap bytes on a 32-bit target: MicroPython copies machine code to RAM from a ROMFS, too (py/persistentcode.c)."""
    machine_code = code_bytes(compiled_firmware(architecture), native=True)
    return {way: round(size * ON_32_BITS[way]) + machine_code for way, size in measured.items()}
