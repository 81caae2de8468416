"""What the services with logical names and with short names share: values out and in, and answers of any length."""

from micropython import const

from meter.access import DENIED, Refused
from meter.comms.dlms import axdr
from meter.comms.dlms import conformance as can
from meter.comms.dlms.axdr import Malformed
from meter.comms.dlms.blocks import Outgoing
from meter.comms.dlms.errors import ACCESS_ERRORS, BLOCK_UNAVAILABLE, READ_WRITE_DENIED, SUCCESS, result_of
from meter.comms.dlms.parts import decoded, parameter

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


class Services:
    """`access` is the access door, `past(data, at)` the place behind the name of an attribute.

    Who inherits has `_value(association, data, at)`: (pieces of what is named at `at`, place behind that);
    `_write(association, head, start, data, at)`: the result of writing what begins at `data[at]` to what is named at
    `head[start]`; `_block(association, head)`: the next block of a long answer; and the answers to a value that cannot
    be produced after all, `_failed(kind, head, result)` of one, `_too_long` of a list.
    """

    _too_long: bytes
    _value: "Callable"
    _write: "Callable"
    _block: "Callable"
    _failed: "Callable"

    def __init__(self, find, access, past):
        self._find, self._access, self._past = find, access, past

    def _values(self, association, data, count: int, at: int):
        """The list of results, in pieces: a choice and the value, or the choice of an error and the error."""
        head = bytearray()
        axdr.put_length(head, count)
        yield head
        for _ in range(count):
            try:
                source, _ = self._value(association, data, at)
                yield b"\x00"
                yield from source
            except ACCESS_ERRORS as error:
                yield bytes((1, result_of(error)))
            at = self._past(data, at)

    def _answer(self, association, kind: int, head: bytes, source, block_service: int = can.BLOCK_READ):
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
        offered = association.conformance
        if association.in_general_blocks or not offered & block_service and offered & can.GENERAL_BLOCKS:
            return Outgoing(kind, source, out)
        if not offered & block_service:
            return self._failed(kind, head, BLOCK_UNAVAILABLE) if head[1:2] == b"\x01" else self._too_long
        association.outgoing = Outgoing(kind, source, out[len(head) :])
        return self._block(association, head)

    def _written(self, association, head, start: int, data, places: list):
        """Write value after value, which begin at `places` in `data`, to what is named one after the other at
        `head[start]`; yields the results."""
        for n in range(len(places) - 1):
            yield self._write(association, head, start, data[: places[n + 1]], places[n])
            start = self._past(head, start)

    def _set(self, association, found, n: int, data, at: int) -> int:
        """Set attribute `n` to the value at `data[at]`, which goes to the end; the result. ACCESS_ERRORS."""
        spec, level = found.spec(n), association.level
        if not self._access.may_write(found, n, level):
            return READ_WRITE_DENIED
        value, end = decoded(spec, data, at)
        if end != len(data):
            raise Malformed("value")
        self._access.set(found, n, value, level)
        return SUCCESS

    def _call(self, association, found, n: int, data, at: int, is_whole: bool = True) -> tuple:
        """Invoke method `n` with the parameter at `data[at]`, which goes to the end if `is_whole`: (pieces of what it
        returns or None, place behind the parameter). ACCESS_ERRORS."""
        spec, level = found.method_spec(n), association.level
        if not self._access.may_act(found, n, level):  # before any type is told
            raise Refused(DENIED)
        value, at = parameter(spec, data, at)
        if is_whole and at != len(data):
            raise Malformed("parameter")
        returned = self._access.act(found, n, value, level)
        return None if returned is None else axdr.pieces(returned[0], returned[1]), at
