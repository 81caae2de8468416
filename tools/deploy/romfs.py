"""The firmware as one ROMFS image, which MicroPython runs in place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from mpremote.romfs import VfsRomWriter

from tools.deploy.plan import Item


def make_image(items: Iterable[Item]) -> bytes:
    """A ROMFS (MicroPython's docs, reference/romfs) with these files."""
    writer = VfsRomWriter()
    here: tuple[str, ...] = ()
    for item in sorted(items, key=lambda item: PurePosixPath(item.path).parts):
        *parents, name = PurePosixPath(item.path).parts
        common = 0
        while common < min(len(here), len(parents)) and here[common] == parents[common]:
            common += 1
        for _ in here[common:]:
            writer.closedir()
        for folder in parents[common:]:
            writer.opendir(folder)
        here = tuple(parents)
        writer.mkfile(name, item.data)
    for _ in here:
        writer.closedir()
    return bytes(writer.finalise())
