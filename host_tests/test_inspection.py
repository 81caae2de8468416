"""The test mode: finer registers, what the LEDs show, and its end; on a whole meter, with the LEDs counted."""

from __future__ import annotations

from typing import Any

import pytest

from host_tests.hdlc_bench import HdlcClient
from host_tests.model_sources import KWH, Sources, make_model
from meter.inspection import Inspection
from tools.bench import Bench

ON, LED = (bytes((0, 0, 10, 0, e, 255)) for e in (101, 104))


class Time:
    seconds = 5

    def __init__(self) -> None:
        self.shown: list[bool] = []
        self.mode = Inspection(lambda: self.seconds, self.shown.append)


def test_it_ends_by_script_or_after_a_day_of_operation() -> None:
    time = Time()
    mode = time.mode
    assert not mode.on
    mode.begin(1)
    time.seconds += 86_399
    mode.update()
    assert mode.on
    time.seconds += 1
    mode.update()
    assert not mode.on and time.shown == [False]
    mode.begin(1)
    time.seconds += 80_000
    mode.begin(1)  # another day
    time.seconds += 80_000
    mode.update()
    assert mode.on
    mode.end(1)
    assert not mode.on


def test_a_counter_that_ran_over_ends_it() -> None:
    time = Time()
    time.seconds = 99_999_999
    time.mode.begin(1)
    time.seconds = 3
    time.mode.update()
    assert not time.mode.on


def test_led_1_shows_reactive_energy_in_test_mode_only() -> None:
    time = Time()
    with pytest.raises(ValueError, match="no test mode"):
        time.mode.light(2)
    time.mode.light(1)
    time.mode.begin(1)
    time.mode.light(2)
    assert time.shown == [False, True]
    time.mode.end(1)
    assert time.shown == [False, True, False]


@pytest.mark.parametrize("script", [0, 2, 3, -1])
def test_there_are_no_other_scripts(script: int) -> None:
    mode = Time().mode
    for run in (mode.begin, mode.end):
        with pytest.raises(ValueError, match="no such script"):
            run(script)
    mode.begin(1)
    if script != 2:
        with pytest.raises(ValueError, match="no such script"):
            mode.light(script)


def test_registers_have_three_more_decimals_and_roll_over_by_their_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = Sources()
    sources.energies._totals[0] = 123_456 * KWH + 78_912_345 * KWH // 10**8 + 1
    model = make_model(sources=sources)
    register = model.find("1.8.0")
    plain = register.get(2), register.get(3)
    assert register.data_set() == "1.8.0(123456.78*kWh)"
    monkeypatch.setattr(sources.test_mode, "on", True)
    assert register.data_set() == "1.8.0(456.78912*kWh)"
    assert (register.get(2), register.get(3)) == plain


def test_the_primary_side_is_finer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = Sources()
    sources.energies._totals[0] = KWH // 8
    values = {"registration": "primary", "ct_numerator": 500, "ct_denominator": 5}
    register = make_model(values=values, sources=sources).find("1.8.0")
    before = register.formatted()[0]
    monkeypatch.setattr(sources.test_mode, "on", True)
    digits = before.partition(".")[2]
    assert float(before) == 12.5 and register.formatted()[0].partition(".")[2] == digits + "000"


def flashes(bench: Bench, seconds: float) -> tuple[int, int]:
    before = len(bench.leds.active), len(bench.leds.reactive)
    bench.run(seconds)
    return len(bench.leds.active) - before[0], len(bench.leds.reactive) - before[1]


@pytest.mark.parametrize(
    ("values", "constants"),
    [
        ({}, (10_000, 10_000)),
        ({"led_constant": 20_000, "led_constant_reactive": 5_000}, (20_000, 5_000)),
        ({"led_2": "active", "led_constant": 4_000, "led_constant_reactive": 5_000}, (4_000, 4_000)),
    ],
)
def test_each_led_has_its_constant(values: dict[str, Any], constants: tuple[int, int]) -> None:
    """3 x 230 V x 5 A at 36.87 degrees: 2.76 kW and 2.07 kvar."""
    with Bench(parameters=values) as bench:
        bench.source.set(u=230, i=5, phi=36.8699)
        bench.run(4)
        power = 2.76, 2.76 if values.get("led_2") == "active" else 2.07
        expected = [kilo * constant * 10 / 3600 for kilo, constant in zip(power, constants, strict=True)]
        assert flashes(bench, 10) == tuple(pytest.approx(n, abs=1.1) for n in expected)
        bench.source.set(i=0)
        bench.run(2)
        assert flashes(bench, 3) == (0, 0)  # below the start-up lock they are off


def test_test_mode_by_dlms_shows_decimals_and_swaps_the_led_until_power_is_lost() -> None:
    with Bench(parameters={"led_constant": 20_000, "led_constant_reactive": 5_000}) as bench:
        bench.source.set(u=230, i=5, phi=36.8699)
        bench.run(4)
        client = HdlcClient(bench, 0, 48)
        client.connect(password=b"00000000")
        for name, script in ((LED, 1), (ON, 1), (LED, 2)):
            answer = client.ask(b"\xc3\x01\xc1\x00\x09" + name + b"\x01\x01\x12" + bytes((0, script)))
            assert answer[:4] == b"\xc7\x01\xc1\x00"
        client.close()
        bench.run(1.5)
        assert flashes(bench, 10) == (pytest.approx(28.75, abs=1.1), pytest.approx(28.75, abs=1.1))
        assert len(bench.readout()["1.8.0"].values[0].text.partition(".")[2]) == 5
        bench.kill()
        bench.power_on()
        bench.run(4)
        assert flashes(bench, 10) == (pytest.approx(153.3, abs=1.5), pytest.approx(28.75, abs=1.1))
        assert len(bench.readout()["1.8.0"].values[0].text.partition(".")[2]) == 2
