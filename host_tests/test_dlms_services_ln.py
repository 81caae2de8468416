"""GET, SET and ACTION by APDUs: the standard's encodings, each result code, blocks both ways."""

from __future__ import annotations

from typing import Any

import pytest

from host_tests.dlms_fakes import (
    BREAKING,
    BROKEN,
    CLOCK,
    ENERGY,
    FAULTY,
    PARAMETER,
    PASSWORDS,
    PROFILE,
    ROWS,
    SCRIPTS,
    SERIAL,
    TABLE,
    TIME,
    FakeMeter,
    aarq,
)
from meter.comms.dlms import axdr
from meter.cosem import data_types as t

ROW = t.structure(t.OCTETS, t.UINT8, t.UINT32)


def associated(level: int = 2, conformance: str = "205e9f", size: int = 0, **meter: Any) -> tuple[FakeMeter, int]:
    """A meter and the SAP of a client that is associated at this level."""
    made, client = FakeMeter(**meter), 16 + 16 * level
    answer = made.ask(client, aarq(1, 1 if level else None, PASSWORDS.get(level), conformance, size))
    assert "a203020100" in answer
    return made, client


def attribute(class_id: int, name: bytes, n: int) -> str:
    return f"{class_id:04x}" + name.hex() + f"{n:02x}"


def get(class_id: int, name: bytes, n: int, selection: str = "00") -> str:
    return "c001c1" + attribute(class_id, name, n) + selection


# --- GET ------------------------------------------------------------------------------------------------------------


def test_a_value_is_the_green_books() -> None:
    meter, client = associated()
    assert meter.ask(client, get(8, CLOCK, 2)) == "c401c100090c" + TIME.hex()
    assert meter.ask(client, get(3, ENERGY, 3)) == "c401c10002020f00161e"
    assert meter.ask(client, get(3, ENERGY, 1)) == "c401c1000906" + ENERGY.hex()


def test_invoke_id_and_priority_come_back_as_they_are() -> None:
    meter, client = associated()
    for invoke in (0x40, 0x47, 0xC0, 0xCF):
        assert meter.ask(client, f"c001{invoke:02x}" + attribute(3, ENERGY, 2) + "00")[4:6] == f"{invoke:02x}"


@pytest.mark.parametrize(
    ("level", "class_id", "name", "n", "result"),
    [
        (0, 3, bytes(6), 2, 4),  # no such object
        (0, 3, ENERGY, 4, 4),  # no such attribute
        (0, 3, ENERGY, 0, 4),  # all attributes at once are not offered
        (0, 1, ENERGY, 2, 9),  # an object of another class
        (0, 12, bytes((0, 0, 40, 0, 0, 255)), 2, 9),
        (0, 1, PARAMETER, 2, 3),  # level too low
        (2, 15, bytes((0, 0, 40, 0, 0, 255)), 7, 3),  # a secret
        (0, 1, BROKEN, 2, 2),  # the memory fails
        (0, 1, FAULTY, 2, 250),  # the object is at fault itself
    ],
)
def test_what_cannot_be_read_has_its_result_code(level: int, class_id: int, name: bytes, n: int, result: int) -> None:
    meter, client = associated(level)
    assert meter.ask(client, get(class_id, name, n)) == f"c401c101{result:02x}"


def test_selective_access_takes_entries_and_ranges() -> None:
    meter, client = associated(1)
    entries = "0102" + "0204" + "0600000002" + "0600000003" + "120001" + "120000"
    column = "0204" + "120008" + "0906" + CLOCK.hex() + "0f02" + "120000"
    span = "0101" + "0204" + column + "090c" + TIME.hex() + "19" + TIME.hex() + "0100"
    answer = bytes.fromhex(meter.ask(client, get(7, PROFILE, 2, entries)))
    rows, end = axdr.decode(t.array(ROW), answer, 4)
    assert [row[2] for row in rows] == [2000, 3000] and end == len(answer)
    answer = bytes.fromhex(meter.ask(client, get(7, PROFILE, 2, span)))
    assert len(axdr.decode(t.array(ROW), answer, 4)[0]) == 4


def test_selective_access_that_is_not_there_is_refused() -> None:
    meter, client = associated(1)
    assert meter.ask(client, get(3, ENERGY, 2, "01020600000001")) == "c401c10104"
    assert meter.ask(client, get(7, PROFILE, 2, "01020600000001")) == "c401c1010c"
    meter, client = associated(1, "001e1b")
    entries = "0102" + "0204" + "0600000002" + "0600000003" + "120001" + "120000"
    assert meter.ask(client, get(7, PROFILE, 2, entries)) == "c401c10103"


