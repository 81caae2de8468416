"""`python -m tools.pictures`: let virtual meters run; their glass, panel and error curves go next to this file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.accuracy import picture
from tools.bench import Bench
from tools.bench.bench import DEFAULT_START
from tools.bench.profile import read_profile
from tools.figures import as_svg
from tools.meter.profile_plot import draw
from tools.panel.browser import CHROMIUM
from tools.pictures import page

HOUR = 3600
FOLDER = Path(__file__).parent


def take() -> dict[str, str]:
    """File name -> SVG. The same on every machine: virtual time, fixed seed."""
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.fast_forward(HOUR)
        while bench.lcd.index != "1.8.0":
            bench.run(1)
        importing = bench.lcd.svg()
        bench.source.set(u=(230, 0, 230), i=(5, 0, 5), phi=150)
        bench.run(2)
        bench.fast_forward(HOUR)
        while bench.lcd.index != "2.8.0":
            bench.run(1)
        exporting = bench.lcd.svg()
    return {"import.svg": importing, "export.svg": exporting, "accuracy.svg": picture.take(), "day.svg": _day()}


def _day() -> str:
    """A load profile: a day with a morning peak, an outage, sun at noon, and a billing reset in the evening."""
    loads = ((6, 1, 10), (2, 8, 25), (1, 4, 20), (4, 6, 170), (3, 3, 15), (3, 9, 30), (5, 1.5, 10))  # hours, A, degrees
    with Bench(
        seed=1, start=DEFAULT_START, parameters={"reset_day": 1, "reset_hour": 20, "max_baud_char": "6"}
    ) as bench:
        for n, (hours, i, phi) in enumerate(loads):
            bench.source.set(u=230, i=i, phi=phi)
            bench.fast_forward(hours * HOUR)
            if n == 2:
                bench.power_cut()
                bench.fast_forward(HOUR / 2)
                bench.power_on()
                bench.run(5)
        return as_svg(draw(read_profile(bench), "A day of load profile 1"))


def main() -> None:
    argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__).parse_args()
    for name, svg in take().items():
        (FOLDER / name).write_text(svg)
        print(FOLDER / name)
    if CHROMIUM is None:
        print("no Chromium: the pictures of the panel stay as they are")
        return
    for name, png in page.take().items():
        (FOLDER / name).write_bytes(png)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
