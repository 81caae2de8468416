"""A live meter with dlms-cosem: the wrapper, and HDLC on a pseudo-terminal, from connection to disconnection."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import structlog
from dlms_cosem import cosem, enumerations, exceptions, security
from dlms_cosem.client import ActionError, DataResultError, DlmsClient
from dlms_cosem.cosem.association import AccessRight
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.cosem.selective_access import RangeDescriptor
from dlms_cosem.hdlc import frames
from dlms_cosem.hdlc import state as hdlc_state
from dlms_cosem.io import BlockingTcpIO, HdlcTransport, SerialIO, TcpTransport
from dlms_cosem.parsers import AssociationObjectListParser, ProfileGenericBufferParser
from dlms_cosem.utils import parse_as_dlms_data

from host_tests.live_meter import CLIENTS, OPTICAL, PASSWORD, PORT_1, TCP, address, live_meter, terminal
from tools.bench import Bench
from tools.meter import Serial

FIRST, COUNT, STEP_S = 800_000_000, 200, 60  # UTC second since 2000 of the first event, how many, how far apart
EVENTS = [(FIRST + STEP_S * n, 8, n) for n in range(COUNT)]
LOG_IN_FAILED = 180
PHYSICAL = 1001  # last four digits of the serial number plus 1000
TITLE = b"COS\x00\x00\x00\x00\x01"
INTERFACE = enumerations.CosemInterface


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """It logs each byte that it sends and receives."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    # A busy machine may stand still in the middle of a frame; this client does not ask twice.
    parameters = {"port1_mode": 1, "max_baud_char": "6", "hdlc_inter_octet_ms": 2_000}
    with live_meter(events=EVENTS, parameters=parameters) as bench:
        yield bench


def attribute(interface: Any, name: str, n: int) -> Any:
    return cosem.CosemAttribute(interface, cosem.Obis.from_string(name), n)


SERIAL_NUMBER = attribute(INTERFACE.DATA, "0.0.96.1.0.255", 2)
DEVICE_NAME = attribute(INTERFACE.DATA, "0.0.42.0.0.255", 2)
ENERGY = attribute(INTERFACE.REGISTER, "1.1.1.8.0.255", 2)
SCALER = attribute(INTERFACE.REGISTER, "1.1.1.8.0.255", 3)
PARAMETER = attribute(INTERFACE.DATA, "0.0.96.61.2.255", 2)  # reaction_ms
TIME = attribute(INTERFACE.CLOCK, "0.0.1.0.0.255", 2)
OBJECT_LIST = attribute(INTERFACE.ASSOCIATION_LN, "0.0.40.0.0.255", 2)
BUFFER = attribute(INTERFACE.PROFILE_GENERIC, "0.0.99.98.0.255", 2)
EVENT_NUMBER = attribute(INTERFACE.DATA, "0.0.96.240.12.255", 2)
EVENT_DETAIL = attribute(INTERFACE.DATA, "0.0.96.240.13.255", 2)


def over_tcp(bench: Bench, client: int) -> TcpTransport:
    host, port = address(bench)
    return TcpTransport(client, 1, BlockingTcpIO(host, port))


class Line(HdlcTransport):
    """Its HDLC transport, but for where a frame ends: it waits for one more flag after a frame whose FCS ends in 7E,
    and for ever. To ask again does not help, as the FCS does not depend on the sequence numbers: what stands before
    the HCS leaves no trace behind it.
    """

    def next_event(self) -> Any:
        connection = self.hdlc_connection
        while True:
            event = connection.next_event()
            if event is not hdlc_state.NEED_DATA:
                return event
            if frames.HDLC_FLAG not in connection.buffer[connection.buffer_search_position :]:
                connection.receive_data(self.recv_frame())

    def recv_frame(self) -> bytes:
        head = self._receive(3)
        assert head[:1] == frames.HDLC_FLAG
        return head + self._receive((int.from_bytes(head[1:], "big") & 0x7FF) - 1)

    def _receive(self, size: int) -> bytes:
        received = self.io.recv(size)
        if len(received) < size:
            raise TimeoutError(f"{received.hex()} within {self.io.timeout} s")
        return received


