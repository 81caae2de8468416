"""Parts that the requests with logical names are made of: descriptors, lists of them, values, blocks.

Malformed or IndexError if the bytes end before the part does.
"""

from micropython import const

from meter.comms.dlms import axdr
from meter.comms.dlms.axdr import Malformed
from meter.cosem.data_types import ANY

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


def values_at(data, at: int) -> tuple:
    """(the places of the values in a list of data that begins at `at`, the place behind it)."""
    count, at = axdr.take_length(data, at)
    if count > len(data):
        raise Malformed("list")
    places = []
    for _ in range(count):
        places.append(at)
        at = axdr.decode(ANY, data, at)[1]
    return places, at


def block_of(apdu, at: int) -> tuple:
    """(whether it is the last, number, data) of the block at `at`, which goes to the end."""
    if len(apdu) < at + 6:
        raise Malformed("block")
    number = number_at(apdu, at + 1)
    length, start = axdr.take_length(apdu, at + 5)
    if start + length != len(apdu):
        raise Malformed("block")
    return apdu[at] != 0, number, apdu[start:]
