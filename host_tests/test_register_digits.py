"""Digits and decimals of registers, and registers by rate that begin at each billing reset."""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from typing import Any

import micropython_names
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests import whole_tariffs
from host_tests.billed_meter import KWH, BilledMeter
from host_tests.model_sources import Sources, make_model
from host_tests.tariff_bench import Life, PowerCut, World
from host_tests.tariff_cases import TEN
from meter.cosem import obis
from meter.parameters import LEVEL, RANGE, ParameterRefused
from meter.tariff.billing import BUTTON, ENTRY_SIZE
from meter.tariff.rated_registers import keep_advances

CR, AR = "ZMG405CR4.260b.43", "ZMG410AR1.000b.00"
BILLING = bytes(obis.parse("0-0:98.1.0"))
PREFIXES = {"k": 3, "M": 6, "G": 9, "T": 12}


def with_total(mws: int, **values: Any) -> Any:
    sources = Sources()
    sources.energies._totals[0] = mws
    return make_model(CR, values, sources)


def billed(**values: Any) -> Any:
    return BilledMeter(make_model, Sources(), CR, values)


def shown(meter: Any, code: str) -> str:
    text: str = meter.model.find(code).text()
    return text


# --- digits and decimals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "decimals", "text"),
    [
        (8, 2, "(001234.56*kWh)"),  # facts page 7, list 1
        (8, 3, "(01234.567*kWh)"),
        (8, 0, "(00001234*kWh)"),  # list 3
        (8, 1, "(0001234.5*kWh)"),  # list 2
        (7, 2, "(01234.56*kWh)"),
        (6, 1, "(01234.5*kWh)"),
        (5, 0, "(01234*kWh)"),
        # 3 x 230 V, 10 A make 27 600 kWh in 4000 h: for more decimals there are not digits enough
        (8, 4, "(01234.567*kWh)"),
        (7, 4, "(01234.56*kWh)"),
        (5, 4, "(01234*kWh)"),
    ],
)
def test_totals_have_the_digits_and_decimals_they_are_given(digits: int, decimals: int, text: str) -> None:
    mws = 1_234_567_899 * KWH // 10**6
    model = with_total(mws, energy_digits=digits, energy_decimals=decimals)
    assert model.find("1.8.0").data_set() == "1.8.0" + text
    assert len(model.find("1.8.1").text()) == len("000000.00*kWh")  # those by rate have their own


@pytest.mark.parametrize("digits", [5, 6, 7, 8])
def test_a_register_rolls_over_at_all_nines_to_zero(digits: int) -> None:
    nines = (10**digits - 1) * KWH
    values = {"energy_digits": digits, "energy_decimals": 0}
    assert with_total(nines + KWH - 1, **values).find("1.8.0").text() == "9" * digits + "*kWh"
    assert with_total(nines + KWH, **values).find("1.8.0").text() == "0" * digits + "*kWh"
    assert with_total(nines + 2 * KWH, **values).find("1.8.0").get(2) == 1


