"""Model of the port expander MCP23017: registers, address pointer, both orders of registers, pins.

Source: Microchip DS20001952, tables 1-1 (pins), 3-1 to 3-5 (registers and their reset values), 3.2.1 (sequential
operation). Interrupts are not modelled: their registers only keep what is written.
"""

from __future__ import annotations

from tools.bench.line import Line

# Registers in the order of bank 0, port A and B each
NAMES = ("IODIR", "IPOL", "GPINTEN", "DEFVAL", "INTCON", "IOCON", "GPPU", "INTF", "INTCAP", "GPIO", "OLAT")
IODIR, IPOL, IOCON, GPPU, INTF, INTCAP, GPIO, OLAT = 0, 1, 5, 6, 7, 8, 9, 10
_BANK, _SEQOP = 0x80, 0x20  # of IOCON
_IOCON_MASK = 0xFE  # bit 0 is not implemented


class Faults:
    """What can go wrong. `absent`: the chip acknowledges nothing. `break_after`: the next write is cut off after this
    many bytes, address included (once)."""

    def __init__(self) -> None:
        self.absent = False
        self.break_after: int | None = None


class MCP23017:
    """One chip. It begins without supply.

    `outside[n]`: what drives pin n from outside: 0, 1 or None, open. `lines[n]`: what the pin drives, with a pull-down
    behind it: 1 only while it is an output and high.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.outside: list[int | None] = [None] * 16
        self.lines = [Line(f"GP{'AB'[n >> 3]}{n & 7}", 0) for n in range(16)]
        self.powered = False
        self.now = 0
        self._reset()

    def _reset(self) -> None:
        self.registers = [[0, 0] for _ in NAMES]  # by register, then by port
        self.registers[IODIR] = [0xFF, 0xFF]
        self._pointer = 0

    # Supply and time

    def power(self, on: bool, t_ns: int) -> None:
        """Supply comes, with a power-on reset, or goes."""
        self.now = max(self.now, t_ns)
        if on and not self.powered:
            self._reset()
        self.powered = on
        self._drive()

    def brown_out(self, t_ns: int) -> None:
        """A dip of the chip's supply that nobody else notices."""
        self.power(False, t_ns)
        self.power(True, t_ns)

    def next_event(self) -> int | None:
        return None

    def advance(self, t_ns: int) -> None:
        self.now = max(self.now, t_ns)

    # Bus

    def i2c_write(self, data: bytes, t_ns: int) -> int:
        """Number of bytes acknowledged, address included; 0 if the chip does not answer."""
        self.advance(t_ns)
        if not self.powered or self.faults.absent:
            return 0
        limit, self.faults.break_after = self.faults.break_after, None
        taken = data if limit is None else data[: max(0, limit - 1)]
        if taken:
            self._pointer = taken[0]
        for byte in taken[1:]:
            self._store(byte)
            self._step()
        self._drive()
        return 1 + len(taken)

    def i2c_read(self, n: int, t_ns: int) -> bytes:
        """`n` bytes from the pointer on; nothing if the chip does not answer."""
        self.advance(t_ns)
        if not self.powered or self.faults.absent:
            return b""
        found = bytearray()
        for _ in range(n):
            found.append(self._fetch())
            self._step()
        return bytes(found)

    def _place(self) -> tuple[int, int] | None:
        """(register, port) that the pointer means, None if there is none."""
        pointer = self._pointer
        register, port = (pointer & 0x0F, pointer >> 4) if self.registers[IOCON][0] & _BANK else divmod(pointer, 2)
        return (register, port) if register < len(NAMES) and port < 2 else None

    def _step(self) -> None:
        control = self.registers[IOCON][0]
        if not control & _SEQOP:
            last = 0x1A if control & _BANK else 0x15
            self._pointer = 0 if self._pointer >= last else self._pointer + 1

    def _store(self, byte: int) -> None:
        place = self._place()
        if place is None or place[0] in (INTF, INTCAP):
            return
        register, port = place
        if register == IOCON:
            self.registers[IOCON] = [byte & _IOCON_MASK] * 2  # one register under two addresses
        else:
            self.registers[OLAT if register == GPIO else register][port] = byte

    def _fetch(self) -> int:
        place = self._place()
        if place is None:
            return 0
        register, port = place
        return self._port(port) if register == GPIO else self.registers[register][port]

    # Pins

    def _port(self, port: int) -> int:
        word = 0
        for bit in range(8):
            n, mask = port * 8 + bit, 1 << bit
            if self.registers[IODIR][port] & mask:
                outside = self.outside[n]
                level = outside if outside is not None else int(self.registers[GPPU][port] & mask != 0)
            else:
                level = int(self.registers[OLAT][port] & mask != 0)
            word |= level << bit
        return word ^ self.registers[IPOL][port] & self.registers[IODIR][port]

    def _drive(self) -> None:
        for n, line in enumerate(self.lines):
            port, mask = n >> 3, 1 << (n & 7)
            is_output = self.powered and not self.registers[IODIR][port] & mask
            line.set(int(is_output and self.registers[OLAT][port] & mask != 0), self.now)
