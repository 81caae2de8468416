"""A made meter is calibrated through its optical port, and what becomes of a meter whose record is damaged."""

from __future__ import annotations

import pytest

from meter.metrology import calibration
from meter.storage import layout
from tools.bench import Bench
from tools.bench.iec_client import IecRefused
from tools.calibrate import calibrate
from tools.calibrate.station import BenchStation

CALIBRATION_ERROR = 0x0000_4000  # F.F, group CC, bit 40


def errors(bench: Bench) -> int:
    return int(bench.read("F.F").value.text, 16)


def damage(bench: Bench, *slots: int) -> None:
    """Flip bits in the payload of these copies of the record."""
    for slot in slots:
        address = layout.CALIBRATION.address + slot * layout.CALIBRATION.size // 2 + 20
        bench.fram.poke(address, bytes(byte ^ 0x55 for byte in bench.fram.peek(address, 4)))


def counted(bench: Bench, seconds: float = 10) -> float:
    """kWs of active energy in so many seconds, from the totals in the memory."""
    before = bench.totals().get("a_import", 0)
    bench.run(seconds)
    return (bench.totals().get("a_import", 0) - before) / 1e6


def test_a_made_meter_is_wrong_before_and_right_after() -> None:
    with BenchStation(specimen=7) as station:
        report = calibrate(station)
        assert report.passed and report.rounds == 1
        assert max(abs(row.total) for row in report.before) > 0.1
        assert report.drift_before is not None and abs(report.drift_before) > 3
        bench = station.bench
        assert errors(bench) == 0 and bench.log == ""
        bench.temperature = 23
        bench.source.set(u=230, i=5, phi=60)
        bench.run(5)
        truth, flashes = bench.source.truth(), len(bench.leds.active)
        energy = counted(bench, 60)
        assert 1000 * energy / 60 == pytest.approx(truth.p_total, rel=2e-4)
        led = bench.leds.active[flashes:]
        rate = (len(led) - 1) / (led[-1] - led[0])
        assert rate * 3600 / 10_000 * 1000 == pytest.approx(truth.p_total, rel=2e-4)
        measured = 1000 * float(bench.readout(6)["16.7.0"].value.number)
        assert measured == pytest.approx(truth.p_total, rel=2e-4)


@pytest.mark.parametrize("slot", [0, 1])
def test_one_damaged_copy_is_reported_once_and_nothing_is_lost(slot: int) -> None:
    with Bench(seed=1) as bench:
        damage(bench, slot)
        bench.source.set(u=230, i=5, phi=0)
        bench.run(3)
        assert counted(bench) == pytest.approx(34.5, rel=1e-3)
        assert errors(bench) == CALIBRATION_ERROR
        bench.kill()
        bench.power_on()
        bench.run(3)
        assert errors(bench) == 0


def test_without_a_calibration_the_meter_measures_but_neither_counts_nor_flashes() -> None:
    with Bench(seed=1) as bench:
        damage(bench, 0, 1)
        bench.source.set(u=230, i=5, phi=60)
        bench.run(3)
        assert counted(bench) == 0
        assert not bench.leds.active and not bench.leds.reactive
        assert errors(bench) == CALIBRATION_ERROR and bench.lcd.index == "F.F"
        assert float(bench.readout(6)["32.7.0"].value.number) == pytest.approx(230, abs=0.02)


def test_a_meter_counts_as_soon_as_it_is_calibrated() -> None:
    with BenchStation(specimen=None) as station:
        bench = station.bench
        bench.kill()
        damage(bench, 0, 1)
        bench.power_on()
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        assert counted(bench) == 0
        station.write(calibration.nominal())
        bench.run(2)
        assert counted(bench) == pytest.approx(34.5, rel=1e-3)
        assert len(bench.leds.active) > 0
        assert station.record().count == 1


def test_a_record_is_refused_with_the_seal_closed_and_when_no_sound_meter_could_need_it() -> None:
    with BenchStation(specimen=None) as station:
        before = station.record().text()
        station.bench.seal_open = False
        with pytest.raises(IecRefused):
            station.write(calibration.nominal())
        station.bench.seal_open = True
        mad = calibration.nominal()
        mad.phases[1].u_gain = 60_000_000
        with pytest.raises(IecRefused):
            station.write(mad)
        assert station.record().text() == before
        station.write(calibration.nominal())
        assert station.record().count == 1
