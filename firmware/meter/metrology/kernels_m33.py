"""The busy kernels of kernels.py in Cortex-M33 assembler: same arguments, same layouts, same results bit by bit.

For boards that say KERNELS = "m33" (kernel_choice.py); files named *_m33.py go to Cortex-M33 only. What returns nothing
in viper returns a number without meaning here. Buffers may lie at any byte if they are pages, else at whole words, as
MicroPython's arrays do.

Arguments arrive in r0..r3, buffers as addresses; the result leaves in r0. MicroPython saves r4..r7 and lr; r8..r11 are
saved here. Branches, labels, push and pop are in MicroPython's own words. For most other instructions it has none: they
stand as half-words with their text behind them, and `python -m tools.emulator.words` writes the words from the text.

Four instructions save the most:
    rev         swaps the bytes of a word;
    smlawb/t    a + (b * c >> 16), b 32 bits, c the lower or upper 16 bits of a word. With b shifted left by 11 a
                product / 32, rounded down, goes into its sum at once; with b shifted by 1 and c by 6, one / 512;
    uxtah       adds the lower 16 bits of a word.
"""

import micropython


@micropython.asm_thumb
def reference(r0, r1, r2, r3):
    """As kernels.reference(j, table, out, state)."""
    push({r8, r9})
    data(2, 0xE9D3, 0x4500, 0x689E)  # ldrd r4, r5, [r3]; ldr r6, [r3, #8] @ phase, step, slot
    data(2, 0xF852, 0x7026, 0x6017)  # ldr r7, [r2, r6, lsl #2]; str r7, [r2]
    data(2, 0x6098, 0x2800)  # str r0, [r3, #8]; cmp r0, #0
    beq(END)
    data(2, 0x00A4, 0x00AD)  # lsls r4, r4, #2; lsls r5, r5, #2 @ 2**32 is a full turn, and wraps by itself
    data(2, 0xF44F, 0x4E80)  # mov lr, #0x4000
    label(NEXT)
    data(2, 0x0DE7, 0xEB01, 0x0747)  # lsrs r7, r4, #23; add r7, r1, r7, lsl #1 @ where in the table
    data(2, 0xF3C4, 0x260E, 0x1964)  # ubfx r6, r4, #8, #15; adds r4, r4, r5 @ how far to the next entry
    data(2, 0xF8D7, 0xC000, 0xFA1F, 0xF88C)  # ldr r12, [r7]; uxth r8, r12 @ two entries in one word
    data(2, 0xEBC8, 0x4C1C, 0xFB0C, 0xEC06)  # rsb r12, r8, r12, lsr #16; mla r12, r12, r6, lr
    data(2, 0xEB08, 0x38EC)  # add r8, r8, r12, asr #15 @ sine
    data(2, 0xF8D7, 0xC100, 0xFA1F, 0xF98C)  # ldr r12, [r7, #256]; uxth r9, r12 @ a quarter of a turn on
    data(2, 0xEBC9, 0x4C1C, 0xFB0C, 0xEC06)  # rsb r12, r9, r12, lsr #16; mla r12, r12, r6, lr
    data(2, 0xEB09, 0x39EC)  # add r9, r9, r12, asr #15 @ cosine
    data(2, 0xEAC9, 0x4908, 0xF842, 0x9F04)  # pkhbt r9, r9, r8, lsl #16; str r9, [r2, #4]!
    data(2, 0x3801)  # subs r0, #1
    bne(NEXT)
    data(2, 0x08A4, 0x601C)  # lsrs r4, r4, #2; str r4, [r3]
    label(END)
    pop({r8, r9})


