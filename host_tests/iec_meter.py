"""The protocol of the optical port on a bench line, in one process and in bench time: for tests of either.

It does by hand what firmware/meter/comms/port.py and line.py do on MicroPython.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace

from iec62056_21 import messages

from meter.comms.iec62056_21 import ModeC
from meter.comms.programming import Programming
from tools.bench.uart import Frame, UartLine, VirtualEnd

MS = 1_000_000
NEVER = 1 << 62

IDENT = b"/LGZ5ZMG405260b.P01\r\n"
REQUEST = bytes.fromhex("2F3F210D0A")
STANDARD = ["F.F(00000000)", "0.0.0(23660088)", "0.9.1(10:18:42)", "1.8.0(000102.28*kWh)", "0.2.1()"]
SERVICE = [*STANDARD, "32.7.0(230.01*V)", "36.7.0(-000.82*kW)"]
STANDARD_VALUES = [
    ("F.F", "00000000", None),
    ("0.0.0", "23660088", None),
    ("0.9.1", "10:18:42", None),
    ("1.8.0", "000102.28", "kWh"),
    ("0.2.1", "", None),
]
SERVICE_VALUES = [*STANDARD_VALUES, ("32.7.0", "230.01", "V"), ("36.7.0", "-000.82", "kW")]


SETUP: dict[str, object] = {
    "address": "",
    "reaction_ms": 200,
    "changeover_ms": 1000,
    "iec_mode": "C",
    "start_rate": 300,
    "max_rate": 19200,
    "frame": "7E1",
}


@dataclass
class Sent:
    """One message of the meter: when it began and ended (ns), at which rate."""

    begin_ns: int
    end_ns: int
    baud: int
    data: bytes


class LineMeter:
    """A meter's port and its client's `end`; `run` lets time pass. `sent` has all messages of the meter.

    An `access` alone stands for a Programming that has nothing else; the arguments are those of the port's setup.
    """

    def __init__(
        self,
        ident: str = "/LGZ5ZMG405260b.P01",
        lines: Callable[[int], Iterable[str]] | None = None,
        start_ms: int = 0,
        access: object = None,
        programming: Programming | None = None,
        make_station: Callable[[int, int], object] | None = None,
        stored: Callable[[], Callable[[], Iterable[str]]] = lambda: tuple,
        **setup: object,
    ) -> None:
        self.parameters = SimpleNamespace(**{**SETUP, **setup})
        if access is not None:
            programming = Programming(access)
        self.lines = lines or (lambda number: {0: STANDARD, 6: SERVICE}[number])
        self.line, self.end = UartLine(), VirtualEnd()
        self.line.attach(self.end)
        self.core = ModeC(lambda: ident, self.lines, self.parameters, programming, make_station, stored)
        self.sent: list[Sent] = []
        self.ticks = 0
        self._start_ms = start_ms
        self._sending_until: int | None = None
        self._tune()

    @property
    def now(self) -> int:
        """Bench time, ns."""
        return self.line.now

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + round(seconds * 1e9)
        while True:
            t = min(until, self._next())
            self.line.advance(t)
            self._serve()
            if t == until:
                return

    def say(self, data: bytes, baud: int = 300, frame: str = "7E1") -> int:
        """Send to the meter and let it arrive; returns when it was out (ns)."""
        self.end.write(data, baud, frame)
        out = self.end.idle_at()
        self.run((out - self.now) / 1e9)
        return out

    def heard(self) -> bytes:
        """What the client has received since the last call."""
        return self.end.read()

    def _ms(self) -> int:
        return (self.now // MS + self._start_ms) & 0x3FFFFFFF  # ticks wrap as on the 32-bit ports

    def _next(self) -> int:
        event = self.line.next_event()
        soonest = NEVER if event is None else event
        if self._sending_until is not None:
            return max(self.now, min(soonest, self._sending_until))
        wait = self.core.wait_ms(self._ms())
        if wait >= 0:
            soonest = min(soonest, (self.now // MS + wait) * MS)
        return max(self.now, soonest)

    def _serve(self) -> None:
        received = self.line.read(256)
        if self._sending_until is not None:
            if self.now < self._sending_until:
                return
            self._sending_until = None
            self.core.sent(self._ms())
            self._tune()
            received = b""
        if received:
            self.core.feed(received, self._ms())
        while self._tick():
            pass

    def _tune(self) -> None:
        frame = Frame.parse(self.core.frame)
        if (self.core.baud, frame) != (self.line.baud, self.line.frame):
            self.line.configure(self.core.baud, frame.bits, frame.parity, frame.stop, self.now)

    def _tick(self) -> bool:
        """One tick; whether another is due at once."""
        self.ticks += 1
        message = self.core.tick(self._ms())
        self._tune()
        if message is not None:
            data = b"".join(message)
            begin = self.now
            self.line.transmit(data, begin)
            self._sending_until = self.line.tx_idle_at(begin)
            self.sent.append(Sent(begin, self._sending_until, self.line.baud, data))
            return False
        return self.core.wait_ms(self._ms()) == 0


def option(v: str = "0", z: str = "5", y: str = "0") -> bytes:
    """The acknowledgement/option select message ACK V Z Y."""
    return f"\x06{v}{z}{y}\r\n".encode()


def sign_on(meter: LineMeter) -> None:
    """Request and identification; returns 200 ms after the identification, when a client may answer."""
    count = len(meter.sent)
    out = meter.say(REQUEST)
    while len(meter.sent) == count:
        meter.run(0.01)
        assert meter.now - out < 1500 * MS, "no identification"
    meter.run((meter.sent[-1].end_ns - meter.now) / 1e9 + 0.2)


def values(message: bytes) -> list[tuple[str, str, str | None]]:
    """Data sets of a data message as the PyPI client reads them (it also checks the block check)."""
    parsed = messages.ReadoutDataMessage.from_bytes(message)
    return [(s.address, s.value, s.unit) for line in parsed.data_block.data_lines for s in line.data_sets]


def assert_readout(meter: LineMeter) -> None:
    """The next good session works."""
    sign_on(meter)
    meter.end.configure(300)
    meter.say(option())
    meter.end.configure(9600)
    meter.heard()
    meter.run(2)
    assert values(meter.heard()) == STANDARD_VALUES
    meter.say(b"\x06", 9600)
    meter.run(0.01)
    meter.end.configure(300)
