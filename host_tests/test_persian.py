"""The Persian calendar against jdatetime, day by day, and against the dates of the product's fact sheet."""

from __future__ import annotations

from datetime import date, timedelta

import jdatetime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter import calendar, persian

EPOCH = date(2000, 1, 1)


def test_every_day_from_1900_to_2100_is_jdatetimes_both_ways() -> None:
    day, theirs = date(1900, 1, 1), jdatetime.date.fromgregorian(date=date(1900, 1, 1))
    step, their_step = timedelta(1), jdatetime.timedelta(1)
    for number in range((day - EPOCH).days, (date(2101, 1, 1) - EPOCH).days):
        given_day = (theirs.year, theirs.month, theirs.day)
        assert persian.date(number) == given_day
        assert persian.days(*given_day) == number
        day, theirs = day + step, theirs + their_step
    assert theirs.togregorian() == day == date(2101, 1, 1)


@pytest.mark.parametrize(
    ("gregorian", "expected"),
    [
        ((1979, 2, 11), (1357, 11, 22)),
        ((2000, 3, 20), (1379, 1, 1)),
        ((2020, 2, 29), (1398, 12, 10)),
        ((2021, 3, 20), (1399, 12, 30)),
        ((2024, 3, 19), (1402, 12, 29)),
        ((2024, 3, 20), (1403, 1, 1)),
        ((2025, 3, 20), (1403, 12, 30)),  # leap, so that the year after begins on the 21st
        ((2025, 3, 21), (1404, 1, 1)),
        ((2030, 3, 20), (1408, 12, 30)),  # five years after the leap year before
        ((2096, 3, 19), (1474, 12, 30)),
    ],
)
def test_a_date_is_that_of_both_calendars(gregorian: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    number = calendar.days(*gregorian)
    assert persian.date(number) == expected and persian.days(*expected) == number


def test_the_last_day_of_leap_years_is_there_and_of_others_it_is_not() -> None:
    """Facts page 6: 1404 to 1407 are four common years in a row."""
    leap = (1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432, 1436, 1441)
    for year in range(1387, 1442):
        if year in leap:
            assert persian.days(year, 12, 30) + 1 == persian.days(year + 1, 1, 1)
        else:
            with pytest.raises(ValueError, match="no such date"):
                persian.days(year, 12, 30)


@given(st.integers(1200, 1500), st.integers(-1, 14), st.integers(-1, 33))
def test_what_is_no_date_is_refused(year: int, month: int, day: int) -> None:
    try:
        expected = (jdatetime.date(year, month, day).togregorian() - EPOCH).days
    except ValueError:
        with pytest.raises(ValueError, match="no such"):
            persian.days(year, month, day)
    else:
        assert persian.days(year, month, day) == expected


@given(st.datetimes(min_value=jdatetime.datetime(1379, 1, 1).togregorian()).map(lambda t: t.replace(microsecond=0)))
def test_the_time_of_day_and_the_weekday_are_the_same_in_both(t) -> None:  # type: ignore[no-untyped-def]
    seconds = int((t - t.replace(2000, 1, 1, 0, 0, 0)).total_seconds())
    fields = persian.fields(seconds)
    assert fields[3:] == (t.isoweekday(), t.hour, t.minute, t.second)
    assert persian.seconds(fields[:3] + fields[4:]) == seconds


def test_two_digits_are_the_years_of_this_century_of_the_meter() -> None:
    """Facts page 6: 1380 to 1479, which is 2001 to 2100."""
    assert [persian.full_year(n) for n in (0, 5, 79, 80, 99)] == [1400, 1405, 1479, 1380, 1399]
    assert [calendar.full_year(n) for n in (0, 26, 99)] == [2000, 2026, 2099]
