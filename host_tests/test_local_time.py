"""Dates to days, and local time as protocols write it, against Python's calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.iec_profiles import TIMES
from meter import calendar

EPOCH = datetime(2000, 1, 1)


@given(st.dates(date(1700, 1, 1), date(2400, 12, 31)))
def test_days_is_the_inverse_of_date(day: date) -> None:
    number = (day - EPOCH.date()).days
    assert calendar.days(day.year, day.month, day.day) == number
    assert calendar.date(number) == (day.year, day.month, day.day)


@given(st.integers(1990, 2110), st.integers(0, 13), st.integers(0, 32))
def test_what_is_no_date_is_refused(year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
    except ValueError:
        with pytest.raises(ValueError, match="no such date"):
            calendar.days(year, month, day)
    else:
        calendar.days(year, month, day)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0)))
def test_local_and_utc_are_inverses(t: datetime) -> None:
    seconds = int((t - EPOCH).total_seconds())
    season, *fields = TIMES.local(seconds)
    assert (season, fields) == (0, [t.year, t.month, t.day, t.hour, t.minute, t.second])
    for told in (None, 0, 1, 2):
        assert TIMES.utc(told, *fields) == seconds


def test_the_end_of_a_day_is_24_00_and_nothing_is_later() -> None:
    end = int((datetime(2024, 3, 1) - EPOCH) / timedelta(seconds=1))
    assert TIMES.utc(0, 2024, 2, 29, 24, 0, 0) == end
    for late in ((24, 0, 1), (24, 1, 0), (25, 0, 0), (23, 60, 0), (23, 59, 60)):
        with pytest.raises(ValueError, match="no such time"):
            TIMES.utc(0, 2024, 2, 29, *late)
