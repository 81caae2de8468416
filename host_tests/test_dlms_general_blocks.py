"""General block transfer (E0): answers and requests in parts, lost blocks, aborts; and notifications."""

from __future__ import annotations

import pytest

from host_tests.dlms_fakes import CLOCK, ENERGY, PROFILE, ROWS, SCRIPTS, TIME, FakeMeter, aarq
from host_tests.test_dlms_ciphered import Client
from meter.comms.dlms import axdr
from meter.cosem import data_types as t

ROW = t.structure(t.OCTETS, t.UINT8, t.UINT32)
GET_BUFFER = bytes.fromhex("c001c10007" + PROFILE.hex() + "0200")
GET_ENERGY = bytes.fromhex("c001c10003" + ENERGY.hex() + "0200")
ENERGY_IS = bytes.fromhex("c401c100060012d687")
LAST, STREAMING = 0x80, 0x40
ONLY_GENERAL = "200015"  # general blocks, get, selective access, action


def block(control: int, number: int, acknowledged: int, data: bytes = b"") -> bytes:
    out = bytearray(b"\xe0")
    out += bytes([control | 1]) + number.to_bytes(2, "big") + acknowledged.to_bytes(2, "big")
    axdr.put_length(out, len(data))
    return bytes(out) + data


def taken_apart(answer: bytes) -> tuple[int, int, int, bytes]:
    """(flags, number, number acknowledged, data)"""
    assert answer[0] == 0xE0 and answer[1] & 0x3F == 1
    length, at = axdr.take_length(answer, 6)
    assert at + length == len(answer)
    return answer[1] & 0xC0, int.from_bytes(answer[2:4], "big"), int.from_bytes(answer[4:6], "big"), answer[at:]


def associated(size: int = 0, conformance: str = ONLY_GENERAL) -> FakeMeter:
    meter = FakeMeter()
    assert "a203020100" in meter.ask(32, aarq(1, 1, b"11111111", conformance, size))
    return meter


def raw(meter: FakeMeter, apdu: bytes) -> bytes:
    return bytes(meter.server.request(32, 1, apdu) or b"")


def collected(meter: FakeMeter, answer: bytes, limit: int, sent: int = 0, expected: int = 1) -> bytes:
    """All data of an answer, block after block; `sent` of the client's, `expected` - 1 of the meter's came before."""
    data = b""
    while True:
        assert len(answer) <= limit
        flags, number, received, part = taken_apart(answer)
        assert (number, received) == (expected, sent) and part
        data += part
        if flags & LAST:
            return data
        sent, expected = sent + 1, expected + 1
        answer = raw(meter, block(0, sent, number))


@pytest.mark.parametrize("size", [12, 32, 200, 0])
def test_a_long_answer_comes_in_general_blocks_if_there_are_no_others(size: int) -> None:
    meter = associated(size)
    data = collected(meter, raw(meter, GET_BUFFER), size or 1024)
    assert data[:4] == bytes.fromhex("c401c100")
    rows, end = axdr.decode(t.array(ROW), data, 4)
    assert len(rows) == ROWS and end == len(data)


def test_an_answer_that_fits_comes_as_it_is() -> None:
    assert raw(associated(), GET_ENERGY) == ENERGY_IS


def test_the_services_own_blocks_are_preferred() -> None:
    assert raw(associated(200, "201e1f"), GET_BUFFER)[:3] == bytes.fromhex("c402c1")


def test_a_request_in_one_block_has_its_answer_in_one() -> None:
    meter = associated()
    answer = taken_apart(raw(meter, block(LAST, 1, 0, GET_ENERGY)))
    assert answer == (LAST, 1, 1, ENERGY_IS)


@pytest.mark.parametrize("streaming", [0, STREAMING])
def test_a_request_in_blocks_is_put_together(streaming: int) -> None:
    meter = associated()
    text = bytes(range(256)) * 3
    request = bytes.fromhex("c301c10009" + SCRIPTS.hex() + "0201" + "09820300") + text
    parts = [request[at : at + 100] for at in range(0, len(request), 100)]
    for number, part in enumerate(parts[:-1], 1):
        answer = raw(meter, block(streaming, number, 0, part))
        assert answer == b"" if streaming else taken_apart(answer) == (0, number, number, b"")
    answer = raw(meter, block(LAST, len(parts), 0, parts[-1]))
    assert (
        collected(meter, answer, 1024, len(parts), 1 if streaming else len(parts))
        == bytes.fromhex("c701c1000100" + "09820300") + text
    )
    assert meter.model.calls == [("echo", text)]


def test_a_lost_block_of_the_request_is_asked_for_again() -> None:
    meter = associated()
    first = raw(meter, block(STREAMING, 1, 0, GET_ENERGY[:4])) + raw(meter, block(0, 3, 0, GET_ENERGY[8:]))
    assert taken_apart(first) == (0, 1, 1, b"")
    assert raw(meter, block(0, 3, 0, GET_ENERGY[8:])) == first
    assert taken_apart(raw(meter, block(0, 2, 0, GET_ENERGY[4:8]))) == (0, 2, 2, b"")
    assert taken_apart(raw(meter, block(LAST, 3, 0, GET_ENERGY[8:])))[3] == ENERGY_IS


