"""The bench's programming client: what it says, and what it makes of a line that spoils things."""

from __future__ import annotations

import select
import time

import pytest

from host_tests.iec_meter import LineMeter, assert_readout
from host_tests.iec_objects import ACK, NAK, P0, P1, READ, SIGN_OFF, Objects, error
from meter.access import Refused
from meter.comms.answers import Whole
from tools.bench.iec_client import IecError, IecProgrammer, IecReader, IecRefused
from tools.bench.iec_messages import command
from tools.bench.uart import FROM_METER, TO_METER
from tools.bench.uart_ends import PtyEnd
from tools.calibrate.serial_end import SerialEnd


class Recorded(LineMeter):
    """Notes what the client says."""

    def __init__(self, **options: object) -> None:
        self.objects = Objects()
        super().__init__(access=self.objects, **options)  # type: ignore[arg-type]
        self.said: list[bytes] = []
        write = self.end.write

        def note(data: bytes, baud: int | None = None, frame: str | None = None) -> None:
            self.said.append(data)
            write(data, baud, frame)

        self.end.write = note  # type: ignore[method-assign]


def client_of(meter: LineMeter) -> IecProgrammer:
    return IecProgrammer(meter.end, meter.run)


def test_says_what_the_standard_says() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on("00000000", 1)
    assert client.read("1.8.0") == "000102.28*kWh"
    client.write("C.61.5", "20")
    assert client.read("C.61.5") == "20"
    client.close()
    assert meter.said[:4] == [b"/?!\r\n", b"\x06051\r\n", P1, READ]
    assert meter.said[-1] == SIGN_OFF
    assert (client.repeats, meter.core.state, meter.line.baud) == (0, 0, 300)
    assert meter.objects.writes == [("C.61.5", "20", 1)]


@pytest.mark.parametrize("z", "0123456")
def test_works_at_every_rate_again_and_again(z: str) -> None:
    meter = Recorded(ident=f"/LGZ{z}X", address="12345678")
    client = client_of(meter)
    for _ in range(2):
        client.sign_on("22222222", 2, address="12345678")
        client.write("C.61.5", "99")
        client.close()
    assert len(meter.objects.writes) == 2
    assert len(IecReader(meter.end, meter.run).readout()) == 5


def test_a_lower_rate_can_be_chosen_and_reading_needs_no_password() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on(rate_character="0")
    assert client.read("1.8.0") == "000102.28*kWh"
    assert meter.sent[-1].baud == 300
    assert meter.objects.log_ins == []


def test_signing_on_ends_the_session_before() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on("22222222", 2)
    client.sign_on("00000000", 1)
    with pytest.raises(IecRefused):
        client.write("C.61.5", "99")


def test_refusals_carry_the_meters_text() -> None:
    client = client_of(Recorded())
    client.sign_on()
    for code, text in (("9.9.9", "ERR02"), ("", "ERR03")):
        with pytest.raises(IecRefused, match=text) as caught:
            client.read(code)
        assert caught.value.text == text
    with pytest.raises(IecRefused, match=r"W1 C.61.5\(20\): the meter says \(ERR04\)"):
        client.write("C.61.5", "20")
    assert client.read("C.61.5") == "8"


def test_a_wrong_password_ends_the_session_and_is_not_repeated_in_the_complaint() -> None:
    meter = Recorded()
    with pytest.raises(IecRefused) as caught:
        client_of(meter).sign_on("12345678", 2)
    assert str(caught.value) == "P2: the meter says (ERR04)"
    assert (meter.core.state, meter.line.baud) == (0, 300)
    assert_readout(meter)


def test_commands_without_a_session_are_an_error() -> None:
    meter = Recorded()
    client = client_of(meter)
    with pytest.raises(IecError, match="sign on first"):
        client.read("1.8.0")
    client.close()
    assert meter.said == []


def test_a_session_that_has_timed_out_is_noticed_and_can_be_begun_anew() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on("00000000", 1)
    meter.run(61)
    with pytest.raises(IecError, match="no answer"):
        client.read("1.8.0")
    client.sign_on("00000000", 1)
    assert client.read("1.8.0") == "000102.28*kWh"


