"""What was found, for people and for programs: a table in the terminal, Markdown, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from tools.accuracy.results import Row, Worst, failures, summary

CAVEAT = "Limits written from the known tables of the standards, not copied from their text."


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "holds": not failures(rows),
        "limits": CAVEAT,
        "rows": len(rows),
        "failed": len(failures(rows)),
        "summary": [_summary_dict(group) for group in summary(rows)],
        "points": [row.as_dict() for row in rows],
    }


def write_json(rows: Sequence[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures(rows), indent=1) + "\n")


def tables(rows: Sequence[Row]) -> list[Table]:
    """For a terminal: per standard and test the worst figure of each network, and how near it is to what is allowed."""
    networks = list(dict.fromkeys(row.network for row in rows))
    result = []
    for ideal, title in ((True, "An ideal front end: the firmware's own share"), (False, "Made, calibrated meters")):
        lines: dict[tuple[str, str], dict[str, Worst]] = {}
        for group in summary(rows):
            if group.ideal == ideal:
                lines.setdefault((f"{group.standard[-3:]} {group.accuracy}", group.test), {})[group.network] = group
        if lines:
            result.append(_table(title, networks, lines))
    return result


def _table(title: str, networks: Sequence[str], lines: Mapping[tuple[str, str], Mapping[str, Worst]]) -> Table:
    result = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("62053", "test"):
        result.add_column(heading, no_wrap=True)
    for heading in (*networks, "allowed"):
        result.add_column(heading, justify="right", no_wrap=True)
    for (standard, test), by_network in lines.items():
        found = list(by_network.values())
        unit = found[0].worst.unit
        name = f"{test}, {unit}" if unit in ("%/K", "mWs") else test
        cells = [f"{by_network[n].worst.value:+.4f}" if n in by_network else "" for n in networks]
        nearest = max((abs(g.worst.value) / g.worst.allowed for g in found if g.worst.allowed), default=None)
        share = "none" if nearest is None else f"{100 * nearest:.0f} %"
        failed = any(group.failed for group in found)
        result.add_row(standard, name, *cells, share, style="bold red" if failed else "")
    return result


def markdown(rows: Sequence[Row], pictures: Sequence[Path]) -> str:
    """The whole report as a page that shows `pictures`, which lie beside it."""
    lines = ["# Accuracy report", "", verdict(rows), "", CAVEAT, ""]
    lines += ["| " + " | ".join(_TITLES) + " |", "|" + "|".join("---" for _ in _TITLES) + "|"]
    lines += ["| " + " | ".join(_cells(group)) + " |" for group in summary(rows)]
    failed = failures(rows)
    if failed:
        lines += ["", "## What does not hold", ""]
        lines += [f"- {describe(row)}" for row in failed]
    for picture in pictures:
        lines += ["", f"![{picture.stem}]({picture.name})"]
    return "\n".join(lines) + "\n"


def verdict(rows: Sequence[Row]) -> str:
    """One line: whether all holds."""
    failed = len(failures(rows))
    return f"{len(rows)} figures: " + ("all hold." if not failed else f"{failed} DO NOT HOLD.")


def describe(row: Row) -> str:
    """One row in words."""
    limit = "" if row.limit is None or row.limit == row.allowed else f" (the standard's limit is {row.limit:g})"
    return (
        f"{row.meter}, {row.standard} class {row.accuracy}, {row.test}: {row.text}: {row.value:+.4g} {row.unit}, "
        f"allowed {row.allowed:g}{limit}"
    )


_TITLES = ("standard", "test", "network", "meters", "figures", "worst", "allowed", "limit", "holds", "at")


def _cells(group: Worst) -> tuple[str, ...]:
    worst = group.worst
    return (
        f"{group.standard} cl. {group.accuracy}",
        group.test,
        group.network,
        "ideal" if group.ideal else "made",
        str(group.rows),
        f"{worst.value:+.4g} {worst.unit}",
        f"{worst.allowed:g}",
        "" if worst.limit is None else f"{worst.limit:g}",
        "yes" if not group.failed else f"NO ({group.failed})",
        f"{worst.meter}: {worst.text}",
    )


def _summary_dict(group: Worst) -> dict[str, Any]:
    return {
        "standard": group.standard,
        "class": group.accuracy,
        "test": group.test,
        "network": group.network,
        "meters": "ideal" if group.ideal else "made",
        "figures": group.rows,
        "failed": group.failed,
        "worst": group.worst.as_dict()["value"],
        "unit": group.worst.unit,
        "allowed": group.worst.allowed,
        "limit": group.worst.limit,
        "share_of_limit": group.worst.share,
        "at": f"{group.worst.meter}: {group.worst.text}",
    }
