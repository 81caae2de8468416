"""Names that MicroPython has and CPython has not, added where MicroPython has them.

Viper's types in `builtins`; ticks in `time`; `sleep_ms`, `wait_for_ms` and `ThreadSafeFlag` in `asyncio`;
`print_exception` in `sys`. Time is the computer's until `follow(wires)` hands it to a test's `Wires`: from then on
`ticks_ms` reads the wires' clock and a wait moves it, so that a driver's time-outs take no real time.
"""

from __future__ import annotations

import asyncio
import builtins
import sys
import time
import traceback
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import viper_types

Result = TypeVar("Result")

_PERIOD = 1 << 30  # ticks wrap as on the 32-bit ports
_STEP_MS = 1  # how far time moves between two looks at a flag


class Clock(Protocol):
    """What `follow` takes: host_tests.wires.Wires is one."""

    t_ns: int

    def run(self, seconds: float) -> None: ...


_clock: Clock | None = None


def follow(clock: Clock | None) -> None:
    """Take time from `clock`; None: from the computer again."""
    global _clock
    _clock = clock


def _now_ns() -> int:
    return time.perf_counter_ns() if _clock is None else _clock.t_ns


def ticks_ms() -> int:
    return _now_ns() // 1_000_000 % _PERIOD


def ticks_us() -> int:
    return _now_ns() // 1000 % _PERIOD


def ticks_add(ticks: int, delta: int) -> int:
    return (ticks + delta) % _PERIOD


def ticks_diff(a: int, b: int) -> int:
    return (a - b + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def sleep_ms_blocking(ms: float) -> None:
    if _clock is None:
        time.sleep(ms / 1000)
    else:
        _clock.run(ms / 1000)


def sleep_us_blocking(us: float) -> None:
    sleep_ms_blocking(us / 1000)


async def sleep_ms(ms: float) -> None:
    if _clock is None:
        await asyncio.sleep(ms / 1000)
    else:
        _clock.run(ms / 1000)
        await asyncio.sleep(0)


async def wait_for_ms(awaitable: Awaitable[Result], timeout_ms: float) -> Result:
    """The result, or asyncio.TimeoutError after `timeout_ms` of the clock in use."""
    if _clock is None:
        return await asyncio.wait_for(awaitable, timeout_ms / 1000)
    task = asyncio.ensure_future(awaitable)
    end_ns = _clock.t_ns + round(timeout_ms * 1e6)
    while not task.done():
        if _clock.t_ns >= end_ns:
            task.cancel()
            raise asyncio.TimeoutError
        await asyncio.sleep(0)
    return task.result()


class ThreadSafeFlag:
    """Set from an interrupt handler, waited for by one task."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    async def wait(self) -> None:
        while not self._set:
            await sleep_ms(_STEP_MS)
        self._set = False


def print_exception(error: BaseException, file: Any = None) -> None:
    traceback.print_exception(type(error), error, error.__traceback__, file=file or sys.stdout)


def install() -> None:
    """Add the names; once, before any firmware module is imported."""
    for name, pointer in viper_types.POINTERS.items():
        setattr(builtins, name, pointer)
    added: dict[Any, dict[str, Any]] = {
        builtins: {"uint": int},
        time: {
            "ticks_ms": ticks_ms,
            "ticks_us": ticks_us,
            "ticks_cpu": ticks_us,
            "ticks_add": ticks_add,
            "ticks_diff": ticks_diff,
            "sleep_ms": sleep_ms_blocking,
            "sleep_us": sleep_us_blocking,
        },
        asyncio: {"sleep_ms": sleep_ms, "wait_for_ms": wait_for_ms, "ThreadSafeFlag": ThreadSafeFlag},
        sys: {"print_exception": print_exception},
    }
    for module, names in added.items():
        for name, value in names.items():
            setattr(module, name, value)
