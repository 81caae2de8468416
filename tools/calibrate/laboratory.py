"""The calibration of one meter from beginning to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from meter.metrology.calibration import Calibration
from meter.metrology.networks import NETWORKS
from tools.calibrate import procedure
from tools.calibrate.procedure import FULL, TEMPERATURES, Point
from tools.calibrate.readings import Measured, Reference
from tools.calibrate.report import Report, rows
from tools.calibrate.station import BenchStation, Station

ROUNDS = 2
Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all


def calibrate(
    station: Station, progress: Progress | None = None, temperatures: Sequence[float] = TEMPERATURES
) -> Report:
    """Measure, write the record, restart, check; once more if the check is not good enough.

    `temperatures`: of the chamber, degC, beside room temperature; without any the meter's drift stays uncorrected.
    IecError if the meter does not answer or refuses, ValueError if no sound meter could give such readings.
    """
    elements = NETWORKS[station.network].elements
    wanted, check = procedure.points(temperatures), procedure.check_points(temperatures)
    steps = _Steps(len(wanted) + len(check) + 2, progress)
    before = after = None
    rounds = 0
    while rounds < ROUNDS:
        rounds += 1
        old = station.record()
        if not procedure.is_flat(old):
            steps.next("drift correction off")
            station.apply(FULL)
            old = procedure.flat(old, station.readings(1).temperature)
            station.write(old)
        measured, references = _measure(station, wanted, steps)
        if before is None:
            before = rows(wanted, measured, references, elements)
        record = procedure.compute(old, elements, measured, references, station.now())
        steps.next("writing the record")
        station.write(record)
        steps.next("restart")
        station.restart()
        measured, references = _measure(station, check, steps)
        after = rows(check, measured, references, elements)
        report = Report(station.serial, station.network, station.record(), before, after, rounds)
        if report.passed:
            break
    station.release()
    return report


@cache
def calibrated(type: str, network: str, specimen: int) -> Calibration:
    """The record that the procedure finds for one made meter of the bench. Takes some seconds; remembered."""
    with BenchStation(type, network, specimen) as station:
        return calibrate(station).record


class _Steps:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def next(self, text: str) -> None:
        if self._progress is not None:
            self._total = max(self._total, self._done + 1)  # a second round has more
            self._progress(text, self._done, self._total)
        self._done += 1


def _measure(
    station: Station, points: Sequence[Point], steps: _Steps
) -> tuple[dict[str, Measured], dict[str, Reference]]:
    measured, references = {}, {}
    for point in points:
        steps.next(point.text)
        references[point.name] = station.apply(point)
        measured[point.name] = station.readings(point.seconds)
    return measured, references
