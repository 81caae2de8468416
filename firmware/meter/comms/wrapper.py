"""The DLMS wrapper: APDUs over TCP (IEC 62056-47). One server of the application layer for each connection.

    version 0001 | source wPort | destination wPort | length of the APDU | APDU      16 bits each, high byte first

A wPort is a client's or a logical device's SAP; the answer has them the other way round.
"""

import asyncio
from struct import pack, unpack_from

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_VERSION = const(1)
_HEADER = const(8)
_FORM = ">HHHH"

_ATTEND_MS = const(1000)
_SHOWN_S = const(3)
_RETRY_MS = const(10_000)

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


def wrap(source: int, destination: int, apdu) -> bytes:
    """An APDU (bytes-like) as it goes over the line, from one wPort to the other."""
    return pack(_FORM, _VERSION, source, destination, len(apdu)) + apdu


class TcpSetup:
    """Settings of the port, as in class 41 (TCP-UDP setup)."""

    port = 4059  # of DLMS/COSEM, registered with IANA
    connections = 4  # at once; who comes then needs one that gives way
    inactivity_s = 180  # without an APDU to answer the connection is ended; 0: never


class Connection:
    """One client's connection: `stream` is an asyncio stream, `server` the application layer made for it.

    The longest APDU taken is the server's `max_pdu`.
    """

    def __init__(self, stream, server):
        self.idle_s = 0  # since the last APDU from the client that had an answer
        self._stream, self._server = stream, server
        self._task: "Any" = asyncio.current_task()
        self._turn = asyncio.Lock()  # of an answer or a notification to be sent
        self._notifier: "asyncio.Task | None" = None
        self._buffer = bytearray(_HEADER + server.max_pdu)

    async def serve(self) -> None:
        """Answer requests until the client has gone or sends what is no wrapper. OSError if the connection breaks."""
        try:
            await self._serve()
        finally:
            if self._notifier is not None:
                self._notifier.cancel()
            self._server.released()

    async def _serve(self) -> None:
        view = memoryview(self._buffer)
        fill = 0
        while True:
            count = await self._stream.readinto(view[fill:])
            if count == 0:
                return
            fill += count or 0
            taken = await self._answer(view[:fill])
            if taken < 0:
                return
            if taken:
                view[: fill - taken] = bytes(view[taken:fill])
                fill -= taken

    async def _answer(self, view) -> int:
        """Answer what is complete of the received `view`; how much that was, -1 if it cannot be understood.

        One request is answered in each turn of the loop.
        """
        taken, size = 0, len(view)
        while size - taken >= _HEADER:
            version, client, device, length = unpack_from(_FORM, view, taken)
            if version != _VERSION or length > len(self._buffer) - _HEADER:
                return -1
            begin = taken + _HEADER
            if size < begin + length:
                break
            taken = begin + length
            answer = self._server.request(client, device, bytes(view[begin:taken])) if length else None
            if answer is not None:  # what nobody answers keeps no place
                self.idle_s = 0
            if answer is None:
                await asyncio.sleep_ms(0)
            else:
                await self._send(device, client, answer)
                self.notify()  # of what the request has set off
        return taken

    async def _send(self, source: int, destination: int, apdu) -> None:
        message = wrap(source, destination, apdu)
        async with self._turn:
            self._stream.write(message)
            await self._stream.drain()  # gives the other tasks their turn, too

    @property
    def standing(self) -> int:
        """How much would be lost with it: the server's `standing`, 0 to 2."""
        return self._server.standing

    def end(self) -> None:
        """Hang up, from another task."""
        self._task.cancel()

    def second(self, inactivity_s: int) -> None:
        """A second has passed: end a connection that is not used."""
        self.idle_s += 1
        if 0 < inactivity_s < self.idle_s:
            self.end()

    def notify(self) -> None:
        """Send what the server has to say unasked, if anything."""
        if self._notifier is None:
            waiting = self._server.notification()
            if waiting is not None:
                self._notifier = asyncio.create_task(self._push(waiting))

    async def _push(self, waiting: "tuple | None") -> None:
        try:
            while waiting is not None:
                client, device, apdu = waiting
                await self._send(device, client, apdu)
                waiting = self._server.notification()
        except OSError:
            pass  # whoever reads from the connection is told as well
        finally:
            self._notifier = None


class WrapperPort:
    """The TCP port. `address` is (host, port); `make_server()` gives the application layer for a new connection.

    `tcp` has the attributes of TcpSetup. Start it with `asyncio.create_task(port.run())`.
    """

    def __init__(self, address: "tuple[str, int]", make_server: "Callable", tcp=TcpSetup):
        self._address, self._make_server, self._tcp = address, make_server, tcp
        self._connections: "list[Connection]" = []

    @property
    def active(self) -> bool:
        """An APDU has come within the last seconds, or a connection (the display's communication symbol)."""
        return any(connection.idle_s < _SHOWN_S for connection in self._connections)

    def wake(self) -> None:
        """Send waiting notifications at once; otherwise they are found within a second."""
        for connection in self._connections:
            connection.notify()

    async def run(self) -> None:
        """Serve the port for ever."""
        while not await self._listen():
            await asyncio.sleep_ms(_RETRY_MS)
        while True:
            await asyncio.sleep_ms(_ATTEND_MS)
            for connection in self._connections:
                connection.second(self._tcp.inactivity_s)
            self.wake()

    async def _listen(self) -> bool:
        host, port = self._address
        try:
            await asyncio.start_server(self._connected, host, port, self._tcp.connections)
        except OSError:  # the network is not there yet; the meter must do without
            return False
        return True

    async def _connected(self, stream, _writer) -> None:
        try:
            if self._find_place():
                stream.s.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
                await self._serve(Connection(stream, self._make_server()))
        except OSError:
            pass  # the client has gone
        finally:
            stream.close()
            await stream.wait_closed()

    def _find_place(self) -> bool:
        """Whether there is a place for one more; if all are taken, the connection that has been silent longest and has
        no association gives it its own, or if there is none, the one of a public client. Who has logged in keeps it."""
        if len(self._connections) < self._tcp.connections:
            return True
        least = min(self._connections, key=lambda connection: (connection.standing, -connection.idle_s))
        if least.standing > 1:
            return False
        self._connections.remove(least)  # its task may get its turn later than the next who comes
        least.end()
        return True

    async def _serve(self, connection: Connection) -> None:
        self._connections.append(connection)
        try:
            await connection.serve()
        finally:
            if connection in self._connections:
                self._connections.remove(connection)
