"""The supply goes at any step that changes a memory, before it and in its middle: afterwards all is as if it had not.

What was cut off is done again by whoever wanted it: energy is still in the metering chip, a button is pressed again.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.power_cut import PowerCut
from host_tests.tariff_bench import Life, World
from host_tests.tariff_zone import Zone, seconds
from meter.storage import layout
from meter.tariff import energy_record

BUTTON, COMMUNICATION = 1, 3
REGULAR = 0x00800000
BERLIN = Zone("Europe/Berlin")


def shown(life: Life) -> dict[str, Any]:
    """All that a client could see, but for the entries that tell of the cut."""
    stored = [life.billing.stored(n) for n in range(1, life.billing.available() + 1)]
    assert None not in stored
    rates = (1, 2)
    return {
        "totals": [life.energies.get(name) for name in ("a_import", "a_export")],
        "rated": [life.rated.get(name, rate) for name in ("a_import", "a_export") for rate in rates],
        "maxima": [life.demand.maximum("a_import", rate) for rate in rates],
        "cumulated": [life.demand.cumulated("a_import", rate) for rate in rates],
        "averages": (life.demand.last("a_import"), life.demand.current("a_import")),
        "count": (life.billing.count, life.billing.utc, life.billing.source),
        "begin": life.billing.begin.total("a_import"),
        "stored": [
            (each.utc, each.begun, each.count, each.source, each.total("a_import"), each.total("a_export"))
            + tuple(
                (each.rated("a_import", r), each.maximum("a_import", r), each.cumulated("a_import", r)) for r in rates
            )
            for each in stored
            if each
        ],
        "lockouts": [life.billing.lockout_s(source, life.billing.utc) for source in (1, 2, 3)],
        "profiles": [
            [(utc, register(life, n, number)) for number, utc, status, _ in life.rows(n) if status & REGULAR]
            for n in (0, 1)
        ],
    }


def register(life: Life, n: int, number: int) -> int:
    return struct.unpack_from("<q", life.profiles[n].ring.entry(number)[1], 4)[0]


class Scenario:
    """Actions on one world; `cuts`: after how many halves of a step each life's supply goes."""

    def __init__(self, start: int, actions: list[tuple], cuts: list[int], **settings: Any) -> None:
        self.world = World(BERLIN, **settings)
        self.utc = start
        self.life = Life(self.world, start)
        self.world.supply.steps = 0
        self.cuts = list(cuts)
        self.lost = 0
        self.booking = False
        self._arm()
        for action in actions:
            getattr(self, action[0])(*action[1:])
        self.world.supply.left = -1

    def _arm(self) -> None:
        self.world.supply.left = self.cuts.pop(0) if self.cuts else -1

    def _do(self, action: Any, is_done: Any) -> None:
        """Do it, again if the supply went too early, until it is done."""
        while True:
            try:
                action()
                return
            except PowerCut:
                self.lost += 1
            while True:
                self._arm()
                try:
                    self.life = Life(self.world, self._return())
                    break
                except PowerCut:
                    self.lost += 1
            if is_done():
                return

    def _return(self) -> int:
        """When the supply is back: at once, which is before the energy was saved if it was not."""
        record = self.world.record(layout.ENERGY, energy_record).load()
        is_saved = record is not None and struct.unpack("<I", record[-4:])[0] == self.utc
        return self.utc if is_saved or not self.booking else self.before

    def book(self, later: int, amount: int, export: int = 0) -> None:
        self.before, self.utc, self.booking = self.utc, self.utc + later, True
        utc, total = self.utc, self.life.energies.get("a_import") + amount
        self._do(lambda: self.life.book(utc, amount, export), lambda: self.life.energies.get("a_import") == total)
        self.booking = False

    def reset(self, source: int) -> None:
        utc, count = self.utc, self.life.billing.count
        locked = self.life.billing.lockout_s(source, utc)
        self._do(
            lambda: self.life.engine.reset(source, utc),
            lambda: self.life.billing.count != count or locked,
        )

    def down(self, seconds_off: int) -> None:
        utc = self.utc
        self._do(lambda: self.life.engine.power_down(utc), lambda: True)
        self.utc += seconds_off
        self._do(self._live, lambda: True)

    def _live(self) -> None:
        self.life = Life(self.world, self.utc)


MONTH_END = seconds(2026, 10, 31, 22, 29, 0)  # 23:29 in Berlin, a week after the end of summer time
ACTIONS = [
    ("book", 50, 10**9, 5),
    ("book", 10, 10**9, 0),  # 23:30: both profiles, and demand
    ("reset", BUTTON),
    ("book", 60, 2 * 10**9, 7),
    ("reset", BUTTON),  # locked out
    ("book", 1737, 3 * 10**9, 0),  # 23:59:57
    ("book", 3, 4 * 10**9, 1),  # midnight: everything, and the reset of the month
    ("book", 1, 5 * 10**9, 1),
    ("down", 700),
    ("book", 200, 6 * 10**9, 1),
    ("reset", COMMUNICATION),
    ("book", 21600, 7 * 10**9, 1),  # the rate changes meanwhile, and intervals are missed
]


