"""Functions of a compiled firmware module, called as MicroPython calls them.

Viper: py/objfun.c, fun_viper_call: entry(function object, n_args, n_kw, args), arguments and result are objects; the
code itself asks the runtime to convert each (py/emitnative.c, emit_native_start_pass). Inline assembler: py/objfun.c,
fun_asm_call: the arguments arrive converted in r0..r3, the result leaves in r0.
"""

from __future__ import annotations

import ast
import struct
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.emulator import cpu, mpy
from tools.emulator.cpu import Cpu, EmulationError
from tools.emulator.host import firmware_module
from tools.emulator.xtensa import Xtensa
from tools.mpycross import ARCHITECTURE_NUMBERS, FIRMWARE, compile_source

ARCHITECTURES: dict[str, Callable[[cpu.Runtime], Cpu]] = {
    "armv7emsp": cpu.CortexM33,
    "rv32imc": cpu.Rv32,
    "xtensawin": Xtensa,
}

# The runtime's table (py/nativeglue.h, mp_fun_kind_t). Entries 0..2 are objects, all others functions.
RUNTIME_TABLE = (
    "CONST_NONE_OBJ CONST_FALSE_OBJ CONST_TRUE_OBJ CONVERT_OBJ_TO_NATIVE CONVERT_NATIVE_TO_OBJ NATIVE_SWAP_GLOBALS "
    "LOAD_NAME LOAD_GLOBAL LOAD_BUILD_CLASS LOAD_ATTR LOAD_METHOD LOAD_SUPER_METHOD STORE_NAME STORE_GLOBAL "
    "STORE_ATTR OBJ_SUBSCR OBJ_IS_TRUE UNARY_OP BINARY_OP BUILD_TUPLE BUILD_LIST BUILD_MAP BUILD_SET STORE_SET "
    "LIST_APPEND STORE_MAP MAKE_FUNCTION_FROM_PROTO_FUN NATIVE_CALL_FUNCTION_N_KW CALL_METHOD_N_KW "
    "CALL_METHOD_N_KW_VAR NATIVE_GETITER NATIVE_ITERNEXT NLR_PUSH NLR_POP NATIVE_RAISE IMPORT_NAME IMPORT_FROM "
    "IMPORT_ALL NEW_SLICE UNPACK_SEQUENCE UNPACK_EX DELETE_NAME DELETE_GLOBAL NEW_CLOSURE ARG_CHECK_NUM_SIG "
    "SETUP_CODE_STATE SMALL_INT_FLOOR_DIVIDE SMALL_INT_MODULO NATIVE_YIELD_FROM SETJMP"
).split()
FROM_OBJECT, TO_OBJECT = RUNTIME_TABLE.index("CONVERT_OBJ_TO_NATIVE"), RUNTIME_TABLE.index("CONVERT_NATIVE_TO_OBJ")
# py/runtime0.h, MP_NATIVE_TYPE_*
OBJECT, BOOL, INT, UINT = range(4)
NOTHING = -1  # a C function without a result leaves anything in r0

# Objects that are not small integers, as addresses that nothing may follow
OBJECTS = 0x5000_0000
NONE = OBJECTS
SINGLETONS = {NONE: None, OBJECTS + 4: False, OBJECTS + 8: True}
BUFFER_OBJECTS = OBJECTS + 0x100
OTHER_CONSTANTS = OBJECTS + 0x1000

# Layout of the data area
TABLE = cpu.DATA
CONSTANTS = cpu.DATA + 0x800
CONTEXT = cpu.DATA + 0x1000
FUNCTION = cpu.DATA + 0x1100
ARGUMENTS = cpu.DATA + 0x1200


def is_small(value: int) -> bool:
    """Whether an integer fits into an object's own word on a 32-bit target; a larger one lives on the heap."""
    return -(1 << 30) <= value < 1 << 30


def source_of(module: str) -> Path:
    """The file of a firmware module, e.g. of "meter.metrology.kernels"."""
    return FIRMWARE / (module.replace(".", "/") + ".py")


