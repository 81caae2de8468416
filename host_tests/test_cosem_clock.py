"""The clock as clients meet it: class 8, 0.9.1 and 0.9.2, on the real clock and the clock chip's model."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from gurux_dlms import GXByteBuffer, GXDateTime, GXDLMSClient
from gurux_dlms.enums import DataType
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.objects import GXDLMSClock

from host_tests.access_bench import Door, outcome
from host_tests.gurux_objects import copy_of
from host_tests.model_sources import Sources
from host_tests.test_clock import BERLIN, START, TEHRAN, Rig, seconds
from host_tests.test_time_zone import LAST, SUNDAY, rule
from meter.access import DENIED, FORMAT, RANGE
from meter.comms import vdew
from meter.cosem import obis
from meter.cosem.classes import Object
from meter.cosem.model import ObjectModel
from meter.parameters import ParameterRefused
from meter.tariff.local_time import STANDARD, SUMMER, UTC, LocalTime
from meter.time_zone import EU_BEGIN, EU_END
from meter.type_code import TypeCode

ANY_DEVIATION = -0x8000


class Meter(Rig):
    """A rig with the object model on it."""

    def __init__(self, start: int = START, **values: Any) -> None:
        super().__init__(start, **values)
        sources: Any = Sources()
        type_code = TypeCode("ZMG405CR4.260b.43")
        sources.equip(type_code, self.parameters)
        sources.clock, sources.set_clock = self.clock, self.clock.set
        self.model = ObjectModel(sources, self.parameters, type_code)
        self.object: Any = self.model.get(8, obis.parse("0-0:1.0.0"))

    def part(self, code: str) -> Any:
        return self.model.find(code)

    def since_set(self) -> int:
        """UTC that the clock was last set to; nothing has run since."""
        assert self.told[-1][0] == "set"
        return self.told[-1][2]


def octets(*fields: int, deviation: int = ANY_DEVIATION, status: int = 0xFF) -> bytes:
    year, month, day, hour, minute, second = fields
    head = bytes((year >> 8, year & 255, month, day, 0xFF, hour, minute, second, 0))
    return head + deviation.to_bytes(2, "big", signed=True) + bytes((status,))


# --- attributes -----------------------------------------------------------------------------------------------------


def test_gurux_reads_all_that_makes_local_time() -> None:
    theirs = copy_of(Meter(seconds(2026, 7, 1, 12, 0, 0), **BERLIN).object)
    assert isinstance(theirs, GXDLMSClock)
    assert theirs.time.value.replace(tzinfo=None) == datetime.datetime(2026, 7, 1, 14, 0, 0)
    assert (theirs.timeZone, theirs.deviation, theirs.enabled, int(theirs.clockBase)) == (-60, 60, True, 1)
    assert int(theirs.status) == 0x80
    for found, octets_of_rule in ((theirs.begin, EU_BEGIN), (theirs.end, EU_END)):
        assert found.value.month == octets_of_rule[2]


def test_attributes_are_the_parameters_and_change_them() -> None:
    meter = Meter()
    begin, end = rule(3, 8, SUNDAY, 2), rule(11, 1, SUNDAY, 2)
    for attribute, value, name, expected in (
        (3, 300, "time_zone", -300),
        (5, begin, "dst_begin", begin),
        (6, end, "dst_end", end),
        (7, 30, "dst_minutes", 30),
        (8, True, "dst_enabled", 1),
    ):
        meter.object.set(attribute, value)
        assert meter.object.get(attribute) == value and meter.parameters.get(name) == expected
    assert meter.clock.zone(seconds(2026, 7, 1))[:2] == (-270, True)
    assert meter.clock.zone(seconds(2026, 3, 8, 7))[2] == seconds(2026, 3, 8, 7)


@pytest.mark.parametrize(
    ("attribute", "value"), [(3, 721), (3, -841), (5, b""), (5, rule(3, 0)), (6, EU_END[:11]), (7, 121), (7, -121)]
)
def test_what_makes_no_local_time_is_refused_and_changes_nothing(attribute: int, value: Any) -> None:
    meter = Meter()
    before = meter.object.get(attribute)
    with pytest.raises(ParameterRefused, match="out of range"):
        meter.object.set(attribute, value)
    assert meter.object.get(attribute) == before


def test_status_and_base_are_not_written() -> None:
    for attribute in (1, 4, 9):
        with pytest.raises(KeyError):
            Meter().object.set(attribute, 1)


# --- setting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        (octets(2026, 7, 1, 14, 0, 0), (2026, 7, 1, 12)),
        (octets(2026, 7, 1, 14, 0, 0, deviation=-120, status=0x80), (2026, 7, 1, 12)),
        (octets(2026, 7, 1, 14, 0, 0, deviation=120), (2026, 7, 1, 12)),  # the meter's own with the wrong sign
        (octets(2026, 7, 1, 14, 0, 0, deviation=0), (2026, 7, 1, 14)),
        (octets(2026, 7, 1, 14, 0, 0, deviation=300), (2026, 7, 1, 19)),  # New York in winter
        (octets(2026, 7, 1, 14, 0, 0, deviation=-60), (2026, 7, 1, 13)),
        # the hour that there is twice
        (octets(2026, 10, 25, 2, 30, 0), (2026, 10, 25, 0, 30)),
        (octets(2026, 10, 25, 2, 30, 0, status=0x80), (2026, 10, 25, 0, 30)),
        (octets(2026, 10, 25, 2, 30, 0, status=0), (2026, 10, 25, 1, 30)),
        (octets(2026, 10, 25, 2, 30, 0, deviation=-60, status=0), (2026, 10, 25, 1, 30)),
        (octets(2026, 10, 25, 2, 30, 0, deviation=-120, status=0x80), (2026, 10, 25, 0, 30)),
        (octets(2026, 10, 25, 2, 30, 0, deviation=60, status=0), (2026, 10, 25, 1, 30)),
        (octets(2028, 2, 29, 23, 59, 59), (2028, 2, 29, 22, 59, 59)),
    ],
)
def test_the_time_is_taken_as_the_client_means_it(time: bytes, utc: tuple) -> None:
    meter = Meter(**BERLIN)
    meter.object.set(2, time)
    assert meter.since_set() == seconds(*utc)


def test_what_a_gurux_client_sends_is_the_moment_it_means() -> None:
    """It sends its own zone's deviation; by the standard that is minus 120 in Berlin's summer."""
    moment = datetime.datetime(2026, 7, 1, 14, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    buffer = GXByteBuffer()
    _GXCommon.setData(GXDLMSClient().settings, buffer, DataType.OCTET_STRING, GXDateTime(moment))
    meter = Meter(**BERLIN)
    meter.object.set(2, bytes(buffer.array()[2:]))
    assert meter.since_set() == seconds(2026, 7, 1, 12)


def test_a_persian_wire_is_set_and_asked_by_persian_dates() -> None:
    meter = Meter(**TEHRAN, persian_on_wire=1)
    meter.object.set(2, octets(1403, 12, 30, 23, 59, 59))
    assert meter.since_set() == seconds(2025, 3, 20, 20, 29, 59)
    for none in (octets(1404, 12, 30, 0, 0, 0), octets(2026, 11, 22, 0, 0, 0)):
        with pytest.raises(ValueError, match=r"no such date|years"):
            meter.object.set(2, none)


# --- methods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "at", "expected"),
    [
        (1, (2026, 7, 1, 12, 7, 29), (2026, 7, 1, 12, 0, 0)),
        (1, (2026, 7, 1, 12, 7, 30), (2026, 7, 1, 12, 15, 0)),
        (1, (2026, 7, 1, 23, 55, 0), (2026, 7, 2, 0, 0, 0)),
        (2, (2026, 7, 1, 12, 44, 0), (2026, 7, 1, 12, 45, 0)),  # from 18:29 to half past six in Kathmandu
        (2, (2026, 7, 1, 12, 29, 59), (2026, 7, 1, 12, 15, 0)),  # from 18:14:59 to six
        (3, (2026, 7, 1, 12, 7, 29), (2026, 7, 1, 12, 7, 0)),
        (3, (2026, 7, 1, 12, 7, 30), (2026, 7, 1, 12, 8, 0)),
    ],
)
def test_the_clock_is_set_to_the_nearest_quarter_period_or_minute_of_local_time(
    method: int, at: tuple, expected: tuple
) -> None:
    meter = Meter(seconds(*at), time_zone=345)
    meter.clock.period_s = 1800
    meter.object.act(method, 0)
    assert meter.since_set() == seconds(*expected)


def test_a_shift_keeps_to_its_limits() -> None:
    meter = Meter()
    for by in (900, -900, 0, 1):
        before = meter.clock.utc()
        meter.object.act(6, by)
        assert meter.since_set() == before + by
    for wrong in (901, -901, None):
        with pytest.raises(ValueError, match="900"):
            meter.object.act(6, wrong)


def test_a_preset_time_is_taken_over_once_and_only_in_its_span() -> None:
    meter = Meter(seconds(2026, 11, 22, 16, 0, 0))
    with pytest.raises(ValueError, match="preset"):
        meter.object.act(4, 0)
    wanted = octets(2026, 11, 22, 16, 30, 0)
    for first, last, is_good in (
        (octets(2026, 11, 22, 16, 0, 1), octets(2026, 11, 22, 17, 0, 0), False),
        (octets(2026, 11, 22, 15, 0, 0), octets(2026, 11, 22, 15, 59, 59), False),
        (octets(2026, 11, 22, 16, 0, 0), b"\xff" * 12, True),
    ):
        meter.object.act(5, (wanted, first, last))
        if is_good:
            meter.object.act(4, 0)
            assert meter.since_set() == seconds(2026, 11, 22, 16, 30)
        with pytest.raises(ValueError, match=r"preset|take it over"):
            meter.object.act(4, 0)
    for wrong in (None, (b"", b"", b""), (octets(2026, 13, 1, 0, 0, 0), wanted, wanted)):
        with pytest.raises(ValueError, match="no "):
            meter.object.act(5, wrong)


def test_a_clock_that_does_not_know_the_time_is_set_but_not_adjusted() -> None:
    meter = Meter(start=0)
    meter.object.act(5, (octets(2026, 11, 22, 16, 30, 0), b"\xff" * 12, b"\xff" * 12))
    for method, value in ((1, 0), (2, 0), (3, 0), (6, 5)):
        with pytest.raises(ValueError, match="not known"):
            meter.object.act(method, value)
    assert not meter.clock.valid
    meter.object.act(4, 0)
    assert meter.clock.valid and meter.since_set() == seconds(2026, 11, 22, 16, 30)


def test_the_classes_methods_are_there_for_gurux() -> None:
    ours: Object = Meter().object
    theirs = GXDLMSClock()
    assert (ours.attributes, ours.methods) == (theirs.getAttributeCount(), theirs.getMethodCount())


# --- time and date alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("0.9.1", "13:00:00", (2026, 7, 1, 13, 0, 0)),
        ("0.9.1", "130001", (2026, 7, 1, 13, 0, 1)),
        ("0.9.1", "13:05", (2026, 7, 1, 13, 5, 0)),
        ("0.9.2", "24-02-29", (2024, 2, 29, 14, 0, 5)),
        ("0.9.2", "240229", (2024, 2, 29, 14, 0, 5)),
        ("0.9.2", "2099-12-31", (2099, 12, 31, 14, 0, 5)),
    ],
)
def test_time_and_date_are_written_alone_in_local_time(code: str, text: str, expected: tuple) -> None:
    meter = Meter(seconds(2026, 7, 1, 12, 0, 5), **BERLIN)
    meter.part(code).write(text, 2)
    shown = meter.clock.fields()
    assert shown[:3] + shown[4:] == expected
    moment = datetime.datetime(*expected)
    assert meter.part("0.9.2").formatted() == (f"{moment:%y-%m-%d}", "")
    assert meter.part("0.9.1").formatted() == (f"{moment:%H:%M:%S}", "")


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("0.9.1", ["24:00:00", "12:60:00", "12:00:60", "12", "1:00:00", "12:00:0x", "12-00-00", "", "12:00:00:00"]),
        ("0.9.2", ["26-02-29", "26-13-01", "26-00-01", "26-01-00", "26-7-1", "20260701", "1999-12-31", "26-07", ""]),
    ],
)
def test_what_is_no_time_or_date_is_refused(code: str, texts: list[str]) -> None:
    for text in texts:
        meter = Meter()
        with pytest.raises(ValueError, match=r"no |years"):
            meter.part(code).write(text, 2)
        assert not meter.told


def test_time_written_in_the_hour_that_there_is_twice_stays_in_its_season() -> None:
    for minute, expected in ((5, (2026, 10, 25, 0, 30)), (65, (2026, 10, 25, 1, 30))):
        meter = Meter(seconds(2026, 10, 25, 0, 0, 0) + minute * 60, **BERLIN)
        meter.part("0.9.1").write("02:30:00", 2)
        assert meter.since_set() == seconds(*expected)


def test_dates_are_persian_where_the_meter_is() -> None:
    meter = Meter(seconds(2025, 3, 20, 12, 0, 0), **TEHRAN)
    assert meter.part("0.9.2").formatted() == ("03-12-30", "")
    assert meter.part("0.9.2").data_set() == "0.9.2(03-12-30)"
    meter.part("0.9.2").write("04-01-01", 2)
    assert meter.since_set() == seconds(2025, 3, 21, 12)
    meter.part("0.9.2").write("1408-12-30", 2)
    assert meter.since_set() == seconds(2030, 3, 20, 12)
    with pytest.raises(ValueError, match="no such date"):
        meter.part("0.9.2").write("04-12-30", 2)
    assert meter.part("0.9.2").get(2)[:4] == bytes((2030 >> 8, 2030 & 255, 3, 20))
    assert meter.object.formatted() == ("08-12-30 15:30:00", "")


def test_octets_set_time_and_date_too() -> None:
    meter = Meter(seconds(2026, 7, 1, 12, 0, 5), **BERLIN)
    meter.part("0.9.2").set(2, b"\x07\xec\x02\x1d\xff")
    meter.part("0.9.1").set(2, b"\x0d\x01\x02\x00")
    assert meter.since_set() == seconds(2028, 2, 29, 12, 1, 2)
    for code, wrong in (("0.9.1", b"\x18\0\0\0"), ("0.9.1", b"\0\0\0"), ("0.9.2", b"\x07\xea\x02\x1d\xff")):
        with pytest.raises(ValueError, match="no "):
            meter.part(code).set(2, wrong)


def test_time_is_written_from_field_service_on() -> None:
    meter = Meter()
    door = Door()
    door.access._find = meter.model.find
    for level in (0, 1, 5, 6):
        assert outcome(door.access.write, "0.9.1", "13:00:00", level) == DENIED
    assert not meter.told
    for level in (2, 3):
        assert outcome(door.access.write, "0.9.1", "13:00:00", level) is None
        assert outcome(door.access.write, "0.9.2", "26-02-30", level) == RANGE
    assert outcome(door.access.read, "0.9.1", 0) == "13:00:00"


def test_a_rule_is_read_and_written_as_hexadecimal_text() -> None:
    door = Door()
    assert door.read("C.61.103", 1) == "FFFF03FE070100000000" + "00FF"
    text = rule(10, LAST, SUNDAY, 3).hex()
    assert door.write("C.61.104", text, 3) == "" and door.read("C.61.104", 1) == text.upper()
    assert door.write("C.61.104", text[:-2], 3) == RANGE and door.write("C.61.104", "last Sunday", 3) == FORMAT
    assert door.write("C.61.101", "-300", 3) == "" and door.read("C.61.101", 1) == "-300"


# --- IEC 62056-21 profiles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "utc", "text"),
    [
        (BERLIN, (2024, 7, 15, 12, 0, 0), "1240715140000"),
        (BERLIN, (2024, 10, 27, 0, 30, 0), "1241027023000"),
        (BERLIN, (2024, 10, 27, 1, 30, 0), "0241027023000"),
        (BERLIN, (2024, 2, 29, 22, 59, 59), "0240229235959"),
        (TEHRAN, (2025, 3, 20, 20, 29, 59), "0031230235959"),
        (TEHRAN, (2025, 3, 20, 20, 30, 0), "0040101000000"),
    ],
)
def test_times_of_profiles_are_local_with_their_season_and_come_back(setting: dict, utc: tuple, text: str) -> None:
    times = LocalTime(Rig(**setting).clock)
    moment = seconds(*utc)
    assert vdew.time_text(moment, times) == text
    assert vdew.parse_span(text + ";" + text, times) == (moment, moment)


def test_a_time_without_a_season_is_the_first_of_two_and_utc_is_utc() -> None:
    times = LocalTime(Rig(**BERLIN).clock)
    assert vdew.parse_span("2410270230;2241027003000", times) == (seconds(2024, 10, 27, 0, 30),) * 2
    assert times.utc(SUMMER, 2024, 10, 27, 2, 30, 0) + 3600 == times.utc(STANDARD, 2024, 10, 27, 2, 30, 0)
    assert times.utc(UTC, 2024, 10, 27, 24, 0, 0) == seconds(2024, 10, 28)


def test_persian_profiles_are_asked_for_by_persian_times() -> None:
    times = LocalTime(Rig(**TEHRAN).clock)
    assert vdew.parse_span("0312302330;0401010030", times) == (
        seconds(2025, 3, 20, 20, 0),
        seconds(2025, 3, 20, 21, 0),
    )
    assert vdew.parse_span("03-12-30,23:30;", times) == (seconds(2025, 3, 20, 20, 0), None)
    assert times.utc(0, 1403, 12, 30, 24, 0, 0) == seconds(2025, 3, 20, 20, 30)
