"""Line disciplines: how a protocol's characters get on and off one kind of line.

    optical head, CS        half duplex: what is sent comes back, by reflection or round the current loop
    RS485                   half duplex: what is sent comes back if the receiver stays on; the driver may need switching
    RS232, RS422            full duplex

Waiting is done with `asyncio`; no call blocks longer than a UART access takes.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterable

FRAME_7E1 = {"bits": 7, "parity": 0, "stop": 1}  # IEC 62056-21
FRAME_8N1 = {"bits": 8, "parity": None, "stop": 1}  # HDLC
_CHARACTER_BITS = const(10)  # of both

# Of the ports' transmit buffers of 256 characters (rp2, esp32): more is written when no more than _AHEAD are left, or
# as many as go out in 33 ms, and then _FULL are there at most. A write into a full one blocks on some ports.
_AHEAD = const(64)
_AHEAD_PER_S = const(30)
_FULL = const(240)
_LISTEN = const(100)  # the receive buffer, of 256 characters too, is emptied while so many are sent
_DONE_POLL_MS = const(1)
_GATHER_MS = const(2)  # from the first character that has come; the receive buffer takes 67 ms at 38400 Bd
_FAST = const(19_200)  # Bd; above it one ms is enough for several characters, and two cost as much as eight
_KEPT = const(256)  # characters that came while sending
_COMPARED = const(8)  # enough to tell an echo from an answer, whose HDLC addresses are the other way round


class Line:
    """A `machine.UART` on a full-duplex line. What comes in while sending is kept for the next `read`.

    `max_rate` is the highest rate (Bd) the line is made for.
    """

    def __init__(self, uart, max_rate: int):
        self.max_rate = max_rate
        self._uart = uart
        self._reader = asyncio.StreamReader(uart)
        self._rate = 0
        self._frame: dict = {}
        self._pending = b""  # received while sending
        self._sent = 0  # characters of the last message
        self._begin = self._last = b""  # its first piece, its last character

    def set_rate(self, rate: int, frame: dict = FRAME_7E1) -> None:
        """Change rate (Bd; ValueError if too high) and frame. Only between messages: what is under way is lost."""
        if rate > self.max_rate:
            raise ValueError("%d Bd on a line for %d" % (rate, self.max_rate))
        if rate != self._rate or frame is not self._frame:
            self._rate, self._frame = rate, frame
            self._uart.init(baudrate=rate, **frame)

    async def read(self, wait_ms: int) -> bytes:
        """Characters that have come, or b"" after `wait_ms`; with a negative `wait_ms` wait for the first for ever.

        They are taken together with what follows within the next 2 ms, above 19200 Bd within 1 ms: to look once for
        several characters. A message may come in any number of pieces; its gaps are the protocol's to judge.
        """
        pending, self._pending = self._pending, b""
        if pending:
            return pending
        # Reading nothing waits until there is something, and leaves it where it is: no time-out can lose a character.
        if wait_ms < 0:
            await self._reader.read(0)
        elif not self._uart.any():
            try:
                await asyncio.wait_for_ms(self._reader.read(0), wait_ms)
            except asyncio.TimeoutError:
                return b""
        await asyncio.sleep_ms(1 if self._rate > _FAST else _GATHER_MS)
        return self._take()

    async def send(self, pieces: "Iterable[bytes]"):
        """Send `pieces` without a gap. Returns the ticks (ms) at which the last stop bit was out."""
        await self._feed(pieces)
        while not self._uart.txdone():
            await asyncio.sleep_ms(_DONE_POLL_MS)
        done = ticks_ms()
        self._listen()
        return done

    async def _feed(self, pieces) -> None:
        """Write `pieces` just ahead of the line; returns when the last should be out."""
        uart, per_s = self._uart, self._rate // _CHARACTER_BITS
        enough = max(_AHEAD, per_s // _AHEAD_PER_S)
        begin, written, piece = ticks_ms(), 0, b""
        self._sent, self._begin = 0, b""
        for piece in pieces:
            self._begin = self._begin or piece
            view, at = memoryview(piece), 0
            while at < len(piece):
                ahead = written - ticks_diff(ticks_ms(), begin) * per_s // 1000
                if ahead > enough:
                    await self._let_out(ahead - enough, per_s)
                    continue
                if ahead < 0:  # we were late and the line has been quiet
                    begin, written, ahead = ticks_ms(), 0, 0
                taken = uart.write(view[at : at + _FULL - ahead]) or 0
                at += taken
                written += taken
                if not taken:
                    await asyncio.sleep_ms(1)
            self._sent += at
        self._last = piece[-1:]
        while (ahead := written - ticks_diff(ticks_ms(), begin) * per_s // 1000) > 0:
            await self._let_out(ahead, per_s)

    async def _let_out(self, count: int, per_s: int) -> None:
        """While `count` characters go out, or some of them."""
        self._listen()
        await asyncio.sleep_ms((min(count, _LISTEN) * 1000 + per_s - 1) // per_s)

    def _listen(self) -> None:
        """Empty the receive buffer while sending."""
        if len(self._pending) < _KEPT:
            self._pending += self._take()

    def _take(self) -> bytes:
        # The ports' read() waits for more characters up to the number asked for: never ask for more than there are.
        count = self._uart.any()
        return (self._uart.read(count) or b"") if count else b""


class HalfDuplexLine(Line):
    """A `machine.UART` on a line that carries one direction at a time, and on which the meter may hear itself.

    What comes in while sending is dropped up to the echo of the last character sent. `driver` is the pin that enables
    the RS485 driver, if the transceiver does not find the direction by itself.
    """

    def __init__(self, uart, max_rate: int, driver=None):
        super().__init__(uart, max_rate)
        self._driver = driver
        self._heard_count = 0
        self._heard_begin = self._heard = b""  # first and last characters heard while sending

    async def send(self, pieces: "Iterable[bytes]"):
        """As Line.send; the driver is on from at least a bit before the first character until the last is out."""
        self._take()  # what came before is neither echo nor an answer
        self._heard_count, self._heard_begin, self._heard = 0, b"", b""
        driver = self._driver
        try:
            if driver:
                driver.on()
                await asyncio.sleep_ms(1 + 1000 // self._rate)
            done = await super().send(pieces)
        finally:
            if driver:
                driver.off()
        self._pending = self._beyond_echo()
        return done

    def _listen(self) -> None:
        taken = self._take()
        self._heard_count += len(taken)
        self._heard_begin = (self._heard_begin + taken)[:_COMPARED]
        self._heard = (self._heard + taken)[-_KEPT:]

    def _beyond_echo(self) -> bytes:
        """The other side may answer before we notice that we are through: what of `_heard` is not our own."""
        heard, count = self._heard, self._heard_count
        compared = min(len(self._heard_begin), len(self._begin))
        if 2 * count < self._sent or self._heard_begin[:compared] != self._begin[:compared]:
            return heard  # there is no echo
        if count >= self._sent:
            return heard[len(heard) - (count - self._sent) :]
        echo = heard.rfind(self._last) + 1  # there is one with gaps
        return heard[echo:] if echo else b""


class OpticalLine(HalfDuplexLine):
    """A `machine.UART` behind an optical head, whose own light is reflected into its receiver."""

    def __init__(self, uart):
        super().__init__(uart, 19_200)


def electrical_line(interface: str, uart, driver=None) -> Line:
    """The line behind an electrical interface of the type designation (`TypeCode.interfaces`)."""
    if interface == "CS":
        return HalfDuplexLine(uart, 9_600)
    if interface == "RS485":
        return HalfDuplexLine(uart, 38_400, driver)
    return Line(uart, 38_400)
