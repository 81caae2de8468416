"""The two loops of AES-GCM that go through every byte: GHASH (NIST SP 800-38D, 6.4) and the addition of the key stream.

A block of 16 bytes is a polynomial over GF(2): the highest bit of the first byte is the coefficient of x^0. GHASH
multiplies it by H modulo x^128 + x^7 + x^2 + x + 1, with Shoup's tables for four bits. How many steps that takes
depends on lengths only, never on key or data; which words of the table are read does, and a RAM without cache does not
show it.
"""

from array import array

import micropython
from micropython import const

_REDUCTION = const(0xE1)  # the modulus without x^128, as a first byte
_LATER = const(64)  # where the products times x^4 begin
_BACK = const(128)  # where what is shifted out comes back
_TABLE_WORDS = const(160)


def make_table(h: "bytes | bytearray") -> array:
    """160 words for `ghash` from H, the cipher of 16 zero bytes; the highest bit of a nibble n is x^0.

    Word 4 * n + k is word k of n * H, word 64 + 4 * n + k is that of n * H * x^4. What a multiplication by x^8 shifts
    out comes back in the first word: the last four bits, n, as word 128 + n, the four before them as word 144 + n.
    """
    table = array("I", [0] * _TABLE_WORDS)
    value = int.from_bytes(h, "big")
    for start in (0, _LATER):
        products = [0] * 16
        for bit in (8, 4, 2, 1):
            for n in range(16):
                if n & bit:
                    products[n] ^= value
            value = _times_x(value)
        for n in range(16):
            for k in range(4):
                table[start + 4 * n + k] = products[n] >> (96 - 32 * k) & 0xFFFFFFFF
    for n in range(16):
        for k in range(2):
            back = n << 4 * k
            for _ in range(8):
                back = _times_x(back)
            table[_BACK + 16 * k + n] = back >> 96
    return table


def _times_x(value: int) -> int:
    return value >> 1 ^ (_REDUCTION << 120 if value & 1 else 0)


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
            low = 128 + (z3 & 15)
            high = 144 + (z3 >> 4 & 15)
            z3 = (z3 >> 8 & 0x00FFFFFF) ^ (z2 & 255) << 24 ^ int(table[first + 3]) ^ int(table[later + 3])
            z2 = (z2 >> 8 & 0x00FFFFFF) ^ (z1 & 255) << 24 ^ int(table[first + 2]) ^ int(table[later + 2])
            z1 = (z1 >> 8 & 0x00FFFFFF) ^ (z0 & 255) << 24 ^ int(table[first + 1]) ^ int(table[later + 1])
            z0 = (z0 >> 8 & 0x00FFFFFF) ^ int(table[low]) ^ int(table[high]) ^ int(table[first]) ^ int(table[later])
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
