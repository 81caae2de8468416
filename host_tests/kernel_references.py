"""What each kernel is to compute, in plain integers, and the inputs to try it with: edges first, then random ones.

Written from the kernels' docstrings and metrology/README.md. A reference changes its buffers as the kernel is to.
"""

from __future__ import annotations

import binascii
import random
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from drivers.ade9000_crc import make_table
from meter.comms.dlms.ghash import make_table as make_ghash_table
from meter.metrology import kernels as k

CODE_LIMIT = 1 << 28  # twice what a clipping input gives


@dataclass(frozen=True)
class Case:
    """`compute(*arguments)` is the reference, `inputs(generator)` yields arguments without end."""

    compute: Callable[..., int | None]
    inputs: Callable[[random.Random], Iterator[list[Any]]]


def split(total: int) -> tuple[int, int]:
    """Lower 16 bits and the rest."""
    return total % 65536, total // 65536


def word(page: bytes, number: int) -> int:
    return int.from_bytes(page[4 * number : 4 * number + 4], "big", signed=True)


def sets(page: bytes, first: int, count: int) -> list[list[int]]:
    """Rows of seven codes."""
    return [[word(page, 7 * n + channel) for channel in range(7)] for n in range(first, first + count)]


# --- inputs ---------------------------------------------------------------------------------------------------------


def patterns(limit: int) -> list[Callable[[int], int]]:
    """All at the top, all at the bottom, alternating, zero and minus one: code of word n."""
    return [
        lambda n: limit - 1,
        lambda n: -limit,
        lambda n: limit - 1 if n % 2 else -limit,
        lambda n: -limit if n // 7 % 2 else limit - 1,
        lambda n: 0,
        lambda n: -1,
    ]


def pages(generator: random.Random, count: int, limit: int = CODE_LIMIT) -> Iterator[bytes]:
    """Pages of `count` sets: the patterns, then random codes of random size."""
    for pattern in patterns(limit):
        yield packed([pattern(n) for n in range(7 * count)])
    while True:
        bound = 1 << generator.randrange(limit.bit_length())
        yield packed([generator.randrange(-bound, bound) for _ in range(7 * count)])


def packed(codes: list[int]) -> bytes:
    return b"".join(code.to_bytes(4, "big", signed=True) for code in codes)


# --- kernels --------------------------------------------------------------------------------------------------------


def crc16(data: bytes, table: array[int], start: int, length: int) -> int:
    return binascii.crc_hqx(data[start : start + length], 0xFFFF)


def crc16_inputs(generator: random.Random) -> Iterator[list[Any]]:
    table = make_table()
    for length in (0, 2, 4, 448):
        yield [bytes(length), table, 0, length]
        yield [b"\xff" * length, table, 0, length]
    while True:
        start, length = generator.randrange(5), 2 * generator.randrange(0, 120)
        yield [generator.randbytes(start + length), table, start, length]


def crc_x25(data: bytes, crc: int, start: int, length: int) -> int:
    """Bit by bit, as the standard's shift register does."""
    for byte in data[start : start + length]:
        for bit in range(8):
            crc = crc // 2 ^ (0x8408 if (crc ^ byte >> bit) & 1 else 0)
    return crc


def crc_x25_inputs(generator: random.Random) -> Iterator[list[Any]]:
    yield [b"123456789", 0xFFFF, 0, 9]
    for crc in (0, 0xFFFF, 0xF0B8):
        for byte in (b"", b"\x00", b"\xff"):
            yield [byte, crc, 0, len(byte)]
    while True:
        start, length = generator.randrange(5), generator.randrange(0, 140)
        yield [generator.randbytes(start + length), generator.randrange(1 << 16), start, length]


def reference(count: int, table: array[int], out: array[int], state: array[int]) -> None:
    """Slot n: cosine and sine at phase + (n - 1) * step of 2**30, on straight lines between the table's points."""
    phase, step, last = state
    out[0:2] = out[2 * last : 2 * last + 2]
    for n in range(1, count + 1):
        place, rest = divmod(phase, 1 << 21)
        part = rest // 64
        for offset, quarter in ((0, 128), (1, 0)):  # a quarter of a turn further on, a sine is a cosine
            low, high = table[place + quarter], table[place + quarter + 1]
            out[2 * n + offset] = low + ((high - low) * part + 16384) // 32768
        phase = (phase + step) % (1 << 30)
    state[k.PHASE], state[k.SLOT] = phase, count


