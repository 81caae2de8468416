"""Registers, demand, billing and profiles against a ledger in plain Python that shares nothing with the firmware.

The reference keeps what was fed as a list of amounts and works each period out from the calendar of Python's time zone
database, with an accumulator for each period; the firmware has totals and differences.
"""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.tariff_bench import Life, World
from host_tests.tariff_zone import EPOCH, Zone, seconds

BERLIN = Zone("Europe/Berlin")
TEHRAN = Zone("Asia/Tehran")
KATHMANDU = Zone("Asia/Kathmandu")  # 5 h 45 min ahead

COMMUNICATION = 3


def period_end(zone: Zone, utc: int, minutes: int, parts: int = 1) -> int:
    """The next moment after `utc` at which the local clock's minutes and seconds are a multiple of the period's: hours
    are whole in every zone here, whatever the season."""
    local, step = zone.local(utc), minutes * 60 // parts
    return utc + step - (local.minute * 60 + local.second) % step


def rate_of(zone: Zone, utc: int) -> int:
    return 1 if 6 <= zone.local(utc).hour < 22 else 2


def month_end(zone: Zone, utc: int) -> int:
    """The next midnight after `utc` with which a month begins."""
    local = zone.local(utc)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return int((datetime.datetime(year, month, 1, tzinfo=zone.info) - EPOCH).total_seconds())


@dataclass
class Reference:
    """What a meter with these settings must show; of the first energy, in two rates."""

    zone: Zone
    minutes: int
    parts: int
    utc: int
    total: int = 0
    rated: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    maxima: dict[int, tuple[int, int | None]] = field(default_factory=lambda: {1: (0, None), 2: (0, None)})
    cumulated: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    last: int = 0
    count: int = 0
    stored: list[tuple[int, int, Any, Any]] = field(default_factory=list)
    intervals: list[tuple[int, int]] = field(default_factory=list)  # regular ends in profile 1: time, energy

    def __post_init__(self) -> None:
        self.rate = rate_of(self.zone, self.utc)
        self.parts_before: list[int] = [0] * (self.parts - 1)
        self.energy = 0
        self.end = period_end(self.zone, self.utc, self.minutes, self.parts)
        self.advance = 0
        self.interval_end = period_end(self.zone, self.utc, 15)
        self.reset_due = month_end(self.zone, self.utc)
        self.locked_until = 0

    def book(self, utc: int, amount: int) -> None:
        self.total += amount
        self.rated[self.rate] += amount
        self.energy += amount
        self.advance += amount
        self.utc = utc
        self.close_until(utc)
        while utc >= self.interval_end:
            self.intervals.append((self.interval_end, self.advance))
            self.advance, self.interval_end = 0, period_end(self.zone, self.interval_end, 15)
        self.go_on(utc)

    def close_until(self, utc: int) -> None:
        while utc >= self.end:
            self.close(self.end)
            self.end = period_end(self.zone, self.end, self.minutes, self.parts)

    def close(self, utc: int) -> None:
        window = [*self.parts_before, self.energy]
        self.last = sum(window) // (self.minutes * 60)
        if self.last > self.maxima[self.rate][0]:
            self.maxima[self.rate] = self.last, utc
        self.parts_before, self.energy = window[1:], 0

    def go_on(self, utc: int) -> None:
        self.rate = rate_of(self.zone, utc)
        if utc >= self.reset_due:
            self.make_reset(utc)
            self.reset_due = month_end(self.zone, utc)

    def make_reset(self, utc: int) -> None:
        self.count = (self.count + 1) % 100
        self.stored.append((self.count, self.total, dict(self.rated), dict(self.maxima)))
        for rate in (1, 2):
            self.cumulated[rate] += self.maxima[rate][0]
        self.maxima = {1: (0, None), 2: (0, None)}
        self.begun_with = self.total

    def reset(self, utc: int) -> bool:
        if utc < self.locked_until:
            return False
        self.make_reset(utc)
        self.locked_until = utc + 3600
        return True

    def power_up(self, utc: int) -> None:
        self.close_until(utc)
        self.interval_end, self.advance = period_end(self.zone, utc, 15), 0
        self.go_on(utc)

    def clock_set(self, old: int, new: int) -> None:
        is_small = abs(new - old) <= 9
        if not (is_small and self.end - self.minutes * 60 // self.parts <= new < self.end):
            self.close(old)
            self.end = period_end(self.zone, new, self.minutes, self.parts)
        if not (is_small and self.interval_end - 900 <= new < self.interval_end):
            self.interval_end, self.advance = period_end(self.zone, new, 15), 0
        if self.locked_until:
            self.locked_until += new - old
        if new < old - 86400:
            self.reset_due = month_end(self.zone, new)
        self.go_on(new)


def agree(life: Life, reference: Reference) -> None:
    """All that is shown is what the reference says."""
    assert life.energies.get("a_import") == reference.total
    assert {rate: life.rated.get("a_import", rate) for rate in (1, 2)} == reference.rated
    assert {rate: life.demand.maximum("a_import", rate) for rate in (1, 2)} == reference.maxima
    assert {rate: life.demand.cumulated("a_import", rate) for rate in (1, 2)} == reference.cumulated
    assert life.demand.last("a_import") == reference.last
    assert life.demand.current("a_import") == (sum(reference.parts_before) + reference.energy) // (
        reference.minutes * 60
    )
    assert life.billing.count == reference.count and life.billing.available() == len(reference.stored)
    for n, (count, total, rated, maxima) in enumerate(reversed(reference.stored), 1):
        stored = life.billing.stored(n)
        assert stored is not None and (stored.count, stored.total("a_import")) == (count, total)
        assert {rate: stored.rated("a_import", rate) for rate in (1, 2)} == rated
        assert {rate: stored.maximum("a_import", rate) for rate in (1, 2)} == maxima


