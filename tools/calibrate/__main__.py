"""Calibrate a meter: one made on the bench, or a real one on a serial port with a laboratory around it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from meter.metrology import calibration
from meter.metrology.networks import NETWORKS
from tools.bench.bench import DEFAULT_TYPE
from tools.bench.iec_client import IecError
from tools.bench.process import FirmwareStopped
from tools.calibrate.laboratory import calibrate
from tools.calibrate.procedure import TEMPERATURES
from tools.calibrate.report import picture, table
from tools.calibrate.station import PASSWORD, BenchStation, PortStation, load_references


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate", description=__doc__)
    parser.add_argument("--network", default="3P4W", choices=sorted(NETWORKS), help="default: %(default)s")
    parser.add_argument(
        "--chamber",
        type=_temperatures,
        default=TEMPERATURES,
        metavar="T,T",
        help="degrees Celsius beside room temperature; none: leave the drift uncorrected (default: 53,-7)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the errors")
    bench = parser.add_argument_group("a meter made on the bench (the default)")
    bench.add_argument("--specimen", type=int, default=1, metavar="N", help="which one (default: %(default)s)")
    bench.add_argument("--type", default=DEFAULT_TYPE, help="type designation (default: %(default)s)")
    bench.add_argument("--seed", type=int, default=1, help="decides all that is random (default: %(default)s)")
    real = parser.add_argument_group("a real meter, its certification seal open")
    real.add_argument("--port", help="serial port of the optical head, as pySerial names it: /dev/ttyUSB0")
    real.add_argument("--password", default=PASSWORD, help="P2 (default: %(default)s)")
    real.add_argument(
        "--reference", type=Path, metavar="FILE.json", help="the standard's values; what is missing is asked for"
    )
    real.add_argument("--nominal", action="store_true", help="only write the record of a meter without errors")
    return parser


def _temperatures(text: str) -> tuple[float, ...]:
    if text == "none":
        return ()
    temperatures = tuple(float(part) for part in text.split(","))
    if not all(-40 <= celsius <= 70 for celsius in temperatures):
        raise argparse.ArgumentTypeError("the meter works from -40 to +70 degrees")
    return temperatures


def _station(arguments: argparse.Namespace) -> Any:
    if arguments.port is None:
        return BenchStation(arguments.type, arguments.network, arguments.specimen, arguments.seed)
    references = load_references(arguments.reference) if arguments.reference else {}
    return PortStation(arguments.port, arguments.network, arguments.password, references, input)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    with _station(arguments) as station:
        if arguments.nominal:
            station.write(calibration.nominal())
            console.print("nominal record written")
            return 0
        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, disable=arguments.port is not None) as bar:
            task = bar.add_task("start")
            report = calibrate(
                station,
                lambda text, done, total: bar.update(task, description=text, completed=done, total=total),
                arguments.chamber,
            )
            bar.update(task, description="done", completed=1, total=1)
    if arguments.picture:
        picture(report, arguments.picture)
    if arguments.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        console.print(table(report))
        console.print("within the limits" if report.passed else "[bold]NOT within the limits[/bold]")
    return 0 if report.passed else 1


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.nominal and arguments.port is None:
        parser.error("--nominal is for a real meter: name its --port")
    try:
        return _run(arguments, Console(stderr=arguments.json))
    except KeyboardInterrupt:
        return 130
    except (IecError, ValueError, OSError, FirmwareStopped) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
