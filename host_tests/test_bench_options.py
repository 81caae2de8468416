"""What a bench is told before its meter starts: network, made meter, stored parameters, calibration, surroundings."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from boards.virtual import wiring
from meter.calibration_store import CalibrationStore
from meter.metrology.calibration import nominal
from meter.parameters import Parameters
from tools.bench import Bench
from tools.bench.__main__ import _parser
from tools.bench.ade9000.tolerances import draw
from tools.mpycross import ROOT


class Memory:
    """The bench's FRAM as the firmware's stores see it."""

    def __init__(self, bench: Bench) -> None:
        self._fram = bench.fram

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self._fram.peek(address, len(buf))

    def write(self, address: int, buf: Any) -> None:
        self._fram.poke(address, bytes(buf))


def stored(bench: Bench) -> Parameters:
    parameters = Parameters(Memory(bench))
    parameters.load()
    assert not parameters.checksum_error and not parameters.replaced
    return parameters


def level(bench: Bench, pin: int) -> int:
    return bench.mcu.gpio.levels >> pin & 1


@pytest.mark.parametrize(("network", "nominal_voltage"), [("1P2W", 230), ("2P3W", 230), ("3P3W", 400)])
def test_a_meter_is_set_up_for_the_network_it_is_connected_to(network: str, nominal_voltage: int) -> None:
    bench = Bench(network=network)
    assert bench.source.network == bench.network == network
    assert stored(bench).network == network
    assert stored(bench).nominal_voltage == nominal_voltage


def test_parameters_are_stored_before_the_first_start_and_have_the_last_word() -> None:
    bench = Bench(network="3P3W", parameters={"nominal_voltage": 100, "nominal_current_ma": 1000})
    parameters = stored(bench)
    assert (parameters.nominal_voltage, parameters.nominal_current_ma, parameters.network) == (100, 1000, "3P3W")
    assert stored(Bench()).nominal_voltage == 230


def test_an_unknown_network_or_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="network"):
        Bench(network="5P")
    with pytest.raises(Exception, match="no_such"):
        Bench(parameters={"no_such": 1})


def test_a_meter_leaves_the_factory_calibrated_unless_told_otherwise() -> None:
    def calibration(bench: Bench) -> CalibrationStore:
        store = CalibrationStore(Memory(bench))
        store.load()
        return store

    assert calibration(Bench()).valid
    assert not calibration(Bench(calibration=None)).valid
    record = nominal()
    record.phases[1].i_gain = 1_234_567
    assert calibration(Bench(calibration=record)).calibration.phases[1].i_gain == 1_234_567


def test_a_made_meter_has_its_number_s_errors_whatever_the_seed() -> None:
    for seed in (1, 2):
        analog = Bench(seed=seed, specimen=4).metering.core.dsp.analog
        assert analog.errors == draw(4).errors
        assert analog.clock_ppm == draw(4).clock_ppm
    assert not Bench().metering.core.dsp.analog.errors


def test_temperature_reaches_the_chips_and_has_limits() -> None:
    bench = Bench()
    assert bench.temperature == 25
    bench.temperature = -20
    assert (bench.temperature, bench.metering.temperature, bench.rtc.temperature) == (-20, -20, -20)
    for wrong in (-41.0, 86.0, float("nan")):
        with pytest.raises(ValueError, match="outside -40..85"):
            bench.temperature = wrong
    assert bench.temperature == -20


def test_the_seal_is_a_pin_that_is_high_when_broken() -> None:
    bench = Bench()
    assert (bench.seal_open, level(bench, wiring.SEAL)) == (False, 0)
    bench.seal_open = True
    assert (bench.seal_open, level(bench, wiring.SEAL)) == (True, 1)
    bench.seal_open = False
    assert (bench.seal_open, level(bench, wiring.SEAL)) == (False, 0)


def test_voltage_on_a_control_input_pulls_its_pin_down() -> None:
    bench = Bench()
    pins = wiring.CONTROL_INPUTS
    assert (bench.inputs, [level(bench, pin) for pin in pins]) == ((False,) * 4, [1, 1, 1, 1])
    bench.inputs = (False, True, True)
    assert (bench.inputs, [level(bench, pin) for pin in pins]) == ((False, True, True, False), [1, 0, 0, 1])
    bench.inputs = ()
    assert [level(bench, pin) for pin in pins] == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="has 4"):
        bench.inputs = (True,) * 5


@pytest.mark.parametrize(
    ("network", "u", "fed"),
    [
        ("3P4W", (0, 0, 45), True),
        ("1P2W", (0, 45, 45), False),
        ("2P3W", (0, 45, 0), True),
        ("2P3W", (0, 0, 230), False),
        ("3P3W", (24, 24, 0), True),  # 41.6 V between L1 and L2
        ("3P3W", (20, 20, 20), False),
    ],
)
def test_the_supply_is_fed_by_the_voltages_the_meter_is_connected_to(network: str, u: Any, fed: bool) -> None:
    bench = Bench(network=network)
    bench.source.set(u=u)
    assert bench.supply.mains == fed


def test_command_line_has_the_options_with_their_defaults() -> None:
    plain = _parser().parse_args(["run"])
    assert (plain.network, plain.specimen, plain.temperature) == ("3P4W", None, 25.0)
    told = _parser().parse_args("headless --network 3P3W --specimen 7 --temperature -10".split())
    assert (told.network, told.specimen, told.temperature) == ("3P3W", 7, -10.0)


def test_headless_run_of_a_made_meter_says_what_it_was() -> None:
    options = "--seconds 3 --network 2P3W --specimen 2 --temperature 40".split()
    command = [sys.executable, "-m", "tools.bench", "headless", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["network"], result["specimen"], result["temperature"]) == ("2P3W", 2, 40.0)
    assert result["energy_mWs"]["a_import"] > 0
