"""A fault in one of the two paths: the meter says so within a minute and counts on with the other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from meter.events import log
from tools.bench import Bench

MEASURING_ERROR = 0x0000_0002  # F.F, group DD
FLAGGED_S = 60  # what the project promises
AWATTHR_HI, AVGAIN = 0x2E7, 0x00B


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench(seed=3) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(15)
        yield bench


def numbers(bench: Bench) -> list[int]:
    return [event[2] for event in bench.events()]


def seconds_until(bench: Bench, number: int) -> float:
    """Bench seconds until the log has an event of this number; FLAGGED_S + 1 if it does not come in time."""
    begin = bench.now
    while number not in numbers(bench) and bench.now - begin <= FLAGGED_S:
        bench.run(1)
    return bench.now - begin


def error_of_import(bench: Bench, seconds: float) -> float:
    """Relative error of +A over the next seconds."""
    begin, before = bench.world.now, bench.totals()["a_import"]
    bench.run(seconds)
    fed = sum(bench.source.fed(begin, bench.world.now)[0])
    return (bench.totals()["a_import"] - before) / 1000 / fed - 1


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"power_gain": (0, 1.05)}, "energy registers"),
        pytest.param({"power_gain": (1, 0.5)}, "energy registers", marks=pytest.mark.soak),
        ({"page_gain": ("IA", 1.05)}, "samples"),
        pytest.param({"page_gain": ("VB", 0.0)}, "samples", marks=pytest.mark.soak),
    ],
)
def test_a_fault_in_one_path_is_logged_and_the_other_one_counts(
    bench: Bench, fault: dict[str, Any], verdict: str
) -> None:
    bench.inject("metering", **fault)
    assert seconds_until(bench, log.PATHS_DISAGREE) <= FLAGGED_S
    bench.run(5)
    service = bench.readout(6)
    assert service["C.5.1"].value.text == verdict
    assert int(service["F.F"].value.text, 16) & MEASURING_ERROR
    assert abs(error_of_import(bench, 20)) < 1e-3


def test_a_stuck_energy_register_is_logged_and_the_samples_count(bench: Bench) -> None:
    bench.inject("metering", stuck={AWATTHR_HI: bench.metering.read(AWATTHR_HI)})
    assert seconds_until(bench, log.PATHS_DISAGREE) <= FLAGGED_S
    bench.run(5)
    assert abs(error_of_import(bench, 20)) < 1e-3


def test_test_leds_do_not_flash_what_the_registers_do_not_count(bench: Bench) -> None:
    """The LEDs follow the chip; while the samples' energy is booked they are dark, and light again when it is sound."""
    bench.inject("metering", power_gain=(0, 1.05))
    seconds_until(bench, log.PATHS_DISAGREE)
    bench.run(2)
    dark_from = bench.now
    bench.run(20)
    assert bench.leds.active[-1] <= dark_from and bench.leds.reactive[-1] <= dark_from
    bench.inject("metering", power_gain=(0, 1.0))
    assert seconds_until(bench, log.PATHS_AGREE) <= FLAGGED_S
    bench.run(2)
    begin = bench.now
    bench.run(20)
    flashes = [flash for flash in bench.leds.active if flash > begin]
    assert len(flashes) == pytest.approx(10_000 / 3_600_000 * bench.source.truth().p_total * 20, abs=1.01)


def test_readings_that_no_load_can_cause_are_logged_once_a_minute(bench: Bench) -> None:
    begin, before = bench.world.now, bench.totals()["a_import"]
    wrong = {AWATTHR_HI: bench.metering.read(AWATTHR_HI) ^ 1 << 30}
    bench.inject("metering", stuck=wrong)
    bench.run(0.6)
    bench.inject("metering", stuck={})
    bench.run(20)
    fed = sum(bench.source.fed(begin, bench.world.now)[0])
    assert bench.totals()["a_import"] - before == pytest.approx(1000 * fed, rel=0.03)
    assert numbers(bench) == [log.READING_REJECTED] and bench.events()[0][3] in (1, 2)
    assert not int(bench.readout(6)["F.F"].value.text, 16) & MEASURING_ERROR
    bench.inject("metering", stuck=wrong)  # for good
    bench.run(30)
    [first] = [event[3] for event in bench.events() if event[2] == log.READING_REJECTED]
    assert int(bench.readout(6)["F.F"].value.text, 16) & MEASURING_ERROR
    bench.run(40)
    _, second = [event[3] for event in bench.events() if event[2] == log.READING_REJECTED]
    assert second == first + 3  # then it is taken for a new beginning, which the audit makes something of


def test_without_waveform_pages_energy_is_counted_in_full(bench: Bench) -> None:
    before, begin = bench.totals()["a_import"], bench.world.now
    for _ in range(40):
        bench.inject("metering", lose_pages=20)
        bench.run(1)
    fed = sum(bench.source.fed(begin, bench.world.now)[0])
    assert (bench.totals()["a_import"] - before) / 1000 == pytest.approx(fed, rel=1e-3)
    assert log.PATHS_DISAGREE in numbers(bench)
    assert int(bench.readout(6)["C.15.2"].value.text) > 0


def test_a_chip_that_hands_out_no_pages_any_more_goes_on_counting(bench: Bench) -> None:
    bench.inject("metering", dead_pages=True)
    bench.run(10)  # two new starts that do not help
    restarts = int(bench.readout(6)["C.15.1"].value.text)
    assert 1 <= restarts <= 3
    # Without pages an interval is noticed up to a quarter of a second late, so one may be missing at either end.
    begin, before, missing = bench.world.now, bench.totals()["a_import"], []
    for _ in range(2):
        bench.run(20)
        fed = sum(bench.source.fed(begin, bench.world.now)[0])
        missing.append(fed - (bench.totals()["a_import"] - before) / 1000)
    assert abs(missing[0]) < 1.01 * 0.5 * bench.source.truth().p_total
    assert abs(missing[1] - missing[0]) < 1e-3 * fed
    assert log.PATHS_DISAGREE in numbers(bench)
    assert int(bench.readout(6)["C.15.1"].value.text) == restarts
    bench.inject("metering", dead_pages=False)
    bench.run(60)
    assert numbers(bench)[-1] == log.PATHS_AGREE
    assert float(bench.readout(6)["16.7.0"].value.number) == pytest.approx(2.9878, rel=1e-3)


def test_a_gain_register_that_changes_by_itself_is_written_again(bench: Bench) -> None:
    bench.metering.core.registers[AVGAIN] = 1 << 22  # 3 % more, in both paths alike
    bench.metering.core.cut()
    assert seconds_until(bench, log.SETTINGS_REPAIRED) <= FLAGGED_S
    assert bench.metering.read(AVGAIN) == 0
    bench.run(3)
    assert abs(error_of_import(bench, 20)) < 1e-4


def test_a_sound_meter_logs_nothing_whatever_the_load_does(bench: Bench) -> None:
    for step in range(40):
        bench.source.set(i=(step * 7 % 11) / 2, phi=step * 47 % 360 - 180)
        bench.run(1 + step % 5)
    assert bench.events() == []
