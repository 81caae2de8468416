"""The loops over waveform samples, in viper. Pure functions over buffers; all state is in the caller's arrays.

Page layout (ADE9000 waveform buffer as streamed): sets of seven big-endian signed 32-bit codes, IA VA IB VB IC VC IN.
A *set* here is one sampling instant; set numbers count from the beginning of the page buffer.

A kernel must mean the same on 32-bit and 64-bit machines and in CPython:
- pointer loads are taken as unsigned, whatever the machine; signs come from (x ^ 0x80) - 0x80, or the value is stored
  with an offset of 32768;
- both factors of every product fit in 16 bits with sign, products go into a sum divided by 32, and a sum has at most 32
  of them, so that |sum| <= 2**30;
- what lasts longer than a call is kept in two words, the lower 16 bits and the rest added up apart;
- no literal of 2**30 or more.
At most four arguments, the busiest first: viper keeps the first three locals in registers.
"""

from array import array
from math import pi, sin

import micropython
from micropython import const

# Layout of the state of `correlate`: array("i", [0] * STATE_WORDS)
U_SHIFT = const(0)  # code / 2**shift is the 16-bit factor
I_SHIFT = const(1)
U_SIZE = const(2)  # OR of all factors' magnitudes: its bit length is that of the largest
I_SIZE = const(3)
SUMS = const(4)  # seven pairs (lower 16 bits, rest): u*u, i*i, u*i, u*c, u*s, i*c, i*s, each / 32
STATE_WORDS = const(18)
PRODUCT_SHIFT = const(5)

# Layout of the state of `reference`: array("i", [phase, step, slot])
PHASE = const(0)  # 2**30 is a full turn
STEP = const(1)  # per sample
SLOT = const(2)  # last slot written

MAX_SETS = const(32)  # per call of `correlate` and `reference`
_TABLE_STEPS = const(512)  # of sine_table, per turn


