"""The time switch against a slow reference, its checks, its memory, and how a passive table becomes the active one."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.model_sources import Ram
from host_tests.tariff_calendars import DAYS, LOADED, SEASONS, WEEKS, Persian, pattern, program
from host_tests.tariff_reference import EPOCH, Gregorian, Reference, Remembered, holds_until
from meter import calendar
from meter.storage.layout import TIME_SWITCH
from meter.tariff import switch_table
from meter.tariff.time_switch import LOG_ACTIVATION, LOG_PASSIVE, LOG_SPECIAL_DAYS, PASSIVE, TimeSwitch

SPECIAL = 8
GREGORIAN = Remembered(Gregorian())
PERSIAN = Remembered(Persian())
NAMES, SEASON, WEEK, DAY = (PASSIVE + n for n in range(4))


def day(year: int, month: int, day_of_month: int) -> int:
    return (datetime.date(year, month, day_of_month) - EPOCH).days


def new(memory: Any = None, years: Any = calendar) -> TimeSwitch:
    made = TimeSwitch(memory or Ram(TIME_SWITCH.end), years)
    made.load()
    return made


# --- what is on -----------------------------------------------------------------------------------------------------


def test_a_meter_that_was_never_set_up_has_rate_1_all_the_time() -> None:
    made = new()
    for number in (0, day(2026, 1, 1), day(2026, 11, 26), day(2028, 2, 29)):
        assert made.at(number * 86400) == (1, (number + 1) * 86400)
        assert made.at(number * 86400 + 86399) == (1, (number + 1) * 86400)
    assert made.name == "DEFAULT" and not made.damaged


def test_a_tariff_a_person_can_check() -> None:
    made = program(new())
    workday, midnight = day(2026, 11, 26) * 86400, day(2026, 11, 27) * 86400  # a Thursday in winter
    hours = [(0, 2), (5, 2), (6, 1), (17, 1), (18, 3), (19, 3), (20, 1), (22, 2), (23, 2)]
    assert [(hour, made.at(workday + hour * 3600)[0]) for hour, _ in hours] == hours
    assert made.at(workday + 6 * 3600 - 1) == (2, workday + 6 * 3600)
    assert made.at(workday + 17 * 3600) == (1, workday + 17 * 3600 + 1800)
    assert made.at(workday + 23 * 3600) == (2, midnight)
    christmas = day(2026, 12, 25) * 86400  # a Friday
    assert {made.at(christmas + minute * 60)[0] for minute in range(1440)} == {2}
    first_of_may = [made.at(day(year, 5, 1) * 86400 + 43200)[0] for year in (2026, 2029)]  # Friday, Tuesday
    assert first_of_may == [2, 1]


def test_before_the_days_first_switching_the_day_before_goes_on() -> None:
    made = program(new())
    monday = day(2026, 6, 1) * 86400  # in summer, table 3 begins at 06:00; Sunday's is rate 2 from midnight on
    assert made.at(monday) == (2, monday + 6 * 3600)
    days = [(1, [(0, 1)]), (2, [(720, 212)]), (3, [(600, 3)])]
    made = program(new(), ((b"x", SEASONS, WEEKS, days), []))
    saturday = day(2026, 6, 6) * 86400
    assert made.at(saturday) == (3, saturday + 43200) and made.at(saturday + 43200)[0] == 212


def test_days_before_the_first_season_have_no_rate() -> None:
    seasons = [(b"a", pattern(2026, 7, 1), b"W"), (b"b", pattern(2027, 1, 1), b"S")]
    made = program(new(), ((b"x", seasons, WEEKS, DAYS), []))
    first = day(2026, 7, 1) * 86400
    assert made.at(first - 60) == (None, first)
    assert made.at(first)[0] == 2  # a Wednesday in table 1
    late = day(2031, 1, 8)  # season b still lasts: a Wednesday in table 3
    assert made.day_table(late) == 3


PATTERNS = st.builds(
    pattern,
    st.none() | st.integers(1402, 1406) | st.integers(2023, 2027),
    st.integers(1, 12) | st.just(255),
    st.integers(1, 31) | st.sampled_from([253, 254, 255]),
    st.integers(1, 7) | st.just(255),
)


def test_the_only_season_lasts_until_it_begins_again() -> None:
    made = program(new(), ((b"x", [(b"a", pattern(None, 11, 15), b"W")], WEEKS, DAYS), []))
    assert {made.day_table(number) for number in range(day(2025, 1, 1), day(2027, 1, 1))} == {1, 2}


def test_of_seasons_that_begin_on_one_day_the_later_in_the_list_holds() -> None:
    seasons = [(b"a", pattern(None, 3, 31), b"W"), (b"b", pattern(None, 3, 254), b"S")]
    for listed, table in ((seasons, 3), (seasons[::-1], 1)):
        made = program(new(), ((b"x", listed, WEEKS, DAYS), []))
        assert made.day_table(day(2026, 3, 31)) == table


def test_a_special_day_whose_table_is_still_passive_is_an_ordinary_day() -> None:
    made = program(new())
    made.set_part(DAY, [*DAYS, (9, [(0, 5)])])
    made.set_part(SPECIAL, [(1, pattern(None, 12, 25), 9)])
    christmas = day(2026, 12, 25)
    assert made.day_table(christmas) == 1
    made.activate()
    assert made.day_table(christmas) == 9


TIMES = st.lists(
    st.tuples(st.integers(0, 1439), st.sampled_from([1, 2, 3, 8, 21, 35, 25588])),
    min_size=1,
    max_size=16,
    unique_by=lambda time: time[0],
).map(sorted)


@st.composite
def tables(draw: Any, years: Any) -> tuple[Any, ...]:
    """A table that is good, by the meter's own check of its parts only; the drawn values are kept."""
    numbers = draw(st.lists(st.integers(0, 255), min_size=1, max_size=6, unique=True))
    days = [(number, draw(TIMES)) for number in numbers]
    names = draw(st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=4, unique=True))
    weeks = [(name, *draw(st.tuples(*[st.sampled_from(numbers)] * 7))) for name in names]
    starts = draw(st.lists(PATTERNS, max_size=5))
    starts = [pattern(None, 1, 1)] + [start for start in starts if start[3] != 255]
    seasons: list[Any] = []
    for n, start in enumerate(starts):
        more = [*seasons, (b"%d" % n, start, draw(st.sampled_from(names)))]
        seasons = more if is_good(switch_table.SEASONS, more, years) else seasons
    special: list[Any] = []
    for n, date in enumerate(draw(st.lists(PATTERNS, max_size=5))):
        more = [*special, (n, date, draw(st.sampled_from(numbers)))]
        special = more if is_good(switch_table.SPECIAL_DAYS, more, years) else special
    return (b"drawn", seasons, weeks, days), special


