"""Parts that requests are made of: descriptors, lists of them, values, blocks.

Malformed or IndexError if the bytes end before the part does.

A-XDR lets null-data stand for any value. Objects are spared that: of what is written, no part may be missing.
"""

from micropython import const

from meter.comms.dlms import axdr
from meter.comms.dlms.axdr import Malformed, TypeUnmatched
from meter.cosem.data_types import ANY, INT8, NULL

DESCRIPTOR = const(9)  # bytes of class, logical name, attribute or method


def number_at(apdu, at: int) -> int:
    """The 32-bit number at `at`."""
    return apdu[at] << 24 | apdu[at + 1] << 16 | apdu[at + 2] << 8 | apdu[at + 3]


def past_descriptor(apdu, at: int) -> int:
    """The place behind an attribute descriptor and its selective access, if it has one."""
    at += DESCRIPTOR
    if not apdu[at]:
        return at + 1
    return axdr.decode(ANY, apdu, at + 2)[1]


def described(apdu, at: int, has_selection: bool) -> tuple:
    """(how many attributes or methods are described at `at`, place of the first, place behind the last)."""
    count, start = axdr.take_length(apdu, at)
    if count == 0 or count > len(apdu):
        raise Malformed("list")
    at = start
    for _ in range(count):
        at = past_descriptor(apdu, at) if has_selection else at + DESCRIPTOR
    if at > len(apdu):
        raise Malformed("list")
    return count, start, at


def values_at(data, at: int, count: int) -> list:
    """The places of the values in a list of `count` data that begins at `at`, and the place behind it: the end."""
    listed, at = axdr.take_length(data, at)
    if listed != count or not 0 < count <= len(data):
        raise Malformed("list")
    places = [at]
    for _ in range(count):
        at = axdr.decode(ANY, data, at)[1]
        places.append(at)
    if at != len(data):
        raise Malformed("list")
    return places


def block_of(apdu, at: int) -> tuple:
    """(whether it is the last, number, data) of the block at `at`, which goes to the end."""
    if len(apdu) < at + 6:
        raise Malformed("block")
    number = number_at(apdu, at + 1)
    length, start = axdr.take_length(apdu, at + 5)
    if start + length != len(apdu):
        raise Malformed("block")
    return apdu[at] != 0, number, apdu[start:]


def decoded(spec, data, at: int) -> tuple:
    """(value, place behind it); TypeUnmatched, or Malformed."""
    value, at = axdr.decode(spec, data, at)
    if _lacks_something(value):
        raise TypeUnmatched(NULL)
    return value, at


def parameter(spec, data, at: int) -> tuple:
    """The same for a method's parameter, which may be missing: then `at` is the end of `data`.

    None stands for the integer that methods without a parameter have in its place, and only for that.
    """
    value, at = axdr.decode(spec, data, at) if at < len(data) else (None, at)
    if _lacks_something(value) and not (value is None and spec == INT8):
        raise TypeUnmatched(NULL)
    return value, at


def _lacks_something(value) -> bool:
    if type(value) is tuple or type(value) is list:
        for part in value:
            if _lacks_something(part):
                return True
    return value is None