def reference_inputs(generator: random.Random) -> Iterator[list[Any]]:
    table = k.sine_table()
    fixed = [(0, 0), ((1 << 30) - 1, (1 << 30) - 1), (0, 1 << 29), ((1 << 30) - 1, 1)]
    while True:
        phase, step = fixed.pop() if fixed else (generator.randrange(1 << 30), generator.randrange(1 << 24))
        out = array("H", generator.choices(range(65536), k=66))
        yield [generator.randrange(0, 33), table, out, array("i", [phase, step, generator.randrange(33)])]


def correlate(page: bytes, ref: array[int], span: int, state: array[int]) -> int:
    """Rounding with the remainder carried on, floor of each product / 32, sums in two words; or only sizes."""
    first, count, phase, slot = span % 1024, span >> 10 & 63, span >> 16 & 3, span >> 18
    factors: list[list[int]] = []
    for channel, shift in ((2 * phase + 1, state[k.U_SHIFT]), (2 * phase, state[k.I_SHIFT])):
        rest, row = (2**shift - 1) // 2, []
        for codes in sets(page, first, count):
            factor, rest = divmod(codes[channel] + rest, 2**shift)
            row.append(factor)
        factors.append(row)
    for place, row in zip((k.U_SIZE, k.I_SIZE), factors, strict=True):
        for factor in row:
            state[place] |= factor if factor >= 0 else -1 - factor
    if any(not -32768 <= factor < 32768 for row in factors for factor in row):
        return 1
    sums = [0] * 7
    for n, (u, i) in enumerate(zip(*factors, strict=True)):
        c, s = ref[2 * (slot + n)] - 32768, ref[2 * (slot + n) + 1] - 32768
        for place, product in enumerate((u * u, i * i, u * i, u * c, u * s, i * c, i * s)):
            sums[place] += product // 32
    for n, total in enumerate(sums):
        low, rest = split(total)
        state[k.SUMS + 2 * n] += low
        state[k.SUMS + 2 * n + 1] += rest
    return 0


def correlate_inputs(generator: random.Random) -> Iterator[list[Any]]:
    extremes = [[0] * 66, [65535] * 66, [0, 65535] * 33]
    for page in pages(generator, 33):
        ref = extremes.pop() if extremes else generator.choices(range(65536), k=66)
        shift = 13
        if not extremes:
            # the codes' own size, or too small a shift for them
            size = max(abs(word(page, n)) for n in range(7 * 33)).bit_length()
            shift = max(0, size - generator.choice((13, 14, 15, 15, 17)))
        first = generator.randrange(33)
        count = generator.randint(1, min(32, 33 - first))
        span = first | count << 10 | generator.randrange(3) << 16 | generator.randint(0, 33 - count) << 18
        state = array("i", [shift, shift, generator.randrange(1 << 15), generator.randrange(1 << 15)])
        state.extend(generator.randrange(-(1 << 22), 1 << 22) for _ in range(k.STATE_WORDS - len(state)))
        yield [page, array("H", ref), span, state]


def rising(page: bytes, place: int, count: int, state: array[int]) -> int:
    armed, level = state
    for n, codes in enumerate(sets(page, place % 1024, count)):
        value = codes[place >> 10] // 256
        if value < -level:
            armed = 1
        elif armed and value >= 0:
            state[0] = 0
            return n
    state[0] = armed
    return -1


def rising_inputs(generator: random.Random) -> Iterator[list[Any]]:
    for page in pages(generator, 32, limit=1 << 31):
        first = generator.randrange(32)
        state = array("i", [generator.randrange(2), generator.choice((0, 1, 1000, 1 << 20))])
        yield [page, first | generator.randrange(7) << 10, generator.randint(0, 32 - first), state]


def copy_set(out: bytearray, page: bytes, number: int) -> None:
    out[:] = page[28 * number : 28 * number + 28]


def code(page: bytes, number: int) -> int:
    return word(page, number)


def neutral(page: bytes, span: int, state: array[int]) -> int:
    shift, total, fits = state[k.N_SHIFT], 0, True
    rest = (2**shift - 1) // 2
    for codes in sets(page, span % 1024, span >> 10 & 63):
        current = codes[0] + codes[2] + (0 if span >> 16 & 1 else codes[4])
        factor, rest = divmod(current + rest, 2**shift)
        state[k.N_SIZE] |= factor if factor >= 0 else -1 - factor
        fits = fits and -32768 <= factor < 32768
        total += factor * factor // 32
    if not fits:
        return 1
    low, rest = split(total)
    state[k.N_SUM] += low
    state[k.N_SUM + 1] += rest
    return 0


