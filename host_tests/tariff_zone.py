"""Zones of Python's time zone database in the form the firmware's clock has them."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
FIRST, END = -(1 << 40), 1 << 40


def moment(utc: int) -> datetime.datetime:
    return EPOCH + datetime.timedelta(seconds=utc)


def seconds(*fields: int) -> int:
    """UTC date and time as seconds since 2000."""
    return int((datetime.datetime(*fields, tzinfo=datetime.timezone.utc) - EPOCH).total_seconds())  # type: ignore[misc, arg-type]


@cache
def of_database(name: str) -> ZoneInfo:
    """A zone of the pinned database, whatever the computer has."""
    with (resources.files("tzdata") / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, name)


class Zone:
    """`zone` and `to_utc` as tariff.clock.Clock has them, 2020 to 2029."""

    def __init__(self, name: str = "UTC") -> None:
        self.valid = True
        self.info = of_database(name)
        self._changes = [FIRST, *_changes(name), END]

    def local(self, utc: int) -> datetime.datetime:
        return moment(utc).astimezone(self.info)

    def zone(self, utc: int) -> tuple[int, bool, int, int]:
        n = bisect_right(self._changes, utc)
        local = self.local(utc)
        offset, saving = local.utcoffset(), local.dst()
        assert offset is not None
        return int(offset.total_seconds()) // 60, bool(saving), self._changes[n - 1], self._changes[n]

    def to_utc(self, local: int, last: bool = False) -> int:
        naive = moment(local).replace(tzinfo=self.info, fold=int(last))
        return int((naive - EPOCH).total_seconds())


@cache
def _changes(name: str) -> list[int]:
    """Moments of 2020 to 2030 at which the offset changes, found hour by hour and then by the second."""
    info = of_database(name)
    found = []
    start, end = seconds(2020, 1, 1), seconds(2030, 1, 1)
    before = moment(start).astimezone(info).utcoffset()
    for utc in range(start, end, 3600):
        after = moment(utc).astimezone(info).utcoffset()
        if after != before:
            found.append(next(t for t in range(utc - 3600, utc + 1) if moment(t).astimezone(info).utcoffset() == after))
            before = after
    return found
