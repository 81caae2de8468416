"""The two loops of AES-GCM that go through every byte: GHASH (NIST SP 800-38D, 6.4) and the addition of the key stream.

A block of 16 bytes is a polynomial over GF(2): the highest bit of the first byte is the coefficient of x^0. GHASH
multiplies it by H modulo x^128 + x^7 + x^2 + x + 1, with Shoup's tables for four bits. How many steps that takes
depends on lengths only, never on key or data; which words of the table are read does, and a RAM without cache does not
show it.
"""

import micropython
from micropython import const

_REDUCTION = const(0xE1)  # the modulus without x^128, as a first byte
_ROW = const(16)  # bytes of a product
_BACK = const(512)  # where what is shifted out comes back


def make_table(h: "bytes | bytearray") -> bytearray:
    """640 bytes for `ghash` from H, the cipher of 16 zero bytes; the highest bit of a nibble n is x^0.

    Row n of the first 16 is n * H, row n of the next 16 is n * H * x^4: four words each, the last one of the block
    first. What a multiplication by x^8 shifts out comes back in the first word of the block: the last four bits, n, as
    word 128 + n, the four before them as word 144 + n.
    """
    rows = [0] * 32
    value = int.from_bytes(h, "big")
    for start in (0, 16):
        for bit in (8, 4, 2, 1):
            for n in range(16):
                if n & bit:
                    rows[start + n] ^= value
            value = _times_x(value)
    table = bytearray(_BACK)
    for n in range(32):
        table[_ROW * n : _ROW * (n + 1)] = rows[n].to_bytes(_ROW, "little")
    return table + _come_back


def _times_x(value: int) -> int:
    return value >> 1 ^ (_REDUCTION << 120 if value & 1 else 0)


def _make_back() -> bytes:
    """The end of every table."""
    words = b""
    for n in range(32):
        back = n if n < 16 else n - 16 << 4
        for _ in range(8):
            back = _times_x(back)
        words += (back >> 96).to_bytes(4, "little")
    return words


_come_back = _make_back()


@micropython.viper
def ghash(table: ptr32, state: ptr8, data: ptr8, n: int):
    """Take data[:n] into the 16 bytes of `state`; a last part of a block is filled up with zeros.

    The words of the product are the same bits on 32 and on 64 bit, whatever sign they have: a shift to the right is
    masked, one to the left moves no more than the byte that belongs there.
    """
    k = 0
    while k < n:
        z0 = z1 = z2 = z3 = 0
        i = 15
        while i >= 0:
            byte = int(state[i])
            if k + i < n:
                byte ^= int(data[k + i])
            first = byte >> 4 << 2
            later = 64 + ((byte & 15) << 2)
            back = int(table[128 + (z3 & 15)]) ^ int(table[144 + (z3 >> 4 & 15)])
            z3 = (z3 >> 8 & 0x00FFFFFF) ^ (z2 & 255) << 24 ^ int(table[first]) ^ int(table[later])
            z2 = (z2 >> 8 & 0x00FFFFFF) ^ (z1 & 255) << 24 ^ int(table[first + 1]) ^ int(table[later + 1])
            z1 = (z1 >> 8 & 0x00FFFFFF) ^ (z0 & 255) << 24 ^ int(table[first + 2]) ^ int(table[later + 2])
            z0 = (z0 >> 8 & 0x00FFFFFF) ^ back ^ int(table[first + 3]) ^ int(table[later + 3])
            i -= 1
        i = 0
        while i < 4:
            shift = 24 - (i << 3)
            state[i] = z0 >> shift
            state[4 + i] = z1 >> shift
            state[8 + i] = z2 >> shift
            state[12 + i] = z3 >> shift
            i += 1
        k += 16


@micropython.viper
def add_stream(data: ptr8, stream: ptr8, n: int):
    """data[:n] ^= stream[:n]: enciphers and deciphers."""
    k = 0
    while k < n:
        data[k] ^= stream[k]
        k += 1
