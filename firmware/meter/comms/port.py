"""A communication port: one protocol on one line."""

from time import ticks_ms

from meter.comms.iec62056_21 import IDLE, ModeC
from meter.comms.line import OpticalLine
from meter.comms.port_setup import PortSetup
from meter.comms.programming import Programming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_IEC_FRAME = "7E1"  # the lines' own if they are not told another


class IecPort:
    """Joins a protocol (`feed`, `tick`, `sent`, `wait_ms`, `baud`, `frame`, `state`) to a line (`read`, `send`,
    `set_rate`)."""

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
        rate, frame = self.protocol.baud, self.protocol.frame
        if frame == _IEC_FRAME:
            self.line.set_rate(rate)
        else:
            self.line.set_rate(rate, frame)


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
    def state(self) -> int:
        return self._station.state

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

    def wait_ms(self, now: int) -> int:
        return self._station.wait_ms(now)

    def _follow(self, now: int) -> None:
        if self._station.over:
            self._station = self._make_station(self.baud, now)


_MAX_RATES = {"CS": 9_600}  # Bd; the other electrical lines do 38 400


class ElectricalPort(IecPort):
    """Electrical interface `number` (1 or 2) of the kind that the type designation names; else as OpticalPort."""

    def __init__(self, number: int, kind: str, uart, identity, lines, parameters, programming=None, make_station=None):
        setup = PortSetup(parameters, "port%d" % number, _MAX_RATES.get(kind, 38_400))
        line = OpticalLine(uart)  # no light comes back here, and it does not miss it
        super().__init__(line, ModeC(identity, lines, setup, programming, make_station))


class OpticalPort(IecPort):
    """The optical port with IEC 62056-21; `uart` is a `machine.UART`.

    `identity`, `lines` and `make_station` are as for ModeC, `parameters` as for PortSetup, the rest as for Programming.
    """

    def __init__(
        self,
        uart,
        identity: "Callable[[], str]",
        lines: "Callable[[int], Iterable[str]]",
        parameters,
        programming: "Programming | None" = None,
        make_station: "Callable | None" = None,
    ):
        protocol = ModeC(identity, lines, PortSetup(parameters), programming, make_station)
        super().__init__(OpticalLine(uart), protocol)
