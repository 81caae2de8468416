"""Sample kernels against plain arithmetic, with every intermediate held to 32 bits."""

from __future__ import annotations

import binascii
import math
import random
from array import array
from typing import Any

import numpy as np
import pytest
import viper_types
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ade9000_crc import crc16, make_table
from host_tests.metrology_signals import codes, pages, phase_cycles, waveform
from meter.metrology import kernels as k
from meter.metrology.window import values

CODE_LIMIT = 1 << 28  # twice what a clipping input gives


class Int32(int):
    """An integer that fails as soon as a result would not fit a 32-bit signed word."""


def _checked(name: str) -> Any:
    operation = getattr(int, name)

    def apply(self: int, other: int) -> Any:
        result = operation(self, other)
        assert -(1 << 31) <= result < 1 << 31, f"{int(self)} {name} {int(other)} = {result} leaves 32 bits"
        return Int32(result)

    return apply


for _name in ("add", "sub", "mul", "lshift", "rshift", "and", "or", "xor"):
    setattr(Int32, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(Int32, f"__r{_name}__", _checked(f"__r{_name}__"))


class Checked:
    """A viper pointer of a 32-bit target: loads are Int32, those of words signed."""

    def __init__(self, width: int, buffer: Any) -> None:
        self.pointer, self.signed = viper_types.POINTERS[f"ptr{width}"](buffer), width == 32

    def __getitem__(self, index: int) -> Int32:
        value = self.pointer[index]
        return Int32(value - (1 << 32) if self.signed and value >> 31 else value)

    def __setitem__(self, index: int, value: int) -> None:
        self.pointer[index] = int(value)


def checked(kernel: Any, *arguments: Any) -> Any:
    """Run a kernel on Int32: `arguments` are (pointer width, buffer) pairs and integers."""
    return kernel.__wrapped__(*(Checked(*a) if isinstance(a, tuple) else a for a in arguments))


def correlate_reference(sets: Any, ref: Any, phase: int, u_shift: int, i_shift: int) -> list[int]:
    """The seven sums in plain integers: error-feedback rounding to factors, floor of each product / 32."""
    sums = [0] * 7
    factors = []
    for column, shift in ((2 * phase + 1, u_shift), (2 * phase, i_shift)):
        rest, row = ((1 << shift) - 1) // 2, []
        for code in sets[:, column]:
            whole = int(code) + rest
            row.append(whole // (1 << shift))
            rest = whole % (1 << shift)
        factors.append(row)
    for n, (u, i) in enumerate(zip(*factors, strict=True)):
        c, s = ref[2 * n] - 32768, ref[2 * n + 1] - 32768
        for place, product in enumerate((u * u, i * i, u * i, u * c, u * s, i * c, i * s)):
            sums[place] += product // 32
    return sums


def state_sums(state: Any) -> list[int]:
    return [state[k.SUMS + 2 * n] + (state[k.SUMS + 2 * n + 1] << 16) for n in range(7)]


def fresh_state(u_shift: int, i_shift: int) -> array[int]:
    state = array("i", [0] * k.STATE_WORDS)
    state[k.U_SHIFT], state[k.I_SHIFT] = u_shift, i_shift
    return state


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    u_bits=st.integers(0, 27),
    i_bits=st.integers(0, 27),
    phase=st.integers(0, 2),
    first=st.integers(0, 31),
    data=st.data(),
)
def test_sums_are_those_of_plain_integers(
    seed: int, u_bits: int, i_bits: int, phase: int, first: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 32))
    generator = np.random.default_rng(seed)
    sets = generator.integers(-(1 << u_bits), 1 << u_bits, size=(64, 7))
    sets[:, [0, 2, 4, 6]] = generator.integers(-(1 << i_bits), 1 << i_bits, size=(64, 4))
    ref = array("H", generator.integers(1, 65536, size=66).tolist())
    slot = data.draw(st.integers(0, 33 - n))
    u_shift, i_shift = max(0, u_bits - 15), max(0, i_bits - 15)
    state = fresh_state(u_shift, i_shift)
    span = first | n << 10 | phase << 16 | slot << 18
    # a factor may be rounded up past 15 bits: then the kernel says so and adds nothing
    refused = checked(k.correlate, (8, pages(sets)), (16, ref), span, (32, state))
    expected = correlate_reference(sets[first : first + n], ref[2 * slot :], phase, u_shift, i_shift)
    if refused:
        assert max(state[k.U_SIZE], state[k.I_SIZE]) >= 1 << 15
        assert state_sums(state) == [0] * 7
    else:
        assert state_sums(state) == expected