@micropython.asm_thumb
def correlate(r0, r1, r2, r3):
    """As kernels.correlate(page, ref, k, state). All factors go to the stack first, at most 256 bytes."""
    push({r3, r8, r9, r10, r11})
    data(2, 0xE9D3, 0x8900)  # ldrd r8, r9, [r3] @ shifts of u, i
    data(2, 0xF3C2, 0x4585, 0xEB01, 0x0185)  # ubfx r5, r2, #18, #6; add r1, r1, r5, lsl #2 @ first slot of ref
    data(2, 0xF3C2, 0x4501, 0xEB00, 0x00C5)  # ubfx r5, r2, #16, #2; add r0, r0, r5, lsl #3 @ the phase in the page
    data(2, 0xF3C2, 0x0509, 0x261C)  # ubfx r5, r2, #0, #10; movs r6, #28
    data(2, 0xFB05, 0x0006)  # mla r0, r5, r6, r0 @ its first set
    data(2, 0xF3C2, 0x2285, 0x2A00)  # ubfx r2, r2, #10, #6; cmp r2, #0 @ n
    beq_w(DONE)
    data(2, 0x2501, 0xFA05, 0xFA08, 0xFA05, 0xFB09)  # movs r5, #1; lsl r10, r5, r8; lsl r11, r5, r9
    data(2, 0xF1AA, 0x0A01, 0xF1AB, 0x0B01)  # sub r10, #1; sub r11, #1 @ masks of u, i
    data(2, 0xEA4F, 0x065A, 0xEA4F, 0x075B)  # lsr r6, r10, #1; lsr r7, r11, #1 @ rests of u, i
    data(2, 0xF04F, 0x0C00, 0xF04F, 0x0E00)  # mov r12, #0; mov lr, #0 @ sizes of u, i
    # a shift is taken from a register's lowest byte: n - 1 goes above it
    data(2, 0x1E53, 0xEA48, 0x2803)  # subs r3, r2, #1; orr r8, r8, r3, lsl #8
    label(FACTOR)
    data(2, 0x6844, 0xF850, 0x3B1C)  # ldr r4, [r0, #4]; ldr r3, [r0], #28 @ u, i
    data(2, 0xBA1B, 0xBA24)  # rev r3, r3; rev r4, r4
    data(2, 0x443B, 0x4434)  # add r3, r7; add r4, r6
    data(2, 0xEA03, 0x070B, 0xEA04, 0x060A)  # and r7, r3, r11; and r6, r4, r10
    data(2, 0xFA43, 0xF309, 0xFA44, 0xF408)  # asr r3, r3, r9; asr r4, r4, r8
    data(2, 0xEA83, 0x75E3, 0xEA4E, 0x0E05)  # eor r5, r3, r3, asr #31; orr lr, lr, r5
    data(2, 0xEA84, 0x75E4, 0xEA4C, 0x0C05)  # eor r5, r4, r4, asr #31; orr r12, r12, r5
    push({r3, r4})
    data(2, 0xF5B8, 0x7880)  # subs r8, r8, #0x100
    bpl(FACTOR)
    data(2, 0xEB0D, 0x05C2, 0x682B)  # add r5, sp, r2, lsl #3; ldr r3, [r5] @ the state's address lies below the factors
    data(2, 0xE9D3, 0x6702, 0xEA46, 0x060C)  # ldrd r6, r7, [r3, #8]; orr r6, r6, r12
    data(2, 0xEA47, 0x070E, 0xE9C3, 0x6702)  # orr r7, r7, lr; strd r6, r7, [r3, #8]
    data(2, 0xEA4C, 0x0C0E, 0x2001)  # orr r12, r12, lr; movs r0, #1
    data(2, 0xEA5F, 0x3CDC)  # lsrs r12, r12, #15
    beq(FITS)
    mov(sp, r5)
    b(END)
    label(FITS)
    data(2, 0x2000, 0x4607, 0x4680, 0x4681)  # movs r0, #0; mov r7, r0; mov r8, r0; mov r9, r0 @ u*u, i*i, u*i, u*c
    data(2, 0x4682, 0x4683, 0x4684)  # mov r10, r0; mov r11, r0; mov r12, r0 @ u*s, i*c, i*s
    data(2, 0xEB01, 0x0182)  # add r1, r1, r2, lsl #2 @ from the last set to the first, as the stack gives them
    label(PRODUCTS)
    pop({r3, r4})
    data(2, 0xF851, 0x5D04, 0xF085, 0x2580)  # ldr r5, [r1, #-4]!; eor r5, r5, #0x80008000 @ c below, s above, with sign
    data(2, 0x02E6, 0xFB36, 0x0004)  # lsls r6, r4, #11; smlawb r0, r6, r4, r0
    data(2, 0xFB36, 0x8803, 0xFB36, 0x9905)  # smlawb r8, r6, r3, r8; smlawb r9, r6, r5, r9
    data(2, 0xFB36, 0xAA15, 0x02DE)  # smlawt r10, r6, r5, r10; lsls r6, r3, #11
    data(2, 0xFB36, 0x7703, 0xFB36, 0xBB05)  # smlawb r7, r6, r3, r7; smlawb r11, r6, r5, r11
    data(2, 0xFB36, 0xCC15, 0x3A01)  # smlawt r12, r6, r5, r12; subs r2, #1
    bne(PRODUCTS)
    data(2, 0x9B00)  # ldr r3, [sp]
    data(2, 0xE9D3, 0x4504, 0xFA14, 0xF480)  # ldrd r4, r5, [r3, #16]; uxtah r4, r4, r0
    data(2, 0xEB05, 0x4520, 0xE9C3, 0x4504)  # add r5, r5, r0, asr #16; strd r4, r5, [r3, #16]
    data(2, 0xE9D3, 0x4506, 0xFA14, 0xF487)  # ldrd r4, r5, [r3, #24]; uxtah r4, r4, r7
    data(2, 0xEB05, 0x4527, 0xE9C3, 0x4506)  # add r5, r5, r7, asr #16; strd r4, r5, [r3, #24]
    data(2, 0xE9D3, 0x4508, 0xFA14, 0xF488)  # ldrd r4, r5, [r3, #32]; uxtah r4, r4, r8
    data(2, 0xEB05, 0x4528, 0xE9C3, 0x4508)  # add r5, r5, r8, asr #16; strd r4, r5, [r3, #32]
    data(2, 0xE9D3, 0x450A, 0xFA14, 0xF489)  # ldrd r4, r5, [r3, #40]; uxtah r4, r4, r9
    data(2, 0xEB05, 0x4529, 0xE9C3, 0x450A)  # add r5, r5, r9, asr #16; strd r4, r5, [r3, #40]
    data(2, 0xE9D3, 0x450C, 0xFA14, 0xF48A)  # ldrd r4, r5, [r3, #48]; uxtah r4, r4, r10
    data(2, 0xEB05, 0x452A, 0xE9C3, 0x450C)  # add r5, r5, r10, asr #16; strd r4, r5, [r3, #48]
    data(2, 0xE9D3, 0x450E, 0xFA14, 0xF48B)  # ldrd r4, r5, [r3, #56]; uxtah r4, r4, r11
    data(2, 0xEB05, 0x452B, 0xE9C3, 0x450E)  # add r5, r5, r11, asr #16; strd r4, r5, [r3, #56]
    data(2, 0xE9D3, 0x4510, 0xFA14, 0xF48C)  # ldrd r4, r5, [r3, #64]; uxtah r4, r4, r12
    data(2, 0xEB05, 0x452C, 0xE9C3, 0x4510)  # add r5, r5, r12, asr #16; strd r4, r5, [r3, #64]
    label(DONE)
    data(2, 0x2000)  # movs r0, #0
    label(END)
    pop({r3, r8, r9, r10, r11})


