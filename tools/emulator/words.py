"""Words of inline assembler from the instructions in their comments: `python -m tools.emulator.words FILE...`.

MicroPython's assembler knows few of the Cortex-M33's instructions. The others stand in a source file as

    data(2, 0xFB31, 0x4402)  # smlawb r4, r1, r2, r4

one or more instructions a line, parted by ";", with "@" before a remark. This writes the words anew from the comments,
as arm-none-eabi-as assembles them.
"""

from __future__ import annotations

import re
import struct
import sys
import tempfile
from pathlib import Path

from tools.emulator.c_code import run

_LINE = re.compile(r"^( +)data\(2[^)]*\)  # (.+)$", re.MULTILINE)
_HEAD = ".syntax unified\n.cpu cortex-m33\n.thumb\n"
_MARK, _MARK_BYTES = ".quad 0xFFFEFFFDFFFCFFFB", bytes.fromhex("FBFFFCFFFDFFFEFF")  # no instructions


def renewed(source: str) -> str:
    """The source with all words as its comments have them. RuntimeError with the assembler's text."""
    comments = [match[2] for match in _LINE.finditer(source)]
    words = iter(_assemble(comments))
    return _LINE.sub(lambda match: f"{match[1]}data(2, {', '.join(next(words))})  # {match[2]}", source)


def _assemble(lines: list[str]) -> list[list[str]]:
    """The half-words of each line."""
    with tempfile.TemporaryDirectory() as folder:
        source, made, binary = (f"{folder}/{name}" for name in ("source.s", "made", "binary"))
        Path(source).write_text(_HEAD + "".join(f"{line}\n{_MARK}\n" for line in lines))
        run("as", "-o", made, source)
        run("objcopy", "-O", "binary", "-j", ".text", made, binary)
        pieces = Path(binary).read_bytes().split(_MARK_BYTES)
    return [[f"0x{word:04X}" for (word,) in struct.iter_unpack("<H", piece)] for piece in pieces[:-1]]


def main(arguments: list[str]) -> int:
    for name in arguments:
        path = Path(name)
        path.write_text(renewed(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
