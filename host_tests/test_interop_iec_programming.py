"""A client nobody here wrote (PyPI `iec62056-21`) in programming mode, in bench time."""

from __future__ import annotations

from typing import Any

import pytest
from iec62056_21.exceptions import Iec6205621ParseError

from host_tests.iec_foreign import ACK, REFUSED, BenchClient, BenchTransport
from host_tests.iec_meter import LineMeter, assert_readout
from host_tests.iec_objects import Objects
from host_tests.iec_station import Stations
from tools.bench import Bench
from tools.bench.uart import VirtualEnd

LOG_IN_FAILED = 180  # event


@pytest.fixture
def meter() -> LineMeter:
    return LineMeter(access=Objects())


@pytest.fixture
def client(meter: LineMeter) -> BenchClient:
    return client_of(meter)


def client_of(meter: LineMeter) -> BenchClient:
    return BenchClient(BenchTransport(meter.end, meter.run))


def test_the_client_logs_in_reads_writes_and_signs_off(meter: LineMeter, client: BenchClient) -> None:
    request: Any = client.access_programming_mode()
    assert (request.command, request.command_type, request.data_set.value) == ("P", 0, "")
    assert client.switchover_baudrate == 9600
    assert client.log_in(1, "00000000") == ACK
    client.rest()
    read = client.read_single_value("1.8.0")
    assert (read.address, read.value, read.unit) == ("1.8.0", "000102.28", "kWh")
    client.rest()
    client.write_single_value("C.61.5", "20")
    client.rest()
    assert client.read_single_value("C.61.5").value == "20"
    client.rest()
    client.send_break()
    meter.run(0.1)
    assert (meter.core.state, meter.line.baud) == (0, 300)
    meter.end.configure(300)
    assert_readout(meter)


def test_the_client_takes_an_identification_that_offers_hdlc() -> None:
    """It takes the character behind the rate for a backslash whatever it is; here it is one."""
    meter = LineMeter(make_station=Stations())
    client = client_of(meter)
    answer = client.standard_readout()
    assert (client.identification, client.switchover_baudrate) == ("2ZMG405260b.P01", 9600)
    assert {data_set.address: data_set.value for data_set in answer.data}["1.8.0"] == "000102.28"


def test_the_client_gets_the_meters_errors(client: BenchClient) -> None:
    client.access_programming_mode()
    client.rest()
    assert client.read_single_value("9.9.9").value == "ERR02"
    client.rest()
    with pytest.raises(ValueError, match="invalid response"):
        client.write_single_value("C.61.5", "20")


def test_its_own_password_method_never_gets_as_far_as_the_line(client: BenchClient) -> None:
    """When this fails, a new version of the client has mended it and log_in above can go."""
    with pytest.raises((TypeError, ValueError, Iec6205621ParseError)):
        client.send_password()


# --- wrong passwords, at the whole meter -----------------------------------------------------------------------------

_WRONG_IN_A_SESSION = 2  # the third one ends it


def refused(client: BenchClient, password: str) -> bool:
    """Whether a password is answered with an error message, not with ACK."""
    if client.log_in(1, password) == ACK:
        return False
    text = b"".join(client.transport.recv(1) for _ in REFUSED)
    assert text[:-1] == REFUSED[1:], text
    return True


def wait_after(bench: Bench, wrong: int) -> float:
    """For how long the right password is refused after so many wrong ones in a row, s."""
    end = VirtualEnd()
    bench.uarts[0].attach(end)
    client, begin = BenchClient(BenchTransport(end, bench.run, 0.005)), 0.0
    for n in range(wrong):
        if n % _WRONG_IN_A_SESSION == 0:
            if n:
                client.send_break()
                bench.run(0.5)
            end.configure(300)
            client.access_programming_mode()
        bench.run(2.0**n)  # longer than the meter does not look at passwords
        begin = bench.now
        assert refused(client, "wrong")
    while refused(client, "00000000"):
        pass
    waited = bench.now - begin
    client.send_break()
    bench.run(2)
    bench.uarts[0].detach(end)
    return waited


def test_each_wrong_password_in_a_row_makes_the_right_one_wait_twice_as_long() -> None:
    """meter/README.md: 0, 1, 2, 4 .. s in which passwords are not looked at; a good one ends the row."""
    with Bench(seed=1, parameters={"max_attempts": 10}) as bench:
        bench.run(4)
        for wrong, least in ((1, 0), (2, 1), (3, 2), (4, 4)):
            waited = wait_after(bench, wrong)
            assert least <= waited < least + 1.5, (wrong, waited)
        assert [event[2] for event in bench.events()].count(LOG_IN_FAILED) == 1 + 2 + 3 + 4
