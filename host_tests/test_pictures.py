"""The README's pictures are what the running meter shows today."""

from __future__ import annotations

import pytest

from tools.pictures.__main__ import FOLDER, take


@pytest.mark.soak
def test_the_pictures_are_current() -> None:
    for name, svg in take().items():
        assert (FOLDER / name).read_text() == svg, f"{name} is out of date: run `make pictures`"
