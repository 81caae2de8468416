"""Protection of APDUs, security suite 0 (DLMS UA 1000-2, 9.2.7.2; IEC 62056-5-3): who may read and who may command.

A ciphered APDU is, with lengths as in A-XDR:

    service-specific    tag, length, security header, body             the tag tells the service and whose key it is
    general             DBh or DCh, length and sender's system title (or 0), length, security header, body

The security header is the security control byte SC and the sender's invocation counter (4 bytes). Of SC, bits 0 to 3
are the suite, bit 4 is authentication, 5 encryption, 6 the broadcast key, 7 compression. With authentication a tag of
12 bytes follows the text. IV: system title, invocation counter. Additional authenticated data:

    authenticated (10h)             SC, authentication key, plain text
    encrypted (20h)                 there is no tag
    authenticated, encrypted (30h)  SC, authentication key
"""

from micropython import const

from meter.comms.dlms.aes_gcm import KEY_BYTES, LONGEST, TAG_BYTES, Key, equal
from meter.comms.dlms.axdr import Malformed, put_length, take_length

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any, Protocol

    class Received(Protocol):
        """The least invocation counter that is still to come, and its move (counters.py)."""

        @property
        def least(self) -> int: ...

        def accept(self, counter: int) -> None: ...


# Security control
AUTHENTICATED = const(0x10)
ENCRYPTED = const(0x20)
BROADCAST = const(0x40)
_COMPRESSED = const(0x80)
_SUITE = const(0x0F)

# In which way an APDU is ciphered: whose key it is, and how it says so
GLOBAL = const(0)
DEDICATED = const(1)
GENERAL_GLOBAL = const(2)
GENERAL_DEDICATED = const(3)
_GENERAL_TAGS = b"\xdb\xdc"

# Why an APDU is refused
UNKNOWN_TAG = const(1)  # it is not ciphered, or its service has no ciphered form
MALFORMED = const(2)  # cut short, too long, or not the service that its tag says
NOT_SUPPORTED = const(3)  # another suite, compression, a key we do not have, no protection at all
WRONG_SENDER = const(4)  # not the system title of the association, or our own
WRONG_TAG = const(5)  # not genuine
OLD_COUNTER = const(6)  # genuine, and here before

TITLE_BYTES = const(8)
_HEADER_BYTES = const(5)

# The tags of each service: initiate-request, read, write; initiate-response, read, write; confirmed-service-error,
# unconfirmed-write, information-report; get-request, set, event-notification, action; get-response, set, action
_PLAIN = b"\x01\x05\x06\x08\x0c\x0d\x0e\x16\x18\xc0\xc1\xc2\xc3\xc4\xc5\xc7"
_CIPHERED = (
    b"\x21\x25\x26\x28\x2c\x2d\x2e\x36\x38\xc8\xc9\xca\xcb\xcc\xcd\xcf",  # GLOBAL
    b"\x41\x45\x46\x48\x4c\x4d\x4e\x56\x58\xd0\xd1\xd2\xd3\xd4\xd5\xd7",  # DEDICATED
)


class CipheringError(Exception):
    """An APDU that is refused; `reason` is one of the above. Nothing has changed.

    `least`: the lowest invocation counter that would be accepted, for OLD_COUNTER.
    """

    def __init__(self, reason: int, least: int = 0):
        super().__init__(reason)
        self.reason, self.least = reason, least


def way_of(tag: int) -> "int | None":
    """The way in which an APDU with this tag is ciphered; None if it is not."""
    for way, tags in enumerate(_CIPHERED):
        if tag in tags:
            return way
    return GENERAL_GLOBAL + _GENERAL_TAGS.index(bytes([tag])) if tag in _GENERAL_TAGS else None


class KeyInUse:
    """An encryption key with the counters received under it."""

    def __init__(self, key: "Any", received: "Received"):
        self.key = Key(key)
        self.received = received


