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
    items = [_as_is(source, source.name) for source in _board_sources(board)]
    return [*_by_path(items + compiled_firmware(architecture)), _as_is(FIRMWARE / "main.py", "main.py")]


def make_romfs_plan(board: str, architecture: str | None = None) -> tuple[list[Item], list[Item]]:
    """The files for `board` in the ROMFS, sorted by path, and those that stay on the file system: main.py.

    MicroPython mounts the ROMFS as /rom and looks there for modules after the file system, but starts main.py from the
    file system only. board.py is compiled, too; one on the file system takes its place. Raises like `make_plan`.
    """
    architecture = architecture or architecture_of(board)
    items = [_compile(source, architecture, source.name) for source in _board_sources(board)]
    return _by_path(items + compiled_firmware(architecture)), [_as_is(FIRMWARE / "main.py", "main.py")]


def folders(items: list[Item]) -> list[str]:
    """The folders the items lie in, parents first."""
    found = {parent.as_posix() for item in items for parent in Path(item.path).parents}
    return sorted(found - {"."})


def _board_sources(board: str) -> list[Path]:
    return sorted((BOARDS / board).glob("*.py"))


def compiled_firmware(architecture: str) -> list[Item]:
    """The firmware without its main.py."""
    sources = [source for source in firmware_sources(architecture) if source != FIRMWARE / "main.py"]
    return [_compile(source, architecture, module_path(source)) for source in sources]


def _compile(source: Path, architecture: str, name: str) -> Item:
    path = Path(name).with_suffix(".mpy").as_posix()
    return Item(path, _from_root(source), compile_source(source, architecture, name))


def _by_path(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: item.path)


def _as_is(source: Path, name: str) -> Item:
    return Item(name, _from_root(source), source.read_bytes())


def _from_root(source: Path) -> str:
    return source.relative_to(ROOT).as_posix()
