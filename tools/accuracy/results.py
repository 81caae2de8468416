"""What was found: one row per test point or derived figure, and what has to hold of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tools.accuracy.meters import Meter
from tools.accuracy.standards import Standard
from tools.accuracy.truth import Setpoint

# What this project holds itself to, beside the standards' limits.
SHARE_MADE = 0.1  # of the class limit: intrinsic error of a calibrated meter
IDEAL_PERCENT = 0.005  # intrinsic error of the firmware alone, on a front end without error and noise
JITTER_PERCENT = 0.1  # spacing of LED flashes at constant load
TEN_PULSES_PERCENT = 0.02  # energy of ten flashes against the register
START_PERCENT = 1.0  # at the starting current: an interval of half a minute that was not counted would show


@dataclass(frozen=True)
class Row:
    """value: error or change of error or whatever `test` measures, in `unit`. limit: the standard's, in the same unit;
    None where there is only our own. allowed: what has to hold, never above the limit. truth, measured: W or var."""

    meter: str
    type: str
    network: str
    specimen: int | None
    standard: str
    accuracy: str
    clause: str
    test: str
    text: str
    value: float
    unit: str
    limit: float | None
    allowed: float
    current: float | None = None
    factor: str | None = None
    load: str | None = None
    direction: str | None = None
    setpoint: Setpoint | None = None
    truth: float | None = None
    measured: float | None = None

    @property
    def holds(self) -> bool:
        return abs(self.value) <= self.allowed

    @property
    def share(self) -> float | None:
        """Of the standard's limit."""
        return abs(self.value) / self.limit if self.limit and math.isfinite(self.value) else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        value = self.value if math.isfinite(self.value) else None
        return asdict(self) | {"value": value, "share_of_limit": self.share, "holds": self.holds}


def row(meter: Meter, standard: Standard, test: str, text: str, value: float, allowed: float, **more: Any) -> Row:
    """A row with what meter and standard say filled in."""
    defaults: dict[str, Any] = {"unit": "%", "limit": allowed, "clause": CLAUSES.get(test, "8.2")}
    return Row(
        meter=meter.name,
        type=meter.type,
        network=meter.network,
        specimen=meter.specimen,
        standard=standard.name,
        accuracy=standard.accuracy,
        test=test,
        text=text,
        value=value,
        allowed=allowed,
        **(defaults | more),
    )


def not_done(meter: Meter, standard: Standard, part: str, why: str) -> Row:
    """Stands for all figures of a part that could not be had; does not hold."""
    return row(meter, standard, f"{part}: not done", why, math.nan, 0.0, limit=None)


CLAUSES = {
    "current": "8.1",
    "one phase": "8.1",
    "difference": "8.1",
    "starts at": "8.3",
    "flashes at start": "8.3",
    "no-load energy": "8.3",
    "no-load flashes": "8.3",
    "meter constant": "8.4",
    "ten flashes": "8.4",
    "jitter of flashes": "8.4",
}


@dataclass(frozen=True)
class Worst:
    """The row of a group that is nearest to what it may be, or farthest beyond."""

    standard: str
    accuracy: str
    test: str
    network: str
    ideal: bool
    rows: int
    failed: int
    worst: Row


def summary(rows: Iterable[Row]) -> list[Worst]:
    """Groups by standard, network, test and made or ideal, in the order in which they first appear."""
    groups: dict[tuple[str, str, str, str, bool], list[Row]] = {}
    for one in rows:
        key = (one.standard, one.accuracy, one.test, one.network, one.specimen is None)
        groups.setdefault(key, []).append(one)
    return [
        Worst(*key, rows=len(group), failed=sum(not r.holds for r in group), worst=max(group, key=_nearness))
        for key, group in groups.items()
    ]


def failures(rows: Sequence[Row]) -> list[Row]:
    return [one for one in rows if not one.holds]


def _nearness(one: Row) -> float:
    if not math.isfinite(one.value):
        return math.inf
    return abs(one.value) / one.allowed if one.allowed else abs(one.value) + (not one.holds)
