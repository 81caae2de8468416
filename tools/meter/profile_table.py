"""A profile as a table, whichever protocol has read it: DLMS from a `Client`, or IEC 62056-21, which prints P.01."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO

import jdatetime
from gurux_dlms.enums import ObjectType
from gurux_dlms.objects import GXDLMSObject

from tools.meter.client import SCALED, Client, Progress
from tools.meter.values import UNITS, plain

TIME, STATUS, VALUE = "time", "status", "value"

# The status word of load profiles (EDIS), of which P.01 prints the low byte
ERROR, CLOCK_INVALID, DISTURBED, DAYLIGHT_SAVING = 0x1, 0x2, 0x4, 0x8
RESET, CLOCK_SET, POWER_UP, POWER_DOWN = 0x10, 0x20, 0x40, 0x80
START, CLEARED = 0x80000, 0x200000
_WORDS = {
    ERROR: "fatal error",
    CLOCK_INVALID: "clock invalid",
    DISTURBED: "disturbed",
    DAYLIGHT_SAVING: "daylight saving",
    RESET: "billing reset",
    CLOCK_SET: "clock set",
    POWER_UP: "power up",
    POWER_DOWN: "power down",
    0x2000: "event log cleared",
    0x4000: "load profile cleared",
    0x8000: "before the clock was set",
    START: "start of interval",
    0x100000: "end irregular",
    CLEARED: "registers cleared",
    0x400000: "end external",
    0x800000: "",  # end of a regular interval: nothing to say
}

_STATUS_NAME = re.compile(r"\d+\.\d+\.96\.10\.[1-9]\.255")
_HEADER = re.compile(r"P\.\d\d\((\d)(\d{12})\)\(([0-9A-F]{8})\)\((\d+)\)\(\d+\)(.*)")
_FIRST_PERSIAN = 78  # 1 January 2000 is in 1378
_SUMMER = 1  # Z of a printed time; 0 is standard time, 2 UTC


@dataclass(frozen=True)
class Column:
    """`kind` TIME, STATUS or VALUE; `code`: OBIS code, with `:n` behind if it is not attribute 2; `unit` or nothing."""

    kind: str
    code: str
    unit: str = ""


@dataclass
class Table:
    """Rows, the oldest first, each with a value for every column: times are datetimes in the meter's local time, with
    their distance to UTC where the meter tells it, a status is a number, what is missing is None. `printed`: the status
    has its low byte only."""

    columns: list[Column]
    rows: list[list[Any]]
    printed: bool = False

    def place(self, kind: str) -> int | None:
        """The first column of a kind; None if there is none."""
        return next((n for n, column in enumerate(self.columns) if column.kind == kind), None)


def words(status: int) -> str:
    """What a status word says, "" if all is usual."""
    said = (_WORDS.get(1 << n, f"bit {n}") for n in range(32) if status >> n & 1)
    return ", ".join(word for word in said if word)


def write_csv(table: Table, file: TextIO) -> None:
    """One line for each row; a status as eight digits and in words."""
    writer = csv.writer(file)
    header: list[str] = []
    for column in table.columns:
        if column.kind == STATUS:
            header += ["status", "status in words"]
        else:
            header.append("local time" if column.kind == TIME else f"{column.code} {column.unit}".strip())
    writer.writerow(header)
    for row in table.rows:
        cells: list[Any] = []
        for column, value in zip(table.columns, row, strict=True):
            if column.kind == STATUS:
                cells += ["", ""] if value is None else [f"{value:08X}", words(value)]
            else:
                cells.append(value.isoformat(" ") if isinstance(value, datetime) else plain(value))
        writer.writerow(cells)


def keep(table: Table, title: str, csv_path: Path | None, plot_path: Path | None) -> None:
    """Write a table as CSV and as a picture (profile_plot.save), into those of the files that are asked for. ValueError
    if it cannot be drawn."""
    if csv_path:
        with csv_path.open("w", newline="") as file:
            write_csv(table, file)
    if plot_path:
        from tools.meter.profile_plot import save  # with matplotlib, which takes its time

        save(table, title, plot_path)


# --- by DLMS --------------------------------------------------------------------------------------------------------


def read(
    client: Client,
    code: str,
    begin: datetime | None = None,
    end: datetime | None = None,
    entries: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Table:
    """As Client.rows, with names and units of the columns; registers have their scalers applied."""
    profile = client.find(code)
    rows = list(client.rows(profile, begin, end, entries, progress))
    columns, factors = [], []
    for target, capture in profile.captureObjects:
        factor, unit = 1.0, ""
        if capture.attributeIndex == 2 and target.objectType in SCALED:
            factor, unit = _scale(client, target)
        columns.append(Column(_kind(target, capture.attributeIndex), _short(target, capture.attributeIndex), unit))
        factors.append(factor)
    return Table(columns, [[_value(v, factor) for v, factor in zip(row, factors, strict=True)] for row in rows])


def _kind(target: GXDLMSObject, attribute: int) -> str:
    if target.objectType == ObjectType.CLOCK and attribute == 2:
        return TIME
    return STATUS if _STATUS_NAME.fullmatch(target.logicalName) else VALUE


def _short(target: GXDLMSObject, attribute: int) -> str:
    a, b, c, d, e, f = target.logicalName.split(".")
    code = f"{a}-{b}:{c}.{d}.{e}" + ("" if f == "255" else f"*{f}")
    return code if attribute == 2 else f"{code}:{attribute}"


def _scale(client: Client, target: Any) -> tuple[float, str]:
    """What the values of a captured register are still to be multiplied with, and their unit."""
    applied = target.scaler
    described: Any = client.find(f"{int(target.objectType)}/{target.logicalName}")
    client.read(described, SCALED[target.objectType])
    return described.scaler / applied, UNITS.get(int(described.unit or 0), "")


def _value(value: Any, factor: float) -> Any:
    if hasattr(value, "value"):  # gurux's times
        return value.value
    if factor == 1 or not isinstance(value, (int, float)):
        return value
    return round(value * factor, 6)


# --- by IEC 62056-21 ------------------------------------------------------------------------------------------------


def _moment(digits: str, persian: bool) -> datetime:
    """YYMMDDhhmmss of the years 2000 to 2099."""
    if not persian:
        return datetime.strptime("20" + digits, "%Y%m%d%H%M%S")
    century = "13" if int(digits[:2]) >= _FIRST_PERSIAN else "14"
    when: datetime = jdatetime.datetime.strptime(century + digits, "%Y%m%d%H%M%S").togregorian()
    return when


def from_printed(lines: Iterable[str], zone_min: int, dst_min: int, persian: bool = False) -> Table:
    """The lines of a P.01, in Gregorian dates. `zone_min`: what standard time is ahead of UTC, `dst_min`: summer time
    of that; `persian`: the printed dates are. ValueError if they are something else."""
    columns: list[Column] = []
    rows: list[list[Any]] = []
    when, status, period = datetime.min, 0, timedelta()
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match:
            season, digits, word, minutes, names = match.groups()
            ahead = 0 if season == "2" else zone_min + (dst_min if int(season) == _SUMMER else 0)
            when = _moment(digits, persian).replace(tzinfo=timezone(timedelta(minutes=ahead)))
            status, period = int(word, 16), timedelta(minutes=int(minutes))
            parts = re.findall(r"\(([^)]*)\)", names)
            columns = [Column(VALUE, code, unit) for code, unit in zip(parts[::2], parts[1::2], strict=True)]
        elif columns and line.startswith("(") and line.endswith(")"):
            values = [float(text) if text.strip("-") else None for text in line[1:-1].split(")(")]
            rows.append([when, status, *values])
            when += period
        elif not re.fullmatch(r"P\.\d\d\(\)", line):
            raise ValueError(f"{line!r} is no line of a profile")
    return Table([Column(TIME, "0.9"), Column(STATUS, "P.01"), *columns], rows, printed=True)
