"""Pictures with matplotlib that are the same for the same figures."""

from __future__ import annotations

import argparse
from io import StringIO
from pathlib import Path
from typing import Any

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b", "#4f6d7a")
STYLE: Any = {
    "svg.hashsalt": "accuracy",  # names inside the file do not change from run to run
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial"],  # the first comes with matplotlib
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_METADATA = {"Date": None}  # what has drawn it stays in: another version draws other bytes


FORMS = (".png", ".svg", ".pdf")


def file_path(text: str) -> Path:
    """The name of a file to write, as a word of a command line: in a folder that there is."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: {'is a folder' if path.is_dir() else 'there is no such folder'}")
    return path


def picture_path(text: str) -> Path:
    """The name of a file to draw into, as a word of a command line."""
    path = file_path(text)
    if path.suffix not in FORMS:
        raise argparse.ArgumentTypeError(f"{text!r}: a picture ends in {', '.join(FORMS)}")
    return path


def as_svg(figure: Any) -> str:
    """A figure drawn in STYLE as the text of an SVG file."""
    import matplotlib  # which takes its time, and command lines only want a path's name

    text = StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(text, format="svg", metadata=_METADATA)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