@dataclass(frozen=True)
class Entry:
    """A function in an image: where it begins, its kind (mpy.VIPER or mpy.ASSEMBLER); of the latter its signature."""

    offset: int
    kind: int
    arguments: int = 0
    returns: int = 0


@dataclass(frozen=True)
class Image:
    """Machine code for one architecture, and the constants that viper code loads from its context."""

    architecture: str
    code: bytes
    entries: dict[str, Entry]
    constants: tuple[object, ...] = ()


def image(source: Path, architecture: str) -> Image:
    """The native functions of a Python file as mpy-cross compiles them. CompileError, mpy.MpyError."""
    module = mpy.read(compile_source(source, architecture, source.name))
    # a module without native code carries no architecture
    assert not module.functions or module.architecture == ARCHITECTURE_NUMBERS[architecture]
    code, entries = bytearray(), {}
    for name, function in module.functions.items():
        entries[name] = Entry(len(code), function.kind, function.arguments, function.returns)
        code += function.data + bytes(-len(function.data) % 16)
    if any(name.startswith(mpy.STATIC) for name in entries):
        names = _static_names(source)
        entries = {names.get(name, name): entry for name, entry in entries.items()}
    return Image(architecture, bytes(code), entries, tuple(module.constants))


def _static_names(source: Path) -> dict[str, str]:
    """What a .mpy calls "static n" -> name, for the functions of a file: what mpy-cross makes of a list of them."""
    names = dict.fromkeys(n.name for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.FunctionDef))
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "x.py"
        listing.write_text("\n".join(names))
        # behind the file's name and "<module>"
        qstrs = mpy.read(compile_source(listing, "armv7emsp", listing.name)).qstrs[2:]
    assert all(qstr == name or qstr.startswith(mpy.STATIC) for qstr, name in zip(qstrs, names, strict=True))
    return dict(zip(qstrs, names, strict=True))


def firmware_image(module: str, architecture: str) -> Image:
    """The native functions of a firmware module."""
    return image(source_of(module), architecture)


