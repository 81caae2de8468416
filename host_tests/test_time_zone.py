"""Local time against the world's time zone database, 2000 to 2037, and rules for daylight saving one by one."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.tariff_zone import EPOCH, of_database, seconds
from meter import calendar, persian
from meter.time_zone import EU_BEGIN, EU_END, TimeZone, is_rule

ANY, LAST, LAST_BUT_ONE = 0xFF, 0xFE, 0xFD
SUNDAY = 7


def rule(
    month: int, day: int, weekday: int = ANY, hour: int = 0, deviation: int = -0x8000, year: int = 0xFFFF
) -> bytes:
    return struct.pack(">HBBBBBBBhB", year, month, day, weekday, hour, 0, 0, 0, deviation, 0xFF)


def of_python(zone: ZoneInfo, utc: int) -> tuple[int, bool]:
    """(minutes ahead, daylight saving)."""
    local = (EPOCH + timedelta(seconds=utc)).astimezone(zone)
    ahead, saving = local.utcoffset(), local.dst()
    assert ahead is not None and saving is not None
    return int(ahead.total_seconds()) // 60, bool(saving)


def to_utc_of_python(zone: ZoneInfo, local: int, last: bool) -> int:
    naive = datetime(2000, 1, 1) + timedelta(seconds=local)
    return int((naive.replace(tzinfo=zone, fold=int(last)) - EPOCH).total_seconds())


BERLIN = (60, 60, EU_BEGIN, EU_END, calendar)
BERLIN_LOCAL = (60, 60, rule(3, LAST, SUNDAY, 2), rule(10, LAST, SUNDAY, 3), calendar)
NEW_YORK = (-300, 60, rule(3, 8, SUNDAY, 2), rule(11, 1, SUNDAY, 2), calendar)
NEW_YORK_TO_2006 = (-300, 60, rule(4, 1, SUNDAY, 2), rule(10, LAST, SUNDAY, 2), calendar)
SYDNEY = (600, 60, rule(10, 1, SUNDAY, 2), rule(4, 1, SUNDAY, 3), calendar)  # summer over the turn of the year
KOLKATA = (330, None, EU_BEGIN, EU_END, calendar)
# 1 Farvardin 24:00 to 30 Shahrivar 24:00
TEHRAN = (210, 60, rule(1, 2), rule(6, 31), persian)
TEHRAN_WITHOUT = (210, None, rule(1, 2), rule(6, 31), persian)

# What the meter is set up with, the database's name, from the beginning of a year to that of another
PLACES = [
    (BERLIN, "Europe/Berlin", 2000, 2038),
    (BERLIN_LOCAL, "Europe/Berlin", 2000, 2038),
    (NEW_YORK_TO_2006, "America/New_York", 2000, 2007),
    (NEW_YORK, "America/New_York", 2007, 2038),
    (SYDNEY, "Australia/Sydney", 2009, 2038),
    (KOLKATA, "Asia/Kolkata", 2000, 2038),
    (TEHRAN, "Asia/Tehran", 2000, 2006),
    (TEHRAN_WITHOUT, "Asia/Tehran", 2006, 2008),
    (TEHRAN, "Asia/Tehran", 2008, 2023),
    (TEHRAN_WITHOUT, "Asia/Tehran", 2023, 2038),
]


@pytest.mark.parametrize(("setting", "name", "first", "end"), PLACES)
def test_local_time_is_the_worlds(setting: tuple, name: str, first: int, end: int) -> None:
    """At each change to the second, with no change left out, and the way back around each change."""
    ours, theirs = TimeZone(*setting), of_database(name)
    at, stop, changes = seconds(first, 1, 1), seconds(end, 1, 1), set()
    while at < stop:
        minutes, saving, since, until = ours.zone(at)
        assert since <= at < until
        changes.add(until)
        until = min(until, stop)
        for utc in (*range(at, until, 86_400 * 5), until - 1):
            assert of_python(theirs, utc) == (minutes, saving) == ours.zone(utc)[:2]
        at = until
    for change in [moment for moment in changes if moment < stop]:
        for utc in range(change - 3 * 3600, change + 3 * 3600, 300):
            local = utc + of_python(theirs, utc)[0] * 60
            assert utc in (ours.to_utc(local), ours.to_utc(local, True))
            for last in (False, True):
                assert ours.to_utc(local, last) == to_utc_of_python(theirs, local, last)
                assert ours.to_utc(local - 3600, last) == to_utc_of_python(theirs, local - 3600, last)


@given(st.sampled_from(PLACES), st.data())
def test_any_moment_in_any_order_is_the_worlds(place: tuple, data: st.DataObject) -> None:
    setting, name, first, end = place
    ours, theirs = TimeZone(*setting), of_database(name)
    for utc in data.draw(st.lists(st.integers(seconds(first, 1, 1), seconds(end, 1, 1) - 1), max_size=20)):
        minutes, saving, since, until = ours.zone(utc)
        assert (minutes, saving) == of_python(theirs, utc) and since <= utc < until


def test_the_night_in_which_the_clock_is_put_forward_has_no_two_oclock() -> None:
    zone = TimeZone(*BERLIN)
    assert zone.zone(seconds(2026, 3, 29, 0, 59, 59))[:2] == (60, False)
    assert zone.zone(seconds(2026, 3, 29, 1))[:2] == (120, True)
    assert zone.to_utc(seconds(2026, 3, 29, 3)) == seconds(2026, 3, 29, 1)
    assert zone.to_utc(seconds(2026, 3, 29, 2, 30)) == seconds(2026, 3, 29, 1, 30)  # 03:30


def test_the_night_in_which_the_clock_is_put_back_has_two_oclock_twice() -> None:
    zone = TimeZone(*BERLIN)
    half_past = seconds(2026, 10, 25, 2, 30)
    assert zone.to_utc(half_past) == seconds(2026, 10, 25, 0, 30)
    assert zone.to_utc(half_past, last=True) == seconds(2026, 10, 25, 1, 30)
    assert zone.to_utc(half_past + 1800) == zone.to_utc(half_past + 1800, True) == seconds(2026, 10, 25, 2)


RULES: list[tuple[bytes, ModuleType, list[date]]] = [
    (rule(2, LAST), calendar, [date(2023, 2, 28), date(2024, 2, 29)]),
    (rule(2, LAST_BUT_ONE), calendar, [date(2023, 2, 27), date(2024, 2, 28)]),
    (rule(3, LAST_BUT_ONE, SUNDAY), calendar, [date(2026, 3, 22), date(2027, 3, 21)]),
    (rule(3, LAST, SUNDAY), calendar, [date(2026, 3, 29), date(2027, 3, 28), date(2030, 3, 31)]),
    (rule(3, 8, SUNDAY), calendar, [date(2026, 3, 8), date(2027, 3, 14)]),
    (rule(3, 31, 1), calendar, [date(2026, 4, 6), date(2025, 3, 31)]),  # the first Monday from 31 March on
    (rule(2, 31), calendar, [date(2026, 2, 28)]),  # there is none: the last day
    (rule(1, 1), persian, [date(2024, 3, 20), date(2025, 3, 21), date(2029, 3, 20), date(2030, 3, 21)]),
    (rule(12, LAST), persian, [date(2025, 3, 20), date(2026, 3, 20), date(2030, 3, 20)]),
    (rule(3, 17, year=2026), calendar, [date(2026, 3, 17)]),
]


@pytest.mark.parametrize(("begin", "by", "days"), RULES)
def test_a_rule_means_its_day(begin: bytes, by: ModuleType, days: list[date]) -> None:
    assert is_rule(begin)
    for day in days:
        midnight = seconds(day.year, day.month, day.day)
        zone = TimeZone(0, 60, begin, rule(8, 1), by)
        assert zone.zone(midnight - 1)[:2] == (0, False)
        assert zone.zone(midnight)[:3] == (60, True, midnight)


def test_rules_of_one_year_leave_other_years_alone() -> None:
    zone = TimeZone(0, 60, rule(3, 1, year=2026), rule(9, 1, year=2026), calendar)
    for year in (2000, 2025, 2027, 2099):
        assert not zone.zone(seconds(year, 6, 1))[1]
    assert zone.zone(seconds(2026, 6, 1)) == (60, True, seconds(2026, 3, 1), seconds(2026, 8, 31, 23))


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        EU_BEGIN[:11],
        EU_BEGIN + b"\0",
        rule(0, 1),
        rule(13, 1),
        rule(0xFE, 1),
        rule(3, 0),
        rule(3, 32),
        rule(3, ANY, SUNDAY),
        rule(3, 1, 0),
        rule(3, 1, 8),
        rule(3, 1, hour=24),
        rule(3, 1, deviation=-841),
        rule(3, 1, deviation=721),
        rule(3, 1, year=0),
    ],
)
def test_what_is_no_rule_is_none(wrong: bytes) -> None:
    assert not is_rule(wrong)


@given(st.binary(min_size=12, max_size=12), st.sampled_from([calendar, persian]), st.integers(0, seconds(2099, 1, 1)))
def test_whatever_passes_for_a_rule_makes_a_zone(octets: bytes, by: ModuleType, utc: int) -> None:
    month, day, weekday = octets[2] % 12 + 1, octets[3] % 31 + 1, octets[4] % 7 + 1
    begin = octets[:2] + bytes((month, day, weekday, octets[5] % 24, octets[6] % 60, octets[7] % 60)) + EU_END[8:]
    if is_rule(begin):
        minutes, saving, first, end = TimeZone(210, 60, begin, EU_END, by).zone(utc)
        assert (minutes, saving) in ((210, False), (270, True)) and first <= utc < end
