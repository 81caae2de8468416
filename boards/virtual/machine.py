"""`machine` of the virtual board: the same classes and methods as on rp2 and esp32, with the bench behind them.

Only what a meter needs: Pin, SPI, I2C, UART, WDT, reset, reset_cause, unique_id. Buses are synchronous, as on the
chips; interrupt handlers run between two bus accesses. See link.py for how time passes.
"""

import errno
import io
import sys
from struct import pack

import link
import micropython
from link import input_level, post, sync
from micropython import const

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
SOFT_RESET = const(5)

_PIN_WRITE = const(1)
_SPI = const(3)
_I2C_WRITE = const(4)
_I2C_READ = const(5)
_UART_INIT = const(6)
_UART_WRITE = const(7)
_UART_READ = const(8)
_WDT = const(11)
_RESET = const(12)
_SPI_READ = const(14)

_POLL = const(3)  # stream protocol request
_POLL_IN = const(1)
_POLL_OUT = const(4)
_UART_FIFO = const(256)
_CHUNK = const(2048)  # longest SPI transfer in one message

_unique_id, _reset_cause = link.hello()


def unique_id() -> bytes:
    return _unique_id


def reset_cause() -> int:
    return _reset_cause


def reset() -> None:
    """Restart the firmware; the chips keep their power."""
    link.post(_RESET, 0, b"")
    link.wait(link.now())
    sys.exit(0)


class Pin:
    """A GPIO by number."""

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 1
    IRQ_RISING = 2

    def __init__(self, id: int, mode: int = -1, pull: int = -1, *, value=None):
        self._id = id
        self._write_kind = _PIN_WRITE | id << 8
        self._output = None
        self._mode = mode
        if mode in (Pin.OUT, Pin.OPEN_DRAIN):
            self.value(1 if value is None and mode == Pin.OPEN_DRAIN else value or 0)

    @micropython.native
    def value(self, level=None):
        if level is None:
            output = self._output
            return input_level(self._id) if output is None else output
        level = 1 if level else 0
        if level != self._output:
            self._output = level
            post(self._write_kind, 0, b"\x01" if level else b"\x00")

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)

    def irq(self, handler=None, trigger: int = IRQ_FALLING | IRQ_RISING, *, hard: bool = False):
        """Call `handler(pin)` after each matching edge."""
        link.on_edge(self._id, trigger, handler, self)


class SPI:
    """A bus master; the chip is chosen by its select pin. Modes and bit order are the chips' business."""

    MSB = 0

    def __init__(self, id: int, baudrate: int = 1_000_000, *, polarity: int = 0, phase: int = 0, **_pins):
        self._byte_ns = 8_000_000_000 // baudrate
        self._exchange_kind = _SPI | id << 8
        self._write_kind = _SPI | (id | 0x80) << 8  # bit 7: nothing comes back, so it need not wait
        self._read_kind = _SPI_READ | id << 8
        self._size = bytearray(2)

    @micropython.native
    def write(self, buf) -> None:
        if len(buf) <= _CHUNK:
            post(self._write_kind, self._byte_ns, buf)
            return
        view = memoryview(buf)
        for start in range(0, len(buf), _CHUNK):
            self.write(view[start : start + _CHUNK])

    @micropython.native
    def readinto(self, buf, write: int = 0) -> None:
        size = len(buf)
        if size > _CHUNK:
            view = memoryview(buf)
            for start in range(0, size, _CHUNK):
                self.readinto(view[start : start + _CHUNK], write)
        elif write:
            self.write_readinto(bytes([write]) * size, buf)
        else:
            told = self._size
            told[0] = size & 0xFF
            told[1] = size >> 8
            link.spend(self._byte_ns * size)  # of what comes, not of the two bytes that say how much
            buf[:] = sync(self._read_kind, 0, told, size)

    def read(self, nbytes: int, write: int = 0) -> bytes:
        buf = bytearray(nbytes)
        self.readinto(buf, write)
        return bytes(buf)

    @micropython.native
    def write_readinto(self, write_buf, read_buf) -> None:
        """At most _CHUNK bytes: what a register access needs."""
        read_buf[:] = sync(self._exchange_kind, self._byte_ns, write_buf, len(write_buf))


