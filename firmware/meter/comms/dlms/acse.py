"""ACSE and the xDLMS initiate service: AARQ, RLRQ and InitiateRequest taken apart, their answers put together.

BER (ISO 8650-1, Green Book 9.4.2 and 9.5). Tolerant where readers of this meter family deviate: elements that say
nothing new, an empty password, and a conformance block without the second byte of its tag, which is answered alike.
"""

import struct

from micropython import const

from meter.comms.dlms.axdr import Malformed, put_length, take_length

AARQ = const(0x60)
_AARE = const(0x61)
RLRQ = const(0x62)
_RLRE = const(0x63)

_UNRECOGNISED = const(255)  # of a name that is not one of ours

_OID = const(b"\x60\x85\x74\x05\x08")  # 2.16.756.5.8: of the DLMS User Association
_CONTEXT_NAME = const(1)
_MECHANISM_NAME = const(2)
_VERSION_1 = const(0x80)  # first bit of the protocol version
_VAA_LN = const(b"\x00\x07")
_VAA_SN = const(b"\xfa\x00")


def _elements(data, at: int):
    """(tag, content) of the BER elements that follow one another from `at` to the end of `data`."""
    while at < len(data):
        tag = data[at]
        length, at = take_length(data, at + 1)
        if at + length > len(data):
            raise Malformed("BER element")
        yield tag, data[at : at + length]
        at += length


def _only(data, tag: int):
    """The content of the single element in `data`, which must have this tag."""
    for found, content in _elements(data, 0):
        if found != tag:
            break
        return content
    raise Malformed("BER element")


def _contents(apdu):
    """The elements of an ACSE APDU, whose length must be that of what was received."""
    length, at = take_length(apdu, 1)
    if at + length != len(apdu):
        raise Malformed("ACSE APDU")
    return _elements(apdu, at)


def _name(oid, branch: int) -> int:
    """The last number of an object identifier of the DLMS UA's; 255 if it is another's."""
    if len(oid) != 7 or oid[:5] != _OID or oid[5] != branch:
        return _UNRECOGNISED
    return oid[6]


class Aarq:
    """A request for an association. None is what it does not have; Malformed if it is none.

    `has_version_1`, `context`, `title` (calling AP title), `has_unit` (authentication functional unit proposed),
    `mechanism`, `value` (password or challenge), `information` (the xDLMS APDU in it).
    """

    def __init__(self, apdu):
        self.has_version_1 = True
        self.context: "int | None" = None
        self.title: "bytes | None" = None
        self.has_unit: "bool | None" = None
        self.mechanism: "int | None" = None
        self.value: "bytes | None" = None
        self.information: "bytes | None" = None
        for tag, content in _contents(apdu):
            if tag == 0x80:
                self.has_version_1 = len(content) == 2 and content[1] & _VERSION_1 != 0
            elif tag == 0xA1:
                self.context = _name(_only(content, 0x06), _CONTEXT_NAME)
            elif tag == 0xA6:
                self.title = bytes(_only(content, 0x04))
            elif tag == 0x8A:
                self.has_unit = len(content) == 2 and content[1] & 0x80 != 0
            elif tag == 0x8B:
                self.mechanism = _name(content, _MECHANISM_NAME)
            elif tag == 0xAC:
                self.value = bytes(_only(content, 0x80))
            elif tag == 0xBE:
                self.information = bytes(_only(content, 0x04))


def release_information(apdu) -> "bytes | None":
    """The xDLMS APDU in an RLRQ, None if it has none."""
    for tag, content in _contents(apdu):
        if tag == 0xBE:
            return bytes(_only(content, 0x04))
    return None


class Initiate:
    """An InitiateRequest: `dedicated_key` (bytes or None), `version`, `conformance`, `max_pdu` (bytes the client takes,
    0 without limit), `is_compact` (tag of the conformance without 1F), `has_quality`. Malformed if it is none."""

    def __init__(self, data):
        try:
            self._take_apart(data)
        except IndexError:
            raise Malformed("InitiateRequest")

    def _take_apart(self, data) -> None:
        if data[0] != 0x01:
            raise Malformed("InitiateRequest")
        at = 2
        self.dedicated_key: "bytes | None" = None
        if data[1]:
            length, at = take_length(data, at)
            self.dedicated_key = bytes(data[at : at + length])
            at += length
        at += 2 if data[at] else 1  # response allowed: confirmed in any case, as the AARQ is
        self.has_quality = data[at] != 0
        at += 2 if self.has_quality else 1
        self.version = data[at]
        self.is_compact = data[at + 2] != 0x1F
        conformance = data[at + 2 if self.is_compact else at + 3 :]
        if data[at + 1] != 0x5F or len(conformance) < 7 or conformance[0] != 4:
            raise Malformed("conformance")
        self.conformance = conformance[2] << 16 | conformance[3] << 8 | conformance[4]
        self.max_pdu = conformance[5] << 8 | conformance[6]


def initiate_response(initiate: Initiate, conformance: int, max_pdu: int, is_short_names: bool) -> bytes:
    """InitiateResponse; `max_pdu` is what the server takes."""
    return (
        (b"\x08\x01\x00\x06" if initiate.has_quality else b"\x08\x00\x06")
        + (b"\x5f\x04\x00" if initiate.is_compact else b"\x5f\x1f\x04\x00")
        + struct.pack(">BHH", conformance >> 16, conformance & 0xFFFF, max_pdu)
        + (_VAA_SN if is_short_names else _VAA_LN)
    )


def _put(out: bytearray, tag: int, content) -> None:
    out.append(tag)
    put_length(out, len(content))
    out.extend(content)


def _element(tag: int, content) -> bytearray:
    out = bytearray()
    _put(out, tag, content)
    return out


def aare(context: int, result: int, diagnostic: int, is_provider: bool = False, title=None, hls=None, information=None):
    """AARE. `title`: of the server, if it tells it. `hls`: (mechanism, challenge) of the second pass, if there is one.
    `information`: an xDLMS APDU."""
    content = bytearray()
    _put(content, 0xA1, b"\x06\x07" + _OID + bytes((_CONTEXT_NAME, context)))
    _put(content, 0xA2, bytes((2, 1, result)))
    _put(content, 0xA3, bytes((0xA2 if is_provider else 0xA1, 3, 2, 1, diagnostic)))
    if title is not None:
        _put(content, 0xA4, _element(0x04, title))
    if hls is not None:
        _put(content, 0x88, b"\x07\x80")
        _put(content, 0x89, _OID + bytes((_MECHANISM_NAME, hls[0])))
        _put(content, 0xAA, _element(0x80, hls[1]))
    if information is not None:
        _put(content, 0xBE, _element(0x04, information))
    return _element(_AARE, content)


def rlre(information=None) -> bytearray:
    """RLRE with reason normal."""
    content = bytearray(b"\x80\x01\x00")
    if information is not None:
        _put(content, 0xBE, _element(0x04, information))
    return _element(_RLRE, content)
