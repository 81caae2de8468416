"""The wrapper's frames in every cut: what reaches the server, what goes back, and when a connection is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
from dlms_cosem.protocol.wrappers import WrapperHeader, WrapperProtocolDataUnit
from hypothesis import given, settings
from hypothesis import strategies as st

from meter.comms import wrapper

MAX_PDU = 200
CLIENT, DEVICE = 16, 1

wports = st.integers(0, 0xFFFF)
apdus = st.binary(min_size=1, max_size=MAX_PDU)
messages = st.lists(st.tuples(wports, wports, apdus), min_size=1, max_size=6)
FEW = settings(max_examples=150, deadline=None, derandomize=True)


class Server:
    """An application layer that answers with what it was sent, last byte first."""

    max_pdu = MAX_PDU

    standing = 0

    def __init__(self) -> None:
        self.requests: list[tuple[int, int, bytes]] = []
        self.waiting: list[tuple[int, int, bytes]] = []
        self.released_count = 0

    def request(self, client: int, logical_device: int, apdu: bytes) -> bytes | memoryview | None:
        self.requests.append((client, logical_device, apdu))
        return memoryview(apdu[::-1]) if apdu[:1] != b"\0" else None

    def released(self) -> None:
        self.released_count += 1

    def notification(self) -> tuple[int, int, bytes] | None:
        return self.waiting.pop(0) if self.waiting else None


class Socket:
    def __init__(self) -> None:
        self.options: list[tuple[int, ...]] = []

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)


class Stream:
    """MicroPython's stream over a socket that brings `segments`: bytes, None (woken for nothing) or an error.

    After the last one the client closes, or waits for ever if `open_end`.
    """

    def __init__(self, segments: Iterable[Any], open_end: bool = False) -> None:
        self.segments, self.open_end = list(segments), open_end
        self.sent: list[bytes] = []
        self.closed = 0
        self.s = Socket()

    async def readinto(self, buf: memoryview) -> int | None:
        await asyncio.sleep(0)
        if not self.segments:
            if self.open_end:
                await asyncio.Event().wait()
            return 0
        segment = self.segments.pop(0)
        if segment is None or isinstance(segment, Exception):
            if segment:
                raise segment
            return None
        part, rest = segment[: len(buf)], segment[len(buf) :]
        if rest:
            self.segments.insert(0, rest)
        buf[: len(part)] = part
        return len(part)

    def write(self, data: bytes) -> None:
        self.sent.append(bytes(data))

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        self.closed += 1

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)


def pdu(source: int, destination: int, apdu: bytes) -> bytes:
    """A wrapped APDU as dlms-cosem makes it."""
    return bytes(WrapperProtocolDataUnit(apdu, WrapperHeader(source, destination, len(apdu))).to_bytes())


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in segments that end at `places` (taken modulo its length)."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False) if b > a]


def answers(sent: list[bytes]) -> list[tuple[int, int, bytes]]:
    """(source, destination, APDU) of what was sent, one APDU in each piece, as dlms-cosem takes them apart."""
    units = [WrapperProtocolDataUnit.from_bytes(piece) for piece in sent]
    return [(u.wrapper_header.source_wport, u.wrapper_header.destination_wport, u.data) for u in units]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def serve(segments: Iterable[Any]) -> tuple[Server, Stream]:
    """A whole connection of a port that it is the only one of."""
    server, stream = Server(), Stream(segments)
    port = wrapper.WrapperPort(("", 0), lambda: server)
    run(port._connected(stream, stream))
    assert (server.released_count, stream.closed) == (1, 1)
    assert not port.active
    return server, stream


@given(wports, wports, apdus)
def test_wraps_as_another_implementation_does(source: int, destination: int, apdu: bytes) -> None:
    assert wrapper.wrap(source, destination, apdu) == pdu(source, destination, apdu)


@FEW
@given(messages, st.lists(st.integers(0, 2000), max_size=12))
def test_requests_arrive_whole_however_they_are_cut(said: list[tuple[int, int, bytes]], places: list[int]) -> None:
    server, stream = serve(cut(b"".join(pdu(*message) for message in said), places))
    assert server.requests == said
    assert answers(stream.sent) == [(b, a, apdu[::-1]) for a, b, apdu in said if apdu[0]]


def test_every_single_cut_of_two_messages() -> None:
    said = [(CLIENT, DEVICE, b"\xc0\x01\xc1"), (CLIENT, DEVICE, bytes(range(1, MAX_PDU + 1)))]
    data = b"".join(pdu(*message) for message in said)
    for place in range(1, len(data)):
        server, stream = serve([data[:place], None, data[place:]])
        assert server.requests == said and len(stream.sent) == 2


def test_byte_by_byte() -> None:
    said = [(CLIENT, DEVICE, b"\xc0\x01\xc1")] * 3
    server, _stream = serve([bytes([c]) for c in b"".join(pdu(*message) for message in said)])
    assert server.requests == said


def test_an_answer_goes_out_in_one_piece_and_at_once() -> None:
    _server, stream = serve([pdu(CLIENT, DEVICE, b"\xc0\x01")])
    assert stream.sent == [bytes.fromhex("0001 0001 0010 0002 01c0")]
    assert stream.s.options == [(6, 1, 1)]  # IPPROTO_TCP, TCP_NODELAY


@pytest.mark.parametrize(
    "bad",
    [
        "0000 0010 0001 0002 c001",
        "0002 0010 0001 0002 c001",
        "0100 0010 0001 0002 c001",
        "0001 0010 0001 00c9" + "c0" * 201,
        "0001 0010 0001 ffff",
        "7ea0 0703 2193 0f01 7e",  # HDLC
    ],
)
def test_another_version_or_too_long_an_apdu_ends_the_connection(bad: str) -> None:
    good = pdu(CLIENT, DEVICE, b"\xc0")
    server, stream = serve([good + bytes.fromhex(bad) + good])
    assert server.requests == [(CLIENT, DEVICE, b"\xc0")]
    assert len(stream.sent) == 1


def test_the_longest_apdu_is_taken() -> None:
    server, _stream = serve([pdu(CLIENT, DEVICE, b"\xc0" * MAX_PDU) * 3])
    assert [len(apdu) for _client, _device, apdu in server.requests] == [MAX_PDU] * 3


def test_a_header_without_apdu_is_no_request() -> None:
    server, stream = serve([pdu(CLIENT, DEVICE, b"") + pdu(CLIENT, DEVICE, b"\xc0")])
    assert server.requests == [(CLIENT, DEVICE, b"\xc0")]
    assert len(stream.sent) == 1


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_garbage_gets_an_answer_that_is_none(segments: list[bytes]) -> None:
    """Whatever comes in: each APDU that goes out answers one that came in, and the connection ends in order."""
    server, stream = serve(segments)
    assert len(stream.sent) == len([apdu for _c, _d, apdu in server.requests if apdu[0]])
    assert all(0 < len(apdu) <= MAX_PDU for _client, _device, apdu in server.requests)


def test_a_connection_that_breaks_is_an_end_like_any_other() -> None:
    server, _stream = serve([pdu(CLIENT, DEVICE, b"\xc0"), ConnectionResetError()])
    assert len(server.requests) == 1


def test_a_server_that_fails_takes_its_connection_with_it_and_nothing_else() -> None:
    class Failing(Server):
        def request(self, client: int, logical_device: int, apdu: bytes) -> bytes:
            raise ZeroDivisionError

    server, stream = Failing(), Stream([pdu(CLIENT, DEVICE, b"\xc0")])
    port = wrapper.WrapperPort(("", 0), lambda: server)
    with pytest.raises(ZeroDivisionError):
        run(port._connected(stream, stream))
    assert (server.released_count, stream.closed, port.active) == (1, 1, False)


def test_other_tasks_have_their_turn_after_each_request() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def main() -> list[int]:
        seen = []

        class Watching(Server):
            def request(self, client: int, logical_device: int, apdu: bytes) -> bytes | None:
                seen.append(turns)
                return apdu if len(seen) % 2 else None

        task = asyncio.create_task(other())
        stream = Stream([pdu(CLIENT, DEVICE, b"\xc0") * 10])
        await wrapper.Connection(stream, Watching()).serve()
        task.cancel()
        return seen

    seen = run(main())
    assert len(seen) == 10 and len(set(seen)) == 10


async def connected(port: wrapper.WrapperPort, stream: Stream) -> asyncio.Task[None]:
    task = asyncio.create_task(port._connected(stream, stream))
    await asyncio.sleep(0.01)
    return task


class FullPort:
    """A port all of whose places are taken, the first by who came first."""

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.streams: list[Stream] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.port = wrapper.WrapperPort(("", 0), self.make_server)

    def make_server(self) -> Server:
        self.servers.append(Server())
        return self.servers[-1]

    async def come(self, count: int = 1) -> None:
        """So many clients at once."""
        streams = [Stream([], open_end=True) for _ in range(count)]
        self.streams += streams
        self.tasks += [asyncio.create_task(self.port._connected(stream, stream)) for stream in streams]
        await asyncio.sleep(0.01)

    @property
    def closed(self) -> list[int]:
        return [stream.closed for stream in self.streams]

    async def end(self) -> None:
        """All is released exactly once, however it ended."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert [server.released_count for server in self.servers] == [1] * len(self.servers)
        assert self.closed == [1] * len(self.streams)
        assert self.port._connections == []


