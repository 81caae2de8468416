"""Activity calendar, special days and control table through the DLMS server, and as Gurux has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gurux_dlms.objects import GXDLMSActivityCalendar, GXDLMSSpecialDaysTable

from host_tests.access_bench import Door, outcome
from host_tests.dlms_clients import GuruxClient
from host_tests.dlms_fakes import CHANNEL, PASSWORDS, FakeAccess, Server, aarq
from host_tests.gurux_objects import copy_of, encoded
from host_tests.interpreters import on_cpython, on_micropython
from host_tests.model_sources import Sources, make_model
from host_tests.tariff_calendars import DAYS, SEASONS, SPECIAL_DAYS, WEEKS, pattern
from meter import access
from meter.comms.dlms import axdr
from meter.cosem import date_time, obis
from meter.tariff import rates
from tools.bench.process import ROOT

CALENDAR, SPECIAL, TEXT = (bytes(obis.parse(code)) for code in ("0-0:13.0.0", "0-0:11.0.0", "0-0:96.62.0"))
TARIFF_SCRIPTS, OUTPUT_SCRIPTS = (bytes(obis.parse(code)) for code in ("0-0:10.0.100", "0-0:10.0.103"))
SUCCESS, DENIED, UNMATCHED, OTHER = 0, 3, 12, 250
EXTERNAL = "ZMG405CR3.440b.43"

# The tables of tariff_calendars as COSEM has them
MIDNIGHT = bytes.fromhex("00000000 8000 ff")
WIRE: dict[int, Any] = {
    6: b"TOU 2026",
    7: [(name, start + MIDNIGHT, week) for name, start, week in SEASONS],
    8: WEEKS,
    9: [
        (n, [(bytes((at // 60, at % 60, 0, 0)), TARIFF_SCRIPTS, selector) for at, selector in times])
        for n, times in DAYS
    ],
}


class Wire:
    """A client of level `level` associated with the server of a whole meter."""

    def __init__(self, model: Any, level: int = 3) -> None:
        self.model, self.client = model, 16 + 16 * level
        self.server = Server(model, FakeAccess(), CHANNEL)
        answer = self.ask(aarq(1, 1, PASSWORDS[level], "205e9f"))
        assert b"\xa2\x03\x02\x01\x00" in answer

    def ask(self, text: str) -> bytes:
        return bytes(self.server.request(self.client, 1, bytes.fromhex(text)) or b"")

    def set(self, class_id: int, name: bytes, n: int, value: Any) -> int:
        spec = self.model.get(class_id, name).spec(n)
        return self.ask(f"c101c1{class_id:04x}{name.hex()}{n:02x}00" + encoded(spec, value).hex())[3]

    def get(self, class_id: int, name: bytes, n: int) -> Any:
        answer = self.ask(f"c001c1{class_id:04x}{name.hex()}{n:02x}00")
        assert answer[:4] == b"\xc4\x01\xc1\x00", answer.hex()
        spec = self.model.get(class_id, name).spec(n)
        value, end = axdr.decode(spec, answer, 4)
        assert end == len(answer)
        return value

    def act(self, class_id: int, name: bytes, n: int, value: Any = 0) -> int:
        spec = self.model.get(class_id, name).method_spec(n)
        return self.ask(f"c301c1{class_id:04x}{name.hex()}{n:02x}01" + encoded(spec, value).hex())[3]

    def write_calendar(self) -> None:
        for n, value in WIRE.items():
            assert self.set(20, CALENDAR, n, value) == SUCCESS


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def wire(sources: Sources) -> Wire:
    return Wire(make_model(sources=sources))


# --- activity calendar ----------------------------------------------------------------------------------------------


def test_a_calendar_is_written_part_by_part_and_activated(wire: Wire, sources: Sources) -> None:
    before = [wire.get(20, CALENDAR, n) for n in range(2, 6)]
    wire.write_calendar()
    assert [wire.get(20, CALENDAR, n) for n in range(2, 6)] == before
    assert wire.act(20, CALENDAR, 1) == SUCCESS
    for n, value in WIRE.items():
        assert wire.get(20, CALENDAR, n) == wire.get(20, CALENDAR, n - 4) == value
    assert sources.time_switch.day_table(9826) == 1  # 26 November 2026, a Thursday in winter
    assert wire.model.find("0.2.2").formatted()[0] == "TOU 2026"


def test_parts_may_come_in_any_order(wire: Wire) -> None:
    for n in (8, 9, 7, 6):
        assert wire.set(20, CALENDAR, n, WIRE[n]) == SUCCESS
    assert wire.act(20, CALENDAR, 1) == SUCCESS


@pytest.mark.parametrize(
    ("n", "value", "reason"),
    [
        (7, [(b"a", pattern(None, 1, 1) + bytes.fromhex("0600000080 00ff"), b"W")], "begin at midnight"),
        (7, [(b"a", pattern(None, 1, 1), b"W")], "12 octets"),
        (7, [(b"a", pattern(None, 2, 30) + MIDNIGHT, b"W")], "season a: no day 30"),
        (8, [(b"W", 1, 1, 1, 1, 1, 1, 1)] * 2, "there twice"),
        (9, [(1, [(b"\x18\x00\x00\x00", TARIFF_SCRIPTS, 1)])], "whole minutes"),
        (9, [(1, [(b"\x06\x00\x1e\x00", TARIFF_SCRIPTS, 1)])], "whole minutes"),
        (9, [(1, [(b"\x06\x00\x00", TARIFF_SCRIPTS, 1)])], "4 octets"),
        (9, [(1, [(b"\x06\x00\x00\x00", OUTPUT_SCRIPTS, 1)])], "tariff table only"),
        (9, [(1, [(b"\x06\x00\x00\x00", TARIFF_SCRIPTS, 9)])], "no such script: 9"),
        (10, b"\x07\xea", "12 octets"),
        (10, bytes(12), "no such date"),
    ],
)
def test_a_part_that_is_no_good_is_refused_and_the_reason_can_be_read(
    wire: Wire, sources: Sources, n: int, value: Any, reason: str
) -> None:
    wire.write_calendar()
    before = [wire.get(20, CALENDAR, k) for k in range(2, 11)]
    assert wire.set(20, CALENDAR, n, value) == OTHER
    assert [wire.get(20, CALENDAR, k) for k in range(2, 11)] == before
    if n != 10:
        assert reason in wire.model.find("C.62.2").formatted()[0]


@pytest.mark.parametrize(("n", "value"), [(6, None), (7, None), (9, None), (10, None), (7, [None]), (9, [(1, None)])])
def test_null_data_is_no_part_of_a_calendar(wire: Wire, n: int, value: Any) -> None:
    wire.write_calendar()
    assert wire.set(20, CALENDAR, n, value) == UNMATCHED
    assert [wire.get(20, CALENDAR, k) for k in WIRE] == list(WIRE.values())


def test_a_calendar_that_does_not_hold_together_is_not_activated_and_nothing_changes(wire: Wire) -> None:
    assert wire.act(20, CALENDAR, 1) == OTHER  # nothing was written yet
    wire.write_calendar()
    assert wire.set(20, CALENDAR, 8, WEEKS[:1]) == SUCCESS
    before = [wire.get(20, CALENDAR, n) for n in range(2, 11)]
    assert wire.act(20, CALENDAR, 1) == OTHER
    moment = date_time.octets(wire.model.sources.clock, 850_000_000)
    assert wire.set(20, CALENDAR, 10, moment) == OTHER
    assert [wire.get(20, CALENDAR, n) for n in range(2, 11)] == before
    assert wire.model.find("C.62.2").formatted()[0] == "season summer: there is no week S"


def test_the_activation_date_is_kept_shown_and_taken_back(wire: Wire, sources: Sources) -> None:
    assert wire.get(20, CALENDAR, 10) == date_time.UNSPECIFIED
    wire.write_calendar()
    sources.clock.offset = 60
    local = bytes.fromhex("07eb0101ff000000ff8000ff")  # 2027-01-01 00:00 where it is an hour later than UTC
    assert wire.set(20, CALENDAR, 10, local) == SUCCESS
    assert sources.time_switch.activation == 852_073_200  # 2026-12-31 23:00 UTC
    assert wire.get(20, CALENDAR, 10).hex() == "07eb0101050000000" + "0ffc400"
    assert wire.set(20, CALENDAR, 10, date_time.UNSPECIFIED) == SUCCESS
    assert sources.time_switch.activation is None


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_active_calendar_is_not_written(wire: Wire, n: int) -> None:
    assert wire.set(20, CALENDAR, n, WIRE[n + 4]) == DENIED


def test_the_calendar_is_utility_services() -> None:
    low = Wire(make_model(), 2)
    assert low.set(20, CALENDAR, 6, b"x") == low.act(20, CALENDAR, 1) == DENIED
    assert low.set(11, SPECIAL, 2, []) == low.act(11, SPECIAL, 1, (1, pattern(2026, 1, 1), 1)) == DENIED
    assert low.set(1, TEXT, 2, "") == DENIED


def test_gurux_writes_and_reads_the_whole_calendar(wire: Wire) -> None:
    client = GuruxClient(Server(wire.model, FakeAccess(), CHANNEL), 64, PASSWORDS[3], 1)
    client.connect()
    theirs = GXDLMSActivityCalendar("0.0.13.0.0.255")
    copied = copy_of(wire.model.get(20, CALENDAR))
    wire.write_calendar()
    wire.act(20, CALENDAR, 1)
    filled = copy_of(wire.model.get(20, CALENDAR))
    assert copied.calendarNameActive == "DEFAULT" and filled.calendarNameActive == "TOU 2026"
    assert [str(season.weekName) for season in filled.seasonProfileActive] != []
    assert [(week.monday, week.sunday) for week in filled.weekProfileTableActive] == [(1, 2), (3, 2)]
    assert [len(day.daySchedules) for day in filled.dayProfileTableActive] == [5, 1, 2]
    # and back, as Gurux encodes it
    theirs.seasonProfilePassive = filled.seasonProfileActive[::-1]
    theirs.weekProfileTablePassive = filled.weekProfileTableActive[::-1]
    theirs.dayProfileTablePassive = filled.dayProfileTableActive[::-1]
    for n in (7, 8, 9):
        client.exchange(client.client.write(theirs, n))
    assert wire.get(20, CALENDAR, 9) == WIRE[9][::-1] and wire.get(20, CALENDAR, 8) == WIRE[8][::-1]
    assert [row[0] for row in wire.get(20, CALENDAR, 7)] == [b"summer", b"winter"]
    assert [row[1][:5] for row in wire.get(20, CALENDAR, 7)] == [pattern(None, 4, 1), pattern(None, 10, 1)]
    assert wire.act(20, CALENDAR, 1) == SUCCESS


# --- special days ---------------------------------------------------------------------------------------------------


def test_special_days_are_written_inserted_and_deleted(wire: Wire, sources: Sources) -> None:
    wire.write_calendar()
    assert wire.act(20, CALENDAR, 1) == SUCCESS
    assert wire.set(11, SPECIAL, 2, SPECIAL_DAYS) == SUCCESS
    assert wire.act(11, SPECIAL, 1, (7, pattern(None, 1, 6), 2)) == SUCCESS
    assert wire.get(11, SPECIAL, 2) == [*SPECIAL_DAYS, (7, pattern(None, 1, 6), 2)]
    assert sources.time_switch.day_table(9867) == 2  # 6 January 2027, a Wednesday
    assert wire.act(11, SPECIAL, 2, 7) == SUCCESS
    assert wire.act(11, SPECIAL, 2, 7) == OTHER
    assert wire.get(11, SPECIAL, 2) == SPECIAL_DAYS and sources.time_switch.day_table(9867) == 1
    for bad in (
        (8, pattern(1405, 1, 1), 1),
        (8, pattern(None, 4, 31), 1),
        (8, b"\xff\xff", 1),
        (8, pattern(None, 1, 6), 99),
    ):
        assert wire.act(11, SPECIAL, 1, bad) == OTHER
    assert wire.get(11, SPECIAL, 2) == SPECIAL_DAYS
    theirs: GXDLMSSpecialDaysTable = copy_of(wire.model.get(11, SPECIAL))
    assert [(day.index, day.dayId) for day in theirs.entries] == [(1, 2), (2, 2)]


# --- control table and words ----------------------------------------------------------------------------------------


def test_the_control_table_is_a_text_that_is_written_whole_or_not_at_all(sources: Sources) -> None:
    wire = Wire(make_model(EXTERNAL, sources=sources))
    default = wire.get(1, TEXT, 2)
    assert default.startswith("E1 = not I1 and not I2; ") and wire.model.find("C.62.1").formatted()[0] == ""
    assert wire.set(1, TEXT, 2, "E1 = I1; E2 = I5") == OTHER
    assert wire.get(1, TEXT, 2) == default
    assert wire.model.find("C.62.1").formatted()[0] == "row 2: no such signal: I5"
    assert wire.set(1, TEXT, 2, "E1 = I1 or I4") == SUCCESS
    sources.rates.update(sources.clock.utc(), 0b1000)
    words = [wire.model.find(code).data_set() for code in ("C.3.0", "C.4.0", "C.14.0")]
    assert words == ["C.3.0(00000008)", "C.4.0(01010000)", "C.14.0(1)"]
    assert wire.get(1, bytes(obis.parse("C.4.0")), 2) == bytes.fromhex("01010000")
    with pytest.raises(KeyError):
        wire.model.find("0.2.2")  # it has no time switch


def test_the_control_table_is_read_and_written_in_programming_mode_from_level_3_on() -> None:
    door = Door()
    for level in (0, 1, 2, 5):
        assert door.write("C.62.0", "E1 = TE1", level) == access.DENIED, level
    assert door.write("C.62.0", "E1 = TE1; E1 = I3", 3)  # two inputs only
    assert door.read("C.62.0", 1) == "" and door.write("C.62.0", "E1 = TE1 or I1", 3) == ""
    assert door.read("C.62.0", 1) == "E1 = TE1 or I1"
    assert outcome(door.access.read, "C.62.0", 0) == access.DENIED


def test_event_numbers_of_inputs_are_those_of_the_family() -> None:
    """Facts page 1.9: 12 and 13, input signal status changed to off and on."""
    assert (rates.INPUT_OFF, rates.INPUT_ON) == (12, 13)


# --- on MicroPython -------------------------------------------------------------------------------------------------

SCRIPT = """
import binascii, json, sys
sys.path[:0] = [{firmware!r}, {tests!r}]
from model_sources import Sources, TimeSwitch, Unwritten, make_model
from tariff_calendars import LOADED, Persian, pattern, program
from meter.cosem import obis
from meter import calendar
said = []
nowruz = [(1, pattern(None, 1, 1), 2), (2, pattern(None, 12, 30), 3)]
for years, first, special in ((calendar, 9700, LOADED[1]), (Persian(), 9100, nowruz)):
    made = program(TimeSwitch(Unwritten(), years), (LOADED[0], special))
    at, crc, changes = first * 86400, 0, 0
    while at < (first + 400) * 86400:
        selector, at = made.at(at)
        crc = binascii.crc32(b"%d %d" % (selector, at), crc)
        changes += 1
    said.append([changes, crc])
