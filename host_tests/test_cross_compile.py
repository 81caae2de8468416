"""Every firmware file compiles for every target, to the .mpy format that MicroPython 1.24 and the Unix port load."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.bench.process import find_micropython
from tools.mpycross import (
    ARCHITECTURE_NUMBERS,
    TARGETS,
    CompileError,
    can_load,
    compile_source,
    firmware_sources,
    mpy_architecture,
    mpy_version,
)

# .mpy 6.3 came with MicroPython 1.23 and still holds (docs, reference/mpyfiles.rst, "Versioning and compatibility").
# The sub-version is that of native code; files of bytecode only carry 0.
MPY_VERSION = (6, 3)


def compile_all(architecture: str) -> dict[Path, bytes]:
    """All firmware files compiled; fails with mpy-cross's text for each that is not."""
    compiled, refused = {}, []
    for source in firmware_sources(architecture):
        try:
            compiled[source] = compile_source(source, architecture)
        except CompileError as error:
            refused.append(str(error))
    if refused:
        pytest.fail("\n\n".join(refused), pytrace=False)
    return compiled


@pytest.mark.parametrize("architecture", TARGETS)
def test_firmware_compiles_for(architecture: str) -> None:
    compiled = compile_all(architecture)
    assert compiled, "no firmware found"
    for source, mpy in compiled.items():
        assert mpy_architecture(mpy) in (0, ARCHITECTURE_NUMBERS[architecture]), source
        assert mpy_version(mpy) == (MPY_VERSION if mpy_architecture(mpy) else (MPY_VERSION[0], 0)), source


@pytest.mark.parametrize("architecture", TARGETS)
def test_native_code_carries_the_architecture(architecture: str, tmp_path: Path) -> None:
    source = tmp_path / "kernel.py"
    source.write_text("import micropython\n@micropython.viper\ndef first(buf: ptr8) -> int:\n    return buf[0]\n")
    assert mpy_architecture(compile_source(source, architecture, "kernel.py")) == ARCHITECTURE_NUMBERS[architecture]


def test_literal_too_wide_for_a_small_int_is_refused_in_viper(tmp_path: Path) -> None:
    """On 32-bit targets 2**30 is an object; mpy-cross must say so here, not the board in the field."""
    source = tmp_path / "kernel.py"
    source.write_text(
        "import micropython\n@micropython.viper\ndef low(buf: ptr32) -> int:\n    return buf[0] & 0x40000000\n"
    )
    with pytest.raises(CompileError, match=r"(?s)kernel\.py.*ViperTypeError"):
        compile_source(source, "armv7emsp", "kernel.py")


def test_unix_port_reports_the_same_format() -> None:
    said = subprocess.run(
        [
            find_micropython(),
            "-c",
            "import sys; m = sys.implementation._mpy; print(m & 0xff, m >> 8 & 3, m >> 10 & 15)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert (int(said[0]), int(said[1])) == MPY_VERSION
    assert can_load(int(said[2]), ARCHITECTURE_NUMBERS["x64"]) or int(said[2]) not in ARCHITECTURE_NUMBERS.values()


def test_boards_load_what_they_include() -> None:
    """MPY_FEATURE_ARCH_TEST: a Thumb core loads its own and all lesser Thumb code; all others only their own."""
    number = ARCHITECTURE_NUMBERS
    assert can_load(number["armv7emsp"], number["armv7m"])
    assert can_load(number["armv7emsp"], number["armv7emsp"])
    assert not can_load(number["armv7em"], number["armv7emsp"])
    assert not can_load(number["rv32imc"], number["armv7emsp"])
    assert not can_load(number["armv7emsp"], number["rv32imc"])
    assert can_load(number["xtensawin"], 0)
