"""The meter's network on the bench: a port of this computer in real time, none in virtual time."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from host_tests.test_boards import BOARDS, load
from host_tests.wrapper_bench import ask, connect, wrapper_bench
from tools.bench import Bench
from tools.bench.network import reserve_port
from tools.bench.process import ROOT


def listen(port: int) -> socket.socket:
    """A listening socket as the firmware makes it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_a_reserved_port_can_be_listened_on_again_and_again() -> None:
    """Also while connections of the listener before have not quite ended."""
    with reserve_port() as holder:
        port = holder.getsockname()[1]
        for _ in range(3):
            listener = listen(port)
            client = socket.create_connection(("127.0.0.1", port))
            served, _address = listener.accept()
            served.sendall(b"hello")
            served.close()  # first, so that its address lingers
            listener.close()
            assert client.recv(10) == b"hello"
            client.close()


def test_nobody_else_is_given_a_reserved_port() -> None:
    with reserve_port() as holder:
        port = holder.getsockname()[1]
        with socket.socket() as other, pytest.raises(OSError):
            other.bind(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_virtual_time_has_no_network() -> None:
    bench = Bench()
    with bench:
        bench.run(0.1)
        assert bench.tcp_port is None
        assert bench.mcu.process is not None
        command = Path(f"/proc/{bench.mcu.process.pid}/cmdline").read_bytes().split(b"\0")
    assert len(command[command.index(str(ROOT / "boards/virtual/boot.py").encode()) :]) == 1 + 2 + 1  # ends in a zero


def test_the_port_is_told_to_the_firmware_in_every_life_and_free_afterwards() -> None:
    bench = Bench(virtual=False)
    told = []
    with bench:
        for _ in range(2):
            bench.run(0.2)
            assert bench.mcu.process is not None
            told.append(Path(f"/proc/{bench.mcu.process.pid}/cmdline").read_bytes().split(b"\0")[-2])
            bench.kill()
            bench.power_on()
        assert told == [str(bench.tcp_port).encode()] * 2
        port = bench.tcp_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port or 0))


def test_run_prints_the_port() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tools.bench", "run", "--once"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert any(line.split()[:1] == ["network"] and ":" in line for line in said.splitlines()), said


def test_the_clock_goes_on_and_timers_are_kept_without_the_bench(tmp_path: Path) -> None:
    """In real time a timer needs no message: hundreds of them go by while the bench stands still."""
    more = """
count = 0

def ask():
    return "%d %d" % (count, time.ticks_ms())

async def more():
    global count
    while True:
        await asyncio.sleep_ms(10)
        count += 1
"""
    with wrapper_bench(tmp_path, more=more) as bench, connect(bench) as client, bench.hold:
        first, first_ms = map(int, ask(client, b"ask").split())
        begin = time.monotonic()
        time.sleep(1)
        last, last_ms = map(int, ask(client, b"ask").split())
        passed_ms = (time.monotonic() - begin) * 1000
        assert last_ms - first_ms == pytest.approx(passed_ms, abs=50)
        assert 0.5 * passed_ms / 10 < last - first <= passed_ms / 10 + 1


# --- boards ----------------------------------------------------------------------------------------------------------


def test_the_pico_2_has_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = load("pico2", monkeypatch)
    assert module.Board().tcp_address(4059) is None


def esp32s3(monkeypatch: pytest.MonkeyPatch, ssid: str, key: str = "secret") -> tuple[Any, list[Any]]:
    """The board with these credentials, and what it did with the Wi-Fi."""
    done: list[Any] = []

    class Wlan:
        IF_STA = "station"

        def __init__(self, interface: str) -> None:
            done.append(interface)

        def active(self, on: bool) -> None:
            done.append(on)

        def connect(self, *credentials: str) -> None:
            done.append(credentials)

    module, _ = load("esp32s3", monkeypatch)
    network = type(sys)("network")
    network.WLAN = Wlan  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "network", network)
    monkeypatch.setattr(module, "WIFI", (ssid, key))
    return module.Board(), done


def test_the_esp32s3_joins_the_network_it_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    board, done = esp32s3(monkeypatch, "net")
    assert board.tcp_address(4059) == ("0.0.0.0", 4059)
    assert done == ["station", True, ("net", "secret")]


def test_the_esp32s3_leaves_the_radio_off_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    board, done = esp32s3(monkeypatch, "")
    assert board.tcp_address(4059) is None
    assert done == []


def test_no_credentials_are_in_the_repository() -> None:
    assert 'WIFI = ("", "")' in (BOARDS / "esp32s3" / "board.py").read_text()
