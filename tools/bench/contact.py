"""A contact of the meter, and a record of what it did."""

from __future__ import annotations

from tools.bench.line import Line


class Contact:
    """An output terminal: closed while its pin is high. `edges`: (bench seconds, closed) of each change so far."""

    def __init__(self, name: str) -> None:
        self.line = Line(name, 0)
        self.edges: list[tuple[float, bool]] = []
        self.line.listeners.append(lambda _line, level, t_ns: self.edges.append((t_ns / 1e9, bool(level))))

    @property
    def closed(self) -> bool:
        return bool(self.line.level)

    @property
    def pulses(self) -> list[tuple[float, float]]:
        """(bench seconds, length in seconds) of each time it was closed and has opened again."""
        closings = [t for t, closed in self.edges if closed]
        openings = [t for t, closed in self.edges if not closed]
        return [(t, end - t) for t, end in zip(closings, openings, strict=False)]