@micropython.asm_thumb
def neutral(r0, r1, r2):
    """As kernels.neutral(page, k, state)."""
    push({r8, r9})
    data(2, 0xF3C1, 0x0309, 0x241C)  # ubfx r3, r1, #0, #10; movs r4, #28
    data(2, 0xFB03, 0x0004)  # mla r0, r3, r4, r0 @ first set
    data(2, 0xF3C1, 0x4300, 0x3B01)  # ubfx r3, r1, #16, #1; subs r3, #1 @ mask of the third current
    data(2, 0x6814, 0x2501, 0x40A5, 0x3D01)  # ldr r4, [r2]; movs r5, #1; lsls r5, r4; subs r5, #1 @ shift, mask
    data(2, 0x086E, 0xF04F, 0x0800, 0xF04F, 0x0E00)  # lsrs r6, r5, #1; mov r8, #0; mov lr, #0 @ rest, sum, size
    data(2, 0xF3C1, 0x2185, 0x2900)  # ubfx r1, r1, #10, #6; cmp r1, #0
    beq(END)
    label(NEXT)
    data(2, 0x6907, 0xBA3F, 0x401F)  # ldr r7, [r0, #16]; rev r7, r7; ands r7, r3
    data(2, 0xF8D0, 0xC008, 0xFA9C, 0xFC8C, 0x4467)  # ldr r12, [r0, #8]; rev r12, r12; add r7, r12
    data(2, 0xF850, 0xCB1C, 0xFA9C, 0xFC8C, 0x4467)  # ldr r12, [r0], #28; rev r12, r12; add r7, r12
    data(2, 0x19BF, 0xEA07, 0x0605, 0x4127)  # adds r7, r7, r6; and r6, r7, r5; asrs r7, r4
    data(2, 0xEA87, 0x7CE7, 0xEA4E, 0x0E0C)  # eor r12, r7, r7, asr #31; orr lr, lr, r12
    data(2, 0xEA4F, 0x2CC7, 0xFB3C, 0x8807)  # lsl r12, r7, #11; smlawb r8, r12, r7, r8
    data(2, 0x3901)  # subs r1, #1
    bne(NEXT)
    label(END)
    data(2, 0x6854, 0xEA44, 0x040E, 0x6054)  # ldr r4, [r2, #4]; orr r4, r4, lr; str r4, [r2, #4]
    data(2, 0x2001, 0xEA5F, 0x3EDE)  # movs r0, #1; lsrs lr, lr, #15
    bne(OUT)
    data(2, 0xE9D2, 0x4502, 0xFA14, 0xF488)  # ldrd r4, r5, [r2, #8]; uxtah r4, r4, r8
    data(2, 0xEB05, 0x4528, 0xE9C2, 0x4502)  # add r5, r5, r8, asr #16; strd r4, r5, [r2, #8]
    data(2, 0x2000)  # movs r0, #0
    label(OUT)
    pop({r8, r9})


