"""A communication port: one protocol on one line."""

import asyncio
import sys
from time import ticks_ms

from micropython import const

from meter.comms.line import FRAME_7E1, FRAME_8N1

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_RETRY_MS = const(1000)  # after what must not happen

_FRAMES = {"7E1": FRAME_7E1, "8N1": FRAME_8N1}


class Port:
    """Joins a protocol (`feed`, `tick`, `sent`, `abort`, `wait_ms`, `baud`, `frame`, `active`) to a line (`read`,
    `send`, `set_rate`)."""

    def __init__(self, line, protocol):
        self.line = line
        self.protocol = protocol
        self._has_failed = False

    @property
    def active(self) -> bool:
        """A session is under way (the display's communication symbol)."""
        return self.protocol.active

    async def run(self) -> None:
        """Serve the port for ever. What the protocol cannot cope with ends its session, not the meter."""
        while True:
            try:
                await self._step()
            except Exception as error:
                if not self._has_failed:  # told once: who can provoke it must not hold up the meter by it
                    sys.print_exception(error)
                self._has_failed = True
                self.protocol.abort(ticks_ms())
                await asyncio.sleep_ms(_RETRY_MS)

    async def _step(self) -> None:
        line, protocol = self.line, self.protocol
        self._tune()  # what was sent last may have ended the session
        received = await line.read(protocol.wait_ms(ticks_ms()))
        now = ticks_ms()
        if received:
            protocol.feed(received, now)
        message = protocol.tick(now)
        self._tune()
        if message is not None:
            protocol.sent(await line.send(message))

    def _tune(self) -> None:
        self.line.set_rate(self.protocol.baud, _FRAMES[self.protocol.frame])


class DirectHdlc:
    """The protocol of a port that is in HDLC from the start and never in IEC 62056-21 (class 19, default_mode 1).

    `make_station(baud, now)` is as for ModeC; a station that is over is followed by the next.
    """

    frame = "8N1"

    def __init__(self, make_station: "Callable", baud: int, now: int):
        self._make_station = make_station
        self._station = make_station(baud, now)
        self.baud = baud

    @property
    def active(self) -> bool:
        return self._station.active

    def feed(self, data: bytes, now: int) -> None:
        self._station.feed(data, now)

    def tick(self, now: int) -> "Iterable[bytes] | None":
        message = self._station.tick(now)
        if message is None:
            self._follow(now)
        return message

    def sent(self, now: int) -> None:
        self._station.sent(now)
        self._follow(now)

    def abort(self, now: int) -> None:
        """End the connection, whatever its state."""
        self._station = self._make_station(self.baud, now)

    def wait_ms(self, now: int) -> int:
        return self._station.wait_ms(now)

    def _follow(self, now: int) -> None:
        if self._station.over:
            self._station = self._make_station(self.baud, now)
