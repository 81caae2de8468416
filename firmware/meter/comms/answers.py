"""What programming mode answers: one message, one that is too long to be kept, or a row of partial blocks.

All three are used alike. `work` does one step of what must be done before there is something to send, so that nothing
holds the loop up; then `made` is true and `pieces` gives the message. `again` prepares it for being sent once more,
`advance` for the next message if `more` says that there is one.
"""

from micropython import const

from meter.access import BUSY
from meter.comms.frames import answer_message, block_check, partial_block

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BLOCK = const(256)  # characters of data in a partial block
_BLOCK_OF_ROWS = const(1024)  # the same if the client has said how many rows it wants


def error_message(text: str) -> bytes:
    """The message that refuses a command for the reason `text`."""
    return answer_message(b"(" + text.encode() + b")")


def slices(text: str) -> "Iterator[str]":
    """`text` in parts that each fill a partial block."""
    for start in range(0, len(text), _BLOCK):
        yield text[start : start + _BLOCK]


class Whole:
    """One message that is there already."""

    made = True
    more = False

    def __init__(self, message: bytes):
        self._message = message

    def work(self) -> None:
        """Nothing to be done."""

    def again(self) -> None:
        """Nothing to be done."""

    def advance(self) -> None:
        """There is no next one."""

    def pieces(self) -> "Iterable[bytes]":
        return (self._message,)


class Stream(Whole):
    """One message of many texts, which are made while it is being sent.

    `make` returns an iterator over them, of at least one; None among them means not yet. It is called anew for a
    repeat, which then has what there is by then. Work is over with the first text.
    """

    made = False

    def __init__(self, make: "Callable[[], Iterator[str | None]]"):
        self._make = make
        self.again()

    def again(self) -> None:
        self._texts = self._make()
        self._first: "str | None" = None
        self.made = False

    def work(self) -> None:
        try:
            self._first = next(self._texts)
            self.made = self._first is not None
        except OSError:
            super().__init__(error_message(BUSY))
            self.made = True

    def pieces(self) -> "Iterable[bytes]":
        if self._first is None:
            return super().pieces()
        return self._message_of(self._first)

    def _message_of(self, first: str) -> "Iterator[bytes]":
        yield b"\x02"
        piece, check = first.encode(), 0
        try:
            while True:
                check = block_check(piece, check)
                yield piece
                text = next(self._texts)
                piece = text.encode() if text is not None else b""
        except StopIteration:
            pass
        except OSError:  # the memory fails half-way: a block check that does not hold says so
            check ^= 0x7F
        yield b"\x03" + bytes((block_check(b"\x03", check),))


class Blocks(Whole):
    """Partial blocks of whole texts, as many in each as fit: `rows` at most, if the client has said so.

    Only one block and the text behind it are held.
    """

    made = False

    def __init__(self, texts: "Iterator[str | None]", rows: int = 0):
        super().__init__(b"")
        self._texts = texts
        self._rows = rows
        self._room = _BLOCK_OF_ROWS if rows else _BLOCK
        self._block = bytearray()
        self._count = 0  # texts in it

    def advance(self) -> None:
        self.made = False

    def work(self) -> None:
        try:
            text = next(self._texts)
        except StopIteration:
            self._make(answer_message(bytes(self._block)), False)
            return
        except OSError:
            self._make(error_message(BUSY), False)
            return
        if text is not None:
            self._add(text.encode())

    def _add(self, piece: bytes) -> None:
        if self._count and (self._count == self._rows or len(self._block) + len(piece) > self._room):
            self._make(partial_block(bytes(self._block)), True)
        self._block.extend(piece)
        self._count += 1

    def _make(self, message: bytes, more: bool) -> None:
        self._message = message
        self.made = True
        self.more = more
        self._block = bytearray()
        self._count = 0
