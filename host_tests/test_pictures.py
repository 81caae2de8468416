"""The README's pictures are what the running meter shows today."""

from __future__ import annotations

import matplotlib
import pytest

from tools.pictures.__main__ import FOLDER, take


@pytest.mark.soak
def test_the_pictures_are_current() -> None:
    for name, svg in take().items():
        stored = (FOLDER / name).read_text()
        if name in ("accuracy.svg", "day.svg") and f"Matplotlib v{matplotlib.__version__}" not in stored:
            continue  # another version draws the same curves in other bytes
        assert stored == svg, f"{name} is out of date: run `make pictures`"
