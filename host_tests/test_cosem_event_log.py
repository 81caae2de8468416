"""The event log as a profile, compared with a plain filter over what was put in; read back by Gurux."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gurux_dlms import GXDLMSClient
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.gurux_objects import decoded, encoded, new_object
from host_tests.interpreters import on_micropython
from host_tests.model_sources import Clock, Ram, Sources, log_area, make_model
from meter.cosem import date_time, obis
from meter.cosem.profiles import CLOCK
from meter.events.log import EventLog
from tools.bench.process import ROOT

NAME = bytes(obis.parse("0-0:99.98.0"))
NUMBER = (1, bytes(obis.parse("C.240.12")), 2, 0)
DETAIL = (1, bytes(obis.parse("C.240.13")), 2, 0)
COLUMNS = [CLOCK, NUMBER, DETAIL]
START = 840_000_000
PER_SECTOR, ENTRY_SIZE = 14, 18
NOTHING = [None, None, None]

Event = tuple[int, int, int]  # utc, number, detail


class Meter:
    """A meter whose log has so many sectors, and `events`, what it should hold, oldest first; None is a damaged one."""

    def __init__(self, sectors: int, ahead: int = 0) -> None:
        self.area = log_area(sectors, 0x40)
        self.ram = Ram(self.area.end)
        self.sources = Sources()
        self.sources.clock = Clock(ahead)
        self.log = EventLog(self.ram, self.area)
        self.log.load()
        self.sources.log = self.sources.event_log = self.log
        self.sectors, self.count = sectors, 0
        self.events: list[Event | None] = []
        self.profile: Any = make_model(sources=self.sources).get(7, NAME)

    def add(self, *events: Event) -> None:
        for utc, number, detail in events:
            self.log.add(number, utc, detail)
        self.count += len(events)
        gone = max(0, self.count // PER_SECTOR - self.sectors) * PER_SECTOR
        self.events = (self.events + list(events))[gone - self.count :]

    def damage(self, place: int) -> None:
        """Flip a bit of the event in this place of `events`, wherever it lies."""
        group, slot = divmod(self.count - len(self.events) + place, PER_SECTOR)
        stage = self.area.address + 32 + 16 * self.sectors
        staged = stage + group % 2 * 256 + slot * ENTRY_SIZE
        moved = stage + 512 + group % self.sectors * 256 + slot * ENTRY_SIZE
        for address in (staged, moved):
            if int.from_bytes(self.ram.content[address : address + 4], "little") == group * PER_SECTOR + slot + 1:
                self.ram.content[address + 9] ^= 0x40
        self.events[place] = None

    def rows(self, selection: Any = None) -> list[list[Any]]:
        """The buffer as a client decodes it."""
        found = self.profile.get(2, selection)
        rows: list[list[Any]] = decoded(encoded(self.profile.spec(2), found))
        assert len(found) == len(rows)
        return rows

    def row(self, event: Event | None, columns: tuple[int, ...] = (0, 1, 2)) -> list[Any]:
        if event is None:
            return [None] * len(columns)
        whole = [bytearray(date_time.octets(self.sources.clock, event[0])), event[1], event[2]]
        return [whole[n] for n in columns]


def filled(count: int = 1000, sectors: int = 118, step: int = 600) -> Meter:
    meter = Meter(sectors)
    meter.add(*[(START + n * step, 1 + n % 200, n * n) for n in range(count)])
    return meter


def by_time(first: int | None, last: int | None, columns: list[tuple[int, bytes, int, int]]) -> Any:
    """Range parameters; the bound tagged as octets, the other one as a date-time."""

    def bound(tag: int, utc: int | None) -> Any:
        return (0, None) if utc is None else (tag, date_time.octets(Clock(), utc))

    return 1, (CLOCK, bound(9, first), bound(25, last), columns)


# --- by entry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sectors", "kept"), [(118, 1000), (50, 706)])
def test_a_thousand_rows_by_entry(sectors: int, kept: int) -> None:
    meter = filled(sectors=sectors)
    assert meter.profile.get(7) == len(meter.events) == kept
    assert meter.rows() == [meter.row(event) for event in meter.events]
    last = len(meter.events)
    bounds = [
        (1, 0),
        (1, 1),
        (2, 5),
        (last, last),
        (last, 0),
        (1, last),
        (last - 1, last + 5),
        (last + 1, 0),
        (7, 6),
        (0, 3),
    ]
    for first, end in bounds:
        wanted = meter.events[max(0, first - 1) : end or None]
        assert meter.rows((2, (first, end, 1, 0))) == [meter.row(event) for event in wanted], (first, end)


@pytest.mark.parametrize(("first", "last", "columns"), [(1, 2, (0, 1)), (2, 2, (1,)), (3, 0, (2,)), (2, 3, (1, 2))])
def test_columns_by_entry(first: int, last: int, columns: tuple[int, ...]) -> None:
    meter = filled(20)
    assert meter.rows((2, (3, 9, first, last))) == [meter.row(event, columns) for event in meter.events[2:9]]


@pytest.mark.parametrize(("first", "last"), [(0, 2), (4, 0), (2, 1), (1, 4)])
def test_columns_that_there_are_not_are_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="columns"):
        filled(3).profile.get(2, (2, (1, 0, first, last)))


# --- by time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sectors", [118, 50])
def test_a_thousand_rows_by_time_with_exact_bounds(sectors: int) -> None:
    meter = filled(sectors=sectors)
    times = [event[0] for event in meter.events if event]
    middle = times[len(times) // 2]
    bounds: list[tuple[int | None, int | None]] = [(None, None), (times[0], times[-1]), (times[0] + 1, times[-1] - 1)]
    bounds += [(middle, middle), (middle - 1, middle + 1), (middle + 1, middle + 599), (middle, None), (None, middle)]
    bounds += [(times[-1] + 1, None), (None, times[0] - 1), (middle, middle - 1), (times[0] - 10**6, times[-1] + 10**6)]
    for first, last in bounds:
        wanted = [e for e in meter.events if e and (first is None or first <= e[0]) and (last is None or e[0] <= last)]
        assert meter.rows(by_time(first, last, [])) == [meter.row(event) for event in wanted], (first, last)
        two = meter.rows(by_time(first, last, [CLOCK, NUMBER]))
        assert two == [meter.row(event, (0, 1)) for event in wanted]


def test_columns_come_in_the_order_asked_for_and_must_exist() -> None:
    meter = filled(9)
    assert meter.rows(by_time(START, None, [DETAIL])) == [meter.row(event, (2,)) for event in meter.events]
    for columns, restricting in (([(3, NUMBER[1], 2, 0)], CLOCK), ([], NUMBER)):
        with pytest.raises(ValueError, match=r".+"):
            meter.profile.get(2, (1, (restricting, (0, None), (0, None), columns)))
    for value in ((18, 5), (9, b"abc"), (25, bytes(12))):
        with pytest.raises(ValueError, match=r".+"):
            meter.profile.get(2, (1, (CLOCK, value, (0, None), [])))
    with pytest.raises(KeyError):
        meter.profile.selection_spec(2, 3)
    with pytest.raises(KeyError):
        meter.profile.selection_spec(3, 1)


@pytest.mark.parametrize(
    "selection",
    [(1, None), (2, None), (2, (None, 0, 1, 0)), (2, (1, None, 1, 0)), (2, (1, 0, None, 0)), (2, (1, 0, 1, None))]
    + [(1, (None, (0, None), (0, None), [])), (1, (CLOCK, (0, None), (0, None), [None]))]
    + [(1, ((None, None, None, None), (0, None), (0, None), [])), (1, (CLOCK, (2, (1, 2)), (0, None), []))],
)
def test_null_data_in_a_selection_is_refused(selection: Any) -> None:
    """It may stand wherever a client likes (A-XDR), but means something only as a bound or in place of the columns."""
    with pytest.raises(ValueError, match=r".+"):
        filled(3).profile.get(2, selection)
    assert len(filled(3).rows((1, (CLOCK, None, (9, None), None)))) == 3


def test_an_empty_log_has_no_rows() -> None:
    meter = Meter(4)
    assert meter.profile.get(7) == 0
    assert meter.rows() == meter.rows((2, (1, 0, 1, 0))) == meter.rows(by_time(START, None, [])) == []
    assert make_model(sources=meter.sources).get(1, NUMBER[1]).get(2) is None


def test_the_newest_event_is_an_object_too() -> None:
    meter = filled(5)
    model = make_model(sources=meter.sources)
    assert [model.get(1, column[1]).get(2) for column in (NUMBER, DETAIL)] == [5, 16]


def test_a_range_is_one_of_local_digits() -> None:
    meter = Meter(4, ahead=210)
    meter.add(*[(START + n * 60, n, 0) for n in range(20)])
    first = date_time.octets(meter.sources.clock, START + 300)
    digits_only = first[:9] + b"\xfe\xd4\xff"
    for data in (first, digits_only):
        assert meter.rows((1, (CLOCK, (9, data), (0, None), [NUMBER]))) == [[n] for n in range(5, 20)]


# --- what happens to logs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [(0,), (19,), (9,), (8, 9, 10), (0, 1, 19), tuple(range(20)), (10, 4), (13, 14)])
@pytest.mark.parametrize("count", [20, 33, 60])
def test_a_damaged_entry_is_a_row_of_nothing_in_its_place(places: tuple[int, ...], count: int) -> None:
    """As in load profiles; by time it may be left out, because a damaged entry has none."""
    meter = filled(count, 2)
    for place in places:
        meter.damage(place)
    assert meter.profile.get(7) == len(meter.events) == count - max(0, count // PER_SECTOR - 2) * PER_SECTOR
    for first in range(1, len(meter.events) + 2):
        for last in (0, first, first + 3):
            wanted = meter.events[first - 1 : last or None]
            assert meter.rows((2, (first, last, 1, 0))) == [meter.row(event) for event in wanted], (first, last)
    for n in range(-1, count + 2):
        for end in (None, START + (n + 4) * 600):
            wanted = [e for e in meter.events if e and e[0] >= START + n * 600 and (end is None or e[0] <= end)]
            rows = meter.rows(by_time(START + n * 600, end, []))
            assert [row for row in rows if row != NOTHING] == [meter.row(event) for event in wanted], n
            assert rows.count(NOTHING) <= len(places)


def test_an_entry_that_is_lost_after_it_was_selected_is_a_row_of_nothing() -> None:
    meter = filled(41, 2)
    found = meter.profile.get(2)
    meter.damage(4)
    meter.log.add(99, START + 10**6, 0)  # the oldest ones' sector is the next to be erased
    rows = decoded(encoded(meter.profile.spec(2), found))
    assert len(rows) == 41 and [n for n, row in enumerate(rows) if row == NOTHING] == [*range(PER_SECTOR)]
    meter = filled(20, 2)
    found = meter.profile.get(2)
    meter.damage(4)
    rows = decoded(encoded(meter.profile.spec(2), found))
    assert len(rows) == 20 and [n for n, row in enumerate(rows) if row == NOTHING] == [4]


def test_new_events_are_found_at_once() -> None:
    meter = Meter(2)
    for n in range(60):
        meter.add((START + n, n, n))
        assert meter.rows(by_time(START + n - 3, None, [NUMBER])) == [[k] for k in range(max(0, n - 3), n + 1)]
        assert meter.profile.get(7) == len(meter.events)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255), st.integers(0, 2**32 - 1)), max_size=90),
    st.sets(st.integers(0, 40), max_size=4),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_a_clock_that_is_put_back_hides_no_event(
    events: list[Event], damaged: set[int], first: int, last: int, read_before: int
) -> None:
    """Times in any order, a small ring, damage, and a first look in the middle of it all."""
    meter = Meter(2)
    for n, event in enumerate(events):
        if n == read_before:
            meter.rows(by_time(START + first, START + last, []))
        meter.add((START + event[0], event[1], event[2]))
    for place in damaged & set(range(len(meter.events))):
        meter.damage(place)
    fresh = EventLog(meter.ram, meter.area)
    fresh.load()
    wanted = [event for event in meter.events if event and START + first <= event[0] <= START + last]
    assert [row[1] for row in meter.rows(by_time(START + first, START + last, [])) if row[1] is not None] == [
        event[1] for event in wanted
    ]
    for kept in (meter.log, fresh):
        found = kept.walk(kept.select(START + first, START + last))
        assert [entry[1:] for entry in found if entry] == wanted
        assert [entry[1:] for entry in kept.entries(100)[::-1]] == [event for event in meter.events if event]


# --- the way a client asks ------------------------------------------------------------------------------------------


def test_gurux_reads_the_rows_it_asks_for() -> None:
    """Its request, taken apart by our types; our answer, put into its object."""
    meter = filled(100)
    client = GXDLMSClient(True)
    theirs = new_object(7, 1)
    theirs.logicalName = "0.0.99.98.0.255"
    client.updateValue(theirs, 3, decoded(encoded(meter.profile.spec(3), meter.profile.get(3))))
    selection = (2, (11, 20, 1, 3))
    client.updateValue(theirs, 2, decoded(encoded(meter.profile.spec(2), meter.profile.get(2, selection))))
    assert [row[1] for row in theirs.buffer] == [event[1] for event in meter.events[10:20] if event]
    assert [(int(column.objectType), place.attributeIndex) for column, place in theirs.captureObjects] == [
        (8, 2),
        (1, 2),
        (1, 2),
    ]
    stamps = [row[0].value.replace(tzinfo=None).isoformat() for row in theirs.buffer]
    assert stamps[0] == "2026-08-14T07:00:00" and stamps == sorted(stamps)


SCRIPT = """
import gc, sys, time
sys.path[:0] = [{firmware!r}, {tests!r}]
from model_sources import EventLog, Ram, Sources, log_area, make_model
from meter.comms.dlms import axdr
area = log_area(80)
sources = Sources()
log = EventLog(Ram(area.end), area)
for n in range(1500):
    log.add(1 + n % 200, {start} + n * 600, n)
sources.event_log = log
profile = make_model(sources=sources).get(7, bytes({name}))
best = 1000
for _ in range(7):
    gc.collect()
    begin, size = time.clock(), 0
    for piece in axdr.pieces(profile.spec(2), profile.get(2, (2, (51, 1050, 1, 2)))):
        size += len(piece)
    best = min(best, time.clock() - begin)
gc.collect()
gc.disable()
before = gc.mem_alloc()
rows = profile.get(2, (2, (51, 1050, 1, 2)))
selecting = gc.mem_alloc() - before
print("[%d, %d, %d]" % (best * 1000000, size, selecting))
"""


def test_a_thousand_rows_are_encoded_fast_and_one_by_one_under_micropython() -> None:
    """5 ms of a core of 2025, whatever else it does; the limit leaves room for a slower one."""
    script = SCRIPT.format(
        firmware=str(ROOT / "firmware"), tests=str(ROOT / "host_tests"), start=START, name=list(NAME)
    )
    printed = on_micropython(script, "800K")
    best_us, size, selecting = json.loads(printed)
    assert size == 4 + 1000 * 19
    assert best_us < 45_000
    assert selecting < 2000  # bytes: a selection of a thousand rows is no list of them