def over_line(bench: Bench, client: int, port: int = PORT_1, baud: int = 19200) -> HdlcTransport:
    return Line(client, 1, SerialIO(terminal(bench, port), baud, timeout=20), PHYSICAL, extended_addressing=True)


def dlms_client(
    transport: Any, password: str = "", gmac: bool = False, ciphered: bool = False, **more: Any
) -> DlmsClient:
    method: Any = security.NoSecurityAuthentication()
    if gmac:
        method = security.HighLevelSecurityGmacAuthentication(challenge_length=16)
    elif password:
        method = security.LowLevelSecurityAuthentication(password.encode())
    if gmac or ciphered:
        more = {"encryption_key": bytes(range(16)), "authentication_key": bytes(range(0xD0, 0xE0)), **more}
    return DlmsClient(transport, method, client_system_title=TITLE, **more)


@contextmanager
def session(client: DlmsClient) -> Iterator[DlmsClient]:
    """From connection to disconnection; both ends of it are looked at."""
    client.connect()
    try:
        client.associate()
        yield client
        released = client.release_association()
        assert released is not None and released.reason == enumerations.ReleaseResponseReason.NORMAL
        if isinstance(client.transport, HdlcTransport):
            transport = client.transport
            io = transport.io
            ended = transport.disconnect()
            assert isinstance(ended, frames.UnNumberedAcknowledgmentFrame)
            assert transport.hdlc_connection.state.current_state == hdlc_state.NOT_CONNECTED
            assert io.serial_port is None
        else:
            client.disconnect()
    except BaseException:
        client.transport.io.disconnect()
        raise


def moment(utc: int) -> datetime:
    return datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=utc)


WAYS = [over_tcp, over_line]
LOG_INS: list[dict[str, Any]] = [
    {"password": PASSWORD},
    {"gmac": True},
    {"password": PASSWORD, "ciphered": True},
]


class Counter:
    """Invocation counters, each used once."""

    value = 1000

    @classmethod
    def options(cls) -> dict[str, Any]:
        cls.value += 1000
        # -1: what the meter sends first has the counter 0, which it takes for one that was used
        return {"client_initial_invocation_counter": cls.value, "meter_initial_invocation_counter": -1}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("log_in", LOG_INS)
def test_it_logs_in_reads_and_releases(bench: Bench, way: Any, log_in: dict[str, Any]) -> None:
    with session(dlms_client(way(bench, CLIENTS[1]), **log_in, **Counter.options())) as client:
        assert parse_as_dlms_data(client.get(SERIAL_NUMBER)) == bench.serial
        assert parse_as_dlms_data(client.get(PARAMETER)) == 200


def test_the_public_client_reads_without_a_password(bench: Bench) -> None:
    with session(dlms_client(over_tcp(bench, CLIENTS[0]))) as client:
        assert parse_as_dlms_data(client.get(DEVICE_NAME)) == b"LGZ405CR60800001"
        with pytest.raises(DataResultError, match="READ_WRITE_DENIED"):
            client.get(PARAMETER)


def test_wrong_log_ins_are_told_apart() -> None:
    """On a meter of their own: they make a channel wait."""
    with live_meter() as bench:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"password": "wrong"}, "AUTHENTICATION_FAILED"),
            ({}, "AUTHENTICATION_REQUIRED"),
            ({"gmac": True, "authentication_key": bytes(16), **Counter.options()}, "NO_REASON_GIVEN"),
        ]
        for log_in, says in wrong:
            client = dlms_client(over_tcp(bench, CLIENTS[5]), **log_in)
            client.connect()
            with pytest.raises(exceptions.DlmsClientException, match=says):
                client.associate()
            client.disconnect()
        assert [event[2:] for event in bench.events()] == [(LOG_IN_FAILED, TCP << 8 | 5)]


