"""The load profile of a meter on the bench, as a client at its optical port reads it."""

from __future__ import annotations

from tools.bench.bench import Bench
from tools.bench.iec_client import IecProgrammer
from tools.bench.uart import VirtualEnd
from tools.meter.profile_table import Table, from_printed

_PASSWORD = "00000000"  # P1, as new meters have it
# Parameters: minutes ahead of UTC, and of standard time
_CALENDAR, _ZONE, _SUMMER = "C.61.100", "C.61.101", "C.61.105"


def read_profile(bench: Bench) -> Table:
    """Load profile 1 as P.01. Takes some seconds of bench time, a minute for a long one."""
    end = VirtualEnd()
    with bench.hold:
        bench.uarts[0].attach(end)
    client = IecProgrammer(end, bench.run, bench.hold)
    try:
        client.sign_on(_PASSWORD, 1)
        ahead = int(client.read(_ZONE)), int(client.read(_SUMMER))
        persian = client.read(_CALENDAR) == "persian"
        return from_printed(client.read_profile("P.01"), *ahead, persian)
    finally:
        client.close()
        with bench.hold:
            bench.uarts[0].detach(end)