def test_a_lost_block_of_the_answer_is_sent_again() -> None:
    meter = associated(200)
    first = raw(meter, GET_BUFFER)
    assert raw(meter, block(0, 0, 0)) == first
    second = raw(meter, block(0, 1, 1))
    assert taken_apart(second)[1] == 2
    assert raw(meter, block(0, 2, 1)) == second
    assert taken_apart(raw(meter, block(0, 3, 2)))[1] == 3
    assert raw(meter, block(0, 4, 1)) == bytes.fromhex("e0800000000000")


def test_another_request_takes_the_place_of_the_rest() -> None:
    meter = associated(200)
    raw(meter, GET_BUFFER)
    assert raw(meter, GET_ENERGY) == ENERGY_IS
    assert taken_apart(raw(meter, block(0, 1, 1)))[3] == b""
    raw(meter, GET_BUFFER)
    assert taken_apart(raw(meter, block(LAST, 1, 0, GET_ENERGY)))[3] == ENERGY_IS


@pytest.mark.parametrize(
    "request_",
    ["e0", "e08100010000", "e0810001000005c001", "e081000100000100", "e081000100000700000000000000"],
)
def test_what_is_no_block_or_brings_no_request_is_told_so(request_: str) -> None:
    meter = associated()
    answer = raw(meter, bytes.fromhex(request_))
    assert b"\xd8\x01\x01" in answer
    assert raw(meter, GET_ENERGY) == ENERGY_IS


def test_a_request_longer_than_the_memory_is_aborted() -> None:
    meter = associated()
    number, answer = 0, b""
    while answer != bytes.fromhex("e0800000000000"):
        number += 1
        answer = raw(meter, block(0, number, 0, bytes(1000)))
    assert number == 9


def test_general_blocks_must_have_been_agreed_upon() -> None:
    meter = associated(0, "001e1f")
    assert raw(meter, block(LAST, 1, 0, GET_ENERGY)) == b"\xd8\x01\x02"


def test_a_ciphered_request_and_answer_travel_in_blocks() -> None:
    client = Client(3)
    client.associate(conformance=ONLY_GENERAL, size=100)
    sealed = client.seal(bytes.fromhex("c301c10009" + SCRIPTS.hex() + "0201" + "0978") + bytes(120))
    first, second = sealed[:80], sealed[80:]
    assert taken_apart(client.raw(block(0, 1, 0, first)))[2] == 1
    flags, number, _, data = taken_apart(client.raw(block(LAST, 2, 1, second)))
    whole = data
    while not flags & LAST:
        flags, number, _, data = taken_apart(client.raw(block(0, 1 + number, number)))
        whole += data
    assert client.open(whole) == bytes.fromhex("c701c1000100" + "0978") + bytes(120)


# --- notifications --------------------------------------------------------------------------------------------------


def notified(meter: FakeMeter) -> str:
    waiting = meter.server.notification()
    assert waiting is not None
    return bytes(waiting[2]).hex()


def test_a_push_is_a_data_notification_without_an_association() -> None:
    meter = FakeMeter()
    assert meter.server.notification() is None
    meter.server.push(32, t.structure(t.UINT8, t.TEXT), (7, "x"))
    meter.server.push(48, t.UINT8, 1, TIME)
    assert meter.server.notification() == (32, 1, bytes.fromhex("0f00000001" + "00" + "020211070a0178"))
    assert meter.server.notification() == (48, 1, bytes.fromhex("0f00000002" + "0c" + TIME.hex() + "1101"))
    assert meter.server.notification() is None


def test_an_event_is_told_in_the_form_that_the_client_reads() -> None:
    meter = FakeMeter()
    clock = meter.model.get(8, CLOCK)
    meter.ask(16, aarq())
    meter.server.event(16, clock, 3, -60, TIME)
    meter.server.event(16, clock, 3, -60)
    descriptor = "0008" + CLOCK.hex() + "03" + "10ffc4"
    assert notified(meter) == "c2010c" + TIME.hex() + descriptor
    assert notified(meter) == "c200" + descriptor
    meter.ask(16, aarq(2, conformance="1c1b20"))
    meter.server.event(16, clock, 3, -60)
    assert notified(meter) == "1800" + "01022bd0" + "01" + "10ffc4"


def test_of_too_many_notifications_the_oldest_are_lost_and_a_long_one_is_refused() -> None:
    meter = FakeMeter()
    for n in range(10):
        meter.server.push(16, t.UINT8, n)
    values = []
    while (waiting := meter.server.notification()) is not None:
        values.append(waiting[2][-1])
    assert values == [6, 7, 8, 9]
    with pytest.raises(ValueError):
        meter.server.push(16, t.OCTETS, bytes(1100))
