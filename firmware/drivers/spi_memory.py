"""What SPI memories have in common: a select pin, opcodes, and addresses of three bytes."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class SpiMemory:
    """`spi` is a machine.SPI, `cs` a machine.Pin that idles high. Errors of the bus are OSError."""

    def __init__(self, spi: "Any", cs: "Any"):
        self._spi = spi
        self._cs = cs
        self._header = bytearray(4)
        self._opcode = bytearray(1)
        self._status = bytearray(1)
        cs(1)

    def _command(self, opcode: int, answer: "Any") -> None:
        """Send an opcode; fill `answer`, if it is not None, with what follows."""
        self._opcode[0] = opcode
        self._exchange(self._opcode, self._spi.readinto, answer)

    def _transfer(self, opcode: int, address: int, move: "Any", buf: "Any") -> None:
        """Send an opcode and an address, then let `move`, the bus's readinto or write, have `buf` if it is not None."""
        header = self._header
        header[0] = opcode
        header[1] = address >> 16
        header[2] = address >> 8 & 0xFF
        header[3] = address & 0xFF
        self._exchange(header, move, buf)

    def _exchange(self, head: bytearray, move: "Any", buf: "Any") -> None:
        self._cs(0)
        try:
            self._spi.write(head)
            if buf is not None:
                move(buf)
        finally:
            self._cs(1)
