"""A-XDR (IEC 61334-6) as DLMS uses it: values to bytes and back, by the specs of cosem.data_types.

What is decoded is checked against its spec: `TypeUnmatched` is another type than the spec's, `Malformed` bytes that are
no value at all, or a value cut short. Nesting is as deep as the spec; what a client sends for ANY, at most `_DEEPEST`.
"""

import struct

from micropython import const

from meter.cosem.data_types import (
    ANY,
    ARRAY,
    BCD,
    BITS,
    BOOLEAN,
    DATE,
    DATE_TIME,
    ENCODED,
    ENUM,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    NULL,
    OCTETS,
    STRUCTURE,
    TEXT,
    TIME,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UTF8,
)

_FORMATS = {
    INT8: ">b",
    INT16: ">h",
    INT32: ">i",
    INT64: ">q",
    UINT8: ">B",
    UINT16: ">H",
    UINT32: ">I",
    UINT64: ">Q",
    ENUM: ">B",
    FLOAT32: ">f",
    FLOAT64: ">d",
}
_SIZES = {DATE_TIME: 12, DATE: 5, TIME: 4, BCD: 1, BOOLEAN: 1}
_SIZES.update([(tag, struct.calcsize(form)) for tag, form in _FORMATS.items()])
_DEEPEST = const(8)
_PIECE = const(256)  # `pieces` hands out at least so many bytes at once


class TypeUnmatched(ValueError):
    """The value is of another type than the attribute or parameter."""


class Malformed(ValueError):
    """These bytes are no A-XDR value."""


def _limits(form: str) -> "tuple[int, int]":
    """The least and the largest integer of a format, which is a capital if it has no sign."""
    span = 1 << 8 * struct.calcsize(form)
    return (0, span - 1) if form < ">a" else (-(span >> 1), (span >> 1) - 1)


_LIMITS = {tag: _limits(form) for tag, form in _FORMATS.items() if tag not in (FLOAT32, FLOAT64)}


# --- encoding ---------------------------------------------------------------------------------------------------


def put_length(out: bytearray, length: int) -> None:
    """A-XDR length: one byte below 128, else 81h, 82h or 84h and as many bytes."""
    if length < 0x80:
        out.append(length)
    elif length < 0x100:
        out.append(0x81)
        out.append(length)
    elif length < 0x10000:
        out.append(0x82)
        out.extend(struct.pack(">H", length))
    else:
        out.append(0x84)
        out.extend(struct.pack(">I", length))


def encode(out: bytearray, spec, value) -> None:
    """Append `value` to `out`. OverflowError or ValueError if the spec cannot hold it."""
    for piece in pieces(spec, value):
        out.extend(piece)


def pieces(spec, value):
    """The bytes of `value`, of some hundred each: an array of any length is never in memory as a whole."""
    out = bytearray()
    if type(spec) is tuple and spec[0] == ARRAY and value is not None:
        out.append(ARRAY)
        put_length(out, len(value))
        for element in value:
            _put(out, spec[1], element)
            if len(out) >= _PIECE:
                yield out
                out = bytearray()
    else:
        _put(out, spec, value)
    yield out


def _put(out: bytearray, spec, value) -> None:
    if value is None:
        out.append(NULL)
    elif type(spec) is tuple:
        _put_compound(out, spec, value)
    elif spec in _FORMATS:
        out.append(spec)
        out.extend(_packed(spec, value))
    elif spec == OCTETS:
        out.append(OCTETS)
        put_length(out, len(value))
        out.extend(value)
    elif spec in (TEXT, UTF8):
        data = value.encode()
        out.append(spec)
        put_length(out, len(data))
        out.extend(data)
    elif spec == ANY:
        _put(out, value[0], value[1])
    elif spec == ENCODED:
        out.extend(value)
    elif spec == BOOLEAN:
        out.append(BOOLEAN)
        out.append(1 if value else 0)
    elif spec == BITS:
        _put_bits(out, value)
    else:
        if len(value) != _SIZES[spec]:
            raise ValueError("%d bytes" % len(value))
        out.append(spec)
        out.extend(value)


def _packed(spec: int, value) -> bytes:
    limits = _LIMITS.get(spec)
    # MicroPython's struct cuts off what does not fit, CPython's has an exception of its own
    if limits is not None and not limits[0] <= value <= limits[1]:
        raise OverflowError(value)
    return struct.pack(_FORMATS[spec], value)


