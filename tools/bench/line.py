"""One digital net of the bench: a level, its last edge, and those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Listener = Callable[["Line", int, int], None]


class Line:
    """A net with one driver at a time.

    `level` is 0 or 1. `set` is called by whoever drives the net, with the bench time in nanoseconds at which the
    level takes effect; every listener is called as `listener(line, level, t_ns)` when the level really changes.
    """

    def __init__(self, name: str, level: int = 1) -> None:
        self.name = name
        self.level = level
        self.changed_ns = 0
        self.listeners: list[Listener] = []

    def set(self, level: int, t_ns: int) -> None:
        """Drive the net to `level` (0 or 1) at bench time `t_ns` (ns)."""
        if level == self.level:
            return
        self.level = level
        self.changed_ns = t_ns
        for listener in self.listeners:
            listener(self, level, t_ns)

    def __repr__(self) -> str:
        return f"Line({self.name!r}, level={self.level})"


class Switch:
    """An attribute of the bench that sets one of its nets: a bool, high is true. `line`: the attribute with the net."""

    def __init__(self, line: str) -> None:
        self._line = line

    def __get__(self, bench: Any, _owner: object = None) -> bool:
        return bool(getattr(bench, self._line).level)

    def __set__(self, bench: Any, value: bool) -> None:
        with bench.hold:
            getattr(bench, self._line).set(int(value), bench.world.now)