def test_a_meter_that_signs_off_is_noticed() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on()
    assert meter.core._session is not None
    meter.core._session.answer = lambda body, now: Whole(SIGN_OFF)  # type: ignore[method-assign]
    with pytest.raises(IecError, match="R1: the meter has ended the session"):
        client.read("1.8.0")
    with pytest.raises(IecError, match="sign on first"):
        client.read("1.8.0")


def test_a_meter_without_programming_mode_is_noticed() -> None:
    meter = LineMeter()
    with pytest.raises(IecError):
        client_of(meter).sign_on("00000000", 1)
    meter.run(20)
    assert_readout(meter)


@pytest.mark.parametrize("damage", ["drop", "undetected"])
@pytest.mark.parametrize("direction", [TO_METER, FROM_METER])
@pytest.mark.parametrize("place", range(14))
@pytest.mark.parametrize("z", "05")
def test_a_spoilt_message_is_sent_again(damage: str, direction: str, place: int, z: str) -> None:
    meter = Recorded(ident=f"/LGZ{z}X")
    client = client_of(meter)
    client.sign_on("00000000", 1)
    if damage == "drop":
        meter.line.drop(direction, skip=place)
    else:
        meter.line.flip(direction, mask=3, skip=place)
    client.write("C.61.5", "20")
    assert client.read("1.8.0") == "000102.28*kWh"
    assert set(meter.objects.writes) == {("C.61.5", "20", 1)}


def test_gives_up_after_three_repeats() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on()
    count = len(meter.said)
    meter.line.flip(FROM_METER, mask=3, count=10_000)
    with pytest.raises(IecError, match="R1: no answer: "):
        client.read("1.8.0")
    assert (client.repeats, meter.said[count:]) == (3, [READ, NAK, NAK, NAK])


def test_gives_up_when_the_meter_does_not_understand() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on()
    meter.line.flip(TO_METER, mask=3, count=10_000, skip=5)
    with pytest.raises(IecError, match=r"does not understand|no answer"):
        client.read("1.8.0")


@pytest.mark.parametrize("answer", [b"\x029.8.0(1)\x03", b"\x021.8.0(1\x03", b"\x02\x03", ACK])
def test_answers_that_fit_nothing_are_refused(answer: bytes) -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on()
    assert meter.core._session is not None
    check = 0
    for char in answer[1:]:
        check ^= char
    message = answer if answer == ACK else answer + bytes([check])
    meter.core._session.answer = lambda body, now: Whole(message)  # type: ignore[method-assign]
    with pytest.raises(IecError):
        client.read("1.8.0")


def test_commands_are_the_standards_bytes() -> None:
    assert command("P1", "(00000000)") == P1
    assert command("R1", "1.8.0()") == READ
    assert command("B0") == bytes.fromhex("0142300371")
    assert command("P0", "()") == P0


def test_the_third_wrong_password_is_noticed_as_the_end() -> None:
    meter = Recorded()
    client = client_of(meter)
    client.sign_on()
    for _ in range(2):
        with pytest.raises(IecRefused):
            client._change("P1", "(1)")
    with pytest.raises(IecError, match="ended the session"):
        client._change("P1", "(1)")


def test_works_over_a_serial_port_of_this_computer_in_real_time() -> None:
    meter = Recorded()
    terminal = PtyEnd()
    meter.line.attach(terminal)
    port = SerialEnd(terminal.path)
    begin = time.monotonic()

    def run(seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            if select.select([terminal], [], [], 0.002)[0]:
                terminal.on_readable(meter.now)
            meter.run(max(0.0, time.monotonic() - begin - meter.now / 1e9))
            if time.monotonic() >= until:
                return

    try:
        client = IecProgrammer(port, run)
        client.sign_on("00000000", 1)
        client.write("C.61.5", "20")
        assert client.read("1.8.0") == "000102.28*kWh"
        client.close()
    finally:
        port.close()
        terminal.close()
    assert (meter.objects.writes, meter.sent[-1].baud, meter.line.baud) == ([("C.61.5", "20", 1)], 9600, 300)


def test_errors_of_the_meter_have_the_form_of_the_fact_sheet() -> None:
    assert error(4)[:-1] == b"\x02(ERR04)\x03"
    assert Refused("ERR04").text == "ERR04"
