"""Somebody from field service at the optical port of a meter on the bench, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.bench import Bench
from tools.bench.iec_client import IecProgrammer
from tools.bench.uart import VirtualEnd


@contextmanager
def session(bench: Bench, level: int = 2) -> Iterator[IecProgrammer]:
    """Logged in at level 2, or at another one; who has broken the seal may do what level 4 may."""
    end = VirtualEnd()
    bench.uarts[0].attach(end)
    client = IecProgrammer(end, bench.run, bench.hold)
    try:
        client.sign_on("00000000", level)
        yield client
    finally:
        client.close()
        bench.uarts[0].detach(end)
