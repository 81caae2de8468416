"""The SPI front: command header, register windows, what follows the data, CRC, the LAST_* registers."""

from __future__ import annotations

import binascii
from typing import Protocol

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.faults import Faults
from tools.bench.ade9000.waveform import SINGLE_ADDRESS

_NOT_REMEMBERED = frozenset((r.LAST_CMD, r.LAST_DATA_16, r.LAST_DATA_32))
# auto-increment windows with BURST_EN: first and last address
_BURST_WINDOWS = ((0x500, 0x5FF), (r.BURST_1, r.BURST_1_END), (r.BURST_2, r.BURST_2_END))


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, seed 0xFFFF, not reflected, no final XOR."""
    return binascii.crc_hqx(data, 0xFFFF)


class RegisterFile(Protocol):
    """What the front needs of the chip's registers."""

    def read(self, address: int) -> int: ...

    def write(self, address: int, value: int) -> None: ...

    def buffer_bytes(self, address: int, position: int, count: int) -> bytes: ...

    def burst_enabled(self) -> bool: ...

    def burst_channel(self) -> int: ...


class SpiFront:
    """One transaction at a time: `begin`, `exchange` any number of times, `end`."""

    def __init__(self, registers: RegisterFile, faults: Faults) -> None:
        self._registers, self._faults = registers, faults
        self.reset()

    def reset(self) -> None:
        """Chip reset."""
        self.last_cmd = self.last_16 = self.last_32 = 0
        self._checked = self._stream = b""
        self._crc = self._place = 0
        self._address, self._width = -1, 4
        self._endless = self._buffer = False
        self.begin()

    @property
    def crc(self) -> int:
        """CRC_SPI: of the data bytes of the last read."""
        if self._checked:
            self._crc, self._checked = crc16(self._checked), b""
        return self._crc

    def begin(self) -> None:
        """SS falls."""
        self._head = self._sent = self._data = b""
        self._commanded = self._reading = self._written = self._spoilt = False

    def end(self) -> None:
        """SS rises: a read counts for CRC_SPI, an incomplete write is forgotten."""
        if self._reading and self._sent:
            self._checked = self._sent if self._endless else self._sent[: self._width]

    def exchange(self, data: bytes) -> bytes:
        """Clock `data` in and as many bytes out."""
        if self._commanded:
            out = self._read(len(data)) if self._reading else self._take(data)
        else:
            self._head += data
            if len(self._head) < 2:
                out = bytes(len(data))
            else:
                self._command(self._head[0] << 8 | self._head[1])
                rest = self._head[2:]
                out = bytes(len(data) - len(rest))
                if rest:
                    out += self._read(len(rest)) if self._reading else self._take(rest)
        if self._faults.stuck_miso is not None:
            return bytes((self._faults.stuck_miso,)) * len(data)
        return out

    def _command(self, header: int) -> None:
        self._commanded = True
        self._address = address = header >> 4
        self._width = 2 if 0x480 <= address <= 0x4FE else 4
        if header & 8:
            self._begin_read(address)
        if address not in _NOT_REMEMBERED:
            self.last_cmd = header & 0xFFF8

    def _take(self, data: bytes) -> bytes:
        """Data bytes of a write; they act when the register's width is complete."""
        if not self._written:
            self._data += data
            if len(self._data) >= self._width:
                self._write(self._data[: self._width])
        return bytes(len(data))

    def _write(self, data: bytes) -> None:
        self._written = True
        if self._faults.flip_writes:
            self._faults.flip_writes -= 1
            data = self._faults.spoil(data)
        value = int.from_bytes(data, "big")
        self._remember(value)
        self._registers.write(self._address, value)

    def _remember(self, value: int) -> None:
        if self._address in _NOT_REMEMBERED:
            return
        if self._width == 2:
            self.last_16 = value
        else:
            self.last_32 = value

    def _begin_read(self, address: int) -> None:
        registers = self._registers
        self._reading, self._place = True, 0
        self._buffer = address >= r.BUFFER and registers.burst_channel() != SINGLE_ADDRESS
        self._endless = self._buffer or registers.burst_enabled()
        if self._buffer:
            return
        value = registers.read(address)
        self._stream = value.to_bytes(self._width, "big")
        if not self._endless:
            self._stream += crc16(self._stream).to_bytes(2, "big")
        if not self._endless or not self._window():
            self._remember(value)

    def _read(self, count: int) -> bytes:
        end = self._place + count
        if self._buffer:
            out = self._registers.buffer_bytes(self._address, self._place, count)
        else:
            if end > len(self._stream):
                self._extend(end)
            out = self._stream[self._place : end]
        self._place = end
        self._sent += out
        return self._spoil(out) if self._faults.flip_reads or self._faults.flip_pages else out

    def _extend(self, length: int) -> None:
        """Go on past data and CRC with zeros, with BURST_EN past the data with the next or the same register."""
        if not self._endless:
            self._stream = self._stream.ljust(length, b"\0")
        while len(self._stream) < length:
            self._stream += self._next_word()

    def _window(self) -> tuple[int, int] | None:
        for low, high in _BURST_WINDOWS:
            if low <= self._address <= high:
                return low, high
        return None

    def _next_word(self) -> bytes:
        """What follows with BURST_EN: the next register inside a burst window, elsewhere the same data again."""
        window = self._window()
        if window is None:
            return self._stream[: self._width]
        high = window[1]
        address = self._address + len(self._stream) // 4
        if address > high:  # past the window's end a burst goes on at the address it began with
            address = self._address + (address - high - 1) % (high - self._address + 1)
        return self._registers.read(address).to_bytes(4, "big")

    def _spoil(self, out: bytes) -> bytes:
        if self._spoilt or not out:
            return out
        if self._faults.flip_reads:
            self._faults.flip_reads -= 1
        elif self._faults.flip_pages and self._buffer:
            self._faults.flip_pages -= 1
        else:
            return out
        self._spoilt = True
        if self._buffer:
            return self._faults.spoil(out)
        return self._faults.spoil(out[: self._width]) + out[self._width :]
