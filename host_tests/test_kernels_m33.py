"""The assembler for the Cortex-M33: its words, and that it does what viper does where the typical calls do not come."""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Callable
from typing import Any

import pytest

from drivers.ade9000_crc import make_table
from host_tests.kernel_references import CASES, CODE_LIMIT, packed
from host_tests.metrology_signals import ANALOG, PAGE_BYTES, RATE, codes, pages, phase_cycles, truth, waveform
from meter.metrology import kernel_choice
from meter.metrology import kernels as k
from meter.metrology.networks import NETWORKS
from meter.metrology.sample_path import SamplePath
from tools.deploy.plan import ARCHITECTURES, BOARDS
from tools.emulator import EmulatedModule, Target, cpu, firmware_image, words
from tools.emulator.c_code import available
from tools.emulator.kernels import ASSEMBLER_SUFFIX, CRC, KERNELS, METROLOGY
from tools.emulator.target import source_of
from tools.mpycross import ASSEMBLER, FIRMWARE, TARGETS, CompileError, compile_source

MODULES = (CRC, METROLOGY)
FILES = [source_of(module + ASSEMBLER_SUFFIX) for module in MODULES]
# Nobody checks the stack for assembler: it is to need no more than MicroPython's own C functions do.
STACK_BYTES = 320


def both(module: str) -> tuple[Target, Target]:
    """Viper and assembler."""
    viper, assembler = (Target(firmware_image(name, "armv7emsp")) for name in (module, module + ASSEMBLER_SUFFIX))
    return viper, assembler


@pytest.fixture(scope="module")
def metrology() -> tuple[Target, Target]:
    return both(METROLOGY)


def assert_alike(targets: tuple[Target, Target], name: str, arguments: list[Any]) -> list[Any]:
    """Both compute the same; the result, and the arguments as they are left."""
    kernel = next(kernel for kernel in KERNELS if kernel.name == name)
    viper, assembler = (kernel.outcome(lambda *a, t=t: t.call(name, *a), arguments) for t in targets)
    if assembler != viper:
        pytest.fail(f"{name}, {arguments[1]}", pytrace=False)
    return assembler


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not available(), reason="no arm-none-eabi-as")
@pytest.mark.parametrize("source", FILES, ids=lambda source: source.stem)
def test_words_are_the_instructions_of_their_comments(source: Any) -> None:
    """If not: python -m tools.emulator.words FILE."""
    assert words.renewed(source.read_text()) == source.read_text()


@pytest.mark.skipif(not available(), reason="no arm-none-eabi-as")
def test_words_are_written_behind_data() -> None:
    """Encodings from the Armv8-M manual: REV T1, SMLAWB T1."""
    source = "    data(2)  # rev r4, r4; smlawb r0, r1, r2, r3 @ why\n    label(A)\n    data(2, 0)  # nop\n"
    assert words.renewed(source) == (
        "    data(2, 0xBA24, 0xFB31, 0x3002)  # rev r4, r4; smlawb r0, r1, r2, r3 @ why\n"
        "    label(A)\n    data(2, 0xBF00)  # nop\n"
    )


@pytest.mark.skipif(not available(), reason="no arm-none-eabi-as")
def test_an_instruction_that_is_none_is_refused() -> None:
    with pytest.raises(RuntimeError, match="bad instruction"):
        words.renewed("    data(2)  # frobnicate r1\n")


def test_all_assembler_files_are_here_and_compile_for_one_target_only() -> None:
    assert sorted(FIRMWARE.rglob("*_m33.py")) == sorted(FILES)
    assert ASSEMBLER == {"_m33.py": "armv7emsp"}
    for source in FILES:
        compile_source(source, "armv7emsp")
        for architecture in set(TARGETS) - {"armv7emsp"}:
            with pytest.raises(CompileError):
                compile_source(source, architecture)


# --- calls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_assembler_equals_viper_on_the_same_processor(module: str) -> None:
    """Another 100 inputs than those compared with plain integers."""
    targets = both(module)
    for name in targets[1].image.entries:
        inputs = CASES[name].inputs(random.Random(f"m33 {name}"))
        for _ in range(100):
            assert_alike(targets, name, next(inputs))


def some_page(extra: int = 0) -> bytes:
    generator = random.Random(3)
    return packed([generator.randrange(-CODE_LIMIT, CODE_LIMIT) for _ in range(7 * 32)]) + bytes(extra)


def correlate_call(page: bytes, sets: int) -> list[Any]:
    return [page, array("H", range(0, 66 * 900, 900)), sets << 10 | 2 << 16 | 1 << 18, array("i", [14, 15] + [7] * 16)]


