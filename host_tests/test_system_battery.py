"""Battery 1: display and readout without mains, from a press of a display button on (product data sheet)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.bench import Bench

POWER_DOWN, POWER_UP, BILLING_RESET = 23, 24, 8


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A meter that has counted, and whose supply has ended."""
    with Bench(seed=2, reserve="readout battery", parameters={"display_timeout_s": 10}) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(30)
        bench.power_cut()
        yield bench


def numbers(bench: Bench) -> list[int]:
    return [number for _, _, number, _ in bench.events()]


def test_a_press_wakes_display_and_optical_port_which_tell_what_was_counted(bench: Bench) -> None:
    before = bench.totals(), numbers(bench)
    assert not bench.supply.on and not bench.lcd.lit
    bench.press("down")
    bench.run(1)
    assert bench.supply.on and bench.lcd.lit
    readout = bench.readout()
    kwh = before[0]["a_import"] / 3.6e9
    assert float(readout["1.8.0"].value.number) == pytest.approx(kwh, abs=0.01)
    assert float(readout["1.8.0"].value.number) > 0
    assert readout["F.F"].value.text == "00000000"
    assert bench.lcd.symbols & {"L1", "L2", "L3", "+P", "error"} == set()
    assert (bench.totals(), numbers(bench)) == before
    assert bench.log == ""


def test_the_battery_is_left_alone_when_nobody_uses_the_meter(bench: Bench) -> None:
    bench.press("down")
    bench.run(8)
    assert bench.supply.on
    bench.press("down")  # the time begins anew
    bench.run(8)
    assert bench.supply.on
    bench.run(4)
    assert not bench.supply.on and not bench.lcd.lit


def test_an_outage_is_one_event_pair_whether_somebody_has_looked_or_not(bench: Bench) -> None:
    bench.press("up")
    bench.run(14)
    assert not bench.supply.on
    bench.press("up")
    bench.run(2)
    assert bench.supply.on
    before = bench.totals()["a_import"]
    bench.power_on()
    bench.run(6)
    assert numbers(bench)[-2:] == [POWER_DOWN, POWER_UP]
    assert numbers(bench).count(POWER_UP) == 1
    assert bench.read("C.7.0").value.number == 1
    assert bench.totals()["a_import"] > before
    assert bench.readout()["F.F"].value.text == "00000000"


def test_there_is_no_billing_reset_on_the_battery(bench: Bench) -> None:
    bench.press("down")
    bench.run(1)
    bench.press("reset")
    assert bench.lcd.value == "oFF"
    assert BILLING_RESET not in numbers(bench)


@pytest.mark.parametrize("reserve", ["supercap", "battery"])
def test_without_battery_1_a_press_wakes_nothing(reserve: str) -> None:
    with Bench(seed=2, reserve=reserve) as bench:
        bench.run(3)
        bench.power_cut()
        bench.press("down")
        bench.run(1)
        assert not bench.supply.on and not bench.lcd.lit
