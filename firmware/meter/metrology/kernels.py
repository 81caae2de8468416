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
At most four arguments, the busiest first: as mpy-cross compiles viper, the first two locals are in registers. What an
expression needs from memory last should stand last in it: fewer halves of it have to be laid aside.
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

# Layout of the state of `neutral`: array("i", [0] * NEUTRAL_WORDS)
N_SHIFT = const(0)  # as U_SHIFT
N_SIZE = const(1)
N_SUM = const(2)  # lower 16 bits, rest
NEUTRAL_WORDS = const(4)

# Layout of the state of `fold`: array("i", [0] * GRID_WORDS)
AT = const(0)  # from half a sample before the sample last taken to the next grid point; ONE is a sample
GAP = const(1)  # from grid point to grid point, at most ONE
COUNT = const(2)  # grid points so far, modulo 2 * TOTAL
TOTAL = const(3)  # grid points in a fold: cycles * GRID
HISTORY = const(4)  # per channel: the last sample, the one before
POINTS = const(16)  # what one call takes to which grid point: at most four a sample
GRID_WORDS = const(144)
GRID = const(256)  # grid points a cycle
ONE = const(1 << 26)
ZERO = const(0x800000)  # code 0 as `fold` keeps it: code / 256 + ZERO
BANK_WORDS = const(512)  # of `bins`, per channel: two banks, one being filled, one being transformed
CHANNELS = const(6)
ORDERS = const(40)

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
        i = ((((((((page[k] ^ 0x80) - 0x80) << 8) + page[k + 1]) << 8) + page[k + 2]) << 8) + page[k + 3]) + i_rest
        k += 4
        u = ((((((((page[k] ^ 0x80) - 0x80) << 8) + page[k + 1]) << 8) + page[k + 2]) << 8) + page[k + 3]) + u_rest
        k += 24
        i_rest = i & i_mask
        u_rest = u & u_mask
        i >>= i_shift
        u >>= u_shift
        i_size = ((i >> 31) ^ i) | i_size
        u_size = ((u >> 31) ^ u) | u_size
        uu = ((u * u) >> PRODUCT_SHIFT) + uu
        ii = ((i * i) >> PRODUCT_SHIFT) + ii
        ui = ((u * i) >> PRODUCT_SHIFT) + ui
        c = int(ref[j]) - 32768
        uc = ((u * c) >> PRODUCT_SHIFT) + uc
        ic = ((i * c) >> PRODUCT_SHIFT) + ic
        j += 1
        c = int(ref[j]) - 32768
        us = ((u * c) >> PRODUCT_SHIFT) + us
        i_s = ((i * c) >> PRODUCT_SHIFT) + i_s
        j += 1
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


@micropython.viper
def neutral(page: ptr8, k: int, state: ptr32) -> int:
    """Add the squares of i1 + i2 + i3 to the sum in `state`, each / 32.

    `k`: first set | number of sets (<= 32) << 10 | 1 << 16 if the third current does not count. Factors, sizes and
    what is returned: as in `correlate`.
    """
    n = (k >> 10) & 0x3F
    third = ((k >> 16) & 1) - 1
    k = 28 * (k & 0x3FF)
    shift = state[N_SHIFT]
    mask = (1 << shift) - 1
    rest = mask >> 1
    size = total = 0
    while n:
        i = (((((((page[k + 16] ^ 0x80) - 0x80) << 8) + page[k + 17]) << 8) + page[k + 18]) << 8) + page[k + 19]
        i = (i & third) + rest
        i = ((((((((page[k] ^ 0x80) - 0x80) << 8) + page[k + 1]) << 8) + page[k + 2]) << 8) + page[k + 3]) + i
        i = ((((((((page[k + 8] ^ 0x80) - 0x80) << 8) + page[k + 9]) << 8) + page[k + 10]) << 8) + page[k + 11]) + i
        rest = i & mask
        i >>= shift
        size = ((i >> 31) ^ i) | size
        total = ((i * i) >> PRODUCT_SHIFT) + total
        k += 28
        n -= 1
    state[N_SIZE] = int(state[N_SIZE]) | size
    if size >> 15:
        return 1
    state[2] = int(state[2]) + (total & 0xFFFF)
    state[3] = int(state[3]) + (total >> 16)
    return 0


