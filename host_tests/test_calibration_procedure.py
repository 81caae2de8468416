"""The calibration procedure on meters whose errors are known: a station of arithmetic, without firmware and bench."""

from __future__ import annotations

import cmath
import io
import json
import math
import random
from pathlib import Path

import pytest
from rich.console import Console

from meter.metrology import calibration
from meter.metrology.calibration import Calibration
from meter.metrology.networks import NETWORKS
from tools.calibrate import calibrate, procedure
from tools.calibrate.procedure import FULL, Point, points
from tools.calibrate.readings import Measured, Reference, Snapshot
from tools.calibrate.report import picture, table
from tools.calibrate.station import balanced


class MadeMeter:
    """A meter with errors as data sheets have them, and its sums, from the definitions of gain, angle and offset."""

    def __init__(self, seed: int, clock_ppm: float = 0.0, worst: bool = False) -> None:
        dice = random.Random(seed)

        def three(size: float) -> list[float]:
            return [size * (dice.choice((-1, 1)) if worst else dice.uniform(-1, 1)) for _ in range(3)]

        self.u_error, self.i_error = three(0.01), three(0.01)
        self.u_drift, self.i_drift = three(25e-6), three(25e-6)
        self.lag = [angle - 0.15 for angle in three(0.15)]  # a transformer leads
        self.crosstalk = [complex(a, b) * 1e-3 for a, b in zip(three(2), three(2), strict=True)]  # W + j var
        self.clock_ppm = clock_ppm
        self.sensor_error = dice.uniform(-3, 3)
        self.record = calibration.nominal()
        self.temperature = 23.0
        self.f = 0.0
        self.sums = Snapshot(0, 0, (0, 0, 0), (0, 0, 0), 0, (0, 0, 0), (0, 0, 0), None, 0)

    def measure(self, truth: Reference, intervals: int) -> Snapshot:
        """`intervals` of the chip later."""
        sensed = round((self.temperature + self.sensor_error) / 0.3125) * 312.5
        rate = 1 + self.clock_ppm * 1e-6
        p, q, u, i = [], [], [], []
        for n in range(3):
            constants = self.record.phases[n]
            u_right, i_right = (1 + ppb * 1e-9 for ppb in self.record.gains(n, round(sensed)))
            away = self.temperature - 25
            u_gain = (1 + self.u_error[n]) * (1 + self.u_drift[n] * away) * u_right
            i_gain = (1 + self.i_error[n]) * (1 + self.i_drift[n] * away) * i_right
            turn = math.radians(self.lag[n] - constants.phase * 1e-6)
            power = truth.power[n] * cmath.rect(u_gain * i_gain, turn)
            power += self.crosstalk[n] + complex(constants.p_offset, constants.q_offset) * 1e-6
            p.append(round(power.real * 500 * intervals))
            q.append(round(power.imag * 500 * intervals))
            u.append(round(truth.u[n] * u_gain * 1e6) * 2 * intervals)
            i.append(round(truth.i[n] * i_gain * 1e9) * 2 * intervals)
        s = self.sums
        self.sums = Snapshot(
            s.intervals + intervals,
            s.ms + 500 * intervals,
            tuple(a + b for a, b in zip(s.p, p, strict=True)),
            tuple(a + b for a, b in zip(s.q, q, strict=True)),
            s.windows + 2 * intervals,
            tuple(a + b for a, b in zip(s.u, u, strict=True)),
            tuple(a + b for a, b in zip(s.i, i, strict=True)),
            round(sensed),
            s.f + round(truth.f / rate * 1e6) * 2 * intervals,
        )
        return self.sums


class Arithmetic:
    """A station that takes no time. `points` are those it was set to, `written` what the meter got."""

    def __init__(self, meter: MadeMeter, network: str = "3P4W") -> None:
        self.meter, self.network = meter, network
        self.serial = "00000001"
        self.points: list[Point] = []
        self.written: list[Calibration] = []
        self.restarts = 0

    def now(self) -> int:
        return 820_540_800

    def apply(self, point: Point) -> Reference:
        self.points.append(point)
        self.meter.temperature = point.temperature
        self.truth = balanced(
            self.network, 230 / (math.sqrt(3) if self.network == "3P3W" else 1), 5 * point.current, point.lag, 50
        )
        return self.truth

    def readings(self, seconds: float) -> Measured:
        first = self.meter.sums
        return Measured.between(first, self.meter.measure(self.truth, round(2 * seconds)))

    def record(self) -> Calibration:
        return self.meter.record

    def write(self, record: Calibration) -> None:
        self.written.append(record)
        self.meter.record = calibration.parse(record.text())

    def restart(self) -> None:
        self.restarts += 1

    def release(self) -> None:
        pass