@pytest.mark.parametrize("changes", [{}, {"demand_subperiods": 3, "snapshot_sources": 8, "demand_on_tariff_change": 1}])
def test_a_cut_at_any_step_costs_nothing(changes: dict[str, Any]) -> None:
    whole = Scenario(MONTH_END, ACTIONS, [], **changes)
    expected, steps = shown(whole.life), whole.world.supply.steps
    assert whole.life.billing.count == 3 and steps > 35
    for cut in range(2 * steps):
        scenario = Scenario(MONTH_END, ACTIONS, [cut], **changes)
        assert scenario.lost == 1
        assert shown(scenario.life) == expected, cut


bookings = st.tuples(st.just("book"), st.sampled_from([1, 30, 300, 893, 1800]), st.integers(1, 10**10))
actions = st.one_of(
    bookings,
    bookings,
    st.tuples(st.just("reset"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("down"), st.sampled_from([1, 900, 10000])),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([MONTH_END, seconds(2026, 3, 29, 0, 58, 3), seconds(2024, 2, 29, 22, 50, 30)]),
    st.lists(actions, min_size=1, max_size=12),
    st.lists(st.integers(0, 40), max_size=8),
    st.sampled_from([1, 3]),
)
def test_neither_do_many_cuts_even_in_each_others_restarts(start: int, done: list, cuts: list[int], parts: int) -> None:
    expected = shown(Scenario(start, done, [], demand_subperiods=parts).life)
    assert shown(Scenario(start, done, cuts, demand_subperiods=parts).life) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(bookings, st.tuples(st.just("set"), st.sampled_from([-4000, -60, -3, 5, 60, 100000])))),
    st.lists(st.integers(0, 40), max_size=8),
)
def test_a_cut_while_the_clock_is_set_loses_no_energy_in_any_profile(done: list, cuts: list[int]) -> None:
    class Setting(Scenario):
        def set(self, by: int) -> None:
            old = self.utc
            self.utc += by  # the clock itself is set first, and goes on without the meter
            self._do(lambda: self.life.engine.clock_set(old, self.utc), lambda: True)

    scenario = Setting(MONTH_END, done, cuts)
    life, fed = scenario.life, sum(action[2] for action in done if action[0] == "book")
    assert life.energies.get("a_import") == fed
    assert sum(life.rated.get("a_import", rate) for rate in (1, 2)) == fed
    life.engine.power_down(scenario.utc)
    for n in (0, 1):
        rows = life.rows(n)
        assert sum(values[0] for _, _, _, values in rows) == fed
        assert len(rows) < 20 + 8 * len(done) + 3 * len(cuts)  # no flood of intervals that nobody lived through


@pytest.mark.parametrize("cut", range(12))
def test_a_profile_that_is_being_cleared_is_whole_or_empty(cut: int) -> None:
    scenario = Scenario(MONTH_END, ACTIONS[:2], [])
    world, life, utc = scenario.world, scenario.life, scenario.utc
    before = life.rows()
    world.supply.left = cut
    is_cut = False
    try:
        life.engine.clear_profile(0, utc)
    except PowerCut:
        is_cut = True
    world.supply.left = -1
    rows = Life(world, utc).rows()
    if rows[: len(before)] == before:
        assert is_cut and len(rows) == len(before) + 2
    else:
        assert rows[0][0] == 1 and rows[0][2] & 0x00084000 == 0x00084000 and len(rows) in (1, 3)


def test_a_record_that_cannot_be_saved_is_saved_when_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(BERLIN)
    life = Life(world, MONTH_END)
    life.book(MONTH_END + 60, 10**9)
    world.fram.broken = True
    life.engine.tick(MONTH_END + 1800 + 60)
    assert not life.engine.is_saved and life.billing.count == 1
    world.fram.broken = False
    life.engine.tick(MONTH_END + 1800 + 61)
    assert life.engine.is_saved
    assert Life(world, MONTH_END + 1800 + 61).billing.count == 1


def test_a_reset_whose_values_cannot_be_stored_is_not_made_and_one_that_is_due_is_tried_again() -> None:
    world = World(BERLIN)
    life = Life(world, MONTH_END)
    life.book(MONTH_END + 60, 10**9)
    maxima = [life.demand.maximum("a_import", rate) for rate in (1, 2)]
    assert maxima[1][0] > 0
    ring = life.billing.rings[0]
    ring.broken = True
    with pytest.raises(OSError, match="ring"):
        life.engine.reset(BUTTON, MONTH_END + 61)
    life.book(MONTH_END + 1860, 0)
    assert life.billing.count == 0 and life.demand.maximum("a_import", 2) == maxima[1] and life.engine.rings_failed
    ring.broken = False
    life.book(MONTH_END + 1861, 0)
    assert life.billing.count == 1 and life.demand.maximum("a_import", 2) == (0, None)


def test_an_entry_that_a_profile_does_not_take_is_told_by_the_next_one() -> None:
    life = Life(World(BERLIN), MONTH_END)
    ring = life.profiles[0].ring
    life.book(MONTH_END + 59, 10**9)
    ring.broken = True
    life.book(MONTH_END + 60, 10**9)
    assert life.engine.rings_failed
    ring.broken = False
    life.book(MONTH_END + 960, 10**9)
    assert [(utc, values[0]) for _, utc, _, values in life.rows()] == [(MONTH_END, 0), (MONTH_END + 960, 3 * 10**9)]
