"""Gurux' DLMS objects as a second opinion on ours: they decode what we encode, and know versions and counts."""

from __future__ import annotations

from typing import Any

from gurux_dlms import GXByteBuffer, GXDLMSClient
from gurux_dlms._GXObjectFactory import _GXObjectFactory
from gurux_dlms.enums import ObjectType
from gurux_dlms.GXBitString import GXBitString
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo

from meter.comms.dlms import axdr
from meter.cosem.data_types import ANY, ARRAY, ENCODED

READER = GXDLMSClient()


def encoded(spec: Any, value: Any) -> bytes:
    """A value as the meter sends it."""
    return b"".join(bytes(piece) for piece in axdr.pieces(spec, value))


def decoded(data: bytes) -> Any:
    """What Gurux makes of an encoded value, which must end with it."""
    buffer = GXByteBuffer(data)
    value = _GXCommon.getData(READER.settings, buffer, _GXDataInfo())
    assert buffer.position == len(data)
    return str(value) if isinstance(value, GXBitString) else value


def plain(spec: Any, value: Any) -> Any:
    """A value of ours in the form in which Gurux gives it: lists, bytearrays."""
    if value is None:
        return None
    if spec == ANY:
        return plain(value[0], value[1])
    if spec == ENCODED:
        return decoded(value)
    if type(spec) is tuple:
        specs = [spec[1]] * len(value) if spec[0] == ARRAY else spec[1:]
        return [plain(own, element) for own, element in zip(specs, value, strict=True)]
    return bytearray(value) if isinstance(value, bytes) else value


def new_object(class_id: int, version: int) -> Any:
    """Gurux' empty object of a class."""
    found = _GXObjectFactory.createObject(ObjectType(class_id))
    found.version = version
    return found


def copy_of(ours: Any) -> Any:
    """Gurux' object of the same class, filled attribute by attribute with what ours sends."""
    theirs = new_object(ours.class_id, ours.version)
    order = [1, 3, 2, *range(4, ours.attributes + 1)] if ours.class_id == 7 else range(1, ours.attributes + 1)
    for n in order:
        READER.updateValue(theirs, n, decoded(encoded(ours.spec(n), ours.get(n))))
    return theirs
