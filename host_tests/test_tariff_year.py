"""Years of a meter's life: every amount that was fed is where it belongs, to the last unit, whatever happens meanwhile.

The part that ships lives on an FRAM that may lose its supply at any byte, and on the model of the flash chip: through
daylight saving, a leap day, Nowruz by the Persian calendar, settings of the clock, resets, tables that change and power
cuts. A ledger in plain Python (tariff_plain.py) for each energy says what there must be. What was cut has happened, or
it has not, or its energy was kept and the rest is done late: one of these in all that is shown, never a mix.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from host_tests.power_cut import PowerCut
from host_tests.tariff_calendars import LOADED, Persian, pattern, program
from host_tests.tariff_plain import GREGORIAN, Reference
from host_tests.tariff_reference import Reference as Tables
from host_tests.tariff_reference import Remembered
from host_tests.tariff_zone import Zone, seconds
from host_tests.whole_tariffs import Life, World
from meter.tariff.time_switch import PASSIVE

COMMUNICATION = 3
ENERGIES = ("a_import", "a_export", "r1")
RATES = 4
PROFILES = (15, 60)  # min
CHANNELS = ",".join(ENERGIES)
DAY = 86400
LATEST = 40  # entries that are compared after each cut

# Rate of energy in the last digit, of demand before it
NEW_DAYS = [(1, [(0, 42), (7 * 60 + 15, 13), (16 * 60, 3)]), (2, [(3 * 60, 24)]), (3, [(0, 2), (12 * 60 + 30, 31)])]
PERSIAN_TABLES: Any = (
    (
        b"IR 1403",
        [(b"first", pattern(None, 1, 1), b"S"), (b"second", pattern(None, 7, 1), b"W")],
        [(b"W", 1, 1, 1, 3, 2, 1, 1), (b"S", 3, 3, 3, 1, 2, 3, 3)],
        LOADED[0][3],
    ),
    [(1, pattern(None, 1, 1), 2), (2, pattern(None, 12, 30), 2)],  # Nowruz, and the day that leap years have more
)


@dataclass(frozen=True)
class Place:
    zone: Zone
    calendar: Any  # to the ledger
    tables: Any
    minutes: int  # demand
    parts: int
    settings: tuple[tuple[str, Any], ...]


BERLIN = Place(Zone("Europe/Berlin"), Remembered(GREGORIAN), LOADED, 15, 3, (("time_zone", 60), ("dst_enabled", 1)))
TEHRAN = Place(
    Zone("Asia/Tehran"),
    Remembered(Persian()),
    PERSIAN_TABLES,
    30,
    1,
    (("time_zone", 210), ("dst_enabled", 0), ("calendar", "persian")),
)


class Selectors:
    """The rates by the tables, whose days are others from a moment on."""

    def __init__(self, place: Place, activation: int) -> None:
        (name, seasons, weeks, _), special_days = place.tables
        self._tables = Tables(place.calendar, place.tables)
        self._later = Tables(place.calendar, ((name, seasons, weeks, NEW_DAYS), special_days))
        self._activation = activation

    def __call__(self, zone: Zone, utc: int) -> tuple[int, int]:
        ahead = zone.zone(utc)[0]
        selector = (self._tables if utc < self._activation else self._later).at(utc + ahead * 60)
        assert selector
        return selector % 10, selector // 10 % 10 or selector % 10


class Years:
    """A meter, its ledgers, and what happens to them: by the dice, all of a seed's run is the same every time."""

    def __init__(self, place: Place, start: int, end: int, step_s: int, cuts: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.utc, self.end, self.step_s = start, end, step_s
        self.place = place
        activation = start + (end - start) // 3 // DAY * DAY + 4321
        self.world = World(
            seed,
            **dict(place.settings),
            rated_quantities=CHANNELS,
            rates=RATES,
            demand_quantities=CHANNELS,
            demand_period_min=place.minutes,
            demand_subperiods=place.parts,
            profile_1_channels=CHANNELS,
            profile_1_period_min=PROFILES[0],
            profile_2_channels=CHANNELS,
            profile_2_period_min=PROFILES[1],
        )
        time_switch = program(self.world.time_switch(), place.tables)
        time_switch.set_part(PASSIVE + 3, NEW_DAYS)
        time_switch.set_activation(activation)
        self.activation = activation
        self.life = Life(self.world, start)
        rates = Selectors(place, activation)
        self.ledgers = [
            Reference(place.zone, place.minutes, place.parts, start, RATES, rates, place.calendar, PROFILES)
            for _ in ENERGIES
        ]
        self.happened: Counter[str] = Counter()
        ticks = (end - start) // step_s
        self.plan: dict[int, list[Callable[[], None]]] = {}
        self._at_random(cuts * 3 // 4, ticks, (self._cut_book, self._cut_due, self._cut_idle, self._cut_archive))
        self._at_random(cuts - cuts * 3 // 4, ticks, (self._cut_down, self._cut_reset, self._cut_set))
        self._at_random(cuts // 2, ticks, (self._reset, self._set))

    def _at_random(self, count: int, ticks: int, what: tuple) -> None:
        for n in range(count):
            self.plan.setdefault(self.dice.randrange(ticks), []).append(what[n % len(what)])

    def run(self) -> None:
        for tick in range((self.end - self.utc) // self.step_s):
            for happen in self.plan.get(tick, ()):
                happen()
            if self.utc < self.end:
                self._book()
                self.life.archive()
            if tick % 97 == 0:
                assert shown(self.life, self.utc) == expected(self.ledgers, self.utc)

    # --- what happens -----------------------------------------------------------------------------------------------

    def _next(self) -> tuple[int, dict[str, int]]:
        """A step later, and what has come by then, in mWs: up to 20 kW, sometimes nothing or next to nothing."""
        most = 20_000_000 * self.step_s
        amounts = {name: self.dice.choice((0, 1, self.dice.randrange(most))) for name in ENERGIES}
        return self.utc + self.step_s, amounts

    def _book(self) -> None:
        self.utc, amounts = self._next()
        self.life.book(self.utc, **amounts)
        booked(self.ledgers, self.utc, amounts)

    def _reset(self) -> None:
        made = self.life.engine.reset(COMMUNICATION, self.utc)
        assert {ledger.reset(self.utc) for ledger in self.ledgers} == {made}
        self.happened["reset"] += made

    def _set(self) -> None:
        self.life.save(self.utc)  # as the meter does all the time
        old, self.utc = self.utc, self.utc + self._setting()
        self.life.engine.clock_set(old, self.utc)
        clock_set(self.ledgers, old, self.utc)
        self.happened["set"] += 1

    def _setting(self) -> int:
        """Not where tables change: they do so once."""
        near = abs(self.utc - self.activation) < 2 * DAY
        return 0 if near else self.dice.choice((-7000, -3600, -901, -61, -10, -9, -3, 2, 8, 10, 61, 900, 3600, 5000))

    # --- what is cut ------------------------------------------------------------------------------------------------

    def _cut_book(self, most: int = 700) -> None:
        """In the middle of a booking, or of what is due by then."""
        utc, amounts = self._next()
        futures = [
            self._fork(),
            kept(self._fork(), utc, amounts),
            booked(self._fork(), utc, amounts),
        ]
        self._cut(lambda: self.life.book(utc, **amounts), futures, utc, most)

    def _cut_due(self) -> None:
        while self.utc + self.step_s < self.ledgers[0].profiles[0].end:
            self._book()
        self._cut_book(2500)

    def _cut_idle(self) -> None:
        self._cut(lambda: None, [self._fork()], self.utc)

    def _cut_archive(self) -> None:
        """While a sector moves to the flash: in an erase, in a program, in the index, or between."""
        ring = self.life.profiles[0].ring
        while ring.newest % ring.per_sector and self.utc < self.end:
            self._book()
        where, part = self.dice.randrange(3), self.dice.random()
        if where == 0:
            self.world.cut_while_erasing(part)
        elif where == 1:
            self.world.cut_while_programming(int(part * 4000))
        torn = self.happened["torn"]
        self._cut(lambda: self.life.archive(int(part * 90)), [self._fork()], self.utc, 40)
        self.happened["torn move"] += self.happened["torn"] - torn

    def _cut_down(self) -> None:
        """While the supply still holds."""
        futures = [self._fork(), down(self._fork(), self.utc)]
        self._cut(lambda: self.life.power_down(self.utc), futures, self.utc)

    def _cut_reset(self) -> None:
        after = self._fork()
        for ledger in after:
            ledger.reset(self.utc)
        self._cut(lambda: self.life.engine.reset(COMMUNICATION, self.utc), [self._fork(), after], self.utc)

    def _cut_set(self) -> None:
        """The clock has its new time, whatever becomes of what the change ends."""
        self.life.save(self.utc)
        old, new = self.utc, self.utc + self._setting()
        futures = [self._fork(), clock_set(self._fork(), old, new)]
        self._cut(lambda: self.life.engine.clock_set(old, new), futures, new)

    def _fork(self) -> list[Reference]:
        return [ledger.fork() for ledger in self.ledgers]

    def _cut(self, act: Callable[[], Any], futures: list[list[Reference]], utc: int, most: int = 2500) -> None:
        """Lose the supply after up to so many bytes of it, or when it is done; at `utc` by the clock."""
        self.world.supply.left = self.dice.randrange(most)
        try:
            act()
            futures = futures[-1:]
        except PowerCut:
            self.happened["torn"] += 1
        self.world.power_off()
        self.happened["cut"] += 1
        self.utc = utc + self._pause()
        while self.dice.random() < 0.3:
            futures = self._start_in_vain(futures)
        self.world.power_on()
        self.life = Life(self.world, self.utc)
        found, started = shown(self.life, self.utc), [up(future, self.utc) for future in futures]
        alike = [future for future in started if expected(future, self.utc) == found]
        assert alike, differences(found, [expected(future, self.utc) for future in started])
        self.ledgers = alike[0]

    def _start_in_vain(self, futures: list[list[Reference]]) -> list[list[Reference]]:
        """The supply is back, and goes again in the start or just after."""
        self.world.power_on()
        self.world.supply.left = self.dice.randrange(4000)
        started = [up([ledger.fork() for ledger in future], self.utc) for future in futures]
        try:
            Life(self.world, self.utc)
            futures = started
        except PowerCut:
            futures = futures + started
            self.happened["torn start"] += 1
        self.happened["cut"] += 1
        self.world.power_off()
        self.utc += self._pause()
        return futures

    def _pause(self) -> int:
        return self.dice.choice((0, 1, 40, 700, 4000, self.dice.randrange(DAY)))


def booked(ledgers: list[Reference], utc: int, amounts: dict[str, int]) -> list[Reference]:
    for ledger, amount in zip(ledgers, amounts.values(), strict=True):
        ledger.book(utc, amount)
    return ledgers


def kept(ledgers: list[Reference], utc: int, amounts: dict[str, int]) -> list[Reference]:
    for ledger, amount in zip(ledgers, amounts.values(), strict=True):
        ledger.count_energy(utc, amount)
    return ledgers


def clock_set(ledgers: list[Reference], old: int, new: int) -> list[Reference]:
    for ledger in ledgers:
        ledger.clock_set(old, new)
    return ledgers


def down(ledgers: list[Reference], utc: int) -> list[Reference]:
    for ledger in ledgers:
        ledger.power_down(utc)
    return ledgers


def up(ledgers: list[Reference], utc: int) -> list[Reference]:
    for ledger in ledgers:
        ledger.power_up(utc)
    return ledgers


# --- what there is, and what there must be ---------------------------------------------------------------------------


def shown(life: Life, utc: int, entries: int | None = LATEST, periods: int = 3) -> dict[str, Any]:
    """What the meter says of now, of the last `periods` and the last `entries`."""
    rates, billing, demand = range(1, RATES + 1), life.billing, life.demand
    stored = [billing.stored(n) for n in range(min(periods, billing.available()), 0, -1)]
    assert None not in stored
    return {
        "totals": [life.energies.get(name) for name in ENERGIES],
        "rated": [[life.rated.get(name, rate) for rate in rates] for name in ENERGIES],
        "maxima": [[demand.maximum(name, rate) for rate in rates] for name in ENERGIES],
        "cumulated": [[demand.cumulated(name, rate) for rate in rates] for name in ENERGIES],
        "averages": [(demand.last(name), demand.current(name)) for name in ENERGIES],
        "count": billing.count,
        "locked": billing.lockout_s(COMMUNICATION, utc),
        "stored": [
            (
                each.utc,
                each.count,
                [each.total(name) for name in ENERGIES],
                [[each.rated(name, rate) for rate in rates] for name in ENERGIES],
                [[each.maximum(name, rate) for rate in rates] for name in ENERGIES],
            )
            for each in stored
            if each
        ],
        "profiles": [life.rows(n, entries) for n in range(len(PROFILES))],
    }


def expected(ledgers: list[Reference], utc: int, entries: int | None = LATEST, periods: int = 3) -> dict[str, Any]:
    """The same by the ledgers."""
    first = ledgers[0]
    return {
        "totals": [ledger.total for ledger in ledgers],
        "rated": [list(ledger.rated.values()) for ledger in ledgers],
        "maxima": [list(ledger.maxima.values()) for ledger in ledgers],
        "cumulated": [list(ledger.cumulated.values()) for ledger in ledgers],
        "averages": [
            (ledger.last, (sum(ledger.parts_before) + ledger.energy) // (ledger.minutes * 60)) for ledger in ledgers
        ],
        "count": first.count,
        "locked": max(0, first.locked_until - utc),
        "stored": [
            (
                utc,
                count,
                [ledger.stored[n][2] for ledger in ledgers],
                [list(ledger.stored[n][3].values()) for ledger in ledgers],
                [list(ledger.stored[n][4].values()) for ledger in ledgers],
            )
            for n, (utc, count, *_) in list(enumerate(first.stored))[-periods:]
        ],
        "profiles": [
            [
                (each[0][0], each[0][1], [advance for _, _, advance in each])
                for each in zip(
                    *[ledger.profiles[n].entries[-(entries or 0) :] for ledger in ledgers],
                    strict=True,
                )
            ]
            for n in range(len(PROFILES))
        ],
    }


def differences(found: dict[str, Any], futures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What would have to be something else, by each of the futures."""
    return [{key: (found[key], value) for key, value in future.items() if found[key] != value} for future in futures]


def balance(life: Life, fed: list[int]) -> None:
    """Each way to add up what was fed gives it, to the last unit."""
    for n, name in enumerate(ENERGIES):
        assert life.energies.get(name) == fed[n]
        assert sum(life.rated.get(name, rate) for rate in range(1, RATES + 1)) == fed[n]
        for profile in range(len(PROFILES)):
            assert sum(values[n] for _, _, values in life.rows(profile)) == fed[n]
        totals = [0]
        for period in range(life.billing.available(), 0, -1):
            stored = life.billing.stored(period)
            assert stored is not None
            totals.append(stored.total(name))
        periods = [b - a for a, b in zip(totals, totals[1:], strict=False)]
        assert min(periods, default=0) >= 0
        assert sum(periods) + life.energies.get(name) - life.billing.begin.total(name) == fed[n]


def live(place: Place, start: tuple[int, ...], days: int, step_s: int, cuts: int, seed: int) -> Years:
    begin = seconds(*start)
    years = Years(place, begin, begin + days * DAY, step_s, cuts, seed)
    years.run()
    years.life.power_down(years.utc)
    down(years.ledgers, years.utc)
    assert shown(years.life, years.utc, None, 1000) == expected(years.ledgers, years.utc, None, 1000)
    balance(years.life, [ledger.total for ledger in years.ledgers])
    assert years.happened["cut"] >= cuts
    return years


@pytest.mark.parametrize(
    ("place", "start", "seed"),
    [
        pytest.param(BERLIN, (2028, 2, 27, 20, 0, 17), 11, id="leap day"),
        pytest.param(BERLIN, (2028, 3, 24, 1, 2, 3), 12, id="spring"),
        pytest.param(BERLIN, (2028, 10, 27, 13, 44, 0), 13, id="autumn"),
        pytest.param(TEHRAN, (2025, 3, 17, 9, 0, 1), 14, id="Nowruz after a leap year"),
    ],
)
def test_some_days_balance_to_the_last_unit(place: Place, start: tuple[int, ...], seed: int) -> None:
    years = live(place, start, 5, 300, 50, seed)
    assert years.happened["torn"] >= 10 and years.happened["torn move"] and years.happened["set"]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("place", "start", "seed"),
    [
        pytest.param(BERLIN, (2028, 1, 1, 0, 0, 0), 21, id="2028 in Berlin"),
        pytest.param(TEHRAN, (2024, 9, 1, 0, 0, 0), 22, id="1403 in Tehran"),
    ],
)
def test_a_year_of_minutes_balances_to_the_last_unit(place: Place, start: tuple[int, ...], seed: int) -> None:
    years = live(place, start, 366, 60, 200, seed)
    print(dict(years.happened), [ledger.total for ledger in years.ledgers])
    moved = sum(years.world.chip.erases.values())
    entries = [profile.ring.newest for profile in years.life.profiles]
    print(moved, "sectors moved,", entries, "entries,", years.life.billing.available(), "periods, seed", seed)
    assert years.happened["torn"] > 100 and moved > 400
