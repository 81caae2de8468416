"""Virtual time: the same run gives the same bytes, the heap keeps to its budget. The clock, on and off."""

from __future__ import annotations

import datetime

from host_tests.field_service import session
from tools.bench import Bench
from tools.bench.bench import DEFAULT_START

DATA_BUDGET = 384 * 1024  # bytes on the 64-bit port, where objects are twice the size of a 32-bit target's


def scenario(seed: int) -> tuple[str, str]:
    with Bench(seed=seed) as bench:
        bench.source.set(u=230, i=5, phi=30, noise=0.001)
        bench.run(5)
        value = str(bench.read("1.8.0"))
        bench.kill()
        bench.run(1)
        bench.power_on()
        bench.run(3)
        return bench.mcu.transcript, value


def test_two_runs_with_one_seed_are_equal_byte_for_byte_and_with_another_they_are_not() -> None:
    run = scenario(1)
    assert run == scenario(1)
    assert run[0] != scenario(2)[0]


def test_the_heap_stays_within_its_budget_and_does_not_grow() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(10)
        bench.readout(6)
        early = bench.heap()
        for _ in range(3):
            bench.run(20)
            bench.readout(6)
            late = bench.heap()
        assert early["data"] > 0 and late["high_water"] < DATA_BUDGET
        assert late["data"] <= early["data"] + 1024


def test_the_clock_follows_the_rtc_chip() -> None:
    with Bench(seed=1, start=7 * 86400 + 3600 - 5) as bench:
        bench.run(10)
        before = bench.readout()
        assert before["0.9.2"].value.text == "00-01-08"
        assert before["0.9.1"].value.text.startswith("01:00:0")


DAY = 86_400
OLD_TIME, NEW_TIME, SEASON, CLOCK_INVALID = 10, 11, 9, 66  # event numbers of the product family


def off_for(bench: Bench, days: float) -> None:
    bench.power_cut()
    bench.run(days * DAY)
    bench.power_on()
    bench.run(5)


def test_a_meter_that_was_off_for_20_days_knows_the_time() -> None:
    with Bench(seed=1) as bench:
        bench.run(5)
        off_for(bench, 20)
        read = bench.readout()
        assert read["F.F"].value.text == "00000000" and read["0.9.2"].value.text == "26-01-21"
        assert CLOCK_INVALID not in [number for _, _, number, _ in bench.events()]


def test_a_meter_that_was_off_for_22_days_says_that_its_clock_is_invalid_until_it_is_set() -> None:
    with Bench(seed=1) as bench:
        bench.run(5)
        off_for(bench, 22)
        assert bench.read("F.F").value.text == "02000000"  # group AA: 02 clock invalid
        assert [number for _, _, number, _ in bench.events()].count(CLOCK_INVALID) == 1
        with session(bench) as client:
            client.write("0.9.2", "26-01-23")
            client.write("0.9.1", "12:34:56")
        bench.run(2)
        read = bench.readout()
        assert read["F.F"].value.text == "00000000"
        assert (read["0.9.2"].value.text, read["0.9.1"].value.text[:5]) == ("26-01-23", "12:35")
        events = [(number, utc) for _, utc, number, _ in bench.events()]
        events = [event for event in events if event[0] in (OLD_TIME, NEW_TIME)]
        assert [number for number, _ in events] == [OLD_TIME, NEW_TIME] * 2
        noon = datetime.datetime(2026, 1, 23, 12, 34, 56) - datetime.datetime(2000, 1, 1)
        assert events[-1][1] == noon.total_seconds()


def test_the_night_in_which_summer_begins_is_an_event_and_the_display_follows() -> None:
    begins = datetime.datetime(2026, 3, 29, 1) - datetime.datetime(2000, 1, 1)
    change = int(begins.total_seconds())
    with Bench(seed=1, start=change - 20, parameters={"time_zone": 60, "dst_enabled": 1}) as bench:
        bench.run(3)
        assert bench.read("0.9.1").value.text.startswith("01:59:")
        bench.run(30)
        assert bench.read("0.9.1").value.text.startswith("03:00:")
        assert [(utc, number) for _, utc, number, _ in bench.events() if number == SEASON] == [(change - 1, SEASON)]


def test_a_persian_meter_reads_out_persian_dates() -> None:
    assert DEFAULT_START == 26 * 365 * DAY + 7 * DAY  # 2026-01-01
    with Bench(seed=1, parameters={"time_zone": 210, "calendar": "persian"}) as bench:
        bench.run(3)
        assert bench.read("0.9.2").value.text == "04-10-11"  # 1404 Dey 11


def test_a_meter_on_mains_time_goes_with_the_mains() -> None:
    """150 s of 50.9 Hz are 152.7 s by the mains; the clock chip is kept to within a second of them."""
    with Bench(seed=1, parameters={"mains_sync": 1}) as bench:
        bench.source.set(u=230, i=5, f=50.9)
        bench.run(150)
        assert bench.now == 150 and bench.rtc.utc - DEFAULT_START in (151, 152)
