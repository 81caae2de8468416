"""The kernels as compiled for the targets, in the emulator, against plain integers: results and memory, bit by bit."""

from __future__ import annotations

import importlib
import random
from functools import lru_cache, partial
from itertools import islice
from typing import Any

import pytest

from host_tests.kernel_references import CASES
from host_tests.metrology_signals import ANALOG, PAGE_BYTES, RATE, codes, pages, phase_cycles, truth, waveform
from meter.metrology import kernels as portable
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath
from tools.emulator import ARCHITECTURES, EmulatedModule, Target, firmware_image
from tools.emulator.c_code import available, c_image
from tools.emulator.kernels import ASSEMBLER_SUFFIX, CRC, KERNELS, METROLOGY, SETS_PER_SECOND, Kernel

MODULES = sorted({kernel.module for kernel in KERNELS})
TRIALS = {"armv7emsp": 60, "rv32imc": 60, "xtensawin": 8}  # the interpreter of Xtensa code is slow

ASSEMBLED = [kernel for kernel in KERNELS if kernel.in_assembler]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)


@lru_cache
def target(module: str, architecture: str) -> Target:
    return Target(firmware_image(module, architecture))


def inputs(kernel: Kernel, count: int) -> list[list[Any]]:
    """The reference's inputs, and the typical call."""
    return [kernel.arguments(), *islice(CASES[kernel.name].inputs(random.Random(kernel.name)), count)]


def assert_alike(kernel: Kernel, emulated: Target, count: int) -> None:
    for number, arguments in enumerate(inputs(kernel, count)):
        expected = kernel.outcome(CASES[kernel.name].compute, arguments)
        outcome = kernel.outcome(partial(emulated.call, kernel.name, from_start=number % 2 == 1), arguments)
        assert outcome == expected, f"{kernel.name} on {emulated.image.architecture}, input {number}: {arguments}"


@each_kernel
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_target_code_computes_what_plain_integers_do(architecture: str, kernel: Kernel) -> None:
    assert_alike(kernel, target(kernel.module, architecture), TRIALS[architecture])


@each_kernel
def test_python_source_computes_what_plain_integers_do(kernel: Kernel) -> None:
    """The same function under CPython, where integers do not wrap: a second opinion on the reference."""
    function = getattr(importlib.import_module(kernel.module), kernel.name)
    for arguments in inputs(kernel, 12):
        assert kernel.outcome(function, arguments) == kernel.outcome(CASES[kernel.name].compute, arguments)


@pytest.mark.parametrize("kernel", ASSEMBLED, ids=lambda kernel: kernel.name)
def test_assembler_computes_what_plain_integers_do(kernel: Kernel) -> None:
    assert_alike(kernel, target(kernel.module + ASSEMBLER_SUFFIX, "armv7emsp"), 200)


@pytest.mark.skipif(not available(), reason="no arm-none-eabi-gcc")
@each_kernel
def test_c_computes_what_plain_integers_do(kernel: Kernel) -> None:
    """What viper is compared with does the same work."""
    assert_alike(kernel, Target(c_image(kernel.module)), 60)


def test_every_native_function_is_in_the_table() -> None:
    for module in MODULES:
        listed = {kernel.name for kernel in KERNELS if kernel.module == module}
        assert set(target(module, "armv7emsp").image.entries) == listed
    assert {kernel.name for kernel in KERNELS} == set(CASES)


def test_assembler_has_the_signatures_of_viper() -> None:
    assert {kernel.module for kernel in ASSEMBLED} == {METROLOGY, CRC}
    for kernel in ASSEMBLED:
        entries = target(kernel.module + ASSEMBLER_SUFFIX, "armv7emsp").image.entries
        assert entries[kernel.name].arguments == len(kernel.arguments())


@pytest.mark.parametrize("architecture", ["armv7emsp", "rv32imc"])
def test_sample_path_on_target_code_measures_and_costs_what_the_table_says(architecture: str) -> None:
    """Mains at 230 V, 5 A, 60 degrees: values true, and those of CPython to the last bit; the last 0.4 s counted."""
    module, settled, counted = EmulatedModule(METROLOGY, architecture), round(0.3 * RATE), round(0.4 * RATE)
    stream = pages(codes(waveform(phase_cycles(50.0, settled + counted, start=0.321), phi=60)))
    paths = [SamplePath(ANALOG, 50, NETWORKS["3P4W"], kernels=kernels) for kernels in (module, portable)]
    for start in range(0, len(stream), 2 * PAGE_BYTES):
        if start == 28 * settled:
            module.target.instructions.clear()
        for path in paths:
            path.feed(stream[start : start + 2 * PAGE_BYTES], 2, 0)
    instructions = dict(module.target.instructions)
    emulated, expected = paths
    assert emulated.windows == expected.windows >= 3
    p, q = truth(230, 5, 60)
    for phase in range(3):
        assert (emulated.window.p[phase], emulated.window.q[phase]) == pytest.approx((p, q), abs=2e-5 * 230 * 5)
        assert emulated.window.p[phase] == expected.window.p[phase]
        assert emulated.harmonics.u(phase, 1) == pytest.approx(230, rel=1e-4)
        for order in range(1, 41):
            assert emulated.harmonics.i(phase, order) == expected.harmonics.i(phase, order)
    typical = Target(firmware_image(METROLOGY, architecture))
    total = sum(instructions.values()) * RATE / counted
    for kernel in KERNELS:
        if kernel.name in instructions:
            typical.call(kernel.name, *kernel.arguments())
            by_table = kernel.calls * typical.instructions[kernel.name]
            assert instructions[kernel.name] * RATE / counted == pytest.approx(by_table, abs=0.01 * total), kernel.name
    assert SETS_PER_SECOND == RATE
