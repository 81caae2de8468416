"""A client nobody here wrote (PyPI `iec62056-21`) in programming mode, in bench time.

Its own `send_password` raises (it makes a data set without address and a command type of the wrong Python type), so the
password goes out as a message of its classes; all else is its own methods.
"""

from __future__ import annotations

from typing import Any

import pytest
from iec62056_21 import messages
from iec62056_21.client import Iec6205621Client
from iec62056_21.exceptions import Iec6205621ParseError
from iec62056_21.transports import BaseTransport

from host_tests.iec_meter import LineMeter, assert_readout
from host_tests.iec_objects import Objects
from host_tests.iec_station import Stations


class BenchTransport(BaseTransport):
    """The client's transport on a bench line. Its waits are the bench's."""

    TRANSPORT_REQUIRES_ADDRESS = False

    def __init__(self, meter: LineMeter) -> None:
        super().__init__(timeout=30)
        self._meter = meter
        self._received = b""

    def _send(self, data: bytes) -> None:
        self._meter.say(data, self._meter.end.receiver.baud)

    def _recv(self, chars: int = 1) -> bytes:
        deadline = self._meter.now + 5_000_000_000
        while not self._received:
            assert self._meter.now < deadline, "the meter says nothing"
            self._meter.run(0.001)
            self._received += self._meter.heard()
        first, self._received = self._received[:1], self._received[1:]
        return first

    def switch_baudrate(self, baud: int) -> None:
        self._meter.run(0.5)
        self._meter.end.configure(baud)


class Client(Iec6205621Client):
    """Rests in bench time, and logs in."""

    def rest(self, duration: float | None = None) -> None:
        self.transport._meter.run(duration or self.reaction_time * 1.25)

    def log_in(self, kind: int, password: str) -> str:
        self.rest()
        data = messages.DataSet(address="", value=password)
        self.transport.send(messages.CommandMessage("P", kind, data).to_bytes())
        return str(self._recv_ack())


@pytest.fixture
def meter() -> LineMeter:
    return LineMeter(access=Objects())


@pytest.fixture
def client(meter: LineMeter) -> Client:
    return Client(BenchTransport(meter))


def test_the_client_logs_in_reads_writes_and_signs_off(meter: LineMeter, client: Client) -> None:
    request: Any = client.access_programming_mode()
    assert (request.command, request.command_type, request.data_set.value) == ("P", 0, "")
    assert client.switchover_baudrate == 9600
    assert client.log_in(1, "00000000") == "\x06"
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
    client = Client(transport=BenchTransport(meter))
    answer = client.standard_readout()
    assert (client.identification, client.switchover_baudrate) == ("2ZMG405260b.P01", 9600)
    assert {data_set.address: data_set.value for data_set in answer.data}["1.8.0"] == "000102.28"


def test_the_client_gets_the_meters_errors(client: Client) -> None:
    client.access_programming_mode()
    client.rest()
    assert client.read_single_value("9.9.9").value == "ERR02"
    client.rest()
    with pytest.raises(ValueError, match="invalid response"):
        client.write_single_value("C.61.5", "20")


def test_its_own_password_method_never_gets_as_far_as_the_line(client: Client) -> None:
    """When this fails, a new version of the client has mended it and log_in above can go."""
    with pytest.raises((TypeError, ValueError, Iec6205621ParseError)):
        client.send_password()
