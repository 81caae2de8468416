"""The command line of the meter client, against a live meter: over TCP, and by mode E on a pseudo-terminal."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from host_tests.live_meter import OPTICAL, PASSWORD, PORT_1, live_meter, terminal
from tools.bench import Bench
from tools.bench.process import ROOT
from tools.meter import Client, Serial, Tcp
from tools.meter.__main__ import _address, main

FIRST, COUNT = 800_000_000, 50  # UTC second since 2000 of the first event, how many there are, a minute apart
EVENTS = [(FIRST + 60 * n, 8, n) for n in range(COUNT)]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with live_meter(events=EVENTS, parameters={"port1_mode": 1, "max_baud_char": "6"}) as bench:
        yield bench


@pytest.fixture
def meter(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line, over TCP unless `way` says more; gives what it prints, parsed if it is JSON."""

    def run(*words: str, level: int = 1, code: int = 0, way: tuple[str, ...] = ()) -> Any:
        login = ("--level", str(level), "--password", PASSWORD) if level else ()
        assert main([*(way or ("--tcp", f"localhost:{bench.tcp_port}")), *login, *words]) == code
        printed = capsys.readouterr()
        if code:
            assert printed.out == "" and printed.err.startswith("error: ") and printed.err.count("\n") == 1
            return printed.err
        assert printed.err == ""
        return json.loads(printed.out) if "--json" in words else printed.out

    return run


def moment(utc: int) -> datetime:
    return datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=utc)


def test_list_shows_all_objects_and_what_may_be_done_with_them(meter: Any) -> None:
    found = {entry["name"]: entry for entry in meter("--json", "list")}
    assert found["1.1.1.8.0.255"]["class"] == 3
    assert found["1.1.1.8.0.255"]["attributes"] == {"1": "read", "2": "read", "3": "read"}
    assert found["0.0.96.61.2.255"]["attributes"]["2"] == "read"
    assert found["0.0.40.0.0.255"]["methods"] == [1, 2]
    at_level_2 = {entry["name"]: entry for entry in meter("--json", "list", level=2)}
    assert at_level_2["0.0.96.61.2.255"]["attributes"]["2"] == "read_write"
    assert at_level_2["0.0.1.0.0.255"]["methods"] == [1, 2, 3, 4, 5, 6]
    lines = meter("list").splitlines()
    assert len(lines) == len(found) and any(line.split()[:2] == ["3", "1.1.1.8.0.255"] for line in lines)
    by_short_names = meter("--json", "--sn", "list")
    assert {entry["name"] for entry in by_short_names} == found.keys()
    assert all(entry["short_name"] % 8 == 0 and entry["short_name"] for entry in by_short_names)
    own = {"0.0.40.0.0.255"}  # the association itself is of another class
    for level, at_level in ((1, found), (2, at_level_2)):
        for entry in meter("--json", "--sn", "list", level=level):
            if entry["name"] not in own:
                assert entry["attributes"] == at_level[entry["name"]]["attributes"], entry


def test_read_prints_values_with_units(bench: Bench, meter: Any) -> None:
    assert meter("--json", "read", "0-0:96.1.0", "1.8.0", "1-1:1.8.0:3", "1.4.0", "C.61.2", level=1) == {
        "0-0:96.1.0": {"value": bench.serial},
        "1.8.0": {"value": 0.0, "unit": "Wh"},
        "1-1:1.8.0:3": {"value": [10.0, 30]},
        "1.4.0": {"value": 0.0, "unit": "W"},
        "C.61.2": {"value": 200},
    }
    assert meter("read", "0-0:96.1.0", level=0) == f"0-0:96.1.0 {bench.serial} \n"


