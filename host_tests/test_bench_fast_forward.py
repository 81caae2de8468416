"""Time that is passed without being calculated: the meter must take it for a minute in which it was held up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import Bench
from tools.bench.ade9000.status import EGYRDY
from tools.bench.bench import DEFAULT_START
from tools.bench.leap import GLANCE_NS, NS, leap

P_W, Q_VAR = 3 * 230 * 5 * 0.5, 3 * 230 * 5 * 3**0.5 / 2  # 230 V, 5 A, 60 degrees


def test_energy_flows_on_while_time_is_fast_forwarded() -> None:
    with Bench() as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.run(5)
        before, since = bench.totals(), bench.now
        bench.fast_forward(7200)
        bench.run(2)
        after, seconds = bench.totals(), bench.now - since
        assert seconds == pytest.approx(7202, abs=0.001)
        assert bench.rtc.utc == DEFAULT_START + 7207
        active, reactive = after["a_import"] - before["a_import"], after["r1"] - before["r1"]
        # One interval, half a second, begins and ends elsewhere than the two hours do.
        assert active / 1000 == pytest.approx(P_W * seconds, abs=P_W * 0.51)
        assert reactive / active == pytest.approx(Q_VAR / P_W, rel=2e-5)
        phases = [after[f"a_import_l{n}"] - before[f"a_import_l{n}"] for n in (1, 2, 3)]
        assert phases == pytest.approx([active / 3] * 3, rel=1e-8)  # no leap leaves a jump in the samples
        assert (bench.log, bench.mcu.restarts) == ("", 0)


@pytest.mark.parametrize(
    ("before", "after", "fraction"),  # A; s of the energy's interval after which the load changes
    [(0, 5, 0.25), (5, 0.05, 0.4), (5, 0, 0.15), (5, 0, 0.4)],
)
def test_a_leap_goes_on_with_the_load_of_after_a_change(before: float, after: float, fraction: float) -> None:
    with Bench() as bench:
        bench.source.set(u=230, i=before)
        bench.run(5 + fraction)
        total, since = bench.totals()["a_import"], bench.world.now
        bench.source.set(i=after)
        bench.fast_forward(1800, 900)
        bench.run(1)
        fed = sum(bench.source.fed(since, bench.world.now)[0])
        # An interval of 0.5 s is under way, and the chip's low pass is a quarter of a second behind.
        late = 3 * 230 * max(before, after) * 0.8
        assert (bench.totals()["a_import"] - total) / 1000 == pytest.approx(fed, abs=late)


def test_a_meter_that_starts_is_let_start() -> None:
    with Bench() as bench:
        bench.source.set(u=230, i=5)
        bench.run(5)
        bench.power_cut()
        total, since = bench.totals()["a_import"], bench.world.now
        bench.power_on()
        bench.fast_forward(3600, 900)  # in long leaps what one of them takes too early is most
        bench.run(1)
        fed = sum(bench.source.fed(since, bench.world.now)[0])
        missing = fed - (bench.totals()["a_import"] - total) / 1000
        assert 0 < missing < 4 * 230 * 3 * 5  # until it measures


def test_a_stride_that_is_none_is_refused() -> None:
    with Bench() as bench, pytest.raises(ValueError, match="stride: 0"):
        bench.fast_forward(60, stride=0)


def _interval_is_noted(bench: Bench) -> bool:
    return bool(bench.metering.core.status.bits[0] & EGYRDY)


def test_a_leap_comes_between_two_waits_of_the_firmware_whatever_it_is_doing() -> None:
    with Bench() as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.run(5)
        before, since = bench.totals(), bench.now
        # How many messages after the end of an interval, which the firmware notices and acknowledges with some of them
        for messages in range(60):
            bench.run(0.3)
            while _interval_is_noted(bench):
                bench.mcu.turn(bench.world.now + NS)
            while not _interval_is_noted(bench):
                bench.mcu.turn(bench.world.now + NS)
            for _ in range(messages):
                bench.mcu.turn(bench.world.now + NS)
            leap(bench, bench.world.now + 3600 * NS)
            bench.run(GLANCE_NS / NS)
        bench.run(2)
        seconds = bench.now - since
        assert seconds > 59 * 60
        active = bench.totals()["a_import"] - before["a_import"]
        assert active / 1000 == pytest.approx(P_W * seconds, abs=P_W * 0.51)
        assert (bench.log, bench.mcu.restarts) == ("", 0)


def test_a_meter_without_mains_stays_dark_while_time_is_fast_forwarded() -> None:
    with Bench() as bench:
        bench.source.set(u=230, i=5)
        bench.run(5)
        bench.power_cut()
        before, utc = bench.totals(), bench.rtc.utc
        bench.fast_forward(86_400)
        assert (bench.totals(), bench.rtc.utc) == (before, utc + 86_400)
        bench.power_on()
        bench.run(5)
        assert bench.totals()["a_import"] > before["a_import"]


def test_the_command_line_fast_forwards_to_a_date_and_reads_the_load_profile(tmp_path: Path) -> None:
    options = ["--seconds", "2", "--date", "2026-03-29T00:58", "--until", "2026-03-29T01:02"]
    options += ["--profile", str(tmp_path / "day.csv"), "--plot", str(tmp_path / "day.svg")]
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "headless", *options], capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert result["utc"].startswith("2026-03-29T01:02")
    seconds = result["metered_seconds"]
    assert result["energy_mWs"]["a_import"] == pytest.approx(seconds * 3 * 230 * 5 * 3**0.5 / 2 * 1000, rel=0.02)
    header, start, end = (tmp_path / "day.csv").read_text().splitlines()
    assert header.startswith("local time,status,status in words,1.29 kWh,2.29 kWh,")
    assert start.startswith("2026-03-29 00:58:00+00:00,00000040,power up,0.0,0.0,")
    assert end.startswith("2026-03-29 01:00:00+00:00,00000000,,")
    assert float(end.split(",")[3]) in (0.09, 0.1)  # 3 kW for two minutes, 0.0996 kWh
    assert "P import (1.29)" in (tmp_path / "day.svg").read_text()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--date", "yesterday"], "is no date like"),
        (["--date", "1999-12-31"], "the years 2000 to 2099"),
        (["--seconds", "abc"], "a positive number of seconds"),
        (["--until", "2025-12-31"], "past that date"),
        (["--date", "2026-03-29T01:00+02:00", "--until", "2026-03-28T23:00:30"], "past that date"),
        (["--plot", "day.doc"], "a picture ends in .png, .svg, .pdf"),
        (["--profile", "/nowhere/day.csv"], "no such folder"),
        (["--profile", "."], "is a folder"),
        (["--u", "0", "--profile", "day.csv"], "without voltage"),
        (["--seconds", "3", "--plot", "day.png"], "nothing to draw"),
    ],
)
def test_a_date_that_cannot_be_is_refused_in_words(options: list[str], reason: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "headless", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert reason in done.stderr
