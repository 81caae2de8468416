"""A load profile drawn: mean power of each interval as steps, and what has happened meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from tools.figures import COLOURS, STYLE, as_svg
from tools.meter.profile_table import (
    CLEARED,
    CLOCK_SET,
    POWER_DOWN,
    POWER_UP,
    RESET,
    START,
    STATUS,
    TIME,
    VALUE,
    Column,
    Table,
)

_HOUR = timedelta(hours=1)
_DOTS_PER_INCH = 150
# Value group C: what it is, and on which side of zero it is drawn
_QUANTITIES = {
    1: ("P import", 1),
    2: ("P export", -1),
    3: ("Q import", 1),
    4: ("Q export", -1),
    5: ("Q, quadrant I", 1),
    6: ("Q, quadrant II", 1),
    7: ("Q, quadrant III", -1),
    8: ("Q, quadrant IV", -1),
    9: ("S import", 1),
    10: ("S export", -1),
}
_ADVANCE, _REGISTER = 29, 8  # value group D
_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}
_MARKS = (  # bit of the status word, name, colour, line
    (CLOCK_SET, "clock set", "#b8860b", "--"),
    (RESET, "billing reset", "#8a5a9e", ":"),
    (CLEARED, "registers cleared", "#444444", "-."),
)


@dataclass
class Series:
    """One channel: `steps` are (begin, end, value) of its intervals, `unit` that of the values."""

    label: str
    unit: str
    steps: list[tuple[datetime, datetime, float]] = field(default_factory=list)


def series_of(table: Table) -> list[Series]:
    """The channels in kW, kvar, kVA (means of what energies have advanced) or their own units. ValueError if the table
    has no times or nothing that can be drawn."""
    if table.place(TIME) is None:
        raise ValueError("a profile without times cannot be drawn")
    found = [
        _series(table, n, column) for n, column in enumerate(table.columns) if column.kind == VALUE and column.unit
    ]
    if not any(series.steps for series in found):
        raise ValueError("no interval with a value: there is nothing to draw")
    return found


def intervals(table: Table) -> Iterator[tuple[list[Any], list[Any]]]:
    """(row before, row) of each interval that has been measured from its begin to its end."""
    time, before = table.place(TIME) or 0, None
    for row in table.rows:
        if row[time] is None:
            before = None
            continue
        if before is not None and row[time] > before[time] and not _begins(table, before, row):
            yield before, row
        before = row


def _begins(table: Table, before: list[Any], row: list[Any]) -> bool:
    """Whether an entry is the beginning of an interval and not the end of one."""
    place = table.place(STATUS)
    if place is None or row[place] is None:
        return False
    if not table.printed:
        return bool(row[place] & START)
    is_new = before[place] & POWER_DOWN and row[place] & POWER_UP or before[place] & row[place] & CLOCK_SET
    return bool(is_new) and not any(row[n] for n, column in enumerate(table.columns) if column.kind == VALUE)


def _series(table: Table, n: int, column: Column) -> Series:
    c, d = _groups(column.code)
    scale, base = _scale_of(column.unit)
    name, sign = _QUANTITIES.get(c, (column.code, 1))
    is_energy = base.endswith("h")
    if is_energy:
        found = Series(f"{name} ({column.code})", "k" + base[:-1])
    elif base in ("W", "var", "VA"):
        found = Series(f"{name} ({column.code})", "k" + base)
    else:
        found, sign = Series(column.code, column.unit), 1
    time = table.place(TIME) or 0
    for before, row in intervals(table):
        value = row[n]
        if is_energy and d == _REGISTER and value is not None:
            value = None if before[n] is None or before[n] > value else value - before[n]
        if value is None:
            continue
        if is_energy:
            value = value * scale / 1e3 / ((row[time] - before[time]) / _HOUR)
        elif found.unit != column.unit:
            value = value * scale / 1e3
        found.steps.append((before[time], row[time], sign * value))
    return found


def _groups(code: str) -> tuple[int, int]:
    """Value groups C and D; -1 if they are letters."""
    parts = code.rpartition(":")[2].split(".")
    return tuple(int(part) if part.isdigit() else -1 for part in parts[:2])  # type: ignore[return-value]


def _scale_of(unit: str) -> tuple[float, str]:
    factor = _PREFIXES.get(unit[:1])
    return (factor, unit[1:]) if factor and len(unit) > 1 else (1.0, unit)


def happenings(table: Table) -> tuple[list[tuple[datetime, datetime]], dict[str, list[datetime]]]:
    """Times without power, (down, up) each; and moments of the marks by name."""
    time, place = table.place(TIME) or 0, table.place(STATUS)
    dark: list[tuple[datetime, datetime]] = []
    marks: dict[str, list[datetime]] = {name: [] for _, name, _, _ in _MARKS}
    if place is None:
        return dark, marks
    down = None
    for row in table.rows:
        when, status = row[time], row[place]
        if when is None or status is None:
            continue
        if down is not None and status & POWER_UP:
            dark.append((down, when))
            down = None
        if status & POWER_DOWN:
            down = when
        for bit, name, _, _ in _MARKS:
            if status & bit:
                marks[name].append(when)
    return dark, marks


def draw(table: Table, title: str) -> Figure:
    """A panel for each unit; times are in the zone of the first entry. ValueError as series_of."""
    series = series_of(table)
    units = list(dict.fromkeys(each.unit for each in series))
    zone = next(row[table.place(TIME) or 0] for row in table.rows if row[table.place(TIME) or 0]).tzinfo or timezone.utc
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 0.7 + 2.2 * len(units)))
        panels = figure.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0]
        for axes, unit in zip(panels, units, strict=True):
            own = [each for each in series if each.unit == unit]
            _panel(axes, [each for each in own if any(value for _, _, value in each.steps)] or own[:1])
            axes.set_ylabel(unit)
            _mark(axes, table)
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
        locator = AutoDateLocator(tz=zone)
        panels[-1].xaxis.set_major_locator(locator)
        panels[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        panels[-1].set_xlabel(f"local time, {zone}")
        figure.suptitle(title, x=0.02, ha="left", weight="bold")
        figure.tight_layout()
    return figure


def _panel(axes: Any, series: list[Series]) -> None:
    for number, each in enumerate(series):
        xs: list[Any] = []
        ys: list[float] = []
        for begin, end, value in each.steps:
            if xs and xs[-1] != begin:
                xs.append(begin)
                ys.append(float("nan"))
            xs += [begin, end]
            ys += [round(value, 6)] * 2
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(xs, ys, "-", c=colour, lw=1.2, label=each.label)
        axes.fill_between(xs, ys, color=colour, alpha=0.12, lw=0)
    axes.axhline(0, c="#444444", lw=0.5)


def _mark(axes: Any, table: Table) -> None:
    dark, marks = happenings(table)
    for n, (begin, end) in enumerate(dark):
        axes.axvspan(begin, end, color="#bbbbbb", alpha=0.5, lw=0, label=None if n else "no power")
    for _, name, colour, style in _MARKS:
        for n, when in enumerate(marks[name]):
            axes.axvline(when, c=colour, ls=style, lw=1, label=None if n else name)


def save(table: Table, title: str, path: Path) -> None:
    """Draw into a file, whose ending says which form (tools.figures.FORMS). ValueError for others, and as series_of."""
    figure = draw(table, title)
    if path.suffix == ".svg":
        path.write_text(as_svg(figure))
    else:
        figure.savefig(path, dpi=_DOTS_PER_INCH)
