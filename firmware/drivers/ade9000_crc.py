"""The CRC that the ADE9000 appends to a register read and keeps of a burst in CRC_SPI: CRC-16/CCITT-FALSE.

Polynomial 0x1021, seed 0xFFFF, most significant bit first, no reflection, no final XOR (data sheet, "CRC of SPI").
"""

from array import array

import micropython


def make_table() -> array:
    """512 half-words for `crc16`: entry n < 256 is byte n's effect, entry 256 + n its effect one byte later."""
    table = array("H", [0] * 512)
    for n in range(512):
        crc = (n & 0xFF) << 8
        for _ in range(8 if n < 256 else 16):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
        table[n] = crc
    return table


@micropython.viper
def crc16(data: ptr8, table: ptr16, k: int, n: int) -> int:
    """CRC of data[k : k + n]; `n` is even, `table` from `make_table`. Two bytes a turn."""
    crc = 0xFFFF
    n += k
    while k < n:
        crc = int(table[256 + ((crc >> 8) ^ data[k])]) ^ int(table[(crc & 0xFF) ^ data[k + 1]])
        k += 2
    return crc