@pytest.mark.parametrize(
    ("digits", "decimals", "text"), [(6, 3, "001.234"), (5, 2, "001.23"), (4, 2, "01.23"), (8, 1, "0000001.2")]
)
def test_demand_has_the_digits_and_decimals_it_is_given(digits: int, decimals: int, text: str) -> None:
    """Facts page 1.6: demand is printed as NNN.NN."""
    meter = billed(demand_digits=digits, demand_decimals=decimals)
    meter.quarter(1, a_import=KWH * 1_234_999 // 4_000_000)
    for code in ("1.5.0", "1.6.1", "1.6.0"):
        assert shown(meter, code).startswith(text + "*kW")
    assert meter.model.find("1.6.1").get(3) == (3 - decimals, 27)
    meter.reset()
    assert shown(meter, "1.6.1*01").startswith(text + "*kW")
    assert len(shown(meter, "1.2.1").rstrip("*kW").replace(".", "")) == 8


KINDS = {"1.8.0": "energy", "1.8.1": "rated", "1.6.1": "demand", "3.8.0": "energy", "10.8.0": "energy"}


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(5, 8), st.integers(0, 4)),
    st.tuples(st.integers(5, 8), st.integers(0, 4)),
    st.tuples(st.integers(4, 8), st.integers(0, 3)),
    st.sampled_from(["running", "period"]),
    st.sampled_from([(1, 1), (500, 5), (77, 5), (20_000, 3), (1, 10)]),
    st.integers(0, 10**6 * KWH),
)
def test_value_scaler_and_unit_agree_whoever_reads(
    energy: tuple, rated: tuple, demand: tuple, mode: str, ratio: tuple, mws: int
) -> None:
    """The printed value, value x 10**scaler of LN and of SN, and the column of a profile are one number, and it is the
    true one, cut off at the last digit and rolled over at the first."""
    values: dict[str, Any] = {"rated_registers": mode, "registration": "primary"}
    for kind, (digits, decimals) in (("energy", energy), ("rated", rated), ("demand", demand)):
        values |= {kind + "_digits": digits, kind + "_decimals": decimals}
    values |= {"ct_numerator": ratio[0], "ct_denominator": ratio[1], "profile_1_channels": "=a_import"}
    meter = billed(**values)
    meter.quarter(1, a_import=mws)
    model = meter.model
    for code, kind in KINDS.items():
        found = model.find(code)
        value, scaler = found.get(2), found.get(3)[0]
        number, prefix = re.fullmatch(r"([\d.]+)\*([kMGT])\w+(?:\)\(.*)?", found.text()).groups()  # type: ignore[union-attr]
        assert Fraction(number) * 10 ** PREFIXES[prefix] == value * Fraction(10) ** scaler
        digits, decimals = values[kind + "_digits"], values[kind + "_decimals"]
        if kind != "demand":
            assert len(number.replace(".", "")) == digits
        assert len(number.partition(".")[2]) <= max(decimals, 2)  # beyond k a prefix brings its own
        assert scaler >= 3 - decimals
        by_short_name, attribute, _ = model.by_short_name(model.base_name(found) + 8)
        assert attribute == 2 and by_short_name.get(2) == value and by_short_name.get(3) == found.get(3)
    found, wh = model.find("1.8.0"), Fraction(meter.total("a_import"), 3_600_000) * Fraction(*ratio)
    assert found.get(2) == int(wh / Fraction(10) ** found.get(3)[0]) % 10 ** energy[0]
    assert list(model.load_store(0).rows([(2, 2)], [2]))[0][1] == [found.get(2)]


@pytest.mark.parametrize("kind", ["energy", "rated", "demand"])
@pytest.mark.parametrize(("name", "value"), [("digits", 9), ("digits", 3), ("decimals", 5), ("decimals", -1)])
def test_impossible_digits_are_refused_and_nothing_changes(kind: str, name: str, value: int) -> None:
    """No combination of those that are left has as many decimals as digits."""
    parameters = make_model().parameters
    before = parameters.get(f"{kind}_{name}")
    with pytest.raises(ParameterRefused, match=RANGE):
        parameters.set(f"{kind}_{name}", value, 4)
    with pytest.raises(ParameterRefused, match=LEVEL):
        parameters.set(f"{kind}_{name}", before, 3)
    assert parameters.get(f"{kind}_{name}") == before and not parameters.restart_due


# --- registers of the billing period --------------------------------------------------------------------------------


