"""A communication port: one protocol on one line."""

from time import ticks_ms

from meter.comms.iec62056_21 import IDLE, ModeC
from meter.comms.line import OpticalLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class IecPort:
    """Joins a protocol (`feed`, `tick`, `sent`, `wait_ms`, `baud`, `state`) to a line (`read`, `send`, `set_rate`)."""

    def __init__(self, line, protocol):
        self.line = line
        self.protocol = protocol

    @property
    def active(self) -> bool:
        """A session is under way (the display's communication symbol)."""
        return self.protocol.state != IDLE

    async def run(self) -> None:
        """Serve the port for ever."""
        while True:
            await self._step()

    async def _step(self) -> None:
        line, protocol = self.line, self.protocol
        line.set_rate(protocol.baud)  # what was sent last may have ended the session
        received = await line.read(protocol.wait_ms(ticks_ms()))
        now = ticks_ms()
        for char in received:
            protocol.feed(char, now)
        message = protocol.tick(now)
        line.set_rate(protocol.baud)
        if message is not None:
            protocol.sent(await line.send(message))


class OpticalPort(IecPort):
    """The optical port with IEC 62056-21 mode C; `uart` is a `machine.UART`, the other arguments are as for ModeC."""

    def __init__(
        self, uart, identity: "Callable[[], str]", lines: "Callable[[int], Iterable[str]]", parameters, access=None
    ):
        super().__init__(OpticalLine(uart), ModeC(identity, lines, parameters, access))
