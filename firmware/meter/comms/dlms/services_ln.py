"""GET, SET and ACTION: the services with logical names (Green Book, 9.3.6 to 9.3.8 and 9.5).

A request goes by tag and kind to its method, which gives the answer APDU, an `Outgoing` to be sent in general blocks,
or None. Malformed or IndexError is what it raises for bytes that are no such request; nothing was done then.
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
    NO_LONG_SET,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
    SCOPE_VIOLATED,
    SUCCESS,
    TOO_LONG,
    UNKNOWN_SERVICE,
    result_of,
)
from meter.comms.dlms.parts import (
    DESCRIPTOR,
    block_of,
    decoded,
    described,
    number_at,
    past_descriptor,
    values_at,
)
from meter.comms.dlms.services import Services

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.comms.dlms.association import Association

GET = const(0xC0)
SET = const(0xC1)
ACTION = const(0xC3)
_GET_RESPONSE = const(0xC4)
_SET_RESPONSE = const(0xC5)
_ACTION_RESPONSE = const(0xC7)

_CONFIRMED = const(0x40)  # service class, in the byte of invoke id and priority
_BLOCK_HEAD = const(9)  # bytes before the length of a block at most
_REPLY_TO_HLS = b"\x00\x0f\x00\x00\x28\x00\x00\xff\x01"


class LogicalNames(Services):
    """The services for the objects that `find(association, class_id, name)` gives, through the access door."""

    _too_long = TOO_LONG

    def __init__(self, find, access):
        super().__init__(find, access, past_descriptor)
        # tag and kind of the request: method, services that must have been agreed upon
        self._services = {
            0xC001: (self._get, can.GET),
            0xC002: (self._get_next, can.BLOCK_READ),
            0xC003: (self._get_list, can.GET | can.LISTS),
            0xC101: (self._set_one, can.SET),
            0xC102: (self._first_block, can.SET | can.BLOCK_WRITE),
            0xC103: (self._next_block, can.SET | can.BLOCK_WRITE),
            0xC104: (self._set_list, can.SET | can.LISTS),
            0xC105: (self._first_block, can.SET | can.BLOCK_WRITE | can.LISTS),
            0xC301: (self._action, can.ACTION),
            0xC302: (self._action_next, can.BLOCK_ACTION),
            0xC303: (self._action_list, can.ACTION | can.LISTS),
            0xC304: (self._first_block, can.ACTION | can.BLOCK_ACTION),
            0xC305: (self._first_block, can.ACTION | can.BLOCK_ACTION | can.LISTS),
            0xC306: (self._next_block, can.ACTION | can.BLOCK_ACTION),
        }

    def request(self, association: "Association", apdu):
        """The answer to a GET, SET or ACTION request."""
        kind = apdu[0] << 8 | apdu[1]
        service, needed = self._services.get(kind, (None, 0))
        if service is None:
            return UNKNOWN_SERVICE
        if not association.is_open and not (kind == 0xC301 and apdu[3:12] == _REPLY_TO_HLS and association.is_pending):
            return NOT_POSSIBLE
        if association.conformance & needed != needed and association.is_open:
            return NOT_SUPPORTED
        if association.outgoing is not None and kind != 0xC002 and kind != 0xC302:
            association.outgoing = None  # another request: the client has lost interest in the rest
        if association.incoming is not None and kind not in (0xC103, 0xC306):
            association.incoming = None
        answer = service(association, apdu)
        return answer if apdu[2] & _CONFIRMED else None

    # --- GET --------------------------------------------------------------------------------------------------------

    def _get(self, association, apdu):
        try:
            source, at = self._value(association, apdu, 3)
        except Malformed:
            raise
        except ACCESS_ERRORS as error:
            return self._failed(GET, apdu, result_of(error))
        if at != len(apdu):
            raise Malformed("GET")
        head = bytes((_GET_RESPONSE, 1, apdu[2], 0))
        return self._answer(association, GET, head, source)

    def _get_list(self, association, apdu):
        count, start, at = described(apdu, 3, True)
        if at != len(apdu):
            raise Malformed("GET list")
        source = self._values(association, bytes(apdu), count, start)
        return self._answer(association, GET, bytes((_GET_RESPONSE, 3, apdu[2])), source)

    def _object(self, association, data, at: int):
        """The object whose descriptor is at `data[at]`."""
        return self._find(association, data[at] << 8 | data[at + 1], bytes(data[at + 2 : at + 8]))

    def _value(self, association, apdu, at: int) -> tuple:
        """(pieces of the value of the attribute that is described at `at`, place behind the description)."""
        if len(apdu) < at + DESCRIPTOR + 1:
            raise Malformed("descriptor")
        found = self._object(association, apdu, at)
        n, is_selective = apdu[at + 8], apdu[at + 9]
        at += DESCRIPTOR + 1
        if not is_selective:
            value = self._access.get(found, n, association.level)
        else:
            if not association.conformance & can.SELECTIVE:
                raise Refused(DENIED)
            selector = apdu[at]
            selected, at = decoded(found.selection_spec(n, selector), apdu, at + 1)
            value = self._access.get(found, n, association.level, (selector, selected))
        return axdr.pieces(found.spec(n), value), at

    def _get_next(self, association, apdu):
        number = number_at(apdu, 3)
        long = association.outgoing
        if long is None or long.kind != GET:
            return self._get_aborted(association, apdu, number, NO_LONG_GET)
        if number != long.number:
            return self._get_aborted(association, apdu, number, BLOCK_NUMBER_INVALID)
        return self._block(association, apdu)

    def _get_aborted(self, association, head, number: int, result: int):
        association.outgoing = None
        return struct.pack(">BBBBIBB", _GET_RESPONSE, 2, head[2], 1, number, 1, result)

    # --- answers of any length --------------------------------------------------------------------------------------

    def _failed(self, kind: int, head, result: int) -> bytes:
        """The answer to a single access whose value cannot be produced after all."""
        if kind == GET:
            return bytes((_GET_RESPONSE, 1, head[2], 1, result))
        return bytes((_ACTION_RESPONSE, 1, head[2], SUCCESS, 1, 1, result))

    def _block(self, association, head):
        """The next block of the long answer under way; `head[2]` is the byte of invoke id and priority."""
        long = association.outgoing
        try:
            data, is_last = long.take(room(association.send_limit, _BLOCK_HEAD))
        except ACCESS_ERRORS as error:
            if long.kind == GET:
                return self._get_aborted(association, head, long.number + 1, result_of(error))
            association.outgoing = None
            return NOT_POSSIBLE
        if is_last:
            association.outgoing = None
        response = _GET_RESPONSE if long.kind == GET else _ACTION_RESPONSE
        out = bytearray(struct.pack(">BBBBI", response, 2, head[2], is_last, long.number))
        if long.kind == GET:
            out.append(SUCCESS)
        axdr.put_length(out, len(data))
        out.extend(data)
        return out

    # --- requests in blocks -----------------------------------------------------------------------------------------

    def _first_block(self, association, apdu):
        tag, is_list = apdu[0], apdu[1] == 5
        if is_list:
            at = described(apdu, 3, tag == SET)[2]
        else:
            at = past_descriptor(apdu, 3) if tag == SET else 3 + DESCRIPTOR
        association.incoming = Incoming(tag | is_list << 8, bytes(apdu[3:at]))
        return self._take_block(association, apdu, at)

    def _next_block(self, association, apdu):
        return self._take_block(association, apdu, 3)

    def _take_block(self, association, apdu, at: int):
        tag, invoke = apdu[0], apdu[2]
        is_last, number, data = block_of(apdu, at)
        long = association.incoming
        result = NO_LONG_SET
        if long is not None and long.kind & 0xFF == tag:
            result = long.add(number, data)
            if result == SUCCESS and not is_last:
                if tag == SET:
                    return struct.pack(">BBBI", _SET_RESPONSE, 2, invoke, number)
                return struct.pack(">BBBI", _ACTION_RESPONSE, 4, invoke, number)
            association.incoming = None
        is_list = result == SUCCESS and long.kind > 0xFF
        if tag == SET:
            results = self._set_results(association, long, is_list) if result == SUCCESS else bytes((result,))
            return bytes((_SET_RESPONSE, 4 if is_list else 3, invoke)) + results + struct.pack(">I", number)
        if result != SUCCESS:
            return bytes((_ACTION_RESPONSE, 1, invoke, result, 0))
        if is_list:
            return self._action_list(association, bytes((ACTION, 3, invoke)) + long.head + long.data)
        return self._action(association, bytes((ACTION, 1, invoke)) + long.head + b"\x01" + long.data)

    # --- SET --------------------------------------------------------------------------------------------------------

    def _set_one(self, association, apdu):
        result = self._write(association, apdu, 3, apdu, past_descriptor(apdu, 3))
        return bytes((_SET_RESPONSE, 1, apdu[2], result))

    def _set_list(self, association, apdu):
        count, start, at = described(apdu, 3, True)
        return bytes((_SET_RESPONSE, 5, apdu[2])) + self._write_list(association, apdu, count, start, apdu, at)

    def _set_results(self, association, long, is_list: bool):
        """The results of a request that has come in blocks."""
        if not is_list:
            return bytes((self._write(association, long.head, 0, long.data, 0),))
        count, start, _ = described(long.head, 0, True)
        return self._write_list(association, long.head, count, start, long.data, 0)

    def _write_list(self, association, head, count: int, start: int, data, at: int) -> bytearray:
        """Write attribute after attribute; their results as a list."""
        places = values_at(data, at, count)
        results = bytearray()
        axdr.put_length(results, count)
        results.extend(bytes(self._written(association, head, start, data, places)))
        return results

    def _write(self, association, head, start: int, data, at: int) -> int:
        """Write the value at `data[at]`, which goes to the end, to the attribute described at `head[start]`."""
        n = head[start + 8]
        try:
            found = self._object(association, head, start)
            if head[start + 9]:
                found.spec(n)
                return SCOPE_VIOLATED  # no attribute of ours is written in parts
            return self._set(association, found, n, data, at)
        except Malformed:
            raise
        except ACCESS_ERRORS as error:
            return result_of(error)

    # --- ACTION -----------------------------------------------------------------------------------------------------

    def _action(self, association, apdu):
        at = 3 + DESCRIPTOR
        has_parameter = apdu[at]
        if (at + 1 == len(apdu)) == (has_parameter != 0):
            raise Malformed("ACTION")
        result, source = self._act(association, apdu, 3, apdu, at + 1)
        if source is None:
            return bytes((_ACTION_RESPONSE, 1, apdu[2], result, 0))
        head = bytes((_ACTION_RESPONSE, 1, apdu[2], SUCCESS, 1, 0))
        return self._answer(association, ACTION, head, source, can.BLOCK_ACTION)

    def _action_list(self, association, apdu):
        count, start, at = described(apdu, 3, False)
        source = self._act_list(association, apdu, count, start, apdu, at)
        return self._answer(association, ACTION, bytes((_ACTION_RESPONSE, 3, apdu[2])), source, can.BLOCK_ACTION)

    def _act_list(self, association, head, count: int, start: int, data, at: int):
        """Method after method; their results as a list, in pieces. All is done before the answer begins."""
        places = values_at(data, at, count)
        out = bytearray()
        axdr.put_length(out, count)
        answer = [out]
        for n in range(count):
            result, source = self._act(association, head, start, data[: places[n + 1]], places[n])
            out = bytearray((result, 0))
            if source is not None:
                out[1] = 1
                out.append(0)
                for piece in source:
                    out.extend(piece)
            answer.append(out)
            start += DESCRIPTOR
        return iter(answer)

    def _act(self, association, head, start: int, data, at: int) -> tuple:
        """(result, pieces of what the method returns or None); its parameter is at `data[at]` and goes to the end."""
        try:
            found = self._object(association, head, start)
            return SUCCESS, self._call(association, found, head[start + 8], data, at)[0]
        except Malformed:
            raise
        except ACCESS_ERRORS as error:
            return result_of(error), None

    def _action_next(self, association, apdu):
        number = number_at(apdu, 3)
        long = association.outgoing
        if long is None or long.kind != ACTION or number != long.number:
            association.outgoing = None
            result = BLOCK_NUMBER_INVALID if long is not None else NO_LONG_GET
            return bytes((_ACTION_RESPONSE, 1, apdu[2], result, 0))
        return self._block(association, apdu)
