"""READ, WRITE and UNCONFIRMED WRITE: the services with short names (Green Book, 9.3.13 to 9.3.16 and 9.5).

Malformed or IndexError is what a request raises for bytes that are no such request; nothing was done then. A method is
called by writing its parameter to its name, or, if it returns something, by reading its name with the parameter.
"""

import struct

from micropython import const

from meter.access import DENIED, Refused
from meter.comms.dlms import axdr
from meter.comms.dlms import conformance as can
from meter.comms.dlms.axdr import Malformed
from meter.comms.dlms.blocks import Incoming, room
from meter.comms.dlms.errors import (
    ACCESS_ERRORS,
    BLOCK_NUMBER_INVALID,
    NO_LONG_GET,
    READ_WRITE_DENIED,
    SUCCESS,
    result_of,
)
from meter.comms.dlms.parts import decoded, values_at
from meter.comms.dlms.services import Services
from meter.cosem.data_types import ANY

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.comms.dlms.association import Association

READ = const(0x05)
WRITE = const(0x06)
UNCONFIRMED_WRITE = const(0x16)
_READ_RESPONSE = const(0x0C)
_WRITE_RESPONSE = const(0x0D)

# Variable-Access-Specification
_NAME = const(2)
_PARAMETERISED = const(4)
_BLOCK_NUMBER = const(5)
_READ_BLOCK = const(6)
_WRITE_BLOCK = const(7)
# ReadResponse and WriteResponse
_DATA = const(0)
_ERROR = const(1)
_BLOCK = const(2)
_WRITTEN_BLOCK = const(2)
_NEXT_BLOCK = const(3)

# ConfirmedServiceError: class of error, error
_NO_CONTEXT = const(0x0201)
_OTHER = const(0x0300)
_UNSUPPORTED = const(0x0302)

_BLOCK_HEAD = const(6)  # bytes before the length of a block
_REPLY_TO_HLS = b"\xfa\x58"


def _refused(tag: int, error: int) -> "bytes | None":
    """ConfirmedServiceError, whose number of the service is the request's tag; an UNCONFIRMED WRITE gets none."""
    return None if tag == UNCONFIRMED_WRITE else bytes((0x0E, tag, error >> 8, error & 0xFF))


def no_context(tag: int) -> "bytes | None":
    """The answer to a request where no association is open."""
    return _refused(tag, _NO_CONTEXT)


def malformed(tag: int) -> "bytes | None":
    """The answer to bytes that are no request."""
    return _refused(tag, _OTHER)


