"""Every attribute of every object of a whole meter, by logical name, by short name and as gurux-dlms reads it."""

from __future__ import annotations

from typing import Any

import pytest
from gurux_dlms import GXByteBuffer
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo

from host_tests.dlms_clients import GuruxClient
from host_tests.dlms_fakes import CHANNEL, PASSWORDS, FakeAccess, Server, aarq
from host_tests.model_sources import make_model
from meter.comms.dlms import axdr

CLIENT = 80  # level 4


@pytest.fixture(scope="module")
def model() -> Any:
    return make_model()


def served(model: Any, context: int) -> Any:
    """Asks the server of a client that has all rights: hexadecimal in, bytes out."""
    server = Server(model, FakeAccess(), CHANNEL)
    conformance = "001e1f" if context == 1 else "1c1b20"

    def ask(text: str) -> bytes:
        return bytes(server.request(CLIENT, 1, bytes.fromhex(text)) or b"")

    assert b"\xa2\x03\x02\x01\x00" in ask(aarq(context, 1, PASSWORDS[4], conformance))
    return ask


def whole(ask: Any, request: str, head: bytes, following: str, number_bytes: int) -> bytes:
    """The value, or the error behind `head`, all blocks together."""
    answer, data, number = ask(request), b"", 1
    if not (answer[1] == 2 and answer[0] == 0xC4 or answer[0] == 0x0C and answer[2] == 2):
        return answer[len(head) :]
    while True:
        at = 4 + number_bytes + (1 if number_bytes == 4 else 0)
        data += answer[axdr.take_length(answer, at)[1] :]
        if answer[3]:
            return b"\x00" + data
        answer = ask(following + number.to_bytes(number_bytes, "big").hex())
        number += 1


def test_each_attribute_reads_alike_by_both_names_and_follows_its_type(model: Any) -> None:
    logical, short = served(model, 1), served(model, 2)
    seen = 0
    for found in model.objects():
        name = model.base_name(found)
        for n in range(1, found.attributes + 1):
            request = f"c001c1{found.class_id:04x}" + found.logical_name.hex() + f"{n:02x}00"
            value = whole(logical, request, b"\xc4\x01\xc1", "c002c1", 4)
            assert whole(short, f"050102{name + 8 * (n - 1):04x}", b"\x0c\x01", "050105", 2) == value
            if found.read_level(n) is None:
                assert value == b"\x01\x03"
                continue
            assert value[0] == 0, (found.index, n, value.hex())
            assert axdr.decode(found.spec(n), value, 1)[1] == len(value)
            info = _GXDataInfo()
            buffer = GXByteBuffer(value[1:])
            _GXCommon.getData(None, buffer, info)
            assert info.complete and buffer.position == len(value) - 1
            seen += 1
    assert seen > 400


def test_gurux_finds_every_object_of_the_meter(model: Any) -> None:
    client = GuruxClient(Server(model, FakeAccess(), CHANNEL), CLIENT, PASSWORDS[4], 1)
    client.connect()
    expected = {(found.class_id, found.logical_name) for found in model.objects()}
    rows = client.exchange(client.client.getObjectsRequest()).value
    assert {(row[0], bytes(row[2])) for row in rows} == expected | {(15, bytes((0, 0, 40, 0, 0, 255)))}
    assert len(client.objects()) == len(rows)
