"""Calendars, zones and the clock under MicroPython: the same numbers as from CPython, and nothing left on the heap."""

from __future__ import annotations

import json
from typing import Any

import pytest

from host_tests.interpreters import on_micropython
from host_tests.test_time_zone import PLACES, seconds
from meter import calendar, persian
from meter.time_zone import TimeZone
from tools.bench.process import ROOT

PRELUDE = f"""
import gc, json, sys
sys.path[:0] = [{str(ROOT / "firmware")!r}, {str(ROOT / "host_tests")!r}]
from meter import calendar, persian
from meter.time_zone import TimeZone
"""


def run(script: str) -> Any:
    return json.loads(on_micropython(PRELUDE + script, "4M"))


def test_days_are_the_same_in_both_calendars() -> None:
    found = run(
        "out = []\n"
        "for day in range(-36524, 36890, 97):\n"
        "    for by in (calendar, persian):\n"
        "        date = by.date(day)\n"
        "        assert by.days(*date) == day\n"
        "        out.append(date)\n"
        "print(json.dumps(out))"
    )
    assert found == [[*by.date(day)] for day in range(-36524, 36890, 97) for by in (calendar, persian)]


@pytest.mark.parametrize(("setting", "name", "first", "end"), PLACES[1::2])
def test_zones_are_the_same(setting: tuple, name: str, first: int, end: int) -> None:
    *numbers, by = setting
    start, stop = seconds(first, 1, 1), seconds(end, 1, 1)
    found = run(
        f"zone = TimeZone(*{tuple(numbers)!r}, {by.__name__.rpartition('.')[2]})\n"
        "out = []\n"
        f"for utc in range({start}, {stop}, 86400 * 5 + 3600 * 7):\n"
        "    out.append(zone.zone(utc) + (zone.to_utc(utc), zone.to_utc(utc, True)))\n"
        "print(json.dumps(out))"
    )
    zone = TimeZone(*setting)
    for utc, got in zip(range(start, stop, 86400 * 5 + 3600 * 7), found, strict=True):
        assert got[:2] == [*zone.zone(utc)[:2]] and got[4:] == [zone.to_utc(utc), zone.to_utc(utc, True)]


def test_asking_for_the_zone_of_now_takes_no_memory() -> None:
    assert (
        run(
            "from meter.time_zone import EU_BEGIN, EU_END\n"
            "zone = TimeZone(60, 60, EU_BEGIN, EU_END, calendar)\n"
            "now = 848680856\n"
            "zone.zone(now)\n"
            "gc.collect(); gc.disable()\n"
            "before = gc.mem_alloc()\n"
            "for _ in range(100): zone.zone(now)\n"
            "print(gc.mem_alloc() - before)"
        )
        < 100  # the loop's own
    )


CLOCK = """
import time
from model_sources import parameters_with
from meter.tariff.clock import Clock
class Chip:
    seconds, lost_time = 848680856, False
    def start(self): pass
    def now(self): return self.seconds
    def set(self, seconds): self.seconds = seconds
    def trim(self, tenths_ppm): pass
chip = Chip()
clock = Clock(chip, parameters_with({"time_zone": 210, "calendar": "persian"}))
told = []
clock.on_set = lambda *what: told.append(what)
clock.start()
clock.update()
clock.adjust(5)
clock.set(836000000)
print(json.dumps([told, clock.valid, clock.fields()[:4], clock.base]))
"""


def test_the_clock_is_set_and_adjusted() -> None:
    """836 000 000 s is 2026-06-28 22:13:20 UTC, in Tehran the night to a Monday, 1405/04/08."""
    told, valid, fields, base = run(CLOCK)
    (first, second) = told
    assert first == [848680856, 848680861, True] and second[1:] == [836000000, False]
    assert 0 <= second[0] - 848680861 <= 1
    assert (valid, fields, base) == (True, [1405, 4, 8, 1], 1)
