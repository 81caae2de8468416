"""AES-GCM with 128-bit keys as DLMS/COSEM security suite 0 uses it: 12-byte IV, 12-byte tag (NIST SP 800-38D).

`cryptolib` gives AES for single blocks; its counter mode is not there on every board. The counter mode here enciphers
counter blocks, many with each call, and adds them to the text.
"""

import cryptolib
from micropython import const

from meter.comms.dlms.ghash import add_stream, ghash, make_table

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

KEY_BYTES = const(16)
IV_BYTES = const(12)
TAG_BYTES = const(12)
_ECB = const(1)
_BLOCK = const(16)
_AT_ONCE = const(16)  # counter blocks in one call of AES
LONGEST = const(0xFFFF)  # bytes of text, so that two bytes of a block's counter are enough

# Work space of one call: nothing waits while a text is enciphered, so all keys share it.
_counters = bytearray(_AT_ONCE * _BLOCK)
_stream = bytearray(_AT_ONCE * _BLOCK)
_stream_view = memoryview(_stream)
_counters_view = memoryview(_counters)


def equal(a: "Any", b: "Any") -> bool:
    """Whether two byte strings are equal; of the same length, it takes the same time wherever they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for n in range(len(a)):
        difference |= a[n] ^ b[n]
    return difference == 0


class Key:
    """A key with its key schedule and its GHASH table, about 1 KiB. ValueError if it has not 16 bytes.

    No IV may be used twice with the same key (ciphering.py: system title and invocation counter).
    """

    def __init__(self, key: "Any"):
        if len(key) != KEY_BYTES:
            raise ValueError("AES-GCM: a key has %d bytes, not %d" % (KEY_BYTES, len(key)))
        self._aes = cryptolib.aes(key, _ECB)
        self._table = make_table(self._aes.encrypt(bytes(_BLOCK)))
        self._state = bytearray(_BLOCK)
        self._block = bytearray(_BLOCK)

    def seal(self, iv: "Any", aad: "Any", plaintext: "Any") -> "tuple[bytearray, bytes]":
        """(ciphertext, tag)."""
        text = bytearray(plaintext)
        self.crypt(iv, text)
        return text, self.tag(iv, aad, text)

    def open(self, iv: "Any", aad: "Any", ciphertext: "Any", tag: "Any") -> "bytearray | None":
        """The plaintext; None, with nothing deciphered, if `tag` is not the right one."""
        if not equal(tag, self.tag(iv, aad, ciphertext)):
            return None
        text = bytearray(ciphertext)
        self.crypt(iv, text)
        return text

    def gmac(self, iv: "Any", aad: "Any") -> bytes:
        """The tag of what is authenticated only."""
        return self.tag(iv, aad, b"")

    def crypt(self, iv: "Any", text: "Any") -> None:
        """Encipher or decipher `text`, a writable buffer, in place. It does not tell whether the text is genuine."""
        size = len(text)
        if size > LONGEST or len(iv) != IV_BYTES:
            raise ValueError("AES-GCM: %d bytes of text, %d of IV" % (size, len(iv)))
        blocks = min(_AT_ONCE, (size + _BLOCK - 1) // _BLOCK)
        for n in range(blocks):
            _counters[_BLOCK * n : _BLOCK * n + IV_BYTES] = iv
        view = memoryview(text)
        counter = 2  # 1 belongs to the tag
        for start in range(0, size, _AT_ONCE * _BLOCK):
            part = min(size - start, _AT_ONCE * _BLOCK)
            self._next_stream(counter, (part + _BLOCK - 1) // _BLOCK)
            add_stream(view[start : start + part], _stream, part)
            counter += _AT_ONCE

    def tag(self, iv: "Any", aad: "Any", ciphertext: "Any") -> bytes:
        """The tag over additional authenticated data and ciphertext."""
        if len(iv) != IV_BYTES:
            raise ValueError("AES-GCM: %d bytes of IV" % len(iv))
        state, block = self._state, self._block
        for n in range(_BLOCK):
            state[n] = 0
        ghash(self._table, state, aad, len(aad))
        ghash(self._table, state, ciphertext, len(ciphertext))
        block[:8] = (8 * len(aad)).to_bytes(8, "big")
        block[8:] = (8 * len(ciphertext)).to_bytes(8, "big")
        ghash(self._table, state, block, _BLOCK)
        block[:IV_BYTES] = iv
        block[IV_BYTES:] = b"\x00\x00\x00\x01"
        self._aes.encrypt(block, block)
        add_stream(state, block, TAG_BYTES)
        return bytes(state[:TAG_BYTES])

    def _next_stream(self, counter: int, blocks: int) -> None:
        """The key stream's `blocks` blocks from `counter` on, into the work space that has the IV."""
        for n in range(blocks):
            at = _BLOCK * n + IV_BYTES
            _counters[at + 2] = counter + n >> 8
            _counters[at + 3] = counter + n & 0xFF
        size = blocks * _BLOCK
        self._aes.encrypt(_counters_view[:size], _stream_view[:size])
