"""Profiles for the tests of programming mode: a load profile that is computed, and the event log on a chip model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from host_tests.wires import started_fram
from meter import calendar
from meter.comms.formatted_commands import FormattedCommands
from meter.comms.programming import Programming
from meter.events import log
from meter.events.log import EventLog
from meter.events.log_profile import LogProfile
from meter.tariff.local_time import LocalTime
from tools.bench.fram import FRAM

EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)


def utc(*fields: int) -> int:
    """Seconds since 2000 of a date and time."""
    return int((datetime(*fields, tzinfo=timezone.utc) - EPOCH).total_seconds())  # type: ignore[arg-type,misc]


NOON = utc(2024, 7, 15, 12, 0)


class LoadProfile:
    """`count` rows of 15 minutes from 2024-07-15 12:00 on, values that tell their row, computed when asked for.

    `made` counts rows handed out; `statuses` gives single rows a status, `gaps` are rows that are missing.
    `slow` makes it say so many times that it is still looking.
    """

    columns = (("1.5", "kW"), ("5.5", "kvar"))

    def __init__(self, count: int, statuses: dict[int, int] | None = None, gaps: tuple[int, ...] = ()) -> None:
        self.count, self.statuses, self.gaps = count, statuses or {}, gaps
        self.level = 0
        self.made = 0
        self.slow = 0
        self.broken_at = -1
        self.spans: list[tuple[int | None, int | None]] = []

    def rows(self, begin: int | None, end: int | None) -> Iterator[tuple | None]:
        self.spans.append((begin, end))
        for _ in range(self.slow):
            yield None
        for n in range(self.count):
            t = NOON + n * 900
            if n == self.broken_at:
                raise OSError("the memory")
            if n in self.gaps or begin is not None and t < begin or end is not None and t > end:
                continue
            self.made += 1
            yield t, self.statuses.get(n, 0), 15, [f"{n / 100:07.3f}", f"{n / 1000:07.3f}"]


class UtcClock:
    """Local time as it is where it is UTC: what tariff.clock.Clock says of it."""

    calendar = calendar

    def zone(self, _utc: int) -> tuple[int, bool, int, int]:
        return 0, False, -(1 << 40), 1 << 40

    def to_utc(self, local: int, _last: bool = False) -> int:
        return local


TIMES = LocalTime(UtcClock())  # type: ignore[arg-type]


def real_log() -> EventLog:
    """The event log in an empty memory."""
    return EventLog(started_fram(FRAM(seed=1)))


def filled_log() -> EventLog:
    """The event log with six entries of one day."""
    events = real_log()
    for minute, number, detail in (
        (0, log.POWER_UP, 0),
        (1, log.CLOCK_OLD_TIME, 0),
        (1, log.CLOCK_NEW_TIME, 0),
        (30, log.ERRORS_CLEARED, 0x0204_0010),
        (45, log.PATHS_DISAGREE, 513),
        (59, log.POWER_DOWN, 0),
    ):
        events.add(number, NOON + 60 * minute, detail)
    return events


def programming_with(access: object, profile: LoadProfile | None = None, commands: object = None) -> Programming:
    """All that programming mode can reach: `access`, a load profile, the filled event log, and commands; all public."""
    events = LogProfile(filled_log())
    events.level = 0
    profiles = {"P.98": events, "P.01": profile or LoadProfile(10)}
    return Programming(access, commands or FormattedCommands({}), profiles, TIMES)