@micropython.asm_thumb
def rising(r0, r1, r2, r3):
    """As kernels.rising(page, k, n, state)."""
    data(2, 0xF3C1, 0x0409, 0x251C, 0xFB04, 0x0005)  # ubfx r4, r1, #0, #10; movs r5, #28; mla r0, r4, r5, r0
    data(2, 0x0A89, 0xEB00, 0x0081)  # lsrs r1, r1, #10; add r0, r0, r1, lsl #2
    data(2, 0xE9D3, 0x4500, 0x426D)  # ldrd r4, r5, [r3]; negs r5, r5 @ armed, level
    data(2, 0x0016)  # movs r6, r2
    beq(NONE)
    data(2, 0x2C00)  # cmp r4, #0
    bne(ARMED)
    label(UNARMED)
    data(2, 0xF850, 0x7B1C, 0xBA3F, 0xEBB5, 0x2F27)  # ldr r7, [r0], #28; rev r7, r7; cmp r5, r7, asr #8
    bgt(ARM)
    data(2, 0x3A01)  # subs r2, #1
    bne(UNARMED)
    b(NONE)
    label(ARM)
    data(2, 0x2401)  # movs r4, #1
    label(NEXT)
    data(2, 0x3A01)  # subs r2, #1
    beq(NONE)
    label(ARMED)
    data(2, 0xF850, 0x7B1C, 0xBA3F, 0x123F)  # ldr r7, [r0], #28; rev r7, r7; asrs r7, r7, #8
    bmi(NEXT)
    data(2, 0x42AF)  # cmp r7, r5
    blt(ARM)
    data(2, 0x2100, 0x6019, 0x1AB0)  # movs r1, #0; str r1, [r3]; subs r0, r6, r2
    b(END)
    label(NONE)
    data(2, 0x601C, 0xF04F, 0x30FF)  # str r4, [r3]; mov r0, #-1
    label(END)


