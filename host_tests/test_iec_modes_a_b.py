"""IEC 62056-21 modes A and B: data without an option select, at 300 Bd or at a rate that the meter takes by itself."""

from __future__ import annotations

import pytest

from host_tests.iec_meter import MS, REQUEST, STANDARD_VALUES, LineMeter, assert_readout, values
from host_tests.iec_objects import ACK, ANSWER, NAK, P1, READ, SIGN_OFF, Objects, ask, message
from tools.bench.iec_client import Identification, IecReader

RATES = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}


def test_mode_a_sends_data_right_behind_the_identification_at_300_baud() -> None:
    meter = LineMeter(iec_mode="A")
    meter.say(REQUEST)
    meter.run(12)
    identification, data = meter.sent
    assert identification.data == b"/LGZZZMG405260b.P01\r\n"
    assert Identification.parse(identification.data).mode == "A"
    assert (identification.baud, data.baud) == (300, 300)
    assert 0 <= data.begin_ns - identification.end_ns < 20 * MS
    assert values(data.data) == STANDARD_VALUES


@pytest.mark.parametrize(("digit", "letter"), ["1A", "2B", "3C", "4D", "5E", "6F"])
def test_mode_b_changes_to_the_rate_it_has_told(digit: str, letter: str) -> None:
    meter = LineMeter(f"/LGZ{digit}ZMG405260b.P01", iec_mode="B")
    meter.say(REQUEST)
    meter.run(1)
    while len(meter.sent) < 2:
        meter.run(0.1)
    identification, data = meter.sent
    assert identification.data == b"/LGZ" + letter.encode() + b"ZMG405260b.P01\r\n"
    assert (identification.baud, data.baud) == (300, RATES[letter])
    assert 200 * MS < data.begin_ns - identification.end_ns <= 260 * MS
    assert values(data.data) == STANDARD_VALUES


def test_mode_b_at_300_baud_is_mode_a() -> None:
    meter = LineMeter("/LGZ0ZMG405260b.P01", iec_mode="B")
    assert len(IecReader(meter.end, meter.run).readout()) == 5
    assert [sent.baud for sent in meter.sent] == [300, 300]


@pytest.mark.parametrize("mode", "AB")
def test_the_benchs_reader_reads_again_and_again(mode: str) -> None:
    meter = LineMeter(iec_mode=mode)
    reader = IecReader(meter.end, meter.run)
    for _ in range(2):
        assert [len(reader.readout()), meter.line.baud] == [5, 300]
    assert len(meter.sent) == 4


@pytest.mark.parametrize(("mode", "baud"), [("A", 300), ("B", 9600)])
def test_nak_brings_the_same_data_again_and_silence_ends_the_session(mode: str, baud: int) -> None:
    meter = LineMeter(iec_mode=mode)
    meter.say(REQUEST)
    meter.run(1.2)
    meter.run((meter.sent[-1].end_ns - meter.now) / 1e9 + 0.3 if len(meter.sent) > 1 else 10)
    data = meter.sent[1]
    meter.say(NAK, baud)
    meter.run((data.end_ns - data.begin_ns) / 1e9 + 0.5)
    assert [sent.data for sent in meter.sent[2:]] == [data.data]
    meter.run(2)
    assert (meter.core.state, meter.line.baud) == (0, 300)


@pytest.mark.parametrize(("mode", "baud"), [("A", 300), ("B", 9600)])
def test_a_command_right_behind_the_data_begins_programming_mode(mode: str, baud: int) -> None:
    """Without P0: the modes without option select begin with the client's first command."""
    objects = Objects()
    meter = LineMeter(iec_mode=mode, access=objects)
    meter.say(REQUEST)
    while len(meter.sent) < 2:
        meter.run(0.1)
    meter.run((meter.sent[-1].end_ns - meter.now) / 1e9)
    assert ask(meter, P1, baud) == ACK
    assert ask(meter, READ, baud) == ANSWER
    assert ask(meter, message("W1", "C.61.5(20)"), baud) == ACK
    assert objects.writes == [("C.61.5", "20", 1)]
    assert ask(meter, SIGN_OFF, baud) == b""
    assert (meter.core.state, meter.line.baud) == (0, 300)
    meter.parameters.iec_mode = "C"
    assert_readout(meter)


def test_half_a_command_behind_the_data_is_forgotten_and_a_nak_has_nothing_to_repeat() -> None:
    meter = LineMeter(iec_mode="B", access=Objects())
    meter.say(REQUEST)
    meter.run(2)
    meter.say(b"\x01W1", 9600)
    meter.run(2)
    assert ask(meter, NAK) == b""
    assert ask(meter, READ) == ANSWER


@pytest.mark.parametrize("mode", "AB")
def test_without_programming_mode_a_command_is_passed_over(mode: str) -> None:
    meter = LineMeter(iec_mode=mode)
    meter.say(REQUEST)
    meter.run(12)
    meter.say(P1)
    meter.run(3)
    assert len(meter.sent) == 2
    assert meter.core.state == 0
