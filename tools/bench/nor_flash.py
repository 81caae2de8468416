"""SPI NOR flash of 16 MiB (W25Q128JV) as its pins show it.

Erase and program begin when the select pin rises and take bench time; meanwhile the chip hears only status reads and
the suspend. A program clears bits and never sets them, and wraps in its page. A supply that fails inside leaves what
the array holds at that moment: a program the bytes done so far, an erase anything. Content lives through `power`; only
sectors that were ever written take memory.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SIZE = 0x1000000
SECTOR = 4096
PAGE = 256
DEVICE_ID = bytes((0xEF, 0x40, 0x18))

WREN, WRDI, RDSR, RDSR2, WRSR = 0x06, 0x04, 0x05, 0x35, 0x01
READ, FAST_READ, PROGRAM, ERASE = 0x03, 0x0B, 0x02, 0x20
SUSPEND, RESUME, RDID = 0x75, 0x7A, 0x9F

# Bytes up to the first data byte: opcode, address, and the dummy byte of the fast read.
_HEADER_BYTES = {READ: 4, PROGRAM: 4, ERASE: 4, FAST_READ: 5}
_HEARD_WHEN_BUSY = (RDSR, RDSR2, SUSPEND)

STATUS_BUSY, STATUS_WEL, STATUS_BP = 0x01, 0x02, 0x1C
_STATUS_STORED = 0xFC
STATUS2_SUS = 0x80
SUSPEND_NS = 20_000


@dataclass
class FlashFaults:
    """What can be wrong with the chip. All off by default."""

    stuck_miso: int | None = None  # every byte out reads this; the chip still hears
    device_id: bytes | None = None  # another chip is fitted
    dead: bool = False  # hears nothing, drives nothing
    stuck_busy: bool = False  # erases and programs that begin now never end
    not_writable: bool = False  # the write enable latch does not set
    worn: set[int] = field(default_factory=set)  # sectors in which the first byte of each page reads 0


@dataclass
class _Work:
    """An erase (`data` None) or a program, from `begin` to `end` if nothing suspends it."""

    address: int
    data: bytes | None
    begin: int
    end: int
    left: int = 0  # ns still to go, while suspended


@dataclass
class _Cut:
    left: float  # bytes to program, or part of the next erase
    callback: Callable[[], None]
    in_erase: bool
    torn_byte: bool = False


class NorFlash:
    """One chip.

    `erase_ns` and `program_ns` are typical times; the longest are 400 ms and 3 ms. Test hooks: `reads`, `programs` and
    `erases` count commands per sector; `peek`, `poke` and `content` reach the array past the pins.
    """

    def __init__(self, content: Mapping[int, bytes] | None = None, *, seed: int = 0) -> None:
        self.faults = FlashFaults()
        self.erase_ns, self.program_ns = 45_000_000, 700_000
        self.reads: Counter[int] = Counter()
        self.programs: Counter[int] = Counter()
        self.erases: Counter[int] = Counter()
        self._sectors: dict[int, bytearray] = {}
        self._status = 0
        self._random = random.Random(seed)
        self._cut: _Cut | None = None
        self._powered = self._selected = self._suspended = False
        self._header = bytearray()
        self._data = bytearray()
        self._work: _Work | None = None
        self._suspends_ns: int | None = None  # when a suspend that was asked for takes effect
        self._cut_ns: int | None = None
        if content is not None:
            self.content = content

    # --- bench side -------------------------------------------------------------------------------------------

    @property
    def content(self) -> dict[int, bytes]:
        """The sectors that were ever written, by number."""
        return {number: bytes(sector) for number, sector in self._sectors.items()}

    @content.setter
    def content(self, sectors: Mapping[int, bytes]) -> None:
        if any(not 0 <= number < SIZE // SECTOR or len(data) != SECTOR for number, data in sectors.items()):
            raise ValueError(f"content is sectors of {SECTOR} bytes by number below {SIZE // SECTOR}")
        self._sectors = {number: bytearray(data) for number, data in sectors.items()}

    def peek(self, address: int, size: int) -> bytes:
        """`size` bytes of the array."""
        self._check_range(address, size)
        out = b""
        while len(out) < size:
            out += self._piece(address + len(out), size - len(out))
        return out

    def poke(self, address: int, data: bytes) -> None:
        """Change the array: damage."""
        self._check_range(address, len(data))
        for n, value in enumerate(data, address):
            self._sector(n // SECTOR)[n % SECTOR] = value

    def cut_after(self, n_bytes: int, callback: Callable[[], None], torn_byte: bool = False) -> None:
        """Lose the chip's supply when `n_bytes` more bytes have been programmed; with `torn_byte` some bits of the byte
        after them are programmed, too. `callback()` is for the rest of the meter."""
        if n_bytes < 0:
            raise ValueError("cannot cut in the past")
        self._cut = _Cut(n_bytes, callback, False, torn_byte)

    def cut_in_erase(self, part: float, callback: Callable[[], None]) -> None:
        """Lose the chip's supply in the next erase, at this `part` of its time (0..1)."""
        if not 0 <= part <= 1:
            raise ValueError("part of an erase: 0 to 1")
        self._cut = _Cut(part, callback, True)

    def cancel_cut(self) -> None:
        """Forget a cut that has not happened."""
        self._cut = self._cut_ns = None

    @property
    def cut_pending(self) -> bool:
        """Whether a cut is armed and has not happened."""
        return self._cut is not None

    # --- Device -----------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        """A memory shows nothing by itself; but a cut that is armed comes at its time."""
        return self._cut_ns

    def advance(self, t_ns: int) -> None:
        """Bring the chip to `t_ns`: work ends, a suspend takes effect, an armed cut happens."""
        if self._cut_ns is not None and t_ns >= self._cut_ns:
            at, self._cut_ns = self._cut_ns, None
            self._happen(at)
        if self._suspends_ns is not None and t_ns >= self._suspends_ns:
            if self._work is not None and self._suspends_ns < self._work.end:
                self._suspended = True
                self._work.left = self._work.end - self._suspends_ns
            self._suspends_ns = None
        work = self._work
        if work is not None and not self._suspended and t_ns >= work.end and not self.faults.stuck_busy:
            self._apply(work, 1.0)
            self._work = None
            self._status &= ~STATUS_WEL

    def power(self, on: bool, t_ns: int) -> None:
        """Supply on or off. Off tears what is under way."""
        if not on and self._powered:
            self.advance(t_ns)
            work = self._work
            if work is not None:
                gone = work.end - work.begin - work.left if self._suspended else t_ns - work.begin
                self._apply(work, min(gone / (work.end - work.begin), 1.0))
        self._powered = on
        self._selected = self._suspended = False
        self._work = self._suspends_ns = self._cut_ns = None
        self._status &= _STATUS_STORED
        self._header.clear()

    # --- SPI --------------------------------------------------------------------------------------------------

    def select(self, t_ns: int) -> None:
        """The select pin falls."""
        self.advance(t_ns)
        self._selected = True
        self._header.clear()
        self._data.clear()

    def deselect(self, t_ns: int) -> None:
        """The select pin rises: the command takes effect."""
        self.advance(t_ns)
        header, self._header = bytes(self._header), bytearray()
        if self._selected and self._powered and header and not self.faults.dead:
            self._carry_out(header, t_ns)
        self._selected = False

    def exchange(self, data: bytes, t_ns: int) -> bytes:
        """Clock `data` in and as many bytes out. MISO floats high where the chip does not drive it."""
        self.advance(t_ns)
        out = b"\xff" * len(data)
        if self._selected and self._powered and not self.faults.dead:
            opcode = self._header[0] if self._header else data[0]
            wanted = max(_HEADER_BYTES.get(opcode, 1) - len(self._header), 0)
            self._header += data[:wanted]
            if len(data) > wanted:
                out = out[:wanted] + self._data_phase(opcode, data[wanted:])
        if self.faults.stuck_miso is not None:
            return bytes((self.faults.stuck_miso,)) * len(data)
        return out

    @property
    def _busy(self) -> bool:
        return self._work is not None and not self._suspended

    def _data_phase(self, opcode: int, data: bytes) -> bytes:
        out = b"\xff" * len(data)
        if opcode == RDSR:
            out = bytes((self._status | (STATUS_BUSY if self._busy else 0),)) * len(data)
        elif opcode == RDSR2:
            out = bytes((STATUS2_SUS if self._suspended else 0,)) * len(data)
        elif self._busy:
            pass
        elif opcode in (READ, FAST_READ):
            out = self._read(len(data))
        elif opcode == RDID:
            identity = self.faults.device_id or DEVICE_ID
            out = (identity[len(self._data) :] + out)[: len(data)]
        self._data += data
        return out

    def _read(self, size: int) -> bytes:
        """Read on from the current address; past the end the address starts again at 0."""
        start = (self._address() + len(self._data)) % SIZE
        touched = range(start // SECTOR, (start + size - 1) // SECTOR + 1)
        for number in touched if not self._data else touched[1:]:
            self.reads[number % (SIZE // SECTOR)] += 1
        out = b""
        while len(out) < size:
            out += self._piece((start + len(out)) % SIZE, size - len(out))
        return out

    def _piece(self, address: int, size: int) -> bytes:
        """At most `size` bytes, up to the end of the sector."""
        offset = address % SECTOR
        sector = self._sectors.get(address // SECTOR)
        size = min(size, SECTOR - offset)
        return b"\xff" * size if sector is None else bytes(sector[offset : offset + size])

    def _address(self) -> int:
        return int.from_bytes(self._header[1:4], "big")

    def _carry_out(self, header: bytes, t_ns: int) -> None:
        opcode, data = header[0], bytes(self._data)
        if self._busy and opcode not in _HEARD_WHEN_BUSY:
            return
        if opcode == WREN and not self.faults.not_writable:
            self._status |= STATUS_WEL
        elif opcode == WRDI:
            self._status &= ~STATUS_WEL
        elif opcode == SUSPEND and self._busy:
            self._suspends_ns = t_ns + SUSPEND_NS
        elif opcode == RESUME and self._suspended:
            assert self._work is not None
            self._suspended = False
            self._work.end = t_ns + self._work.left
        elif opcode == WRSR and self._status & STATUS_WEL and data:
            self._status = data[0] & _STATUS_STORED
        elif opcode in (PROGRAM, ERASE) and len(header) == 4 and (data or opcode == ERASE):
            self._begin(int.from_bytes(header[1:4], "big"), data if opcode == PROGRAM else None, t_ns)

    # --- the array --------------------------------------------------------------------------------------------

    def _begin(self, address: int, data: bytes | None, t_ns: int) -> None:
        if not self._status & STATUS_WEL or self._status & STATUS_BP or self._suspended:
            return
        sector = address // SECTOR
        if data is None:
            self.erases[sector] += 1
            self._work = _Work(sector * SECTOR, None, t_ns, t_ns + self.erase_ns)
        else:
            self.programs[sector] += 1
            data = data[-PAGE:]
            self._work = _Work(address, data, t_ns, t_ns + self.program_ns)
        cut = self._cut
        if cut is None or cut.in_erase != (data is None):
            return
        if data is None:
            self._cut_ns = t_ns + round(self.erase_ns * cut.left)
        elif cut.left < len(data) or (cut.left == len(data) and not cut.torn_byte):
            self._cut_ns = t_ns + round(self.program_ns * cut.left / len(data))
        else:
            cut.left -= len(data)

    def _happen(self, t_ns: int) -> None:
        cut, self._cut = self._cut, None
        assert cut is not None
        work = self._work
        if work is not None and not cut.in_erase:
            assert work.data is not None
            done = int(cut.left)
            self._program(work.address, work.data[:done])
            if cut.torn_byte:
                self._program((work.address & -PAGE) + (work.address + done) % PAGE, self._some_bits(work.data[done]))
            self._work = None
        self.power(False, t_ns)
        cut.callback()

    def _some_bits(self, value: int) -> bytes:
        return bytes((value | self._random.randrange(256),))

    def _apply(self, work: _Work, part: float) -> None:
        """What the array holds when `part` of the work's time is over."""
        if work.data is not None:
            self._program(work.address, work.data[: round(len(work.data) * part)])
            return
        sector = self._sector(work.address // SECTOR)
        if part == 1.0:
            sector[:] = b"\xff" * SECTOR
            self._wear(work.address // SECTOR)
        elif part > 0:
            for n, noise in enumerate(self._random.randbytes(SECTOR)):
                sector[n] = self._random.choice((sector[n], 0xFF, noise, sector[n] & noise))

    def _program(self, address: int, data: bytes) -> None:
        page = address & -PAGE
        sector = self._sector(address // SECTOR)
        for n, value in enumerate(data):
            sector[(page + (address + n) % PAGE) % SECTOR] &= value
        self._wear(address // SECTOR)

    def _wear(self, number: int) -> None:
        if number in self.faults.worn:
            for page in range(0, SECTOR, PAGE):
                self._sector(number)[page] = 0

    def _sector(self, number: int) -> bytearray:
        return self._sectors.setdefault(number, bytearray(b"\xff" * SECTOR))

    def _check_range(self, address: int, size: int) -> None:
        if not 0 <= address <= SIZE - size:
            raise ValueError(f"{size} bytes at {address:#x} are not in the chip")
