"""Viper's pointer types over anything with the buffer protocol (little-endian, as all targets are).

Loads are unsigned. Stores keep the low bits. Indices count elements, as on the targets.
"""

from __future__ import annotations

from typing import Any


class _Pointer:
    code = "B"
    mask = 0xFF
    memory: Any

    def __init__(self, buffer: Any) -> None:
        memory: Any = memoryview(buffer.memory if isinstance(buffer, _Pointer) else buffer).cast("B")
        width = memory[:0].cast(self.code).itemsize
        self.memory = memory
        self.items = memory[: len(memory) // width * width].cast(self.code)

    def __getitem__(self, index: int) -> int:
        return int(self.items[self._checked(index)])

    def __setitem__(self, index: int, value: int) -> None:
        self.items[self._checked(index)] = value & self.mask

    def _checked(self, index: int) -> int:
        # On a target a negative index reads in front of the buffer; a test must not pass on it.
        if index < 0:
            raise IndexError("negative index through a viper pointer")
        return index


class ptr8(_Pointer):
    """Bytes."""


class ptr16(_Pointer):
    """Half-words."""

    code = "H"
    mask = 0xFFFF


class ptr32(_Pointer):
    """Words, unsigned as on a 64-bit host."""

    code = "I"
    mask = 0xFFFF_FFFF


POINTERS: dict[Any, type[_Pointer]] = {"ptr8": ptr8, "ptr16": ptr16, "ptr32": ptr32}
