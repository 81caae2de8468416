"""Temperature compensation step by step, and the sums a laboratory reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meter.metrology.calibration import Calibration, PhaseCalibration
from meter.metrology.compensation import Compensation
from meter.metrology.readings import Readings

ANALOG = {"u_full_scale_uV": 707_813_886, "i_full_scale_nA": 11_785_113_020}
AIGAIN, AVGAIN, BVGAIN = 0x000, 0x00B, 0x02B


def drifting() -> Compensation:
    """L1: voltage to be raised 20 ppm/K, current lowered 10 ppm/K, from 23 degC on; L2, L3 steady."""
    steady = PhaseCalibration()
    drift = PhaseCalibration((0, 0, 0, 0, 0, 20_000, -10_000))
    return Compensation(Calibration((drift, steady, steady), temperature=23_000))


def gain(register: int) -> float:
    return (register - (1 << 32) if register >> 31 else register) / 2**27


def test_a_chip_that_starts_gets_the_gains_of_the_reference_temperature_until_one_is_measured() -> None:
    compensation = drifting()
    assert set(compensation.registers(ANALOG, 50).values()) == {0}
    news = compensation.update(43_000)
    assert set(news) == {AVGAIN, AIGAIN}
    assert gain(news[AVGAIN]) == pytest.approx(20 * 20e-6, abs=1e-8)
    assert gain(news[AIGAIN]) == pytest.approx(-20 * 10e-6, abs=1e-8)
    assert gain(compensation.registers(ANALOG, 50)[AVGAIN]) == pytest.approx(20 * 20e-6, abs=1e-8)


def test_a_steady_temperature_costs_no_writes() -> None:
    compensation = drifting()
    compensation.registers(ANALOG, 50)
    compensation.update(30_000)
    sensor_steps = [30_000, 30_312, 29_688, 30_000] * 50
    assert [compensation.update(reading) for reading in sensor_steps] == [{}] * 200


def test_gains_follow_a_slow_change_within_a_few_ppm_in_small_steps() -> None:
    compensation = drifting()
    written = dict(compensation.registers(ANALOG, 50))
    temperature, writes = 23_000.0, 0
    compensation.update(23_000)
    for _ in range(3600):  # 30 K in an hour, a reading a second
        temperature += 30_000 / 3600
        news = compensation.update(round(temperature / 312.5) * 312)
        writes += len(news)
        written.update(news)
        wanted = (temperature - 23_000) / 1000 * 20e-6
        assert gain(written[AVGAIN]) == pytest.approx(wanted, abs=16e-6)  # behind by a minute: 0.5 K, 10 ppm
    assert gain(written[AVGAIN]) == pytest.approx(30 * 20e-6, abs=16e-6)
    assert 0 < writes < 1000 and gain(written[BVGAIN]) == 0


def test_a_large_step_is_believed_at_the_second_reading_and_a_single_wild_one_never() -> None:
    compensation = drifting()
    compensation.registers(ANALOG, 50)
    compensation.update(23_000)
    assert compensation.update(60_000) == {} and compensation.update(23_000) == {}
    assert compensation.update(60_000) == {} and compensation.temperature == 23_000
    news = compensation.update(60_300)
    assert gain(news[AVGAIN]) == pytest.approx(37.3 * 20e-6, abs=1e-8)


@pytest.mark.parametrize("nonsense", [-200_000, 400_000])
def test_a_broken_sensor_changes_nothing(nonsense: int) -> None:
    compensation = drifting()
    compensation.registers(ANALOG, 50)
    assert [compensation.update(nonsense) for _ in range(3)] == [{}] * 3
    assert compensation.temperature is None


def test_a_new_calibration_is_in_force_with_its_registers() -> None:
    compensation = drifting()
    compensation.update(33_000)
    steady = PhaseCalibration((1_000_000, 0, 0, 0, 0, 0, 0))
    compensation.calibration = Calibration((steady, steady, steady))
    registers = compensation.registers(ANALOG, 50)
    assert gain(registers[AVGAIN]) == gain(registers[BVGAIN]) == pytest.approx(0.001, abs=1e-8)
    assert compensation.update(33_000) == {}


# --- readings ---------------------------------------------------------------------------------------------------------


def increment(p: tuple[int, int, int], q: tuple[int, int, int]) -> Any:
    return SimpleNamespace(p=list(p), q=list(q))


def values(u: Any, i: Any, f: float | None = 50.0) -> Any:
    def phase(quantity: str, n: int) -> float | None:
        return {"u": u, "i": i}[quantity][n]

    return SimpleNamespace(phase=phase, total=lambda quantity: {"f": f}[quantity])


def test_readings_are_sums_in_the_documented_order() -> None:
    readings = Readings()
    assert readings.text() == "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,,0"
    for _ in range(3):
        readings.interval(increment((575_000, -1, 10), (7, 0, -20)), 500)
    for _ in range(2):
        readings.window(values((230.000_001, None, 229.5), (5.0, 0.25, 1e-9), 50.001))
    readings.window(values((230.0, 230.0, 230.0), (5.0, 5.0, 5.0), None))  # windows by the clock are left out
    readings.temperature = -12_345
    assert readings.text() == (
        "3,1500,1725000,-3,30,21,0,-60,2,460000002,0,459000000,10000000000,500000000,2,-12345,100002000"
    )


@pytest.mark.parametrize(
    "elapsed",
    [
        [500] * 20,
        [503, 496, 501, 499] * 5,  # the reading task's jitter
        [800, 200] + [500] * 18,  # a reading 300 ms late, the next on time
        [1740, 260] + [500] * 16,  # four intervals in two readings
        [510] * 10 + [490] * 10,
    ],
)
def test_intervals_are_the_chips_whenever_they_are_read(elapsed: list[int]) -> None:
    readings = Readings()
    for ms in elapsed:
        readings.interval(increment((0, 0, 0), (0, 0, 0)), ms)
    assert readings.text().split(",")[:2] == ["20", "10000"]


def test_two_quartzes_that_differ_never_make_an_interval_too_many() -> None:
    readings = Readings()
    for n in range(40_000):  # 100 ppm apart: half an interval after 2500 s
        readings.interval(increment((0, 0, 0), (0, 0, 0)), 500 + (n % 20 == 0))
    assert readings.text().startswith("40000,")
