"""The size report: what it adds up, and when it says no."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tools import code_heap, size
from tools.deploy.plan import compiled_firmware, make_plan
from tools.mpycross import TARGETS, compile_source


def test_code_sizes_add_up_to_what_is_deployed() -> None:
    """The same files, counted on another way: the plan of the Pico 2 has them all but main.py compiled."""
    deployed = sum(len(item.data) for item in make_plan("pico2") if item.path.endswith(".mpy"))
    packages = size.code_sizes()["armv7emsp"]
    assert packages.total() - packages["main.py"] == deployed
    assert {"drivers/", "meter/", "meter/storage/", "main.py"} <= set(packages)


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what the report says of sizes, whatever they are."""
    sizes = {architecture: Counter({"drivers/": 1}) for architecture in TARGETS}
    monkeypatch.setattr(size, "code_sizes", lambda optimization=0: sizes)
    monkeypatch.setattr(code_heap, "measure", lambda: {"mpy": 0, "romfs": 0})
    monkeypatch.setattr(code_heap, "on_target", lambda measured, architecture: measured)


@pytest.mark.usefixtures("nothing_compiled")
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
    assert said.splitlines()[2].split() == list(TARGETS)


def test_optimized_code_has_neither_assertions_nor_line_numbers(tmp_path: Path) -> None:
    lines, same_line = tmp_path / "lines.py", tmp_path / "same_line.py"
    lines.write_text("\n\n\na = 1\n\n\nassert a\n\n\na = 2\n")
    same_line.write_text("a = 1; a = 2\n")
    plain, optimized = (compile_source(lines, "x64", "a.py", level) for level in (0, 3))
    assert optimized == compile_source(same_line, "x64", "a.py", 3)
    assert len(optimized) < len(plain)


def test_bytecode_stays_in_the_romfs() -> None:
    """What loading from .mpy takes more is at least all bytecode, counted in the files."""
    measured = code_heap.measure()
    assert measured["mpy"] - measured["romfs"] > code_heap.code_bytes(compiled_firmware("x64"), native=False)


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize(("loaded", "over"), [(192 * 1024, False), (192 * 1024 + 1, True)])
def test_code_over_the_budget_is_said_and_no_failure(
    loaded: int, over: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(code_heap, "measure", lambda: {"mpy": loaded, "romfs": 0})
    assert size.main(["--code-only"]) == 0
    said = capsys.readouterr().out
    assert ("budget 192, OVER IT" in said, "use ROMFS, or freeze it" in said) == (over, over)
    assert "budget 192" in said
