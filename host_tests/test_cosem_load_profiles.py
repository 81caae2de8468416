"""Load profiles and the billing profile as objects, in both protocols, against what was booked."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from gurux_dlms.objects import GXDLMSProfileGeneric
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.billed_meter import KWH, QUARTER, START, BilledMeter, story
from host_tests.dlms_clients import GuruxClient
from host_tests.dlms_fakes import CHANNEL, PASSWORDS, FakeAccess, Server
from host_tests.gurux_objects import decoded, encoded
from host_tests.iec_meter import LineMeter
from host_tests.iec_objects import ACK, Objects, ask, begin, message
from host_tests.iec_profiles import TIMES
from host_tests.model_sources import Sources, make_model
from host_tests.tariff_bench import Ring, Supply
from meter.comms import vdew
from meter.comms.programming import Programming
from meter.cosem import date_time, obis
from meter.cosem.profiles import CLOCK
from meter.cosem.stored_profiles import PrintedProfile
from meter.storage.selection import entries_of

STEP = KWH // 100
PROFILE_1, PROFILE_2 = bytes(obis.parse("1-0:99.1.0")), bytes(obis.parse("1-0:99.2.0"))
BILLING, SNAPSHOTS = bytes(obis.parse("0-0:98.1.0")), bytes(obis.parse("0-0:98.2.0"))
STATUS_1 = (1, bytes((0, 0, 96, 10, 1, 255)), 2, 0)
EPOCH = datetime.datetime(2000, 1, 1)

# Status word, facts page 1.11
WINTER_QUARTER, DISTURBED, RESET, CLOCK_SET, POWER_UP, POWER_DOWN = 0x800000, 4, 0x10, 0x20, 0x40, 0x80
START_OF_INTERVAL, IRREGULAR_END, BEFORE_CLOCK_SET, CLEARED = 0x80000, 0x100000, 0x8000, 0x4000


def billed(**values: Any) -> Any:
    return BilledMeter(make_model, Sources(), values=values)


def rows(meter: Any, name: bytes = PROFILE_1, selection: Any = None) -> list[list[Any]]:
    """The buffer as gurux-dlms decodes it, times as seconds since 2000 in the meter's local time, which is UTC."""
    profile = meter.model.get(7, name)
    found = profile.get(2, selection)
    decoded_rows: list[list[Any]] = decoded(encoded(profile.spec(2), found))
    assert len(found) == len(decoded_rows)
    return [[_moment(value) for value in row] for row in decoded_rows]


def _moment(value: Any) -> Any:
    if not isinstance(value, bytearray):
        return value
    year, rest = value[0] << 8 | value[1], value[2:]
    when = datetime.datetime(year, rest[0], rest[1], rest[3], rest[4], rest[5])
    return int((when - EPOCH).total_seconds())


def by_time(meter: Any, first: int | None, last: int | None, columns: Any = ()) -> Any:
    def bound(utc: int | None) -> Any:
        return (0, None) if utc is None else (9, date_time.octets(meter.sources.clock, utc))

    return 1, (CLOCK, bound(first), bound(last), list(columns))


# --- what a row says ------------------------------------------------------------------------------------------------


def test_a_profile_says_what_it_captures() -> None:
    meter = billed(profile_1_channels="a_import,=a_import,~r1,@u2,@i0,@pf,@q3,@f", profile_1_period_min=30)
    profile = meter.model.get(7, PROFILE_1)
    codes = [obis.short(column[1]) for column in profile.get(3)[2:]]
    assert codes == ["1.29.0", "1.8.0", "5.5.0", "52.7.0", "91.7.0", "13.7.0", "191.7.0", "14.7.0"]
    assert profile.get(3)[:2] == [CLOCK, STATUS_1] and {column[0] for column in profile.get(3)[2:]} == {3}
    for class_id, name, attribute, _ in profile.get(3):
        assert meter.model.get(class_id, name).spec(attribute) is not None  # each is an object of this meter
    assert [profile.get(n) for n in (4, 5, 6, 7, 8)] == [1800, 1, CLOCK, 1, meter.sources.profiles[0].ring.capacity]


