"""Command line of the bench: `run` is a live meter in the browser, `headless` a scenario that prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tools.bench.bench import DEFAULT_START, DEFAULT_TYPE, EPOCH_2000, NETWORK, Bench
from tools.bench.panel import Panel, print_ports
from tools.bench.process import FirmwareStopped
from tools.bench.source import NETWORKS
from tools.figures import file_path, picture_path

HOUR = 3600


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="a live meter in real time, with its serial ports open")
    run.add_argument("--terminal", action="store_true", help="show it in the terminal, not in the browser")
    run.add_argument("--port", type=int, metavar="N", help="the web panel's port (default: 8550, or a free one)")
    run.add_argument("--host", default="127.0.0.1", help="the address it listens on (default: %(default)s)")
    run.add_argument("--once", action="store_true", help="print where the ports are and the display, then stop")
    headless = commands.add_parser("headless", help="let virtual time pass as fast as it goes and print JSON")
    headless.add_argument("--seconds", type=_seconds, default=60.0, help="metered time (default: %(default)s)")
    headless.add_argument(
        "--until", type=_date, metavar="DATE", help="then fast-forward to this UTC date, a day in some 8 s"
    )
    headless.add_argument(
        "--profile", type=file_path, metavar="FILE.csv", help="at the end read the load profile (P.01)"
    )
    headless.add_argument(
        "--plot", type=picture_path, metavar="FILE.png", help="at the end draw the load profile; or .svg, .pdf"
    )
    headless.add_argument("--readout", action="store_true", help="read the service list at the end (some seconds more)")
    for command in (run, headless):
        command.add_argument("--type", default=DEFAULT_TYPE, help="type designation (default: %(default)s)")
        command.add_argument(
            "--date",
            type=_date,
            help="UTC the meter's clock starts at, 2026-03-28 or 2026-03-28T23:50 (default: now, "
            "or 2026-01-01 in virtual time)",
        )
        command.add_argument("--seed", type=int, default=1, help="decides all that is random (default: %(default)s)")
        command.add_argument(
            "--network",
            choices=NETWORKS,
            default=NETWORK,
            help="phases and wires the meter is connected to and set up for (default: %(default)s)",
        )
        command.add_argument(
            "--specimen", type=int, metavar="N", help="made meter number N, with errors within its parts' tolerances"
        )
        command.add_argument("--temperature", type=float, default=25.0, help="degC of the meter (default: %(default)s)")
        command.add_argument(
            "--u", type=_numbers, default=230.0, help="volts to neutral or star point, one number or three: 230,230,0"
        )
        command.add_argument("--i", type=_numbers, default=5.0, help="amperes (default: %(default)s)")
        command.add_argument("--phi", type=_numbers, default=30.0, help="degrees of lag (default: %(default)s)")
        command.add_argument("--f", type=float, default=50.0, help="hertz (default: %(default)s)")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("a positive number of seconds")
    return seconds


def _date(text: str) -> int:
    """Seconds from 2000-01-01 to a date, with or without a time; UTC unless it says how far it is ahead."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        moment = moment.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-03-28 or 2026-03-28T23:50") from None
    if not 2000 <= moment.year < 2100:
        raise argparse.ArgumentTypeError(f"{text}: the clock chip knows the years 2000 to 2099")
    return int(moment.timestamp()) - EPOCH_2000


def _numbers(text: str) -> float | tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise argparse.ArgumentTypeError("one number, or three separated by commas")
    return numbers if len(numbers) == 3 else numbers[0]


def _three(numbers: float | tuple[float, ...]) -> tuple[float, ...]:
    return numbers if isinstance(numbers, tuple) else (numbers,)


def _pass_time(bench: Bench, seconds: float, until: int | None) -> None:
    """Run for some seconds, then fast-forward to a UTC date; shows how far it is."""
    begin = bench.rtc.utc
    length = seconds if until is None else until - begin
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=length)

        def tell() -> None:
            moment = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=bench.rtc.utc)
            progress.update(task, description=f"{moment} UTC", completed=bench.rtc.utc - begin)

        left = seconds
        while left > 0:
            bench.run(min(left, 10.0))
            bench.mcu.report_heap = True
            left -= 10.0
            tell()
        while until is not None and bench.rtc.utc < until:
            bench.fast_forward(min(until - bench.rtc.utc, HOUR))
            tell()


def _headless(bench: Bench, arguments: argparse.Namespace) -> dict[str, Any]:
    started = time.perf_counter()
    _pass_time(bench, arguments.seconds, arguments.until)
    heap = bench.heap()
    wall = time.perf_counter() - started
    result: dict[str, Any] = {
        "type": bench.type,
        "network": bench.network,
        "specimen": bench.specimen,
        "temperature": bench.temperature,
        "metered_seconds": round(bench.now, 3),
        "wall_seconds": round(wall, 3),
        "times_real_time": round(bench.now / wall, 1),
        "utc": (datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=bench.rtc.utc)).isoformat(),
        "energy_mWs": bench.totals(),
        "lcd": bench.lcd.text,
        "led_flashes": {"active": len(bench.leds.active), "reactive": len(bench.leds.reactive)},
        "heap": heap,
        "transcript": bench.mcu.transcript,
    }
    if arguments.readout:
        result["readout"] = {code: str(data_set) for code, data_set in bench.readout(6).items()}
    if arguments.profile or arguments.plot:
        from tools.bench.profile import read_profile  # with gurux-dlms, which takes its time
        from tools.meter.profile_table import keep

        keep(read_profile(bench), f"Load profile of {bench.serial}", arguments.profile, arguments.plot)
    if bench.log:
        result["log"] = bench.log
    return result


def _serve(bench: Bench, arguments: argparse.Namespace) -> None:
    """The web panel, until Ctrl-C."""
    from tools.panel import server

    def tell(address: str) -> None:
        print(f"panel    {address}")
        print_ports(bench)

    try:
        asyncio.run(server.run(bench, arguments.host, arguments.port, tell))
    except KeyboardInterrupt:
        pass
    except (OSError, OverflowError) as error:
        raise ValueError(f"the panel cannot listen on {arguments.host}, port {arguments.port}: {error}") from None


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command == "headless" and arguments.until is not None:
        start = DEFAULT_START if arguments.date is None else arguments.date
        if arguments.until < start + arguments.seconds:
            parser.error("--until: the meter's clock is past that date (--date says where it starts)")
    if arguments.command == "headless" and (arguments.profile or arguments.plot) and not any(_three(arguments.u)):
        parser.error("--profile, --plot: a meter without voltage (--u) cannot be read")
    load = {"u": arguments.u, "i": arguments.i, "phi": arguments.phi, "f": arguments.f}
    try:
        bench = Bench(
            arguments.type,
            arguments.seed,
            virtual=arguments.command == "headless",
            start=arguments.date,
            network=arguments.network,
            specimen=arguments.specimen,
        )
        bench.source.set(**load)
        bench.temperature = arguments.temperature
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        with bench:
            if arguments.command == "headless":
                print(json.dumps(_headless(bench, arguments), indent=2))
            elif arguments.once or arguments.terminal:
                Panel(bench).run(once=arguments.once)
            else:
                _serve(bench, arguments)
    except KeyboardInterrupt:
        return 130
    except FirmwareStopped as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has gone; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
