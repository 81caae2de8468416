"""A client nobody here wrote (PyPI `iec62056-21` 0.0.2), with a way to log in and with transports for tests.

Its own `send_password` raises (it makes a data set without address and a command type of the wrong Python type), so the
password goes out as a message of its classes; all else is its own methods.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from iec62056_21.client import Iec6205621Client
from iec62056_21.messages import CommandMessage, DataSet
from iec62056_21.transports import BaseTransport, SerialTransport

from tools.bench.uart import VirtualEnd

ACK, NAK = "\x06", "\x15"
REFUSED = b"\x02(ERR04)\x03"  # without block check
_PATIENCE_NS = 5_000_000_000


class Client(Iec6205621Client):
    """Logs in, and spoils a message."""

    def log_in(self, kind: int, password: str) -> str:
        """The meter's answer to P`kind`: ACK or the first character of something else."""
        self.hand_in(kind, password)
        return str(self._recv_ack())

    def hand_in(self, kind: int, password: str) -> None:
        """Send P`kind` with a password."""
        self.rest()
        self.transport.send(CommandMessage("P", kind, DataSet(address="", value=password)).to_bytes())

    def read_spoilt(self, code: str) -> str:
        """The first character that answers a read command with a wrong block check."""
        self.rest()
        message = CommandMessage.for_single_read(code, "1").to_bytes()
        self.transport.send(message[:-1] + bytes((message[-1] ^ 1,)))
        return str(self._recv_ack())


class BenchTransport(BaseTransport):
    """The client's transport on a bench line: `end` is its end, `run` lets time pass (s)."""

    TRANSPORT_REQUIRES_ADDRESS = False

    def __init__(self, end: VirtualEnd, run: Callable[[float], None], step_s: float = 0.001) -> None:
        super().__init__(timeout=30)
        self.end, self.run = end, run
        self._step_s = step_s
        self._received = b""

    def _send(self, data: bytes) -> None:
        self.end.write(data)
        self.run((self.end.idle_at() - self.end.line.now) / 1e9)

    def _recv(self, chars: int = 1) -> bytes:
        deadline = self.end.line.now + _PATIENCE_NS
        while not self._received:
            assert self.end.line.now < deadline, "the meter says nothing"
            self.run(self._step_s)
            self._received += self.end.read()
        first, self._received = self._received[:1], self._received[1:]
        return first

    def switch_baudrate(self, baud: int) -> None:
        self.run(0.5)
        self.end.configure(baud)


class BenchClient(Client):
    """Rests in bench time."""

    def rest(self, duration: float | None = None) -> None:
        self.transport.run(duration or self.reaction_time * 1.25)


class Recorder(SerialTransport):
    """The client's own serial transport; `heard` is all that came, `begun` when the block did (s, monotonic)."""

    heard, begun = b"", 0.0

    def _recv(self, chars: int = 1) -> bytes:
        data = bytes(super()._recv(chars))
        self.heard += data
        if data == b"\x02":
            self.begun = time.monotonic()
        return data