class I2C:
    """A bus master. A chip that does not answer raises OSError(ENODEV), one that stops answering OSError(EIO)."""

    def __init__(self, id: int, *, freq: int = 400_000, **_pins):
        self._id = id
        self._byte_ns = 9_000_000_000 // freq

    def writeto(self, addr: int, buf, stop: bool = True) -> int:
        link.spend(self._byte_ns * (len(buf) + 1))
        acked = link.sync(_I2C_WRITE | self._id << 8, 0, bytes([addr]) + bytes(buf), 1)[0]
        if acked == 0:
            raise OSError(errno.ENODEV)
        if acked <= len(buf):
            raise OSError(errno.EIO)
        return acked - 1

    def readfrom_into(self, addr: int, buf, stop: bool = True) -> None:
        link.spend(self._byte_ns * (len(buf) + 1))
        answer = link.sync(_I2C_READ | self._id << 8, 0, bytes([addr, len(buf)]), len(buf) + 1)
        if answer[0] == 0:
            raise OSError(errno.ENODEV)
        buf[:] = answer[1:]

    def readfrom(self, addr: int, nbytes: int, stop: bool = True) -> bytes:
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto_mem(self, addr: int, memaddr: int, buf) -> None:
        self.writeto(addr, bytes([memaddr]) + bytes(buf))

    def readfrom_mem_into(self, addr: int, memaddr: int, buf) -> None:
        self.writeto(addr, bytes([memaddr]))
        self.readfrom_into(addr, buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int) -> bytes:
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)


class UART(io.IOBase):
    """An asynchronous port, pollable, with a receive buffer in the bench and one here."""

    def __init__(self, id: int, baudrate: int = 9600, **settings):
        self._id = id
        self._received = bytearray()
        self._sent_at = 0
        self._bits, self._parity, self._stop = 8, None, 1
        self.init(baudrate, **settings)

    def init(self, baudrate: int = 9600, bits: int = 8, parity=None, stop: int = 1, **_pins) -> None:
        """`parity`: None, 0 (even) or 1 (odd)."""
        self._char_ns = (1 + bits + (parity is not None) + stop) * 1_000_000_000 // baudrate
        settings = pack("<IBBB", baudrate, bits, 2 if parity is None else parity, stop)
        link.post(_UART_INIT | self._id << 8, 0, settings)

    def deinit(self) -> None:
        self._received = bytearray()

    def _fetch(self) -> None:
        answer = link.sync(_UART_READ | self._id << 8, 0, b"", _UART_FIFO + 2)
        self._received.extend(answer[2 : 2 + answer[0] + 256 * answer[1]])

    def any(self) -> int:
        self._fetch()
        return len(self._received)

    def read(self, nbytes: int = -1):
        """Up to `nbytes` received bytes (all if negative), None if there are none."""
        if not self._received:
            self._fetch()
        if not self._received:
            return None
        if nbytes < 0:
            nbytes = len(self._received)
        data = bytes(self._received[:nbytes])
        self._received = self._received[nbytes:]
        return data

    def readinto(self, buf, nbytes: int = -1):
        data = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, buf) -> int:
        link.post(_UART_WRITE | self._id << 8, 0, buf)
        self._sent_at = max(self._sent_at, link.now()) + self._char_ns * len(buf)
        return len(buf)

    def txdone(self) -> bool:
        return link.read_clock() >= self._sent_at

    def flush(self) -> None:
        while not self.txdone():
            link.wait(self._sent_at)

    @micropython.native
    def ioctl(self, request: int, flags: int) -> int:
        if request != _POLL:
            return -1
        ready = flags & _POLL_OUT
        if flags & _POLL_IN and (self._received or link.received(self._id)):
            ready |= _POLL_IN
        return ready


class WDT:
    """The watchdog: once started, a pause of more than `timeout` ms between feeds restarts the firmware."""

    def __init__(self, id: int = 0, timeout: int = 5000):
        link.post(_WDT | 1 << 8, 0, pack("<I", timeout))

    def feed(self) -> None:
        link.post(_WDT, 0, b"")
