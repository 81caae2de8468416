"""READ and WRITE with short names: requests of real readers, results, blocks both ways, the association's list."""

from __future__ import annotations

import pytest

from host_tests.dlms_fakes import CLOCK, NAMES, PASSWORDS, ROWS, TIME, FakeMeter, aarq
from meter.comms.dlms import axdr
from meter.cosem import data_types as t

ROW = t.structure(t.OCTETS, t.UINT8, t.UINT32)
ENERGY_IS = "00060012d687"


def associated(level: int = 2, conformance: str = "3c1b20", size: int = 0) -> tuple[FakeMeter, int]:
    """A meter and the SAP of a client that is associated at this level, with short names."""
    meter, client = FakeMeter(), 16 + 16 * level
    answer = meter.ask(client, aarq(2, 1 if level else None, PASSWORDS.get(level), conformance, size))
    assert "a203020100" in answer
    return meter, client


# --- READ -----------------------------------------------------------------------------------------------------------


def test_the_clock_is_read_as_readers_of_this_family_do() -> None:
    meter, client = associated()
    assert meter.ask(client, "0501022bc8") == "0c0100090c" + TIME.hex()
    assert meter.ask(client, "0501022bc0") == "0c01000906" + CLOCK.hex()


def test_twelve_names_are_read_at_once() -> None:
    meter, client = associated()
    answer = bytes.fromhex(meter.ask(client, "050c" + "021ce8" * 11 + "02fd08"))
    assert answer.hex().startswith("0c0c" + ENERGY_IS * 11 + "00090d")


@pytest.mark.parametrize(
    ("level", "variable", "result"),
    [
        (0, "021ce9", 4),  # between two names
        (0, "020008", 4),  # no object
        (0, "021d00", 4),  # behind its last attribute
        (0, "023008", 3),  # level too low
        (0, "046278" + "02" + "0600000001", 3),  # and that before the type of a selection
        (0, "023308", 2),  # the memory fails
        (0, "02fa20", 3),  # a reserved method of the association
        (2, "023220", 3),  # a method without a parameter
        (0, "02fa18", 4),
        (1, "041ce8" + "02" + "0600000001", 4),  # no selective access
        (1, "046278" + "02" + "0600000001", 12),
    ],
)
def test_what_cannot_be_read_has_its_result_code(level: int, variable: str, result: int) -> None:
    meter, client = associated(level)
    assert meter.ask(client, "0501" + variable) == f"0c0101{result:02x}"


def test_errors_stand_between_values() -> None:
    meter, client = associated(0)
    assert meter.ask(client, "0503" + "021ce8" + "023008" + "021ce8") == "0c03" + ENERGY_IS + "0103" + ENERGY_IS


def test_a_buffer_is_read_by_range_and_by_entry() -> None:
    meter, client = associated(1)
    column = "0204" + "120008" + "0906" + CLOCK.hex() + "0f02" + "120000"
    span = "01" + "0204" + column + "090c" + TIME.hex() + "19" + TIME.hex() + "0100"
    for parameter, count in (("02" + "0204" + "0600000002" + "0600000003" + "120001" + "120000", 2), (span, 4)):
        answer = bytes.fromhex(meter.ask(client, "0501046278" + parameter))
        assert len(axdr.decode(t.array(ROW), answer, 3)[0]) == count


@pytest.mark.parametrize("size", [12, 24, 140, 300, 0])
def test_a_long_value_comes_in_blocks(size: int) -> None:
    meter, client = associated(1, size=size)
    answer, data, number = bytes.fromhex(meter.ask(client, "0501026278")), b"", 1
    while True:
        assert answer[:3] == b"\x0c\x01\x02" and answer[4:6] == number.to_bytes(2, "big")
        assert len(answer) <= (size or 1024)
        data += answer[axdr.take_length(answer, 6)[1] :]
        if answer[3]:
            break
        answer = bytes.fromhex(meter.ask(client, f"050105{number:04x}"))
        number += 1
    assert len(axdr.decode(t.array(ROW), data)[0]) == ROWS
    assert meter.ask(client, "0501050001") == "0c010110"