class Target:
    """One processor with one image. `instructions` and `calls` count by function.

    What the runtime does to convert arguments and result is not counted.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self.cpu = ARCHITECTURES[image.architecture](self._runtime)
        self.instructions: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.cpu.write(cpu.CODE, image.code)
        thumb = int(image.architecture == "armv7emsp")  # addresses of Thumb code are odd
        functions = range(len(SINGLETONS), len(RUNTIME_TABLE))
        self._write_words(TABLE, [*SINGLETONS, *(cpu.RUNTIME + 4 * n | thumb for n in functions)])
        self._write_words(CONSTANTS, [self._constant(n, c) for n, c in enumerate(image.constants)])
        # mp_module_context_t: type, globals, qstr table, object table. mp_obj_fun_bc_t: type, context, children, code.
        self._write_words(CONTEXT, [0, 0, 0, CONSTANTS])
        self._write_words(FUNCTION, [0, CONTEXT, 0, 0])
        self._buffers: list[Any] = []
        self._places: list[int] = []  # of the buffers

    @staticmethod
    def _constant(number: int, constant: object) -> int:
        return TABLE if isinstance(constant, mpy.RuntimeTable) else OTHER_CONSTANTS + 4 * number

    def _write_words(self, address: int, words: list[int]) -> None:
        self.cpu.write(address, struct.pack(f"<{len(words)}I", *words))

    def call(self, name: str, *arguments: Any, from_start: bool = False) -> Any:
        """Call a function with integers and buffers, which are changed in place. Returns an int or None.

        A buffer's end is where mapped memory ends, so that a step beyond it is caught; with `from_start` its
        beginning is where mapped memory begins. EmulationError also for integers that would be on the heap.
        """
        entry = self.image.entries[name]
        start = cpu.CODE + entry.offset
        self._buffers, self._places = [], []
        try:
            objects = [self._object(argument, from_start) for argument in arguments]
            if entry.kind == mpy.VIPER:
                self._write_words(ARGUMENTS, objects)
                result, count = self.cpu.call(start, [FUNCTION, len(objects), 0, ARGUMENTS])
            else:
                if len(objects) != entry.arguments:
                    raise EmulationError(f"takes {entry.arguments} arguments, got {len(objects)}")
                result, count = self.cpu.call(start, [self._native(o, None) for o in objects])
                result = self._to_object(result, entry.returns)
        except EmulationError as error:
            raise EmulationError(f"{name} on {self.image.architecture}: {error}") from None
        self.instructions[name] += count
        self.calls[name] += 1
        for buffer, place in zip(self._buffers, self._places, strict=True):
            self._take_back(name, buffer, self.cpu.read(place, memoryview(buffer).nbytes))
        return SINGLETONS[result] if result in SINGLETONS else ((result ^ 1 << 31) - (1 << 31)) >> 1

    def _object(self, argument: Any, from_start: bool) -> int:
        """The object that stands for an argument; buffers are put into memory."""
        if isinstance(argument, int):
            if not is_small(argument):
                raise EmulationError(f"argument {argument} is no small integer: on the target it is on the heap")
            return (argument << 1 | 1) & cpu.WORD
        for n, known in enumerate(self._buffers):
            if known is argument:
                return BUFFER_OBJECTS + 4 * n
        data = bytes(memoryview(argument).cast("B"))
        number = len(self._buffers)
        if number >= cpu.BUFFER_COUNT or len(data) > cpu.BUFFER_SIZE:
            raise EmulationError("more or larger buffers than there is memory for")
        address = cpu.BUFFERS + number * cpu.BUFFER_STEP
        if not from_start:
            address += (cpu.BUFFER_SIZE - len(data)) & ~(memoryview(argument).itemsize - 1)
        self.cpu.write(address, data)
        self._buffers.append(argument)
        self._places.append(address)
        return BUFFER_OBJECTS + 4 * number

    @staticmethod
    def _take_back(name: str, buffer: Any, data: bytes) -> None:
        view = memoryview(buffer).cast("B")
        if view == data:
            return
        if view.readonly:
            raise EmulationError(f"{name} writes to a buffer that cannot be written")
        view[:] = data

    def _runtime(self, entry: int, first: int, second: int) -> int:
        if entry == FROM_OBJECT:
            return self._native(first, second)
        if entry == TO_OBJECT:
            return self._to_object(first, second)
        raise EmulationError(f"calls MP_F_{RUNTIME_TABLE[entry]} of the runtime")

    def _native(self, obj: int, kind: int | None) -> int:
        """py/nativeglue.c, mp_native_from_obj; for inline assembler (`kind` None) py/objfun.c."""
        if kind == OBJECT:
            return obj
        if obj & 1 and kind in (None, INT, UINT):
            return ((obj ^ 1 << 31) - (1 << 31)) >> 1 & cpu.WORD
        number = (obj - BUFFER_OBJECTS) // 4
        if 0 <= number < len(self._buffers) and kind not in (BOOL, INT, UINT):
            return self._places[number]
        raise EmulationError(f"argument {obj:#x} does not convert to native type {kind}")

    def _to_object(self, value: int, kind: int) -> int:
        """py/nativeglue.c, mp_native_to_obj."""
        if kind == NOTHING:
            return NONE
        if kind == INT:
            value = (value ^ 1 << 31) - (1 << 31)
        elif kind != UINT:
            raise EmulationError(f"returns native type {kind}: kernels return integers or nothing")
        if not is_small(value):
            raise EmulationError(f"returns {value}, which is no small integer: on the target it goes to the heap")
        return (value << 1 | 1) & cpu.WORD


class EmulatedModule:
    """A firmware module whose native functions run on a target; everything else is the module's own under CPython."""

    def __init__(self, module: str, architecture: str) -> None:
        self.target = Target(firmware_image(module, architecture))
        self._module = firmware_module(module)

    def __getattr__(self, name: str) -> Any:
        if name not in self.target.image.entries:
            return getattr(self._module, name)
        return lambda *arguments: self.target.call(name, *arguments)