def test_who_comes_when_all_are_associated_is_turned_away() -> None:
    async def main() -> None:
        full = FullPort()
        await full.come(4)
        for server in full.servers:
            server.standing = 2
        await full.come()
        assert full.closed == [0, 0, 0, 0, 1] and len(full.servers) == 4
        full.tasks[1].cancel()
        await asyncio.sleep(0.01)
        assert [server.released_count for server in full.servers] == [0, 1, 0, 0]
        await full.come()
        assert full.closed == [0, 1, 0, 0, 1, 0] and len(full.servers) == 5
        await full.end()

    run(main())


def test_the_one_that_has_been_silent_longest_without_association_gives_way() -> None:
    async def main() -> None:
        full = FullPort()
        await full.come(4)
        for connection, idle_s in zip(full.port._connections, (100, 3, 20, 0), strict=True):
            connection.idle_s = idle_s
        full.servers[0].standing = 2
        await full.come()
        assert full.closed == [0, 0, 1, 0, 0]
        assert full.servers[2].released_count == 1
        await full.come()
        assert full.closed == [0, 1, 1, 0, 0, 0]
        await full.end()

    run(main())


def test_public_clients_give_way_when_all_have_an_association_and_the_silent_one_first() -> None:
    async def main() -> None:
        full = FullPort()
        await full.come(4)
        for connection, idle_s in zip(full.port._connections, (100, 3, 20, 90), strict=True):
            connection.idle_s = idle_s
        for server, standing in zip(full.servers, (2, 1, 1, 2), strict=True):
            server.standing = standing
        await full.come()
        assert full.closed == [0, 0, 1, 0, 0]
        full.servers[4].standing = 2
        await full.come()
        assert full.closed == [0, 1, 1, 0, 0, 0]
        await full.end()

    run(main())