def fold_call(page: bytes, sets: int) -> list[Any]:
    grid = array("i", [5, k.ONE // 3, 2 * 2560 - 40, 2560] + [k.ZERO] * 12 + [0] * (k.GRID_WORDS - 16))
    bins = array("i", [k.ZERO] * (k.CHANNELS * k.BANK_WORDS))
    return [page, sets << 10 | 5 << 16, bins, grid]


CALLS: dict[str, Callable[[bytes, int], list[Any]]] = {
    "correlate": correlate_call,
    "fold": fold_call,
    "neutral": lambda page, sets: [page, sets << 10, array("i", [16, 1, 2, 3])],
    "rising": lambda page, sets: [page, 3 << 10, sets, array("i", [0, 1 << 22])],
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("sets", [0, 1, 2, 31, 32])
def test_any_number_of_sets_is_taken(metrology: tuple[Target, Target], name: str, sets: int) -> None:
    assert_alike(metrology, name, CALLS[name](some_page(), sets))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("extra", [1, 2, 3])
def test_a_page_may_lie_at_any_byte(metrology: tuple[Target, Target], name: str, extra: int) -> None:
    """A buffer's end is a multiple of 4 here, so that its beginning is not."""
    assert_alike(metrology, name, CALLS[name](some_page(extra), 32))


def test_no_set_makes_no_reference(metrology: tuple[Target, Target]) -> None:
    outcome = assert_alike(metrology, "reference", [0, k.sine_table(), array("H", range(66)), array("i", [1, 2, 5])])
    assert list(outcome[3][:2]) == [10, 11]


@pytest.mark.parametrize("extra", [0, 1, 2, 3])
def test_crc_takes_any_even_length_anywhere(extra: int) -> None:
    targets, data, table = both(CRC), some_page(extra), make_table()
    for length in range(0, 40, 2):
        assert_alike(targets, "crc16", [data, table, extra, length])


def test_folding_goes_on_through_both_banks(metrology: tuple[Target, Target]) -> None:
    """Two folds of 10 cycles, each call with what the one before has left, then every channel's orders."""
    page, folded = some_page(), 0
    _, span, bins, grid = fold_call(page, 32)
    grid[k.COUNT], grid[k.GAP] = 0, round(0.62 * k.ONE)
    while folded != 3:
        value, _, _, bins, grid = assert_alike(metrology, "fold", [page, span | 7 << 16, bins, grid])
        folded |= value
    out = array("i", [0] * (2 * k.ORDERS * k.CHANNELS))
    for place in range(0, k.CHANNELS * k.BANK_WORDS, k.GRID):
        outcome = assert_alike(metrology, "dft", [bins, k.sine_table(), place, out])
        out = outcome[-1]
    assert all(out)


def test_little_stack_is_used() -> None:
    for module in MODULES:
        target = both(module)[1]
        for kernel in KERNELS:
            if kernel.module == module and kernel.name in target.image.entries:
                target.cpu.write(cpu.STACK, b"\xa5" * cpu.STACK_SIZE)
                target.call(kernel.name, *kernel.arguments())
                untouched = target.cpu.read(cpu.STACK, cpu.STACK_SIZE)
                used = cpu.STACK_SIZE - 64 - (len(untouched) - len(untouched.lstrip(b"\xa5")))
                assert 0 < used <= STACK_BYTES, kernel.name


# --- in the meter ----------------------------------------------------------------------------------------------------


def test_sample_path_on_assembler_measures_what_it_does_in_viper() -> None:
    module = EmulatedModule(METROLOGY + ASSEMBLER_SUFFIX, "armv7emsp")
    stream = pages(codes(waveform(phase_cycles(50.0, round(0.7 * RATE), start=0.321), phi=60)))
    measured, expected = (SamplePath(ANALOG, 50, NETWORKS["3P4W"], kernels=kernels) for kernels in (module, k))
    for start in range(0, len(stream), 2 * PAGE_BYTES):
        for path in (measured, expected):
            path.feed(stream[start : start + 2 * PAGE_BYTES], 2, 0)
    assert measured.windows == expected.windows >= 2
    p, q = truth(230, 5, 60)
    for phase in range(3):
        assert (measured.window.p[phase], measured.window.q[phase]) == pytest.approx((p, q), abs=2e-5 * 230 * 5)
        assert measured.window.p[phase] == expected.window.p[phase]
        assert measured.window.i0 == expected.window.i0
        for order in range(1, 41):
            assert measured.harmonics.i(phase, order) == expected.harmonics.i(phase, order)
    assert set(module.target.calls) == {"reference", "correlate", "neutral", "fold", "rising", "dft"}


def test_boards_name_kernels_that_their_processor_has() -> None:
    for board in sorted(BOARDS.glob("*/board.py")):
        named = [line.strip() for line in board.read_text().splitlines() if line.strip().startswith("KERNELS")]
        m33 = ARCHITECTURES.get(board.parent.name) == "armv7emsp"
        assert named == [f'KERNELS = "{"m33" if m33 else "viper"}"'], board


def test_viper_takes_over_where_there_is_no_assembler(monkeypatch: pytest.MonkeyPatch) -> None:
    viper, assembler = kernel_choice.choose("viper"), kernel_choice.choose("m33")
    assert viper[0] is k
    assert assembler[0].__name__ == METROLOGY + ASSEMBLER_SUFFIX
    assert assembler[1] is not viper[1]
    monkeypatch.setitem(sys.modules, CRC + ASSEMBLER_SUFFIX, None)  # as if the file were not there
    assert kernel_choice.choose("m33") == viper
