"""SPI FRAM of 256 KiB: MB85RS2MTA, or FM25V20A.

Bytes are in the memory as they arrive: no busy time, no pages, any length. A write that loses its supply half-way
leaves half of it: see meter.storage.records. Opcodes and status bits: data sheets, table "op-code".
"""

import errno

from micropython import const

from drivers.spi_memory import SpiMemory

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_SIZE = const(0x40000)

_WREN = const(0x06)
_RDSR = const(0x05)
_READ = const(0x03)
_WRITE = const(0x02)
_RDID = const(0x9F)

_WEL = const(0x02)  # write enable latch
_BLOCK_PROTECT = const(0x0C)

# MB85RS2MTA and MB85RS2MT: Fujitsu 04 7F, density 8. FM25V20A: six continuation codes, Ramtron C2, density 5.
_IDENTITIES = const((b"\x04\x7f\x48\x03", b"\x04\x7f\x28\x03", b"\x7f\x7f\x7f\x7f\x7f\x7f\xc2\x25"))


class Fram(SpiMemory):
    """Random-access memory of `size` bytes that keeps its content.

    `spi` is a machine.SPI (mode 0 or 3, up to 40 MHz), `cs` a machine.Pin that idles high. All failures of the chip
    or the bus are OSError with a text; addresses outside the chip are ValueError.
    """

    size = _SIZE

    def check_id(self) -> None:
        """Read the device identity; OSError if this is no 2 Mbit FRAM."""
        identity = bytearray(8)
        self._command(_RDID, identity)
        for known in _IDENTITIES:
            if identity[: len(known)] == known:
                return
        raise OSError(errno.ENODEV, "FRAM: identity " + "".join("%02X" % b for b in identity[:4]))

    def read_into(self, address: int, buf: "Any") -> None:
        """Fill `buf` from `address` on."""
        _check(address, len(buf))
        self._transfer(_READ, address, self._spi.readinto, buf)

    def write(self, address: int, buf: "Any") -> None:
        """Store `buf` at `address`. OSError if the chip does not let itself be written; then nothing has changed."""
        _check(address, len(buf))
        self._command(_WREN, None)
        self._command(_RDSR, self._status)
        if self._status[0] & (_WEL | _BLOCK_PROTECT) != _WEL:  # a missing chip reads 00 or FF
            raise OSError(errno.EIO, "FRAM: not writable, status %02X" % self._status[0])
        self._transfer(_WRITE, address, self._spi.write, buf)


def _check(address: int, size: int) -> None:
    if address < 0 or address + size > _SIZE:
        raise ValueError("FRAM: no such address")
