"""Readers that pick the messages of a hand-held unit out of whatever arrives, one character at a time."""

from micropython import const

from meter.comms.frames import ACK, CR, EOT, ETX, LF, SOH

_START = const(0x2F)  # /
_QUERY = const(0x3F)  # ?
_END = const(0x21)  # !
_MAX_ADDRESS = const(32)

_EXPECT_START = const(0)
_EXPECT_QUERY = const(1)
_IN_ADDRESS = const(2)
_EXPECT_CR = const(3)
_EXPECT_LF = const(4)


def same_address(sent: bytes, own: bytes) -> bool:
    """Whether a request with address `sent` is for the device with address `own`.

    None matches every device; leading zeros count on neither side, so all-zero addresses are equal (clause 6.3.1).
    """
    return not sent or sent.lstrip(b"0") == own.lstrip(b"0")


def _in_address(char: int) -> bool:
    return 0x30 <= char <= 0x39 or 0x41 <= char <= 0x5A or 0x61 <= char <= 0x7A or char == 0x20


class RequestReader:
    """Finds `/?` [address] `!` CR LF. A character that does not fit discards what came before; `/` starts anew."""

    def __init__(self):
        self._expect = _EXPECT_START
        self._address = bytearray()

    def reset(self) -> None:
        """Forget a request that has begun."""
        self._expect = _EXPECT_START

    def feed(self, char: int) -> "bytes | None":
        """Take one character. Returns the address (empty if none) when it completes a request, else None."""
        expect = self._expect
        self._expect = _EXPECT_START
        if char == _START:
            self._expect = _EXPECT_QUERY
            self._address = bytearray()
        elif expect == _EXPECT_QUERY and char == _QUERY:
            self._expect = _IN_ADDRESS
        elif expect == _IN_ADDRESS and char == _END:
            self._expect = _EXPECT_CR
        elif expect == _IN_ADDRESS and _in_address(char) and len(self._address) < _MAX_ADDRESS:
            self._address.append(char)
            self._expect = _IN_ADDRESS
        elif expect == _EXPECT_CR and char == CR:
            self._expect = _EXPECT_LF
        elif expect == _EXPECT_LF and char == LF:
            return bytes(self._address)
        return None


class OptionReader:
    """Reads the acknowledgement/option select message ACK V Z Y CR LF (clause 6.3.3), V Z Y being digits."""

    def __init__(self):
        self._got = bytearray()

    @property
    def begun(self) -> bool:
        """ACK has come, the rest not yet."""
        return len(self._got) > 0

    def reset(self) -> None:
        """Forget a message that has begun."""
        self._got = bytearray()

    def feed(self, char: int) -> "bytes | None":
        """Take one character, ACK first. Returns None while incomplete, then the characters V Z Y, or b"" if broken."""
        place = len(self._got)
        if place == 0:
            fits = char == ACK
        elif place < 4:
            fits = 0x30 <= char <= 0x39
        else:
            fits = char == (CR if place == 4 else LF)
        if not fits:
            self.reset()
            return b""
        self._got.append(char)
        if place < 5:
            return None
        choice = bytes(self._got[1:4])
        self.reset()
        return choice


class CommandReader:
    """Reads a command message SOH ... ETX BCC of programming mode; one that ends in EOT is a partial block.

    What comes outside of messages is passed over, SOH begins anew. The block check may be any character, SOH too.
    """

    LONGEST = 512  # characters kept of a message; the longest value there is, the calibration record, takes 300

    def __init__(self):
        self._got = bytearray()
        self._check = 0
        self._ended = False  # the block check is the next character
        self.begun = False  # SOH has come, the block check not yet

    def reset(self) -> None:
        """Forget a message that has begun."""
        self.begun = False

    def feed(self, char: int) -> "bytes | None":
        """Take one character. None while there is no whole message; then what is between SOH and ETX, or b"" if the
        block check is wrong.

        A partial block keeps its EOT. Of a message that is too long, LONGEST + 1 characters are returned.
        """
        if self.begun and self._ended:
            self.begun = False
            return bytes(self._got) if char == self._check else b""
        if char == SOH:
            self._got = bytearray()
            self._check = 0
            self._ended = False
            self.begun = True
        elif self.begun:
            self._check ^= char
            self._ended = char in (ETX, EOT)
            if char != ETX and len(self._got) <= self.LONGEST:
                self._got.append(char)
        return None
