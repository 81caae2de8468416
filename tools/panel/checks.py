"""Checks of what a browser sends: everything that is no such value is refused in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from tools.bench.bench import EPOCH_2000

Check = Callable[[str, Any], Any]  # (name of the field, what came) -> what it means


class Refused(Exception):
    """A request that cannot be done: the HTTP status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def number(low: float, high: float) -> Check:
    """A number within low..high."""

    def check(name: str, value: Any) -> float:
        given = math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with suppress(OverflowError):  # JSON's integers have no end
                given = float(value)
        if not math.isfinite(given):
            raise Refused(400, f"{name}: a number is wanted")
        if not low <= given <= high:
            raise Refused(400, f"{name}: {given:g} is outside {low:g}..{high:g}")
        return given

    return check


def perhaps(of: Check) -> Check:
    """A value, or null."""
    return lambda name, value: None if value is None else of(name, value)


def each(count: int, of: Check) -> Check:
    """A list of `count` values."""

    def check(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) != count:
            raise Refused(400, f"{name}: a list of {count} is wanted")
        return [of(name, one) for one in value]

    return check


def one_of(choices: Collection[str]) -> Check:
    """One of some words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise Refused(400, f"{name}: one of {', '.join(choices) or 'nothing'} is wanted")
        return value

    return check


def boolean(name: str, value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Refused(400, f"{name}: true or false is wanted")
    return value


def date(name: str, value: Any) -> int:
    """A UTC date with or without a time, as seconds since 2000."""
    try:
        moment = datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        raise Refused(400, f"{name}: a date like 2026-03-28T23:50 is wanted") from None
    return int(moment.timestamp()) - EPOCH_2000


def fields(body: Any, wanted: Mapping[str, Check], optional: bool) -> dict[str, Any]:
    """The checked fields of a JSON object: all of `wanted`, or, if they are `optional`, one at least."""
    if not isinstance(body, dict):
        raise Refused(400, "a JSON object is wanted")
    unknown = sorted(set(body) - set(wanted))
    if unknown:
        raise Refused(400, f"unknown: {', '.join(unknown)[:80]}")
    missing = [name for name in wanted if name not in body]
    if optional and len(missing) == len(wanted) or not optional and missing:
        raise Refused(400, f"missing: {', '.join(missing)}")
    return {name: wanted[name](name, value) for name, value in body.items()}
