"""A month and a year in the life of the whole meter on the bench, billed as they were measured; what is read out at the
end is in golden/."""

from __future__ import annotations

import datetime

import pytest

from host_tests.bench_life import Life
from host_tests.field_service import session
from host_tests.iec_transcript import assert_golden

CHANNELS = {"max_baud_char": "6", "profile_1_channels": "a_import,a_export"}
# 30 Bahman 1406 to 2 Farvardin 1407: all of Esfand, which has 29 February in it, and Nowruz. No daylight saving.
TEHRAN = Life("Asia/Tehran", CHANNELS | {"calendar": "persian", "time_zone": 210}, datetime.date(2028, 2, 19), 33)
# Both nights in which the clocks change, and a leap day
BERLIN = Life("Europe/Berlin", CHANNELS | {"time_zone": 60, "dst_enabled": 1}, datetime.date(2028, 1, 1), 366)


def live(life: Life, golden: str, update: bool) -> None:
    with life.start() as bench:
        life.live(bench)
        assert (bench.log, bench.mcu.restarts) == ("", 0)
        shown, days = bench.readout(), life.read_days(bench)
        with session(bench) as client:
            events = client.read_profile("P.98")
    life.check(shown, days)
    assert_golden(golden, life.transcript(days, events, shown), update)


def test_a_persian_month_of_mains_and_cuts_is_billed_as_it_was_measured(update_golden: bool) -> None:
    live(TEHRAN, "billing_month.txt", update_golden)


@pytest.mark.soak
def test_a_year_of_mains_and_cuts_is_billed_as_it_was_measured(update_golden: bool) -> None:
    live(BERLIN, "billing_year.txt", update_golden)
