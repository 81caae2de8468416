"""I2C port expander Microchip MCP23017: 16 pins that look like machine.Pin's. Data sheet DS20001952.

Pins 0..7 are GPA0..7, 8..15 GPB0..7. GPA7 and GPB7 are outputs only (data sheet from revision D on).

The chip may lose its supply by itself and be back with all pins as inputs: each reading of inputs looks at all
registers and puts right what is not as it was left, and each change of an output sets the directions too.
"""

import errno
import time

from micropython import const

_SIZE = const(22)  # registers, bank 0
_IPOL, _GPPU, _GPIO, _OLAT = const(2), const(12), const(18), const(20)  # a low and a high byte each, from IODIR at 0 on
_SAME_MS = const(20)  # one reading serves all pins that are asked for in that time


class MCP23017:
    """The chip at `address` on `i2c` (machine.I2C). Pins are inputs without a pull-up until `output` or `input` makes
    them others; `start` is to be called then."""

    def __init__(self, i2c, address: int = 0x20):
        self._i2c, self._address = i2c, address
        # What the registers are to be. Those of interrupts and the mode stay zero.
        self._frame = bytearray(_SIZE)
        self._frame[0] = self._frame[1] = 0xFF
        self._found = bytearray(_SIZE)
        self._read_at: "int | None" = None
        self._is_read = False  # `_found` is what the chip said then

    def output(self, n: int) -> "Output":
        """Pin n as an output, low."""
        self._set(0, n, False)
        return Output(self, n)

    def input(self, n: int, missing: int, inverted: bool = False) -> "Input":
        """Pin n as an input with a pull-up, perhaps inverted; `missing` is its level while the chip does not answer."""
        self._set(_IPOL, n, inverted)
        self._set(_GPPU, n, True)
        return Input(self, n, missing)

    def start(self) -> None:
        """Make the pins what they are to be. A chip that is not there is no error."""
        try:
            self._configure()
        except OSError:
            pass

    def drive(self, n: int, level: int) -> None:
        """Set an output. OSError if the chip does not take it: then it is to be what it was."""
        before = self._frame[_OLAT + (n >> 3)]
        self._set(_OLAT, n, bool(level))
        try:
            self._write(_OLAT, 2)
            self._write(0, 2)
        except OSError:
            self._frame[_OLAT + (n >> 3)] = before
            raise

    def level(self, n: int) -> "int | None":
        """Level of a pin, None if the chip does not answer."""
        now = time.ticks_ms()
        if self._read_at is None or not 0 <= time.ticks_diff(now, self._read_at) < _SAME_MS:
            self._read_at = now
            self._is_read = self._read()
        return self._found[_GPIO + (n >> 3)] >> (n & 7) & 1 if self._is_read else None

    def driven(self, n: int) -> int:
        """What an output is to be."""
        return self._frame[_OLAT + (n >> 3)] >> (n & 7) & 1

    def _read(self) -> bool:
        try:
            self._fetch()
            if not self._is_configured():
                self._configure()
                self._fetch()
            return self._is_configured()
        except OSError:
            return False

    def _fetch(self) -> None:
        self._i2c.readfrom_mem_into(self._address, 0, self._found)

    def _is_configured(self) -> bool:
        found, frame, settings = self._found, self._frame, _GPPU + 2  # between settings and latch is what the pins do
        return found[:settings] == frame[:settings] and found[_OLAT:] == frame[_OLAT:]

    def _configure(self) -> None:
        # IOCON may have lost its zeros: where it is in the other order of registers (bank 1), and where it is in this.
        self._i2c.writeto(self._address, b"\x05\x00")
        self._i2c.writeto(self._address, b"\x0a\x00")
        self._write(_OLAT, 2)  # levels first, so that no contact moves when its pin becomes an output
        self._write(0, _GPPU + 2)

    def _write(self, first: int, count: int) -> None:
        data = bytes([first]) + self._frame[first : first + count]
        # Ports with a software bus do not raise on a missing acknowledge, they return a short count.
        if self._i2c.writeto(self._address, data) < len(data):
            raise OSError(errno.EIO)

    def _set(self, register: int, n: int, on: bool) -> None:
        at = register + (n >> 3)
        bit = 1 << (n & 7)
        self._frame[at] = self._frame[at] | bit if on else self._frame[at] & ~bit


class Output:
    """As a machine.Pin that is an output; a `value(level)` that the chip does not take raises OSError."""

    def __init__(self, chip: MCP23017, n: int):
        self._chip, self._n = chip, n

    def value(self, level=None):
        if level is None:
            return self._chip.driven(self._n)
        self._chip.drive(self._n, level)


class Input:
    """As a machine.Pin that is an input; never raises."""

    def __init__(self, chip: MCP23017, n: int, missing: int):
        self._chip, self._n, self._missing = chip, n, missing

    def value(self) -> int:
        level = self._chip.level(self._n)
        return self._missing if level is None else level
