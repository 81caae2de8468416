"""A live meter, in real time on the bench, and clients on its ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tools.bench import Bench
from tools.meter import Client, Login, Serial, Tcp
from tools.meter.speed import RawClient

PASSWORD = "00000000"
OPTICAL, PORT_1, PORT_2, TCP = range(4)  # channels
CLIENTS = (16, 32, 48, 64, 80, 96)  # by level
START_S = 20  # for a meter to start on a busy machine


@contextmanager
def live_meter(fram: bytes | None = None, **options: Any) -> Iterator[Bench]:
    """A bench whose firmware listens. `fram`: what its memory holds from an earlier life."""
    made = Bench(virtual=False, **options)
    if fram is not None:
        made.fram.image = fram
    with made as bench:
        until(lambda: _listens(bench) or bench.log, START_S)
        assert not bench.log, bench.log
        yield bench
    # A machine that stands still for seconds makes trouble for the metering, which the meter says and survives.
    assert "Traceback" not in bench.log, bench.log


def _listens(bench: Bench) -> bool:
    try:
        RawClient(address(bench)).close()
    except ConnectionRefusedError:
        return False
    return True


def until(done: Callable[[], Any], limit_s: float = 10) -> None:
    """Return as soon as `done()` is true."""
    end = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < end, f"not within {limit_s:g} s"
        time.sleep(0.01)


def address(bench: Bench) -> tuple[str, int]:
    assert bench.tcp_port is not None
    return "127.0.0.1", bench.tcp_port


def lls(level: int, **options: Any) -> Login:
    """A log-in with the password that all levels have; without one at level 0."""
    options.setdefault("mechanism", "lls" if level else "none")
    return Login(level=level, password=PASSWORD if level else "", **options)


def over_tcp(bench: Bench, login: Login | None = None) -> Client:
    return Client(Tcp(*address(bench)), login)


def over_line(bench: Bench, login: Login | None = None, port: int = PORT_1, **options: Any) -> Client:
    """On the pseudo-terminal of a port that is in HDLC from the start, unless `mode_e` is asked for."""
    options.setdefault("mode_e", False)
    return Client(Serial(terminal(bench, port), **options), login)


def terminal(bench: Bench, port: int = OPTICAL) -> str:
    return bench.uarts[port].open_ends()[0].name


@contextmanager
def raw(bench: Bench, level: int = 1, password: bytes | None = b"00000000") -> Iterator[RawClient]:
    """An association that is served APDUs as they are."""
    client = RawClient(address(bench), CLIENTS[level])
    try:
        client.associate(password if level else None)
        yield client
    finally:
        client.close()