def test_a_list_gives_values_and_errors_in_order() -> None:
    meter, client = associated(0)
    request = "c003c104" + attribute(3, ENERGY, 2) + "00" + attribute(1, PARAMETER, 2) + "00"
    request += attribute(3, bytes(6), 2) + "00" + attribute(8, CLOCK, 3) + "00"
    assert meter.ask(client, request) == "c403c104" + "00060012d687" + "0103" + "0104" + "0010ffc4"


def test_an_unconfirmed_service_has_no_answer_but_its_effect() -> None:
    meter, client = associated(2)
    assert meter.ask(client, "c00181" + attribute(3, ENERGY, 2) + "00") == ""
    assert meter.ask(client, "c10181" + attribute(1, PARAMETER, 2) + "00" + "120190") == ""
    assert meter.ask(client, get(1, PARAMETER, 2)) == "c401c100120190"


# --- GET in blocks --------------------------------------------------------------------------------------------------


def fetch(meter: FakeMeter, client: int, request: str, limit: int) -> bytes:
    """What a long GET brings, block after block."""
    answer, data, number = bytes.fromhex(meter.ask(client, request)), b"", 1
    while True:
        assert len(answer) <= limit
        assert answer[:3] == b"\xc4\x02\xc1" and answer[4:9] == number.to_bytes(4, "big") + b"\x00"
        length, at = axdr.take_length(answer, 9)
        assert at + length == len(answer) and length > 0
        data += answer[at:]
        if answer[3]:
            return data
        answer = bytes.fromhex(meter.ask(client, f"c002c1{number:08x}"))
        number += 1


@pytest.mark.parametrize("size", [12, 13, 16, 64, 127, 128, 140, 256, 300, 1023, 1024, 5000, 0])
def test_a_long_answer_comes_in_blocks_no_longer_than_the_client_takes(size: int) -> None:
    meter, client = associated(1, size=size)
    data = fetch(meter, client, get(7, PROFILE, 2), min(size or 1024, 1024))
    rows, end = axdr.decode(t.array(ROW), data)
    assert end == len(data) and [row[2] for row in rows] == [1000 * (n + 1) for n in range(ROWS)]
    assert meter.ask(client, "c002c100000001") == "c402c1010000000101" + "10"  # none in progress any more


def test_an_answer_that_just_fits_comes_in_one() -> None:
    whole = len(bytes.fromhex(associated(1)[0].ask(16, aarq()))) and 4 + 1 + 1 + 13
    meter, client = associated(1, size=whole)
    assert meter.ask(client, get(1, SERIAL, 2)) == "c401c100090d" + b"LGZ0050725713".hex()
    meter, client = associated(1, size=whole - 1)
    assert fetch(meter, client, get(1, SERIAL, 2), whole - 1) == b"\x09\x0dLGZ0050725713"


def test_a_list_comes_in_blocks_too() -> None:
    meter, client = associated(1, size=128)
    request = "c003c102" + attribute(7, PROFILE, 2) + "00" + attribute(3, ENERGY, 2) + "00"
    data = fetch(meter, client, request, 128)
    assert data[:2] == b"\x02\x00"
    rows, at = axdr.decode(t.array(ROW), data, 2)
    assert len(rows) == ROWS and data[at:].hex() == "00060012d687"


def test_a_wrong_block_number_ends_the_transfer() -> None:
    meter, client = associated(1)
    meter.ask(client, get(7, PROFILE, 2))
    assert meter.ask(client, "c002c100000002") == "c402c1010000000201" + "13"
    assert meter.ask(client, "c002c100000001") == "c402c1010000000101" + "10"


@pytest.mark.parametrize("other", [get(3, ENERGY, 2), "c101c1000100006032000002", "d80101"])
def test_another_request_drops_the_rest(other: str) -> None:
    meter, client = associated(1)
    meter.ask(client, get(7, PROFILE, 2))
    meter.ask(client, other)
    assert meter.ask(client, "c002c100000001") == "c402c1010000000101" + "10"


def test_a_memory_that_fails_in_the_middle_ends_the_transfer_with_an_error() -> None:
    meter, client = associated(1, size=256)
    answer, number = meter.ask(client, get(1, BREAKING, 2)), 0
    while answer.startswith("c402c100"):
        number += 1
        answer = meter.ask(client, f"c002c1{number:08x}")
    assert number > 1
    assert answer == f"c402c101{number + 1:08x}0102"
    assert meter.ask(client, f"c002c1{number:08x}").endswith("10")


