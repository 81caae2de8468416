"""What goes where on a board's file system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.mpycross import FIRMWARE, ROOT, compile_source, firmware_sources, module_path

BOARDS = ROOT / "boards"

# Boards with a microcontroller, and the architecture their MicroPython loads.
ARCHITECTURES = {"esp32s3": "xtensawin", "pico2": "armv7emsp"}


class UnknownBoard(Exception):
    """No such board; the text lists those there are."""


@dataclass(frozen=True)
class Item:
    """One file on the board: `path` from its root, without a leading slash; `source` from the repository's root."""

    path: str
    source: str
    data: bytes


def architecture_of(board: str) -> str:
    try:
        return ARCHITECTURES[board]
    except KeyError:
        raise UnknownBoard(f"no board {board!r}; there are: {', '.join(sorted(ARCHITECTURES))}") from None


def make_plan(board: str, architecture: str | None = None) -> list[Item]:
    """All files of the firmware for `board`, sorted by path, main.py last.

    The board's own files and main.py stay source (MicroPython starts main.py only as source, and a pin is quickly
    looked up or changed in board.py); all others are compiled. Raises UnknownBoard, or CompileError from mpy-cross.
    """
    architecture = architecture or architecture_of(board)
    items = [_as_is(source, source.name) for source in sorted((BOARDS / board).glob("*.py"))]
    for source in firmware_sources(architecture):
        if source == FIRMWARE / "main.py":
            continue
        name = Path(module_path(source)).with_suffix(".mpy").as_posix()
        items.append(Item(name, _from_root(source), compile_source(source, architecture)))
    return [*sorted(items, key=lambda item: item.path), _as_is(FIRMWARE / "main.py", "main.py")]


def folders(items: list[Item]) -> list[str]:
    """The folders the items lie in, parents first."""
    found = {parent.as_posix() for item in items for parent in Path(item.path).parents}
    return sorted(found - {"."})


def _as_is(source: Path, name: str) -> Item:
    return Item(name, _from_root(source), source.read_bytes())


def _from_root(source: Path) -> str:
    return source.relative_to(ROOT).as_posix()
