"""Days in the life of the whole meter on the bench: what is billed, and what load profile and event log tell of it."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from host_tests.field_service import session
from host_tests.iec_transcript import assert_golden
from tools.bench import Bench
from tools.bench.bench import EPOCH_2000
from tools.bench.iec_client import DataSet, IecRefused

BERLIN = {"time_zone": 60, "dst_enabled": 1, "max_baud_char": "6"}
BILLING_RESET = "C151"
HOUR = 3600


def utc(text: str) -> int:
    """Seconds since 2000 of a UTC time."""
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) - EPOCH_2000


def transcript(bench: Bench) -> str:
    """Load profile, event log and readout, as the port gives them."""
    with session(bench) as client:
        lines = [*client.read_profile("P.01"), *client.read_profile("P.98")]
    return "\n".join(lines + data_sets(bench.readout())) + "\n"


def data_sets(readout: dict[str, DataSet]) -> list[str]:
    """A readout as it is printed."""
    found = []
    for code, data_set in readout.items():
        values = [value.text + (f"*{value.unit}" if value.unit else "") for value in data_set.values]
        found.append(f"{code}({')('.join(values)})")
    return found


def advances(lines: list[str], column: int) -> list[Decimal]:
    """A channel's advances in all rows of a P.01 readout."""
    rows = [line for line in lines if line.startswith("(")]
    return [Decimal(line.strip("()").split(")(")[column]) for line in rows]


def headers(lines: list[str]) -> list[tuple[str, str]]:
    """Time and status word of each header of a P.01 readout."""
    return [(line[5:18], line[20:28]) for line in lines if line.startswith("P.01(")]


def test_a_day_with_a_short_night_a_power_cut_a_set_clock_and_a_reset(update_golden: bool) -> None:
    with Bench(seed=1, start=utc("2026-03-28T22:50"), parameters=BERLIN) as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.fast_forward(4 * HOUR)  # over 02:00 standard time, where the clocks go forward
        bench.source.set(i=2, phi=-30)
        bench.fast_forward(5 * HOUR)
        bench.power_cut()
        bench.fast_forward(HOUR)  # dark
        bench.power_on()
        bench.run(5)
        bench.source.set(i=3, phi=150)  # export
        bench.fast_forward(4 * HOUR)
        with session(bench) as client:
            hour, minute, second = (int(part) for part in client.read("0.9.1").split(":"))
            client.write("0.9.1", f"{hour:02d}:{minute + 2:02d}:{second:02d}")  # two minutes forward
        bench.fast_forward(2 * HOUR)
        with session(bench) as client:
            client.execute(BILLING_RESET)
            with pytest.raises(IecRefused):
                client.execute(BILLING_RESET)  # locked out
        bench.source.set(i=8, phi=0)
        bench.fast_forward(7 * HOUR)
        assert (bench.log, bench.mcu.restarts) == ("", 0)
        with session(bench) as client:
            lines = client.read_profile("P.01")
        shown = bench.readout()
        for column, code in enumerate(("1.8.0", "2.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0")):
            now = shown[code].value.number
            last_quarter = Decimal("1.50")  # of which no more than 15 minutes at 8 A are still to come
            assert 0 <= now - sum(advances(lines, column)) <= last_quarter, code
            assert sum(shown[f"{code[:3]}.{rate}"].value.number for rate in (1, 2, 3, 4)) == now, code
        assert_golden("billing_day.txt", transcript(bench), update_golden)


def test_the_hour_that_comes_twice_in_autumn_is_there_twice() -> None:
    with Bench(seed=1, start=utc("2026-10-24T23:40"), parameters=BERLIN) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.fast_forward(3 * HOUR)
        with session(bench) as client:
            lines = client.read_profile("P.01", "2610250200", "2610250400")
            events = client.read_profile("P.98")
    assert headers(lines) == [("1261025020000", "00000008"), ("0261025020000", "00000000")]
    assert len(advances(lines, 0)) == 4 + 7  # 02:00 to 02:45, and 02:00 again to 03:30
    assert all(advance in (Decimal("0.86"), Decimal("0.87")) for advance in advances(lines, 0))
    assert any("(9)" in line for line in events)