@micropython.asm_thumb
def fold(r0, r1, r2, r3):
    """As kernels.fold(page, k, bins, grid).

    A point in grid[POINTS:] is t << 6, as smlawb takes it, + 1 << 22 if the sample has another one, + place << 23.
    On the stack, in words: i, u, sets left, steps of i and u; from byte 20 on history, page and bins of the phase,
    phases left, sets, points; at 44 the result.
    """
    push({r8, r9, r10, r11})
    data(2, 0xB08C)  # sub sp, #48
    data(2, 0xF04F, 0x0E00, 0xF8CD, 0xE02C)  # mov lr, #0; str lr, [sp, #44]
    data(2, 0xF3C1, 0x2785, 0x9709)  # ubfx r7, r1, #10, #6; str r7, [sp, #36]
    data(2, 0x2F00)  # cmp r7, #0
    beq_w(END)
    data(2, 0xF3C1, 0x0509, 0x261C, 0xFB05, 0x0006)  # ubfx r5, r1, #0, #10; movs r6, #28; mla r0, r5, r6, r0
    data(2, 0x9006, 0x9207)  # str r0, [sp, #24]; str r2, [sp, #28]
    data(2, 0xF3C1, 0x4102, 0xF041, 0x0108)  # ubfx r1, r1, #16, #3; orr r1, #8 @ phases, and behind them an end
    data(2, 0x9108)  # str r1, [sp, #32]
    data(2, 0xF103, 0x0410, 0x9405)  # add r4, r3, #16; str r4, [sp, #20]
    data(2, 0xF103, 0x0840, 0xF8CD, 0x8028)  # add r8, r3, #64; str r8, [sp, #40]
    data(2, 0xE893, 0x1070)  # ldm r3, {r4, r5, r6, r12} @ at, gap, count, total
    data(2, 0xF1A4, 0x6480)  # sub r4, r4, #0x4000000 @ at - ONE: a carry ends the sample
    data(2, 0xF44F, 0x0980)  # mov r9, #0x400000 @ the bank's and the flag's bit of points
    data(2, 0xEBB6, 0x060C)  # subs r6, r6, r12 @ minus the points left; its last byte is the place
    bmi(FIRST_BANK)
    data(2, 0xEBA6, 0x060C, 0xF049, 0x4900)  # sub r6, r6, r12; orr r9, r9, #0x80000000
    label(FIRST_BANK)
    data(2, 0xF5CC, 0x7080)  # rsb r0, r12, #256 @ below this a bank's first cycle
    data(2, 0x2100)  # movs r1, #0
    label(POINT)
    data(2, 0xF3C4, 0x4B48, 0xEA49, 0x1A8B)  # ubfx r11, r4, #17, #9; orr r10, r9, r11, lsl #6
    data(2, 0xF366, 0x5ADE, 0xF848, 0xAB04)  # bfi r10, r6, #23, #8; str r10, [r8], #4
    data(2, 0x4286)  # cmp r6, r0
    blt(CLEAR)
    label(CLEARED)
    data(2, 0x3601)  # adds r6, #1
    beq(FULL)
    label(NEXT)
    data(2, 0x1964)  # adds r4, r4, r5
    bmi(POINT)
    data(2, 0xF42A, 0x0A80, 0xF848, 0xAC04)  # bic r10, r10, #0x400000; str r10, [r8, #-4]
    data(2, 0xF1A4, 0x6480, 0x3F01)  # sub r4, r4, #0x4000000; subs r7, #1
    bne(POINT)
    b(PHASES)
    label(CLEAR)
    data(2, 0xEA4F, 0x5BDA, 0xEB02, 0x0B8B)  # lsr r11, r10, #23; add r11, r2, r11, lsl #2
    data(2, 0xF8CB, 0x1000, 0xF8CB, 0x1800, 0xF50B, 0x5B80)  # str r1, [r11]; str r1, [r11, #2048]; add r11, r11, #4096
    data(2, 0xF8CB, 0x1000, 0xF8CB, 0x1800, 0xF50B, 0x5B80)  # str r1, [r11]; str r1, [r11, #2048]; add r11, r11, #4096
    data(2, 0xF8CB, 0x1000, 0xF8CB, 0x1800)  # str r1, [r11]; str r1, [r11, #2048]
    b(CLEARED)
    label(FULL)
    data(2, 0xEA4F, 0x7ED9, 0xF10E, 0x0E01, 0xF8CD, 0xE02C)  # lsr lr, r9, #31; add lr, #1; str lr, [sp, #44]
    data(2, 0xF089, 0x4900, 0xF1CC, 0x0600)  # eor r9, r9, #0x80000000; rsb r6, r12, #0
    b(NEXT)
    label(PHASES)
    data(2, 0xF104, 0x6480, 0x601C)  # add r4, r4, #0x4000000; str r4, [r3]
    data(2, 0x4466, 0xF1B9, 0x0F00)  # add r6, r6, r12; cmp r9, #0
    bpl(COUNTED)
    data(2, 0x4466)  # add r6, r6, r12
    label(COUNTED)
    data(2, 0x609E)  # str r6, [r3, #8]
    label(PHASE)
    data(2, 0x9C08, 0x0864)  # ldr r4, [sp, #32]; lsrs r4, r4, #1
    beq_w(END)
    data(2, 0x9408)  # str r4, [sp, #32]
    data(2, 0x9A05, 0x9D06, 0xF8DD, 0x801C)  # ldr r2, [sp, #20]; ldr r5, [sp, #24]; ldr r8, [sp, #28]
    bcc(SKIP)
    data(2, 0xE892, 0x009A)  # ldm r2, {r1, r3, r4, r7} @ i, the one before, u, the one before
    data(2, 0x1ACE, 0x1BE7, 0x4622)  # subs r6, r1, r3; subs r7, r4, r7; mov r2, r4
    data(2, 0x9B09, 0xE88D, 0x00CE)  # ldr r3, [sp, #36]; stm sp, {r1, r2, r3, r6, r7}
    data(2, 0x980A, 0xF508, 0x6900)  # ldr r0, [sp, #40]; add r9, r8, #2048
    label(SAMPLE)
    data(2, 0xE89D, 0x00CE, 0x3B01)  # ldm sp, {r1, r2, r3, r6, r7}; subs r3, #1
    bmi(DONE)
    data(2, 0xF855, 0xAB04, 0xF855, 0xBB18)  # ldr r10, [r5], #4; ldr r11, [r5], #24
    data(2, 0xFA9A, 0xFA8A, 0xFA9B, 0xFB8B)  # rev r10, r10; rev r11, r11
    data(2, 0xF08A, 0x4A00, 0xF08B, 0x4B00)  # eor r10, r10, #0x80000000; eor r11, r11, #0x80000000
    data(2, 0xEBC1, 0x2A1A, 0xEBC2, 0x2B1B)  # rsb r10, r1, r10, lsr #8; rsb r11, r2, r11, lsr #8 @ steps to the next
    data(2, 0xEBA1, 0x0C66, 0xEBA2, 0x0E67)  # sub r12, r1, r6, asr #1; sub lr, r2, r7, asr #1 @ half-way back
    data(2, 0x4451, 0x445A, 0xE88D, 0x0C0E)  # add r1, r10; add r2, r11; stm sp, {r1, r2, r3, r10, r11}
    data(2, 0xEBBA, 0x0A06, 0xEBBB, 0x0B07)  # subs r10, r10, r6; subs r11, r11, r7
    data(2, 0xF02A, 0x0A01, 0xF02B, 0x0B01)  # bic r10, r10, #1; bic r11, r11, #1 @ bends, doubled
    label(ADD)
    data(2, 0xF850, 0x1B04, 0x0DCA)  # ldr r1, [r0], #4; lsrs r2, r1, #23 @ carry: the flag
    data(2, 0xFB3A, 0x6301, 0xEA4F, 0x0343)  # smlawb r3, r10, r1, r6; lsl r3, r3, #1
    data(2, 0xF858, 0x4022, 0xFB33, 0xC301)  # ldr r4, [r8, r2, lsl #2]; smlawb r3, r3, r1, r12
    data(2, 0x441C, 0xF848, 0x4022)  # add r4, r3; str r4, [r8, r2, lsl #2]
    data(2, 0xFB3B, 0x7301, 0xEA4F, 0x0343)  # smlawb r3, r11, r1, r7; lsl r3, r3, #1
    data(2, 0xF859, 0x4022, 0xFB33, 0xE301)  # ldr r4, [r9, r2, lsl #2]; smlawb r3, r3, r1, lr
    data(2, 0x441C, 0xF849, 0x4022)  # add r4, r3; str r4, [r9, r2, lsl #2]
    bcs(ADD)
    b(SAMPLE)
    label(DONE)
    data(2, 0x1B8E, 0x1BD7, 0x9B05)  # subs r6, r1, r6; subs r7, r2, r7; ldr r3, [sp, #20]
    data(2, 0xE9C3, 0x1600, 0xE9C3, 0x2702)  # strd r1, r6, [r3]; strd r2, r7, [r3, #8]
    label(SKIP)
    data(2, 0x9A05, 0x3210, 0x9205)  # ldr r2, [sp, #20]; adds r2, #16; str r2, [sp, #20]
    data(2, 0x9D06, 0x3508, 0x9506)  # ldr r5, [sp, #24]; adds r5, #8; str r5, [sp, #24]
    data(2, 0x9B07, 0xF503, 0x5380, 0x9307)  # ldr r3, [sp, #28]; add r3, r3, #4096; str r3, [sp, #28]
    b(PHASE)
    label(END)
    data(2, 0xB00B)  # add sp, #44
    pop({r0, r8, r9, r10, r11})


