"""Long transfers: an answer that is produced while it is sent, a request that is put together as it comes in."""

from micropython import const

from meter.comms.dlms.errors import BLOCK_NUMBER_INVALID, LONG_SET_ABORTED, SUCCESS

LONGEST_REQUEST = const(8192)  # bytes: a whole tariff table; more than one of them is not in memory at any time


def room(limit: int, head: int) -> int:
    """How many bytes of data fit into a block of `limit` bytes behind `head` bytes and their own length (A-XDR)."""
    size = limit - head - 1
    return size if size < 128 else max(127, size - 1) if size < 257 else size - 2


class Outgoing:
    """A long answer. `source` is an iterator that yields its bytes in pieces, `rest` are those that come before.

    `kind` tells the service apart that may ask for more; `number` is the number of the block last sent. What `source`
    raises comes out of `take`.
    """

    def __init__(self, kind: int, source, rest=b""):
        self.kind, self.number = kind, 0
        self._source = source
        self._rest = bytearray(rest)
        self._drained = False

    def take(self, size: int) -> tuple:
        """(the next `size` bytes or less, whether they are the last ones); counts the block."""
        rest = self._rest
        while not self._drained and len(rest) <= size:  # one byte more, so that the last block is known to be it
            for piece in self._source:
                rest.extend(piece)
                break
            else:
                self._drained = True
        self._rest = rest[size:]
        self.number += 1
        return rest[:size], self._drained and not self._rest


class Incoming:
    """A long request. `head` is what its first block says about it, `data` what has come so far."""

    def __init__(self, kind: int, head):
        self.kind, self.head = kind, head
        self.number = 0  # of the block last received
        self.data = bytearray()

    def add(self, number: int, data) -> int:
        """Take a block. SUCCESS, or the result that the transfer ends with."""
        if number != self.number + 1:
            return BLOCK_NUMBER_INVALID
        if len(self.data) + len(data) > LONGEST_REQUEST:
            return LONG_SET_ABORTED
        self.number = number
        self.data.extend(data)
        return SUCCESS
