"""What an emulated processor offers, and the two that Unicorn runs: a Cortex-M33 and an RV32IMC core."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import unicorn
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

WORD = 0xFFFF_FFFF

# One address space for all. What is not listed is not mapped: an access there ends the call.
CODE, CODE_SIZE = 0x1000_0000, 0x2_0000
RUNTIME, RUNTIME_SIZE = 0x2000_0000, 0x1000  # four bytes an entry of the runtime table: places to jump to
DATA, DATA_SIZE = 0x2001_0000, 0x2000  # the table itself, contexts, function objects, arguments
STACK, STACK_SIZE = 0x2002_0000, 0x4000
BUFFERS, BUFFER_STEP, BUFFER_SIZE, BUFFER_COUNT = 0x3000_0000, 0x10_0000, 0x1_0000, 6
LIMIT = 10_000_000  # instructions of one call; more is taken for an endless loop
EXIT = RUNTIME + RUNTIME_SIZE - 16  # the return address that ends a call

# What the runtime is asked: number of the table's entry, first two arguments; its answer is the result
Runtime = Callable[[int, int, int], int]


class EmulationError(Exception):
    """The code did what it must not: call into the runtime, leave its memory, or break the calling convention."""


class Cpu(ABC):
    """A processor with memory. `call` is the only way to run code."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    @abstractmethod
    def write(self, address: int, data: bytes) -> None: ...

    @abstractmethod
    def read(self, address: int, length: int) -> bytes: ...

    @abstractmethod
    def call(self, entry: int, arguments: Sequence[int]) -> tuple[int, int]:
        """Call the function at `entry` with up to four words: (result, instructions executed). EmulationError."""


class UnicornCpu(Cpu):
    """Counts by blocks: Unicorn tells of each straight run of code, whose instructions are counted once by length.

    An ARM instruction in an IT block counts whether its condition holds or not: it takes its place in the pipeline.
    """

    engine: tuple[int, int, int]  # architecture, mode, model
    pc: int
    stack_pointer: int
    link: int
    arguments: tuple[int, ...]  # the first one also carries the result
    kept: tuple[int, ...]  # registers that a function must give back as they were, besides the stack pointer
    lost: tuple[int, ...]  # those that a function called may have changed, besides arguments and link
    return_code: bytes
    entry_bit = 0

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        architecture, mode, model = self.engine
        self.uc = unicorn.Uc(architecture, mode)
        self.uc.ctl_set_cpu_model(model)
        code = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        data = unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE
        self.uc.mem_map(CODE, CODE_SIZE, code)
        self.uc.mem_map(RUNTIME, RUNTIME_SIZE, code)
        self.uc.mem_map(DATA, DATA_SIZE, unicorn.UC_PROT_READ)
        self.uc.mem_map(STACK, STACK_SIZE, data)
        for n in range(BUFFER_COUNT):
            self.uc.mem_map(BUFFERS + n * BUFFER_STEP, BUFFER_SIZE, data)
        self.uc.mem_write(RUNTIME, self.return_code.ljust(4, b"\0") * (RUNTIME_SIZE // 4))
        self.uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block, begin=CODE, end=CODE + CODE_SIZE - 1)
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self._called, begin=RUNTIME, end=EXIT - 1)
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._trap)
        self._lengths: dict[tuple[int, int], int] = {}
        self._count = 0

    @staticmethod
    @abstractmethod
    def width(start: int) -> int:
        """Bytes of the instruction whose first half-word this is."""

    def write(self, address: int, data: bytes) -> None:
        self.uc.mem_write(address, data)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.uc.mem_read(address, length))

    def call(self, entry: int, arguments: Sequence[int]) -> tuple[int, int]:
        uc, top = self.uc, STACK + STACK_SIZE - 64
        kept = {register: 0xC0DE_0000 + n for n, register in enumerate(self.kept)} | {self.stack_pointer: top}
        for register, value in kept.items():
            uc.reg_write(register, value)
        for register, value in zip(self.arguments, arguments, strict=False):
            uc.reg_write(register, value)
        uc.reg_write(self.link, EXIT | self.entry_bit)
        self._count = 0
        try:
            uc.emu_start(entry | self.entry_bit, EXIT)
        except unicorn.UcError as error:
            at = uc.reg_read(self.pc) - CODE
            raise EmulationError(f"{error}, near byte {at:#x} of the code") from None
        for register, value in kept.items():
            if uc.reg_read(register) != value:
                raise EmulationError("a register that belongs to the caller comes back changed")
        return uc.reg_read(self.arguments[0]), self._count

    def _block(self, uc: unicorn.Uc, address: int, size: int, _: object) -> None:
        key = address, size
        if key not in self._lengths:
            code, at, count = uc.mem_read(address, size), 0, 0
            while at < size:
                at += self.width(int.from_bytes(code[at : at + 2], "little"))
                count += 1
            self._lengths[key] = count
        self._count += self._lengths[key]
        if self._count > LIMIT:
            raise EmulationError(f"does not come to an end within {LIMIT} instructions")

    def _called(self, uc: unicorn.Uc, address: int, size: int, _: object) -> None:
        first, second = (uc.reg_read(register) for register in self.arguments[:2])
        result = self.runtime((address - RUNTIME) // 4, first, second)
        for n, register in enumerate(self.arguments[1:] + self.lost):
            uc.reg_write(register, 0xDEAD_0000 + n)
        uc.reg_write(self.arguments[0], result & WORD)

    def _trap(self, uc: unicorn.Uc, number: int, _: object) -> None:
        at = uc.reg_read(self.pc) - CODE
        raise EmulationError(
            f"exception {number}: no such instruction on this processor, near byte {at:#x} of the code"
        )


class CortexM33(UnicornCpu):
    """armv7emsp code on Unicorn's Cortex-M33. The floating-point unit is off: nothing here may need it."""

    engine = unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS, arm.UC_CPU_ARM_CORTEX_M33
    pc, stack_pointer, link = arm.UC_ARM_REG_PC, arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR
    arguments = tuple(arm.UC_ARM_REG_R0 + n for n in range(4))
    kept = tuple(arm.UC_ARM_REG_R0 + n for n in range(4, 12))
    lost = (arm.UC_ARM_REG_R12,)
    return_code = bytes.fromhex("7047")  # bx lr
    entry_bit = 1

    @staticmethod
    def width(start: int) -> int:
        return 4 if start >> 11 >= 0b11101 else 2


class Rv32(UnicornCpu):
    """rv32imc code on Unicorn's SiFive E31, an RV32IMAC core: nothing of what Hazard3 has beyond that is used."""

    engine = unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32, riscv.UC_CPU_RISCV32_SIFIVE_E31
    pc, stack_pointer, link = riscv.UC_RISCV_REG_PC, riscv.UC_RISCV_REG_X2, riscv.UC_RISCV_REG_X1
    arguments = tuple(riscv.UC_RISCV_REG_X10 + n for n in range(4))
    kept = tuple(riscv.UC_RISCV_REG_X0 + n for n in (3, 4, 8, 9, *range(18, 28)))
    lost = tuple(riscv.UC_RISCV_REG_X0 + n for n in (5, 6, 7, *range(14, 18), *range(28, 32)))
    return_code = bytes.fromhex("67800000")  # ret

    @staticmethod
    def width(start: int) -> int:
        return 4 if start & 3 == 3 else 2
