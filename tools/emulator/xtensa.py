"""An interpreter of the Xtensa instructions that mpy-cross emits for xtensawin. Any other one ends the call.

Encodings: Xtensa Instruction Set Architecture Reference Manual, chapter 8; the choice is that of MicroPython's
py/asmxtensa.h. The register window needs no model: a kernel's frame is the only one, and the runtime's functions,
called by CALLX8, find and leave a8..a15 as the callee's a0..a7.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.emulator import cpu
from tools.emulator.cpu import WORD, Cpu, EmulationError, Runtime


def _signed(value: int, bits: int = 32) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


class Xtensa(Cpu):
    """The LX7 of the ESP32-S3, as far as viper code uses it: windowed, code density, 32-bit multiply."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        areas = [(cpu.CODE, cpu.CODE_SIZE), (cpu.DATA, cpu.DATA_SIZE), (cpu.STACK, cpu.STACK_SIZE)]
        areas += [(cpu.BUFFERS + n * cpu.BUFFER_STEP, cpu.BUFFER_SIZE) for n in range(cpu.BUFFER_COUNT)]
        self._areas = {start: bytearray(size) for start, size in areas}
        self._writable = {start for start in self._areas if start not in (cpu.CODE, cpu.DATA)}
        self._a = [0] * 16
        self._shift = 0  # SAR: 32 - n after SSL n, n after SSR n

    def _find(self, address: int, length: int) -> tuple[int, int]:
        """Start of the area and offset in it of `length` bytes."""
        start = address & 0xFFF0_0000 if address >= cpu.BUFFERS else address & 0xFFFF_0000
        area = self._areas.get(start)
        if area is None or address - start + length > len(area):
            raise EmulationError(f"access to {address:#x}, where there is nothing")
        return start, address - start

    def write(self, address: int, data: bytes) -> None:
        start, offset = self._find(address, len(data))
        self._areas[start][offset : offset + len(data)] = data

    def read(self, address: int, length: int) -> bytes:
        start, offset = self._find(address, length)
        return bytes(self._areas[start][offset : offset + length])

    def _load(self, address: int, length: int) -> int:
        if address % length:
            raise EmulationError(f"load of {length} bytes from {address:#x}, which is not a multiple of that")
        return int.from_bytes(self.read(address, length), "little")

    def _store(self, address: int, length: int, value: int) -> None:
        start, _ = self._find(address, length)
        if address % length or start not in self._writable:
            raise EmulationError(f"store of {length} bytes to {address:#x}")
        self.write(address, (value & ((1 << 8 * length) - 1)).to_bytes(length, "little"))

    def call(self, entry: int, arguments: Sequence[int]) -> tuple[int, int]:
        a = self._a
        a[:] = [0xDEAD_0000 + n for n in range(16)]
        a[0], a[1] = cpu.EXIT, cpu.STACK + cpu.STACK_SIZE - 64
        a[2 : 2 + len(arguments)] = arguments
        code, pc, count = self._areas[cpu.CODE], entry - cpu.CODE, 0
        while True:
            count += 1
            if count > cpu.LIMIT or not 0 <= pc < cpu.CODE_SIZE - 3:
                raise EmulationError("does not come to an end, or runs out of the code")
            word = code[pc] | code[pc + 1] << 8
            if word & 0xFFFF == 0xF01D:  # RETW.N
                if a[0] != cpu.EXIT:
                    raise EmulationError("return to somewhere else than the caller")
                return a[2], count
            if word & 8:
                self._narrow(word)
                pc += 2
            else:
                pc = self._wide(word | code[pc + 2] << 16, pc)

    def _narrow(self, word: int) -> None:
        a, op, r, s, t = self._a, word & 15, word >> 12, word >> 8 & 15, word >> 4 & 15
        if op == 8:  # L32I.N
            a[t] = self._load(a[s] + 4 * r & WORD, 4)
        elif op == 9:  # S32I.N
            self._store(a[s] + 4 * r & WORD, 4, a[t])
        elif op == 10:  # ADD.N
            a[r] = a[s] + a[t] & WORD
        elif op == 12 and t < 8:  # MOVI.N, -32 .. 95
            value = (t & 7) << 4 | r
            a[s] = (value - 128 if value >= 96 else value) & WORD
        elif op == 13 and r == 0:  # MOV.N
            a[t] = a[s]
        else:
            raise EmulationError(f"instruction {word:04x} is not one that mpy-cross emits")

    def _wide(self, word: int, pc: int) -> int:
        """Execute an instruction of three bytes and return the next one's place."""
        a, op, t, s, r = self._a, word & 15, word >> 4 & 15, word >> 8 & 15, word >> 12 & 15
        following = pc + 3
        if op == 0:
            self._register(word, r, s, t)
        elif op == 1:  # L32R: 16-bit negative word offset
            a[t] = self._load((cpu.CODE + following & ~3) + 4 * _signed(word >> 8, 16), 4)
        elif op == 2:
            self._immediate(word, r, s, t)
        elif op == 6 and word >> 4 & 3 == 0:  # J
            return pc + 4 + _signed(word >> 6, 18)
        elif op == 6 and word >> 4 & 3 == 1:  # BEQZ, BNEZ, BLTZ, BGEZ
            value = _signed(a[s])
            if (value == 0, value != 0, value < 0, value >= 0)[word >> 6 & 3]:
                return pc + 4 + _signed(word >> 12, 12)
        elif op == 6 and word >> 4 & 15 == 3:  # ENTRY
            a[s] -= word >> 12 << 3
        elif op == 7 and r & 7 in (1, 2, 3):  # BEQ, BLT, BLTU, and from 8 on their opposites
            x, y = (a[s], a[t]) if r & 7 == 3 else (_signed(a[s]), _signed(a[t]))
            if (x == y if r & 7 == 1 else x < y) != bool(r & 8):
                return pc + 4 + _signed(word >> 16, 8)
        else:
            raise EmulationError(f"instruction {word:06x} is not one that mpy-cross emits")
        return following

    def _register(self, word: int, r: int, s: int, t: int) -> None:
        a, op = self._a, word >> 16
        if op == 0 and r == 0 and t == 14:  # CALLX8
            if not cpu.RUNTIME <= a[s] < cpu.EXIT:
                raise EmulationError(f"call of {a[s]:#x}, which is no function of the runtime")
            result = self.runtime((a[s] - cpu.RUNTIME) // 4, a[10], a[11])
            a[8:] = [0xDEAD_0000 + n for n in range(8)]
            a[10] = result & WORD
        elif op == 0x40 and r == 0:  # SSR
            self._shift = a[s] & 31
        elif op == 0x40 and r == 1:  # SSL
            self._shift = 32 - (a[s] & 31)
        elif op == 0xA1:  # SLL
            a[r] = a[s] << 32 - self._shift & WORD
        elif op == 0x91:  # SRL
            a[r] = a[t] >> self._shift
        elif op == 0xB1:  # SRA
            a[r] = _signed(a[t]) >> self._shift & WORD
        elif op == 0x60 and s == 0:  # NEG
            a[r] = -a[t] & WORD
        elif op == 0x82:  # MULL
            a[r] = a[s] * a[t] & WORD
        elif op in (0x10, 0x20, 0x30):  # AND, OR, XOR
            a[r] = a[s] & a[t] if op == 0x10 else a[s] | a[t] if op == 0x20 else a[s] ^ a[t]
        elif op in (0x80, 0x90, 0xA0):  # ADD, ADDX2, ADDX4
            a[r] = (a[s] << (op >> 4) - 8) + a[t] & WORD
        elif op == 0xC0:  # SUB
            a[r] = a[s] - a[t] & WORD
        else:
            raise EmulationError(f"instruction {word:06x} is not one that mpy-cross emits")

    def _immediate(self, word: int, r: int, s: int, t: int) -> None:
        a, immediate = self._a, word >> 16
        if r in (0, 1, 2):  # L8UI, L16UI, L32I
            a[t] = self._load(a[s] + (immediate << r) & WORD, 1 << r)
        elif r in (4, 5, 6):  # S8I, S16I, S32I
            self._store(a[s] + (immediate << r - 4) & WORD, 1 << r - 4, a[t])
        elif r == 10:  # MOVI: 12 bits
            a[t] = _signed(s << 8 | immediate, 12) & WORD
        elif r == 12:  # ADDI
            a[t] = a[s] + _signed(immediate, 8) & WORD
        else:
            raise EmulationError(f"instruction {word:06x} is not one that mpy-cross emits")
