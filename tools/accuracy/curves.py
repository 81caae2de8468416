"""Error curves against class limits, as SVG that is the same for the same figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from tools.accuracy.results import SHARE_MADE, Row
from tools.accuracy.standards import STANDARDS, Standard
from tools.figures import COLOURS, STYLE, as_svg

LINEAR_PERCENT = 0.01  # below this the scale of errors is linear


def draw_all(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One picture per network and standard, and one of temperature per standard; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for standard in STANDARDS.values():
        own = [r for r in rows if r.standard == standard.name and r.accuracy == standard.accuracy]
        for network in dict.fromkeys(r.network for r in own):
            points = [r for r in own if r.network == network and r.test in ("current", "one phase")]
            if points:
                path = folder / f"{standard.short}-{network}.svg"
                path.write_text(error_curves(standard, network, points))
                written.append(path)
    return written


def error_curves(standard: Standard, network: str, rows: Iterable[Row], factors: Sequence[str] = ()) -> str:
    """SVG: error over current, a panel per factor; class limit and a tenth of it as bands, one colour per meter."""
    rows = list(rows)
    shown = [f for f in factors or standard.factors if any(r.factor == f for r in rows)]
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    meters = list(dict.fromkeys(r.meter for r in rows))
    with matplotlib.rc_context(STYLE):
        figure, grid = pyplot.subplots(
            lines, columns, figsize=(3.4 * columns + 0.2, 2.4 * lines + 0.7), squeeze=False, sharey=True
        )
        for place, axes in enumerate(grid.flat):
            if place < len(shown):
                _panel(axes, standard, shown[place], rows, meters)
            else:
                axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("error, %")
        figure.suptitle(f"{standard.title} ({standard.quantity}), {network}", x=0.02, ha="left", weight="bold")
        handles = {label: h for axes in grid.flat for h, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="lower left",
            ncols=6,
            frameon=False,
            fontsize=8,
            columnspacing=1.2,
        )
        inches = 0.2 * -(-len(handles) // 6) + 0.05
        figure.tight_layout(rect=(0, inches / figure.get_figheight(), 1, 1))
        text = as_svg(figure)
        pyplot.close(figure)
        return text


def _panel(axes: Any, standard: Standard, factor: str, rows: Sequence[Row], meters: Sequence[str]) -> None:
    own = [r for r in rows if r.factor == factor]
    top = max(r.current for r in own if r.current is not None)
    bands = sorted((band for band in standard.balanced if factor in band.factors), key=lambda band: band.low)
    for band in bands:
        ends = [100 * band.low, 100 * min(top, band.high or top)]
        named = band is bands[0]
        limits = ((1.0, "#f3d9d4", "class limit"), (SHARE_MADE, "#cfe6d3", f"{SHARE_MADE:g} of it"))
        for share, colour, text in limits:
            y = share * band.limit
            axes.fill_between(ends, -y, y, color=colour, lw=0, label=text if named else None)
    for number, meter in enumerate(meters):
        mine = [r for r in own if r.meter == meter]
        colour = COLOURS[number % len(COLOURS)]
        curve = [r for r in mine if r.load == "balanced" and r.direction == "import"]
        others = [r for r in mine if r not in curve]
        axes.plot(
            *_places(curve), "-", c=colour, lw=1, marker="o", ms=2.5, label=_without_network(meter), clip_on=False
        )
        if others:
            label = "export, one phase" if meter == meters[0] else None
            axes.plot(*_places(others), "x", c=colour, ms=3.5, mew=0.7, label=label, clip_on=False)
    axes.axhline(0, c="#444444", lw=0.5)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=LINEAR_PERCENT)
    axes.set_yticks([-1, -0.1, -0.01, 0, 0.01, 0.1, 1], ["-1", "-0.1", "-0.01", "0", "0.01", "0.1", "1"])
    axes.set_xlim(0.8, 120 * max(r.current or 0.0 for r in rows))
    highest = 1.3 * max([band.limit for band in standard.balanced] + [abs(r.value) for r in rows])
    axes.set_ylim(-highest, highest)
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200, 600], ["1", "2", "5", "10", "20", "50", "100", "200", "600"])
    axes.minorticks_off()
    axes.set_xlabel("current, % of In")
    name = "power factor" if standard.quantity == "active" else "sin φ"
    axes.set_title(f"{name} {factor}", fontsize=9)


def _places(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Percent of In, percent of error. The fifth digit of an error would not be seen, but make another file."""
    found = sorted((100 * (r.current or 0.0), round(r.value, 4)) for r in rows)
    return [x for x, _ in found], [y for _, y in found]


def _without_network(meter: str) -> str:
    """ZMG405 3P4W 230 V 5 A no. 1 -> 230 V 5 A no. 1: the title has the rest."""
    return meter.split(" ", 2)[2]
