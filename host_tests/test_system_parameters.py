"""Parameters changed through the port: each change is logged, and what needs a new start gets one after the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host_tests.field_service import session
from meter.events import log
from meter.parameters import TABLE
from tools.bench import Bench
from tools.bench.iec_client import IecRefused

NUMBER = {row[1]: row[0] for row in TABLE}
MEASURING_S = 4  # from a new start to counting, as after a power failure


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench(seed=5) as bench:
        bench.seal_open = True
        bench.source.set(u=230, i=5, phi=(0, 0, 180))
        bench.run(10)
        yield bench


def code(name: str) -> str:
    return f"C.61.{NUMBER[name]}"


def changes(bench: Bench) -> list[int]:
    return [detail for _, _, number, detail in bench.events() if number == log.PARAMETER_CHANGED]


def test_every_change_is_logged_and_one_that_holds_at_once_starts_nothing_anew(bench: Bench) -> None:
    with session(bench) as client:
        client.write(code("reaction_ms"), "300")
        client.write(code("p1_password"), "12345678")
        client.write(code("reaction_ms"), "300")  # no change
        with pytest.raises(IecRefused):
            client.write(code("reaction_ms"), "5")
    bench.run(5)
    assert changes(bench) == [NUMBER["reaction_ms"], NUMBER["p1_password"]]
    assert bench.mcu.restarts == 0


def test_a_change_of_the_summation_holds_after_the_session_and_costs_no_counted_energy(bench: Bench) -> None:
    """Two phases import, one exports: 1150 W as a vector, 3450 W absolute."""
    before, begin = bench.totals()["a_import"], bench.world.now
    with session(bench) as client:
        client.write(code("summation"), "absolute")
        bench.run(5)
        assert client.read(code("summation")) == "absolute" and bench.mcu.restarts == 0
    ended = bench.world.now
    while bench.mcu.restarts == 0 and bench.world.now - ended < 3e9:
        bench.run(0.05)
    restarted = bench.world.now
    assert bench.mcu.restarts == 1
    kept = bench.totals()["a_import"] - before
    net = 1150e3 * (restarted - begin) / 1e9
    assert net - 1.1 * 1150e3 / 2 <= kept <= net + 1150e3 / 2  # all but what the chip had not latched yet
    bench.run(MEASURING_S)
    counted, begin = bench.totals()["a_import"], bench.world.now
    assert counted >= kept + before
    bench.run(20)
    assert (bench.totals()["a_import"] - counted) / 20 == pytest.approx(3450e3, rel=0.03)
    assert changes(bench) == [NUMBER["summation"]] and bench.mcu.restarts == 1 and bench.log == ""
    assert int(bench.read("F.F").value.text, 16) == 0


def test_a_change_that_is_taken_back_needs_no_new_start(bench: Bench) -> None:
    with session(bench) as client:
        client.write(code("display_seconds"), "9")
        client.write(code("display_seconds"), "8")
    bench.run(5)
    assert changes(bench) == [NUMBER["display_seconds"]] * 2 and bench.mcu.restarts == 0


def test_no_new_start_while_mains_is_away_or_the_session_goes_on(bench: Bench) -> None:
    with session(bench) as client:
        client.write(code("nominal_hz"), "60")
        bench.run(20)
        bench.mains_off()
        bench.run(2)
    bench.run(3)
    assert bench.mcu.restarts == 0
    bench.power_on()
    bench.run(3)
    assert bench.mcu.restarts == 1


def test_a_nominal_voltage_that_the_network_does_not_have_is_refused(bench: Bench) -> None:
    with session(bench) as client:
        with pytest.raises(IecRefused):
            client.write(code("nominal_voltage"), "400")
        client.write(code("network"), "3P3W")
        client.write(code("nominal_voltage"), "400")
    bench.run(8)
    assert bench.read("0.6.0").value.text.endswith("400")


def test_nothing_is_saved_over_parameters_that_could_not_be_read_at_start() -> None:
    with Bench(seed=1, parameters={"ct_numerator": 500}) as bench:
        bench.inject("fram", stuck_miso=0xFF)
        bench.source.set(u=230, i=5)
        bench.seal_open = True
        bench.run(5)
        image = bytes(bench.fram.image)
        with session(bench) as client, pytest.raises(IecRefused):
            client.write(code("reaction_ms"), "300")
        assert bytes(bench.fram.image) == image
        bench.inject("fram", stuck_miso=None)
        bench.run(6)
        with session(bench) as client:
            assert client.read(code("ct_numerator")) == "500"
            client.write(code("reaction_ms"), "300")
