"""Reader of .mpy files as mpy-cross writes them: the native functions of a module with their machine code.

Format 6.3, as MicroPython's py/persistentcode.c and py/bc.h load it (MicroPython 1.23 and later).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.mpycross import mpy_architecture, mpy_version

# Kinds of code (py/emitglue.h), as the lowest two bits of a block's first number
BYTECODE, NATIVE, VIPER, ASSEMBLER = range(4)
# Kinds of constant objects (py/persistentcode.h)
FUN_TABLE, NONE, FALSE, TRUE, ELLIPSIS, STR, BYTES, INT, FLOAT, COMPLEX, TUPLE = range(11)
# Scope flags of code that tools/mpy_ld.py linked from C; mpy-cross sets none of them (py/runtime0.h)
LINKED = 0x10 | 0x20 | 0x40
# Opcodes that give a module's function its name (py/bc0.h)
MAKE_FUNCTION, MAKE_FUNCTION_DEFARGS, STORE_NAME = 0x32, 0x33, 0x16

# How the name of a string begins that the file gives by number only
STATIC = "static "


class MpyError(Exception):
    """The file is not what mpy-cross 6.3 writes, or holds something this reader does not know."""


class RuntimeTable:
    """Stands for the pointer to the runtime's function table among a module's constants."""


@dataclass
class Code:
    """One code block. `arguments` and `returns` (a MP_NATIVE_TYPE_*) are known of inline assembler only."""

    kind: int
    data: bytes
    arguments: int = 0
    returns: int = 0
    children: list[Code] = field(default_factory=list)


@dataclass
class Module:
    """`functions`: the native code of the module's functions by name. `constants`: what their code may load.

    `code` is the module's own, with all others below it.
    """

    architecture: int
    qstrs: list[str]
    constants: list[object]
    functions: dict[str, Code]
    code: Code


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def bytes(self, length: int) -> bytes:
        piece = self.data[self.at : self.at + length]
        if len(piece) != length:
            raise MpyError("the file ends too early")
        self.at += length
        return piece

    def byte(self) -> int:
        return self.bytes(1)[0]

    def uint(self) -> int:
        value, more = 0, True
        while more:
            byte = self.byte()
            value, more = value << 7 | byte & 0x7F, bool(byte & 0x80)
        return value

    def qstr(self) -> str:
        length = self.uint()
        if length & 1:  # one of the strings every MicroPython has, by its number
            return f"{STATIC}{length >> 1}"
        return self.bytes((length >> 1) + 1)[:-1].decode()

    def constant(self) -> object:
        kind = self.byte()
        fixed = {FUN_TABLE: RuntimeTable(), NONE: None, FALSE: False, TRUE: True, ELLIPSIS: ...}
        if kind in fixed:
            return fixed[kind]
        length = self.uint()
        if kind == TUPLE:
            return tuple(self.constant() for _ in range(length))
        if kind in (STR, BYTES):
            data = self.bytes(length + 1)[:-1]
            return data.decode() if kind == STR else data
        makers = {INT: int, FLOAT: float, COMPLEX: complex}
        if kind not in makers:
            raise MpyError(f"constant of unknown kind {kind}")
        return makers[kind](self.bytes(length).decode())

    def code(self) -> Code:
        head = self.uint()
        code = Code(head & 3, self.bytes(head >> 3))
        if code.kind == NATIVE:
            self.uint()  # where the prelude is
        elif code.kind in (VIPER, ASSEMBLER):
            if self.uint() & LINKED:
                raise MpyError("code linked by mpy_ld.py, not compiled by mpy-cross")
            if code.kind == ASSEMBLER:
                code.arguments, code.returns = self.uint(), self.uint()
        if head & 4:
            code.children = [self.code() for _ in range(self.uint())]
        return code


def _operand(bytecode: bytes, at: int) -> tuple[int, int]:
    """A variable-length number in bytecode, and the offset behind it."""
    reader = _Reader(bytecode)
    reader.at = at
    return reader.uint(), reader.at


def _skip_prelude(bytecode: bytes) -> int:
    """Offset of the first opcode (py/bc.h, MP_BC_PRELUDE_SIG_DECODE, MP_BC_PRELUDE_SIZE_DECODE)."""
    at = 0
    while bytecode[at] & 0x80:
        at += 1
    at += 1
    info = cells = turn = 0
    while True:
        byte = bytecode[at]
        at += 1
        cells |= (byte & 1) << turn
        info |= (byte >> 1 & 0x3F) << 6 * turn
        turn += 1
        if not byte & 0x80:
            return at + info + cells


def _names(bytecode: bytes, qstrs: list[str]) -> dict[int, str]:
    """Child number -> name, from the module's own code: make a function, store it under a name."""
    names: dict[int, str] = {}
    at, made = _skip_prelude(bytecode), None
    while at < len(bytecode):
        opcode = bytecode[at]
        at += 1
        number = 0
        # py/bc0.h, MP_BC_FORMAT: nothing, a qstr, a number, or a jump of one or two bytes; some have one byte more
        shape = 0x000003A4 >> 2 * (opcode >> 4) & 3
        if shape in (1, 2):
            number, at = _operand(bytecode, at)
        elif shape == 3:
            at += 1 + (bytecode[at] >> 7)
        if opcode & 0x9E == 0:
            at += 1
        if opcode == STORE_NAME and made is not None:
            names[made] = qstrs[number]
        made = number if opcode in (MAKE_FUNCTION, MAKE_FUNCTION_DEFARGS) else None
    return names


def read(data: bytes) -> Module:
    """Take a .mpy file apart. Raises MpyError, ValueError if it is not a .mpy at all."""
    # files of bytecode only carry 0 as the sub-version
    if mpy_version(data) != (6, 3 if mpy_architecture(data) else 0):
        raise MpyError(f"format {mpy_version(data)}; this reader knows (6, 3)")
    if data[2] & 0x40:
        raise MpyError("architecture flags are not known here")
    reader = _Reader(data)
    reader.bytes(4)
    n_qstrs, n_constants = reader.uint(), reader.uint()
    qstrs = [reader.qstr() for _ in range(n_qstrs)]
    constants = [reader.constant() for _ in range(n_constants)]
    top = reader.code()
    if top.kind != BYTECODE or reader.at != len(data):
        raise MpyError("a module of bytecode was expected, and nothing behind it")
    names = _names(top.data, qstrs)
    functions = {names[n]: child for n, child in enumerate(top.children) if child.kind in (VIPER, ASSEMBLER)}
    return Module(mpy_architecture(data), qstrs, constants, functions, top)
