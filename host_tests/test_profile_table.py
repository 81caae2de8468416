"""A load profile by two protocols that know nothing of each other's forms: the same table, and the load's own power."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from host_tests.live_meter import PASSWORD, live_meter, lls, over_tcp
from host_tests.test_system_billing import BERLIN, HOUR, session, utc
from tools.bench import Bench
from tools.bench.profile import read_profile
from tools.meter.__main__ import main
from tools.meter.profile_plot import draw, happenings, intervals, save, series_of
from tools.meter.profile_table import Column, Table, from_printed, read, words, write_csv

P_KW, Q_KVAR = 3 * 230 * 5 * 0.5 / 1000, 3 * 230 * 5 * math.sqrt(0.75) / 1000  # 230 V, 5 A, 60 degrees
START = "2026-03-28T23:50"  # UTC; summer time begins at 01:00
PROFILE = "1-0:99.1.0"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Table, Table, Bench]]:
    """(printed by P.01, by DLMS, the live meter) of one night's profile."""
    with Bench(seed=2, start=utc(START), parameters=BERLIN) as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.fast_forward(1.5 * HOUR)
        bench.power_cut()
        bench.fast_forward(0.5 * HOUR)
        bench.power_on()
        bench.run(5)
        bench.fast_forward(0.5 * HOUR)
        with session(bench) as client:
            hour, minute, second = (int(part) for part in client.read("0.9.1").split(":"))
            client.write("0.9.1", f"{hour:02d}:{minute + 4:02d}:{second:02d}")
            client.execute("C151")
        bench.fast_forward(0.5 * HOUR)
        printed = read_profile(bench)
        bench.kill()
        image, now = bench.fram.image, bench.rtc.utc
    with live_meter(image, start=now, parameters=BERLIN) as live, over_tcp(live, lls(1)) as meter:
        table = read(meter, PROFILE)
        yield printed, table, live


def test_both_protocols_give_the_same_table(both: tuple[Table, Table, Bench]) -> None:
    printed, table, _ = both
    assert [c.code for c in table.columns[:3]] == ["0-0:1.0.0", "0-0:96.10.1", "1-1:1.29.0"]
    assert [c.unit for c in table.columns[2:]] == ["Wh"] * 2 + ["varh"] * 4
    assert [c.unit for c in printed.columns[2:]] == ["kWh"] * 2 + ["kvarh"] * 4
    assert len(printed.rows) >= 12 and len(table.rows) >= len(printed.rows)  # a live meter has begun another interval
    for ours, theirs in zip(printed.rows, table.rows, strict=False):
        assert (ours[0], ours[1]) == (theirs[0], theirs[1] & 0xFF)
        assert ours[2:] == pytest.approx([value / 1000 for value in theirs[2:]], abs=0.0051)


def test_times_are_local_and_rise_over_the_begin_of_summer(both: tuple[Table, Table, Bench]) -> None:
    for table in both[:2]:
        times = [row[0] for row in table.rows]
        assert times[0] == datetime(2026, 3, 28, 23, 50, tzinfo=timezone.utc)
        assert times[0].utcoffset() == timedelta(hours=1) and times[-1].utcoffset() == timedelta(hours=2)
        assert times == sorted(times)
        summer = datetime(2026, 3, 29, 1, 0, tzinfo=timezone.utc)
        assert all((time >= summer) == (time.utcoffset() == timedelta(hours=2)) for time in times)


def test_mean_power_is_the_loads_whatever_the_interval_was(both: tuple[Table, Table, Bench]) -> None:
    """By DLMS 10 Wh are the last digit: 0.6 kW in a minute, 0.04 kW in a quarter of an hour."""
    for table in both[:2]:
        found = {series.label.partition(" (")[0]: series for series in series_of(table)}
        for name, unit, expected in (("P import", "kW", P_KW), ("Q, quadrant I", "kvar", Q_KVAR)):
            series = found[name]
            steps = [step for step in series.steps if step[0] < datetime(2026, 3, 29, 2, 45, tzinfo=timezone.utc)]
            assert series.unit == unit and len(steps) >= 9
            for begin, end, value in steps:
                digit = 0.01 / ((end - begin) / timedelta(hours=1))
                assert value == pytest.approx(expected, abs=1.1 * digit + 0.02), (name, begin, end)
        assert not any(value for _, _, value in found["P export"].steps)


def test_the_dark_the_set_clock_and_the_reset_are_marked(both: tuple[Table, Table, Bench]) -> None:
    for table in both[:2]:
        dark, marks = happenings(table)
        assert 1 <= len(dark) <= 2  # the live meter's own start is one more
        assert dark[0][1] - dark[0][0] == pytest.approx(timedelta(seconds=1800), abs=timedelta(seconds=20))
        old, new = marks["clock set"][:2]
        assert new - old == timedelta(minutes=4)
        assert marks["billing reset"] and not marks["registers cleared"]
        measured = [(before[0], row[0]) for before, row in intervals(table)]
        assert dark[0] not in measured and (old, new) not in measured


