"""What HDLC carries: APDUs as numbered segments, in both directions, with the LLC header in front (IEC 62056-46)."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator

    from meter.comms.hdlc_frames import Information, Link

LLC_COMMAND = b"\xe6\xe6\x00"  # clause 5.3
LLC_RESPONSE = b"\xe6\xe7\x00"
_LLC = const(3)
_MODULO = const(7)  # mask of sequence numbers


class Incoming:
    """Puts the segments of an APDU together. `vr` is V(R), the number expected next."""

    def __init__(self, longest: int):
        """`longest` APDU the server takes; of a longer one it gets the first `longest` + 1 octets."""
        self.vr = 0
        self._longest = longest
        self._apdu = b""
        self._begun = False
        self._wanted = False  # its LLC header was a command's

    def take(self, information: "Information", segmented: bool) -> "bytes | None":
        """Take the segment with number `vr`. The APDU if this was its last one and its LLC header is good."""
        self.vr = self.vr + 1 & _MODULO
        if not self._begun:
            self._begun, self._apdu = True, b""
            self._wanted = bytes(information[:_LLC]) == LLC_COMMAND
            information = information[_LLC:]
        if self._wanted:
            self._apdu += bytes(information[: self._longest + 1 - len(self._apdu)])
        if segmented:
            return None
        self._begun = False
        apdu, self._apdu = self._apdu, b""
        return apdu if self._wanted else None


class Outgoing:
    """Cuts answers into segments, numbers them and keeps them until they are acknowledged.

    Between two polls of the client a window of segments is sent; each poll begins with the first one that is not
    acknowledged, which repeats what was lost.
    """

    def __init__(self, link: "Link"):
        self._link = link
        self._answers: "list[Information]" = []  # more than one if the client asks again before it polls
        self._first = 0  # N(S) of segment 0 of the first answer
        self._acknowledged = 0  # segments
        self._sent = 0  # segments: one behind the highest ever sent

    @property
    def vs(self) -> int:
        """V(S), the number of the next new segment."""
        return self._first + self._sent & _MODULO

    @property
    def full(self) -> bool:
        """As many answers wait untouched as a client can have asked for in one window."""
        return len(self._answers) - (self._sent > 0) >= self._link.window_rx

    def add(self, answer: "Information") -> None:
        """Send this APDU as well. It must not change until it is acknowledged."""
        self._answers.append(answer)

    def give_up(self) -> None:
        """The client has moved on: forget what it has seen only a part of."""
        if self._sent:
            self._first = self._first + self._acknowledged & _MODULO
            self._answers.pop(0)
            self._acknowledged = self._sent = 0

    def acknowledge(self, nr: int) -> bool:
        """Note the client's N(R). False if it acknowledges what was never sent."""
        count = nr - self._first - self._acknowledged & _MODULO
        if count > self._sent - self._acknowledged:
            return False
        self._acknowledged += count
        if self._answers and self._acknowledged == self._segments():
            self._first = self._first + self._acknowledged & _MODULO
            self._answers.pop(0)
            self._acknowledged = self._sent = 0
        return True

    def _segments(self) -> int:
        """Of the first answer."""
        return -(-(len(self._answers[0]) + _LLC) // self._link.info_tx)

    def window(self) -> "Iterator[tuple[int, bytes, Information, bool, bool]] | None":
        """The segments to send at a poll, or None. Of each: N(S), LLC header or nothing, rest, more follow, final."""
        if not self._answers:
            return None
        end = min(self._acknowledged + self._link.window_tx, self._segments())
        self._sent = max(self._sent, end)
        return segments(self._answers[0], self._link.info_tx, self._first, self._acknowledged, end)


def segments(
    apdu: "Information", size: int, first: int, begin: int, end: int
) -> "Iterator[tuple[int, bytes, Information, bool, bool]]":
    """Segments `begin` up to `end` of an APDU, of `size` octets; segment 0 has the number `first`. As in `window`."""
    view = memoryview(apdu)
    for n in range(begin, end):
        stop = (n + 1) * size - _LLC
        header = b"" if n else LLC_RESPONSE
        yield first + n & _MODULO, header, view[max(0, n * size - _LLC) : stop], stop < len(apdu), n + 1 == end