@pytest.mark.parametrize("u", [-32768, 32767])
@pytest.mark.parametrize("i", [-32768, 32767])
@pytest.mark.parametrize("c", [0, 65535])
def test_thirty_two_of_the_largest_factors_fit(u: int, i: int, c: int) -> None:
    shift = 13
    sets = np.zeros((32, 7), dtype=np.int64)
    sets[:, 1], sets[:, 0] = u << shift, i << shift
    assert abs(u << shift) <= CODE_LIMIT
    ref = array("H", [c] * 66)
    state = fresh_state(shift, shift)
    assert not checked(k.correlate, (8, pages(sets)), (16, ref), 32 << 10, (32, state))
    assert state_sums(state) == correlate_reference(sets, ref, 0, shift, shift)


def test_sums_of_a_window_of_blocks_stay_exact() -> None:
    """Sixty-three blocks at the limit, more than any window has: the split words neither wrap nor lose a bit."""
    sets = np.full((32, 7), 32767 << 13)
    sets[:, 0] = -sets[:, 0]
    page, ref, state = pages(sets), array("H", [65535] * 66), fresh_state(13, 13)
    for _ in range(63):
        assert not k.correlate(page, ref, 32 << 10, state)
    once = correlate_reference(sets, ref, 0, 13, 13)
    assert state_sums(state) == [63 * s for s in once]
    assert values(state)[0] == 63 * once[0] * 32 * 2.0**26


def test_oversized_factors_change_only_the_sizes() -> None:
    sets = np.full((16, 7), 40_000)
    state = fresh_state(0, 0)
    state[k.SUMS] = 17
    assert k.correlate(pages(sets), array("H", [32768] * 66), 16 << 10, state) == 1
    assert state[k.U_SIZE] == state[k.I_SIZE] == 40_000
    assert state[k.SUMS] == 17
    assert not any(state[k.SUMS + 1 :])


@pytest.mark.parametrize("f", [42.5, 50.0, 60.0, 69.9])
def test_reference_is_a_cosine_and_a_sine(f: float) -> None:
    step = round(f / 8000 * 2**30)
    oscillator, out, table = array("i", [0, step, 0]), array("H", [0] * 66), k.sine_table()
    worst = 0.0
    for block in range(50):
        previous = out[64], out[65]
        checked(k.reference, 32, (16, table), (16, out), (32, oscillator))
        if block:
            assert (out[0], out[1]) == previous
        for n in range(32):
            angle = 2 * math.pi * ((block * 32 + n) * step % 2**30) / 2**30
            worst = max(worst, abs(out[2 * n + 2] - 32768 - 32767 * math.cos(angle)))
            worst = max(worst, abs(out[2 * n + 3] - 32768 - 32767 * math.sin(angle)))
    # straight lines between 512 points a turn: (pi / 512)**2 / 2 of 32767, and two roundings
    assert worst < 32767 * (math.pi / 512) ** 2 / 2 + 1.0


def test_short_blocks_hand_on_their_last_slot() -> None:
    oscillator, out, table = array("i", [0, 7_000_000, 0]), array("H", [0] * 66), k.sine_table()
    k.reference(5, table, out, oscillator)
    last = out[10], out[11]
    k.reference(32, table, out, oscillator)
    assert (out[0], out[1]) == last


def naive_rising(signal: list[int], level: int, armed: int) -> tuple[int, int]:
    for n, value in enumerate(signal):
        if value >> 8 < -level:
            armed = 1
        elif armed and value >= 0:
            return n, 0
    return -1, armed


@settings(max_examples=60, deadline=None)
@given(
    signal=st.lists(st.integers(-(1 << 27), 1 << 27) | st.integers(-600, 600), min_size=32, max_size=32),
    channel=st.integers(0, 6),
    first=st.integers(0, 31),
    level=st.integers(0, 3),
    armed=st.integers(0, 1),
)
def test_rising_finds_the_first_armed_crossing(
    signal: list[int], channel: int, first: int, level: int, armed: int
) -> None:
    sets = np.full((32, 7), -1)
    sets[:, channel] = signal
    state = array("i", [armed, level])
    found = checked(k.rising, (8, pages(sets)), first | channel << 10, 32 - first, (32, state))
    assert (found, state[0]) == naive_rising(signal[first:], level, armed)


def test_noise_around_zero_is_no_crossing() -> None:
    generator = random.Random(1)
    sets = np.zeros((320, 7), dtype=np.int64)
    sets[:, 1] = [generator.randrange(-200_000, 200_000) for _ in range(320)]
    assert k.rising(pages(sets), 1 << 10, 320, array("i", [0, 200_000 >> 8])) == -1


