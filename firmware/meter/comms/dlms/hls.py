"""High-level security log-in (DLMS UA 1000-2, 9.2.7.4): client and meter each prove that they know a secret.

The AARQ brings the client's challenge CtoS, the AARE the meter's, StoC. The client answers with f(StoC), the meter, if
that is right, with f(CtoS). From the side of the one who answers:

    3 MD5, 4 SHA-1  hash(challenge received, secret)
    5 GMAC          SC 10h, invocation counter, GMAC(SC, authentication key, challenge received): ciphering.Protection
    6 SHA-256       SHA-256(secret, own system title, the other's, challenge received, challenge sent)

Mechanism 2 is each manufacturer's own and not here. Nor is 7, ECDSA, which belongs to other security suites.
"""

import hashlib
import os

from micropython import const

from meter.comms.dlms.aes_gcm import equal
from meter.comms.dlms.ciphering import TITLE_BYTES

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from meter.comms.dlms.ciphering import Protection

MD5 = const(3)
SHA1 = const(4)
GMAC = const(5)
SHA256 = const(6)
_HASHES = {MD5: "md5", SHA1: "sha1", SHA256: "sha256"}  # not every board has all of them

_CHALLENGE_BYTES = const(16)  # there are clients that take no other length
_SHORTEST = const(8)
_LONGEST = const(64)


def mechanisms() -> "tuple[int, ...]":
    """The mechanisms that this board can do."""
    return tuple([m for m in (MD5, SHA1, GMAC, SHA256) if m == GMAC or hasattr(hashlib, _HASHES[m])])


def is_challenge(value: "Any") -> bool:
    """Whether the length is one that a challenge may have, 8 to 64 bytes."""
    return _SHORTEST <= len(value) <= _LONGEST


def digest(mechanism: int, secret: "Any", titles: "tuple", challenges: "tuple") -> bytes:
    """f of mechanisms 3, 4 and 6; `titles`: own and the other's, `challenges`: received and sent."""
    whole = bytearray(secret if mechanism == SHA256 else challenges[0])
    for part in titles + challenges if mechanism == SHA256 else (secret,):
        whole.extend(part)
    return getattr(hashlib, _HASHES[mechanism])(whole).digest()


class LogIn:
    """One log-in from the meter's side. `challenge` is StoC, for the AARE.

    `mechanism` is one of `mechanisms()`, `received` is CtoS. Mechanisms 3, 4 and 6 need the `secret`, 6 also the system
    `titles` (client's, meter's), 5 the association's `protection`, and `next_counter()` for an invocation counter of
    ours. ValueError if the mechanism cannot be had, or not with these.
    """

    def __init__(
        self,
        mechanism: int,
        received: "Any",
        secret: "Any" = b"",
        titles: "tuple" = (b"", b""),
        protection: "Protection | None" = None,
        next_counter: "Callable[[], int] | None" = None,
        length: int = _CHALLENGE_BYTES,
    ):
        if mechanism not in mechanisms():
            raise ValueError("not available")
        if not is_challenge(received) or not _SHORTEST <= length <= _LONGEST:
            raise ValueError("challenge: 8 to 64 bytes")
        if mechanism == GMAC and (protection is None or next_counter is None):
            raise ValueError("no keys")
        if mechanism != GMAC and not secret:
            raise ValueError("no secret")
        if mechanism == SHA256 and ([len(title) for title in titles] != [TITLE_BYTES] * 2 or titles[0] == titles[1]):
            raise ValueError("system titles: the meter's and another")
        self.challenge = os.urandom(length)
        self._mechanism, self._received, self._secret = mechanism, bytes(received), secret
        self._client, self._meter = titles
        self._protection, self._next_counter = protection, next_counter
        self._answered = False

    def answer(self, reply: "Any") -> "bytes | None":
        """f(CtoS) if `reply` is f(StoC), else None. A challenge is good for one reply. OSError as in ciphering."""
        if self._answered:
            return None
        self._answered = True
        if self._protection is not None and self._next_counter is not None and self._mechanism == GMAC:
            if not self._protection.signed(reply, self.challenge):
                return None
            return self._protection.sign(self._received, self._next_counter())
        titles = self._client, self._meter
        if not equal(reply, digest(self._mechanism, self._secret, titles, (self.challenge, self._received))):
            return None
        titles = self._meter, self._client
        return digest(self._mechanism, self._secret, titles, (self._received, self.challenge))
