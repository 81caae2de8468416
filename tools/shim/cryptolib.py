"""`cryptolib` for CPython: AES in the modes that every port of MicroPython has, ECB and CBC."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

_ECB, _CBC = 1, 2
_BLOCK = 16


class aes:
    """One direction: an object that has enciphered once does not decipher, and the other way round."""

    def __init__(self, key: Any, mode: int, iv: Any = None) -> None:
        if mode not in (_ECB, _CBC):
            raise ValueError("mode")
        if len(key) not in (16, 32):
            raise ValueError("key")
        if len(iv) != _BLOCK if iv is not None else mode == _CBC:
            raise ValueError("IV")
        self._cipher = Cipher(algorithms.AES(bytes(key)), modes.ECB() if mode == _ECB else modes.CBC(bytes(iv)))
        self._encrypting: bool | None = None
        self._context: CipherContext

    def encrypt(self, data: Any, out: Any = None) -> Any:
        return self._process(data, out, True)

    def decrypt(self, data: Any, out: Any = None) -> Any:
        return self._process(data, out, False)

    def _process(self, data: Any, out: Any, encrypting: bool) -> Any:
        """Whole blocks; as new bytes, or into `out`, which may be `data`."""
        if len(data) % _BLOCK:
            raise ValueError("blksize % 16")
        if out is not None and len(out) < len(data):
            raise ValueError("output too small")
        if self._encrypting is None:
            self._encrypting = encrypting
            self._context = self._cipher.encryptor() if encrypting else self._cipher.decryptor()
        elif self._encrypting != encrypting:
            raise ValueError("can't encrypt & decrypt")
        result = self._context.update(bytes(data))
        if out is None:
            return result
        out[: len(result)] = result
        return out