def test_codes_that_cannot_be_read_hold_up_no_others(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    way = ["--tcp", f"localhost:{bench.tcp_port}"]
    assert main([*way, "--json", "read", "99.99.99", "0-0:96.1.0", "0-0:96.1.0:9"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"0-0:96.1.0": {"value": bench.serial}}
    errors = printed.err.splitlines()
    assert [error[:7] for error in errors] == ["error: "] * 2
    assert errors[0].startswith("error: 99.99.99: the meter has no such object") and "attribute 9" in errors[1]
    assert main([*way, "read", "99.99.99", "99.99.98"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("error: 99.99.9") == 2


def test_an_address_of_ipv6_is_in_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tcp", "[::1]:1", "clock"]) == 2  # nobody listens there, wherever there is IPv6 at all
    assert "no connection to ::1:1: " in capsys.readouterr().err
    for way, host in (("[::1]", "::1"), ("[fe80::1%lo]:4060", "fe80::1%lo"), ("localhost", "localhost")):
        assert _address(way) == (host, 4060 if way.endswith("4060") else 4059)
    with pytest.raises(SystemExit):
        main(["--tcp", "::1:4059", "clock"])
    assert "an address of IPv6 is in brackets, as in [::1]:4059" in capsys.readouterr().err


def test_write_takes_the_type_from_the_meter(meter: Any) -> None:
    for value in (300, 200):
        assert meter("--json", "write", "C.61.2", str(value), level=2) == {"written": "C.61.2"}
        assert meter("--json", "read", "C.61.2") == {"C.61.2": {"value": value}}
    assert meter("write", "C.61.7", "METER 7", level=2) == "written C.61.7\n"
    assert meter("--json", "read", "C.61.7", "0-0:20.0.0:6") == {
        "C.61.7": {"value": "METER 7"},
        "0-0:20.0.0:6": {"value": "METER 7"},
    }
    assert "written" in meter("write", "0-0:20.0.0:6", b"60800001".hex(), "--type", "octets", level=2)
    assert meter("--json", "read", "C.61.7") == {"C.61.7": {"value": "60800001"}}


def test_execute_calls_a_method(meter: Any) -> None:
    before = datetime.fromisoformat(meter("--json", "clock")["clock"])
    assert meter("execute", "0-0:1.0.0:6", "-600", "--type", "int16", level=2) == "executed 0-0:1.0.0:6\n"
    after = datetime.fromisoformat(meter("--json", "clock")["clock"])
    assert timedelta(seconds=-600) <= after - before < timedelta(seconds=-540)


def test_the_clock_is_set(meter: Any) -> None:
    set_to = datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc)
    shown = datetime.fromisoformat(meter("--json", "clock", "--set", "2026-03-29T03:30+02:00", level=2)["clock"])
    assert timedelta(0) <= shown.astimezone(timezone.utc) - set_to < timedelta(seconds=60)
    begin = datetime.now(timezone.utc).replace(microsecond=0)
    now = datetime.fromisoformat(meter("--json", "clock", "--set", "now", level=2)["clock"]).astimezone(timezone.utc)
    assert begin - timedelta(seconds=1) <= now <= datetime.now(timezone.utc) + timedelta(seconds=1)


def test_a_profile_becomes_csv_or_json(meter: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    assert meter("profile", "0-0:99.98.0", "--entries", f"1:{COUNT}", "--csv", str(path)) == ""
    header, *rows = list(csv.reader(path.open()))
    assert header == ["local time", "0-0:96.240.12", "0-0:96.240.13"]
    assert [(datetime.fromisoformat(row[0]), int(row[1]), int(row[2])) for row in rows] == [
        (moment(utc), number, detail) for utc, number, detail in EVENTS
    ]
    span = ("--from", moment(FIRST + 600).isoformat(), "--to", moment(FIRST + 900).isoformat())
    some = meter("--json", "profile", "0-0:99.98.0", *span)
    assert some["columns"] == ["0-0:1.0.0", *header[1:]] and some["units"] == ["", "", ""]
    assert [row[2] for row in some["rows"]] == [10, 11, 12, 13, 14, 15]
    printed = list(csv.reader(meter("profile", "0-0:99.98.0", "--entries", "3:2").splitlines()))
    assert printed == [header, *rows[2:4]]


@pytest.mark.parametrize(
    ("words", "level", "says"),
    [
        (("read", "99.99.99"), 1, "no such object"),
        (("read", "C.61.2"), 0, "no such object, or does not show it"),
        (("read", "C.61.2:9"), 1, "0.0.96.61.2.255 attribute 9"),
        (("read", "1.8.0:0"), 1, "'1.8.0:0': attributes are numbered from 1"),
        (("read", "1.8.0", "1.8.0:128"), 1, "'1.8.0:128': attributes are numbered from 1 to 127"),
        (("write", "C.61.2", "300"), 1, "denied"),
        (("write", "C.61.2", "5"), 2, "write 0.0.96.61.2.255 attribute 2"),  # out of range
        (("write", "C.61.2", "much"), 2, "'much' is no whole number"),
        (
            ("write", "C.61.2", "65736", "--type", "uint16"),
            2,
            "65736 is not 0..65535, as uint16 needs",
        ),  # its low bits are a good value
        (("read", "3/1-1:99.99.99"), 1, "1.1.99.99.99.255 attribute 3: "),
        (("read", "1/1-1:1.8.0"), 1, "1.1.1.8.0.255 attribute 2"),
        (("read", "3/1.8.0"), 1, "name medium and channel as well"),
        (("execute", "0-0:1.0.0:6", "901", "--type", "int16"), 2, "execute 0.0.1.0.0.255 method 6"),
        (("execute", "0-0:1.0.0:3"), 1, "denied"),
        (("execute", "clock"), 1, "name the method"),
        (("profile", "1.8.0"), 1, "is no profile"),
        (("profile", "0-0:99.98.0", "--csv", "/nowhere/events.csv"), 1, "/nowhere"),
        (("profile", "0-0:99.98.0", "--entries", "1:3", "--plot", "events.png"), 1, "nothing to draw"),
        (("clock", "--set", "now"), 1, "denied"),
        (("--client", "17", "list"), 1, "log-in refused: the meter knows no client 17"),
        (("--client", "32", "list"), 0, "log-in refused: client 32 needs a password (see --password"),
        (("--level", "1", "--mechanism", "sha256", "list"), 1, "log-in refused: wrong password or secret"),
        (("--sn", "read", "C.61.2:9"), 1, "0.0.96.61.2.255"),
    ],
)
def test_what_the_meter_refuses_is_one_line_and_exit_code_2(
    meter: Any, words: tuple[str, ...], level: int, says: str
) -> None:
    assert says in meter(*words, level=level, code=2)


def test_a_wrong_password_is_told(bench: Bench, meter: Any) -> None:
    way = ("--tcp", f"localhost:{bench.tcp_port}", "--level", "1", "--password", "wrong")
    assert "log-in refused: wrong password" in meter("read", "1.8.0", level=0, code=2, way=way)


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes have come from the meter with each read from the network."""
    sizes: list[int] = []
    receive = Tcp.receive

    def counted(self: Tcp) -> bytes:
        data = receive(self)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(Tcp, "receive", counted)
    return sizes


def test_with_its_class_an_object_is_read_without_the_object_list(meter: Any, came: list[int]) -> None:
    meter("read", "1-1:1.8.0")
    with_list = sum(came)
    came.clear()
    assert meter("--json", "read", "3/1-1:1.8.0", "1/0-0:C.61.2", "3/1.1.1.8.0.255:3") == {
        "3/1-1:1.8.0": {"value": 0.0, "unit": "Wh"},
        "1/0-0:C.61.2": {"value": 200},
        "3/1.1.1.8.0.255:3": {"value": [10.0, 30]},
    }
    meter("write", "1/0-0:C.61.2", "200", level=2)
    meter("execute", "8/0-0:1.0.0:6", "0", "--type", "int16", level=2)
    meter("clock")
    meter("profile", "7/0-0:99.98.0", "--entries", "1:1")
    assert sum(came) < 1000 < 5000 < with_list


def test_what_list_has_given_stands_for_the_object_list(meter: Any, came: list[int], tmp_path: Path) -> None:
    for names in ((), ("--sn",)):
        path = tmp_path / "objects.json"
        path.write_text(json.dumps(meter("--json", *names, "list")))
        came.clear()
        objects = ("--objects", str(path))
        found = meter("--json", *names, *objects, "read", "1.8.0", "C.61.2", "3/1-1:1.8.0", "0-0:42.0.0")
        assert [found[code]["value"] for code in ("1.8.0", "C.61.2", "3/1-1:1.8.0")] == [0.0, 200, 0.0]
        assert "clock" in meter("--json", *names, *objects, "clock")
        assert "no such object" in meter(*names, *objects, "read", "99.99.99", code=2)
        assert sum(came) < 1500


def test_who_reads_no_further_hears_nothing_of_it(bench: Bench) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "tools.meter", "--tcp", f"127.0.0.1:{bench.tcp_port}", "list"]
    done = subprocess.run(command, cwd=ROOT, stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_log_in_that_is_refused_leaves_the_line_ready_for_the_next(bench: Bench, meter: Any) -> None:
    mode_e = ("--serial", terminal(bench, OPTICAL), "--baud", "19200")
    assert "knows no client 99" in meter("--client", "99", "clock", level=0, code=2, way=mode_e)
    assert "clock" in meter("--json", "clock", level=0, way=mode_e)


def test_mode_e_and_direct_hdlc_on_a_line(bench: Bench, meter: Any) -> None:
    mode_e = ("--serial", terminal(bench, OPTICAL), "--baud", "19200")
    assert "clock" in meter("--json", "--sn", "clock", level=0, way=mode_e)
    direct = ("--serial", terminal(bench, PORT_1), "--baud", "19200", "--direct")
    assert meter("--json", "read", "0-0:96.1.0", level=0, way=direct) == {"0-0:96.1.0": {"value": bench.serial}}


@pytest.mark.soak
def test_at_300_baud_nothing_has_to_be_said_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter confirms mode E at the new rate, which takes as long as the changeover."""
    said: list[bytes] = []
    send = Serial.send

    def noted(self: Serial, data: bytes) -> None:
        said.append(data)
        send(self, data)

    monkeypatch.setattr(Serial, "send", noted)
    with Client(Serial(terminal(bench, OPTICAL), baud=300, timeout=20)) as meter:
        assert meter.read("1/0-0:96.1.0") == bench.serial
    assert len(said) == len(set(said))


def test_as_a_program_of_its_own(bench: Bench) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tools.meter", "--tcp", f"127.0.0.1:{bench.tcp_port}", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    good = run("--json", "--level", "2", "--mechanism", "gmac", "--protection", "both", "--counter", "5", "clock")
    assert good.returncode == 0 and good.stderr == "" and set(json.loads(good.stdout)) == {"clock"}
    bad = run("read", "99.99.99")
    assert (bad.returncode, bad.stdout) == (2, "") and bad.stderr.count("\n") == 1
