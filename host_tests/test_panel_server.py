"""The panel's web server: who may ask, what is refused, that every browser is told the same; CSV files."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from host_tests.live_meter import until
from host_tests.panel_bench import Panel, panel
from tools.bench.process import ROOT
from tools.panel.checks import Refused
from tools.panel.records import load_profile_csv
from tools.panel.server import MAX_BYTES, MOST_STREAMS, Stream

EVENTS = [(800_000_000 + n, 23 + n % 2, n) for n in range(50)]  # power down and up


@pytest.fixture(scope="module")
def served() -> Iterator[Panel]:
    with panel(events=EVENTS) as served:
        served.bench.source.set(u=230, i=5, phi=30)
        yield served


def test_only_this_computer_can_reach_it_unless_it_is_told_otherwise(served: Panel) -> None:
    assert served.address.startswith("http://127.0.0.1:")
    port = served.host.rpartition(":")[2]
    with socket.socket() as other, pytest.raises(OSError):
        other.settimeout(1)
        other.connect(("127.0.0.2", int(port)))


def test_the_page_and_all_that_it_needs_come_from_here(served: Panel) -> None:
    status, page, headers = served.ask("GET", "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    for path in (ROOT / "tools" / "panel" / "static").iterdir():
        assert served.ask("GET", f"/static/{path.name}")[1] == path.read_bytes()
        if path.suffix != ".svg":
            assert b"://" not in path.read_bytes()
    assert b"/static/main.js" in page


@pytest.mark.parametrize(
    "path",
    ["/static/../server.py", "/static/..%2fserver.py", "/static//etc/passwd", "/static/", "/static/none.js", "/x"],
)
def test_nothing_else_is_served(served: Panel, path: str) -> None:
    status, answer, _headers = served.ask("GET", path)
    assert (status, answer) == (404, {"error": "there is no such page"})


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://{host}", "http://127.0.0.1:1"])
def test_another_site_may_not_use_it(served: Panel, origin: str) -> None:
    before = served.bench.source.setting
    status, answer, _headers = served.ask("POST", "/do/load", {"i": [1, 1, 1]}, Origin=origin.format(host=served.host))
    assert (status, answer) == (403, {"error": "another site may not use the panel"})
    assert served.ask("GET", "/events.csv", Origin=origin.format(host=served.host))[0] == 403
    assert served.bench.source.setting == before


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8550", "127.0.0.1.evil.example", "[", ""])
def test_a_name_that_strangers_have_pointed_here_is_refused(served: Panel, host: str) -> None:
    """DNS rebinding: the browser takes the page of a stranger's name for the same site as this server."""
    before = served.bench.source.setting
    status, answer, _headers = served.ask("POST", "/do/load", {"i": [1, 1, 1]}, Host=host, Origin=f"http://{host}")
    assert status == 421 and "not called" in answer["error"]
    assert served.ask("GET", "/", Host=host)[0] == 421
    assert served.bench.source.setting == before


def test_the_page_itself_may_use_it_by_address_and_as_localhost(served: Panel) -> None:
    port = served.host.rpartition(":")[2]
    for host in (served.host, f"localhost:{port}", f"[::1]:{port}"):
        assert served.ask("POST", "/do/load", {"f": 50}, Host=host, Origin=f"http://{host}")[:2] == (200, {})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_another_site_could_send_is_refused(served: Panel, kind: str) -> None:
    status, answer, _headers = served.ask("POST", "/do/load", b'{"i": [1, 1, 1]}', Content_Type=kind)
    assert (status, answer) == (415, {"error": "commands are application/json"})


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "that is no JSON"),
        (b"{", 400, "that is no JSON"),
        (b"\xff\xfe", 400, "that is no JSON"),
        (b"[" * 8000, 400, "that is no JSON"),
        (b'{"i": [1, 1, 1]', 400, "that is no JSON"),
        (b'{"i": [NaN, 1, 1]}', 400, "i: a number is wanted"),
        (b'{"i": [1e999, 1, 1]}', 400, "i: a number is wanted"),
        (b'{"i": [1, 1, 1], "x": 1}', 400, "unknown: x"),
        (b'"' + b"x" * MAX_BYTES + b'"', 413, f"a command has {MAX_BYTES} bytes at most"),
    ],
)
def test_bad_bodies_are_refused_in_words(served: Panel, body: bytes, status: int, reason: str) -> None:
    before = served.bench.source.setting
    assert served.ask("POST", "/do/load", body)[:2] == (status, {"error": reason})
    assert served.bench.source.setting == before


def test_commands_are_posted_and_pages_are_got(served: Panel) -> None:
    assert served.ask("GET", "/do/load")[0] == 405
    assert served.ask("POST", "/", {})[0] == 405
    assert served.do("eject") == (404, {"error": "there is no command 'eject'"})


@pytest.mark.parametrize(
    "rubbish", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nHost"]
)
def test_what_is_no_http_does_no_harm(served: Panel, rubbish: bytes) -> None:
    host, _, port = served.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(rubbish)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    assert served.ask("GET", "/")[0] == 200


def gather(updates: Iterator[dict[str, Any]], section: str, wanted: Any) -> dict[str, Any]:
    """All sections, once `wanted(section)` holds."""
    known: dict[str, Any] = {}
    end = time.monotonic() + 30
    for changed in updates:
        known |= changed
        if section in known and wanted(known[section]):
            return known
        assert time.monotonic() < end, known.get(section)
    raise AssertionError("the stream has ended")


