"""COSEM date-times against the standard library and Gurux; bounds of ranges; the calendar's way back."""

from __future__ import annotations

import datetime

import pytest
from gurux_dlms.enums import ClockStatus, DataType
from hypothesis import given
from hypothesis import strategies as st

from host_tests.gurux_objects import READER
from host_tests.model_sources import Clock
from meter import calendar
from meter.cosem import date_time

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
MOMENTS = st.integers(0, 3_155_759_999)  # to the end of 2099


@given(MOMENTS, st.sampled_from([0, 60, 120, 210, -300, 840, -720]), st.booleans())
def test_a_moment_is_the_same_to_gurux_in_every_zone(utc: int, ahead: int, daylight_saving: bool) -> None:
    data = date_time.octets(Clock(ahead, daylight_saving), utc)
    found = READER.changeType(bytearray(data), DataType.DATETIME)
    local = EPOCH + datetime.timedelta(seconds=utc, minutes=ahead)
    assert found.value.replace(tzinfo=None) == local.replace(tzinfo=None)
    assert data[4] == local.isoweekday() and int.from_bytes(data[9:11], "big", signed=True) == -ahead
    assert bool(int(found.status) & int(ClockStatus.DAYLIGHT_SAVE_ACTIVE)) == daylight_saving
    assert date_time.utc(Clock(), data) == utc  # by its deviation, whatever the meter's zone


def test_central_europe_has_a_deviation_of_minus_60() -> None:
    """Facts page 3.5: CET FFC4, CEST FF88."""
    assert date_time.octets(Clock(60), 0)[9:11] == b"\xff\xc4"
    assert date_time.octets(Clock(120, True), 0)[9:] == b"\xff\x88\x80"


def test_a_clock_that_is_not_set_says_so() -> None:
    clock = Clock()
    assert date_time.now(clock)[11] == 0
    clock.valid = False
    assert date_time.now(clock)[11] == 1


@given(st.lists(MOMENTS, max_size=30), st.sampled_from([0, 210, -720]))
def test_stamps_of_many_moments_are_those_of_each(moments: list[int], ahead: int) -> None:
    clock = Clock(ahead)
    stamps, buffer = date_time.Stamps(clock), bytearray(14)
    for utc in moments + sorted(moments):
        stamps.put(buffer, 1, utc)
        assert buffer[1:13] == date_time.octets(clock, utc)


def test_stamps_follow_the_zone_through_a_day_in_which_it_changes() -> None:
    class Changing(Clock):
        def zone(self, utc: int) -> tuple[int, bool, int, int]:
            change = 100 * 86400 + 3600
            return (60, False, 0, change) if utc < change else (120, True, change, 1 << 40)

    clock, buffer = Changing(), bytearray(12)
    stamps = date_time.Stamps(clock)
    for utc in range(99 * 86400, 101 * 86400, 600):
        stamps.put(buffer, 0, utc)
        assert buffer == date_time.octets(clock, utc)


# --- bounds ---------------------------------------------------------------------------------------------------------


def seconds(text: str) -> int:
    return int((datetime.datetime.fromisoformat(text + "+00:00") - EPOCH).total_seconds())


@pytest.mark.parametrize(
    ("data", "first", "last"),
    [
        ("07e8 07 0d ff 0d 00 00 00 8000 ff", "2024-07-13 13:00:00", "2024-07-13 13:00:00"),
        ("07e8 07 0d ff 0d ff ff ff 8000 ff", "2024-07-13 13:00:00", "2024-07-13 13:59:59"),
        ("07e8 07 0d ff ff ff ff ff 8000 ff", "2024-07-13 00:00:00", "2024-07-13 23:59:59"),
        ("07e8 02 ff ff ff ff ff ff 8000 ff", "2024-02-01 00:00:00", "2024-02-29 23:59:59"),
        ("07e7 02 ff ff ff ff ff ff 8000 ff", "2023-02-01 00:00:00", "2023-02-28 23:59:59"),
        ("07e8 0c ff ff ff ff ff ff 8000 ff", "2024-12-01 00:00:00", "2024-12-31 23:59:59"),
        ("07e8 ff ff ff ff ff ff ff 8000 ff", "2024-01-01 00:00:00", "2024-12-31 23:59:59"),
        # whatever the deviation and its sign: the digits are local time
        ("07e8 07 0d ff 0d 00 00 00 ffc4 ff", "2024-07-13 13:00:00", "2024-07-13 13:00:00"),
        ("07e8 07 0d ff 0d 00 00 00 fed4 80", "2024-07-13 13:00:00", "2024-07-13 13:00:00"),
    ],
)
def test_bounds_are_local_digits_and_what_is_left_open_is_all_of_it(data: str, first: str, last: str) -> None:
    octets = bytes.fromhex(data)
    assert date_time.bound(Clock(), octets, False) == seconds(first)
    assert date_time.bound(Clock(), octets, True) == seconds(last)
    assert date_time.bound(Clock(120), octets, True) == seconds(last) - 7200


def test_no_date_is_no_bound() -> None:
    for data in (None, b"\xff" * 12, date_time.UNSPECIFIED):
        assert date_time.bound(Clock(), data, False) is None is date_time.bound(Clock(), data, True)


@pytest.mark.parametrize("weekday", [0, 8, 254])
def test_a_weekday_that_there_is_not_is_no_time_to_set(weekday: int) -> None:
    """Blue Book, 4.1.6.1: 1 is Monday, 7 Sunday, FF not specified."""
    octets = bytes.fromhex("07e8 07 0d ff 0c 00 00 00 8000 ff")
    assert date_time.utc(Clock(), octets)
    with pytest.raises(ValueError, match="no such weekday"):
        date_time.utc(Clock(), octets[:4] + bytes([weekday]) + octets[5:])


@pytest.mark.parametrize(
    "data",
    [
        "",
        "07e8",
        "07e8 0d 01 ff 00 00 00 00 8000 ff",
        "07e7 02 1d ff 00 00 00 00 8000 ff",
        "07e8 00 01 ff 00 00 00 00 8000 ff",
    ]
    + ["07e8 07 0d ff 18 00 00 00 8000 ff", "07e8 07 0d ff 0d 3c 00 00 8000 ff", "07e8 fd fe 07 02 00 00 00 8000 ff"],
)
def test_what_is_no_date_is_refused(data: str) -> None:
    octets = bytes.fromhex(data)
    for last in (False, True):
        with pytest.raises(ValueError, match="no "):
            date_time.bound(Clock(), octets, last)
    with pytest.raises(ValueError, match="no "):
        date_time.utc(Clock(), octets)


@given(st.binary(min_size=12, max_size=12), st.booleans())
def test_any_octets_are_a_bound_or_refused(data: bytes, last: bool) -> None:
    try:
        found = date_time.bound(Clock(), data, last)
    except ValueError:
        return
    assert found is None or type(found) is int


# --- the calendar's way back ----------------------------------------------------------------------------------------


def test_days_of_dates_agree_with_the_standard_library_from_1900_to_2200() -> None:
    for days in range(-36524, 73050):
        date = datetime.date(2000, 1, 1) + datetime.timedelta(days)
        assert calendar.days(date.year, date.month, date.day) == days


@given(st.integers(1, 9999), st.integers(0, 13), st.integers(0, 32))
def test_dates_that_are_none_are_refused(year: int, month: int, day: int) -> None:
    try:
        expected = (datetime.date(year, month, day) - datetime.date(2000, 1, 1)).days
    except ValueError:
        with pytest.raises(ValueError, match="no such date"):
            calendar.days(year, month, day)
        return
    assert calendar.days(year, month, day) == expected
