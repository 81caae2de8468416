"""Push setup (class 40): its method sends what its object list names to the client that calls it."""

from __future__ import annotations

from typing import Any

import pytest
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import DataType
from gurux_dlms.objects import GXDLMSPushSetup

from host_tests.dlms_clients import GuruxClient, Refusal
from host_tests.dlms_fakes import CHANNEL, PASSWORDS, FakeAccess, Server, aarq
from host_tests.model_sources import make_model
from meter.comms.wrapper import wrap

CLIENT = 48  # level 2
NAME = "0.0.25.9.0.255"
ACTIVATE = bytes.fromhex("c301c1 0028 0000190900ff 01 01 0f00")


@pytest.fixture
def client() -> GuruxClient:
    return connected(Server(make_model(), FakeAccess(), CHANNEL))


def connected(server: Any, short_names: bool = False) -> GuruxClient:
    client = GuruxClient(server, CLIENT, PASSWORDS[2], 1, short_names=short_names)
    client.connect()
    return client


def push_setup(client: GuruxClient, base: int = 0) -> GXDLMSPushSetup:
    setup = GXDLMSPushSetup(NAME, base)
    setup.version = 0
    client.read(setup, 2)
    return setup


def pushed(client: GuruxClient) -> GXReplyData:
    """The notification that waits, as gurux takes it from the line."""
    waiting = client.server.notification()
    assert waiting is not None and waiting[:2] == (CLIENT, 1)
    reply, notification = GXReplyData(), GXReplyData()
    client.client.getData(GXByteBuffer(wrap(1, CLIENT, bytes(waiting[2]))), reply, notification)
    return notification if notification.value is not None else reply


@pytest.mark.parametrize("short_names", [False, True])
def test_the_method_sends_the_values_of_the_object_list_to_who_calls_it(short_names: bool) -> None:
    model = make_model()
    client = connected(Server(model, FakeAccess(), CHANNEL), short_names)
    base = model.base_name(model.get(40, bytes(int(group) for group in NAME.split("."))))
    setup = push_setup(client, base if short_names else 0)
    assert client.server.notification() is None
    client.method(setup, 1, 0, DataType.INT8)
    values = pushed(client).value
    assert client.server.notification() is None
    assert len(values) == len(setup.pushObjectList) >= 10
    for value, (target, capture) in zip(values, setup.pushObjectList, strict=True):
        found = model.get(int(target.objectType), bytes(int(group) for group in target.logicalName.split(".")))
        assert value == found.get(capture.attributeIndex), target.logicalName
    assert values[0] == b"LGZ405CR60800001"


def test_each_client_gets_its_own(client: GuruxClient) -> None:
    other = bytes.fromhex(aarq(1, 1, PASSWORDS[3]))
    assert b"\xa2\x03\x02\x01\x00" in client.server.request(64, 1, other)
    for sap in (64, CLIENT, 64):
        client.server.request(sap, 1, ACTIVATE)
    assert [client.server.notification()[0] for _ in range(3)] == [64, CLIENT, 64]
    assert client.server.notification() is None


def test_who_may_not_call_it_sets_nothing_off() -> None:
    server = Server(make_model(), FakeAccess(), CHANNEL)
    server.request(32, 1, bytes.fromhex(aarq(1, 1, PASSWORDS[1])))
    assert bytes(server.request(32, 1, ACTIVATE) or b"")[3] == 3  # read-write denied
    assert server.notification() is None


def test_what_the_clients_pdu_size_does_not_take_is_refused_not_sent() -> None:
    server = Server(make_model(), FakeAccess(), CHANNEL)
    client = GuruxClient(server, CLIENT, PASSWORDS[2], 1)
    client.client.maxReceivePDUSize = 64
    client.connect()
    with pytest.raises(Refusal):
        client.method(GXDLMSPushSetup(NAME), 1, 0, DataType.INT8)
    assert server.notification() is None
