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
from meter.comms.dlms.blocks import Incoming, Outgoing
from meter.comms.dlms.errors import (
    ACCESS_ERRORS,
    BLOCK_NUMBER_INVALID,
    BLOCK_UNAVAILABLE,
    NO_LONG_GET,
    NO_LONG_SET,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
    READ_WRITE_DENIED,
    SCOPE_VIOLATED,
    SUCCESS,
    TOO_LONG,
    UNKNOWN_SERVICE,
    result_of,
)
from meter.comms.dlms.parts_ln import DESCRIPTOR, block_of, described, number_at, past_descriptor, values_at
from meter.comms.dlms.values import decoded, parameter

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
_BLOCK_HEAD = const(12)  # bytes around the data of a block at most
_REPLY_TO_HLS = b"\x00\x0f\x00\x00\x28\x00\x00\xff\x01"


class LogicalNames:
    """The services for the objects that `find(association, class_id, name)` gives, through the access door."""

    def __init__(self, find, access):
        self._find, self._access = find, access
        # tag and kind of the request: method, services that must have been agreed upon
        self._services = {
            0xC001: (self._get, can.GET),
            0xC002: (self._get_next, can.BLOCK_READ),
            0xC003: (self._get_list, can.GET | can.LISTS),
            0xC101: (self._set, can.SET),
            0xC102: (self._set_first_block, can.SET | can.BLOCK_WRITE),
            0xC103: (self._set_block, can.SET | can.BLOCK_WRITE),
            0xC104: (self._set_list, can.SET | can.LISTS),
            0xC105: (self._set_list_first_block, can.SET | can.BLOCK_WRITE | can.LISTS),
            0xC301: (self._action, can.ACTION),
            0xC302: (self._action_next, can.BLOCK_ACTION),
            0xC303: (self._action_list, can.ACTION | can.LISTS),
            0xC304: (self._action_first_block, can.ACTION | can.BLOCK_ACTION),
            0xC305: (self._action_list_first_block, can.ACTION | can.BLOCK_ACTION | can.LISTS),
            0xC306: (self._action_block, can.ACTION | can.BLOCK_ACTION),
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
        except ACCESS_ERRORS as error:
            if isinstance(error, Malformed):
                raise
            return bytes((_GET_RESPONSE, 1, apdu[2], 1, result_of(error)))
        if at != len(apdu):
            raise Malformed("GET")
        head = bytes((_GET_RESPONSE, 1, apdu[2], 0))
        return self._answer(association, GET, head, source)

    def _get_list(self, association, apdu):
        count, start = axdr.take_length(apdu, 3)
        if count == 0:
            raise Malformed("empty list")
        at = start
        for _ in range(count):
            at = past_descriptor(apdu, at)
        if at != len(apdu):
            raise Malformed("GET list")
        source = self._values(association, bytes(apdu), count, start)
        return self._answer(association, GET, bytes((_GET_RESPONSE, 3, apdu[2])), source)

    def _values(self, association, apdu, count: int, at: int):
        """The list of Get-Data-Results, in pieces."""
        head = bytearray()
        axdr.put_length(head, count)
        yield head
        for _ in range(count):
            after = past_descriptor(apdu, at)
            try:
                source, _ = self._value(association, apdu, at)
                yield b"\x00"
                yield from source
            except ACCESS_ERRORS as error:
                yield bytes((1, result_of(error)))
            at = after

    def _value(self, association, apdu, at: int) -> tuple:
        """(pieces of the value of the attribute that is described at `at`, place behind the description)."""
        if len(apdu) < at + DESCRIPTOR + 1:
            raise Malformed("descriptor")
        found = self._find(association, apdu[at] << 8 | apdu[at + 1], bytes(apdu[at + 2 : at + 8]))
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
            return self._get_aborted(association, apdu[2], number, NO_LONG_GET)
        if number != long.number:
            return self._get_aborted(association, apdu[2], number, BLOCK_NUMBER_INVALID)
        return self._block(association, apdu[2])

    def _get_aborted(self, association, invoke: int, number: int, result: int):
        association.outgoing = None
        return struct.pack(">BBBBIBB", _GET_RESPONSE, 2, invoke, 1, number, 1, result)

    # --- answers of any length --------------------------------------------------------------------------------------

    def _answer(self, association, kind: int, head: bytes, source):
        """`head` and all that `source` yields; the first block of the latter if that is more than the client takes."""
        out = bytearray(head)
        limit = association.send_limit
        try:
            for piece in source:
                out.extend(piece)
                if len(out) > limit:
                    break
            else:
                return out
        except ACCESS_ERRORS as error:
            return self._failed(kind, head, result_of(error))
        if association.in_general_blocks:
            return Outgoing(kind, source, out)
        if not association.conformance & (can.BLOCK_READ if kind == GET else can.BLOCK_ACTION):
            if association.conformance & can.GENERAL_BLOCKS:
                return Outgoing(kind, source, out)
            return self._failed(kind, head, BLOCK_UNAVAILABLE) if head[1] == 1 else TOO_LONG
        association.outgoing = Outgoing(kind, source, out[len(head) :])
        return self._block(association, head[2])

    def _failed(self, kind: int, head: bytes, result: int) -> bytes:
        """The answer to a single access whose value cannot be produced after all."""
        if kind == GET:
            return bytes((_GET_RESPONSE, 1, head[2], 1, result))
        return bytes((_ACTION_RESPONSE, 1, head[2], SUCCESS, 1, 1, result))

    def _block(self, association, invoke: int):
        """The next block of the long answer under way."""
        long = association.outgoing
        try:
            data, is_last = long.take(association.send_limit - _BLOCK_HEAD)
        except ACCESS_ERRORS as error:
            if long.kind == GET:
                return self._get_aborted(association, invoke, long.number + 1, result_of(error))
            association.outgoing = None
            return NOT_POSSIBLE
        if is_last:
            association.outgoing = None
        if long.kind == GET:
            out = bytearray(struct.pack(">BBBBIB", _GET_RESPONSE, 2, invoke, is_last, long.number, 0))
        else:
            out = bytearray(struct.pack(">BBBBI", _ACTION_RESPONSE, 2, invoke, is_last, long.number))
        axdr.put_length(out, len(data))
        out.extend(data)
        return out

    # --- SET --------------------------------------------------------------------------------------------------------

    def _set(self, association, apdu):
        at = past_descriptor(apdu, 3)
        result = self._write(association, apdu, 3, apdu, at)
        return bytes((_SET_RESPONSE, 1, apdu[2], result))

    def _set_list(self, association, apdu):
        count, start, at = described(apdu, 3, True)
        return bytes((_SET_RESPONSE, 5, apdu[2])) + self._write_list(association, apdu, count, start, apdu, at)

    def _set_first_block(self, association, apdu):
        at = past_descriptor(apdu, 3)
        association.incoming = Incoming(SET, bytes(apdu[3:at]))
        return self._take_set_block(association, apdu, at)

    def _set_list_first_block(self, association, apdu):
        _, _, at = described(apdu, 3, True)
        association.incoming = Incoming(SET | 0x100, bytes(apdu[3:at]))
        return self._take_set_block(association, apdu, at)

    def _set_block(self, association, apdu):
        return self._take_set_block(association, apdu, 3)

    def _take_set_block(self, association, apdu, at: int):
        is_last, number, data = block_of(apdu, at)
        long = association.incoming
        if long is None or long.kind & 0xFF != SET:
            return self._set_ended(apdu[2], bytes((NO_LONG_SET,)), number, False)
        result = long.add(number, data)
        if result == SUCCESS and not is_last:
            return struct.pack(">BBBI", _SET_RESPONSE, 2, apdu[2], number)
        association.incoming = None
        is_list = long.kind != SET
        if result != SUCCESS:
            return self._set_ended(apdu[2], bytes((result,)), number, False)
        if is_list:
            count, start, _ = described(long.head, 0, True)
            results = self._write_list(association, long.head, count, start, long.data, 0)
        else:
            results = bytearray((self._write(association, long.head, 0, long.data, 0),))
        return self._set_ended(apdu[2], results, number, is_list)

    def _set_ended(self, invoke: int, results, number: int, is_list: bool):
        return bytes((_SET_RESPONSE, 4 if is_list else 3, invoke)) + results + struct.pack(">I", number)

    def _write_list(self, association, head, count: int, start: int, data, at: int) -> bytearray:
        """Write attribute after attribute; their results as a list."""
        places, end = values_at(data, at)
        if len(places) != count or end != len(data):
            raise Malformed("SET list")
        results = bytearray()
        axdr.put_length(results, count)
        for n in range(count):
            after = places[n + 1] if n + 1 < count else end
            results.append(self._write(association, head, start, data[:after], places[n]))
            start = past_descriptor(head, start)
        return results

    def _write(self, association, head, start: int, data, at: int) -> int:
        """Write the value at `data[at]`, which goes to the end, to the attribute described at `head[start]`."""
        level, n = association.level, head[start + 8]
        try:
            found = self._find(association, head[start] << 8 | head[start + 1], bytes(head[start + 2 : start + 8]))
            spec = found.spec(n)
            if head[start + 9]:
                return SCOPE_VIOLATED  # no attribute of ours is written in parts
            if not self._access.may_write(found, n, level):
                return READ_WRITE_DENIED
            value, end = decoded(spec, data, at)
            if end != len(data):
                raise Malformed("SET")
            self._access.set(found, n, value, level)
        except ACCESS_ERRORS as error:
            if isinstance(error, Malformed):
                raise
            return result_of(error)
        return SUCCESS

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
        return self._answer(association, ACTION, head, source)

    def _action_list(self, association, apdu):
        count, start, at = described(apdu, 3, False)
        source = self._act_list(association, apdu, count, start, apdu, at)
        return self._answer(association, ACTION, bytes((_ACTION_RESPONSE, 3, apdu[2])), source)

    def _act_list(self, association, head, count: int, start: int, data, at: int):
        """Method after method; their results as a list, in pieces. All is done before the answer begins."""
        places, end = values_at(data, at)
        if len(places) != count or end != len(data):
            raise Malformed("ACTION list")
        length = bytearray()
        axdr.put_length(length, count)
        answer = [length]
        for n in range(count):
            after = places[n + 1] if n + 1 < count else end
            result, source = self._act(association, head, start, data[:after], places[n])
            out = bytearray((result, 0 if source is None else 1))
            if source is not None:
                out.append(0)
                for piece in source:
                    out.extend(piece)
            answer.append(out)
            start += DESCRIPTOR
        return iter(answer)

    def _act(self, association, head, start: int, data, at: int) -> tuple:
        """(result, pieces of what the method returns or None); its parameter is at `data[at]` and goes to the end."""
        level, n = association.level, head[start + 8]
        try:
            found = self._find(association, head[start] << 8 | head[start + 1], bytes(head[start + 2 : start + 8]))
            spec = found.method_spec(n)
            if not self._access.may_act(found, n, level):
                return READ_WRITE_DENIED, None
            value, end = parameter(spec, data, at)
            if end != len(data):
                raise Malformed("ACTION")
            returned = self._access.act(found, n, value, level)
        except ACCESS_ERRORS as error:
            if isinstance(error, Malformed):
                raise
            return result_of(error), None
        return SUCCESS, None if returned is None else axdr.pieces(returned[0], returned[1])

    def _action_next(self, association, apdu):
        number = number_at(apdu, 3)
        long = association.outgoing
        if long is None or long.kind != ACTION or number != long.number:
            association.outgoing = None
            result = BLOCK_NUMBER_INVALID if long is not None else NO_LONG_GET
            return bytes((_ACTION_RESPONSE, 1, apdu[2], result, 0))
        return self._block(association, apdu[2])

    def _action_first_block(self, association, apdu):
        at = 3 + DESCRIPTOR
        association.incoming = Incoming(ACTION, bytes(apdu[3:at]))
        return self._take_action_block(association, apdu, at)

    def _action_list_first_block(self, association, apdu):
        _, _, at = described(apdu, 3, False)
        association.incoming = Incoming(ACTION | 0x100, bytes(apdu[3:at]))
        return self._take_action_block(association, apdu, at)

    def _action_block(self, association, apdu):
        return self._take_action_block(association, apdu, 3)

    def _take_action_block(self, association, apdu, at: int):
        is_last, number, data = block_of(apdu, at)
        invoke = apdu[2]
        long = association.incoming
        if long is None or long.kind & 0xFF != ACTION:
            return bytes((_ACTION_RESPONSE, 1, invoke, NO_LONG_SET, 0))
        result = long.add(number, data)
        if result == SUCCESS and not is_last:
            return struct.pack(">BBBI", _ACTION_RESPONSE, 4, invoke, number)
        association.incoming = None
        if result != SUCCESS:
            return bytes((_ACTION_RESPONSE, 1, invoke, result, 0))
        if long.kind == ACTION:
            joined = bytes((ACTION, 1, invoke)) + long.head + b"\x01" + long.data
            return self._action(association, joined)
        return self._action_list(association, bytes((ACTION, 3, invoke)) + long.head + long.data)