@pytest.mark.parametrize(("way", "level"), [(over_tcp, 2), (over_line, 0)])
def test_it_reads_the_object_list(bench: Bench, way: Any, level: int) -> None:
    with session(dlms_client(way(bench, CLIENTS[level]), PASSWORD if level else "")) as client:
        found = {
            item.logical_name.to_string(): item
            for item in AssociationObjectListParser.parse_bytes(client.get(OBJECT_LIST))
        }
    assert len(found) > (180 if level else 100)
    energy = found["1-1:1.8.0.255"]
    assert energy.interface == INTERFACE.REGISTER
    assert energy.attribute_access_rights[2].access_rights == [AccessRight.READ_ACCESS.value]
    if level:
        rights = found["0-0:96.61.2.255"].attribute_access_rights[2].access_rights
        assert rights == [AccessRight.READ_ACCESS.value, AccessRight.WRITE_ACCESS.value]
        assert found["0-0:99.98.0.255"].attribute_access_rights[2].access_selectors == [1, 2]


@pytest.mark.parametrize("way", WAYS)
def test_it_reads_a_list_of_attributes(bench: Bench, way: Any) -> None:
    with session(dlms_client(way(bench, CLIENTS[1]), PASSWORD)) as client:
        chosen = [cosem.CosemAttributeWithSelection(item, None) for item in (SERIAL_NUMBER, ENERGY, SCALER, PARAMETER)]
        assert list(client.get_many(chosen).result) == [bench.serial, 0, [1, 30], 200]


@pytest.mark.parametrize("way", WAYS)
def test_it_reads_a_range_of_the_event_log(bench: Bench, way: Any) -> None:
    first, end = 40, 100
    span = RangeDescriptor(CaptureObject(TIME, 0), moment(FIRST + STEP_S * first), moment(FIRST + STEP_S * (end - 1)))
    with session(dlms_client(way(bench, CLIENTS[1]), PASSWORD)) as client:
        received = client.get(BUFFER, access_descriptor=span)
    rows = ProfileGenericBufferParser([TIME, EVENT_NUMBER, EVENT_DETAIL], 0).parse_bytes(received)
    assert [(row[0].value.replace(tzinfo=timezone.utc), row[1].value, row[2].value) for row in rows] == [
        (moment(utc), number, detail) for utc, number, detail in EVENTS[first:end]
    ]


@pytest.mark.parametrize("way", WAYS)
def test_it_writes_and_calls_at_the_level_that_may(bench: Bench, way: Any) -> None:
    shift = cosem.CosemMethod(INTERFACE.CLOCK, cosem.Obis.from_string("0.0.1.0.0.255"), 6)
    reset = cosem.CosemMethod(INTERFACE.REGISTER, cosem.Obis.from_string("1.1.1.8.0.255"), 1)
    double_long = b"\x05"
    with session(dlms_client(way(bench, CLIENTS[2]), PASSWORD)) as client:
        for value in (250, 200):
            answer = client.set(PARAMETER, double_long + value.to_bytes(4, "big"))
            assert answer.result == enumerations.DataAccessResult.SUCCESS
            assert parse_as_dlms_data(client.get(PARAMETER)) == value
        answer = client.set(PARAMETER, double_long + bytes(4))
        assert answer.result == enumerations.DataAccessResult.OTHER_REASON
        assert client.action(shift, b"\x10\x00\x00") is None
        with pytest.raises(ActionError, match="READ_WRITE_DENIED"):
            client.action(reset, b"\x0f\x00")
    with session(dlms_client(way(bench, CLIENTS[1]), PASSWORD)) as client:
        answer = client.set(PARAMETER, double_long + (250).to_bytes(4, "big"))
        assert answer.result == enumerations.DataAccessResult.READ_WRITE_DENIED


def test_it_reads_after_a_sign_on_by_mode_e(bench: Bench) -> None:
    """The sign-on is not this client's."""
    sign_on = Serial(terminal(bench, OPTICAL))
    sign_on.open()
    sign_on.close()
    with session(dlms_client(over_line(bench, CLIENTS[1], OPTICAL, sign_on.rate), PASSWORD)) as client:
        assert parse_as_dlms_data(client.get(SERIAL_NUMBER)) == bench.serial
