"""A board without a flash chip: sectors as files of its file system, in the place of drivers.nor_flash.

One file for each sector that was ever written. A single large file would not do: littlefs copies a file from the
changed place to its end. Each write to the board's own flash stops the processor for up to 80 ms: waveform pages are
lost then, energy is not.
"""

import errno
import os

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_SECTOR = const(4096)


class FileFlash:
    """Sectors 0 to `sectors` - 1 of `sector_size` bytes, in a folder. Errors of the file system are OSError."""

    sector_size = _SECTOR

    def __init__(self, folder: str, sectors: int):
        self.sectors = sectors
        self._folder = folder
        self._written = -1  # the sector begun last, until it is read back
        self._file: "Any" = None

    def check_id(self) -> None:
        """Make the folder if there is none."""
        try:
            os.mkdir(self._folder)
        except OSError as error:
            if error.args[0] != errno.EEXIST:
                raise

    def busy(self) -> bool:
        """Nothing goes on after a call."""
        return False

    def read_into(self, address: int, buf: "Any") -> None:
        """Fill `buf` from `address` on, inside of one sector; what was never written is FFh."""
        sector, offset = self._find(address, len(buf))
        if sector == self._written:
            self._close()
        got = 0
        try:
            with open(self._name(sector), "rb") as file:
                file.seek(offset)
                got = file.readinto(buf)
        except OSError as error:
            if error.args[0] != errno.ENOENT:
                raise
        for n in range(got, len(buf)):
            buf[n] = 0xFF

    def start_erase(self, sector: int) -> None:
        """Begin a sector anew."""
        self._find(sector * _SECTOR, 0)
        self._close()
        self._file = open(self._name(sector), "wb")
        self._written = sector

    def program(self, address: int, buf: "Any") -> None:
        """Write on in the sector begun last. OSError in another one, or if not from its begin on without a gap."""
        sector, offset = self._find(address, len(buf))
        if sector != self._written or self._file.tell() != offset:
            raise OSError(errno.EINVAL, "flash: sector %d is not erased" % sector)
        self._file.write(buf)

    def _close(self) -> None:
        self._written = -1
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _name(self, sector: int) -> str:
        return "%s/%d" % (self._folder, sector)

    def _find(self, address: int, size: int) -> tuple:
        sector, offset = divmod(address, _SECTOR)
        if not 0 <= sector < self.sectors or offset + size > _SECTOR:
            raise ValueError("flash: no such address")
        return sector, offset