class Protection:
    """The keys and titles of one association, from the side that has `own_title` (8 bytes, as `peer_title`).

    `unicast`: the global unicast encryption key. `authentication_key`: 16 bytes. Set when there are: `broadcast`, the
    global broadcast encryption key, and `dedicated`, the association's own. With `peer_title` None the first general
    APDU says who the peer is.

    What is encrypted and not authenticated could come from anybody. Its counters are kept apart and end with this
    object: a forged one must not lock the client out.

    CipheringError if the peer has our title: what we have sent would then be taken for the peer's. ValueError for
    other lengths.
    """

    def __init__(self, own_title: "Any", peer_title: "Any", unicast: KeyInUse, authentication_key: "Any"):
        if len(authentication_key) != KEY_BYTES or len(own_title) != TITLE_BYTES:
            raise ValueError("ciphering: an authentication key has 16 bytes, a system title 8")
        self.own_title = bytes(own_title)
        self.peer_title = None if peer_title is None else self._sender(bytes(peer_title), None)
        self.unicast = unicast
        self.broadcast: "KeyInUse | None" = None
        self.dedicated: "KeyInUse | None" = None
        self._authentication_key = bytes(authentication_key)
        self._unproven = [0, 0, 0]  # least counter after those without tag: unicast, broadcast, dedicated

    # --- APDUs -----------------------------------------------------------------------------------------------------

    def protect(self, apdu: "Any", sc: int, counter: int, way: int = GLOBAL) -> bytearray:
        """`apdu` ciphered as `sc` says, in this way, under an invocation counter that was never used with the key.

        CipheringError if its service has no form in this way or `sc` asks for what there is not.
        """
        if way <= DEDICATED:
            place = _PLAIN.find(bytes([apdu[0]]))
            if place < 0:
                raise CipheringError(UNKNOWN_TAG)
            out = bytearray([_CIPHERED[way][place]])
        else:
            out = bytearray([_GENERAL_TAGS[way - GENERAL_GLOBAL], TITLE_BYTES])
            out.extend(self.own_title)
        used = self._key(sc, way)[0]
        put_length(out, _HEADER_BYTES + len(apdu) + (TAG_BYTES if sc & AUTHENTICATED else 0))
        out.append(sc)
        out.extend(counter.to_bytes(4, "big"))
        start = len(out)
        out.extend(apdu)
        iv = self.own_title + counter.to_bytes(4, "big")
        if sc & ENCRYPTED:
            used.key.crypt(iv, memoryview(out)[start:])
        if sc & AUTHENTICATED:
            out.extend(self._tag(used.key, iv, sc, memoryview(out)[start:]))
        return out

    def unprotect(self, data: "Any") -> "tuple[bytearray, int, int]":
        """(plain APDU, security control, invocation counter) of a ciphered APDU from the peer.

        A genuine counter is on record before this returns. CipheringError; OSError if the memory does not keep the
        counter, and then the service must not be executed either.
        """
        data = memoryview(data)
        way, title, start = self._open_envelope(data)
        sc = data[start]
        used, number = self._key(sc, way)
        counter = int.from_bytes(data[start + 1 : start + _HEADER_BYTES], "big")
        start += _HEADER_BYTES
        end = len(data) - (TAG_BYTES if sc & AUTHENTICATED else 0)
        if end <= start:
            raise CipheringError(MALFORMED)
        iv = title + counter.to_bytes(4, "big")
        if sc & AUTHENTICATED and not equal(self._tag(used.key, iv, sc, data[start:end]), data[end:]):
            raise CipheringError(WRONG_TAG)
        if counter < used.received.least or not sc & AUTHENTICATED and counter < self._unproven[number]:
            raise CipheringError(OLD_COUNTER, used.received.least)
        text = bytearray(data[start:end])
        if sc & ENCRYPTED:
            used.key.crypt(iv, text)
        if way <= DEDICATED and text[0] != _PLAIN[_CIPHERED[way].index(bytes(data[:1]))]:
            raise CipheringError(MALFORMED)
        if sc & AUTHENTICATED:
            used.received.accept(counter)
            self.peer_title = title
        else:
            self._unproven[number] = counter + 1
        return text, sc, counter

    def _open_envelope(self, data: memoryview) -> "tuple[int, bytes, int]":
        """(way, sender's title, place of the security header); everything behind that place belongs to the APDU."""
        way = way_of(data[0]) if len(data) else None
        if way is None:
            raise CipheringError(UNKNOWN_TAG)
        title, at = self.peer_title, 1
        try:
            if way >= GENERAL_GLOBAL:
                length, at = take_length(data, at)
                if length not in (0, TITLE_BYTES) or length > len(data) - at:
                    raise CipheringError(MALFORMED)
                if length:
                    title = self._sender(bytes(data[at : at + length]), self.peer_title)
                at += length
            length, at = take_length(data, at)
        except Malformed:
            raise CipheringError(MALFORMED)
        if length != len(data) - at or not _HEADER_BYTES < length <= LONGEST:
            raise CipheringError(MALFORMED)
        if title is None:
            raise CipheringError(WRONG_SENDER)
        return way, title, at

    def _sender(self, title: bytes, expected: "bytes | None") -> bytes:
        if len(title) != TITLE_BYTES or title == self.own_title or expected not in (None, title):
            raise CipheringError(WRONG_SENDER)
        return title

    def _key(self, sc: int, way: int) -> "tuple[KeyInUse, int]":
        """The key that security control and way name, and its number."""
        if sc & (_SUITE | _COMPRESSED) or not sc & (AUTHENTICATED | ENCRYPTED):
            raise CipheringError(NOT_SUPPORTED)
        number = 0
        used: "KeyInUse | None" = self.unicast
        if way in (DEDICATED, GENERAL_DEDICATED):
            number, used = 2, None if sc & BROADCAST else self.dedicated
        elif sc & BROADCAST:
            number, used = 1, self.broadcast
        if used is None:
            raise CipheringError(NOT_SUPPORTED)
        return used, number

    def _tag(self, key: Key, iv: bytes, sc: int, text: "Any") -> bytes:
        aad = bytearray([sc])
        aad.extend(self._authentication_key)
        if sc & ENCRYPTED:
            return key.tag(iv, aad, text)
        aad.extend(text)
        return key.gmac(iv, aad)

    # --- log-in (mechanism 5) --------------------------------------------------------------------------------------

    def sign(self, challenge: "Any", counter: int) -> bytes:
        """f(challenge), 17 bytes: security control 10h, our invocation counter, GMAC over SC, AK, challenge."""
        number = counter.to_bytes(4, "big")
        tag = self._tag(self.unicast.key, self.own_title + number, AUTHENTICATED, challenge)
        return bytes([AUTHENTICATED]) + number + tag

    def signed(self, value: "Any", challenge: "Any") -> bool:
        """Whether `value` is the peer's f(challenge). OSError if the memory does not keep its counter.

        An old counter is no reason to refuse: the challenge is new each time, and clients cipher the APDU that carries
        the value under a later counter, or under the same.
        """
        if self.peer_title is None or len(value) != _HEADER_BYTES + TAG_BYTES or value[0] != AUTHENTICATED:
            return False
        iv = self.peer_title + bytes(value[1:_HEADER_BYTES])
        if not equal(self._tag(self.unicast.key, iv, AUTHENTICATED, challenge), value[_HEADER_BYTES:]):
            return False
        counter = int.from_bytes(iv[TITLE_BYTES:], "big")
        if counter >= self.unicast.received.least:
            self.unicast.received.accept(counter)
        return True
