"""`micropython` for CPython, so that the firmware's pure parts run under pytest."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import viper_types

Value = TypeVar("Value")
Result = TypeVar("Result")


def const(value: Value) -> Value:
    return value


def native(function: Callable[..., Result]) -> Callable[..., Result]:
    return function


def viper(function: Callable[..., Result]) -> Callable[..., Result]:
    """Arguments annotated ptr8, ptr16 or ptr32 arrive as pointers, as viper passes them.

    Integers do not wrap at the machine word as viper's do: a kernel whose result depends on that differs here.
    """
    pointers = {
        place: viper_types.POINTERS[name]
        for place, parameter in enumerate(inspect.signature(function).parameters.values())
        if (name := getattr(parameter.annotation, "__name__", parameter.annotation)) in viper_types.POINTERS
    }

    @functools.wraps(function)
    def call(*args: Any) -> Result:
        return function(*(pointers[i](a) if i in pointers else a for i, a in enumerate(args)))

    return call


def asm_thumb(function: Callable[..., Any]) -> Callable[..., int]:
    """Another processor's code: it can be imported here, not called."""

    @functools.wraps(function)
    def call(*args: Any) -> int:
        raise RuntimeError(f"{function.__name__} is assembler of a Cortex-M")

    return call


def alloc_emergency_exception_buf(size: int) -> None:
    """CPython has memory for a traceback."""


def schedule(function: Callable[[Any], Any], argument: Any) -> None:
    """Run at once: there is no interrupt here to come back from."""
    function(argument)
