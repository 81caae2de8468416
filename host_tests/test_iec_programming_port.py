"""Programming mode as shipped, under MicroPython: port, protocol, rights and parameters over the bench's line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.iec_port_bench import Maker, port_benches
from tools.bench.iec_client import IecError, IecProgrammer, IecReader, IecRefused
from tools.bench.uart import FROM_METER

ACCESS = """
from meter.access import Access
from meter.cosem.classes import Data, Parameter
from meter.cosem.obis import parse
from meter.log_ins import LogIns
from meter.parameters import Parameters as Set

class Ram:
    content = bytearray(0x8000)

    def read_into(self, address, buf):
        buf[:] = self.content[address : address + len(buf)]

    def write(self, address, buf):
        self.content[address : address + len(buf)] = buf

kept = []
parameters = Set(Ram(), {"p1_password": "11111111", "p2_password": "22222222"})

def find(code):
    if code == "C.60.1":
        return Data(parse(code), lambda: kept[-1] if kept else "")
    if code.startswith("C.61."):
        return Parameter(parse(code), parameters, parameters.name(int(code[5:])))
    raise KeyError(code)

log_ins = LogIns(Ram(), parameters, lambda: 1, lambda: (0, time.ticks_ms()), lambda *_: None)
log_ins.load()
access = Access(parameters, find, lambda: 1, {"C.60.1": kept.append}, log_ins)
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    yield from port_benches(tmp_path, monkeypatch)


@pytest.mark.parametrize("z", "0356")
def test_reads_and_writes_at_each_rate_and_reads_out_afterwards(make: Maker, z: str) -> None:
    bench = make(f"/LGZ{z}ZMG405260b.P01", access=ACCESS)
    client = IecProgrammer(bench.end, bench.run)
    for seconds in ("20", "8"):
        client.sign_on("22222222", 2)
        client.write("C.61.5", seconds)
        assert client.read("C.61.5") == seconds
        client.close()
    assert bench.line.baud == 300
    assert len(IecReader(bench.end, bench.run).readout()) == 5


def test_refusals_come_as_errors(make: Maker) -> None:
    bench = make(access=ACCESS)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on("11111111", 1)
    for code, text, error in (
        ("C.61.5", "20", "ERR04"),
        ("C.61.99", "20", "ERR02"),
        ("C.61.21", "x", "ERR04"),
    ):
        with pytest.raises(IecRefused, match=error):
            client.write(code, text)
    with pytest.raises(IecRefused, match="ERR04"):
        client.read("C.61.22")
    client.sign_on("22222222", 2)
    for text, error in (("61", "ERR05"), ("2*s", "ERR03"), ("(2)", "ERR03")):
        with pytest.raises(IecRefused, match=error):
            client.write("C.61.5", text)
    assert client.read("C.61.5") == "8"


def test_a_long_record_is_written_and_read_back_with_the_metering_busy(make: Maker) -> None:
    bench = make(access=ACCESS, busy_ms=40)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on("22222222", 2)
    record = ",".join(str(-50_000_000 + n) for n in range(25))
    client.write("C.60.1", record)
    assert client.read("C.60.1") == record
    assert (client.repeats, bench.line.overruns) == (0, 0)


@pytest.mark.parametrize("reflect", [False, True])
def test_the_heads_reflection_is_no_command(make: Maker, reflect: bool) -> None:
    bench = make(access=ACCESS)
    bench.line.reflect(reflect)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on("22222222", 2)
    client.write("C.61.5", "20")
    assert (client.read("C.61.5"), client.repeats) == ("20", 0)


def test_after_a_sign_off_of_its_own_the_port_is_at_300_baud(make: Maker) -> None:
    """The rate must go back although nothing comes in after the meter's last message."""
    bench = make(access=ACCESS)
    for _ in range(2):
        client = IecProgrammer(bench.end, bench.run)
        client.sign_on()
        for _ in range(2):
            with pytest.raises(IecRefused):
                client._change("P2", "(0)")
        with pytest.raises(IecError, match="ended the session"):
            client._change("P2", "(0)")
        assert bench.line.baud == 300


def test_a_session_left_alone_ends(make: Maker) -> None:
    bench = make(access=ACCESS)
    IecProgrammer(bench.end, bench.run).sign_on()
    assert bench.line.baud == 9600
    bench.run(61)
    assert bench.line.baud == 300
    assert len(IecReader(bench.end, bench.run).readout()) == 5


def test_a_spoilt_answer_is_sent_again(make: Maker) -> None:
    bench = make(access=ACCESS)
    client = IecProgrammer(bench.end, bench.run)
    client.sign_on("22222222", 2)
    bench.line.flip(FROM_METER, mask=3, skip=4)
    assert (client.read("C.61.5"), client.repeats) == ("8", 1)
