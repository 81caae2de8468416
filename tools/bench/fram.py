"""SPI FRAM of 256 KiB (MB85RS2MTA) as its pins show it.

Every data byte of a WRITE is in the array as soon as its last bit has arrived, so a supply that fails in the middle of
a write leaves exactly the bytes before it: `cut_after` arranges that. There is no busy time and no page. The content
and the three non-volatile status bits survive `power`; the write enable latch does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

SIZE = 0x40000
DEVICE_ID = bytes((0x04, 0x7F, 0x48, 0x03))
WAKE_NS = 400_000  # from the fall of the select pin until a sleeping chip listens again

WREN, WRDI, RDSR, WRSR = 0x06, 0x04, 0x05, 0x01
READ, FAST_READ, WRITE = 0x03, 0x0B, 0x02
RDID, SLEEP = 0x9F, 0xB9

# Bytes up to the first data byte: opcode, address, and the dummy byte of the fast read.
_HEADER_BYTES = {READ: 4, WRITE: 4, FAST_READ: 5}

STATUS_WEL, STATUS_BP, STATUS_WPEN = 0x02, 0x0C, 0x80
_STATUS_STORED = STATUS_WPEN | STATUS_BP
_PROTECTED_FROM = (SIZE, SIZE * 3 // 4, SIZE // 2, 0)  # by BP1:0: none, upper quarter, upper half, all


@dataclass
class FramFaults:
    """What can be wrong with the chip. All off by default."""

    stuck_miso: int | None = None  # every byte out reads this; the chip still hears
    device_id: bytes | None = None  # another chip is fitted
    dead: bool = False  # hears nothing, drives nothing


@dataclass
class _Cut:
    left: int
    callback: Callable[[], None]
    torn_byte: bool


class FRAM:
    """One chip.

    Test hooks: `writes` counts WRITE commands that stored something, `bytes_written` their bytes; `log`, when set to a
    list, gets `(t_ns, address, data)` per stored piece; `peek`, `poke` and `image` reach the array past the pins.
    """

    def __init__(self, image: bytes | None = None, *, seed: int = 0) -> None:
        self.faults = FramFaults()
        self.write_protect_pin = 1  # level of WP: low with WPEN set protects the status register
        self.writes = 0
        self.bytes_written = 0
        self.log: list[tuple[int, int, bytes]] | None = None
        self._array = bytearray(SIZE)
        self._status = 0
        self._random = random.Random(seed)
        self._cut: _Cut | None = None
        self._powered = False
        self._selected = False
        self._asleep = False
        self._listens_ns = 0
        self._header = bytearray()
        self._address = 0
        self._position = 0  # data bytes seen in this selection
        self._stored = False  # whether this selection has changed the array
        if image is not None:
            self.image = image

    # --- bench side -------------------------------------------------------------------------------------------

    @property
    def image(self) -> bytes:
        """The whole array."""
        return bytes(self._array)

    @image.setter
    def image(self, content: bytes) -> None:
        if len(content) != SIZE:
            raise ValueError(f"an image has {SIZE} bytes, not {len(content)}")
        self._array[:] = content

    def peek(self, address: int, size: int) -> bytes:
        """`size` bytes of the array."""
        self._check_range(address, size)
        return bytes(self._array[address : address + size])

    def poke(self, address: int, data: bytes) -> None:
        """Change the array: manufacture, or damage."""
        self._check_range(address, len(data))
        self._array[address : address + len(data)] = data

    def cut_after(self, n_bytes: int, callback: Callable[[], None], torn_byte: bool = False) -> None:
        """Lose the chip's supply when `n_bytes` more data bytes have been written to the array.

        The chip ignores everything from there until `power(True)`; `callback()` is for the rest of the meter. With
        `n_bytes` = 0 the next data byte is already lost. With `torn_byte` the supply fails inside the byte after those
        `n_bytes`, and that byte is left with random bits.
        """
        if n_bytes < 0:
            raise ValueError("cannot cut in the past")
        self._cut = _Cut(n_bytes, callback, torn_byte)

    def cancel_cut(self) -> None:
        """Forget a cut that has not happened."""
        self._cut = None

    @property
    def cut_pending(self) -> bool:
        """Whether a cut is armed and has not happened."""
        return self._cut is not None

    # --- Device -----------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        """A memory does nothing by itself."""
        return None

    def advance(self, t_ns: int) -> None:
        """Nothing to bring forward."""

    def power(self, on: bool, t_ns: int) -> None:
        """Supply on or off. Power-on clears the write enable latch and waits for the select pin to fall."""
        self._powered = on
        self._selected = self._asleep = False
        self._listens_ns = t_ns
        self._status &= _STATUS_STORED
        self._header.clear()

    # --- SPI --------------------------------------------------------------------------------------------------

    def select(self, t_ns: int) -> None:
        """The select pin falls; wakes a sleeping chip, which listens `WAKE_NS` later."""
        self._selected = True
        self._header.clear()
        self._position = 0
        self._stored = False
        if self._asleep:
            self._asleep = False
            self._listens_ns = t_ns + WAKE_NS

    def deselect(self, t_ns: int) -> None:
        """The select pin rises: ends the command, clears the write enable latch after a write."""
        if self._selected and self._powered and self._header:
            opcode = self._header[0]
            if opcode in (WRITE, WRSR, WRDI):
                self._status &= ~STATUS_WEL
            elif opcode == SLEEP:
                self._asleep = True
        self._selected = False
        self._header.clear()

    def exchange(self, data: bytes, t_ns: int) -> bytes:
        """Clock `data` in and as many bytes out. MISO floats high where the chip does not drive it."""
        out = b"\xff" * len(data)
        if self._selected and self._powered and not self.faults.dead and t_ns >= self._listens_ns:
            taken = self._take_header(data)
            out = out[:taken] + self._data_phase(data[taken:], t_ns) if taken < len(data) else out
        if self.faults.stuck_miso is not None:
            return bytes((self.faults.stuck_miso,)) * len(data)
        return out

    def _take_header(self, data: bytes) -> int:
        """Collect opcode and address; returns how many of `data` belong to them."""
        opcode = self._header[0] if self._header else data[0]
        wanted = _HEADER_BYTES.get(opcode, 1) - len(self._header)
        piece = data[: max(wanted, 0)]
        if not piece:
            return 0
        self._header += piece
        if opcode == WREN:
            self._status |= STATUS_WEL
        elif len(piece) == wanted and len(self._header) >= 4:
            self._address = int.from_bytes(self._header[1:4], "big") % SIZE  # the upper six bits are not decoded
        return len(piece)

    def _data_phase(self, data: bytes, t_ns: int) -> bytes:
        opcode = self._header[0]
        out = b"\xff" * len(data)
        if opcode in (READ, FAST_READ):
            out = self._read(len(data))
        elif opcode == WRITE:
            self._write(data, t_ns)
        elif opcode == RDSR:
            out = bytes((self._status,)) * len(data)
        elif opcode == WRSR and self._position == 0:
            self._write_status(data[0])
        elif opcode == RDID:
            identity = self.faults.device_id or DEVICE_ID
            out = (identity[self._position :] + out)[: len(data)]
        self._position += len(data)
        return out

    def _read(self, size: int) -> bytes:
        """Read on from the current address; past the end the address starts again at 0."""
        out = b""
        while len(out) < size:
            piece = self._array[self._address : self._address + size - len(out)]
            self._address = (self._address + len(piece)) % SIZE
            out += piece
        return out

    def _write_status(self, value: int) -> None:
        locked = self._status & STATUS_WPEN and not self.write_protect_pin
        if self._status & STATUS_WEL and not locked:
            self._status = value & _STATUS_STORED | STATUS_WEL

    # --- the array --------------------------------------------------------------------------------------------

    def _write(self, data: bytes, t_ns: int) -> None:
        if not self._status & STATUS_WEL:
            return
        while data and self._powered:
            room = self._room()
            if room == 0:  # protected: the bytes are clocked past
                self._address = (self._address + len(data)) % SIZE
                return
            self._store(data[:room], t_ns)
            data = data[room:]

    def _room(self) -> int:
        """Writable bytes from the current address to the protected part or to the end."""
        limit = _PROTECTED_FROM[(self._status & STATUS_BP) >> 2]
        return max(limit - self._address, 0)

    def _store(self, data: bytes, t_ns: int) -> None:
        cut = self._cut
        whole = data if cut is None else data[: cut.left]
        if whole:
            self._put(whole, t_ns)
        if cut is None:
            return
        cut.left -= len(whole)
        if cut.left == 0 and (len(data) > len(whole) or not cut.torn_byte):
            if cut.torn_byte:
                self._put(bytes((self._random.randrange(256),)), t_ns)
            self._cut = None
            self.power(False, t_ns)
            cut.callback()

    def _put(self, data: bytes, t_ns: int) -> None:
        self._array[self._address : self._address + len(data)] = data
        if not self._stored:
            self._stored = True
            self.writes += 1
        self.bytes_written += len(data)
        if self.log is not None:
            self.log.append((t_ns, self._address, bytes(data)))
        self._address = (self._address + len(data)) % SIZE

    def _check_range(self, address: int, size: int) -> None:
        if not 0 <= address <= SIZE - size:
            raise ValueError(f"{size} bytes at {address:#x} are not in the chip")