def test_a_long_list_comes_in_blocks() -> None:
    meter, client = associated(1, size=64)
    answer, data, number = bytes.fromhex(meter.ask(client, "0508" + "02fd08" * 8)), b"", 1
    while not answer[3]:
        data += answer[axdr.take_length(answer, 6)[1] :]
        answer = bytes.fromhex(meter.ask(client, f"050105{number:04x}"))
        number += 1
    data += answer[axdr.take_length(answer, 6)[1] :]
    assert data == b"\x08" + 8 * (b"\x00\x09\x0dLGZ0050725713")


def test_a_wrong_block_number_or_another_request_ends_the_transfer() -> None:
    meter, client = associated(1)
    meter.ask(client, "0501026278")
    assert meter.ask(client, "0501050002") == "0c010113"
    assert meter.ask(client, "0501050001") == "0c010110"
    meter.ask(client, "0501026278")
    meter.ask(client, "0501021ce8")
    assert meter.ask(client, "0501050001") == "0c010110"


def test_without_block_transfer_a_long_answer_is_refused() -> None:
    meter, client = associated(1, "1c0320", 64)
    assert meter.ask(client, "0501026278") == "0c01010e"
    assert meter.ask(client, "0502026278021ce8") == "0e050301"


def test_a_request_may_come_in_blocks() -> None:
    meter, client = associated(1)
    assert meter.ask(client, "050106" + "000001" + "05" + "02021ce802") == "0c01030001"
    assert meter.ask(client, "050106" + "010002" + "02" + "1ce8") == "0c02" + ENERGY_IS * 2
    assert meter.ask(client, "050106" + "000001" + "05" + "02021ce802") == "0c01030001"
    assert meter.ask(client, "050106" + "010003" + "02" + "1ce8") == "0c010113"


@pytest.mark.parametrize(
    ("tag", "block", "error"), [(5, "010601" + "0001", "0300"), (6, "010701" + "0001" + "0109", "0300")]
)
def test_blocks_inside_blocks_are_no_request_however_deep(tag: int, block: str, error: str) -> None:
    for depth in (1, 2, 300):
        meter, client = associated(2)
        data = bytes.fromhex("01021ce8") if tag == 5 else bytes.fromhex("01023008" + "01" + "1200f0")
        for _ in range(1 + depth):
            data = bytes.fromhex(block) + b"\x82" + len(data).to_bytes(2, "big") + data
        data, number, answer = data[10 if tag == 6 else 8 :], 0, ""
        while data:
            number += 1
            part, data = data[:500], data[500:]
            head = f"{tag:02x}" + block[:4] + f"{not data:02x}{number:04x}" + block[10:]
            answer = meter.ask(client, head + f"82{len(part):04x}" + part.hex())
        assert answer == f"0e{tag:02x}{error}"
        assert meter.access.journal == []
        assert meter.ask(client, "0501021ce8") == "0c01" + ENERGY_IS


@pytest.mark.parametrize("inner", ["01" + "050001", "01" + "050000"])
def test_a_block_number_inside_blocks_is_no_request(inner: str) -> None:
    meter, client = associated(1)
    assert meter.ask(client, "050106" + "010001" + "04" + inner) == "0e050300"


# --- WRITE ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "request_", "answer"),
    [
        (2, "0601023008" + "01" + "1200f0", "0d0100"),
        (1, "0601023008" + "01" + "1200f0", "0d010103"),
        (2, "0601023008" + "01" + "1101", "0d01010c"),
        (2, "0601021ce8" + "01" + "0600000000", "0d010103"),
        (2, "0601020008" + "01" + "0600000000", "0d010104"),
        (2, "0603023008021ce8022bd0" + "03" + "1200f0" + "0600000000" + "100078", "0d03" + "00" + "0103" + "00"),
        (2, "0601023220" + "01" + "120007", "0d0100"),  # a method
        (1, "0601023220" + "01" + "120007", "0d010103"),
        (1, "0601023220" + "01" + "0600000007", "0d010103"),  # no right comes before a wrong type
    ],
)
def test_a_write_has_its_result(level: int, request_: str, answer: str) -> None:
    meter, client = associated(level)
    assert meter.ask(client, request_) == answer
    assert bool(meter.access.journal or meter.model.calls) == (answer[4:6] == "00")


def test_an_unconfirmed_write_has_no_answer_but_its_effect() -> None:
    meter, client = associated(2)
    assert meter.ask(client, "1601023008" + "01" + "1200f0") == ""
    assert meter.ask(client, "0501023008") == "0c01001200f0"
    meter, client = associated(2, "180220")
    assert meter.ask(client, "1601023008" + "01" + "1200f0") == ""
    assert meter.ask(client, "0501023008") == "0c01001200e6"


