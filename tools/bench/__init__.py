"""The bench: simulated chips, mains and lines around the firmware's own MicroPython process. See README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.bench.bench import Bench

__all__ = ["Bench"]


def __getattr__(name: str) -> Any:
    # On demand, so that one chip model can be imported without all the others.
    if name == "Bench":
        from tools.bench.bench import Bench

        return Bench
    raise AttributeError(name)
