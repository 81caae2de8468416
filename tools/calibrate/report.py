"""What a calibration has done: errors before and after, as a table, as JSON, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from meter.metrology.calibration import Calibration
from meter.metrology.networks import NETWORKS
from tools.calibrate.procedure import FIVE_PERCENT, FULL, LAGGING, ROOM, Point, ratio
from tools.calibrate.readings import Measured, Reference

FULL_LIMIT = 0.01  # %
FIVE_PERCENT_LIMIT = 0.03  # %
ANGLE_LIMIT = 0.005  # degrees
DRIFT_LIMIT = 3.0  # ppm/K


@dataclass(frozen=True)
class Row:
    """Errors at one point. `total`: of the meter's active power, %. Per element: voltage and apparent power, %, and
    angle, degrees."""

    point: str
    text: str
    temperature: float
    total: float
    u: list[float]
    s: list[float]
    angle: list[float]


@dataclass(frozen=True)
class Report:
    """One meter's calibration. `drift`: of the whole meter's active power before and after, ppm/K."""

    serial: str
    network: str
    record: Calibration
    before: list[Row]
    after: list[Row]
    rounds: int

    @property
    def drift_before(self) -> float | None:
        """ppm/K of the meter's active power, None if only one temperature was measured."""
        return drift(self.before)

    @property
    def drift_after(self) -> float | None:
        return drift(self.after)

    @property
    def passed(self) -> bool:
        """Whether all that is left is within what a calibrated meter may show."""
        rows = {row.point: row for row in self.after}
        left = self.drift_after
        return (
            abs(rows[FULL.name].total) <= FULL_LIMIT
            and all(abs(error) <= FULL_LIMIT for error in rows[FULL.name].u + rows[FULL.name].s)
            and all(abs(angle) <= ANGLE_LIMIT for angle in rows[LAGGING.name].angle)
            and abs(rows[FIVE_PERCENT.name].total) <= FIVE_PERCENT_LIMIT
            and (left is None or abs(left) <= DRIFT_LIMIT)
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "serial": self.serial,
            "network": self.network,
            "passed": self.passed,
            "rounds": self.rounds,
            "drift_ppm_per_K": {"before": self.drift_before, "after": self.drift_after},
            "before": [asdict(row) for row in self.before],
            "after": [asdict(row) for row in self.after],
            "record": self.record.text(),
        }


def row(point: Point, meter: Measured, reference: Reference, elements: Sequence[int]) -> Row:
    """The errors at a point."""
    ratios = [ratio(meter, reference, n) for n in elements]
    measured = sum(meter.true_power(n, reference.f).real for n in elements)
    true = sum(reference.power[n].real for n in elements)
    return Row(
        point.name,
        point.text,
        meter.temperature / 1000,
        100 * (measured / true - 1),
        [100 * (r.u - 1) for r in ratios],
        [100 * (r.s - 1) for r in ratios],
        [r.angle for r in ratios],
    )


def rows(
    points: Sequence[Point],
    measured: Mapping[str, Measured],
    references: Mapping[str, Reference],
    elements: Sequence[int],
) -> list[Row]:
    """The errors at all points that have a power to be wrong about."""
    return [row(point, measured[point.name], references[point.name], elements) for point in points if point.current]


def drift(all_rows: Sequence[Row]) -> float | None:
    """ppm/K of the total, from the temperature farthest from room; None without one."""
    full = next(r for r in all_rows if r.point == FULL.name)
    away = [r for r in all_rows if abs(r.temperature - full.temperature) > 5 and r.point.startswith("at ")]
    if not away:
        return None
    far = max(away, key=lambda r: abs(r.temperature - full.temperature))
    return (far.total - full.total) * 1e4 / (far.temperature - full.temperature)


def table(report: Report) -> Table:
    """For a terminal."""
    result = Table(title=f"meter {report.serial}, {report.network}", title_justify="left")
    for title in ("", "P, total %", "", "U %", "S %", "angle °"):
        result.add_column(title, justify="right" if title else "left", no_wrap=True)
    names = "\n".join(f"L{n + 1}" for n in NETWORKS[report.network].elements)
    for title, part in (("before", report.before), ("after", report.after)):
        result.add_section()
        result.add_row(f"[bold]{title}[/bold]")
        for one in part:
            columns = (_column(values) for values in (one.u, one.s, one.angle))
            result.add_row(one.text, f"{one.total:+.4f}", names, *columns)
    before, after = report.drift_before, report.drift_after
    if before is not None and after is not None:
        result.caption = f"drift of P {before:+.1f} ppm/K before, {after:+.1f} after"
    return result


def picture(report: Report, path: Path) -> None:
    """Errors before and after as SVG."""
    from matplotlib import rc_context  # takes a second to load, and most calibrations need no picture
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4))
    axes = figure.subplots(1, 2)
    for name, part, colour in (("before", report.before, "tab:red"), ("after", report.after, "tab:green")):
        at_room = [r for r in part if abs(r.temperature - ROOM) < 5]
        axes[0].plot(
            [r.text.rpartition(",")[0] for r in at_room], [r.total for r in at_room], "o", c=colour, label=name
        )
        warm = sorted((r.temperature, r.total) for r in part if r.point == FULL.name or r.point.startswith("at "))
        axes[1].plot([t for t, _ in warm], [e for _, e in warm], "o-", c=colour, label=name)
    axes[0].set_title("error of active power, %")
    axes[1].set_title("the same at In, pf 1, over temperature, °C")
    for axis in axes:
        axis.grid(True)
        axis.legend()
    axes[0].tick_params(axis="x", rotation=15)
    figure.tight_layout()
    with rc_context({"svg.hashsalt": report.serial}):  # the same picture for the same figures
        figure.savefig(path, format="svg", metadata={"Date": None})


def _column(values: Sequence[float]) -> str:
    return "\n".join(f"{value:+.4f}" for value in values)