def test_a_mains_voltage_crosses_once_a_cycle() -> None:
    sets = codes(waveform(phase_cycles(50.0, 960, start=0.3)))
    page, state, found, first = pages(sets), array("i", [0, 5000]), [], 0
    while (n := k.rising(page, first | 1 << 10, 960 - first, state)) >= 0:
        first += n
        found.append(first)
    assert found == [112 + 160 * n for n in range(6)]  # 0.7 of a cycle later, then every 160 samples
    assert all(sets[n - 1, 1] < 0 <= sets[n, 1] for n in found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), code_bits=st.integers(0, 27), first=st.integers(0, 31), data=st.data())
def test_neutral_is_the_square_of_the_currents_sum(seed: int, code_bits: int, first: int, data: st.DataObject) -> None:
    n, third = data.draw(st.integers(1, 32)), data.draw(st.booleans())
    sets = np.random.default_rng(seed).integers(-(1 << code_bits), 1 << code_bits, size=(64, 7))
    shift = max(0, code_bits - 13)
    state = array("i", [shift, 0, 0, 0])
    assert not checked(k.neutral, (8, pages(sets)), first | n << 10 | (not third) << 16, (32, state))
    expected, rest = 0, ((1 << shift) - 1) // 2
    for i1, i2, i3 in sets[first : first + n, [0, 2, 4]].tolist():
        whole = i1 + i2 + (i3 if third else 0) + rest
        expected += (whole >> shift) ** 2 // 32
        rest = whole % (1 << shift)
    assert state[k.N_SUM] + (state[k.N_SUM + 1] << 16) == expected


def test_oversized_neutral_currents_change_only_the_size() -> None:
    state = array("i", [0, 0, 17, 0])
    assert k.neutral(pages(np.full((16, 7), CODE_LIMIT)), 16 << 10, state) == 1
    assert list(state) == [0, 3 * CODE_LIMIT, 17, 0]


def grid_state(gap: float, cycles: int) -> array[int]:
    """A fold that begins half a sample after its first two samples, which were 0."""
    state = array("i", [0] * k.GRID_WORDS)
    state[k.GAP], state[k.TOTAL] = round(gap * k.ONE), cycles * k.GRID
    for n in range(12):
        state[k.HISTORY + n] = k.ZERO
    return state


def spline(samples: Any, x: Any) -> Any:
    """Quadratic B-spline over samples at 0, 1, 2, ... with none before: value at `x`."""
    total = np.zeros(len(x))
    near = np.round(x).astype(int)
    for m in (-1, 0, 1):
        distance = np.abs(x - (near + m))
        weight = np.where(distance <= 0.5, 0.75 - distance**2, np.maximum(0, 1.5 - distance) ** 2 / 2)
        known = (near + m >= 0) & (near + m < len(samples))
        total += weight * np.where(known, samples[np.clip(near + m, 0, len(samples) - 1)], 0)
    return total


