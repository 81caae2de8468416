"""SPI NOR flash of 16 MiB: W25Q128JV or W25Q128FV.

Sectors of 4096 bytes are erased to ones; a program turns ones into zeros, up to one page of 256 bytes at a time. Both
are started here and go on by themselves: `busy` says how long. A read in the meantime suspends them, so it never waits
for an erase. Opcodes, status bits and times: data sheet, tables "instruction set" and "AC electrical characteristics"
(typical and longest: page 0.4 and 3 ms, sector 45 and 400 ms).
"""

import errno
import time

from micropython import const

from drivers.spi_memory import SpiMemory

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_SIZE = const(0x1000000)
_SECTOR = const(4096)
_PAGE = const(256)

_WREN = const(0x06)
_RDSR = const(0x05)
_READ = const(0x03)
_PROGRAM = const(0x02)
_ERASE = const(0x20)
_SUSPEND = const(0x75)
_RESUME = const(0x7A)
_RDID = const(0x9F)

_BUSY = const(0x01)
_WEL = const(0x02)  # write enable latch
_BLOCK_PROTECT = const(0x1C)
_NOTHING = const(0xFF)  # status that a bus without a chip reads

_IDENTITIES = (b"\xef\x40\x18", b"\xef\x70\x18")  # JV-IQ and FV; JV-IM
_ERASE_MS = const(1000)  # when it is taken for stuck: with room for reads that suspend it
_PROGRAM_MS = const(50)
_SUSPEND_US = const(20)  # what a suspend takes at most
_SUSPEND_TRIES = const(10)


class W25Q128(SpiMemory):
    """`sectors` sectors of `sector_size` bytes, the first at address 0.

    `spi` is a machine.SPI (mode 0 or 3, up to 50 MHz), `cs` a machine.Pin that idles high. All failures of the chip or
    the bus are OSError with a text; places outside the chip, and pages crossed, are ValueError.
    """

    sector_size = _SECTOR
    sectors = _SIZE // _SECTOR

    def __init__(self, spi: "Any", cs: "Any"):
        super().__init__(spi, cs)
        self._limit_ms = 0  # 0: nothing is known to be under way
        self._since = 0

    def check_id(self) -> None:
        """At start: let an erase that an earlier life of the firmware has begun end, which may take 0.4 s, and read the
        identity; OSError if this is no W25Q128."""
        self._command(_RESUME, None)
        while self.busy() and self._status[0] != _NOTHING:
            time.sleep_ms(1)
        self._limit_ms = 0
        identity = bytearray(3)
        self._command(_RDID, identity)
        if identity not in _IDENTITIES:
            raise OSError(errno.ENODEV, "flash: identity " + "".join("%02X" % b for b in identity))

    def busy(self) -> bool:
        """Whether an erase or a program is under way. OSError if it has been for far too long."""
        if not self._is_busy():
            self._limit_ms = 0
            return False
        if self._limit_ms == 0:
            self._begin(_ERASE_MS)
        elif time.ticks_diff(time.ticks_ms(), self._since) > self._limit_ms:
            raise OSError(errno.ETIMEDOUT, "flash: busy for more than %d ms" % self._limit_ms)
        return True

    def read_into(self, address: int, buf: "Any") -> None:
        """Fill `buf` from `address` on. What is being erased or programmed reads as anything."""
        if address < 0 or address + len(buf) > _SIZE:
            raise ValueError("flash: no such address")
        suspended = self._limit_ms and self._is_busy()
        if suspended:
            self._suspend()
        try:
            self._transfer(_READ, address, self._spi.readinto, buf)
        finally:
            if suspended:
                self._command(_RESUME, None)

    def start_erase(self, sector: int) -> None:
        """Begin to erase a sector to FFh. OSError if the chip does not let itself be written, or is busy."""
        if not 0 <= sector < _SIZE // _SECTOR:
            raise ValueError("flash: no such sector")
        self._enable()
        self._transfer(_ERASE, sector * _SECTOR, None, None)
        self._begin(_ERASE_MS)

    def program(self, address: int, buf: "Any") -> None:
        """Begin to program at most a page from `address` on: zeros in `buf` become zeros there. OSError as above."""
        if address < 0 or address >= _SIZE or not 0 < len(buf) <= _PAGE - address % _PAGE:
            raise ValueError("flash: not inside a page")
        self._enable()
        self._transfer(_PROGRAM, address, self._spi.write, buf)
        self._begin(_PROGRAM_MS)

    def _begin(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._since = time.ticks_ms()

    def _enable(self) -> None:
        self._command(_WREN, None)
        self._command(_RDSR, self._status)
        if self._status[0] & (_WEL | _BLOCK_PROTECT | _BUSY) != _WEL:  # a missing chip reads 00 or FF
            raise OSError(errno.EIO, "flash: not writable, status %02X" % self._status[0])

    def _is_busy(self) -> bool:
        self._command(_RDSR, self._status)
        return bool(self._status[0] & _BUSY)

    def _suspend(self) -> None:
        self._command(_SUSPEND, None)
        for _ in range(_SUSPEND_TRIES):
            time.sleep_us(_SUSPEND_US)
            if not self._is_busy():
                return
        raise OSError(errno.EIO, "flash: does not suspend")
