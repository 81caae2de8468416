"""General block transfer (E0; Green Book, 9.4.6.13): any APDU in parts, numbered and acknowledged both ways.

    E0, block control, block number (2), number acknowledged (2), length, data
    block control: 80h last block, 40h streaming (more follow before an answer is due), window (6 bits)

Blocks go out one at a time, each when the one before is acknowledged; a client may send as many as it likes at once. A
block that was lost is sent again: the side that misses it acknowledges the one before.
"""

from micropython import const

from meter.comms.dlms import axdr
from meter.comms.dlms.axdr import Malformed
from meter.comms.dlms.blocks import LONGEST_REQUEST, Outgoing, room

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

GENERAL_BLOCK = const(0xE0)
_LAST = const(0x80)
_STREAMING = const(0x40)
_WINDOW = const(1)
_HEAD = const(6)  # bytes before the length
_ABORT = b"\xe0\x80\x00\x00\x00\x00\x00"


class Transfer:
    """A request that comes in blocks, then its answer. Each side numbers all its blocks, those without data too."""

    def __init__(self):
        self._received = 0  # number of the client's last block in order
        self._request = bytearray()
        self._answer: "Any" = None  # Outgoing, when the request is complete
        self._sent = 0  # number of our last block
        self._last_sent: "bytearray | None" = None
        self._told = -1  # number that it acknowledges
        self._is_last = False

    @staticmethod
    def begins_with(apdu) -> bool:
        """Whether this block is the first one of a request: number 1, with data."""
        return len(apdu) > 7 and apdu[2] == 0 and apdu[3] == 1

    def take(self, apdu, limit: int, execute) -> "bytes | bytearray | None":
        """The answer to a block of the client's; blocks of ours have `limit` bytes at most.

        `execute(request)` gives the answer to the whole request: bytes, an Outgoing or None.
        """
        control, number, acknowledged = apdu[1], apdu[2] << 8 | apdu[3], apdu[4] << 8 | apdu[5]
        length, at = axdr.take_length(apdu, 6)
        if at + length != len(apdu):
            raise Malformed("general block")
        is_next = number == self._received + 1
        if self._answer is not None:
            if is_next:
                self._received = number
            return self._acknowledged(acknowledged, limit)
        if is_next:
            if len(self._request) + length > LONGEST_REQUEST:
                return _ABORT
            self._received = number
            self._request.extend(apdu[at:])
        if control & _LAST and number == self._received:
            return self._executed(execute, limit)
        if control & _STREAMING:
            return None
        if self._told != self._received:
            self._send(0, b"")
        return self._last_sent

    def _executed(self, execute, limit: int) -> "bytearray | None":
        answer = execute(bytes(self._request))
        self._request = bytearray()
        if answer is None:
            return None
        return self.begin(answer if isinstance(answer, Outgoing) else Outgoing(0, iter((answer,))), limit)

    def begin(self, answer: Outgoing, limit: int) -> "bytearray | None":
        """The first block of an answer, be it to a request that came in blocks or as a whole."""
        self._answer = answer
        return self._next(limit)

    def _acknowledged(self, number: int, limit: int) -> "bytes | bytearray | None":
        if number == self._sent:
            return None if self._is_last else self._next(limit)
        return self._last_sent if number == self._sent - 1 else _ABORT

    def _next(self, limit: int) -> "bytearray | None":
        data, self._is_last = self._answer.take(room(limit, _HEAD))
        self._send(_LAST if self._is_last else 0, data)
        return self._last_sent

    def _send(self, control: int, data) -> None:
        self._sent += 1
        self._told = self._received
        self._last_sent = self._block(control, self._sent, data)

    def _block(self, control: int, number: int, data) -> bytearray:
        received = self._received
        out = bytearray((GENERAL_BLOCK, control | _WINDOW, number >> 8 & 0xFF, number & 0xFF))
        out.append(received >> 8 & 0xFF)
        out.append(received & 0xFF)
        axdr.put_length(out, len(data))
        out.extend(data)
        return out
