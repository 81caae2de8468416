"""What can be plugged into a serial line: a client in virtual time, a pseudo-terminal, a TCP port."""

from __future__ import annotations

import os
import selectors
import socket
import termios
import tty
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Protocol

from tools.bench.uart_wire import Frame, Receiver, Sender

_IN_USE = b"Port already in use\r\n"


class LineSide(Protocol):
    """What an end sees of its line."""

    now: int
    baud: int
    frame: Frame

    def plan(self) -> None:
        """Work out the next event anew."""


class End:
    """One far end: a sender to the meter and a receiver of what the meter sends."""

    line: LineSide

    def __init__(self, baud: int = 300, frame: str = "7E1") -> None:
        self.sender = Sender()
        self.receiver = Receiver(baud, Frame.parse(frame))

    def attached(self, line: LineSide) -> None:
        """Plugged into `line`."""
        self.line = line
        self.meter_configured()

    def meter_configured(self) -> None:
        """The meter has changed rate or frame. An end that keeps its own does nothing."""

    def poll(self, t_ns: int) -> None:
        """Called whenever the line moves on, before it does."""

    def received(self, data: bytes) -> None:
        """Characters from the meter have come in."""

    def close(self) -> None:
        """Let go of descriptors."""

    def _put(self, data: bytes, baud: int, frame: Frame, t_ns: int) -> None:
        self.sender.send(data, t_ns, baud, frame)
        self.line.plan()

    def _listen_at(self, baud: int, frame: Frame) -> None:
        if (baud, frame) != (self.receiver.baud, self.receiver.frame):
            self.receiver.configure(baud, frame, self.line.now)
            self.line.plan()