def is_good(kind: int, values: list[Any], years: Any) -> bool:
    try:
        switch_table.check(kind, switch_table.packed(kind, values), years)
    except ValueError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.data(), st.booleans())
def test_any_table_shows_what_the_reference_does_and_holds_as_long_as_it_says(data: Any, persian: bool) -> None:
    years: Any = PERSIAN if persian else calendar
    drawn = data.draw(tables(years))
    made = program(new(None, years), drawn)
    reference = Reference(PERSIAN if persian else GREGORIAN, drawn, 9)
    for number in data.draw(st.lists(st.integers(9_100, 9_950), min_size=1, max_size=3)):
        assert made.day_table(number) == reference.day_table(number)
        local = number * 86400 + data.draw(st.integers(0, 86399))
        assert made.at(local)[0] == reference.at(local)
        assert holds_until(made.at, local, reference)


@pytest.mark.parametrize(
    ("years", "slow", "first"),
    [(calendar, GREGORIAN, day(2028, 1, 1)), (PERSIAN, PERSIAN, day(2025, 3, 1))],
    ids=["Gregorian 2028, leap day", "Persian 1403 leap to 1404"],
)
def test_every_minute_of_a_year_is_as_the_reference_has_it(years: Any, slow: Any, first: int) -> None:
    seasons = [
        (b"w", pattern(None, 10, 254, 7), b"W"),
        (b"s", pattern(None, 3, 254, 7), b"S"),
        (b"m", pattern(None, 1, 1), b"S"),
        (b"l", pattern(None, 12, 254), b"W"),
    ]
    special = [(1, pattern(None, 2, 29), 2), (2, pattern(None, 12, 30), 3), (9, pattern(None, 255, 13, 255), 2)]
    drawn = ((b"x", seasons, WEEKS, DAYS), special)
    made, reference = program(new(None, years), drawn), Reference(slow, drawn)
    for number in range(first, first + 367):
        following, found = number * 86400, []
        while following < (number + 1) * 86400:
            selector, until = made.at(following)
            found += [selector] * ((until - following) // 60)
            following = until
        assert found == reference.minutes(number), years.date(number)


def test_persian_new_year_begins_a_season_on_the_day_of_nowruz() -> None:
    """Facts page 6: 1 Farvardin 1403 was 20 March 2024, 1404 21 March 2025, 1409 20 March 2030 behind a leap day."""
    seasons = [(b"spring", pattern(None, 1, 1), b"S"), (b"autumn", pattern(None, 7, 1), b"W")]
    made = program(new(None, PERSIAN), ((b"x", seasons, WEEKS, DAYS), [(1, pattern(None, 12, 30), 2)]))
    for nowruz in (day(2024, 3, 20), day(2025, 3, 21), day(2029, 3, 20)):
        week = [made.day_table(number) for number in range(nowruz - 7, nowruz + 7)]
        assert 3 not in week[:7] and 1 not in week[7:]
    for leap_day in (day(2025, 3, 20), day(2030, 3, 20)):
        assert made.day_table(leap_day) == 2


# --- what is refused ------------------------------------------------------------------------------------------------

GOOD: dict[int, Any] = {NAMES: b"n", SEASON: SEASONS, WEEK: WEEKS, DAY: DAYS, SPECIAL: []}


@pytest.mark.parametrize(
    ("part", "values", "reason"),
    [
        (SEASON, [(b"a", pattern(None, 1, 1), b"W"), (b"a", pattern(None, 2, 1), b"W")], "season a: there twice"),
        (SEASON, [(b"a", pattern(None, 1, 1), b"W"), (b"b", pattern(2026, 1, 1), b"S")], "a and b: the same day"),
        (SEASON, [(b"%d" % n, pattern(None, 1, n + 1), b"W") for n in range(13)], "more than 12 seasons"),
        (SEASON, [(b"a", pattern(None, 2, 29), b"W")], "season a: no day 29 in month 2"),
        (SEASON, [(b"", pattern(None, 1, 1), b"W")], "1 to 16 octets"),
        (SEASON, [(b"a", pattern(None, 1, 1), bytes(17))], "1 to 16 octets"),
        (SEASON, None, "season: incomplete"),
        (WEEK, [(b"W", 1, 1, 1, 1, 1, 1, 1)] * 2, "week W: there twice"),
        (WEEK, [(b"W", 1, 1, 1)], "week: incomplete"),
        (WEEK, [(b"%d" % n, 1, 1, 1, 1, 1, 1, 1) for n in range(13)], "more than 12 weeks"),
        (DAY, [(1, [(60, 1), (60, 2)])], "day 1: times are not ascending"),
        (DAY, [(1, [(60, 1), (59, 2)])], "day 1: times are not ascending"),
        (DAY, [(1, [(1440, 1)])], "day 1: times"),
        (DAY, [(1, [])], "day 1: it switches nothing"),
        (DAY, [(1, [(0, 9)])], "day 1: no such script: 9"),
        (DAY, [(1, [(0, 10)])], "no such script: 10"),
        (DAY, [(1, [(0, 25601)])], "no such script"),
        (DAY, [(1, [(n, 1) for n in range(17)])], "day 1: more than 16"),
        (DAY, [(n, [(0, 1)]) for n in range(17)], "more than 16 days"),
        (DAY, [(1, [(0, 1)])] * 2, "day 1: there twice"),
        (NAMES, bytes(17), "longer than 16"),
        (SPECIAL, [(1, pattern(1405, 10, 4), 1)], "special day 1: year 1405 is none of the meter's calendar"),
        (SPECIAL, [(1, pattern(None, 4, 31), 1)], "special day 1: no day 31 in month 4"),
        (SPECIAL, [(1, pattern(None, 12, 25), 9)], "special day 1: there is no day 9"),
        (SPECIAL, [(1, pattern(None, 12, 25), 1), (2, pattern(None, 12, 25), 2)], "1 and 2: the same day"),
        (SPECIAL, [(1, pattern(None, 12, 25), 1), (1, pattern(None, 12, 26), 1)], "there twice"),
        (SPECIAL, [(n, pattern(None, n % 12 + 1, n // 12 + 1), 1) for n in range(101)], "more than 100"),
        (0, b"active", "not written"),
    ],
)
def test_a_part_that_is_no_good_is_refused_with_the_reason_and_nothing_changes(
    part: int, values: Any, reason: str
) -> None:
    memory = Ram(TIME_SWITCH.end)
    made = program(new(memory))
    before, stored = [made.part(n) for n in range(9)], bytes(memory.content)
    with pytest.raises(ValueError, match=reason):
        made.set_part(part, values)
    assert [made.part(n) for n in range(9)] == before and bytes(memory.content) == stored
    if part:
        assert made.refused and made.refused in str(pytest.raises(ValueError, made.set_part, part, values).value)


@pytest.mark.parametrize(
    ("part", "values", "reason"),
    [
        (SEASON, [], "there is no season"),
        (SEASON, [(b"a", pattern(None, 1, 1), b"X")], "season a: there is no week X"),
        (WEEK, [(b"W", 1, 1, 1, 1, 1, 1, 4), (b"S", 1, 1, 1, 1, 1, 1, 1)], "week W: there is no day 4"),
        (DAY, [(1, [(0, 1)]), (3, [(0, 1)])], "there is no day 2"),
        (DAY, DAYS[1:], "there is no day 1"),
    ],
)
def test_a_table_that_does_not_hold_together_is_not_activated(part: int, values: Any, reason: str) -> None:
    made = program(new())
    made.set_part(part, values)
    before = [made.part(n) for n in range(4)]
    with pytest.raises(ValueError, match=reason):
        made.activate()
    with pytest.raises(ValueError, match=reason):
        made.set_activation(900_000_000)
    assert [made.part(n) for n in range(4)] == before and made.activation is None and reason in made.refused


def test_a_special_day_must_be_in_the_table_that_is_activated() -> None:
    made = program(new())
    made.set_part(SEASON, [(b"a", pattern(None, 1, 1), b"W")])
    made.set_part(WEEK, [(b"W", 1, 1, 1, 1, 1, 1, 1)])
    made.set_part(DAY, [(1, [(0, 1)])])
    with pytest.raises(ValueError, match="special day 1: there is no day 2"):
        made.activate()


def test_the_reason_of_a_refusal_goes_with_the_next_change_that_is_made() -> None:
    made = program(TimeSwitch(Ram(TIME_SWITCH.end)), LOADED)
    with pytest.raises(ValueError, match="no special day 99"):
        made.delete_special_day(99)
    assert made.refused == "there is no special day 99"
    made.set_part(PASSIVE, b"next")
    assert made.refused == ""


def test_special_days_are_inserted_replaced_and_deleted_by_index() -> None:
    made = program(new())
    made.insert_special_day((7, pattern(None, 1, 6), 2))
    assert [row[0] for row in made.part(SPECIAL)] == [1, 2, 7]
    made.insert_special_day((7, pattern(None, 8, 15), 1))
    made.insert_special_day((3, pattern(2026, 5, 1), 1))  # the date of number 2
    assert made.part(SPECIAL) == [
        (1, pattern(None, 12, 25), 2),
        (3, pattern(2026, 5, 1), 1),
        (7, pattern(None, 8, 15), 1),
    ]
    made.delete_special_day(3)
    assert [row[0] for row in made.part(SPECIAL)] == [1, 7]
    with pytest.raises(ValueError, match="no special day 3"):
        made.delete_special_day(3)


def test_the_largest_tables_fit_into_the_memory() -> None:
    memory = Ram(TIME_SWITCH.end)
    names = [b"%016d" % n for n in range(12)]
    seasons = [(name, pattern(None, n + 1, 1), name) for n, name in enumerate(names)]
    weeks = [(name, *range(7)) for name in names]
    days = [(n, [(90 * k + n, 25588) for k in range(16)]) for n in range(16)]
    special = [(n, pattern(2026, n % 12 + 1, n // 12 + 1), n % 16) for n in range(100)]
    drawn = ((bytes(16), seasons, weeks, days), special)
    program(new(memory), drawn)
    again = new(memory)
    assert [again.part(n) for n in range(4)] == [again.part(4 + n) for n in range(4)] == list(drawn[0])
    assert again.part(SPECIAL) == special and not again.damaged


# --- memory and activation ------------------------------------------------------------------------------------------


def test_changes_are_logged_by_what_they_change() -> None:
    said: list[int] = []
    made = new()
    made.log = said.append
    program(made)
    made.set_activation(900_000_000)
    made.activate_due(900_000_000)
    assert said == [LOG_PASSIVE] * 4 + [LOG_SPECIAL_DAYS, LOG_ACTIVATION, LOG_PASSIVE, LOG_ACTIVATION]
    assert made.changes == len(said)


def test_a_passive_table_becomes_active_at_its_moment_and_not_before() -> None:
    memory = Ram(TIME_SWITCH.end)
    made = new(memory)
    for n in range(4):
        made.set_part(PASSIVE + n, LOADED[0][n])
    made.set_activation(900_000_000)
    made.activate_due(899_999_999)
    assert (made.name, made.activation) == ("DEFAULT", 900_000_000)
    again = new(memory)  # off meanwhile
    assert (again.name, again.activation) == ("DEFAULT", 900_000_000)
    again.activate_due(900_000_000 + 86400 * 30)
    assert (again.name, again.activation) == ("TOU 2026", None)
    assert new(memory).name == "TOU 2026"
    assert again.part(NAMES) == b"TOU 2026"  # the passive one stays as it is


def test_a_passive_table_that_was_spoilt_before_its_moment_stays_passive() -> None:
    made = program(new())
    made.set_activation(900_000_000)
    made.set_part(NAMES, b"spoilt")
    made.set_part(WEEK, [(b"other", 1, 1, 1, 1, 1, 1, 1)])
    made.activate_due(900_000_000)
    assert (made.name, made.activation) == ("TOU 2026", None) and "there is no week" in made.refused


class Failing(Ram):
    """Takes `left` more writes."""

    left = 10**9

    def write(self, address: int, buf: Any) -> None:
        if self.left <= 0:
            raise OSError(5)
        self.left -= 1
        super().write(address, buf)


def test_a_memory_that_fails_leaves_the_old_table_in_force() -> None:
    memory = Failing(TIME_SWITCH.end)
    made = program(new(memory))
    made.set_part(NAMES, b"second")
    memory.left = 0
    for change in (made.activate, lambda: made.set_part(NAMES, b"third"), lambda: made.set_activation(1)):
        with pytest.raises(OSError, match="5"):
            change()
    assert (made.name, made.part(NAMES), made.activation) == ("TOU 2026", b"second", None)
    memory.left = 10**9
    made.locked = True
    with pytest.raises(OSError, match="could not be read"):
        made.activate()


def test_an_activation_that_the_memory_does_not_take_is_made_and_made_again_after_a_start() -> None:
    memory = Failing(TIME_SWITCH.end)
    made = program(new(memory))
    made.set_part(NAMES, b"second")
    made.set_activation(900_000_000)
    memory.left = 0
    made.activate_due(900_000_000)
    assert (made.name, made.activation, made.one_copy) == ("second", None, True)
    memory.left = 10**9
    again = new(memory)
    assert (again.name, again.activation) == ("TOU 2026", 900_000_000)
    again.activate_due(900_000_001)
    assert new(memory).name == "second"


def test_a_cut_in_any_write_leaves_the_old_table_or_the_new_one() -> None:
    """The second life after n bytes of the change have reached the memory, for every n that a record has."""

    class Torn(Ram):
        left = 10**9

        def write(self, address: int, buf: Any) -> None:
            data = bytes(buf)[: max(self.left, 0)]
            self.left -= len(buf)
            self.content[address : address + len(data)] = data
            if self.left < 0:
                raise OSError(5)

    memory = Torn(TIME_SWITCH.end)
    program(new(memory))
    before = bytes(memory.content)
    names = set()
    for cut in range(0, 900, 7):
        memory.content[:] = before
        memory.left = 10**9
        made = new(memory)
        memory.left = cut
        try:
            made.set_part(NAMES, b"new")
        except OSError:
            memory.left = 10**9
        again = new(memory)
        names.add(again.part(NAMES))
        assert not again.damaged and again.part(SEASON) == SEASONS and again.name == "TOU 2026"
    assert names == {b"TOU 2026", b"new"}


def test_damaged_tables_and_those_of_another_calendar_are_none() -> None:
    memory = Ram(TIME_SWITCH.end)
    program(new(memory))
    other = new(memory, PERSIAN)
    assert other.damaged and other.at(9200 * 86400) == (None, 9201 * 86400)
    assert [other.part(n) for n in range(4)] == [b"", [], [], []]
    memory.content[TIME_SWITCH.address + 20] ^= 1
    memory.content[TIME_SWITCH.address + TIME_SWITCH.size // 2 + 20] ^= 1
    lost = new(memory)
    assert lost.damaged and lost.at(0)[0] is None
    program(lost, ((b"x", [(b"a", pattern(None, 1, 1), b"W")], WEEKS, DAYS), []))
    assert not lost.damaged and new(memory).name == "x" and not new(memory).damaged