sources = Sources()
model = make_model("ZMG405CR4.260b.43", None, sources)
name = bytes(obis.parse("0-0:13.0.0"))
found = model.get(20, name)
said.append(hexed := [])
for n in range(2, 10):
    hexed.append(repr(found.get(n)))
found.set(7, [(b"a", pattern(None, 1, 1) + bytes(7), b"W")])
found.set(8, [(b"W", 1, 1, 1, 1, 1, 1, 1)])
for bad in ((7, [(b"a", pattern(None, 2, 30) + bytes(7), b"W")]), (9, [(1, None)]), (7, None), (8, [(b"W", 1, 1)])):
    try:
        found.set(*bad)
        said.append("taken")
    except ValueError as reason:
        said.append(str(reason))
try:
    found.act(1, 0)
except ValueError as reason:
    said.append(str(reason))
sources.control_table.write("E1 = I1 or not TE2; E2 = I2 and C1; reset = power_up")
for moment, inputs in ((850000000, 0), (850000001, 3), (850000002, 2)):
    sources.rates.update(moment, inputs)
    rates = sources.rates
    said.append([rates.energy, rates.demand, rates.reset_due, rates.inputs, rates.outputs, list(rates.control_word)])
said.append(sources.control_table.text)
print(json.dumps(said))
"""


def test_micropython_switches_shows_and_refuses_alike() -> None:
    script = SCRIPT.format(firmware=str(ROOT / "firmware"), tests=str(ROOT / "host_tests"))
    theirs, ours = json.loads(on_micropython(script, timeout=120)), json.loads(on_cpython(script, timeout=120))
    assert theirs == ours and theirs[0][0] > 1000
    assert "season a: no day 30 in month 2" in theirs
