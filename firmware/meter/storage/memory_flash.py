"""Part of the FRAM as sectors, in the place of drivers.nor_flash: for a ring that must do without the flash."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.storage.records import Memory

SECTOR = const(256)


class MemoryFlash:
    """`sectors` of `sector_size` bytes from `address` on. Errors of the memory pass through as OSError."""

    sector_size = SECTOR

    def __init__(self, memory: "Memory", address: int, sectors: int):
        self.sectors = sectors
        self._memory = memory
        self._address = address

    def busy(self) -> bool:
        """Nothing goes on after a call."""
        return False

    def read_into(self, address: int, buf: "Any") -> None:
        """Read `len(buf)` bytes from `address` on."""
        self._memory.read_into(self._address + address, buf)

    def start_erase(self, sector: int) -> None:
        """Make all bytes of a sector FFh."""
        self._memory.write(self._address + sector * SECTOR, b"\xff" * SECTOR)

    def program(self, address: int, buf: "Any") -> None:
        """Write `buf` from `address` on."""
        self._memory.write(self._address + address, buf)
