"""Profiles, partial blocks and mode E as shipped, under MicroPython: port, protocol and line over the bench's line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.iec_meter import REQUEST, STANDARD_VALUES, option, values
from host_tests.iec_port_bench import Maker, port_benches
from tools.bench.iec_client import IecProgrammer, IecReader
from tools.bench.iec_messages import ETX, command
from tools.bench.uart import FROM_METER

PROFILES = """
from meter import calendar
from meter.comms.programming import Programming
from meter.events.log import EventLog
from meter.events.log_profile import LogProfile
from meter.storage import layout
from meter.tariff.local_time import LocalTime

class UtcClock:
    calendar = calendar

    def zone(self, utc):
        return 0, False, -(1 << 40), 1 << 40

    def to_utc(self, local, last=False):
        return local

NOON = 774360000 # 2024-07-15 12:00

class Ram:
    def __init__(self):
        self.content = bytearray(layout.EVENTS.size)

    def read_into(self, address, buf):
        start = address - layout.EVENTS.address
        buf[:] = self.content[start : start + len(buf)]

    def write(self, address, buf):
        start = address - layout.EVENTS.address
        self.content[start : start + len(buf)] = buf

class LoadProfile:
    columns = (("1.5", "kW"), ("5.5", "kvar"))
    level = 0

    def rows(self, begin, end):
        for n in range(2000):
            if begin is None or NOON + 900 * n >= begin:
                yield NOON + 900 * n, 0, 15, ["%07.3f" % (n / 100), "%07.3f" % (n / 1000)]
            elif n % 16 == 0:
                yield None

log = EventLog(Ram())
for n in range(700):
    log.add(24, NOON + n, n)

class Nobody:
    def opens(self, needed, level):
        return True

access = Nobody()
profiles = {"P.98": LogProfile(log), "P.01": LoadProfile()}
programming = Programming(access, None, profiles, LocalTime(UtcClock()))
"""

ECHO = """
access = None
class Echo:
    # sends back what comes, in one piece when it is quiet for 50 ms; a final 00h ends it

    def __init__(self, baud, now):
        self.state, self.over, self._got, self._since = 1, False, b"", now

    def feed(self, data, now):
        self._got += data
        self._since = now

    def tick(self, now):
        if self._got and (now - self._since) & 0x3FFFFFFF >= 50:
            got, self._got = self._got, b""
            self._ends = got[-1] == 0
            return (got,)
        return None

    def sent(self, now):
        self.over = self._ends

    def wait_ms(self, now):
        return max(0, 50 - ((now - self._since) & 0x3FFFFFFF)) if self._got else -1

make_station = Echo
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    yield from port_benches(tmp_path, monkeypatch)


@pytest.mark.parametrize("busy_ms", [0, 25])
def test_the_log_of_hundreds_of_entries_is_read_in_blocks(make: Maker, busy_ms: int) -> None:
    bench = make(access=PROFILES, busy_ms=busy_ms)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on()
    bench.line.flip(FROM_METER, mask=3, skip=500)
    lines = client.read_profile("P.98", "2407151205", "2407151206", rows=20)
    assert lines[1::2] == [f"(24)({n})" for n in range(300, 361)]
    assert lines[0].startswith("P.98(0240715120500)(00000040)()(2)")
    assert len(client.blocks) == 5  # of up to 14 rows, which are 72 characters each


@pytest.mark.parametrize("busy_ms", [0, 25])
def test_a_profile_of_months_in_one_message_keeps_the_line_busy(make: Maker, busy_ms: int) -> None:
    """Two thousand rows, made while they are sent: 95 % of the time on the line are characters."""
    bench = make("/LGZ6X", access=PROFILES, busy_ms=busy_ms)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on()
    bench.run(0.2)
    bench.say(command("R5", "P.01(;)"), 19200)
    begin, data = 0, b""
    while len(data) < 2 or data[-2] != ETX:
        bench.run(0.01)
        data += bench.end.read()
        begin = begin or (bench.world.now if data else 0)
        assert bench.world.now < 100 * 10**9
    assert data.count(b"\r\n") == 2001
    assert data[-100:-2].decode().split("\r\n")[-2] == "(019.990)(001.999)"
    assert len(data) * 10 / 19200 / ((bench.world.now - begin) / 1e9) > 0.95


def test_the_line_goes_to_hdlc_and_back(make: Maker) -> None:
    bench = make(access=ECHO)
    for _ in range(2):
        bench.end.configure(300)
        bench.say(REQUEST)
        bench.run(1.2)
        assert bench.end.read() == b"/LGZ5\\2ZMG405260b.P01\r\n"
        bench.say(option("2", "5", "2"))
        bench.end.configure(9600)
        bench.run(0.4)
        assert bench.end.read() == b"\x06252\r\n"
        bench.end.configure(9600, "8N1")
        for data in (bytes(range(256)), b"\x7e\xa0\xff\x7e", b"\xfe\x00"):
            bench.say(data, 9600)
            bench.run(0.5)
            assert bench.end.read() == data
        assert (bench.line.baud, bench.line.frame.bits) == (300, 7)
    bench.end.configure(300)
    reader = IecReader(bench.end, bench.run)
    reader.readout()
    assert values(reader.message) == STANDARD_VALUES