def test_without_block_transfer_a_long_answer_is_refused() -> None:
    meter, client = associated(1, "000e1f", 64)
    assert meter.ask(client, get(7, PROFILE, 2)) == "c401c1010e"
    request = "c003c102" + attribute(7, PROFILE, 2) + "00" + attribute(3, ENERGY, 2) + "00"
    assert meter.ask(client, request) == "d80104"
    assert meter.ask(client, "c002c100000001") == "d80102"


# --- SET ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "request_", "result"),
    [
        (2, attribute(1, PARAMETER, 2) + "00" + "1200f0", 0),
        (1, attribute(1, PARAMETER, 2) + "00" + "1200f0", 3),
        (1, attribute(1, PARAMETER, 2) + "00" + "0a0141", 3),  # denied before the type is looked at
        (2, attribute(1, PARAMETER, 2) + "00" + "1101", 12),
        (2, attribute(3, ENERGY, 2) + "00" + "0600000000", 3),
        (2, attribute(1, ENERGY, 2) + "00" + "0600000000", 9),
        (2, attribute(1, PARAMETER, 3) + "00" + "0600000000", 4),
        (2, attribute(1, PARAMETER, 2) + "010106000000001200f0", 13),
        (2, attribute(1, bytes(6), 2) + "00" + "0600000000", 4),
    ],
)
def test_a_write_has_its_result(level: int, request_: str, result: int) -> None:
    meter, client = associated(level)
    assert meter.ask(client, "c101c1" + request_) == f"c501c1{result:02x}"
    assert bool(meter.access.journal) == (result == 0)


def test_a_list_of_writes_has_a_list_of_results() -> None:
    meter, client = associated(2)
    request = "c104c103" + attribute(1, PARAMETER, 2) + "00" + attribute(3, ENERGY, 2) + "00"
    request += attribute(8, CLOCK, 3) + "00" + "03" + "1200f0" + "0600000000" + "100078"
    assert meter.ask(client, request) == "c505c103" + "000300"
    assert [entry[3] for entry in meter.access.journal] == [0xF0, 120]


VALUES = list(range(1, 900))


def long_value() -> bytes:
    out = bytearray()
    axdr.encode(out, t.array(t.UINT32), VALUES)
    return bytes(out)


def send(meter: FakeMeter, client: int, first: str, further: str, data: bytes, size: int = 200) -> str:
    """A long request in blocks; the answer to the last one."""
    number, answer = 0, ""
    while data:
        number += 1
        part, data = data[:size], data[size:]
        length = bytearray()
        axdr.put_length(length, len(part))
        head = first if number == 1 else further
        answer = meter.ask(client, head + f"{int(not data):02x}{number:08x}" + length.hex() + part.hex())
        if data:
            assert answer in (f"c502c1{number:08x}", f"c704c1{number:08x}")
    return answer


