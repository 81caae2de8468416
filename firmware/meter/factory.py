"""What the factory gives a meter for life: type designation, serial number, analogue constants.

One record in the FRAM's factory area, written twice. `image` makes the area's content on any computer, which is how a
meter is manufactured on the bench.
"""

import struct

from micropython import const

from meter.storage.layout import FACTORY
from meter.storage.records import EMPTY, Record
from meter.type_code import TypeCode

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.storage.records import Memory

# rms sine at the metering chip's full scale, 0.70710678 V at the pin
FULL_SCALE_UV = 707_813_886  # 1 Mohm over 1 kohm
FULL_SCALE_NA = 11_785_113_020  # current transformer 2500:1 on 150 ohm

SERIAL_DIGITS = 8

_VERSION = const(1)
_CONSTANTS = const("<QQ")
_IDENT_SIZE = const(16)  # longest identification, IEC 62056-21, identification message


class Factory:
    """The data of one meter. ValueError if no meter can have such a designation or number.

    `type_code` is the designation taken apart (type_code.TypeCode). `full_scale_uv` and `full_scale_na` are the rms
    voltage (uV) and current (nA) at the chip's full scale.
    """

    def __init__(
        self,
        type_designation: str,
        serial_number: str,
        full_scale_uv: int = FULL_SCALE_UV,
        full_scale_na: int = FULL_SCALE_NA,
    ):
        self.type_code = TypeCode(type_designation)
        if len(serial_number) != SERIAL_DIGITS or not _digits(serial_number):
            raise ValueError("a serial number has 8 digits, not " + repr(serial_number))
        if full_scale_uv <= 0 or full_scale_na <= 0:
            raise ValueError("full scale must be positive")
        self.type_designation = type_designation
        self.serial_number = serial_number
        self.full_scale_uv = full_scale_uv
        self.full_scale_na = full_scale_na

    @property
    def analog(self) -> dict:
        """The constants by the names that boards use (`Board.ANALOG`)."""
        return {"u_full_scale_uV": self.full_scale_uv, "i_full_scale_nA": self.full_scale_na}

    def pack(self) -> bytes:
        """Payload of the factory record: constants, serial number, type."""
        constants = struct.pack(_CONSTANTS, self.full_scale_uv, self.full_scale_na)
        return constants + self.serial_number.encode() + self.type_designation.encode()

    def store(self, memory: "Memory") -> None:
        """Write the factory record."""
        _record(memory).save_twice(self.pack())


def load(memory: "Memory") -> "Factory | None":
    """The data stored in `memory`; None if there is none, or none that is whole. OSError if it does not answer."""
    payload = _record(memory).load()
    if payload is None:
        return None
    size = struct.calcsize(_CONSTANTS)
    if len(payload) < size:
        return None
    full_scale_uv, full_scale_na = struct.unpack(_CONSTANTS, payload[:size])
    text = "".join([chr(code) for code in payload[size:]])
    try:
        return Factory(text[SERIAL_DIGITS:], text[:SERIAL_DIGITS], full_scale_uv, full_scale_na)
    except ValueError:  # written by something that was no factory
        return None


def is_blank(memory: "Memory") -> bool:
    """Whether `memory` has never had a factory record, as on a board that was not manufactured but built."""
    record = _record(memory)
    record.load()
    return record.status == EMPTY


def image(factory: Factory) -> bytes:
    """The content of the factory area, to be put at `layout.FACTORY.address` of a new memory."""
    area = AreaImage(FACTORY.address, FACTORY.size)
    factory.store(area)
    return bytes(area.content)


def identification(type_designation: str, version: str) -> str:
    """What a meter calls itself in the identification message, behind maker, baud rate and capability.

    Measuring system, I/O board, additional functions and firmware version: ZMG405CR4.260b.43 with P01 is
    ZMG405260b.P01. ValueError if the version would make it longer than 16 characters or is not printable.
    """
    text = type_designation[:6] + type_designation[10:14] + "." + version
    if not version or len(text) > _IDENT_SIZE or not all("!" < c <= "~" and c != "/" for c in version):
        raise ValueError("no firmware version: " + repr(version))
    return text


class AreaImage:
    """Memory of `size` bytes from `address` on that exists only while an image of a new meter's memory is made."""

    def __init__(self, address: int, size: int):
        self._start = address
        self.content = bytearray(size)

    def read_into(self, address: int, buf: "Any") -> None:
        start = address - self._start
        buf[:] = self.content[start : start + len(buf)]

    def write(self, address: int, buf: "Any") -> None:
        start = address - self._start
        self.content[start : start + len(buf)] = buf


def _record(memory: "Memory") -> Record:
    return Record(memory, FACTORY.address, FACTORY.capacity, _VERSION)


def _digits(text: str) -> bool:
    return all("0" <= character <= "9" for character in text)
