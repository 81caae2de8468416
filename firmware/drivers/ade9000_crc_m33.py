"""`crc16` of ade9000_crc.py in Cortex-M33 assembler, without the table. How it is written: metrology/kernels_m33.py.

With P = x**16 + x**12 + x**5 + 1, the CRC of a message M is M * x**16 mod P, all of them polynomials over GF(2). The
loop works modulo P**2 = x**32 + x**24 + x**10 + 1, a word at a time. For the remainder s so far, s * x**32 / P**2
without its fraction is, because 1 / (1 + e) = (1 + e) * (1 + e**2) * ...,
    q = s * (1 + x**-8 + x**-22) * (1 + x**-16)
and s * x**32 - q * P**2 is the lower word of q * (1 + x**10 + x**24). Once at the end the same is done with P.
"""

import micropython


@micropython.asm_thumb
def crc16(r0, r1, r2, r3):
    """As ade9000_crc.crc16(data, table, k, n)."""
    data(2, 0x4410)  # add r0, r0, r2
    # 0xFFFF0000 / x**32 mod P**2: what makes the seed of the first word's upper half
    data(2, 0xF64F, 0x710F, 0xF2C0, 0x31FC)  # movw r1, #0xFF0F; movt r1, #0x03FC
    data(2, 0x089A)  # lsrs r2, r3, #2
    beq(REDUCE)
    label(WORD)
    data(2, 0xF850, 0x4B04, 0xBA24)  # ldr r4, [r0], #4; rev r4, r4
    data(2, 0xEA81, 0x2511, 0xEA85, 0x5591)  # eor r5, r1, r1, lsr #8; eor r5, r5, r1, lsr #22
    data(2, 0xEA85, 0x4515)  # eor r5, r5, r5, lsr #16 @ q
    data(2, 0x406C, 0xEA84, 0x2485)  # eors r4, r5; eor r4, r4, r5, lsl #10
    data(2, 0xEA84, 0x6105)  # eor r1, r4, r5, lsl #24
    data(2, 0x3A01)  # subs r2, #1
    bne(WORD)
    label(REDUCE)  # r1 * x**16 mod P
    data(2, 0xEA81, 0x1211, 0xEA82, 0x22D1)  # eor r2, r1, r1, lsr #4; eor r2, r2, r1, lsr #11
    data(2, 0xEA82, 0x4211)  # eor r2, r2, r1, lsr #16
    data(2, 0xEA82, 0x2412, 0xEA84, 0x5492)  # eor r4, r2, r2, lsr #8; eor r4, r4, r2, lsr #22
    data(2, 0xEA84, 0x4414)  # eor r4, r4, r4, lsr #16 @ q
    data(2, 0xEA84, 0x1144, 0xEA81, 0x3104)  # eor r1, r4, r4, lsl #5; eor r1, r1, r4, lsl #12
    data(2, 0xB289)  # uxth r1, r1
    data(2, 0xF013, 0x0202)  # ands r2, r3, #2
    beq(END)
    data(2, 0x8804, 0xBA64, 0x4061)  # ldrh r4, [r0]; rev16 r4, r4; eors r1, r4 @ two bytes are left
    data(2, 0x2300)  # movs r3, #0
    b(REDUCE)
    label(END)
    data(2, 0x4608)  # mov r0, r1
