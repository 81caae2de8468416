"""Values between gurux's types and what people and scripts write: text in, JSON out."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from gurux_dlms import GXDate, GXDateTime, GXTime
from gurux_dlms.enums import DataType
from gurux_dlms.objects import GXDLMSObject

_INTEGERS = {  # least and most
    DataType.INT8: (-(1 << 7), (1 << 7) - 1),
    DataType.INT16: (-(1 << 15), (1 << 15) - 1),
    DataType.INT32: (-(1 << 31), (1 << 31) - 1),
    DataType.INT64: (-(1 << 63), (1 << 63) - 1),
    DataType.UINT8: (0, (1 << 8) - 1),
    DataType.UINT16: (0, (1 << 16) - 1),
    DataType.UINT32: (0, (1 << 32) - 1),
    DataType.UINT64: (0, (1 << 64) - 1),
    DataType.ENUM: (0, (1 << 8) - 1),
    DataType.BCD: (0, (1 << 8) - 1),
}
# Symbols of the units (Blue Book, enumeration `unit`)
UNITS = {
    6: "min",
    7: "s",
    8: "deg",
    9: "degC",
    27: "W",
    28: "VA",
    29: "var",
    30: "Wh",
    31: "VAh",
    32: "varh",
    33: "A",
    35: "V",
    44: "Hz",
    56: "%",
}
# How types are named on the command line
TYPES = {
    "int8": DataType.INT8,
    "int16": DataType.INT16,
    "int32": DataType.INT32,
    "int64": DataType.INT64,
    "uint8": DataType.UINT8,
    "uint16": DataType.UINT16,
    "uint32": DataType.UINT32,
    "uint64": DataType.UINT64,
    "enum": DataType.ENUM,
    "bool": DataType.BOOLEAN,
    "text": DataType.STRING,
    "octets": DataType.OCTET_STRING,
    "bits": DataType.BITSTRING,
    "float32": DataType.FLOAT32,
    "float64": DataType.FLOAT64,
    "null": DataType.NONE,
}


def plain(value: Any) -> Any:
    """A value as JSON has it: bytes as hexadecimal digits, times as ISO 8601, objects as their logical name."""
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (GXDateTime, GXDate, GXTime)):
        return _time(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, GXDLMSObject):
        return value.logicalName
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return str(value)


def _time(value: GXDateTime) -> Any:
    moment = value.value
    if moment is None:
        return str(value)
    return moment.isoformat()


def parse(text: str, data_type: DataType) -> Any:
    """What a person has typed as a value of this type. ValueError if it is none."""
    if data_type in _INTEGERS:
        return _integer(text, data_type)
    if data_type == DataType.BOOLEAN:
        if text.lower() not in ("0", "1", "true", "false"):
            raise ValueError(f"{text!r} is not true or false")
        return text.lower() in ("1", "true")
    if data_type == DataType.OCTET_STRING:
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ValueError(f"{text!r} is no octet string: hexadecimal digits, two for an octet") from None
    if data_type in (DataType.FLOAT32, DataType.FLOAT64):
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text!r} is no number") from None
    if data_type == DataType.NONE:
        return None
    if data_type == DataType.BITSTRING and text.strip("01"):
        raise ValueError(f"{text!r} is no bit string: digits 0 and 1, the first bit first")
    if data_type in (DataType.STRING, DataType.STRING_UTF8, DataType.BITSTRING):
        return text
    raise ValueError(f"a value of type {DataType(data_type).name} cannot be typed in")


def _integer(text: str, data_type: DataType) -> int:
    least, most = _INTEGERS[data_type]
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number (200, or 0xC8)") from None
    if not least <= value <= most:  # gurux would send its low bits
        raise ValueError(f"{text} is not {least}..{most}, as {DataType(data_type).name.lower()} needs")
    return value


def moment(text: str) -> datetime:
    """`now`, or a date and time in ISO 8601; without a zone it is UTC. ValueError if it is neither."""
    if text == "now":
        return datetime.now(timezone.utc)
    try:
        when = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: now, 2026-03-29, 2026-03-29T03:30 or 2026-03-29T03:30+02:00") from None
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)
