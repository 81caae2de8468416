"""Compares pictures with golden ones, and makes a report of those that differ: old and new side by side."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "host_tests" / "golden"

_STYLE = "body{font:14px sans-serif}div{display:flex;gap:2em}figure{margin:0 0 2em}figure svg{width:560px;height:auto}"


def compare(pictures: dict[str, str], pattern: str, update: bool, report: Path) -> None:
    """Fail if golden files that match `pattern` ("screens/*.svg") are not these pictures, SVG by name; with `update`
    they are rewritten instead. The failure names the pictures, and the report that shows them."""
    folder, _, suffix = pattern.rpartition("/")
    golden = {path.stem: path for path in (GOLDEN / folder).glob(suffix)}
    if update:
        for name in golden.keys() - pictures.keys():
            golden[name].unlink()
        (GOLDEN / folder).mkdir(exist_ok=True)
        for name, svg in pictures.items():
            (GOLDEN / folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        return
    old = {name: path.read_text(encoding="utf-8") for name, path in golden.items()}
    changed = [name for name in sorted(old.keys() | pictures.keys()) if old.get(name) != pictures.get(name)]
    if changed:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(page(changed, old, pictures), encoding="utf-8")
        pytest.fail(f"{', '.join(changed)}: not as the golden pictures; see {report}", pytrace=False)


def page(names: list[str], old: dict[str, str], new: dict[str, str]) -> str:
    """The report as HTML."""
    rows = []
    for name in names:
        sides = [
            f"<figure><figcaption>{side}</figcaption>{pictures.get(name, '<p>none</p>')}</figure>"
            for side, pictures in (("golden", old), ("now", new))
        ]
        rows.append(f"<h2>{escape(name)}</h2>\n<div>{''.join(sides)}</div>")
    return (
        f"<!doctype html>\n<meta charset=utf-8>\n<title>Changed screens</title>\n<style>{_STYLE}</style>\n"
        + "\n".join(rows)
    )
