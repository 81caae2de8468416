"""Registers, demand, billing and profiles under MicroPython: a month, and a year as a long form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from host_tests import tariff_year
from host_tests.interpreters import on_micropython
from host_tests.tariff_year import MINUTES, START, amount
from tools.bench.process import ROOT

MONTH = 45_000
CPU_SECONDS_A_YEAR = 600


def run(minutes: int) -> tuple[dict[str, Any], float]:
    script = (
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT / 'firmware')!r}, {str(ROOT)!r}]\n"
        "from host_tests import tariff_year\n"
        f"tariff_year.main({minutes})"
    )
    printed = on_micropython(script, "4M", timeout=1200)
    shown, took = json.loads(printed)
    return shown, took


def expected(minutes: int) -> dict[str, Any]:
    """What a year of that load is, added up minute by minute: rate 1 from 6 to 22 o'clock, months in UTC."""
    month_ends = [START]
    for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        month_ends.append(month_ends[-1] + days * 86400)
    quarters: list[list[Any]] = []
    rated, running = [0, 0], 0
    maxima: list[list[Any]] = [[0, None], [0, None]]
    cumulated, resets = [0, 0], []
    for minute in range(1, minutes + 1):
        utc = START + 60 * minute
        rate = 0 if 6 <= (utc - 60) // 3600 % 24 < 22 else 1
        rated[rate] += amount(minute)
        running += amount(minute)
        if minute % 15 == 0:
            if running // 900 > maxima[rate][0]:
                maxima[rate] = [running // 900, utc]
            quarters.append([len(quarters) + 2, utc, 0x800000, [running]])
            running = 0
        if utc in month_ends:
            resets.append(utc)
            cumulated = [cumulated[n] + maxima[n][0] for n in (0, 1)]
            maxima = [[0, None], [0, None]]
            quarter_of_reset = len(quarters)
        elif minute % 15 == 0 and resets and len(quarters) == quarter_of_reset + 1:
            quarters[-1][2] |= 0x10
    return {
        "totals": sum(rated),
        "rated": rated,
        "maxima": maxima,
        "cumulated": cumulated,
        "resets": resets,
        "entries": [minutes // 15 + 1, minutes // 60 + 1],
        "latest": quarters[-3:],
    }


def test_a_month_of_minutes_is_the_same_for_both_interpreters_and_for_plain_sums() -> None:
    ours = json.loads(json.dumps(tariff_year.shown(tariff_year.run(MONTH)[0])))
    theirs, _ = run(MONTH)
    assert ours == theirs == expected(MONTH)


@pytest.mark.soak
def test_a_year_of_minutes_runs_in_less_than_ten_minutes() -> None:
    shown, took = run(MINUTES)
    assert shown == expected(MINUTES)
    assert took < CPU_SECONDS_A_YEAR