def test_a_long_value_is_written_in_blocks() -> None:
    meter, client = associated(2)
    values = list(range(700))
    data = bytearray.fromhex("01023110" + "01")
    axdr.encode(data, t.array(t.UINT32), values)
    number, answer = 0, ""
    while data:
        number += 1
        part, data = data[:500], data[500:]
        answer = meter.ask(client, f"060107{not data:02x}{number:04x}" + "0109" + f"82{len(part):04x}" + part.hex())
        assert answer == ("0d0100" if not data else f"0d0102{number:04x}")
    assert meter.access.journal[0][3] == values


def test_a_method_that_returns_something_is_read_with_its_parameter() -> None:
    meter, client = associated(1)
    assert meter.ask(client, "0501043228" + "00" + "09024142") == "0c0100" + "09024142"
    assert meter.model.calls == [("echo", b"AB")]


@pytest.mark.parametrize(
    "request_",
    ["05", "0500", "0501", "050102", "0501022b", "0501021ce800", "0502021ce8", "0501031ce8", "050104627802", "050106"],
)
def test_what_is_no_read_request_is_told_so(request_: str) -> None:
    meter, client = associated(1)
    assert meter.ask(client, request_) == "0e050300"


@pytest.mark.parametrize(
    "request_",
    ["06", "0600", "060102300801", "06010230080112", "0601023008011200f000", "0601023008021200f01200f0", "06010701"],
)
def test_what_is_no_write_request_changes_nothing(request_: str) -> None:
    meter, client = associated(2)
    assert meter.ask(client, request_) == "0e060300"
    assert meter.access.journal == []


# --- the association ------------------------------------------------------------------------------------------------


def test_the_object_list_gives_the_base_names_of_what_the_client_may_use() -> None:
    meter, client = associated(0)
    answer = bytes.fromhex(meter.ask(client, "050102fa08"))
    rows, _ = axdr.decode(t.array(t.structure(t.INT16, t.UINT16, t.UINT8, t.OCTETS)), answer, 3)
    names = {row[3]: row[0] & 0xFFFF for row in rows}
    assert names.pop(bytes((0, 0, 40, 0, 0, 255))) == 0xFA00
    assert names == {name: base for name, base in NAMES.items() if base != 0x3000}
    meter, client = associated(1)
    rows, _ = axdr.decode(
        t.array(t.structure(t.INT16, t.UINT16, t.UINT8, t.OCTETS)), bytes.fromhex(meter.ask(client, "050102fa08")), 3
    )
    assert len(rows) == 1 + len(NAMES)


def test_the_access_rights_are_those_of_the_door() -> None:
    meter, client = associated(2)
    rights = t.structure(
        t.INT16, t.array(t.structure(t.INT8, t.ENUM, t.array(t.INT8))), t.array(t.structure(t.INT8, t.ENUM))
    )
    rows, _ = axdr.decode(t.array(rights), bytes.fromhex(meter.ask(client, "050102fa10")), 3)
    by_name = {row[0] & 0xFFFF: row[1:] for row in rows}
    assert by_name[0x3000] == ([(1, 1, None), (2, 3, None)], [])
    assert by_name[0x1CE0] == ([(1, 1, None), (2, 1, None), (3, 1, None)], [(1, 0)])
    assert by_name[0x6270][0][1] == (2, 1, [1, 2])


def test_attributes_are_read_by_their_logical_names() -> None:
    meter, client = associated(0)
    one = "0203" + "120008" + "0906" + CLOCK.hex() + "0f03"
    denied = "0203" + "120001" + "0906" + "0000603200ff" + "0f02"
    assert meter.ask(client, "050104fa30" + "00" + "0102" + one + denied) == "0c0100" + "0102" + "10ffc4" + "00"


def test_the_secret_is_changed_by_writing_the_method() -> None:
    meter, client = associated(2)
    assert meter.ask(client, "060102fa40" + "01" + "0903616263") == "0d0100"
    assert meter.access.passwords[2] == b"abc"
    meter, client = associated(0)
    assert meter.ask(client, "060102fa40" + "01" + "0903616263") == "0d010103"
