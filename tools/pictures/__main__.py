"""`python -m tools.pictures`: let a virtual meter run and write what is on its glass next to this file, as SVG."""

from __future__ import annotations

import argparse
from pathlib import Path

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
        return {"import.svg": importing, "export.svg": bench.lcd.svg()}


def main() -> None:
    argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__).parse_args()
    for name, svg in take().items():
        (FOLDER / name).write_text(svg)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