def test_the_command_writes_csv_and_a_picture_of_the_time_asked_for(
    both: tuple[Table, Table, Bench], tmp_path: Path
) -> None:
    bench = both[2]
    files = tmp_path / "day.csv", tmp_path / "day.png"
    login = ("--tcp", f"localhost:{bench.tcp_port}", "--level", "1", "--password", PASSWORD)
    span = ("--from", "2026-03-29T00:00", "--to", "2026-03-29T02:30+01:00")
    assert main([*login, "profile", PROFILE, *span, "--csv", str(files[0]), "--plot", str(files[1])]) == 0
    header, *rows = list(csv.reader(files[0].open()))
    assert header[:4] == ["local time", "status", "status in words", "1-1:1.29.0 Wh"]
    assert rows[0][:3] == ["2026-03-29 01:00:00+01:00", "00800000", ""] and float(rows[0][3]) in (280, 290)
    assert rows[-2][:2] == ["2026-03-29 03:15:00+02:00", "00800008"]
    assert rows[-1][1] == "00100088" and "2026-03-29 03:20" <= rows[-1][0] < "2026-03-29 03:21"  # the power goes
    assert files[1].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# --- without a meter ------------------------------------------------------------------------------------------------

PRINTED = [
    "P.01(1260701120000)(00000008)(15)(2)(1.29)(kWh)(2.29)(kWh)",
    "(001.00)(000.00)",
    "(002.00)(000.50)",
    "P.01(0261025020000)(00000000)(15)(2)(1.29)(kWh)(2.29)(kWh)",
    "(001.00)(-)",
]


def test_printed_years_are_those_of_the_clock_chip_in_either_calendar() -> None:
    def first(date: str, persian: bool) -> datetime:
        when = from_printed([f"P.01(0{date}000000)(00000000)(15)(1)(1.29)(kWh)", "(1)"], 0, 0, persian).rows[0][0]
        assert isinstance(when, datetime)
        return when.replace(tzinfo=None)

    assert (first("991231", False), first("700101", False)) == (datetime(2099, 12, 31), datetime(2070, 1, 1))
    # Persian leap day and Nowruz: facts of the official calendar
    assert (first("031230", True), first("040101", True)) == (datetime(2025, 3, 20), datetime(2025, 3, 21))
    assert first("781011", True) == datetime(2000, 1, 1)


def test_printed_lines_become_rows_with_their_own_times() -> None:
    table = from_printed(PRINTED, 60, 60)
    summer, winter = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
    assert table.rows == [
        [datetime(2026, 7, 1, 12, 0, tzinfo=summer), 8, 1.0, 0.0],
        [datetime(2026, 7, 1, 12, 15, tzinfo=summer), 8, 2.0, 0.5],
        [datetime(2026, 10, 25, 2, 0, tzinfo=winter), 0, 1.0, None],
    ]
    assert from_printed(["P.01()"], 60, 60).rows == []
    for bad in (["(1)"], ["P.01(12)"], ["ERR04"]):
        with pytest.raises(ValueError, match="no line of a profile"):
            from_printed(bad, 0, 0)


def test_export_is_drawn_below_zero() -> None:
    steps = {series.label: series.steps for series in series_of(from_printed(PRINTED[:3], 60, 60))}
    assert [value for *_, value in steps["P import (1.29)"]] == [8.0]  # 2 kWh in a quarter of an hour
    assert [value for *_, value in steps["P export (2.29)"]] == [-2.0]


def test_registers_average_powers_and_voltages_are_drawn_too() -> None:
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    columns = [
        Column("time", "0-0:1.0.0"),
        Column("status", "0-0:96.10.1"),
        Column("value", "1-1:1.8.0", "kWh"),
        Column("value", "1-1:1.5.0", "W"),
        Column("value", "1-1:32.7.0", "V"),
    ]
    rows = [[begin + timedelta(minutes=15 * n), 0x800000, 100 + n, 4000, 230 + n] for n in range(3)]
    found = series_of(Table(columns, rows))
    assert [(series.unit, [value for *_, value in series.steps]) for series in found] == [
        ("kW", [4, 4]),
        ("kW", [4, 4]),
        ("V", [231, 232]),
    ]
    assert len(draw(Table(columns, rows), "three").axes) == 2  # a panel for each unit


def test_the_same_table_is_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        save(from_printed(PRINTED, 60, 60), "twice", tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without times"):
        series_of(Table([Column("value", "1.8.0", "kWh")], [[1.0]]))
    with pytest.raises(ValueError, match="nothing to draw"):
        series_of(from_printed(PRINTED[:2], 60, 60))
    with pytest.raises(ValueError, match="xyz"):
        save(from_printed(PRINTED, 60, 60), "", tmp_path / "day.xyz")


def test_a_status_is_told_in_words_and_a_damaged_row_stays_empty() -> None:
    assert words(0x00800008) == "daylight saving" and words(0x00800000) == ""
    assert words(0x001080A2) == "clock invalid, clock set, power down, before the clock was set, end irregular"
    table = from_printed(PRINTED[:2], 60, 60)
    table.rows.append([None] * 4)
    text = io.StringIO()
    write_csv(table, text)
    assert text.getvalue().splitlines() == [
        "local time,status,status in words,1.29 kWh,2.29 kWh",
        "2026-07-01 12:00:00+02:00,00000008,daylight saving,1.0,0.0",
        ",,,,",
    ]
