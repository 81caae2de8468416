"""A-XDR against the standard's encodings, against gurux-dlms, and against bytes that are no values."""

import pytest
from gurux_dlms.enums import DataType
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from hypothesis import given
from hypothesis import strategies as st

from meter.comms.dlms import axdr
from meter.cosem import data_types as t

# Blue Book's and the Green Book's examples, and what follows from their tables
ENCODED = [
    (t.NULL, None, "00"),
    (t.BOOLEAN, True, "0301"),
    (t.INT8, -3, "0ffd"),
    (t.INT16, -300, "10fed4"),
    (t.INT32, -(1 << 31), "0580000000"),
    (t.INT64, -1, "14ffffffffffffffff"),
    (t.UINT8, 255, "11ff"),
    (t.UINT16, 256, "120100"),
    (t.UINT32, 0xFFFFFFFF, "06ffffffff"),
    (t.UINT64, 1 << 63, "158000000000000000"),
    (t.ENUM, 30, "161e"),
    (t.OCTETS, b"\x00\x00\x60\x01\x00\xff", "0906000060 0100ff"),
    (t.TEXT, "LGZ", "0a034c475a"),
    (t.BITS, "10110", "0405b0"),
    (t.SCALER_UNIT, (-3, 30), "02020ffd161e"),
    (t.array(t.UINT8), [1, 2, 3], "0103110111021103"),
    (t.structure(t.ANY, t.ANY), ((t.UINT8, 7), (t.TEXT, "x")), "020211070a0178"),
    (t.DATE_TIME, bytes(12), "19" + 24 * "0"),
    (t.FLOAT32, 0.5, "173f000000"),
]


@pytest.mark.parametrize(("spec", "value", "hexadecimal"), ENCODED)
def test_a_value_and_its_bytes_belong_together(spec, value, hexadecimal):
    out = bytearray()
    axdr.encode(out, spec, value)
    assert out == bytes.fromhex(hexadecimal)
    assert axdr.decode(spec, out) == (value, len(out))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_take_the_fewest_bytes(length):
    out = bytearray()
    axdr.encode(out, t.OCTETS, bytes(length))
    assert len(out) == 1 + length + (1 if length < 128 else 2 if length < 256 else 3 if length < 65536 else 5)
    assert axdr.decode(t.OCTETS, out) == (bytes(length), len(out))


@pytest.mark.parametrize(("spec", "value"), [(t.INT8, 128), (t.UINT8, -1), (t.UINT16, 65536), (t.UINT64, 1 << 64)])
def test_a_number_that_does_not_fit_is_not_cut_off(spec, value):
    with pytest.raises(OverflowError):
        axdr.encode(bytearray(), spec, value)


def test_absent_is_null_data_whatever_the_type():
    out = bytearray()
    axdr.encode(out, t.structure(t.UINT32, t.SCALER_UNIT), (None, None))
    assert out == bytes.fromhex("02020000")
    assert axdr.decode(t.UINT32, b"\x00") == (None, 1)


def test_another_type_than_expected_is_told_from_no_value():
    with pytest.raises(axdr.TypeUnmatched):
        axdr.decode(t.UINT16, bytes.fromhex("1107"))
    with pytest.raises(axdr.TypeUnmatched):
        axdr.decode(t.SCALER_UNIT, bytes.fromhex("02010f00"))
    for cut in ("12", "1201", "0a05414243", "0901", "0182", "0105", "04"):
        data = bytes.fromhex(cut)
        with pytest.raises(axdr.Malformed):
            axdr.decode(data[0] if data[0] != t.ARRAY else t.array(t.UINT8), data)


def test_a_long_array_comes_in_pieces_and_is_the_same():
    rows = [(bytes(12), n) for n in range(1000)]
    spec = t.array(t.structure(t.OCTETS, t.UINT32))
    pieces = list(axdr.pieces(spec, rows))
    assert max(len(piece) for piece in pieces) < 300
    whole = b"".join(pieces)
    assert axdr.decode(spec, whole) == (rows, len(whole))


def test_nesting_without_end_is_refused():
    with pytest.raises(axdr.Malformed):
        axdr.decode(t.ANY, b"\x02\x01" * 1000 + b"\x00")


_LEAVES = st.one_of(
    st.tuples(st.just(t.UINT8), st.integers(0, 255)),
    st.tuples(st.just(t.INT32), st.integers(-(1 << 31), (1 << 31) - 1)),
    st.tuples(st.just(t.UINT64), st.integers(0, (1 << 64) - 1)),
    st.tuples(st.just(t.OCTETS), st.binary(max_size=200)),
    st.tuples(st.just(t.TEXT), st.text("abcXYZ 019", max_size=40)),
    st.tuples(st.just(t.BITS), st.text("01", max_size=40)),
    st.tuples(st.just(t.BOOLEAN), st.booleans()),
)


def _structures(inner):
    return st.lists(inner, min_size=1, max_size=4).map(
        lambda pairs: ((t.STRUCTURE, *[pair[0] for pair in pairs]), tuple(pair[1] for pair in pairs))
    )


_VALUES = st.recursive(_LEAVES, _structures, max_leaves=8)


@given(_VALUES)
def test_any_value_says_its_own_type(pair):
    out = bytearray()
    axdr.encode(out, pair[0], pair[1])
    assert axdr.decode(t.ANY, out) == (pair, len(out))
    assert axdr.decode(pair[0], out) == (pair[1], len(out))


@given(_VALUES)
def test_gurux_reads_the_same_value(pair):
    out = bytearray()
    axdr.encode(out, pair[0], pair[1])
    read = _GXCommon.getData(None, GXByteBuffer(bytes(out)), _GXDataInfo())
    assert _plain(read) == _plain(pair[1])


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(element) for element in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return str(value) if type(value).__name__ == "GXBitString" else getattr(value, "value", value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed(data):
    try:
        pair, end = axdr.decode(t.ANY, data)
    except axdr.Malformed:
        return
    assert end <= len(data)
    if pair is not None:
        again = bytearray()
        axdr.encode(again, *pair)
        assert axdr.decode(t.ANY, again) == (pair, len(again))


def test_the_tags_are_those_of_another_implementation():
    for name, other in (("INT8", "INT8"), ("UINT16", "UINT16"), ("ENUM", "ENUM"), ("BITS", "BITSTRING")):
        assert getattr(t, name) == getattr(DataType, other)