def test_three_browsers_are_told_the_same_load_and_the_same_display(served: Panel) -> None:
    streams = [served.updates() for _ in range(3)]
    for stream in streams:
        next(stream)
    assert served.do("load", i=[2, 2, 2], phi=[0, 0, 0]) == (200, {})
    seen = [gather(stream, "mains", lambda mains: mains["setting"]["i"] == [2, 2, 2]) for stream in streams]
    assert [known["mains"]["total"]["p"] for known in seen] == [pytest.approx(3 * 230 * 2)] * 3
    shown = [gather(stream, "lcd", lambda lcd: "1.8.0" in lcd["text"])["lcd"] for stream in streams]
    assert shown[0] == shown[1] == shown[2]
    for stream in streams:
        stream.close()


def test_a_late_browser_is_told_everything_at_once(served: Panel) -> None:
    first = next(served.updates())
    assert {"meter", "time", "lcd", "case", "mains", "registers", "events"} <= first.keys()
    assert first["meter"]["type"] == served.bench.type
    assert [event["detail"] for event in first["events"]] == list(range(49, 9, -1))  # the newest 40 of 50
    assert first["events"][0]["name"] == "power up"


def test_browsers_that_have_gone_leave_room_for_others(served: Panel) -> None:
    streams = [served.updates() for _ in range(40)]
    told = [next(stream) for stream in streams]
    assert told.count({"full": True}) >= 40 - MOST_STREAMS  # some of before may not be known to have gone yet
    for stream in streams:
        stream.close()
    until(lambda: "meter" in next(served.updates()), 20)


def test_each_flash_of_the_test_leds_is_told_once(served: Panel) -> None:
    stream = served.updates()
    next(stream)
    with served.bench.hold:
        before = served.bench.metering.cf_counts[0]
    told, end = 0, served.bench.now + 4
    for changed in stream:
        told += len(changed.get("flashes", [[]])[0])
        if served.bench.now > end:
            break
    flashed = served.bench.metering.cf_counts[0] - before
    stream.close()
    assert flashed > 8
    assert told == pytest.approx(flashed, abs=3)  # those of the moments at the beginning and at the end


def test_updates_that_a_slow_browser_has_not_taken_are_joined() -> None:
    async def slow() -> list[dict[str, Any]]:
        stream = Stream({"time": 0, "lcd": "a"})
        taken = [await stream.take()]
        for n in range(1000):
            stream.add({"time": n, "flashes": [[n], []]})
        taken.append(await stream.take())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.take(), 0.01)
        return taken

    assert asyncio.run(slow()) == [{"time": 0, "lcd": "a"}, {"time": 999, "flashes": [[999], []]}]


def test_the_event_log_comes_as_csv(served: Panel) -> None:
    status, content, headers = served.ask("GET", "/events.csv")
    assert status == 200 and headers["Content-Type"].startswith("text/csv")
    assert headers["Content-Disposition"] == f'attachment; filename="{served.bench.serial}_events.csv"'
    header, *rows = csv.reader(io.StringIO(content.decode()))
    assert header == ["number", "UTC", "event", "name", "detail"]
    assert rows[:2] == [
        ["1", "2025-05-08 06:13:20", "23", "power down", "0"],
        ["2", "2025-05-08 06:13:21", "24", "power up", "1"],
    ]
    assert len(rows) >= len(EVENTS)


def test_the_load_profile_comes_as_csv_from_the_meter_itself(served: Panel) -> None:
    bench = served.bench
    with bench.hold:
        bench.real_time.jump(bench.rtc.utc + 1800)
    until(lambda: bench.real_time.goal is None, 60)
    status, content, _headers = served.ask("GET", "/load_profile.csv")
    assert status == 200, content
    header, *rows = csv.reader(io.StringIO(content.decode()))
    assert header[:4] == ["local time", "status", "status in words", "1-1:1.29.0 Wh"]
    quarter = [float(row[3]) for row in rows if row[0][14:16] in ("00", "15", "30", "45")]
    with bench.hold:
        p = bench.source.truth().p_total
    assert max(quarter) == pytest.approx(p / 4, abs=20)  # two steps of the register


def test_a_meter_without_power_gives_no_load_profile(served: Panel) -> None:
    with pytest.raises(Refused, match="without power") as refused:
        load_profile_csv(type(served.bench)())
    assert refused.value.status == 409


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """A test that fails leaves no process behind that it would wait for."""
    try:
        yield
    finally:
        process.kill()


def test_run_says_first_where_the_panel_is_and_then_where_the_ports_are() -> None:
    command = [sys.executable, "-m", "tools.bench", "run", "--port", "0"]
    heeding = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", heeding, *command]  # tests that run in the background ignore Ctrl-C
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run, ended(run):
        assert run.stdout is not None
        name, address = run.stdout.readline().split()
        assert name == "panel"
        host, _, port = address.removeprefix("http://").strip("/").partition(":")
        said = [run.stdout.readline().split()[0] for _ in range(7)]
        assert said == ["optical", "optical", "port1", "port1", "port2", "port2", "network"]
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"GET /updates HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            with client.makefile("rb") as lines:
                data = next(line for line in lines if line.startswith(b"data: "))
            assert json.loads(data[len("data: ") :])["meter"]["serial"] == "60800001"
            run.send_signal(2)  # Ctrl-C, with a browser that still looks on
            assert run.wait(timeout=30) == 0


def test_a_port_in_use_is_an_error_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "tools.bench", "run", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the panel cannot listen on 127.0.0.1, port ")
