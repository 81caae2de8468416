"""AES key wrap (RFC 3394): how DLMS/COSEM security suite 0 transfers a new key under the master key."""

import cryptolib
from micropython import const

from meter.comms.dlms.aes_gcm import equal

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_ECB = const(1)
_STEPS = const(6)
_HALF = const(8)  # bytes: the cipher's block is two halves
_INITIAL_VALUE = b"\xa6" * 8


def wrap(master: "Any", key: "Any") -> bytes:
    """`key` (16 bytes, or more in steps of 8) wrapped under the 16 bytes of `master`; 8 bytes longer. ValueError."""
    if len(key) < 2 * _HALF or len(key) % _HALF:
        raise ValueError("key wrap: a key of %d bytes" % len(key))
    cipher = cryptolib.aes(master, _ECB)
    text = bytearray(_INITIAL_VALUE) + key
    block, count = bytearray(2 * _HALF), len(key) // _HALF
    block[:_HALF] = _INITIAL_VALUE
    for turn in range(_STEPS * count):
        at = _HALF * (1 + turn % count)
        block[_HALF:] = text[at : at + _HALF]
        cipher.encrypt(block, block)
        text[at : at + _HALF] = block[_HALF:]
        _count_turn(block, turn + 1)
    text[:_HALF] = block[:_HALF]
    return bytes(text)


def unwrap(master: "Any", wrapped: "Any") -> "bytes | None":
    """The key; None if `wrapped` has no length that a wrapped key has, or was not made with this master key."""
    if len(wrapped) < 3 * _HALF or len(wrapped) % _HALF:
        return None
    cipher = cryptolib.aes(master, _ECB)
    text = bytearray(wrapped)
    block, count = bytearray(2 * _HALF), len(wrapped) // _HALF - 1
    block[:_HALF] = text[:_HALF]
    for turn in range(_STEPS * count - 1, -1, -1):
        at = _HALF * (1 + turn % count)
        _count_turn(block, turn + 1)
        block[_HALF:] = text[at : at + _HALF]
        cipher.decrypt(block, block)
        text[at : at + _HALF] = block[_HALF:]
    return bytes(text[_HALF:]) if equal(block[:_HALF], _INITIAL_VALUE) else None


def _count_turn(block: bytearray, turn: int) -> None:
    """The turn's number goes into the first half's end; two bytes hold it for any key there is."""
    block[_HALF - 1] ^= turn & 0xFF
    block[_HALF - 2] ^= turn >> 8
