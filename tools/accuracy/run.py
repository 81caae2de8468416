"""Runs the test: parts of meters, side by side in two processes.

A part has a bench of its own, so its outcome depends on nothing but the meter: not on the order of the parts, not on
how many processes there are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from meter.metrology.calibration import Calibration
from tools.accuracy import measure, points, pulse_tests
from tools.accuracy.measure import Registers
from tools.accuracy.meters import POWER_ON_S, Meter, calibrated
from tools.accuracy.points import Point
from tools.accuracy.results import IDEAL_PERCENT, SHARE_MADE, Row, not_done, row
from tools.accuracy.standards import Standard
from tools.bench import Bench
from tools.bench.iec_client import IecError

PROCESSES = 2
Progress = Callable[[str, int, int], None]  # what has been done, parts done, parts in all

# Parts, the longest first, so that the two processes end together
PARTS = ("intrinsic", "influence", "no load", "temperature", "start", "flashes")
QUICK_PARTS = ("intrinsic", "start")
COMMON_PARTS = ("temperature", "no load")  # where one run serves active and reactive
IDEAL_PARTS = ("intrinsic", "flashes")


@dataclass(frozen=True)
class Plan:
    """What is to be done. standards: short names (standards.STANDARDS). quick: a few points of every kind."""

    meters: tuple[Meter, ...]
    standards: tuple[str, ...]
    quick: bool = False

    def parts(self, meter: Meter) -> list[tuple[str, str]]:
        """(part, standard's short name) of one meter, "" for all of its standards together."""
        wanted = [standard for standard in meter.standards if standard.short in self.standards]
        names = IDEAL_PARTS if meter.specimen is None else PARTS
        found = []
        for part in names if not self.quick else QUICK_PARTS:
            if part in COMMON_PARTS:
                found += [(part, "")] if wanted else []
            else:
                found += [(part, standard.short) for standard in wanted]
        return found


@dataclass(frozen=True)
class Job:
    """One part of one meter with its calibration record."""

    meter: Meter
    record: Calibration | None
    part: str
    standards: tuple[Standard, ...]
    quick: bool = False

    def run(self) -> list[Row]:
        """All rows of the part, in a fixed order; one that says so if the meter has failed."""
        try:
            return self._run()
        except RuntimeError as error:  # FirmwareStopped is one too
            why = str(error).strip().rpartition("\n")[2]
            return [not_done(self.meter, standard, self.part, why) for standard in self.standards]

    def _run(self) -> list[Row]:
        with self.meter.bench(self.record) as bench:
            measure.apply(bench, self.meter.balanced(0.0, 0.0))
            bench.run(POWER_ON_S)
            tests: dict[str, Callable[[Job, Bench], Iterable[Row]]] = {
                "intrinsic": _intrinsic,
                "influence": _influences,
                "temperature": _temperatures,
                "start": lambda job, bench: pulse_tests.start(job.meter, job.standards[0], bench, job.quick),
                "no load": lambda job, bench: pulse_tests.no_load(job.meter, job.standards, bench),
                "flashes": lambda job, bench: pulse_tests.flashes(job.meter, job.standards[0], bench),
            }
            return list(tests[self.part](self, bench))


def run(plan: Plan, progress: Progress | None = None, processes: int = PROCESSES) -> list[Row]:
    """Calibrate all meters and run all parts. Rows are sorted by meter and part; equal plans give equal rows."""
    order = {meter: plan.parts(meter) for meter in plan.meters}
    total = len(plan.meters) + sum(len(parts) for parts in order.values())
    done = 0
    found: dict[tuple[int, int], list[Row]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _own_core, (context.Value("i", 0),)) as pool:
        waiting = {pool.submit(_calibrated, meter): n for n, meter in enumerate(plan.meters)}
        running: dict[Future[list[Row]], tuple[int, int]] = {}
        for future in as_completed(waiting):
            number, meter = waiting[future], plan.meters[waiting[future]]
            record, why = future.result()
            done += 1
            if progress:
                progress(f"{meter.name}: calibrated", done, total)
            if why:
                found[number, 0] = [not_done(meter, meter.standards[0], "calibration", why)]
                done += len(order[meter])
                continue
            for place, (part, short) in enumerate(order[meter]):
                standards = tuple(s for s in meter.standards if s.short in ([short] if short else plan.standards))
                job = Job(meter, record, part, standards, plan.quick)
                running[pool.submit(job.run)] = (number, place)
        for ready in as_completed(running):
            number, place = running[ready]
            found[number, place] = ready.result()
            done += 1
            if progress:
                progress(f"{plan.meters[number].name}: {order[plan.meters[number]][place][0]}", done, total)
    return [one for key in sorted(found) for one in found[key]]


def _calibrated(meter: Meter) -> tuple[Calibration | None, str]:
    """The record, or why there is none."""
    try:
        return calibrated(meter), ""
    except (RuntimeError, ValueError, IecError) as error:
        return None, f"{type(error).__name__}: {error}".strip().rpartition("\n")[2]


def _own_core(counter: Any) -> None:
    """Give each process one core: a bench and its firmware take turns, fastest on the same one."""
    if hasattr(os, "sched_setaffinity"):
        with counter.get_lock():
            number = counter.value
            counter.value += 1
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _measured(meter: Meter, bench: Bench, wanted: Sequence[Point]) -> dict[str, float]:
    """W or var at each point, by name."""
    registers = Registers(bench, meter.clock_ppm)
    return {
        point.name: measure.power(bench, registers, point.setpoint, point.quantity, point.truth) for point in wanted
    }


def _percent(measured: float, truth: float) -> float:
    return 100 * (measured / truth - 1)


def _row(meter: Meter, standard: Standard, point: Point, measured: float, value: float, allowed: float) -> Row:
    return row(
        meter,
        standard,
        point.test,
        point.name,
        value,
        allowed,
        limit=point.limit,
        current=point.current,
        factor=point.factor,
        load=point.load,
        direction=point.direction,
        setpoint=point.setpoint,
        truth=point.truth,
        measured=measured,
    )


def _intrinsic(job: Job, bench: Bench) -> Iterable[Row]:
    meter, standard = job.meter, job.standards[0]
    wanted = points.by_power(list(points.intrinsic(meter, standard)))
    if job.quick:
        wanted = [point for point in wanted if _is_quick(point)]
    measured = _measured(meter, bench, wanted)
    errors = {}
    for point in wanted:
        error = errors[point.name] = _percent(measured[point.name], point.truth)
        limit = point.limit or 0.0
        allowed = IDEAL_PERCENT if meter.specimen is None else SHARE_MADE * limit
        yield _row(meter, standard, point, measured[point.name], error, min(allowed, limit))
    if standard.difference:
        one = standard.factors[0]
        base = f"100 % In, {one}"
        for phase in range(3):
            alone = f"{base}, L{phase + 1} only"
            if base in errors and alone in errors:
                change = errors[alone] - errors[base]
                yield row(meter, standard, "difference", f"{alone} against all", change, standard.difference)


def _is_quick(point: Point) -> bool:
    """A sample: the ends of the curve and its middle, one phase alone, one export."""
    if point.load != "balanced":
        return point.load == "L1 only" and point.current == 1.0
    return point.current in (0.05, 1.0) and (point.direction == "import" or point.factor == "1")


def _influences(job: Job, bench: Bench) -> Iterable[Row]:
    meter, standard = job.meter, job.standards[0]
    wanted = list(points.influences(meter, standard))
    measured = _measured(meter, bench, points.by_power(wanted))
    errors = {point.name: _percent(measured[point.name], point.truth) for point in wanted}
    for point in wanted:
        if point.base is not None and point.limit is not None:
            change = errors[point.name] - errors[point.base]
            yield _row(meter, standard, point, measured[point.name], change, point.limit)


def _temperatures(job: Job, bench: Bench) -> Iterable[Row]:
    """Coefficients between neighbouring temperatures, and their mean over the whole range."""
    wanted = list(points.temperatures(job.meter, job.standards))
    measured = _measured(job.meter, bench, [point for _, point in wanted])
    curves: dict[tuple[str, float, str], list[Point]] = {}
    by_name = {standard.short: standard for standard in job.standards}
    for standard, point in wanted:
        curves.setdefault((standard.short, point.current, point.factor), []).append(point)
    for (short, _current, factor), curve in curves.items():
        standard = by_name[short]
        sheet = standard.temperature_sheet
        limit = standard.temperature.at(factor)
        allowed = min(limit, sheet.at(factor)) if sheet else limit
        errors = [_percent(measured[point.name], point.truth) for point in curve]
        for cold, hot, below, above in zip(curve, curve[1:], errors, errors[1:], strict=False):
            span = hot.setpoint.temperature - cold.setpoint.temperature
            text = f"{cold.name} to {hot.setpoint.temperature:g} °C"
            yield row(
                job.meter,
                standard,
                "temperature",
                text,
                (above - below) / span,
                allowed,
                unit="%/K",
                limit=limit,
                current=hot.current,
                factor=factor,
            )
        if standard.temperature_mean:
            span = curve[-1].setpoint.temperature - curve[0].setpoint.temperature
            text = f"{curve[0].name} to {curve[-1].setpoint.temperature:g} °C, mean"
            mean = (errors[-1] - errors[0]) / span
            allowed_mean = standard.temperature_mean
            yield row(job.meter, standard, "mean temperature", text, mean, allowed_mean, unit="%/K", factor=factor)
