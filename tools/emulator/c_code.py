"""The kernels in C (c/*.c) as arm-none-eabi-gcc -O2 compiles them for the Cortex-M33, as an image for a Target."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.emulator import cpu, mpy
from tools.emulator.target import INT, NOTHING, Entry, Image

FOLDER = Path(__file__).parent / "c"
PREFIX = "arm-none-eabi-"
FLAGS = "-O2 -mcpu=cortex-m33 -mthumb -std=c11 -Wall -Wextra -Werror -ffreestanding -nostdlib".split()


def available() -> bool:
    """Whether the cross compiler is installed."""
    return shutil.which(PREFIX + "gcc") is not None


def compiler() -> str:
    """The compiler's own first line of --version."""
    return run("gcc", "--version").splitlines()[0]


def source_of(module: str) -> Path:
    """The C file that goes with a firmware module."""
    return FOLDER / f"{module.rpartition('.')[2]}.c"


def c_image(module: str) -> Image:
    """The functions of c/<module>.c, linked to where a Target puts them. RuntimeError with the compiler's text."""
    source = source_of(module)
    with tempfile.TemporaryDirectory() as folder:
        linked, binary = f"{folder}/linked", f"{folder}/binary"
        # read-only data behind the code, no writable data: a kernel has no state of its own
        places = [f"-Wl,-Ttext={cpu.CODE:#x},--entry={cpu.CODE:#x},--build-id=none,-z,noseparate-code"]
        run("gcc", *FLAGS, *places, "-o", linked, str(source))
        run("objcopy", "-O", "binary", linked, binary)
        symbols = re.findall(r"^(\w+) T (\w+)$", run("nm", linked), re.MULTILINE)
        code = Path(binary).read_bytes()
    signatures = dict(
        _signature(match) for match in re.finditer(r"^(int|void) (\w+)\(([^)]*)\)", source.read_text(), re.M)
    )
    entries = {name: Entry(int(at, 16) - cpu.CODE, *signatures[name]) for at, name in symbols if name in signatures}
    return Image("armv7emsp", code, entries)


def _signature(match: re.Match[str]) -> tuple[str, tuple[int, int, int]]:
    result, name, parameters = match.groups()
    return name, (mpy.ASSEMBLER, parameters.count(",") + 1, NOTHING if result == "void" else INT)


def run(tool: str, *arguments: str) -> str:
    done = subprocess.run([PREFIX + tool, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{PREFIX}{tool}: {done.stderr.strip()}")
    return done.stdout
