"""Registers, demand, billing and profiles against a ledger in plain Python, through any history."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.tariff_bench import Life, World
from host_tests.tariff_cases import entries
from host_tests.tariff_plain import Reference
from host_tests.tariff_zone import Zone, seconds

BERLIN = Zone("Europe/Berlin")
TEHRAN = Zone("Asia/Tehran")
KATHMANDU = Zone("Asia/Kathmandu")  # 5 h 45 min ahead

COMMUNICATION = 3


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
    for n, (utc, count, total, rated, maxima) in enumerate(reversed(reference.stored), 1):
        stored = life.billing.stored(n)
        assert stored is not None and (stored.utc, stored.count, stored.total("a_import")) == (utc, count, total)
        assert {rate: stored.rated("a_import", rate) for rate in (1, 2)} == rated
        assert {rate: stored.maximum("a_import", rate) for rate in (1, 2)} == maxima


def books_balance(life: Life, reference: Reference) -> None:
    """Nothing that was fed is missing anywhere, and nothing is there twice."""
    fed = reference.total
    assert sum(life.rated.get("a_import", rate) for rate in (1, 2)) == fed
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
    life, reference = Life(world, utc), Reference(zone, period[0], period[1], utc, profile_minutes=(15, 5))
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
    for n in (0, 1):
        assert entries(life, n) == reference.profiles[n].entries