def neutral_inputs(generator: random.Random) -> Iterator[list[Any]]:
    for page in pages(generator, 33):
        size = max(abs(word(page, n)) for n in range(7 * 33)).bit_length()
        shift = max(0, size - generator.choice((12, 13, 14, 15, 17)))
        first = generator.randrange(33)
        span = first | generator.randint(0, min(32, 33 - first)) << 10 | generator.randrange(2) << 16
        state = [shift, generator.randrange(1 << 15), generator.randrange(1 << 22), generator.randrange(1 << 22)]
        yield [page, span, array("i", state)]


def spline(last: int, x: int, following: int, t: int) -> int:
    """On the parabola from the middle before x to the middle after it, t / 512 of the way."""
    step, bend = x - last, (following - x - (x - last)) // 2
    return x - step // 2 + (step + t * bend // 512) * t // 512


def fold(page: bytes, span: int, bins: array[int], grid: array[int]) -> int:
    total, full = grid[k.TOTAL], 0
    channels = [channel for channel in range(k.CHANNELS) if span >> 16 + channel // 2 & 1]
    before = {c: grid[k.HISTORY + 2 * c : k.HISTORY + 2 * c + 2] for c in channels}
    for codes in sets(page, span % 1024, span >> 10 & 63):
        while grid[k.AT] < k.ONE:
            bank, place = divmod(grid[k.COUNT], total)
            for c in range(k.CHANNELS):
                at = k.BANK_WORDS * c + k.GRID * bank + place % k.GRID
                if place < k.GRID:
                    bins[at] = 0
                if c in before:
                    x, last = before[c]
                    bins[at] += spline(last, x, codes[c] // 256 + k.ZERO, grid[k.AT] // 2**17)
            grid[k.COUNT] = (grid[k.COUNT] + 1) % (2 * total)
            full = bank + 1 if grid[k.COUNT] % total == 0 else full
            grid[k.AT] += grid[k.GAP]
        grid[k.AT] -= k.ONE
        for c, history in before.items():
            before[c] = array("i", [codes[c] // 256 + k.ZERO, history[0]])
    for c, history in before.items():
        grid[k.HISTORY + 2 * c : k.HISTORY + 2 * c + 2] = history
    return full


def fold_inputs(generator: random.Random) -> Iterator[list[Any]]:
    for page in pages(generator, 33):
        gap = generator.choice((k.ONE, k.ONE // 4, generator.randrange(k.ONE // 4, k.ONE)))
        total = k.GRID * generator.choice((10, 12))
        count = generator.choice(
            (generator.randrange(2 * total), generator.randrange(k.GRID), total - 1, 2 * total - 1)
        )
        grid = array("i", [generator.randrange(gap), gap, count, total])
        grid.extend(k.ZERO + generator.choice((-(1 << 20), 1 << 20, 0)) for _ in range(2 * k.CHANNELS))
        grid.extend([0] * (k.GRID_WORDS - len(grid)))
        bins = array("i", [generator.randrange(11 * 2 * k.ZERO) for _ in range(k.CHANNELS * k.BANK_WORDS)])
        first = generator.randrange(33)
        span = first | generator.randint(0, min(32, 33 - first)) << 10 | generator.randrange(8) << 16
        yield [page, span, bins, grid]


def dft(bins: array[int], table: array[int], place: int, out: array[int]) -> int:
    """Quarters of the cycle added up, scaled to 15 bits with sign, products / 32."""
    x = [value - bins[place] for value in bins[place : place + k.GRID]]

    def quarters(n: int, cosine: int, half_wave: int) -> int:
        """Sum of the bins that have the same sine or cosine as bin n, with their signs."""
        mirrored = (
            half_wave * cosine
        )  # of 128 - n: cos(order * (pi - a)) = half_wave * cos(order * a), a sine's is -that
        if n in (0, 64):
            return x[n] + half_wave * x[n + 128]
        return x[n] + half_wave * x[128 + n] + mirrored * x[128 - n] + cosine * x[256 - n]

    waves = {(c, h): [quarters(n, c, h) for n in range(65)] for c in (1, -1) for h in (1, -1)}
    used = [values[n] for values in waves.values() for n in range(1, 64)]
    used += [waves[1, -1][0], waves[1, 1][0], waves[-1, -1][64], waves[1, 1][64]]
    shift = 0
    while any(not -(1 << 14 + shift) <= value < 1 << 14 + shift for value in used):
        shift += 1

    def sine(n: int) -> int:
        return table[n % 512] - 32768

    def scaled(value: int) -> int:
        return (value + (1 << shift) // 2) >> shift

    for order in range(1, k.ORDERS + 1):
        half_wave = -1 if order % 2 else 1
        cosines, sines = waves[1, half_wave], waves[-1, half_wave]
        total_c = scaled(cosines[0]) * 32767 // 32
        quarter = scaled((sines if order % 2 else cosines)[64]) * 32767 // 32 * (1, 1, -1, -1)[order % 4]
        total_s = quarter if order % 2 else 0
        total_c += 0 if order % 2 else quarter
        for n in range(1, 64):
            total_c += scaled(cosines[n]) * sine(2 * order * n % 512 + 128) // 32
            total_s += scaled(sines[n]) * sine(2 * order * n) // 32
        at = (place // k.BANK_WORDS) * 2 * k.ORDERS + 2 * order - 2
        out[at : at + 2] = array("i", [total_c, total_s])
    return shift


def dft_inputs(generator: random.Random) -> Iterator[list[Any]]:
    table, out = k.sine_table(), [generator.randrange(-(1 << 30), 1 << 30) for _ in range(2 * k.ORDERS * k.CHANNELS)]
    cycles, limit = 12, 1 << 20
    for pattern in patterns(limit):
        bins = [cycles * (k.ZERO + pattern(n % k.GRID)) for n in range(k.CHANNELS * k.BANK_WORDS)]
        yield [array("i", bins), table, k.GRID * generator.randrange(12), array("i", out)]
    while True:
        limit = 1 << generator.randrange(21)
        bins = [cycles * k.ZERO + generator.randrange(-limit, limit) for _ in range(k.CHANNELS * k.BANK_WORDS)]
        yield [array("i", bins), table, k.GRID * generator.randrange(12), array("i", out)]


def ghash(table: bytearray, state: bytearray, data: bytes, n: int) -> None:
    """NIST SP 800-38D, algorithms 1 and 2, bit by bit. The table's entry for nibble 1000b is H itself."""
    h = int.from_bytes(table[8 * 16 : 9 * 16], "little")
    y = int.from_bytes(state, "big")
    for start in range(0, n, 16):
        x, z, v = y ^ int.from_bytes(data[start : min(start + 16, n)].ljust(16, b"\0"), "big"), 0, h
        for bit in range(127, -1, -1):
            z ^= v if x >> bit & 1 else 0
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        y = z
    state[:] = y.to_bytes(16, "big")


def ghash_inputs(generator: random.Random) -> Iterator[list[Any]]:
    for h, filling in ((bytes(16), b"\xff"), (b"\xff" * 16, b"\xff"), (b"\x80" + bytes(15), b"\x01")):
        for n in (0, 1, 16):
            yield [make_ghash_table(h), bytearray(filling * 16), filling * n, n]
    while True:
        n = generator.randrange(70)
        table, state = make_ghash_table(generator.randbytes(16)), bytearray(generator.randbytes(16))
        yield [table, state, generator.randbytes(n + generator.randrange(3)), n]


def add_stream(data: bytearray, stream: bytes, n: int) -> None:
    data[:n] = bytes(a ^ b for a, b in zip(data[:n], stream[:n], strict=True))


def add_stream_inputs(generator: random.Random) -> Iterator[list[Any]]:
    while True:
        n = generator.randrange(40)
        lengths = n + generator.randrange(3), n + generator.randrange(3)
        yield [bytearray(generator.randbytes(lengths[0])), generator.randbytes(lengths[1]), n]


CASES = {
    "crc16": Case(crc16, crc16_inputs),
    "crc_x25": Case(crc_x25, crc_x25_inputs),
    "reference": Case(reference, reference_inputs),
    "correlate": Case(correlate, correlate_inputs),
    "rising": Case(rising, rising_inputs),
    "copy_set": Case(copy_set, lambda g: ([bytearray(28), p, g.randrange(16)] for p in pages(g, 16))),
    "code": Case(code, lambda g: ([p, g.randrange(7 * 16)] for p in pages(g, 16))),
    "neutral": Case(neutral, neutral_inputs),
    "fold": Case(fold, fold_inputs),
    "dft": Case(dft, dft_inputs),
    "ghash": Case(ghash, ghash_inputs),
    "add_stream": Case(add_stream, add_stream_inputs),
}