def _put_compound(out: bytearray, spec: tuple, value) -> None:
    out.append(spec[0])
    put_length(out, len(value))
    if spec[0] == ARRAY:
        for element in value:
            _put(out, spec[1], element)
        return
    if len(value) != len(spec) - 1:
        raise ValueError("%d values" % len(value))
    for n in range(len(value)):
        _put(out, spec[n + 1], value[n])


def _put_bits(out: bytearray, bits: str) -> None:
    out.append(BITS)
    put_length(out, len(bits))
    padded = bits + "0" * (-len(bits) % 8)
    for n in range(0, len(padded), 8):
        out.append(int(padded[n : n + 8], 2))


# --- decoding ---------------------------------------------------------------------------------------------------


def take_length(data, at: int) -> tuple:
    """(length, place behind it). Malformed if it is cut short or longer than four bytes."""
    if at >= len(data):
        raise Malformed("length")
    length = data[at]
    at += 1
    if length < 0x80:
        return length, at
    count = length & 0x7F
    if not 1 <= count <= 4 or at + count > len(data):
        raise Malformed("length")
    length = 0
    for n in range(at, at + count):
        length = length << 8 | data[n]
    return length, at + count


def decode(spec, data, at: int = 0) -> tuple:
    """(value, place behind it) of the value that follows `spec` at `data[at]`; null-data gives None."""
    if at >= len(data):
        raise Malformed("no value")
    tag = data[at]
    if tag == NULL:
        return None, at + 1
    if spec == ANY:
        own, value, at = _any(data, at, _DEEPEST)
        return (own, value), at
    if tag != (spec[0] if type(spec) is tuple else spec):
        raise TypeUnmatched(tag)
    if tag == ARRAY:
        return _array(spec[1], data, at + 1)
    if tag == STRUCTURE:
        count, at = take_length(data, at + 1)
        if count != len(spec) - 1:
            raise TypeUnmatched(tag)
        values = []
        for n in range(1, count + 1):
            value, at = decode(spec[n], data, at)
            values.append(value)
        return tuple(values), at
    return _simple(tag, data, at + 1)


def _array(spec, data, at: int) -> tuple:
    count, at = take_length(data, at)
    if count > len(data) - at:  # each element takes a byte at least
        raise Malformed("array")
    values = []
    for _ in range(count):
        value, at = decode(spec, data, at)
        values.append(value)
    return values, at


def _any(data, at: int, depth: int) -> tuple:
    """(spec, value, place behind it) of a value of whatever type."""
    if at >= len(data) or not depth:
        raise Malformed("no value")
    tag = data[at]
    at += 1
    if tag == NULL:
        return NULL, None, at
    if tag != ARRAY and tag != STRUCTURE:
        value, at = _simple(tag, data, at)
        return tag, value, at
    count, at = take_length(data, at)
    if count > len(data) - at:
        raise Malformed("too many elements")
    specs, values = [], []
    for _ in range(count):
        spec, value, at = _any(data, at, depth - 1)
        specs.append(spec)
        values.append(value)
    if tag == STRUCTURE:
        return (STRUCTURE,) + tuple(specs), tuple(values), at
    first = specs[0] if specs else NULL
    if any(spec != first for spec in specs):  # an array of different types: each keeps its own
        return (ARRAY, ANY), list(zip(specs, values)), at
    return (ARRAY, first), values, at


def _simple(tag: int, data, at: int) -> tuple:
    if tag in (OCTETS, TEXT, UTF8, BITS):
        length, at = take_length(data, at)
        end = at + (length + 7) // 8 if tag == BITS else at + length
        raw = _slice(data, at, end)
        if tag == OCTETS:
            return raw, end
        if tag == BITS:
            return "".join([bin(0x100 | byte)[3:] for byte in raw])[:length], end
        try:
            return raw.decode(), end
        except UnicodeError:
            raise Malformed("text")
    size = _SIZES.get(tag)
    if size is None:
        raise Malformed("type %d" % tag)
    raw = _slice(data, at, at + size)
    if tag in _FORMATS:
        return struct.unpack(_FORMATS[tag], raw)[0], at + size
    return (raw[0] != 0) if tag == BOOLEAN else raw, at + size


def _slice(data, at: int, end: int) -> bytes:
    if end > len(data):
        raise Malformed("cut short")
    return bytes(data[at:end])
