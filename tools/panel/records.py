"""The meter's records as CSV: the load profile by DLMS over its network, the event log from its memory."""

from __future__ import annotations

import csv
import io
import threading
from datetime import datetime, timedelta
from typing import Any

from tools.bench.bench import Bench
from tools.panel.checks import Refused
from tools.panel.event_names import event_name

LOAD_PROFILE = "1-0:99.1.0"
_LEVEL, _PASSWORD = 1, "00000000"  # as new meters have it
_PATIENCE_S = 20.0
_reading = threading.Lock()  # one at a time: a meter has few connections, and other clients want them too


def load_profile_csv(bench: Bench) -> str:
    """Load profile 1 as tools.meter writes it. Refused if the meter does not answer, or not to the usual password."""
    # with gurux-dlms, which takes its time
    from tools.meter import Client, Login, Tcp
    from tools.meter.client import MeterError
    from tools.meter.profile_table import read, write_csv

    if not bench.supply.on or bench.tcp_port is None:
        raise Refused(409, "the meter is without power")
    if not _reading.acquire(blocking=False):
        raise Refused(409, "the load profile is just being read")
    text = io.StringIO()
    try:
        login = Login(level=_LEVEL, mechanism="lls", password=_PASSWORD)
        with Client(Tcp("127.0.0.1", bench.tcp_port, _PATIENCE_S), login) as client:
            write_csv(read(client, LOAD_PROFILE), text)
    except (MeterError, OSError) as error:
        raise Refused(502, f"the meter did not give its load profile: {error}") from None
    finally:
        _reading.release()
    return text.getvalue()


def events_csv(bench: Bench) -> str:
    """The whole event log, the oldest first, in UTC."""
    with bench.hold:
        events = bench.events()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["number", "UTC", "event", "name", "detail"])
    for n, utc, event, detail in events:
        writer.writerow([n, _moment(utc), event, event_name(event), detail])
    return text.getvalue()


def _moment(utc: int) -> Any:
    return (datetime(2000, 1, 1) + timedelta(seconds=utc)).isoformat(" ")
