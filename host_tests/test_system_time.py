"""Virtual time: the same run gives the same bytes, and the heap keeps to its budget."""

from __future__ import annotations

from tools.bench import Bench

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


def test_two_runs_with_one_seed_are_equal_byte_for_byte() -> None:
    assert scenario(1) == scenario(1)


def test_another_seed_is_another_run() -> None:
    assert scenario(1)[0] != scenario(2)[0]


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