@pytest.mark.parametrize("network", sorted(NETWORKS))
@pytest.mark.parametrize("seed", range(4))
def test_the_errors_of_a_made_meter_are_found(network: str, seed: int) -> None:
    meter = MadeMeter(seed, clock_ppm=0.0, worst=True)
    report = calibrate(Arithmetic(meter, network))
    assert report.passed and report.rounds == 1
    for n in NETWORKS[network].elements:
        found = meter.record.phases[n]
        away = meter.record.temperature / 1000 - meter.sensor_error - 25
        u_truth = 1 / ((1 + meter.u_error[n]) * (1 + meter.u_drift[n] * away)) - 1
        i_truth = 1 / ((1 + meter.i_error[n]) * (1 + meter.i_drift[n] * away)) - 1
        assert found.u_gain == pytest.approx(u_truth * 1e9, abs=11_000)  # the sensor's half step, 25 ppm/K
        assert found.i_gain == pytest.approx(i_truth * 1e9, abs=11_000)
        assert found.phase == pytest.approx(meter.lag[n] * 1e6, abs=200)  # crosstalk, 2 mW in 1150
        assert found.u_tc == pytest.approx(-meter.u_drift[n] * 1e9, abs=400)
        assert found.i_tc == pytest.approx(-meter.i_drift[n] * 1e9, abs=400)
        wanted = -meter.crosstalk[n] * cmath.rect((1 + u_truth) * (1 + i_truth), -math.radians(meter.lag[n]))
        assert complex(found.p_offset, found.q_offset) * 1e-6 == pytest.approx(wanted, abs=1e-4)


def test_phases_that_are_no_elements_of_the_network_are_left_alone() -> None:
    meter = MadeMeter(5)
    calibrate(Arithmetic(meter, "3P3W"))
    assert meter.record.phases[1].values() == [0] * 7


@pytest.mark.parametrize("ppm", [-30.0, 30.0])
def test_a_quartz_that_is_off_is_calibrated_out_of_the_energy(ppm: float) -> None:
    """Energy by true time: what the chip sums in a true second grows with its clock."""
    meter = MadeMeter(3, clock_ppm=ppm)
    station = Arithmetic(meter)
    report = calibrate(station)
    truth = station.apply(FULL)
    mws = -meter.sums.p[0] + meter.measure(truth, 20).p[0]
    true_seconds = 10 / (1 + ppm * 1e-6)
    assert mws / 1000 / true_seconds == pytest.approx(1150, rel=2e-6)
    assert abs(report.after[0].total) < 2e-4


def test_a_calibrated_meter_that_is_calibrated_again_keeps_its_record() -> None:
    meter = MadeMeter(7)
    station = Arithmetic(meter)
    calibrate(station)
    first = meter.record
    station.written.clear()
    calibrate(station)
    flat, final = station.written
    assert procedure.is_flat(flat) and not procedure.is_flat(final)
    for one, again in zip(first.phases, final.phases, strict=True):
        for a, b, tolerance in zip(one.values(), again.values(), (4000, 4000, 200, 30, 30, 200, 200), strict=True):
            assert a == pytest.approx(b, abs=tolerance)


def test_the_record_is_written_once_and_checked_after_a_restart() -> None:
    station = Arithmetic(MadeMeter(1))
    report = calibrate(station)
    assert len(station.written) == 1 and station.restarts == 1
    assert [point.name for point in station.points] == (
        ["full", "at 53", "at -7", "lagging", "low", "zero"] + ["full", "lagging", "five_percent", "at 53"]
    )
    assert abs(report.before[0].total) > 0.01 > abs(report.after[0].total)
    assert report.drift_after is not None and abs(report.drift_after) < 1
    assert sum(point.settle + point.seconds for point in station.points) < 65


def test_without_a_chamber_the_drift_stays() -> None:
    station = Arithmetic(MadeMeter(2, worst=True))
    report = calibrate(station, temperatures=())
    assert report.passed and report.drift_after is None
    assert procedure.is_flat(station.meter.record)


def test_a_meter_beyond_repair_is_refused_and_nothing_is_written() -> None:
    meter = MadeMeter(1)
    meter.i_error[1] = -0.2  # a burden of the wrong value
    station = Arithmetic(meter)
    with pytest.raises(ValueError, match="i_gain of L2"):
        calibrate(station)
    assert station.written == []


def test_a_meter_that_measures_nothing_is_told_from_one_that_does() -> None:
    first = MadeMeter(1).sums
    with pytest.raises(ValueError, match="measured nothing"):
        Measured.between(first, first)
    with pytest.raises(ValueError, match=r"C\.60\.0"):
        Snapshot.parse("1,2,3")


def test_balanced_source_of_an_aron_meter_has_two_elements_30_degrees_apart_from_their_power() -> None:
    truth = balanced("3P3W", 230 / math.sqrt(3), 5, 0, 50)
    assert truth.u == pytest.approx((230, 0, 230))
    total = sum(truth.power)
    assert total == pytest.approx(math.sqrt(3) * 230 * 5)
    assert truth.power[0] == pytest.approx(cmath.rect(1150, math.pi / 6))
    assert truth.power[2] == pytest.approx(cmath.rect(1150, -math.pi / 6))


def test_points_without_a_chamber_are_those_of_room_temperature() -> None:
    assert {point.temperature for point in points(())} == {23.0}


def test_the_report_has_a_table_a_json_form_and_a_picture(tmp_path: Path) -> None:
    report = calibrate(Arithmetic(MadeMeter(3)))
    values = json.loads(json.dumps(report.as_dict()))
    assert values["passed"] is True and values["record"] == report.record.text()
    assert [row["point"] for row in values["after"]] == ["full", "lagging", "five_percent", "at 53"]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table(report))
    text = console.export_text()
    assert "5 % In, pf 1, 23 °C" in text and "ppm/K before" in text
    picture(report, tmp_path / "one.svg")
    picture(report, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_text().startswith("<?xml")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
