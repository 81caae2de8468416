"""The bench's reader: it must take what the standard allows, complain about the rest, and ask again when spoilt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iec62056_21 import messages

from host_tests.iec_meter import LineMeter
from tools.bench.iec_client import Identification, IecError, IecReader, Value, parse_block, parse_line
from tools.bench.uart import FROM_METER, TO_METER

TEXT = st.text("0123456789.:-ABF ", max_size=12)


def reader_of(meter: LineMeter) -> IecReader:
    return IecReader(meter.end, meter.run)


def test_reads_the_standard_list() -> None:
    meter = LineMeter()
    reader = reader_of(meter)
    sets = {s.code: s for s in reader.readout()}
    assert sets["1.8.0"].value == Value("000102.28", "kWh")
    assert sets["1.8.0"].value.number == Decimal("102.28")
    assert sets["0.2.1"].values == (Value(""),)
    assert reader.identification == Identification("LGZ", "5", "", "ZMG405260b.P01")
    assert reader.repeats == 0
    assert meter.line.baud == 300  # it has acknowledged


@pytest.mark.parametrize("z", "0123456")
def test_reads_at_every_rate_and_again_at_once(z: str) -> None:
    meter = LineMeter(f"/LGZ{z}X")
    reader = reader_of(meter)
    assert [len(reader.readout()), len(reader.readout(6))] == [5, 7]
    assert meter.sent[1].baud == [300, 600, 1200, 2400, 4800, 9600, 19200][int(z)]


def test_reads_at_a_lower_rate_and_by_address() -> None:
    meter = LineMeter(address="12345678")
    assert len(reader_of(meter).readout(address="0012345678", rate_character="1")) == 5
    assert meter.sent[1].baud == 600


def test_wrong_address_is_reported_as_no_identification() -> None:
    with pytest.raises(IecError, match="no identification"):
        reader_of(LineMeter(address="12345678")).readout(address="1")


@pytest.mark.parametrize("damage", ["drop", "parity", "undetected"])
@pytest.mark.parametrize("place", [0, 1, 20, 40, -2, -1])
@pytest.mark.parametrize("z", "05")
def test_a_spoilt_data_message_is_asked_for_again(damage: str, place: int, z: str) -> None:
    """`place` in the message; the last two are ETX and the block check, whose loss shows only in time."""
    meter = LineMeter(f"/LGZ{z}X")
    reader = reader_of(meter)
    reader.readout()
    identification, message = meter.sent[0].data, meter.sent[1].data
    skip = len(identification) + place % len(message)
    if damage == "drop":
        meter.line.drop(FROM_METER, skip=skip)
    else:
        meter.line.flip(FROM_METER, mask=1 if damage == "parity" else 3, skip=skip)
    sets = reader.readout()
    assert [s.code for s in sets] == ["F.F", "0.0.0", "0.9.1", "1.8.0", "0.2.1"]
    assert reader.repeats == 1


def test_gives_up_after_three_repeats() -> None:
    meter = LineMeter()
    meter.line.flip(FROM_METER, mask=3, count=10_000, skip=40)
    reader = reader_of(meter)
    with pytest.raises(IecError):
        reader.readout()
    assert reader.repeats == 3
    assert len(meter.sent) == 5


def test_lost_option_select_is_noticed_as_a_missing_message() -> None:
    meter = LineMeter()
    meter.line.drop(TO_METER, skip=5, count=1)
    with pytest.raises(IecError, match="no data message"):
        reader_of(meter).readout()


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (b"/LGZ5\\2ZMG405000b.P07\r\n", ("LGZ", "5", "\\2", "ZMG405000b.P07")),
        (b"/LGZ4ZMF100AC.M26\r\n", ("LGZ", "4", "", "ZMF100AC.M26")),
        (b"/LOG4LK13BD102015\r\n", ("LOG", "4", "", "LK13BD102015")),
        (b"/MCS5\\@V0050710000051\r\n", ("MCS", "5", "", "\\@V0050710000051")),
        (b"/LGZ5" + b"x" * 17 + b"\r\n", None),
        (b"LGZ5ZMG\r\n", None),
        (b"/LG5ZMG\r\n", None),
    ],
)
def test_identification_is_taken_apart(message: bytes, parts: tuple[str, str, str, str] | None) -> None:
    if parts is None:
        with pytest.raises(IecError):
            Identification.parse(message)
    else:
        assert Identification.parse(message) == Identification(*parts)


@pytest.mark.parametrize(
    ("line", "sets"),
    [
        ("1.6.1(000.01*kW)(17-11-02 08:30)", [("1.6.1", [("000.01", "kW"), ("17-11-02 08:30", "")])]),
        ("0.0.0(95316176)0.0.1(95316176)", [("0.0.0", [("95316176", "")]), ("0.0.1", [("95316176", "")])]),
        ("1-1:F.F(00000000)", [("1-1:F.F", [("00000000", "")])]),
        ("1.8.1*19(0000.997*kWh)", [("1.8.1*19", [("0000.997", "kWh")])]),
        ("16.7.0( 000.03*kW)", [("16.7.0", [(" 000.03", "kW")])]),
        ("(0001)(0002)", [("", [("0001", ""), ("0002", "")])]),
        ("0.2.1()", [("0.2.1", [("", "")])]),
    ],
)
def test_real_data_lines_are_taken_apart(line: str, sets: list) -> None:
    assert [(s.code, [(v.text, v.unit) for v in s.values]) for s in parse_line(line)] == sets


@pytest.mark.parametrize("line", ["1.8.0", "1.8.0(1", "1.8.0(1))", "1.8.0)1(", "1.8.0(1)x", "/1.8.0(1)"])
def test_lines_that_are_no_data_sets_are_refused(line: str) -> None:
    with pytest.raises(IecError, match="no data set"):
        parse_line(line)


@given(st.lists(st.tuples(TEXT.filter(lambda t: t != ""), TEXT, st.sampled_from(["", "kWh", "V"])), max_size=8))
@settings(max_examples=50)
def test_blocks_made_by_the_reference_client_are_read(sets: list[tuple[str, str, str]]) -> None:
    lines = [messages.DataLine([messages.DataSet(code, text, unit or None)]) for code, text, unit in sets]
    block = messages.ReadoutDataMessage(messages.DataBlock(lines)).to_bytes()
    assert [(s.code, s.value.text, s.value.unit) for s in parse_block(block)] == sets


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (b"", "no data message"),
        (b"\x02!\r\n\x03\x00", "block check is 00h, should be 25h"),
        (b"\x021.8.0(1)!\r\n\x03", "no data message"),
        (b"\x021.8.0(1)\r\n\x03O", "block check"),
    ],
)
def test_bad_blocks_are_refused_with_the_reason(block: bytes, complaint: str) -> None:
    with pytest.raises(IecError, match=complaint):
        parse_block(block)


def test_a_block_without_end_mark_or_last_line_end_is_refused() -> None:
    def with_check(data: bytes) -> bytes:
        check = 0
        for char in data[1:]:
            check ^= char
        return data + bytes([check])

    with pytest.raises(IecError, match="not in '!' CR LF"):
        parse_block(with_check(b"\x021.8.0(1)\r\n\x03"))
    with pytest.raises(IecError, match="last data line"):
        parse_block(with_check(b"\x021.8.0(1)!\r\n\x03"))


def test_text_is_not_taken_for_a_number() -> None:
    with pytest.raises(IecError, match="not a number"):
        _ = Value("10:18:42").number
