"""The emulator itself: what it counts, what it refuses, and that processors do what their architecture says."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unicorn

from tools.emulator import ARCHITECTURES, EmulationError, Target, cpu, firmware_image, image
from tools.emulator.kernels import KERNELS

Make = Callable[..., Target]
viper = "import micropython\n@micropython.viper\n"
thumb = "import micropython\n@micropython.asm_thumb\n"

on_each = pytest.mark.parametrize("architecture", ARCHITECTURES)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def target(source: str, architecture: str = "armv7emsp") -> Target:
        path = tmp_path / "kernel.py"
        path.write_text(source)
        return Target(image(path, architecture))

    return target


@pytest.mark.parametrize("architecture", ["armv7emsp", "rv32imc"])
def test_counting_by_blocks_is_counting_one_by_one(architecture: str) -> None:
    """Unicorn does not tell of an instruction in an IT block whose condition fails: viper's ITE always skips one."""
    for kernel in KERNELS:
        target = Target(firmware_image(kernel.module, architecture))
        steps: list[int] = []
        target.cpu.uc.hook_add(  # type: ignore[attr-defined]
            unicorn.UC_HOOK_CODE,
            lambda uc, address, size, data: steps.append(int.from_bytes(uc.mem_read(address, 2), "little")),  # noqa: B023
            begin=cpu.CODE,
            end=cpu.CODE + cpu.CODE_SIZE - 1,
        )
        target.call(kernel.name, *kernel.arguments())
        skipped = sum(start >> 8 == 0xBF for start in steps) if architecture == "armv7emsp" else 0
        assert target.instructions[kernel.name] == len(steps) + skipped


@on_each
def test_functions_are_found_by_name(make: Make, architecture: str) -> None:
    source = "import micropython\nX = (1, 2.5, 'text', 10**12)\n"
    for n, name in enumerate(("third", "append", "first")):
        source += f"@micropython.viper\ndef {name}(x: int) -> int:\n    return x + {n}\n\ndef plain_{n}():\n    pass\n"
    target = make(source, architecture)
    # "append" is one of the strings every MicroPython has, which a .mpy gives by number
    assert {name: target.call(name, 10) for name in target.image.entries} == {"third": 10, "append": 11, "first": 12}


@on_each
@pytest.mark.parametrize(
    ("expression", "arguments", "expected"),
    [
        ("(a * b) >> 16", (123_456_789, 987_654_321), ((123_456_789 * 987_654_321 + 2**31) % 2**32 - 2**31) >> 16),
        ("(a + b) >> 4", (2**30 - 1, 2**30 - 1), (2**31 - 2) >> 4),
        ("(a + b + 2) >> 4", (2**30 - 1, 2**30 - 1), -(2**31) >> 4),
        ("a >> b", (-5, 1), -3),
        ("(a << b) >> b", (3, 30), -1),
        ("a ^ b", (-1, 0x55555), ~0x55555),
        ("int(a < b) * 8 + int(a <= b) * 4 + int(a > b) * 2 + int(a != b)", (-1, 1), 13),
        ("-a & b", (1, 0x3FFF_FFFF), 0x3FFF_FFFF),
    ],
)
def test_integers_wrap_at_32_bits(
    make: Make, architecture: str, expression: str, arguments: tuple[int, int], expected: int
) -> None:
    target = make(f"{viper}def f(a: int, b: int) -> int:\n    return {expression}\n", architecture)
    assert target.call("f", *arguments) == expected


@on_each
def test_bytes_and_half_words_load_unsigned_words_signed(make: Make, architecture: str) -> None:
    source = f"{viper}def f(a: ptr8, b: ptr16, c: ptr32) -> int:\n    return int(a[1]) + int(b[1]) + int(c[1])\n"
    target = make(source, architecture)
    assert target.call("f", b"\0\xff", array("H", [0, 0xFFFF]), array("i", [0, -7])) == 0xFF + 0xFFFF - 7


@on_each
def test_buffers_change_in_place_and_nothing_is_returned(make: Make, architecture: str) -> None:
    target = make(f"{viper}def f(a: ptr16, n: int):\n    a[n] = 0x12345\n", architecture)
    half_words = array("H", [1, 2, 3])
    assert target.call("f", half_words, 1) is None
    assert list(half_words) == [1, 0x2345, 3]


@on_each
@pytest.mark.parametrize(("index", "from_start"), [(8, False), (-1, True)])
@pytest.mark.parametrize("statement", ["a[n] = 1", "n = a[n]"])
def test_a_step_out_of_a_buffer_is_caught(
    make: Make, architecture: str, index: int, from_start: bool, statement: str
) -> None:
    target = make(f"{viper}def f(a: ptr8, n: int) -> int:\n    {statement}\n    return n\n", architecture)
    assert target.call("f", bytearray(8), 7) in (0, 7)
    with pytest.raises(EmulationError, match="f on "):
        target.call("f", bytearray(8), index, from_start=from_start)


@on_each
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return n // 3", "SMALL_INT_FLOOR_DIVIDE"),
        ("print(n)\n    return n", "NATIVE_SWAP_GLOBALS"),
        ("return n << 29", "no small integer"),
        ("a[0] = 1\n    return n", "cannot be written"),
        ("while True:\n        pass", "end"),
    ],
)
def test_what_a_kernel_must_not_do_is_refused(
    make: Make, architecture: str, body: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "LIMIT", 10_000)
    target = make(f"{viper}def f(a: ptr8, n: int) -> int:\n    {body}\n", architecture)
    with pytest.raises(EmulationError, match=says):
        target.call("f", b"12345678", 2)


@on_each
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((b"1", 1 << 30), "heap"),
        ((b"1",), "ARG_CHECK_NUM_SIG"),
        ((b"1", b"2"), "convert"),
        ((bytes(100_000), 1), "memory"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    make: Make, architecture: str, arguments: tuple[Any, ...], says: str
) -> None:
    target = make(f"{viper}def f(a: ptr8, n: int) -> int:\n    return n\n", architecture)
    with pytest.raises(EmulationError, match=says):
        target.call("f", *arguments)


def test_assembler_gets_its_arguments_in_registers(make: Make) -> None:
    target = make(f"{thumb}def f(r0, r1):\n    ldr(r0, [r0, 4])\n    sub(r0, r0, r1)\n")
    assert target.call("f", array("i", [0, 1000]), 1) == 999


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("mov(r8, r0)", "belongs to the caller"),
        ("data(2, 0xDE00)", "Invalid instruction"),
        ("data(2, 0xDF00)", "exception"),
        ("push({r0})", "f on armv7emsp"),
    ],
)
def test_assembler_that_breaks_the_convention_is_refused(make: Make, body: str, says: str) -> None:
    with pytest.raises(EmulationError, match=says):
        make(f"{thumb}def f(r0):\n    {body}\n").call("f", 1)


def test_bytecode_has_no_functions_to_run(make: Make) -> None:
    assert make("def f(x):\n    return x\n").image.entries == {}
