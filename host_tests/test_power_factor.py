"""Power factors of billing periods and of periods of demand, against energies as fractions."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.billed_meter import KWH, QUARTER, START, BilledMeter
from host_tests.model_sources import Increment, Sources, make_model
from host_tests.tariff_bench import NOTHING, Life, PowerCut, World
from host_tests.tariff_cases import TEN
from meter.cosem import obis
from meter.metrology.energies import NAMES
from meter.tariff.billing import BUTTON
from meter.tariff.power_factor import PowerFactor, mean, packed, unpacked

CR, AR = "ZMG405CR4.260b.43", "ZMG410AR1.000b.00"


def billed(designation: str = CR, **values: Any) -> Any:
    return BilledMeter(make_model, Sources(), designation, values)


def text(meter: Any, code: str) -> str:
    found: str = meter.model.find(code).text()
    return found


@given(st.integers(0, 2**50), st.integers(1, 2**50))
def test_a_mean_is_rounded_to_thousandths_and_never_above_one(active: int, apparent: int) -> None:
    exact = Fraction(active, apparent)
    found = mean(active, apparent)
    assert found is not None
    assert found == 1000 if exact >= 1 else abs(Fraction(found, 1000) - exact) <= Fraction(1, 2000)


def test_the_billing_period_s_mean_is_weighted_by_energy() -> None:
    """10 kWh at 0.5 and 1 kWh at 1.0 make 11 / 21, not 0.75."""
    meter = billed()
    assert [text(meter, code) for code in ("13.0.0", "13.5.0")] == ["", ""] and meter.model.find("13.0.0").get(
        2
    ) is None
    assert text(meter, "13.3.0") == ")(00-00-00 00:00"
    meter.quarter(1, a_import=10 * KWH, s_import=20 * KWH)
    meter.quarter(1, a_import=KWH, s_import=KWH)
    assert text(meter, "13.0.0") == "0.524" and text(meter, "13.5.0") == "1.000"
    assert text(meter, "13.3.0") == "0.500)(26-11-22 16:45"
    meter.quarter(1)  # without energy there is no power factor, and it is not the smallest
    assert text(meter, "13.5.0") == "" and text(meter, "13.3.0") == "0.500)(26-11-22 16:45"


def test_a_reset_stores_mean_and_smallest_and_begins_anew() -> None:
    meter = billed()
    meter.quarter(1, a_import=3 * KWH, s_import=4 * KWH)
    meter.quarter(1, a_import=KWH, s_import=2 * KWH)
    meter.reset()
    assert text(meter, "13.0.0") == "" and text(meter, "13.3.0") == ")(00-00-00 00:00"
    assert text(meter, "13.5.0") == "0.500"  # of the last period of demand, whenever that was
    meter.quarter(1, a_import=9 * KWH, s_import=10 * KWH)
    assert [text(meter, code) for code in ("13.0.0", "13.0.0*01", "13.0.0*101")] == ["0.900", "0.667", "0.667"]
    assert text(meter, "13.3.0*01") == "0.500)(26-11-22 17:00" and text(meter, "13.3.0") == "0.900)(26-11-22 17:15"
    with pytest.raises(KeyError):
        meter.model.find("13.5.0*01")


def test_classes_scaler_and_unit_are_those_of_the_standards() -> None:
    """IEC 62056-61: C = 13, D = 0 billing period average, 5 last average, 3 minimum; units: 255 none."""
    meter = billed()
    meter.quarter(1, a_import=KWH, s_import=2 * KWH)
    for d, class_id in ((0, 3), (5, 3), (3, 4)):
        found = meter.model.get(class_id, bytes((1, 1, 13, d, 0, 255)))
        assert (found.get(2), found.get(3), found.read_level(2)) == (500, (-3, 255), 0)
        by_name, attribute, _ = meter.model.by_short_name(meter.model.base_name(found) + 8)
        assert by_name.logical_name == found.logical_name and attribute == 2
    assert meter.model.find("13.3.0").get(5)[5:8] == bytes((16, 45, 0))
    assert meter.model.find("13.7.0").get(2) == -866  # of the moment, as before


def test_a_meter_of_active_energy_has_none() -> None:
    meter = billed(AR)
    assert not [found for found in meter.model.objects() if obis.short(found.logical_name).startswith("13.")]
    meter.quarter(1, a_import=KWH, s_import=KWH)
    meter.reset()
    for code in ("13.0.0", "13.3.0", "13.5.0", "13.0.0*01"):
        with pytest.raises(KeyError):
            meter.model.find(code)
    assert not [line for line in meter.model.readout(6) if line.startswith("13.")]


periods = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), min_size=1, max_size=12)


@given(periods, st.integers(1, 4), st.integers(0, 12))
def test_sliding_means_are_over_the_last_sub_periods_in_this_life_and_the_next(
    booked: Any, subperiods: int, restart: int
) -> None:
    totals = {"a_import": 5, "s_import": 11}
    energies = SimpleNamespace(get=totals.__getitem__)
    part = PowerFactor(energies, subperiods)
    part.begin()
    least: tuple = (None, None)
    for n, (active, apparent) in enumerate(booked):
        if n == restart:
            stored = part.pack()
            part = PowerFactor(energies, subperiods)
            part.unpack(stored)
        totals["a_import"] += active
        totals["s_import"] += apparent
        part.close(1000 + n)
        span = booked[max(0, n + 1 - subperiods) : n + 1]
        expected = mean(sum(a for a, _ in span), sum(s for _, s in span))
        if expected is not None and (least[0] is None or expected < least[0]):
            least = expected, 1000 + n
        assert (part.last, part.least, part.least_utc) == (expected, *least)
    assert unpacked(packed(expected, *least)) == (expected, *least)


class Older(Life):
    """Firmware that keeps no power factor."""

    has_power_factor = False


def book(life: Life, utc: int, active: int, apparent: int) -> None:
    amounts = {"a_import": active, "s_import": apparent}
    life.energies.add(Increment([[amounts.get(name, 0) for name in NAMES], NOTHING, NOTHING, NOTHING]))
    life.save(utc)
    life.engine.tick(utc)


def test_words_of_a_period_leave_cumulated_maxima_alone() -> None:
    """They share octets: 15 periods of 65.535 kW, as large as what stands beside."""
    meter = billed()
    for n in range(15):
        meter.sources.clock.now = START + n * 4 * QUARTER
        meter.quarter(1, a_import=KWH * 65_535 // 4_000, s_import=KWH * 65_535 // 4_000)
        meter.reset()
    for n in range(1, 16):
        assert meter.model.find(f"1.2.1*{n:02d}").get(2) == (n - 1) * 65_535
        assert text(meter, f"13.0.0*{n:02d}") == "1.000"


def stored_factors(life: Life) -> tuple:
    """Mean, smallest and its time of the last billing period."""
    found = life.billing.stored(1)
    assert found
    return found.power_factor()


def test_a_record_of_older_firmware_lacks_the_power_factor_and_nothing_else() -> None:
    world = World()
    older = Older(world, TEN)
    book(older, TEN + 100, 900_000, 900_000)
    older.engine.reset(BUTTON, TEN + 101)
    book(older, TEN + 200, 1_800_000, 3_600_000)
    life = Life(world, TEN + 300)
    assert life.demand.begun == older.demand.begun and not life.engine.damaged
    assert life.billing.power_factor() == 500 and stored_factors(life) == (None, None, None)
    part = life.demand.power_factor
    assert part is not None
    for end, active in ((900, 900_000), (1800, 450_000)):
        book(life, TEN + end, active, 900_000)
        assert part.last == (None if end == 900 else 500)  # it was not there when the first period began
    life.engine.reset(BUTTON, TEN + 9000)
    assert stored_factors(life) == (583, 500, TEN + 1800)  # 3.15 MWs through 5.4 MVAs
    assert Older(world, TEN + 9100).billing.count == 2  # and back


def test_a_power_cut_leaves_the_period_s_power_factor_as_it_was() -> None:
    """Whatever write of the end of a period is cut, the next life comes to the same."""
    left, outcomes = 0, 0
    while True:
        world = World()
        life = Life(world, TEN)
        book(life, TEN + 900, 900_000, 1_000_000)
        life.energies.add(Increment([[500_000] * len(NAMES), NOTHING, NOTHING, NOTHING]))
        book(life, TEN + 1799, 0, 500_000)
        world.supply.left = left
        try:
            life.engine.tick(TEN + 1800)
            break
        except PowerCut:
            outcomes += 1
        part = Life(world, TEN + 1801).demand.power_factor
        assert part is not None and (part.last, part.least, part.least_utc) == (500, 500, TEN + 1800)
        left += 1
    assert outcomes > 4
