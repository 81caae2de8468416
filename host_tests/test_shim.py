"""The CPython shim does what MicroPython does: the same code is run by both and must print the same."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stdout

import micropython_names
import pytest

from host_tests.interpreters import on_micropython
from host_tests.wires import DirectPin, Wires
from tools.bench.line import Line

POINTERS = """
import micropython

@micropython.viper
def spread(source: ptr8, half: ptr16, word: ptr32, n: int) -> int:
    total = 0
    for i in range(n):
        half[i] = source[i] << 9 | source[i]
        word[i] = -1 - int(half[i])
        total += int(half[i])
    return total

@micropython.native
def double(x):
    return 2 * x

source = bytes([0, 1, 127, 128, 255])
half, word = bytearray(10), bytearray(20)
print(spread(source, half, word, 5), bytes(half), bytes(word), double(21))
"""

# the period differs between ports; what happens where ticks wrap does not
TICKS = """
import time
period = time.ticks_add(0, -1) + 1
half = period >> 1
for a, b in ((0, 0), (5, 3), (3, 5), (2, period - 3), (period - 3, 2), (half - 1, 0), (0, half - 1)):
    d = time.ticks_diff(a, b)
    print(d if abs(d) < 9 else (half - abs(d), d < 0))
print(time.ticks_diff(0, half) == time.ticks_diff(half, 0) == -half)
print(time.ticks_add(period - 1, 2), time.ticks_add(1, -2) == period - 1)
"""

AES = """
import cryptolib
key, data = bytes(range(16)), bytes(range(100, 148))
print(bytes(cryptolib.aes(key, 1).encrypt(bytes(range(0, 256, 17)))).hex())
for mode in (1, 2):
    iv = (bytes(range(50, 66)),) if mode == 2 else ()
    there, back = cryptolib.aes(key, mode, *iv), cryptolib.aes(key, mode, *iv)
    out = bytearray(50)
    print(there.encrypt(data), there.encrypt(data, out) is out, bytes(out))
    there.encrypt(memoryview(out)[16:32], memoryview(out)[16:32])
    print(bytes(out), back.decrypt(data), back.decrypt(bytearray(16)))
def refused(call, *arguments):
    try:
        call(*arguments)
        print("taken")
    except ValueError as error:
        print(error)
refused(there.decrypt, data)
refused(back.encrypt, data)
refused(there.encrypt, bytes(15))
refused(there.encrypt, bytes(32), bytearray(31))
for arguments in ((bytes(15), 1), (bytes(24), 1), (key, 2), (key, 2, bytes(15)), (key, 1, bytes(15)), (key, 3)):
    refused(cryptolib.aes, *arguments)
print(cryptolib.aes(bytes(32), 1).encrypt(bytes(16)))
"""


def on_cpython(code: str) -> str:
    with redirect_stdout(io.StringIO()) as said:
        exec(code, {})
    return said.getvalue()


def test_viper_pointers_load_and_store_alike() -> None:
    said = on_micropython(POINTERS)
    assert said.startswith("131071 ")
    assert on_cpython(POINTERS) == said


def test_aes_enciphers_and_refuses_alike() -> None:
    said = on_micropython(AES)
    assert said.startswith("69c4e0d86a7b0430d8cdb78070b4c55a\n")  # FIPS 197, appendix C.1
    assert said.count("taken") == 0 and len(said.splitlines()) == 16
    assert on_cpython(AES) == said


def test_ticks_wrap_alike() -> None:
    assert on_cpython(TICKS) == on_micropython(TICKS)


def test_ticks_wrap_at_2_to_the_30_as_on_the_boards() -> None:
    """The 32-bit ports' period (MicroPython docs, time.ticks_ms), so that a test can meet the wrap."""
    assert on_cpython("import time; print(time.ticks_add(0, -1))") == f"{2**30 - 1}\n"


@pytest.fixture
def wires() -> Wires:
    """A clock of the test's own behind `time` and `asyncio`."""
    clock = Wires()
    micropython_names.follow(clock)
    return clock


def test_time_out_takes_the_tests_time(wires: Wires) -> None:
    async def scenario() -> None:
        flag = asyncio.ThreadSafeFlag()  # type: ignore[attr-defined]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for_ms(flag.wait(), 5_000)  # type: ignore[attr-defined]

    asyncio.run(scenario())
    assert wires.t_ns == pytest.approx(5e9, abs=1e6)


class Ticker:
    """A chip that pulls its line low at 10 ms."""

    def __init__(self) -> None:
        self.line = Line("irq", 1)

    def next_event(self) -> int | None:
        return 10_000_000 if self.line.level else None

    def advance(self, t_ns: int) -> None:
        if t_ns >= 10_000_000:
            self.line.set(0, 10_000_000)


def test_flag_set_by_an_interrupt_ends_the_wait(wires: Wires) -> None:
    ticker = Ticker()
    wires.devices.append(ticker)

    async def scenario() -> None:
        flag = asyncio.ThreadSafeFlag()  # type: ignore[attr-defined]
        DirectPin(ticker.line).irq(handler=lambda pin: flag.set(), trigger=DirectPin.IRQ_FALLING)
        await asyncio.wait_for_ms(flag.wait(), 1000)  # type: ignore[attr-defined]

    asyncio.run(scenario())
    assert 10e6 <= wires.t_ns <= 11e6
