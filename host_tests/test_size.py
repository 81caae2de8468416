"""The size report: what it adds up, and when it says no."""

from __future__ import annotations

import re

import pytest

from tools import size
from tools.deploy.plan import make_plan
from tools.mpycross import TARGETS


def test_code_sizes_add_up_to_what_is_deployed() -> None:
    """The same files, counted on another way: the plan of the Pico 2 has them all but main.py compiled."""
    deployed = sum(len(item.data) for item in make_plan("pico2") if item.path.endswith(".mpy"))
    packages = size.code_sizes()["armv7emsp"]
    assert packages.total() - packages["main.py"] == deployed
    assert {"drivers/", "meter/", "meter/storage/", "main.py"} <= set(packages)


@pytest.mark.parametrize(("high_water", "status"), [(384 * 1024, 0), (384 * 1024 + 1, 1)])
def test_report_fails_over_the_budget(
    high_water: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        size, "measure_heap", lambda seconds: {"code": 204_800, "data": 102_400, "high_water": high_water}
    )
    assert size.main([]) == status
    said = capsys.readouterr().out
    assert re.search(r"data +100\.0 +budget 384", said)
    assert re.search(r"code +200\.0", said)
    assert said.splitlines()[2].split() == list(TARGETS)
