"""A live meter whose time goes faster: energies, clock, ports and network must be as if it did not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host_tests.live_meter import OPTICAL, live_meter, over_line, over_tcp, until
from tools.bench import Bench
from tools.bench.real_time import FASTEST, LAST_UTC

P_W = 3 * 230 * 5 * 0.5  # 230 V, 5 A, 60 degrees


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with live_meter() as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.run(2)
        yield bench


def energy_of(bench: Bench, seconds: float) -> tuple[float, float]:
    """Ws that the meter counts in some bench time, and how many s it was."""
    with bench.hold:
        before, since = bench.totals()["a_import"], bench.now
    bench.run(seconds)
    with bench.hold:
        return (bench.totals()["a_import"] - before) / 1000, bench.now - since


@pytest.mark.parametrize("speed", [10, 600])
def test_energy_and_clock_follow_bench_time_at_any_speed(bench: Bench, speed: float) -> None:
    try:
        bench.real_time.speed = speed
        bench.run(2)
        utc, since = bench.rtc.utc, bench.now
        active, seconds = energy_of(bench, 10 if speed == 10 else 1800)
        # One interval, half a second, begins and ends elsewhere; while it leaps, one leap does.
        assert active == pytest.approx(P_W * seconds, abs=P_W * (0.6 if speed == 10 else 60))
        with bench.hold:
            assert bench.rtc.utc - utc == pytest.approx(bench.now - since, abs=1)
        assert (bench.log, bench.mcu.restarts) == ("", 0)
    finally:
        bench.real_time.speed = 1


def test_clients_on_the_network_and_on_a_line_read_a_meter_that_is_ten_times_as_fast(bench: Bench) -> None:
    try:
        bench.real_time.speed = 10
        bench.run(2)  # whole windows of samples, after the leaps of the test before
        with over_tcp(bench) as client:
            assert client.read("32.7.0") == 230.0
        with over_line(bench, port=OPTICAL, mode_e=True) as client:
            assert client.read("32.7.0") == 230.0
    finally:
        bench.real_time.speed = 1
    with over_tcp(bench) as client:
        assert client.read("32.7.0") == 230.0


def test_a_jump_goes_to_the_date_and_counts_what_flows_meanwhile(bench: Bench) -> None:
    try:
        bench.real_time.speed = 10  # what is counted is not late then, on a busy machine
        bench.run(2)
        with bench.hold:
            before, since, goal = bench.totals()["a_import"], bench.now, bench.rtc.utc + 1800
            bench.real_time.jump(goal)
        until(lambda: bench.real_time.goal is None, 60)
        assert bench.real_time.speed == 10
        bench.run(1)
        with bench.hold:
            seconds = bench.now - since
            assert goal <= bench.rtc.utc <= goal + seconds - 1800 + 1
            active = (bench.totals()["a_import"] - before) / 1000
        assert active == pytest.approx(P_W * seconds, abs=P_W * 0.6), bench.events()[-5:]
    finally:
        bench.real_time.speed = 1


def test_a_jump_that_is_ended_stays_where_it_is(bench: Bench) -> None:
    with bench.hold:
        goal = bench.rtc.utc + 30 * 86_400
        bench.real_time.jump(goal)
    bench.run(300)
    bench.real_time.end_jump()
    assert bench.real_time.goal is None
    assert bench.rtc.utc < goal - 86_400
    with over_tcp(bench) as client:
        until(lambda: client.read("32.7.0") == 230.0)  # a busy machine may hold the meter up and cost it its values


def test_a_load_that_changes_between_leaps_counts_from_its_change(bench: Bench) -> None:
    try:
        bench.real_time.speed = 600
        bench.run(600)
        bench.source.set(i=0)
        bench.run(120)
        active, _seconds = energy_of(bench, 900)
        assert active == 0
    finally:
        bench.source.set(i=5)
        bench.real_time.speed = 1


def test_a_meter_that_starts_while_time_is_fast_keeps_its_network(bench: Bench) -> None:
    try:
        bench.real_time.speed = 10
        bench.power_cut()
        assert not bench.supply.on
        bench.power_on()
        bench.run(5)
    finally:
        bench.real_time.speed = 1
    until(lambda: bench.lcd.value, 20)
    with over_tcp(bench) as client:
        assert client.read("32.7.0") == 230.0


@pytest.mark.parametrize("speed", [0, 0.5, FASTEST + 1, float("nan")])
def test_speeds_that_are_none_are_refused(bench: Bench, speed: float) -> None:
    with pytest.raises(ValueError, match=r"outside 1\.\.3600"):
        bench.real_time.speed = speed
    assert bench.real_time.speed == 1


def test_a_jump_into_the_past_or_past_the_clock_is_refused(bench: Bench) -> None:
    for utc in (bench.rtc.utc, LAST_UTC + 1):
        with pytest.raises(ValueError, match="forward only"):
            bench.real_time.jump(utc)
    assert bench.real_time.goal is None


def test_a_bench_in_virtual_time_has_no_speed() -> None:
    with pytest.raises(ValueError, match="virtual time"):
        _ = Bench().real_time
