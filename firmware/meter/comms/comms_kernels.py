"""The hot loop of the link layer in viper: the check sequence of HDLC frames. A pure function over a buffer."""

import micropython


@micropython.viper
def crc_x25(data: ptr8, crc: int, k: int, n: int) -> int:
    """CRC-16/X.25 register after data[k : k + n], from `crc` before (ISO/IEC 13239, 4.2.5.2): 0..FFFFh, not inverted.

    Polynomial 1021h, least significant bit first. Begin with FFFFh; the check sequence is the result inverted, sent
    low byte first. A byte's effect is folded together from its bits at once: no table.
    """
    n += k
    while k < n:
        x = crc ^ data[k]
        x = (x ^ x << 4) & 0xFF
        crc = crc >> 8 ^ (x << 5 ^ x) << 3 ^ x >> 4
        k += 1
    return crc
