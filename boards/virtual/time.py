"""`time` of the virtual board: the built-in module with the bench's clock in place of the computer's."""

import sys

_path = sys.path[:]
sys.path[:] = []
from time import *  # noqa: E402, F403  the built-in module: sys.path is empty

sys.path[:] = _path

import link  # noqa: E402
import micropython  # noqa: E402
from link import read_clock  # noqa: E402
from micropython import const  # noqa: E402

link._real_us = ticks_us  # noqa: F405

_PERIOD = const(1 << 30)  # ticks wrap as on the 32-bit ports


@micropython.native
def ticks_ms() -> int:
    return read_clock() // 1_000_000 & _PERIOD - 1


def ticks_us() -> int:
    return read_clock() // 1000 & _PERIOD - 1


def ticks_cpu() -> int:
    return ticks_us()


def ticks_add(ticks: int, delta: int) -> int:
    return ticks + delta & _PERIOD - 1


@micropython.viper
def ticks_diff(a: int, b: int) -> int:
    return (a - b + _PERIOD // 2 & _PERIOD - 1) - _PERIOD // 2


def sleep_us(us: int) -> None:
    until = link.now() + us * 1000
    while link.now() < until:
        link.wait(until)


def sleep_ms(ms: int) -> None:
    sleep_us(ms * 1000)


def sleep(seconds: float) -> None:
    sleep_us(int(seconds * 1_000_000))


def time() -> int:
    """Seconds since the board started: a microcontroller without a set clock knows no more."""
    return read_clock() // 1_000_000_000


def time_ns() -> int:
    return read_clock()