@micropython.asm_thumb
def dft(r0, r1, r2, r3):
    """As kernels.dft(bins, table, k, out). Two orders go through the products at a time.

    The table's values are taken as they stand, with their offset: x * (t + 32768) / 32 = x * t / 32 + 1024 * x, and
    1024 times the sum of all x is taken off beforehand. On the stack: what the sums of a pair of orders start with, for
    odd orders, then for even ones; place in out; shift.
    """
    push({r8, r9, r10, r11})
    data(2, 0xEB00, 0x0082, 0x0A52)  # add r0, r0, r2, lsl #2; lsrs r2, r2, #9
    data(2, 0xF44F, 0x74A0, 0xFB02, 0x3304)  # mov r4, #320; mla r3, r2, r4, r3
    push({r1, r3})
    # bins 0, 128, then 64, 192
    data(2, 0x6806, 0xF8D0, 0x7200, 0xEA4F, 0x0A46)  # ldr r6, [r0]; ldr r7, [r0, #512]; lsl r10, r6, #1
    data(2, 0x1BF7, 0x6007, 0xEA87, 0x7BE7)  # subs r7, r6, r7; str r7, [r0]; eor r11, r7, r7, asr #31
    data(2, 0x427F, 0xF8C0, 0x7200)  # negs r7, r7; str r7, [r0, #512]
    data(2, 0xF8D0, 0x6100, 0xF8D0, 0x7300)  # ldr r6, [r0, #256]; ldr r7, [r0, #768]
    data(2, 0x1BF4, 0x443E, 0xEBA6, 0x060A)  # subs r4, r6, r7; add r6, r7; sub r6, r6, r10
    data(2, 0xF8C0, 0x4100, 0xF8C0, 0x6300)  # str r4, [r0, #256]; str r6, [r0, #768]
    data(2, 0xEA84, 0x77E4, 0xEA4B, 0x0B07)  # eor r7, r4, r4, asr #31; orr r11, r11, r7
    data(2, 0xEA86, 0x77E6, 0xEA4B, 0x0B07)  # eor r7, r6, r6, asr #31; orr r11, r11, r7
    # bins n, 128 + n, 128 - n, 256 - n
    data(2, 0x1D04, 0xF500, 0x75FE)  # adds r4, r0, #4; add r5, r0, #508
    label(QUARTERS)
    data(2, 0x6826, 0xF8D4, 0x8200)  # ldr r6, [r4]; ldr r8, [r4, #512]
    data(2, 0x682F, 0xF8D5, 0x9200)  # ldr r7, [r5]; ldr r9, [r5, #512]
    data(2, 0xEBA6, 0x0C08, 0x4446, 0xEBA6, 0x060A)  # sub r12, r6, r8; add r6, r8; sub r6, r6, r10
    data(2, 0xEBA7, 0x0E09, 0x444F, 0xEBA7, 0x070A)  # sub lr, r7, r9; add r7, r9; sub r7, r7, r10
    data(2, 0xEBAC, 0x080E, 0x44F4)  # sub r8, r12, lr; add r12, lr
    data(2, 0x19F1, 0x1BF6)  # adds r1, r6, r7; subs r6, r6, r7
    data(2, 0xF8C4, 0x1200, 0xF844, 0x8B04)  # str r1, [r4, #512]; str r8, [r4], #4
    data(2, 0xF8C5, 0x6200, 0xF845, 0xC904)  # str r6, [r5, #512]; str r12, [r5], #-4
    data(2, 0xEA88, 0x77E8, 0xEA4B, 0x0B07)  # eor r7, r8, r8, asr #31; orr r11, r11, r7
    data(2, 0xEA8C, 0x77EC, 0xEA4B, 0x0B07)  # eor r7, r12, r12, asr #31; orr r11, r11, r7
    data(2, 0xEA81, 0x77E1, 0xEA4B, 0x0B07)  # eor r7, r1, r1, asr #31; orr r11, r11, r7
    data(2, 0xEA86, 0x77E6, 0xEA4B, 0x0B07)  # eor r7, r6, r6, asr #31; orr r11, r11, r7
    data(2, 0x42AC)  # cmp r4, r5
    bne(QUARTERS)
    # down to 15 bits with sign; sums of bins 1..63, 65..127, 129..191, 193..255
    data(2, 0xFABB, 0xF48B, 0xF1C4, 0x0412, 0xF384, 0x0406)  # clz r4, r11; rsb r4, r4, #18; usat r4, #6, r4
    data(2, 0x2501, 0x40A5, 0x086D)  # movs r5, #1; lsls r5, r4; lsrs r5, r5, #1 @ half of what is cut off
    data(2, 0xF04F, 0x0804, 0x4601)  # mov r8, #4; mov r1, r0
    label(BLOCK)
    data(2, 0xF04F, 0x0C00, 0x2220)  # mov r12, #0; movs r2, #32
    label(SCALE)
    data(2, 0xE9D1, 0x6700, 0x1976, 0x4126)  # ldrd r6, r7, [r1]; adds r6, r6, r5; asrs r6, r4
    data(2, 0x197F, 0x4127, 0xE8E1, 0x6702)  # adds r7, r7, r5; asrs r7, r4; strd r6, r7, [r1], #8
    data(2, 0x44B4, 0x44BC, 0x3A01)  # add r12, r6; add r12, r7; subs r2, #1
    bne(SCALE)
    data(2, 0xF5A1, 0x7680, 0x6836, 0xEBAC, 0x0C06)  # sub r6, r1, #256; ldr r6, [r6]; sub r12, r12, r6
    data(2, 0xF84D, 0xCD04)  # push {r12}
    data(2, 0xF1B8, 0x0801)  # subs r8, r8, #1
    bne(BLOCK)
    pop({r5, r6, r7, r8})  # sums, the last one first
    pop({r2, r3})  # table, out
    push({r3, r4})
    # even orders: bin 128 plus or minus 192, nothing
    data(2, 0xF8D0, 0xA200, 0xEBCA, 0x3ACA)  # ldr r10, [r0, #512]; rsb r10, r10, r10, lsl #15
    data(2, 0xEA4F, 0x1A6A, 0xEBAA, 0x2A86)  # mov r10, r10, asr #5; sub r10, r10, r6, lsl #10
    data(2, 0xF8D0, 0x9300, 0xEBC9, 0x39C9)  # ldr r9, [r0, #768]; rsb r9, r9, r9, lsl #15
    data(2, 0xEB0A, 0x1C69, 0xEBAA, 0x1A69)  # add r12, r10, r9, asr #5; sub r10, r10, r9, asr #5
    data(2, 0xF04F, 0x0900, 0xEBA9, 0x2B85, 0x46DE)  # mov r9, #0; sub r11, r9, r5, lsl #10; mov lr, r11
    push({r10, r11, r12, lr})
    # odd orders: bin 0, plus or minus bin 64
    data(2, 0xF8D0, 0xA000, 0xEBCA, 0x3ACA)  # ldr r10, [r0]; rsb r10, r10, r10, lsl #15
    data(2, 0xEA4F, 0x1A6A, 0xEBAA, 0x2A88, 0x46D4)  # mov r10, r10, asr #5; sub r10, r10, r8, lsl #10; mov r12, r10
    data(2, 0xF8D0, 0x9100, 0xEBC9, 0x39C9)  # ldr r9, [r0, #256]; rsb r9, r9, r9, lsl #15
    data(2, 0xEA4F, 0x1969)  # mov r9, r9, asr #5
    data(2, 0xEBA9, 0x2B87, 0xEBAB, 0x0E49)  # sub r11, r9, r7, lsl #10; sub lr, r11, r9, lsl #1
    push({r10, r11, r12, lr})
    data(2, 0xF500, 0x71FE, 0x3004)  # add r1, r0, #508; adds r0, #4 @ bins from both ends
    data(2, 0xF502, 0x7380)  # add r3, r2, #256 @ cosines
    # one turn is 2**16 in either half; the lower one is order 1, the upper one order 3
    data(2, 0xF240, 0x1500, 0xF2C0, 0x3500)  # movw r5, #0x0100; movt r5, #0x0300
    label(PAIR)
    data(2, 0xE89D, 0x5C00, 0x2400)  # ldm sp, {r10, r11, r12, lr}; movs r4, #0
    label(PRODUCTS)
    data(2, 0xF850, 0x6B04, 0xF851, 0x7904)  # ldr r6, [r0], #4; ldr r7, [r1], #-4
    data(2, 0xFA94, 0xF445, 0xF3C4, 0x18C8)  # uadd16 r4, r4, r5; ubfx r8, r4, #7, #9
    data(2, 0xF833, 0x9018, 0xF832, 0x8018)  # ldrh r9, [r3, r8, lsl #1]; ldrh r8, [r2, r8, lsl #1]
    data(2, 0xFB09, 0xF906, 0xFB08, 0xF807)  # mul r9, r9, r6; mul r8, r8, r7
    data(2, 0xEB0A, 0x1A69, 0xEB0B, 0x1B68)  # add r10, r10, r9, asr #5; add r11, r11, r8, asr #5
    data(2, 0xEA4F, 0x58D4)  # lsr r8, r4, #23
    data(2, 0xF833, 0x9018, 0xF832, 0x8018)  # ldrh r9, [r3, r8, lsl #1]; ldrh r8, [r2, r8, lsl #1]
    data(2, 0xFB09, 0xF906, 0xFB08, 0xF807)  # mul r9, r9, r6; mul r8, r8, r7
    data(2, 0xEB0C, 0x1C69, 0xEB0E, 0x1E68)  # add r12, r12, r9, asr #5; add lr, lr, r8, asr #5
    data(2, 0x4288)  # cmp r0, r1
    bne(PRODUCTS)
    data(2, 0x9E08, 0xE9C6, 0xAB00, 0xE9C6, 0xCE04)  # ldr r6, [sp, #32]; strd r10, r11, [r6]; strd r12, lr, [r6, #16]
    data(2, 0x3620, 0x9608)  # adds r6, #32; str r6, [sp, #32]
    data(2, 0x38FC, 0x31FC)  # subs r0, #252; adds r1, #252
    data(2, 0xF105, 0x2504, 0xB2AE, 0xF5B6, 0x5F20)  # add r5, r5, #0x04000400; uxth r6, r5; cmp r6, #0x2800
    bls(PAIR)
    data(2, 0xF416, 0x7F80)  # tst r6, #0x100
    beq(END)
    data(2, 0xAE04, 0xE896, 0x5C00)  # add r6, sp, #16; ldm r6, {r10, r11, r12, lr}
    data(2, 0xE88D, 0x5C00)  # stm sp, {r10, r11, r12, lr}
    data(2, 0x9E08, 0xF5A6, 0x769C, 0x9608)  # ldr r6, [sp, #32]; sub r6, r6, #312; str r6, [sp, #32]
    data(2, 0xF500, 0x7000, 0xF501, 0x7100)  # add r0, r0, #512; add r1, r1, #512
    data(2, 0xF240, 0x2500, 0xF2C0, 0x4500)  # movw r5, #0x0200; movt r5, #0x0400
    b(PAIR)
    label(END)
    data(2, 0xB009)  # add sp, #36
    pop({r0})
    pop({r8, r9, r10, r11})