def test_a_long_value_is_written_in_blocks() -> None:
    meter, client = associated(2)
    first = "c102c1" + attribute(20, TABLE, 3) + "00"
    assert send(meter, client, first, "c103c1", long_value()) == "c503c100" + "%08x" % (-(-len(long_value()) // 200))
    assert meter.model.get(20, TABLE).values[1] == VALUES
    assert send(meter, client, first, "c103c1", b"\x01\x00") == "c503c10000000001"
    assert meter.model.get(20, TABLE).values[1] == []


def test_a_list_is_written_in_blocks() -> None:
    meter, client = associated(2)
    first = "c105c102" + attribute(1, PARAMETER, 2) + "00" + attribute(20, TABLE, 3) + "00"
    assert send(meter, client, first, "c103c1", b"\x02\x12\x00\xf0" + long_value(), 900).startswith("c504c1020000")
    assert meter.access.journal[0][3] == 0xF0 and meter.access.journal[1][3] == VALUES


def test_blocks_out_of_order_change_nothing() -> None:
    meter, client = associated(2)
    first = "c102c1" + attribute(20, TABLE, 3) + "00"
    assert meter.ask(client, "c103c1" + "0000000001" + "020100") == "c503c1" + "12" + "00000001"
    assert meter.ask(client, first + "0000000001" + "020102") == "c502c100000001"
    assert meter.ask(client, "c103c1" + "0100000003" + "020100") == "c503c1" + "13" + "00000003"
    assert meter.ask(client, "c103c1" + "0100000002" + "020100") == "c503c1" + "12" + "00000002"
    assert meter.access.journal == []


def test_a_request_longer_than_the_memory_is_aborted() -> None:
    meter, client = associated(2)
    first, answer, number = "c102c1" + attribute(20, TABLE, 3) + "00", "", 0
    while answer in ("", f"c502c1{number:08x}"):
        number += 1
        answer = meter.ask(client, (first if number == 1 else "c103c1") + f"00{number:08x}" + "8203e8" + "00" * 1000)
    assert answer == "c503c1" + "11" + f"{number:08x}" and number == 9


# --- ACTION ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "request_", "answer"),
    [
        (2, attribute(9, SCRIPTS, 1) + "01120007", "c701c10000"),
        (1, attribute(9, SCRIPTS, 1) + "01120007", "c701c10300"),
        (2, attribute(9, SCRIPTS, 1) + "011107", "c701c10c00"),
        (2, attribute(9, SCRIPTS, 3) + "01120007", "c701c10400"),
        (2, attribute(9, bytes(6), 1) + "01120007", "c701c10400"),
        (2, attribute(3, SCRIPTS, 1) + "01120007", "c701c10900"),
        (1, attribute(9, SCRIPTS, 2) + "0109024142", "c701c10001000902" + "4142"),
    ],
)
def test_a_method_has_its_result(level: int, request_: str, answer: str) -> None:
    meter, client = associated(level)
    assert meter.ask(client, "c301c1" + request_) == answer
    assert bool(meter.model.calls) == answer.startswith("c701c100")


def test_a_method_may_go_without_parameter_if_it_has_none_but_a_dummy() -> None:
    meter, client = associated(4)
    assert meter.ask(client, "c301c1" + attribute(3, ENERGY, 1) + "00") == "c701c10000"
    assert meter.ask(client, "c301c1" + attribute(3, ENERGY, 1) + "0100") == "c701c10000"
    assert meter.ask(client, "c301c1" + attribute(9, SCRIPTS, 1) + "00") == "c701c10c00"
    assert meter.ask(client, "c301c1" + attribute(9, SCRIPTS, 1) + "0100") == "c701c10c00"
    assert meter.model.calls == [("reset", None)] * 2


def test_null_data_is_no_value_to_be_written_or_selected_by() -> None:
    meter, client = associated(2)
    assert meter.ask(client, "c101c1" + attribute(1, PARAMETER, 2) + "00" + "00") == "c501c10c"
    assert meter.ask(client, "c101c1" + attribute(20, TABLE, 3) + "00" + "010100") == "c501c10c"
    assert meter.ask(client, get(7, PROFILE, 2, "010200")) == "c401c1010c"
    entries = "0102" + "0204" + "00" + "0600000003" + "120001" + "120000"
    assert meter.ask(client, get(7, PROFILE, 2, entries)) == "c401c1010c"
    assert meter.access.journal == []


def test_a_list_of_methods_has_a_list_of_results() -> None:
    meter, client = associated(2)
    request = "c303c103" + attribute(9, SCRIPTS, 1) + attribute(3, ENERGY, 1) + attribute(9, SCRIPTS, 2)
    assert meter.ask(client, request + "03" + "120001" + "0f00" + "090141") == (
        "c703c103" + "0000" + "0300" + "000100090141"
    )


def test_long_parameters_and_long_answers_of_methods_come_in_blocks() -> None:
    meter, client = associated(2, size=256)
    text = bytes(range(256)) * 3
    parameter = b"\x09\x82\x03\x00" + text
    answer = bytes.fromhex(send(meter, client, "c304c1" + attribute(9, SCRIPTS, 2), "c306c1", parameter))
    data, number = b"", 1
    while True:
        assert answer[:3] == b"\xc7\x02\xc1" and answer[4:8] == number.to_bytes(4, "big") and len(answer) <= 256
        data += answer[axdr.take_length(answer, 8)[1] :]
        if answer[3]:
            break
        answer = bytes.fromhex(meter.ask(client, f"c302c1{number:08x}"))
        number += 1
    assert data == parameter and number == 4
    assert meter.ask(client, f"c302c1{number:08x}") == "c701c11000"


def test_a_list_of_methods_may_come_in_blocks() -> None:
    meter, client = associated(2)
    first = "c305c102" + attribute(9, SCRIPTS, 1) + attribute(9, SCRIPTS, 1)
    assert send(meter, client, first, "c306c1", b"\x02\x12\x00\x01\x12\x00\x02", 4) == "c703c10200000000"
    assert meter.model.calls == [("script", 1), ("script", 2)]


def test_the_services_that_were_not_agreed_upon_are_not_supported() -> None:
    meter, client = associated(2, "000010")
    assert meter.ask(client, get(3, ENERGY, 2)) == "c401c100060012d687"
    for request in (
        "c003c101" + attribute(3, ENERGY, 2) + "00",
        "c101c1" + attribute(1, PARAMETER, 2) + "00" + "1200f0",
        "c301c1" + attribute(9, SCRIPTS, 1) + "01120007",
    ):
        assert meter.ask(client, request) == "d80102"
    assert meter.access.journal == [] and meter.model.calls == []


@pytest.mark.parametrize(
    "request_",
    [
        "c0",
        "c001",
        "c001c1",
        get(3, ENERGY, 2)[:-2],
        get(3, ENERGY, 2) + "00",
        "c002c10000",
        "c003c100",
        "c003c1ff" + attribute(3, ENERGY, 2) + "00",
        "c101c1" + attribute(1, PARAMETER, 2) + "00",
        "c101c1" + attribute(1, PARAMETER, 2) + "00" + "1200",
        "c101c1" + attribute(1, PARAMETER, 2) + "00" + "1200f000",
        "c104c101" + attribute(1, PARAMETER, 2) + "00" + "02" + "1200f0" + "1200f0",
        "c102c1" + attribute(1, PARAMETER, 2) + "00" + "0100000001" + "051200f0",
        "c301c1" + attribute(9, SCRIPTS, 1) + "01",
        "c301c1" + attribute(9, SCRIPTS, 1) + "00120007",
        "c301c1" + attribute(9, SCRIPTS, 1) + "01120007ff",
    ],
)
def test_what_is_no_request_changes_nothing(request_: str) -> None:
    meter, client = associated(2)
    assert meter.ask(client, request_) == "d80101"
    assert meter.access.journal == [] and meter.model.calls == []


# --- the association as an object -----------------------------------------------------------------------------------

CURRENT = bytes((0, 0, 40, 0, 0, 255))


def test_the_association_tells_what_was_agreed_upon() -> None:
    meter, client = associated(2, "001e1f", 500)
    assert meter.ask(client, get(15, CURRENT, 1)) == "c401c1000906" + CURRENT.hex()
    assert meter.ask(client, get(15, CURRENT, 3)) == "c401c100" + "02020f30120001"
    assert meter.ask(client, get(15, CURRENT, 4)) == "c401c100" + "020711021110" + "1202f4" + "11051108" + "11011101"
    assert (
        meter.ask(client, get(15, CURRENT, 5)) == "c401c100" + "02060418001e1f" + "120400" + "1201f4" + "11060f000900"
    )
    assert meter.ask(client, get(15, CURRENT, 6)) == "c401c100" + "020711021110" + "1202f4" + "11051108" + "11021101"
    assert meter.ask(client, get(15, CURRENT, 8)) == "c401c100" + "1602"
    assert meter.ask(client, get(15, CURRENT, 9)) == "c401c100" + "090600002b0000ff"
    own = bytes((0, 0, 40, 0, 3, 255))
    assert meter.ask(client, get(15, own, 8)) == "c401c100" + "1602"
    assert meter.ask(client, get(15, bytes((0, 0, 40, 0, 2, 255)), 8)) == "c401c101" + "04"


def test_the_secret_is_changed_by_its_owner_only() -> None:
    meter, client = associated(2)
    assert meter.ask(client, "c301c1" + attribute(15, CURRENT, 2) + "010903616263") == "c701c10000"
    assert meter.ask(client, "c101c1" + attribute(15, CURRENT, 7) + "000903646566") == "c501c100"
    assert meter.access.journal[0] == ("secret", 2, b"abc")
    assert (meter.access.secrets[2], meter.access.passwords[2]) == (b"abc", b"def")
    assert (
        meter.ask(16, aarq()) and meter.ask(16, "c301c1" + attribute(15, CURRENT, 2) + "010903616263") == "c701c10300"
    )
    assert meter.ask(16, "c101c1" + attribute(15, CURRENT, 7) + "000903646566") == "c501c103"
    for method in (3, 4):
        assert meter.ask(client, "c301c1" + attribute(15, CURRENT, method) + "010903616263") == "c701c10300"