def test_a_period_s_registers_print_as_those_of_the_product_family() -> None:
    """Facts page 7, list 1: `1.8.1(0000.125*kWh)` counts since the reset, `1.8.1*19` is the closed period's advance.

    The 4 + 3 digits hold a month of 31 days at 3 x 230 V and 10 A (5134 kWh), but not 4000 h: running registers of
    seven digits have two decimals.
    """
    values = {"rated_digits": 7, "rated_decimals": 3}
    meter, running = billed(rated_registers="period", **values), billed(**values)
    for each in (meter, running):
        each.quarter(1, a_import=997 * KWH // 1000)
        each.reset()
        each.quarter(1, a_import=125 * KWH // 1000)
    assert shown(meter, "1.8.1") == "0000.125*kWh" and shown(meter, "1.8.1*01") == "0000.997*kWh"
    assert shown(running, "1.8.1") == "00001.12*kWh" and shown(running, "1.8.1*01") == "00000.99*kWh"
    assert shown(meter, "1.8.0") == shown(running, "1.8.0") == "000002.12*kWh"  # totals always run
    profile = meter.model.get(7, BILLING)
    place = [obis.short(column[1]) for column in profile.get(3)].index("1.8.1")
    assert [list(row)[place][1] for _, row in profile.get(2)] == [997]  # Wh


quarters = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, KWH // 50) | st.integers(0, 20 * KWH), st.booleans()),
    min_size=3,
    max_size=9,
)


@settings(max_examples=40, deadline=None)
@given(
    quarters,
    st.integers(0, 4),
    st.sampled_from([(1, 1), (500, 5), (77, 5), (997, 991), (1_000, 3)]),
)
def test_periods_add_up_to_the_running_register_to_the_last_digit(story: Any, decimals: int, ratio: tuple) -> None:
    values: dict[str, Any] = {"rated_decimals": decimals, "registration": "primary", "rates": 2, "reset_lockout_min": 0}
    values |= {"ct_numerator": ratio[0], "ct_denominator": ratio[1], "rated_quantities": "a_import"}
    # One form for both, which the running ones would lose: 58 V and 1 A need few digits
    values |= {"nominal_voltage": 58, "nominal_current_ma": 1_000}
    meter, running = billed(rated_registers="period", **values), billed(**values)
    scaler = max(each.model.find("1.8.1").get(3)[0] for each in (meter, running))
    assert meter.model.find("1.8.1").get(3)[0] <= scaler
    resets = 0
    for rate, amount, is_last in story:
        meter.quarter(rate, a_import=amount)
        running.quarter(rate, a_import=amount)
        if is_last:
            meter.reset()
            resets += 1
    for rate in (1, 2):
        own = meter.model.find(f"1.8.{rate}")
        periods = [meter.model.find(f"1.8.{rate}*{n:02d}").get(2) for n in range(1, resets + 1)]
        wh = Fraction(meter.at_rate("a_import", rate), 3_600_000) * Fraction(*ratio)
        assert sum(periods) + own.get(2) == int(wh / Fraction(10) ** own.get(3)[0])
        if own.get(3) == running.model.find(f"1.8.{rate}").get(3):
            assert sum(periods) + own.get(2) == running.model.find(f"1.8.{rate}").get(2)


@given(
    st.lists(st.tuples(st.integers(0, 2**54), st.integers(0, 2**45)), min_size=1, max_size=24),
    st.integers(1, 10**6),
    st.integers(10**6, 10**13),
)
def test_a_kept_advance_shows_the_difference_of_what_both_show(pairs: Any, numerator: int, denominator: int) -> None:
    numbers = [*range(0x01, 0x01 + len(pairs)), *[0] * (24 - len(pairs))]
    empty = [0] * (24 - len(pairs))
    begun = struct.pack("<24B24Q", *numbers, *[before for before, _ in pairs], *empty)
    now = bytearray(struct.pack("<24B24Q", *numbers, *[before + gained for before, gained in pairs], *empty))
    keep_advances(now, 0, begun, 0, (numerator, denominator))
    found = struct.unpack("<24B24Q", now)
    assert list(found[:24]) == numbers
    for (before, gained), kept in zip(pairs, found[24:], strict=False):
        expected = (before + gained) * numerator // denominator - before * numerator // denominator
        assert kept * numerator // denominator == expected


UNIT = (1, 36_000_000)  # 10 Wh of mWs


class Period(Life):
    """A meter whose registers by rate are those of the billing period."""

    def power_up(self, utc: int) -> None:
        self.billing.rated_unit = UNIT
        super().power_up(utc)

    def gained(self) -> int:
        before: int = self.billing.begin.rated("a_import", 1) or 0
        return self.rated.get("a_import", 1) // UNIT[1] - before // UNIT[1]


def kept(life: Life, n: int) -> int:
    """What a register by rate shows of the stored period `n`, 1 is the newest."""
    found = life.billing.stored(n)
    assert found
    return (found.rated("a_import", 1) or 0) // UNIT[1]


def shares(life: Period) -> list[int]:
    """What the running period and the stored ones have, the newest first."""
    return [life.gained()] + [kept(life, n) for n in range(1, life.billing.count + 1)]


def test_no_power_cut_takes_from_a_period_or_gives_it_twice() -> None:
    """A cut in each write of a reset: the energy is in the running period until the reset is made, then in the stored
    one, never in both."""
    left = 0
    while True:
        world = World()
        life = Period(world, TEN)
        life.book(TEN + 300, 100 * UNIT[1] + 7)
        life.engine.reset(BUTTON, TEN + 301)
        life.book(TEN + 600, 50 * UNIT[1] - 8)  # with the 7 just short of 50 steps
        world.supply.left = left
        try:
            life.engine.reset(BUTTON, TEN + 4000)
            break
        except PowerCut:
            pass
        assert shares(Period(world, TEN + 4100)) == [49, 100]  # what is short of 150 is not lost: see below
        left += 1
    world.supply.left = -1
    life = Period(world, TEN + 4100)
    assert left > 4 and shares(life) == [0, 49, 100]
    life.book(TEN + 4200, 1)
    assert shares(life) == [1, 49, 100]


def test_the_billing_part_as_it_ships_stores_what_the_parameter_says() -> None:
    """Two periods of 1.239 and 1.239 kWh with steps of 10 Wh: 1.23 and 1.24, which are the running register's 2.47."""
    for mode, expected in (("period", [1.24, 1.23]), ("running", [2.47, 1.23])):
        world = whole_tariffs.World(rated_registers=mode, reset_lockout_min=0)
        try:
            life = whole_tariffs.Life(world, TEN)
            for n in (1, 2):
                life.book(TEN + 900 * n, a_import=1_239 * KWH // 1000, s_import=2 * KWH)
                assert life.engine.reset(BUTTON, TEN + 900 * n)
            life = whole_tariffs.Life(world, TEN + 2000)
            stored = [life.billing.stored(n) for n in (1, 2)]
            assert [entry and int((entry.rated("a_import", 1) or 0) * 100 / KWH) / 100 for entry in stored] == expected
            assert [entry and entry.power_factor()[0] for entry in stored] == [620, 620]  # 0.6195
        finally:
            micropython_names.follow(None)


def test_values_that_older_firmware_stored_are_still_shown_as_they_were() -> None:
    """Format 1 of an entry, which this one was laid out after; the running period goes on from its beginning."""
    world = World()
    life = Life(world, TEN)
    life.book(TEN + 900, 300 * UNIT[1])
    life.engine.reset(BUTTON, TEN + 901)
    life.book(TEN + 1800, 30 * UNIT[1])
    ring = world.kept["resets"]
    utc, entry = ring[0]
    assert len(entry) == ENTRY_SIZE == 970 and entry[0] == 2
    ring[0] = utc, b"\x01" + entry[1:]
    life = Period(world, TEN + 2000)
    found = life.billing.stored(1)
    assert found and found.rated("a_import", 1) == 300 * UNIT[1] and found.total("a_import") == 300 * UNIT[1]
    assert found.power_factor() == (None, None, None)
    assert found.maximum("a_import", 1) == (300 * UNIT[1] // 900, TEN + 900)
    assert life.gained() == 30
    life.engine.reset(BUTTON, TEN + 9000)
    assert shares(life) == [0, 30, 300]


def test_a_register_that_is_new_or_was_cleared_gains_from_zero() -> None:
    world = World(rated_quantities="a_export")
    life = Period(world, TEN)
    life.book(TEN + 300, 10 * UNIT[1])
    world.settings.rated_quantities = "a_import,a_export"
    life = Period(world, TEN + 400)
    life.book(TEN + 600, 3 * UNIT[1])
    assert life.gained() == 3
    life.engine.reset(BUTTON, TEN + 700)
    life.rated._values = [0] * 24
    life.billing.forget_rated()
    life.book(TEN + 800, 2 * UNIT[1])
    assert shares(life) == [2, 3]


# --- stored periods by their distance -------------------------------------------------------------------------------


def test_value_group_f_from_101_on_counts_back_from_the_last_period() -> None:
    """IEC 62056-61: F = 101 is the last billing period, 102 the one before, up to 125."""
    meter = billed()
    for n in range(1, 4):
        meter.quarter(1, a_import=n * KWH)
        meter.reset()
    for f, count in ((101, 3), (102, 2), (103, 1)):
        for code in ("1.8.0", "1.8.1", "1.6.1", "0.1.2"):
            name = bytes(obis.parse(f"{code}*{f}"))
            found = meter.model.find(f"{code}*{f}")
            assert found.logical_name == name and found.index == f"{code}*{f}"
            assert found.text() == meter.model.find(f"{code}*{count:02d}").text()
            assert meter.model.get(found.class_id, name).get(2) == found.get(2)
    for f in (100, 104, 125, 126, 200):
        with pytest.raises(KeyError):
            meter.model.find(f"1.8.0*{f}")