def test_what_is_not_answered_is_no_activity() -> None:
    async def main() -> None:
        port = wrapper.WrapperPort(("", 0), Server)
        for apdu, idle_s in ((b"", 50), (b"\0to nobody", 50), (b"\xc0", 0)):
            stream = Stream([None, wrapper.wrap(CLIENT, DEVICE, apdu)], open_end=True)
            task = asyncio.create_task(port._connected(stream, stream))
            while not port._connections:
                await asyncio.sleep(0)
            port._connections[0].idle_s = 50
            await asyncio.sleep(0.01)
            assert port._connections[0].idle_s == idle_s
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_many_who_come_at_once_are_never_more_than_there_are_places() -> None:
    async def main() -> None:
        full = FullPort()
        await full.come(4)
        full.servers[0].standing = 2
        await full.come(7)
        assert full.closed[0] == 0 and full.closed.count(0) == 4 == len(full.port._connections)
        await full.end()

    run(main())


def test_notifications_are_sent_when_the_port_is_woken() -> None:
    async def main() -> None:
        server, stream = Server(), Stream([], open_end=True)
        port = wrapper.WrapperPort(("", 0), lambda: server)
        task = await connected(port, stream)
        port.wake()
        assert stream.sent == []
        server.waiting = [(CLIENT, DEVICE, b"\xc2\x01"), (32, DEVICE, b"\xc2\x02")]
        port.wake()
        port.wake()  # the first one is still under way
        await asyncio.sleep(0.01)
        assert answers(stream.sent) == [(DEVICE, CLIENT, b"\xc2\x01"), (DEVICE, 32, b"\xc2\x02")]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_the_port_is_in_use_until_nothing_has_come_for_three_seconds() -> None:
    async def main() -> None:
        stream = Stream([], open_end=True)
        port = wrapper.WrapperPort(("", 0), Server)
        assert not port.active
        task = await connected(port, stream)
        (connection,) = port._connections
        shown = []
        for _ in range(4):
            shown.append(port.active)
            connection.second(0)
        assert shown == [True, True, True, False]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


@pytest.mark.parametrize(("inactivity_s", "ends_after"), [(180, 181), (1, 2), (0, None)])
def test_a_connection_without_requests_is_ended(inactivity_s: int, ends_after: int | None) -> None:
    async def main() -> None:
        server, stream = Server(), Stream([], open_end=True)
        port = wrapper.WrapperPort(("", 0), lambda: server)
        task = await connected(port, stream)
        (connection,) = port._connections
        seconds = 0
        while stream.closed == 0 and seconds < 1000:
            connection.second(inactivity_s)
            seconds += 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert seconds == (1000 if ends_after is None else ends_after)
        assert server.released_count == stream.closed == (ends_after is not None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_without_a_network_the_port_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[Any, ...]] = []

    async def start_server(*arguments: Any) -> None:
        tried.append(arguments[1:])
        if len(tried) < 3:
            raise OSError("no network")

    async def main() -> None:
        monkeypatch.setattr(wrapper.asyncio, "start_server", start_server)
        monkeypatch.setattr(wrapper, "_RETRY_MS", 1)
        task = asyncio.create_task(wrapper.WrapperPort(("0.0.0.0", 4059), Server).run())
        await asyncio.sleep(0.1)
        task.cancel()
        assert tried == [("0.0.0.0", 4059, 4)] * 3

    run(main())