@micropython.viper
def fold(page: ptr8, k: int, bins: ptr32, grid: ptr32) -> int:
    """Add the samples of up to three phases to one cycle of 256 points each, where they lie in their cycles.

    `k`: first set | number of sets (<= 32) << 10 | bit for each phase 0..2 << 16. `bins`: BANK_WORDS per channel,
    filled with sums of code / 256 + ZERO. Samples are joined by parabolas that meet half-way (quadratic B-spline): on
    the way t = 0..1 from the middle before a sample to the middle after it, with `step` to it and `next` from it,
    sample - step / 2 + t * (step + t * (next - step) / 2). t has 9 bits, which keeps products within 2**30.
    After `grid[TOTAL]` points the other bank is filled; returns 1 or 2 when bank 0 or 1 has become full, otherwise 0.
    """
    at = int(grid[AT])
    gap = int(grid[GAP])
    total = int(grid[TOTAL])
    place = int(grid[COUNT])
    left = total - place
    place &= 0xFF
    if left <= 0:
        left += total
        place |= GRID
    n = (k >> 10) & 0x3F
    full = 0
    q = POINTS
    while n:
        while at < ONE:
            grid[q] = (place << 10) | 0x200 | (at >> 17)
            if left > total - GRID:  # a bank's first cycle
                t = place
                while t < CHANNELS * BANK_WORDS:
                    bins[t] = 0
                    t += BANK_WORDS
            place = (place & GRID) | ((place + 1) & 0xFF)
            left -= 1
            if left == 0:
                left = total
                full = (place >> 8) + 1
                place ^= GRID
            q += 1
            at += gap
        grid[q - 1] = int(grid[q - 1]) ^ 0x200  # the last point before the next sample
        at -= ONE
        n -= 1
    grid[AT] = at
    grid[COUNT] = total - left + (place >> 8) * total
    sets = k  # k is in a register, and free for the busiest
    count = 0
    while count < 3:
        if (sets >> (16 + count)) & 1:
            at = 28 * (sets & 0x3FF) + 8 * count
            n = (sets >> 10) & 0x3F
            total = 2 * BANK_WORDS * count
            q = POINTS
            i = int(grid[HISTORY + 4 * count])
            i_step = i - int(grid[HISTORY + 1 + 4 * count])
            u = int(grid[HISTORY + 2 + 4 * count])
            u_step = u - int(grid[HISTORY + 3 + 4 * count])
            while n:
                i_next = (((((page[at] ^ 0x80) << 8) | page[at + 1]) << 8) | page[at + 2]) - i
                i_bend = (i_next - i_step) >> 1
                i_half = i - (i_step >> 1)
                i += i_next
                at += 4
                u_next = (((((page[at] ^ 0x80) << 8) | page[at + 1]) << 8) | page[at + 2]) - u
                u_bend = (u_next - u_step) >> 1
                u_half = u - (u_step >> 1)
                u += u_next
                at += 24
                while 1:
                    w = int(grid[q])
                    q += 1
                    t = w & 0x1FF
                    k = (w >> 10) + total
                    bins[k] = (((((t * i_bend) >> 9) + i_step) * t) >> 9) + i_half + int(bins[k])
                    k += BANK_WORDS
                    bins[k] = (((((t * u_bend) >> 9) + u_step) * t) >> 9) + u_half + int(bins[k])
                    if (w & 0x200) == 0:
                        break
                i_step = i_next
                u_step = u_next
                n -= 1
            grid[HISTORY + 4 * count] = i
            grid[HISTORY + 1 + 4 * count] = i - i_step
            grid[HISTORY + 2 + 4 * count] = u
            grid[HISTORY + 3 + 4 * count] = u - u_step
        count += 1
    return full


@micropython.viper
def dft(bins: ptr32, table: ptr16, k: int, out: ptr32) -> int:
    """Orders 1..40 of one channel's full bank of `fold`; what was in it is lost.

    `k`: channel * BANK_WORDS + bank * GRID. Writes pairs sum(bin * cosine), sum(bin * sine), each times
    32767 / 32 / 2**shift, to `out` from word channel * 2 * ORDERS on; returns the shift. Bins n, 128 - n, 128 + n and
    256 - n have the same sine and cosine but for their signs: added up beforehand, for odd and even orders apart, they
    leave a quarter of the products. The first bin is taken from all: orders do not see it, and numbers stay small.
    """
    zero = int(bins[k])
    a = zero - int(bins[k + 128])
    b = int(bins[k + 64])
    c = int(bins[k + 192])
    bins[k] = a + 0x8000000
    bins[k + 128] = 0x8000000 - a
    size = a ^ (a >> 31)
    a = b - c
    b += c - zero - zero
    bins[k + 64] = a + 0x8000000
    bins[k + 192] = b + 0x8000000
    size |= (a ^ (a >> 31)) | (b ^ (b >> 31))
    n = 1
    while n < 64:
        a = int(bins[k + 128 + n])
        b = int(bins[k + 256 - n])
        c = int(bins[k + n])
        x = c - a
        a += c - zero - zero
        c = int(bins[k + 128 - n])
        y = c - b
        b += c - zero - zero
        c = x - y
        bins[k + n] = c + 0x8000000
        size |= c ^ (c >> 31)
        c = x + y
        bins[k + 128 - n] = c + 0x8000000
        size |= c ^ (c >> 31)
        c = a + b
        bins[k + 128 + n] = c + 0x8000000
        size |= c ^ (c >> 31)
        c = a - b
        bins[k + 256 - n] = c + 0x8000000
        size |= c ^ (c >> 31)
        n += 1
    shift = 0
    while size >> 14:
        size >>= 1
        shift += 1
    c = 0x8000000 - ((1 << shift) >> 1)
    n = k + GRID
    while k < n:
        bins[k] = ((int(bins[k]) - c) >> shift) + 0x8000
        k += 1
    k -= GRID
    order = 1
    while order <= ORDERS:
        c = k if order & 1 else k + 128
        x = ((int(bins[c]) - 0x8000) * 0x7FFF) >> PRODUCT_SHIFT
        y = ((int(bins[c + 64]) - 0x8000) * 0x7FFF) >> PRODUCT_SHIFT
        if order & 2:
            y = 0 - y
        if (order & 1) == 0:
            x += y
            y = 0
        a = 0
        b = 2 * order
        n = c + 127
        c += 1
        while c < n:
            a = (a + b) & 0x1FF
            x = (((int(table[a + 128]) - 0x8000) * (int(bins[c]) - 0x8000)) >> PRODUCT_SHIFT) + x
            y = (((int(table[a]) - 0x8000) * (int(bins[n]) - 0x8000)) >> PRODUCT_SHIFT) + y
            c += 1
            n -= 1
        n = (k >> 9) * (2 * ORDERS) + b
        out[n - 2] = x
        out[n - 1] = y
        order += 1
    return shift
