"""What a port makes of its setup: rates offered and fixed, what it calls itself, parity made by software."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from iec62056_21 import messages

from host_tests.iec_meter import IDENT, REQUEST, SETUP, STANDARD, STANDARD_VALUES, LineMeter, option, sign_on, values
from host_tests.iec_objects import ANSWER, READ, Objects, ask, begin
from meter.comms.frames import with_parity
from meter.comms.port_setup import PortSetup, identification, offered_rate
from meter.parameters import Parameters
from tools.bench.uart_wire import Frame

IDENTITY = "/LGZ6ZMG405260b.P01"


def setup(**values: object) -> SimpleNamespace:
    return SimpleNamespace(**{**SETUP, **values})


@pytest.mark.parametrize(
    ("rate_character", "values", "rate"),
    [
        ("6", {}, 19200),
        ("3", {}, 2400),
        ("6", {"max_rate": 9600}, 9600),  # CS
        ("5", {"max_rate": 38400}, 9600),
        ("6", {"max_rate": 38400}, 19200),
        ("5", {"start_rate": 19200}, 19200),
        ("0", {"start_rate": 9600}, 9600),
        ("5", {"start_rate": 38400, "max_rate": 38400}, 19200),  # the highest there is a character for
    ],
)
def test_the_rate_offered_is_what_parameters_and_line_allow(
    rate_character: str, values: dict[str, object], rate: int
) -> None:
    assert offered_rate(f"/LGZ{rate_character}X", setup(**values)) == rate


@pytest.mark.parametrize(
    ("values", "hdlc", "expected"),
    [
        ({}, False, b"/LGZ6ZMG405260b.P01\r\n"),
        ({}, True, b"/LGZ6\\2ZMG405260b.P01\r\n"),  # form of the real /LGZ5\2ZMG405000b.P07
        ({"reaction_ms": 20}, True, b"/LGz6\\2ZMG405260b.P01\r\n"),
        ({"iec_mode": "B"}, True, b"/LGZFZMG405260b.P01\r\n"),
        ({"iec_mode": "B", "max_rate": 600}, False, b"/LGZAZMG405260b.P01\r\n"),
        ({"iec_mode": "A", "reaction_ms": 199}, False, b"/LGzZZMG405260b.P01\r\n"),
    ],
)
def test_the_identification_tells_mode_rate_reaction_and_capability(
    values: dict[str, object], hdlc: bool, expected: bytes
) -> None:
    assert identification(IDENTITY, setup(**values), hdlc) == expected
    parsed = messages.IdentificationMessage.from_bytes(expected)
    assert parsed.switchover_baudrate_char == chr(expected[4])


class Ram:
    """A memory that has never been written."""

    def read_into(self, address: int, buf: bytearray) -> None:
        buf[:] = bytes(len(buf))

    def write(self, address: int, buf: bytes) -> None:
        """Keeps nothing."""


def test_a_ports_own_parameters_are_those_with_its_name() -> None:
    parameters = Parameters(Ram(), {"port2_iec_mode": "B", "port2_start_rate": 38_400, "address": "7"})
    optical = PortSetup(parameters)
    assert (optical.iec_mode, optical.start_rate, optical.max_rate, optical.frame) == ("C", 300, 19_200, "7E1")
    port1, port2 = PortSetup(parameters, "port1", 38_400), PortSetup(parameters, "port2", 9_600)
    assert (port1.iec_mode, port1.start_rate) == ("C", 300)
    assert (port2.iec_mode, port2.start_rate) == ("B", 9_600)  # a current loop can do no more
    assert (port2.address, port2.reaction_ms, port2.changeover_ms) == ("7", 200, 1000)


@pytest.mark.parametrize("rate", [2400, 9600, 19200, 38400])
def test_a_fixed_rate_is_kept_in_all_of_a_session(rate: int) -> None:
    meter = LineMeter(start_rate=rate, max_rate=38400, access=Objects())
    character = {2400: "3", 9600: "5", 19200: "6", 38400: "6"}[rate]
    meter.end.configure(rate)
    meter.say(REQUEST, rate)
    meter.run(0.5)
    meter.say(option(z=character, y="1"), rate)
    meter.run(1.5)
    assert ask(meter, READ, rate) == ANSWER
    meter.say(b"\x01B0\x03q", rate)
    meter.run(0.1)
    meter.say(REQUEST, rate)
    meter.run(0.5)
    meter.say(option(v="1"), rate)  # not supported: the readout at the initial rate, which is this one
    meter.run(2)
    assert {sent.baud for sent in meter.sent} == {rate}
    assert values(meter.sent[-1].data) == STANDARD_VALUES


def test_a_fixed_rate_hears_nothing_at_300_baud() -> None:
    meter = LineMeter(start_rate=9600)
    meter.say(REQUEST, 300)
    meter.run(3)
    assert meter.sent == []


# --- parity ----------------------------------------------------------------------------------------------------------


def test_parity_is_that_of_the_wire() -> None:
    even = Frame(7, 0, 1)
    assert with_parity(bytes(range(128))) == bytes(c | even.parity_bit(c) << 7 for c in range(128))
    assert with_parity(b"\xaf\x21") == b"\xaf\x21"
    assert with_parity(b"/?!\r\n") == bytes.fromhex("AF3F218D0A")  # seen in field code


def test_on_a_channel_of_eight_bits_a_client_is_answered_as_it_asks() -> None:
    """With its parity as bit 7 in all of the session, or without; the next client is another matter."""
    for parity in (True, False, True):
        meter = LineMeter(frame="8N1", access=Objects())

        def form(data: bytes, parity: bool = parity) -> bytes:
            return with_parity(data) if parity else data

        meter.say(form(REQUEST), frame="8N1")
        meter.run(1.2)
        meter.say(form(option(y="1")), frame="8N1")
        meter.run(1.2)
        meter.say(form(READ), 9600, "8N1")
        meter.run(0.5)
        assert [sent.data for sent in meter.sent] == [form(IDENT), form(b"\x01P0\x02()\x03`"), form(ANSWER)]


def test_on_a_channel_of_eight_bits_data_have_their_parity_and_a_request_without_ends_it() -> None:
    meter = LineMeter(frame="8N1")
    meter.say(with_parity(REQUEST), frame="8N1")
    meter.run(1.2)
    meter.say(with_parity(option()), frame="8N1")
    meter.run(2)
    sent = meter.sent[-1].data
    assert values(bytes(c & 0x7F for c in sent)) == STANDARD_VALUES
    assert with_parity(sent) == sent
    assert any(c > 0x7F for c in sent)
    meter.run(2)
    meter.say(REQUEST, frame="8N1")
    meter.run(1.2)
    assert meter.sent[-1].data == IDENT


def test_a_seven_bit_port_needs_no_parity_of_its_own() -> None:
    """On the wire 7E1 and eight bits with the parity as bit 7 are the same."""
    meter = LineMeter()
    meter.end.configure(300, "8N1")
    sign_on(meter)
    assert meter.heard() == with_parity(IDENT)
    assert meter.sent[-1].data == IDENT
    assert begin(LineMeter(access=Objects(), lines=lambda number: STANDARD)) == 9600