def test_rows_are_captured_at_the_end_of_each_quarter_with_its_status() -> None:
    meter = billed()
    meter.sources.book(START + 300)
    meter.quarter(1, a_import=KWH // 4, r1=KWH // 8)
    meter.quarter(2, a_import=KWH // 2)
    meter.reset()
    meter.quarter(2, a_export=KWH // 3)
    found = rows(meter)
    assert found[0] == [START, START_OF_INTERVAL | POWER_UP, 0, 0, 0, 0, 0, 0]
    assert [row[1] for row in found[1:]] == [WINTER_QUARTER] * 2 + [WINTER_QUARTER | RESET]
    assert [row[0] for row in found[1:]] == [START + n * QUARTER for n in (1, 2, 3)]


def test_a_summer_row_says_so() -> None:
    meter = billed()
    meter.sources.clock.daylight_saving = True
    meter.quarter(1)
    assert rows(meter)[-1][1] == WINTER_QUARTER | 8
    assert meter.model.get(1, STATUS_1[1]).get(2) == WINTER_QUARTER | 8


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3 * STEP) | st.integers(0, 5 * KWH), min_size=1, max_size=8), st.booleans())
def test_shown_advances_add_up_to_what_the_shown_register_has_gained(amounts: list[int], is_primary: bool) -> None:
    values: dict[str, Any] = {"profile_1_channels": "a_import,=a_import"}
    if is_primary:
        values |= {"registration": "primary", "ct_numerator": 77, "ct_denominator": 5}
    meter = billed(**values)
    register = meter.model.find("1.8.0")
    before = register.get(2)
    for amount in amounts:
        meter.quarter(1, a_import=amount)
    found = rows(meter)
    assert sum(row[2] for row in found) == register.get(2) - before
    assert [row[2] for row in found[1:]] == [b[3] - a[3] for a, b in zip(found, found[1:], strict=False)]
    if not is_primary:
        assert [row[3] for row in found[1:]] == [meter.total("a_import", entry[0]) // STEP for entry in meter.booked]
    assert meter.model.find("1.29.0").get(2) == found[-1][2]


def test_means_and_values_of_a_moment_are_in_the_units_of_their_registers() -> None:
    meter = billed(profile_1_channels="~a_import,@u1,@i1,@p,@q,@pf,@f")
    moments = {"u1": 230_126, "i1": 5_012, "p": 3_450_567, "q": -1_234_567, "pf": -866, "f": 50_013}
    meter.sources.moments.update(moments)
    meter.quarter(1, a_import=KWH // 3)
    assert rows(meter)[-1][2:] == [1333, 23013, 5012, 34506, -12346, -866, 50013]
    meter.sources.moments.clear()
    meter.quarter(1)
    assert rows(meter)[-1][2:] == [0] + [None] * 6
    assert meter.model.find("1.5.0").get(2) == 0


def test_a_mean_that_no_demand_register_has_is_that_of_the_profile() -> None:
    meter = billed(profile_1_channels="~r2", demand_quantities="a_import")
    meter.quarter(1, r2=KWH // 4, a_import=KWH // 2)
    assert meter.model.find("6.5.0").get(2) == 1000 and meter.model.find("1.5.0").get(2) == 2000


def test_a_damaged_row_is_null_data_and_so_is_the_advance_behind_it() -> None:
    meter = billed(profile_1_channels="a_import,=a_import")
    for _ in range(5):
        meter.quarter(1, a_import=KWH)
    ring = meter.sources.profiles[0].ring
    size = len(meter.sources.fram.content[: ring._size])
    meter.sources.fram.content[ring._stage + 2 * size + 9] ^= 4  # the third entry
    found = rows(meter)
    assert found[2] == [None] * 4 and found[3][2] is None and found[3][3] == 400
    assert [row[2] for row in found[4:]] == [100, 100]
    assert meter.model.get(7, PROFILE_1).get(7) == 6
    lines = list(vdew.lines("P.01", PrintedProfile(meter.model.load_store(0)), None, None, TIMES))
    assert lines[2] is None and len(lines) == 6


# --- selection --------------------------------------------------------------------------------------------------------


def long_profile(quarters: int = 150) -> Any:
    meter = billed()
    for n in range(quarters):
        meter.quarter(1, a_import=STEP * n)
    return meter


def test_rows_by_entry_and_by_time_are_those_and_no_others() -> None:
    meter = long_profile()
    everything = rows(meter)
    assert len(everything) == 151 == meter.model.get(7, PROFILE_1).get(7)
    for first, last in ((1, 0), (1, 1), (3, 7), (151, 151), (150, 400), (152, 0), (0, 2)):
        assert rows(meter, selection=(2, (first, last, 1, 0))) == everything[max(0, first - 1) : last or None]
    dice = random.Random(1)
    times = [row[0] for row in everything]
    bounds = [(times[0], times[-1]), (times[5] + 1, times[6] - 1), (times[-1] + 1, None), (None, times[0] - 1)]
    bounds += [(None, None), (times[7], times[7]), (times[9], times[8])]
    bounds += [(dice.choice(times) + dice.randrange(-1, 2), dice.choice(times)) for _ in range(30)]
    for low, high in bounds:
        wanted = [row for row in everything if (low or 0) <= row[0] <= (high or 1 << 40)]
        assert rows(meter, selection=by_time(meter, low, high)) == wanted, (low, high)


def test_only_the_columns_asked_for_come_in_the_order_asked_for() -> None:
    meter = long_profile(5)
    everything = rows(meter)
    columns = meter.model.get(7, PROFILE_1).get(3)
    assert rows(meter, selection=(2, (2, 3, 2, 3))) == [row[1:3] for row in everything[1:3]]
    asked = by_time(meter, None, None, [columns[2], columns[0]])
    assert rows(meter, selection=asked) == [[row[2], row[0]] for row in everything]
    for bad in ([(3, bytes(6), 2, 0)], [None]):
        with pytest.raises(ValueError, match=r".+"):
            rows(meter, selection=by_time(meter, None, None, bad))


def test_a_selection_reads_the_sectors_it_is_in_and_no_others() -> None:
    """16 entries of 64 bytes fill a sector of the tests' flash; sectors 32 and on are profile 1's."""
    meter = long_profile()
    everything = rows(meter)
    flash = meter.sources.flash
    for first, last in ((40, 60), (33, 48), (49, 49), (17, 96)):
        flash.read.clear()
        times = everything[first - 1][0], everything[last - 1][0]
        assert len(rows(meter, selection=by_time(meter, *times))) == last - first + 1
        sectors = {32 + (n - 1) // 16 for n in range(first - 1, last + 1)}  # with the entry before the first
        assert set(flash.read) <= sectors
        flash.read.clear()
        assert len(rows(meter, selection=(2, (first, last, 1, 0)))) == last - first + 1
        assert set(flash.read) <= sectors


def test_rows_come_in_the_order_they_were_recorded_also_where_the_clock_was_set_back() -> None:
    meter = long_profile(40)
    engine, old = meter.sources.engine, meter.now
    meter.sources.clock.now = old - 5 * QUARTER
    engine.clock_set(old, meter.now)
    for _ in range(20):
        meter.quarter(1, a_import=STEP)
    everything = rows(meter)
    assert [row[1] for row in everything if row[1] & CLOCK_SET] == [
        CLOCK_SET | BEFORE_CLOCK_SET | IRREGULAR_END,
        CLOCK_SET | START_OF_INTERVAL,
    ]
    low, high = old - 3 * QUARTER, old - QUARTER
    found = rows(meter, selection=by_time(meter, low, high))
    assert found == [row for row in everything if low <= row[0] <= high] and len(found) == 6
    assert sum(row[2] for row in everything) == (meter.total("a_import") - meter.start["a_import"]) // STEP


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=60),
    st.sets(st.integers(0, 59), max_size=3),
    st.none() | st.integers(0, 61),
    st.none() | st.integers(0, 61),
    st.integers(5, 60),
)
def test_a_selection_by_the_index_is_that_by_every_entry(
    times: list[int], damaged: set[int], first: int | None, last: int | None, capacity: int
) -> None:
    """Times in any order; a damaged entry may be in it or not, but never in place of a whole one."""
    ring = Ring([], Supply(), 1, capacity)
    for utc in times:
        ring.append(utc, b"x")
        ring.commit()
    for n in damaged:
        if n < len(times):
            ring._kept[n] = None
    found = [n for low, high in entries_of(ring, first, last) for n in range(low, high + 1)]
    assert found == sorted(set(found))
    whole = [n for n in range(ring.oldest, ring.newest + 1) if n - 1 not in damaged]
    fits = [n for n in whole if (first or 0) <= times[n - 1] <= (99 if last is None else last)]
    assert [n for n in found if n in whole] == fits


@pytest.mark.parametrize("taken", [0, 1, 70, 150])
def test_a_transfer_has_as_many_rows_as_it_announced_whatever_becomes_of_them(taken: int) -> None:
    """The array's length goes first (A-XDR), the rows are read while they are sent."""
    for end in ("overwritten", "cleared"):
        meter = long_profile()
        profile = meter.model.get(7, PROFILE_1)
        found = profile.get(2)
        kept = rows(meter)
        sent = iter(found)
        got = [next(sent)[1] for _ in range(taken)]
        if end == "cleared":
            profile.act(1, 0)
        else:
            for _ in range(300):
                meter.quarter(1)
        got += [row for _, row in sent]
        assert len(got) == len(found) == 151
        assert [row[2] for row in got[:taken]] == [row[2] for row in kept[:taken]]
        assert [None] * 8 in got[taken:] or taken == 150  # a few are read ahead


def test_a_reset_during_a_transfer_moves_no_stored_values() -> None:
    meter = billed(rated_quantities="a_import", rates=1, demand_quantities="")
    for _ in range(4):
        meter.quarter(1, a_import=KWH)
        meter.reset()
    sent = iter(meter.model.get(7, BILLING).get(2))
    lines = meter.model.stored_readout()()
    counts, stored = [list(next(sent)[1])[1][1]], [next(line for line in lines if line.startswith("0.1.2*"))]
    meter.quarter(1, a_import=KWH)
    meter.reset()
    counts += [list(row)[1][1] for _, row in sent]
    stored += [line for line in lines if line.startswith("0.1.2*")]
    assert counts == [1, 2, 3, 4] and [line[:8] for line in stored] == [f"0.1.2*0{n}" for n in (4, 3, 2, 1)]


# --- changes ----------------------------------------------------------------------------------------------------------


def test_method_1_clears_a_profile_which_the_next_row_says() -> None:
    meter = long_profile(3)
    profile = meter.model.get(7, PROFILE_1)
    assert (profile.act_level(1), profile.act_level(2)) == (3, None)
    profile.act(1, 0)
    assert [row[1] for row in rows(meter)] == [CLEARED | START_OF_INTERVAL]
    assert len(rows(meter, PROFILE_2)) == 4 and meter.sources.noted[-1][0] == 3
    meter.quarter(1, a_import=KWH)
    assert rows(meter)[-1][1:3] == [WINTER_QUARTER, 100]
    with pytest.raises(KeyError):
        meter.model.get(7, BILLING).act(1, 0)


# --- the billing profile ----------------------------------------------------------------------------------------------


def test_the_billing_profile_has_what_was_stored_the_oldest_first() -> None:
    meter = billed(rated_quantities="a_import,r1", rates=2, demand_quantities="a_import")
    story(meter)
    profile = meter.model.get(7, BILLING)
    names = [(class_id, obis.short(name), n) for class_id, name, n, _ in profile.get(3)]
    totals = [(3, f"{c}.8.0", 2) for c in range(1, 11)]
    rated = [(3, f"{c}.8.{rate}", 2) for c in (1, 5) for rate in (1, 2)]
    maxima = [(4, f"1.6.{rate}", n) for rate in (0, 1, 2) for n in (2, 5)]
    factors = [(3, "13.0.0", 2), (4, "13.3.0", 2), (4, "13.3.0", 5)]
    assert names == [(8, "1.0.0", 2), (1, "0.1.0", 2), *totals, *rated, *maxima, *factors]
    for class_id, name, n, _ in profile.get(3):
        assert meter.model.get(class_id, name).class_id == class_id and n <= 5
    first, second = rows(meter, BILLING)
    ends = [START + 3 * QUARTER, START + 5 * QUARTER]
    for row, end in ((first, ends[0]), (second, ends[1])):
        assert row[0] == end and row[2] == meter.total("a_import", end) // STEP
        assert row[6] == meter.total("r1", end) // STEP
    assert [row[1] for row in (first, second)] == [1, 2]
    assert first[-9:-3] == [2000, START + QUARTER, 2000, START + QUARTER, 1333, ends[0]]
    assert second[-9:-3] == [800, ends[1], 800, ends[1], 444, ends[0] + QUARTER]
    # 1/2 + 1/4 + 1/3 through 5/8 + 1/4 is more than there can be; 1/9 + 1/5 through 1/6 + 1/4, and 1/9 through 1/6
    assert first[-3:] == [1000, 800, START + QUARTER]
    assert second[-3:] == [747, 667, ends[0] + QUARTER]
    assert rows(meter, BILLING, by_time(meter, ends[0] + 1, None)) == [second]
    assert rows(meter, BILLING, (2, (1, 1, 1, 2))) == [first[:2]]
    assert profile.get(7) == 2 and rows(meter, SNAPSHOTS) == []


def test_snapshots_store_without_a_reset() -> None:
    meter = billed(rated_quantities="a_import", rates=1, demand_quantities="", snapshot_sources=4)
    meter.quarter(1, a_import=KWH)
    meter.sources.engine.snapshot(3, meter.now)
    assert rows(meter, SNAPSHOTS, (2, (1, 0, 1, 3))) == [[meter.now, 0, 200]] and rows(meter, BILLING) == []


# --- both protocols ---------------------------------------------------------------------------------------------------


def test_gurux_reads_by_range_and_by_entry_through_the_server() -> None:
    meter = long_profile()
    client = GuruxClient(Server(meter.model, FakeAccess(), CHANNEL), 32, PASSWORDS[1], 1)
    client.connect()
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    start = EPOCH + datetime.timedelta(seconds=START + 20 * QUARTER)
    reply = client.exchange(client.client.readRowsByRange(profile, start, start + datetime.timedelta(hours=1)))
    assert [row[2] for row in reply.value] == [19, 20, 21, 22, 23]
    reply = client.exchange(client.client.readRowsByEntry(profile, 101, 50))
    assert [row[2] for row in reply.value] == list(range(99, 149))
    reply = client.exchange(client.client.read(profile, 2))
    assert len(reply.value) == 151 and len(client.apdus) > 5


def programming(meter: Any) -> LineMeter:
    profiles = {f"P.{n + 1:02d}": PrintedProfile(meter.model.load_store(n)) for n in (0, 1)}
    return LineMeter(programming=Programming(Objects(), None, profiles, TIMES))


def text_of(block: bytes) -> str:
    return block[1:-2].decode()


def test_profiles_are_read_in_programming_mode_with_level_1() -> None:
    """VDEW: header with time, status, period and columns; KZ c.29 is an advance, c.5 a mean (facts page 2.9)."""
    meter = billed(profile_1_channels="a_import,=a_import,~r1", profile_2_channels="@u1,@pf")
    story(meter)
    line = programming(meter)
    begin(line)
    assert text_of(ask(line, message("R5", "P.01(;)"))) == "(ERR04)"
    assert ask(line, b"\x01P1\x02(00000000)\x03a") == ACK
    text = text_of(ask(line, message("R5", "P.01(2611221645;2611221730)")))
    assert text.split("\r\n") == [
        "P.01(0261122164500)(00000000)(15)(3)(1.29)(kWh)(1.8)(kWh)(5.5)(kvar)",
        "(000.50)(000001.50)(000.571)",
        "(000.25)(000001.75)(000.057)",
        "(000.33)(000002.08)(000.000)",
        "P.01(0261122173000)(00000010)(15)(3)(1.29)(kWh)(1.8)(kWh)(5.5)(kvar)",
        "(000.11)(000002.19)(000.000)",
        "",
    ]
    text = text_of(ask(line, message("R6", "P.02(0261122180000;)(5)")))
    assert text == "P.02(0261122180000)(00000010)(15)(2)(32.7)(V)(13.7)()\r\n(230.13)(-0.866)\r\n"


@pytest.mark.parametrize("designation", ["ZMG405CR4.260b.43", "ZMG410AR4.000b.00"])
def test_a_profile_shows_only_what_a_meter_of_the_type_measures(designation: str) -> None:
    meter = BilledMeter(make_model, Sources(), designation)
    instantaneous = meter.model.get(7, PROFILE_2).get(3)[2:]
    assert len(instantaneous) == (8 if "CR" in designation else 7)  # without the power factor
    for class_id, name, attribute, _ in instantaneous:
        assert meter.model.get(class_id, name).spec(attribute)
