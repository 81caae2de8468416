"""`python -m tools.pictures`: let virtual meters run and write their glass and their error curves next to this file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.accuracy import picture
from tools.bench import Bench

FOLDER = Path(__file__).parent


def take() -> dict[str, str]:
    """File name -> SVG. The same on every machine: virtual time, fixed seed."""
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(3600)
        while bench.lcd.index != "1.8.0":
            bench.run(1)
        importing = bench.lcd.svg()
        bench.source.set(u=(230, 0, 230), i=(5, 0, 5), phi=150)
        bench.run(2)
        while bench.lcd.index != "2.8.0":
            bench.run(1)
        exporting = bench.lcd.svg()
    return {"import.svg": importing, "export.svg": exporting, "accuracy.svg": picture.take()}


def main() -> None:
    argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__).parse_args()
    for name, svg in take().items():
        (FOLDER / name).write_text(svg)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