class ShortNames(Services):
    """The services for what `find(association, name)` gives: (object, attribute or None, method or None)."""

    _too_long = b"\x0e\x05\x03\x01"

    def __init__(self, find, access):
        super().__init__(find, access, _past_variable)

    def request(self, association: "Association", apdu):
        """The answer to a READ or WRITE request; None to an UNCONFIRMED WRITE."""
        tag = apdu[0]
        if not association.is_open and not (association.is_pending and _is_reply(apdu)):
            return no_context(tag)
        if association.incoming is not None and association.incoming.kind != tag:
            association.incoming = None
        if tag == READ:
            if not association.conformance & can.READ and association.is_open:
                return _refused(READ, _UNSUPPORTED)
            return self._read(association, apdu, 1)
        association.outgoing = None
        needed = can.WRITE if tag == WRITE else can.UNCONFIRMED_WRITE
        if not association.conformance & needed and association.is_open:
            return _refused(tag, _UNSUPPORTED)
        answer = self._write_all(association, apdu, 1)
        return answer if tag == WRITE else None

    # --- READ -------------------------------------------------------------------------------------------------------

    def _read(self, association, data, at: int):
        count, start = axdr.take_length(data, at)
        is_apdu = at > 0  # else it came in blocks, and a block inside one is no variable
        if is_apdu and count == 1 and data[start] == _BLOCK_NUMBER:
            return self._next(association, data[start + 1] << 8 | data[start + 2])
        association.outgoing = None
        if is_apdu and count == 1 and data[start] == _READ_BLOCK:
            return self._read_block(association, data, start + 1)
        at, needed = start, 0
        for _ in range(count):
            if data[at] == _PARAMETERISED:
                needed = can.PARAMETERISED
            at = _past_variable(data, at)
        if count == 0 or at != len(data):
            raise Malformed("READ")
        if count > 1:
            needed |= can.LISTS
        if association.conformance & needed != needed and association.is_open:
            return _refused(READ, _UNSUPPORTED)
        association.incoming = None
        if count == 1:
            return self._read_one(association, data, start)
        return self._answer(
            association, READ, bytes((_READ_RESPONSE,)), self._values(association, bytes(data), count, start)
        )

    def _read_one(self, association, data, at: int):
        try:
            source, _ = self._value(association, data, at)
        except ACCESS_ERRORS as error:
            return self._failed(READ, data, result_of(error))
        return self._answer(association, READ, bytes((_READ_RESPONSE, 1, _DATA)), source)

    def _value(self, association, data, at: int) -> tuple:
        level = association.level
        found, n, method = self._find(association, data[at + 1] << 8 | data[at + 2])
        selection = None
        if data[at] == _PARAMETERISED:
            if method is not None:
                source, at = self._call(association, found, method, data, at + 4, False)
                return source or iter((b"\x00",)), at
            if not self._access.may_read(found, n, level):  # before any type is told
                raise Refused(DENIED)
            selector = data[at + 3]
            selected, at = decoded(found.selection_spec(n, selector), data, at + 4)
            selection = selector, selected
        elif method is not None:
            raise Refused(DENIED)  # who reads through all names must not call a method by it
        return axdr.pieces(found.spec(n), self._access.get(found, n, level, selection)), at

    def _failed(self, _kind: int, _head, result: int) -> bytes:
        return bytes((_READ_RESPONSE, 1, _ERROR, result))

    def _next(self, association, number: int):
        long = association.outgoing
        if long is None or long.number != number:
            association.outgoing = None
            result = NO_LONG_GET if long is None else BLOCK_NUMBER_INVALID
            return self._failed(READ, None, result)
        return self._block(association, None)

    def _block(self, association, _head):
        long = association.outgoing
        try:
            data, is_last = long.take(room(association.send_limit, _BLOCK_HEAD))
        except ACCESS_ERRORS as error:
            association.outgoing = None
            return self._failed(READ, None, result_of(error))
        if is_last:
            association.outgoing = None
        out = bytearray(struct.pack(">BBBBH", _READ_RESPONSE, 1, _BLOCK, is_last, long.number & 0xFFFF))
        axdr.put_length(out, len(data))
        out.extend(data)
        return out

    def _read_block(self, association, data, at: int):
        """A part of a READ request that is too long for one APDU."""
        is_last, number = data[at] != 0, data[at + 1] << 8 | data[at + 2]
        length, start = axdr.take_length(data, at + 3)
        if start + length != len(data):
            raise Malformed("READ block")
        joined, result = self._joined(association, READ, is_last, number, data[start:])
        if result != SUCCESS:
            return self._failed(READ, None, result)
        if joined is None:
            return bytes((_READ_RESPONSE, 1, _NEXT_BLOCK, number >> 8, number & 0xFF))
        return self._read(association, joined, 0)

    # --- WRITE ------------------------------------------------------------------------------------------------------

    def _write_all(self, association, data, at: int):
        count, start = axdr.take_length(data, at)
        if at and count == 1 and data[start] == _WRITE_BLOCK:  # as for READ
            return self._write_block(association, data, start + 1)
        at = start
        for _ in range(count):
            at = _past_variable(data, at)
        places = values_at(data, at, count)
        if count > 1 and not association.conformance & can.LISTS:
            return _refused(WRITE, _UNSUPPORTED)
        association.incoming = None
        out = bytearray((_WRITE_RESPONSE,))
        axdr.put_length(out, count)
        for result in self._written(association, data, start, data, places):
            out.extend(b"\x00" if result == SUCCESS else bytes((_ERROR, result)))
        return out if len(out) <= association.send_limit else _refused(WRITE, _OTHER)

    def _write(self, association, head, start: int, data, at: int) -> int:
        """Write the value at `data[at]`, which goes to the end, to the variable at `head[start]`."""
        try:
            found, n, method = self._find(association, head[start + 1] << 8 | head[start + 2])
            if head[start] != _NAME:
                return READ_WRITE_DENIED  # no attribute of ours is written in parts
            if method is None:
                return self._set(association, found, n, data, at)
            self._call(association, found, method, data, at)
        except ACCESS_ERRORS as error:
            return result_of(error)
        return SUCCESS

    def _write_block(self, association, data, at: int):
        """A part of a WRITE request that is too long for one APDU: its data are an octet string."""
        is_last, number = data[at] != 0, data[at + 1] << 8 | data[at + 2]
        if data[at + 3] != 1 or data[at + 4] != 9:
            raise Malformed("WRITE block")
        length, start = axdr.take_length(data, at + 5)
        if start + length != len(data):
            raise Malformed("WRITE block")
        joined, result = self._joined(association, data[0], is_last, number, data[start:])
        if result != SUCCESS:
            return bytes((_WRITE_RESPONSE, 1, _ERROR, result))
        if joined is None:
            return bytes((_WRITE_RESPONSE, 1, _WRITTEN_BLOCK, number >> 8, number & 0xFF))
        return self._write_all(association, joined, 0)

    def _joined(self, association, kind: int, is_last: bool, number: int, data) -> tuple:
        """(the whole request if this was its last block, else None; result)."""
        if number == 1 or association.incoming is None:
            association.incoming = Incoming(kind, b"")
        long = association.incoming
        result = long.add(number, data)
        if result != SUCCESS or is_last:
            association.incoming = None
        return (long.data if is_last else None), result


def _is_reply(apdu) -> bool:
    """Whether it reads or writes the method reply_to_HLS and nothing else."""
    return apdu[1] == 1 and apdu[2] in (_NAME, _PARAMETERISED) and apdu[3:5] == _REPLY_TO_HLS


def _past_variable(data, at: int) -> int:
    """The place behind a variable's name, and parameter if it has one."""
    kind = data[at]
    if kind == _NAME:
        return at + 3
    if kind != _PARAMETERISED:
        raise Malformed("variable")
    return axdr.decode(ANY, data, at + 4)[1]