@pytest.mark.parametrize("gap", [0.45, 0.52, 0.625, 0.6583, 1.0])
def test_fold_puts_every_sample_where_it_lies_in_its_cycle(gap: float) -> None:
    """Two folds of two cycles, in blocks of any length, against a spline through all samples in floating point."""
    generator = np.random.default_rng(1)
    count = int(4 * 256 * gap) + 32
    sets = generator.integers(-(1 << 24), 1 << 24, size=(count // 16 * 16, 7))
    page, grid, bins = pages(sets), grid_state(gap, 2), array("i", [77] * (k.CHANNELS * k.BANK_WORDS))
    first, folds = 0, list[Any]()
    while first < len(sets) and len(folds) < 2:
        n = min(int(generator.integers(1, 33)), len(sets) - first)
        part = page[28 * first : 28 * (first + n)]
        full = checked(k.fold, (8, part), n << 10 | 7 << 16, (32, bins), (32, grid))
        if full:
            assert full == len(folds) + 1
            folds.append(np.array(bins).reshape(k.CHANNELS, 2, k.GRID)[:, full - 1])
        first += n
    x = gap * np.arange(4 * 256) - 1.5  # the grid begins half-way between two samples before the first
    for channel in range(6):
        expected = spline(sets[:, channel] / 256, x).reshape(2, 2, 256).sum(axis=1)
        for fold, points in zip(folds, expected, strict=True):
            # two points: 9 bits of the way between samples at most 2**17 apart, and two roundings
            assert np.abs(fold[channel] - 2 * k.ZERO - points).max() < 2 * (2**17 / 2**9 + 2)


def test_fold_leaves_other_phases_alone() -> None:
    page, bins, grid = (
        pages(np.full((32, 7), 1 << 20)),
        array("i", [5] * (k.CHANNELS * k.BANK_WORDS)),
        grid_state(1, 10),
    )
    grid[k.COUNT] = 3 * k.GRID  # not the first cycle, which empties all
    k.fold(page, 32 << 10 | 2 << 16, bins, grid)
    changed = [any(w != 5 for w in bins[n * k.BANK_WORDS : (n + 1) * k.BANK_WORDS]) for n in range(6)]
    assert changed == [False, False, True, True, False, False]


@pytest.mark.parametrize("pattern", [(1, -1), (1, 1, -1, -1), (-1, 1, 1)])
def test_fold_and_dft_hold_the_largest_codes(pattern: tuple[int, ...]) -> None:
    """Twice the chip's clipping level with either sign, twelve cycles: nothing leaves 32 bits on the way."""
    samples = np.resize(np.array(pattern) * (CODE_LIMIT - 1), 64)
    page, grid = pages(np.repeat(samples[:, None], 7, axis=1)), grid_state(0.52, 12)
    bins, out = array("i", [0] * (k.CHANNELS * k.BANK_WORDS)), array("i", [0] * (2 * k.ORDERS * k.CHANNELS))
    for first in (0, 32):
        checked(k.fold, (8, page), first | 32 << 10 | 7 << 16, (32, bins), (32, grid))
    for n in range(k.GRID):  # a square wave of twelve cycles, the largest a bank can hold
        bins[k.BANK_WORDS + n] = 12 * (k.ZERO + (1 << 20) * pattern[n // 64 % len(pattern)])
    assert checked(k.dft, (32, bins), (16, k.sine_table()), k.BANK_WORDS, (32, out)) > 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size_bits=st.integers(4, 24), channel=st.integers(0, 5), bank=st.integers(0, 1))
def test_dft_agrees_with_numpys(seed: int, size_bits: int, channel: int, bank: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.integers(-(1 << size_bits), 1 << size_bits, size=k.GRID) + generator.integers(1 << 27)
    bins, out = array("i", [0] * (k.CHANNELS * k.BANK_WORDS)), array("i", [0] * (2 * k.ORDERS * k.CHANNELS))
    place = channel * k.BANK_WORDS + bank * k.GRID
    bins[place : place + k.GRID] = array("i", points.tolist())
    shift = checked(k.dft, (32, bins), (16, k.sine_table()), place, (32, out))
    start = channel * 2 * k.ORDERS
    sums = np.array(out[start : start + 2 * k.ORDERS]).reshape(k.ORDERS, 2) * 2.0**shift * 32 / 32767
    expected = np.fft.fft(points)[1 : k.ORDERS + 1]
    # 14 bits for the largest sum of four points, 128 of them: rounded, and by a table of 16 bits
    limit = 64 * max(1, 2.0**shift) + 2e-4 * (1 << size_bits) * 16
    assert np.abs(sums[:, 0] - expected.real).max() < limit
    assert np.abs(sums[:, 1] + expected.imag).max() < limit
    assert not any(out[:start]) and not any(out[start + 2 * k.ORDERS :])


def test_words_and_sets_are_read_with_their_sign() -> None:
    sets = np.array([[n - 3, -(1 << 27), (1 << 27) - 1, -1, 0, 1, 74_532_013] for n in range(16)])
    page, out = pages(sets), bytearray(28)
    for n in range(16 * 7):
        assert checked(k.code, (8, page), n) == sets[n // 7, n % 7]
    checked(k.copy_set, (8, out), (8, page), 5)
    assert bytes(out) == page[5 * 28 : 6 * 28]


# Vectors: a silicon capture and values of hardware page A.2, and the catalogue's check value of CRC-16/CCITT-FALSE.
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes.fromhex("0080"), 0x8C87),
        (bytes.fromhex("FFFFFFFF"), 0x1D0F),
        (bytes.fromhex("00FE"), 0x13DE),
        (bytes.fromhex("00000000"), 0x84C0),
    ],
)
def test_crc_of_known_answers(data: bytes, crc: int) -> None:
    assert crc16(data, make_table(), 0, len(data)) == crc


def test_crc_agrees_with_binascii() -> None:
    generator, table = random.Random(2), make_table()
    for _ in range(50):
        size = 2 * generator.randrange(0, 449)
        data = generator.randbytes(size + 3)
        start = generator.randrange(4)
        assert crc16(data, table, start, size) == binascii.crc_hqx(data[start : start + size], 0xFFFF)
    checked(crc16, (8, generator.randbytes(896)), (16, table), 0, 896)
