"""The link layer with two clients that nobody here wrote: gurux-dlms and dlms-cosem."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from dlms_cosem.hdlc import state as cosem_state
from dlms_cosem.io import HdlcTransport
from gurux_dlms import GXDLMSClient, GXReplyData
from gurux_dlms.enums import Authentication, ErrorCode, InterfaceType
from gurux_dlms.objects import GXDLMSData

from host_tests.hdlc_line import FakeServer, Line, command

AARE = bytes.fromhex("6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001E1DFFFF0007")


class CosemIo:
    """What HdlcTransport wants of a port, on a station."""

    def __init__(self, line: Line) -> None:
        self.line, self.received = line, b""

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def send(self, data: bytes) -> None:
        self.received += b"".join(frame.octets() for frame in self.line.say(bytes(data)))

    def recv(self, amount: int = 1) -> bytes:
        part, self.received = self.received[:amount], self.received[amount:]
        assert part, "the client waits for ever"
        return part

    def recv_until(self, end: bytes) -> bytes:
        return self.recv(self.received.index(end) + len(end))


@pytest.mark.parametrize("physical", [None, 17, 1887])
def test_dlms_cosem_reads_answers_of_any_length(physical: int | None) -> None:
    line = Line(FakeServer(lambda apdu: apdu * 60), physical_address=physical or 17)
    transport = HdlcTransport(16, 1, CosemIo(line), physical, extended_addressing=physical is not None)
    assert transport.connect().payload[:3] == b"\x81\x80\x14"  # it asks with a SNRM without information
    for size in (1, 5, 10, 40):
        assert transport.send_request(bytes(range(size))) == bytes(range(size)) * 60
    transport.disconnect()
    assert transport.hdlc_connection.state.current_state == cosem_state.NOT_CONNECTED
    assert line.server.releases == 1 and not line.station.active


def gurux_client(line: Line, client: int = 16, **hdlc: int) -> Any:
    physical = line.setup.physical_address
    server = GXDLMSClient.getServerAddress(1, physical, 4)
    made = GXDLMSClient(True, client, server, Authentication.NONE, None, InterfaceType.HDLC)
    made.serverAddressSize = 4
    for name, value in hdlc.items():
        setattr(made.hdlcSettings, name, value)
    return made


@pytest.fixture
def silent() -> Iterator[io.StringIO]:
    """gurux prints what it does not understand of a link layer; there must be nothing."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        yield text


def exchange(line: Line, client: Any, frames: Any) -> Any:
    """Send a request's frames one by one, poll for the rest of the answer as gurux wants to."""
    reply = GXReplyData()
    requests = frames if isinstance(frames, list) else [frames]
    for request in requests:
        said = line.say(bytes(request))
        assert said
        for frame in said:
            client.getData(bytearray(frame.octets()), reply, None)
    while reply.isMoreData():
        for frame in line.say(bytes(client.receiverReady(reply))):
            client.getData(bytearray(frame.octets()), reply, None)
    return reply


@pytest.mark.parametrize(
    ("asked", "limit", "agreed"),
    [
        ({}, 128, (128, 128)),
        ({"maxInfoTX": 512, "maxInfoRX": 1024}, 1024, (512, 1024)),
        ({"maxInfoTX": 2030, "maxInfoRX": 2030}, 1024, (1024, 1024)),
        ({"maxInfoTX": 64, "maxInfoRX": 64}, 128, (64, 64)),
        ({}, 64, (64, 64)),
    ],
)
def test_gurux_negotiates_reads_and_writes_in_segments(
    asked: dict[str, int], limit: int, agreed: tuple[int, int], silent: io.StringIO
) -> None:
    value = bytes(range(256)) * 3
    got = bytes.fromhex("C401C1000982") + len(value).to_bytes(2, "big") + value

    def reply(apdu: bytes) -> bytes:
        return {0x60: AARE, 0xC0: got, 0xC1: bytes.fromhex("C501C100")}[apdu[0]]

    line = Line(FakeServer(reply), max_info_tx=limit, max_info_rx=limit, physical_address=1887)
    client = gurux_client(line, **asked)
    client.parseUAResponse(exchange(line, client, client.snrmRequest()).data)
    assert (client.hdlcSettings.maxInfoTX, client.hdlcSettings.maxInfoRX) == agreed
    client.parseAareResponse(exchange(line, client, client.aarqRequest()).data)
    data = GXDLMSData("0.0.96.1.0.255")
    for _ in range(9):  # past the end of the sequence numbers
        client.updateValue(data, 2, exchange(line, client, client.read(data, 2)).value)
        assert bytes(data.value) == value
        exchange(line, client, client.write(data, 2))
        assert value in line.server.requests[-1][2]
    assert exchange(line, client, client.disconnectRequest()).error == 0
    assert not line.station.active and silent.getvalue() == ""
    assert line.station.lost == 0


def test_gurux_understands_disconnected_mode_and_a_rejected_frame(silent: io.StringIO) -> None:
    line = Line()
    client = gurux_client(line)
    assert exchange(line, client, client.aarqRequest()).error == ErrorCode.DISCONNECT_MODE
    client = gurux_client(line)
    client.parseUAResponse(exchange(line, client, client.snrmRequest()).data)
    assert exchange(line, client, command(0x19).octets()).error == ErrorCode.UNACCEPTABLE_FRAME


def test_gurux_takes_a_notification(silent: io.StringIO) -> None:
    line = Line()
    client = gurux_client(line)
    client.parseUAResponse(exchange(line, client, client.snrmRequest()).data)
    line.server.notifications.append((16, 1, bytes.fromhex("0F000000010009021234")))  # data-notification, "1234"
    (said,) = line.say(command(0x13))
    notify = GXReplyData()
    client.getData(bytearray(said.octets()), GXReplyData(), notify)
    assert notify.isComplete() and notify.value == b"\x12\x34"