class WatchedEnd(End, ABC):
    """An end for a client outside the bench: in real time the bench watches `fileno` and calls `on_readable`.

    `name` is what a client opens, as pySerial writes it; `lost` counts characters that nobody took.
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.lost = 0

    @abstractmethod
    def fileno(self) -> int:
        """Descriptor to watch for reading."""

    @abstractmethod
    def on_readable(self, t_ns: int) -> None:
        """The descriptor has something to read."""


class VirtualEnd(End):
    """The far end of a test: rate and frame are what the test says."""

    def __init__(self, baud: int = 300, frame: str = "7E1") -> None:
        super().__init__(baud, frame)
        self._received = bytearray()

    def configure(self, baud: int, frame: str = "7E1") -> None:
        """Set the own receiver, from now."""
        self._listen_at(baud, Frame.parse(frame))

    def write(self, data: bytes, baud: int | None = None, frame: str | None = None) -> None:
        """Send from now, or when the last is out; at the receiver's rate and frame unless told otherwise."""
        self._put(data, baud or self.receiver.baud, Frame.parse(frame) if frame else self.receiver.frame, self.line.now)

    def idle_at(self) -> int:
        """When the last stop bit written is out (ns)."""
        return max(self.line.now, self.sender.busy_until)

    def read(self) -> bytes:
        """All that has been received since the last call."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def received(self, data: bytes) -> None:
        self._received += data


def _strip_software_parity(data: bytes, frame: Frame) -> bytes:
    """Characters of a client that made the parity bit itself, as bit 7 of eight; those with a wrong one are lost.

    Bit 7 clear is taken as a client that leaves parity to its port.
    """
    if frame.bits != 7 or frame.parity is None:
        return data
    return bytes(c & 0x7F for c in data if c < 0x80 or frame.parity_bit(c & 0x7F) == 1)


def _add_parity(data: bytes, frame: Frame) -> bytes:
    """Characters as a channel of eight bits shows them: their parity bit is bit 7."""
    if frame.bits != 7 or frame.parity is None:
        return data
    return bytes(c | frame.parity_bit(c) << 7 for c in data)


class PtyEnd(WatchedEnd):
    """A pseudo-terminal; clients open `path`. Their rate is read from the terminal's settings, as are two stop bits.

    The kernel keeps neither 7 bits nor parity of a pseudo-terminal, so a client's frame is taken to be the meter's, but
    for the stop bits. The bench keeps the client's side open, so clients may come and go.
    Characters count as sent at the rate that is set when the bench gets to read them, some ms later: a client that
    changes its rate must wait that long after its last character, as it would for a real port to drain.

    C libraries refuse settings of which the kernel takes none: whoever opens the terminal as 7E1 at the rate it already
    has would get EINVAL. So a harmless input flag (IGNBRK; there are no breaks here), which every client clears, is set
    again whenever settings have been left alone for a while.
    """

    _RATES = {getattr(termios, f"B{n}"): n for n in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)}
    _LOOK_NS = 5_000_000
    _SETTLED_NS = 20_000_000

    def __init__(self) -> None:
        super().__init__()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.name = self.path = os.ttyname(self._slave)
        self._settings: list[Any] = []
        self._changed_ns = 0
        self._looked_ns = 0
        self._mark(termios.tcgetattr(self._slave))

    def fileno(self) -> int:
        return self._master

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def meter_configured(self) -> None:
        self._tune(self._settings)

    def poll(self, t_ns: int) -> None:
        if t_ns - self._looked_ns >= self._LOOK_NS:
            self._look(t_ns)

    def on_readable(self, t_ns: int) -> None:
        try:
            data = os.read(self._master, 4096)
        except OSError:  # a signal, or nothing there after all
            return
        self._look(t_ns)
        if not self._settings[tty.IFLAG] & termios.IGNBRK:
            self._mark(self._settings)  # who sends has done setting
        baud = self._RATES.get(self._settings[tty.OSPEED])
        if baud is None:
            self.lost += len(data)  # a rate that no meter has
        else:
            self._put(_strip_software_parity(data, self.line.frame), baud, self._frame(self._settings), t_ns)

    def received(self, data: bytes) -> None:
        try:
            taken = os.write(self._master, data)
        except OSError:  # full: nobody reads
            taken = 0
        self.lost += len(data) - taken

    def _frame(self, settings: list[Any]) -> Frame:
        frame = self.line.frame
        return Frame(frame.bits, frame.parity, 2 if settings[tty.CFLAG] & termios.CSTOPB else 1)

    def _look(self, t_ns: int) -> None:
        self._looked_ns = t_ns
        settings = termios.tcgetattr(self._slave)
        if settings != self._settings:
            self._settings, self._changed_ns = settings, t_ns
            self._tune(settings)
        elif not settings[tty.IFLAG] & termios.IGNBRK and t_ns - self._changed_ns >= self._SETTLED_NS:
            self._mark(settings)

    def _mark(self, settings: list[Any]) -> None:
        settings[tty.IFLAG] |= termios.IGNBRK
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        self._settings = termios.tcgetattr(self._slave)

    def _tune(self, settings: list[Any]) -> None:
        baud, frame = self._RATES.get(settings[tty.ISPEED], 50), self._frame(settings)
        self._listen_at(baud, frame)


class TcpEnd(WatchedEnd):
    """A TCP port on 127.0.0.1 for one client at a time, like a serial device server that always has the right rate.

    Another client that comes meanwhile is told so, in the words of ser2net, and its connection closed.

    A client that makes the parity of a 7-bit line by itself, as bit 7, gets it there too, as from a server that is set
    to eight bits: on the wire both are the same. Others get plain characters.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.setblocking(False)
        self.port: int = self._server.getsockname()[1]
        self.name = f"socket://127.0.0.1:{self.port}"
        self._client: socket.socket | None = None
        self._makes_parity = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)

    def fileno(self) -> int:
        # epoll and kqueue descriptors can be watched in their turn, so one descriptor stands for both sockets.
        return self._selector.fileno()

    def close(self) -> None:
        self._drop_client()
        self._selector.close()
        self._server.close()

    def meter_configured(self) -> None:
        self._listen_at(self.line.baud, self.line.frame)

    def on_readable(self, t_ns: int) -> None:
        for key, _events in self._selector.select(0):
            if key.fileobj is self._server:
                self._accept()
            else:
                self._read_client(t_ns)

    def received(self, data: bytes) -> None:
        taken = 0
        if self._client is not None:
            try:
                taken = self._client.send(_add_parity(data, self.line.frame) if self._makes_parity else data)
            except BlockingIOError:
                pass
            except OSError:
                self._drop_client()
        self.lost += len(data) - taken

    def _accept(self) -> None:
        try:
            client, _address = self._server.accept()
        except OSError:  # gone again
            return
        if self._client is not None:
            with client, suppress(OSError):  # it may have gone again
                client.send(_IN_USE)
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._makes_parity = False
        self._selector.register(client, selectors.EVENT_READ)

    def _read_client(self, t_ns: int) -> None:
        assert self._client is not None
        try:
            data = self._client.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            stripped = _strip_software_parity(data, self.line.frame)
            if self.line.frame.bits == 7 and b"/" in stripped:  # its parity bit is 1, and it begins a request
                self._makes_parity = b"/" not in data
            self._put(stripped, self.line.baud, self.line.frame, t_ns)
        else:
            self._drop_client()

    def _drop_client(self) -> None:
        if self._client is not None:
            self._selector.unregister(self._client)
            self._client.close()
            self._client = None
            # What it has left unsent must not keep the line from the next client.
            self.sender.cut(self.line.now)
            self.line.plan()
