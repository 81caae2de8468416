"""What the meter says of itself (object C.60.0) and what the standard says of the truth."""

from __future__ import annotations

from dataclasses import dataclass

_NUMBERS = 17
Three = tuple[float, float, float]


@dataclass(frozen=True)
class Snapshot:
    """One reading of C.60.0: sums since the firmware's start. `temperature`: m degC, None if not yet measured."""

    intervals: int
    ms: int
    p: tuple[int, ...]
    q: tuple[int, ...]
    windows: int
    u: tuple[int, ...]
    i: tuple[int, ...]
    temperature: int | None
    f: int

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """From the object's text; ValueError if it is something else."""
        parts = text.split(",")
        if len(parts) != _NUMBERS:
            raise ValueError(f"C.60.0 has {_NUMBERS} numbers, not {text!r}")
        temperature = int(parts[15]) if parts[15] else None
        n = [int(part) if part else 0 for part in parts]
        return cls(n[0], n[1], tuple(n[2:5]), tuple(n[5:8]), n[8], tuple(n[9:12]), tuple(n[12:15]), temperature, n[16])


@dataclass(frozen=True)
class Measured:
    """Means between two snapshots, per chip phase: V, A, W + j var; Hz; m degC at the end.

    Powers and frequency are by the meter's own quartz.
    """

    u: Three
    i: Three
    power: tuple[complex, complex, complex]
    f: float
    temperature: int

    @classmethod
    def between(cls, first: Snapshot, last: Snapshot) -> Measured:
        """ValueError if the meter has measured nothing in between, or has started anew."""
        ms, windows = last.ms - first.ms, last.windows - first.windows
        if ms <= 0 or windows <= 0:
            raise ValueError("the meter has measured nothing: no voltage, or its metering chip is in trouble")
        if last.temperature is None:
            raise ValueError("the meter does not know its temperature")
        p, q, u, i = (
            [b - a for a, b in zip(getattr(first, name), getattr(last, name), strict=True)] for name in "pqui"
        )
        return cls(
            u=(u[0] / windows / 1e6, u[1] / windows / 1e6, u[2] / windows / 1e6),
            i=(i[0] / windows / 1e9, i[1] / windows / 1e9, i[2] / windows / 1e9),
            power=(complex(p[0], q[0]) / ms, complex(p[1], q[1]) / ms, complex(p[2], q[2]) / ms),
            f=(last.f - first.f) / windows / 1e6,
            temperature=last.temperature,
        )

    def true_power(self, phase: int, f: float) -> complex:
        """Power by true time, as the energy registers and the test LED show it; `f` is the true frequency."""
        return self.power[phase] * f / self.f


@dataclass(frozen=True)
class Reference:
    """The truth, per chip phase: V, A, W + j var of what the chip's inputs see; Hz. Phases that are no element: 0."""

    u: Three
    i: Three
    power: tuple[complex, complex, complex]
    f: float