def sine_table() -> array:
    """A turn and a quarter of a sine, offset by 32768, amplitude 32767, 512 steps a turn; for `reference`."""
    steps = range(_TABLE_STEPS + _TABLE_STEPS // 4 + 1)
    return array("H", [32768 + round(32767 * sin(2 * pi * n / _TABLE_STEPS)) for n in steps])


@micropython.viper
def reference(j: int, table: ptr16, out: ptr16, state: ptr32):
    """Write the next `j` (<= 32) samples of the reference oscillator to `out`, and move `state` on.

    `out` holds 33 slots of (cosine, sine), offset by 32768. Slot 0 gets the last one of the call before, slots 1..j
    the new ones: the sample at the end of one block and that at the start of the next are neighbours in `out`.
    """
    phase = state[PHASE]
    step = state[STEP]
    last = 2 * int(state[SLOT])
    out[0] = out[last]
    out[1] = out[last + 1]
    state[SLOT] = j
    end = 2 * j
    j = 0
    while j < end:
        j += 2
        k = phase >> 21
        part = (phase >> 6) & 0x7FFF
        low = int(table[k])
        out[j + 1] = low + (((int(table[k + 1]) - low) * part + 0x4000) >> 15)
        low = int(table[k + 128])
        out[j] = low + (((int(table[k + 129]) - low) * part + 0x4000) >> 15)
        phase = (phase + step) & 0x3FFFFFFF
    state[PHASE] = phase


@micropython.viper
def correlate(page: ptr8, ref: ptr16, k: int, state: ptr32) -> int:
    """Add the products of one phase's u and i and of both with the reference to the sums in `state`.

    `k`: first set | number of sets (<= 32) << 10 | phase 0..2 << 16 | slot of the first set in `ref` << 18.
    The factors are code / 2**shift with the remainder carried from sample to sample, which pushes the rounding error
    above the frequencies that matter. Returns 0, or 1 if a factor does not fit in 16 bits: then only the sizes in
    `state` have changed, the caller sets larger shifts and calls again.
    """
    u_shift = state[U_SHIFT]
    i_shift = state[I_SHIFT]
    n = (k >> 10) & 0x3F
    j = 2 * ((k >> 18) & 0x3F)
    k = 28 * (k & 0x3FF) + 8 * ((k >> 16) & 3)
    u_mask = (1 << u_shift) - 1
    i_mask = (1 << i_shift) - 1
    u_rest = u_mask >> 1
    i_rest = i_mask >> 1
    u_size = i_size = 0
    uu = ii = ui = uc = us = ic = i_s = 0
    while n:
        i = i_rest + ((((page[k] ^ 0x80) - 0x80) << 24) | (page[k + 1] << 16) | (page[k + 2] << 8) | page[k + 3])
        u = u_rest + ((((page[k + 4] ^ 0x80) - 0x80) << 24) | (page[k + 5] << 16) | (page[k + 6] << 8) | page[k + 7])
        i_rest = i & i_mask
        u_rest = u & u_mask
        i >>= i_shift
        u >>= u_shift
        i_size |= i ^ (i >> 31)
        u_size |= u ^ (u >> 31)
        uu += (u * u) >> PRODUCT_SHIFT
        ii += (i * i) >> PRODUCT_SHIFT
        ui += (u * i) >> PRODUCT_SHIFT
        c = int(ref[j]) - 32768
        uc += (u * c) >> PRODUCT_SHIFT
        ic += (i * c) >> PRODUCT_SHIFT
        c = int(ref[j + 1]) - 32768
        us += (u * c) >> PRODUCT_SHIFT
        i_s += (i * c) >> PRODUCT_SHIFT
        j += 2
        k += 28
        n -= 1
    state[U_SIZE] = int(state[U_SIZE]) | u_size
    state[I_SIZE] = int(state[I_SIZE]) | i_size
    if (u_size | i_size) >> 15:
        return 1
    state[4] = int(state[4]) + (uu & 0xFFFF)
    state[5] = int(state[5]) + (uu >> 16)
    state[6] = int(state[6]) + (ii & 0xFFFF)
    state[7] = int(state[7]) + (ii >> 16)
    state[8] = int(state[8]) + (ui & 0xFFFF)
    state[9] = int(state[9]) + (ui >> 16)
    state[10] = int(state[10]) + (uc & 0xFFFF)
    state[11] = int(state[11]) + (uc >> 16)
    state[12] = int(state[12]) + (us & 0xFFFF)
    state[13] = int(state[13]) + (us >> 16)
    state[14] = int(state[14]) + (ic & 0xFFFF)
    state[15] = int(state[15]) + (ic >> 16)
    state[16] = int(state[16]) + (i_s & 0xFFFF)
    state[17] = int(state[17]) + (i_s >> 16)
    return 0


@micropython.viper
def rising(page: ptr8, k: int, n: int, state: ptr32) -> int:
    """Number of the first set, counted from the call's first, at which a channel has crossed zero upwards; or -1.

    `k`: first set | channel 0..6 << 10. `n`: number of sets. `state`: [armed, arming level]. A crossing counts only
    after the signal has been below minus the arming level (in codes / 256), which noise around zero is not.
    """
    armed = int(state[0])
    level = 0 - int(state[1])
    first = n
    k = 28 * (k & 0x3FF) + 4 * (k >> 10)
    while n:
        u = (((page[k] ^ 0x80) - 0x80) << 16) | (page[k + 1] << 8) | page[k + 2]
        if u < level:
            armed = 1
        elif armed and u >= 0:
            state[0] = 0
            return first - n
        k += 28
        n -= 1
    state[0] = armed
    return -1


@micropython.viper
def copy_set(out: ptr8, page: ptr8, k: int):
    """Copy set `k` of `page` to the beginning of `out` (28 bytes)."""
    k = 28 * k
    n = 0
    while n < 28:
        out[n] = page[k + n]
        n += 1


@micropython.viper
def code(page: ptr8, k: int) -> int:
    """The signed code of word `k` of `page`: set * 7 + channel."""
    k = 4 * k
    return (((page[k] ^ 0x80) - 0x80) << 24) | (page[k + 1] << 16) | (page[k + 2] << 8) | page[k + 3]
