"""A serial port of this computer as the far end of a meter's line: what `iec_client` wants of an end, in real time."""

from __future__ import annotations

import time

import serial

from tools.bench.iec_messages import with_parity

_CHARACTER_BITS = 10


class _Now:
    """The line's clock."""

    @property
    def now(self) -> int:
        return time.monotonic_ns()


class SerialEnd:
    """`port` as pySerial names it, a URL such as socket://host:port too. OSError if it cannot be opened.

    7 bits and even parity are sent as 8 bits without: the same on the line, and every adapter and pseudo-terminal can.
    """

    def __init__(self, port: str) -> None:
        self.line = _Now()
        self._busy_until = 0
        self._port = serial.serial_for_url(port, baudrate=300, timeout=0)

    def configure(self, baud: int) -> None:
        """Go on at this rate, when what was written is out."""
        if baud != self._port.baudrate:
            self._port.flush()
            self._port.baudrate = baud

    def write(self, data: bytes) -> None:
        """Send; returns at once."""
        start = max(time.monotonic_ns(), self._busy_until)
        self._busy_until = start + len(data) * _CHARACTER_BITS * 1_000_000_000 // self._port.baudrate
        self._port.write(with_parity(data))

    def idle_at(self) -> int:
        """When the last stop bit written is out (ns)."""
        return max(time.monotonic_ns(), self._busy_until)

    def read(self) -> bytes:
        """All that has been received since the last call."""
        return bytes(char & 0x7F for char in self._port.read(4096))

    def close(self) -> None:
        """Give the port back."""
        self._port.close()