def books_balance(life: Life, reference: Reference) -> None:
    """Nothing that was fed is missing anywhere, and nothing is there twice."""
    fed = reference.total
    assert sum(life.rated.get("a_import", rate) for rate in (1, 2)) == fed
    for n in (0, 1):
        rows = life.rows(n)
        newest = life.profiles[n].ring.entry(rows[-1][0])
        assert sum(values[0] for _, _, _, values in rows) == struct.unpack_from("<q", newest[1], 4)[0]
    values = [
        stored.total("a_import") for n in range(life.billing.available(), 0, -1) if (stored := life.billing.stored(n))
    ]
    periods = [b - a for a, b in zip([0, *values], [*values, fed], strict=False)]
    assert periods[-1] == fed - life.billing.begin.total("a_import") and sum(periods) == fed


BOOK, OFF, CUT, SET, RESET = "book", "off", "cut", "set", "reset"
amounts = st.integers(0, 5 * 10**9)
steps = st.one_of(
    st.tuples(st.just(BOOK), st.sampled_from([1, 7, 30, 59, 400, 899, 900, 1800]), amounts),
    st.tuples(st.just(BOOK), st.sampled_from([60, 300]), amounts),
    st.tuples(st.sampled_from([OFF, CUT]), st.sampled_from([1, 60, 900, 7000, 86400, 33 * 86400]), st.just(0)),
    st.tuples(
        st.just(SET), st.sampled_from([-90000, -7200, -900, -10, -9, -2, 2, 5, 9, 10, 61, 3600, 86400]), st.just(0)
    ),
    st.tuples(st.just(RESET), st.just(0), st.just(0)),
)
starts = st.sampled_from(
    [
        (2026, 3, 29, 0, 58, 3),  # DST begins in Berlin
        (2026, 10, 25, 0, 40, 0),  # and ends
        (2024, 2, 28, 22, 55, 0),
        (2024, 2, 29, 22, 50, 30),  # the leap day's last minutes
        (2026, 12, 31, 20, 29, 59),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([BERLIN, TEHRAN, KATHMANDU]),
    st.sampled_from([(15, 1), (15, 3), (1, 1), (60, 4), (30, 15)]),
    starts,
    st.lists(steps, min_size=1, max_size=30),
)
def test_whatever_happens_the_meter_shows_what_the_reference_says(
    zone: Zone, period: tuple[int, int], start: tuple[int, ...], actions: list[tuple[str, int, int]]
) -> None:
    world = World(zone, demand_period_min=period[0], demand_subperiods=period[1])
    utc = seconds(*start)
    life, reference = Life(world, utc), Reference(zone, *period, utc)
    agree(life, reference)
    for action, amount, energy in actions:
        if action == BOOK:
            utc += amount
            life.book(utc, energy)
            reference.book(utc, energy)
            agree(life, reference)
            continue
        life.save(utc)  # as the meter does before everything that is not a booking
        if action == RESET:
            assert life.engine.reset(COMMUNICATION, utc) == reference.reset(utc)
        elif action == SET:
            life.engine.clock_set(utc, utc + amount)
            reference.clock_set(utc, utc + amount)
            utc += amount
        else:
            if action == OFF:
                life.engine.power_down(utc)
            utc += amount
            life = Life(world, utc)
            reference.power_up(utc)
        agree(life, reference)
    books_balance(life, reference)
    regular = [(when, values[0]) for _, when, status, values in life.rows() if status & 0x800000]
    assert regular == reference.intervals
