"""What cases of the tariff part start from: a meter in Berlin at ten o'clock, and its first profile as a list."""

from __future__ import annotations

from typing import Any

from host_tests.tariff_bench import Life, World
from host_tests.tariff_zone import Zone, seconds

# Status word of profiles, as the readers of this family decode it (EDIS status)
FATAL, INVALID, SUMMER, RESET, CLOCK_SET, POWER_UP, POWER_DOWN = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40, 0x80
LOG_CLEARED, PROFILE_CLEARED, BEFORE_SETTING, START = 0x2000, 0x4000, 0x8000, 0x80000
IRREGULAR, EXTERNAL, INTERNAL = 0x100000, 0x400000, 0x800000

BUTTON, INPUT, COMMUNICATION, TIME_SWITCH, TARIFF_CHANGE = 1, 2, 3, 4, 5
BERLIN = Zone("Europe/Berlin")
TEN = seconds(2026, 11, 26, 9, 0, 0)  # ten o'clock in Berlin
PROFILE_1 = {"profile_1_channels": "a_import", "profile_2_channels": ""}


def start(utc: int = TEN, zone: Any = BERLIN, **settings: Any) -> Life:
    return Life(World(zone, **{**PROFILE_1, **settings}), utc)


def entries(life: Life, n: int = 0) -> list[tuple]:
    """Time, status, first advance."""
    return [(utc, status, values[0]) for _, utc, status, values in life.rows(n)]


def last(life: Life, count: int = 1) -> list[tuple]:
    return entries(life)[-count:]
