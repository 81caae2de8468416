"""Power cuts: kills at random instants, writes torn at random bytes, orderly ends, short interruptions."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tools.bench import Bench

EP_CFG = 0x4B0
HALF_SECOND = 0.5  # the chip's energy interval, after each of which the registers are stored
LIVES = 10
SOAK_LIVES = 1000


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench(seed=5) as running:
        running.source.set(u=230, i=5, phi=45)
        yield running


def run_until_counting(bench: Bench) -> int:
    """Let a new life begin; bench ns at which the chip has begun to add up energy."""
    for _ in range(400):
        bench.run(0.01)
        if bench.metering.read(EP_CFG) & 1:
            return bench.world.now
    raise AssertionError(f"not counting 4 s after power-on; the firmware says {bench.log!r}")


class Life:
    """One life of the meter, from power-on to the cut: what it had, what it was fed."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.before = bench.totals() or {"a_import": 0, "r_import": 0}
        self.on = bench.world.now
        self.counting = run_until_counting(bench)

    def check(self) -> None:
        """To be called after the cut: never more than was fed, at most one second missing, never less than before."""
        bench, end = self.bench, self.bench.world.now
        after = bench.totals() or {"a_import": 0, "r_import": 0}
        fed = bench.source.fed(self.on, end)
        owed = bench.source.fed(self.counting, end)
        second = bench.source.fed(self.counting, self.counting + 1_000_000_000)
        for n, name in enumerate(("a_import", "r_import")):
            gained = after[name] - self.before[name]
            if end == self.counting:
                assert gained == 0
                continue
            assert 0 <= gained <= 1000 * sum(fed[n])
            assert gained >= 1000 * (sum(owed[n]) - sum(second[n])) - 1
        assert not any(after.get(name) for name in ("a_export", "r_export", "r2", "r3", "r4"))


def kill_at_random_instants(bench: Bench, lives: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(lives):
        life = Life(bench)
        bench.run(chance.uniform(0, 3))
        bench.kill()
        life.check()
        bench.power_on()


def tear_random_writes(bench: Bench, lives: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(lives):
        life = Life(bench)
        bench.run(chance.uniform(0, 1.5))
        before = bench.totals()
        bench.tear(chance.randrange(0, 260))
        for _ in range(300):
            if not bench.supply.on:
                break
            bench.run(0.01)
        assert not bench.supply.on, "nothing was written for 3 s"
        life.check()
        if before:
            assert bench.totals()["a_import"] >= before["a_import"]
        bench.run(chance.uniform(0, 2))  # the dark
        bench.power_on()


def test_a_kill_at_any_instant_never_raises_a_total_and_costs_at_most_a_second(bench: Bench) -> None:
    kill_at_random_instants(bench, LIVES, seed=11)
    assert bench.log == ""


def test_a_torn_write_never_raises_a_total_and_costs_at_most_a_second(bench: Bench) -> None:
    tear_random_writes(bench, LIVES, seed=12)
    assert bench.log == ""


@pytest.mark.soak
def test_a_thousand_kills(bench: Bench) -> None:
    kill_at_random_instants(bench, SOAK_LIVES, seed=13)


@pytest.mark.soak
def test_a_thousand_torn_writes(bench: Bench) -> None:
    tear_random_writes(bench, SOAK_LIVES, seed=14)


def test_an_orderly_end_loses_less_than_an_interval_and_is_counted(bench: Bench) -> None:
    life = Life(bench)
    bench.run(5)
    bench.mains_off()
    cut = bench.world.now
    bench.power_cut()
    # Off about 10 s after the mains; the energy is that up to the cut.
    assert bench.world.now - cut == pytest.approx(10e9, abs=0.6e9)
    gained = bench.totals()["a_import"] - life.before["a_import"]
    fed = 1000 * sum(bench.source.fed(life.counting, cut)[0])
    assert fed - 1000 * sum(bench.source.fed(cut - 500_000_000, cut)[0]) <= gained <= fed * 1.001
    bench.power_on()
    bench.run(2)
    assert bench.read("C.7.0").value.number == 1


def test_a_gap_within_the_hold_up_neither_restarts_nor_loses_the_energy_around_it(bench: Bench) -> None:
    run_until_counting(bench)
    bench.run(3)
    for gap, failures in ((0.3, 0), (3.0, 1)):
        before, lives = bench.totals(), bench.mcu.process
        start = bench.world.now
        bench.mains_off()
        bench.run(gap)
        bench.power_on()
        bench.run(5)
        assert bench.mcu.process is lives
        fed = 1000 * sum(bench.source.fed(start, bench.world.now)[0])
        interval = 1000 * sum(bench.source.truth().p) * HALF_SECOND
        assert bench.totals()["a_import"] - before["a_import"] == pytest.approx(fed, abs=1.1 * interval)
        assert bench.read("C.7.0").value.number == failures


def test_it_counts_within_four_seconds_of_power_on(bench: Bench) -> None:
    run_until_counting(bench)
    bench.run(1)
    assert bench.now <= 4 and bench.totals()["a_import"] > 0


def test_the_display_is_dark_when_the_mains_has_been_away_for_long(bench: Bench) -> None:
    bench.run(3)
    assert bench.lcd.index == "1.8.0"
    bench.mains_off()
    bench.run(0.3)
    assert bench.lcd.index == "1.8.0"
    bench.run(1)
    assert not bench.lcd.lit
    bench.power_on()
    bench.run(1)
    assert bench.lcd.index
