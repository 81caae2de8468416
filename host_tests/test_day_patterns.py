"""Dates with parts left open against the almanac and against looking at each day."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.tariff_calendars import Persian, pattern
from host_tests.tariff_reference import EPOCH, Gregorian, Remembered, falls_on
from meter import calendar
from meter.tariff import day_patterns

GREGORIAN, PERSIAN = Remembered(Gregorian()), Remembered(Persian())
PATTERNS = st.builds(
    pattern,
    st.none() | st.integers(1402, 1406) | st.integers(2023, 2027),
    st.integers(1, 12) | st.just(255),
    st.integers(1, 31) | st.sampled_from([253, 254, 255]),
    st.integers(1, 7) | st.just(255),
)


def day(year: int, month: int, day_of_month: int) -> int:
    return (datetime.date(year, month, day_of_month) - EPOCH).days


@pytest.mark.parametrize(
    ("parts", "date"),
    [
        ((2026, 3, 254, 7), (2026, 3, 29)),  # last Sunday of March: begin of summer time in the EU
        ((2026, 10, 254, 7), (2026, 10, 25)),
        ((2026, 3, 8, 7), (2026, 3, 8)),  # the Sunday on or after the 8th, the second one: begin in the USA
        ((2026, 11, 1, 7), (2026, 11, 1)),
        ((2026, 11, 22, 4), (2026, 11, 26)),  # Thanksgiving
        ((2028, 2, 254, 255), (2028, 2, 29)),
        ((2026, 2, 253, 255), (2026, 2, 27)),
        ((2026, 5, 253, 1), (2026, 5, 18)),
    ],
)
def test_open_dates_fall_on_the_days_of_the_almanac(parts: Any, date: Any) -> None:
    for year in (parts[0], None):
        made, expected = pattern(year, *parts[1:]), day(*date)
        day_patterns.check(calendar, made, True)
        month = [each for each in range(expected - 40, expected + 40) if calendar.date(each)[:2] == date[:2]]
        fitting = [each for each in month if day_patterns.matches(calendar, made, each, calendar.date(each))]
        assert fitting == [expected]
        assert day_patterns.latest(calendar, made, month[-1] + 300, calendar.date(month[-1] + 300)) == expected


@settings(deadline=None)
@given(PATTERNS, st.integers(8800, 9700), st.booleans())
def test_open_dates_match_as_looking_at_each_day_does(made: bytes, number: int, persian: bool) -> None:
    years: Any = PERSIAN if persian else calendar
    try:
        day_patterns.check(years, made, False)
    except ValueError:
        return
    slow: Any = PERSIAN if persian else GREGORIAN
    assert day_patterns.matches(years, made, number, years.date(number)) == falls_on(slow, made, number)
    if made[3] != 255:
        before = [each for each in range(number, number - 366, -1) if falls_on(slow, made, each)]
        found = day_patterns.latest(years, made, number, years.date(number))
        assert found == before[0] if before else found is None or found <= number - 366 and falls_on(slow, made, found)


@pytest.mark.parametrize(
    ("parts", "yearly", "reason"),
    [
        ((None, 2, 30), False, "no day 30"),
        ((2026, 2, 29), False, "no day 29"),
        ((None, 2, 29), True, "no day 29"),
        ((None, 255, 31), True, "no day 31 in every month"),
        ((None, 13, 1), False, "no month 13"),
        ((None, 254, 1), False, "no month 254"),
        ((None, 0, 1), False, "no month 0"),
        ((None, 1, 0), False, "no day 0"),
        ((None, 1, 32), False, "no day 32"),
        ((None, 1, 1, 8), False, "no weekday 8"),
        ((None, 1, 23, 7), False, "no weekday"),
        ((2026, 12, 25, 4), False, "no weekday"),  # it is a Friday
        ((1405, 1, 1), False, "year 1405"),
        ((2100, 1, 1), False, "year 2100"),
        ((None, 1, 255), True, "open"),
    ],
)
def test_dates_that_cannot_be_are_refused_with_the_reason(parts: Any, yearly: bool, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        day_patterns.check(calendar, pattern(*parts), yearly)


def test_dates_that_can_be_are_taken() -> None:
    for parts in ((None, 2, 29), (2028, 2, 29), (None, 255, 31), (None, 255, 255, 7), (2026, 12, 25, 5)):
        day_patterns.check(calendar, pattern(*parts), False)
    for parts in ((None, 12, 30), (1403, 12, 30), (1408, 12, 30)):  # leap years of the Persian calendar
        day_patterns.check(PERSIAN, pattern(*parts), False)
    for parts in ((1404, 12, 30), (2026, 1, 1), (None, 7, 31)):
        with pytest.raises(ValueError, match=r"no day|year"):
            day_patterns.check(PERSIAN, pattern(*parts), False)
