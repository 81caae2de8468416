"""Line disciplines: how a protocol's characters get on and off one kind of line."""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_AHEAD = const(64)  # characters kept waiting in the port's transmit buffer (256 on rp2 and esp32)
_POLL_MS = const(10)  # the receive buffer takes 256 characters: 133 ms at 19200 Bd
_DONE_POLL_MS = const(2)
_HEARD = const(8)


class OpticalLine:
    """A `machine.UART` behind an optical head: 7E1, half duplex.

    The head's own light is reflected into its receiver, so what comes in while sending is dropped up to the reflection
    of the last character sent. Waiting is done with `asyncio`; no call blocks longer than a UART access takes.
    """

    frame = {"bits": 7, "parity": 0, "stop": 1}
    frame_bits = 10

    def __init__(self, uart):
        self._uart = uart
        self._reader = asyncio.StreamReader(uart)
        self._rate = 0
        self._pending = b""  # received while sending, yet no reflection

    def set_rate(self, rate: int) -> None:
        """Change the rate (Bd). Only between messages: the UART loses what is under way."""
        if rate != self._rate:
            self._rate = rate
            self._uart.init(baudrate=rate, **self.frame)

    async def read(self, wait_ms: int) -> bytes:
        """Characters that have come, or b"" after `wait_ms`; with a negative `wait_ms` wait for the first for ever."""
        pending, self._pending = self._pending, b""
        if pending:
            return pending
        if wait_ms < 0:
            # The ports' read() waits for more characters up to the number asked for: never ask for more than there are.
            return await self._reader.read(1)
        end = ticks_add(ticks_ms(), wait_ms)
        while True:
            count = self._uart.any()
            if count:
                return self._uart.read(count) or b""
            left = ticks_diff(end, ticks_ms())
            await asyncio.sleep_ms(max(0, min(left, _POLL_MS)))
            if left <= 0:
                return b""

    async def send(self, pieces: "Iterable[bytes]"):
        """Send `pieces` without a gap. Returns the ticks (ms) at which the last stop bit was out.

        The transmit buffer is fed just ahead of the line, because a write into a full one blocks on some ports.
        """
        uart, per_s = self._uart, self._rate // self.frame_bits
        begin, written, heard, piece = ticks_ms(), 0, b"", b""
        for piece in pieces:
            view, at = memoryview(piece), 0
            while at < len(piece):
                ahead = written - ticks_diff(ticks_ms(), begin) * per_s // 1000
                if ahead > _AHEAD:
                    heard = self._heard(heard)
                    await asyncio.sleep_ms((ahead - _AHEAD) * 1000 // per_s + 1)
                    continue
                if ahead < 0:  # we were late and the line has been quiet
                    begin, written = ticks_ms(), 0
                taken = uart.write(view[at:]) or 0
                at += taken
                written += taken
                if not taken:
                    await asyncio.sleep_ms(1)
        await asyncio.sleep_ms(max(0, written * 1000 // per_s - ticks_diff(ticks_ms(), begin)))
        return await self._finish(heard, piece[-1:])

    async def _finish(self, heard: bytes, last: bytes):
        while not self._uart.txdone():
            await asyncio.sleep_ms(_DONE_POLL_MS)
        done = ticks_ms()
        heard = self._heard(heard)
        self._pending = heard[heard.rfind(last) + 1 :]
        return done

    def _heard(self, before: bytes) -> bytes:
        count = self._uart.any()
        if count:
            before = (before + (self._uart.read(count) or b""))[-_HEARD:]
        return before
