"""Test many virtual meters by the standards for static meters and report every error."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tools.accuracy import report
from tools.accuracy.curves import draw_all
from tools.accuracy.meters import NETWORKS, fleet
from tools.accuracy.results import failures
from tools.accuracy.run import PROCESSES, Plan, run
from tools.accuracy.standards import STANDARDS
from tools.mpycross import ROOT

OUT = ROOT / "build"


def main() -> int:
    arguments = _parser().parse_args()
    meters = [
        meter
        for meter in fleet(arguments.meters, arguments.networks)
        if any(standard.short in arguments.standards for standard in meter.standards)
    ]
    plan = Plan(tuple(meters), tuple(arguments.standards), quick=arguments.quick)
    console = Console(stderr=arguments.json)
    began = time.monotonic()
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=None)
            rows = run(
                plan,
                lambda text, done, total: bar.update(task, description=text, completed=done, total=total),
                arguments.processes,
            )
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    pictures = draw_all(rows, arguments.out / "accuracy")
    (arguments.out / "accuracy" / "report.md").write_text(report.markdown(rows, pictures))
    report.write_json(rows, arguments.out / "accuracy.json")
    if arguments.json:
        print(json.dumps(report.figures(rows), indent=1))
    for table in report.tables(rows):
        console.print(table)
    console.print("Worst figures; allowed: how much they take of what is allowed. " + report.CAVEAT)
    for row in failures(rows):
        console.print("does not hold: " + report.describe(row), style="red", highlight=False)
    console.print(f"{report.verdict(rows)} {len(plan.meters)} meters, {time.monotonic() - began:.0f} s.")
    console.print(f"{arguments.out / 'accuracy.json'}, {arguments.out / 'accuracy' / 'report.md'}, {len(pictures)} SVG")
    return 1 if failures(rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.accuracy",
        description=__doc__,
        epilog="Exit code: 0 all holds, 1 something does not, 2 the test could not be done.",
    )
    parser.add_argument("--quick", action="store_true", help="a few points of every curve, and starting")
    parser.add_argument(
        "--meters", type=int, default=2, metavar="N", help="made meters per type and network (default: %(default)s)"
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS, help="default: all")
    parser.add_argument(
        "--standards", nargs="+", choices=tuple(STANDARDS), default=tuple(STANDARDS), help="default: all"
    )
    parser.add_argument("--processes", type=int, default=PROCESSES, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument(
        "--out", type=Path, default=OUT, metavar="FOLDER", help="for accuracy.json and accuracy/ (default: build)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
