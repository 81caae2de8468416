"""IEC 62056-21 mode E: how the line gets to HDLC and back; and a port that is in HDLC from the start.

The station is a scripted one: the way in and out is the subject, not HDLC.
"""

from __future__ import annotations

import pytest

from host_tests.iec_meter import IDENT, MS, REQUEST, STANDARD_VALUES, LineMeter, assert_readout, option, sign_on, values
from host_tests.iec_station import DISC, INACTIVE_MS, SNRM, UA, Stations
from meter.comms.iec62056_21 import HDLC, IDLE
from meter.comms.port import DirectHdlc

IDENT_E = b"/LGZ5\\2ZMG405260b.P01\r\n"


def meter_in_hdlc(z: str = "5", **setup: object) -> tuple[LineMeter, Stations, int]:
    """A meter that has just confirmed the change to HDLC, its stations and the rate."""
    stations = Stations()
    meter = LineMeter(f"/LGZ{z}ZMG405260b.P01", make_station=stations, **setup)  # type: ignore[arg-type]
    sign_on(meter)
    meter.say(option("2", z, "2"))
    meter.run(0.2 + 8 * 10 / meter.line.baud)
    meter.run(0.05)
    return meter, stations, meter.line.baud


@pytest.mark.parametrize(
    ("z", "choice", "rate"),
    [("5", "063235320D0A", 9600), ("6", "063236320D0A", 19200), ("0", "063230320D0A", 300)],
)
def test_the_change_is_confirmed_at_the_new_rate_in_7e1_and_hdlc_follows_in_8n1(z: str, choice: str, rate: int) -> None:
    stations = Stations()
    meter = LineMeter(f"/LGZ{z}ZMG405260b.P01", make_station=stations)
    sign_on(meter)
    assert meter.sent[0].data == IDENT_E.replace(b"5\\", z.encode() + b"\\")
    out = meter.say(bytes.fromhex(choice))
    meter.run(0.01)
    assert (meter.line.baud, meter.line.frame.bits, meter.line.frame.parity) == (rate, 7, 0)
    meter.end.configure(rate, "7E1")
    meter.heard()
    meter.run(0.25 + 60 / rate)
    assert meter.heard() == bytes.fromhex(choice)
    confirm = meter.sent[1]
    assert 200 * MS <= confirm.begin_ns - out <= 260 * MS
    assert (confirm.baud, [station.baud for station in stations]) == (rate, [rate])
    assert (meter.line.baud, meter.line.frame.bits, meter.line.frame.parity) == (rate, 8, None)
    assert (meter.core.state, meter.core.frame) == (HDLC, "8N1")
    meter.end.configure(rate, "8N1")
    meter.say(SNRM, rate, "8N1")
    meter.run(0.05 + 400 / rate)
    assert stations[0].heard == SNRM
    assert meter.heard() == UA


def test_eight_bits_get_through_both_ways() -> None:
    meter, stations, rate = meter_in_hdlc()
    everything = bytes(range(256))
    meter.end.configure(rate, "8N1")
    meter.heard()
    meter.say(everything + SNRM, rate, "8N1")
    meter.run(0.5)
    assert stations[0].heard == everything + SNRM
    assert meter.heard() == UA


def test_disc_is_answered_in_hdlc_before_the_port_goes_back_to_sign_on() -> None:
    meter, stations, rate = meter_in_hdlc()
    meter.say(SNRM, rate, "8N1")
    meter.run(0.5)
    meter.end.configure(rate, "8N1")
    meter.heard()
    meter.say(DISC, rate, "8N1")
    meter.run(0.5)
    assert meter.heard() == UA
    assert (meter.core.state, meter.line.baud, meter.line.frame.bits) == (IDLE, 300, 7)
    meter.end.configure(300)
    assert_readout(meter)
    assert len(stations) == 1


def test_a_client_that_never_speaks_hdlc_leaves_the_port_ready_for_the_next() -> None:
    meter, stations, _ = meter_in_hdlc()
    meter.run(INACTIVE_MS / 1000 + 0.1)
    assert (meter.core.state, meter.line.baud, meter.line.frame.bits) == (IDLE, 300, 7)
    meter.end.configure(300)
    assert_readout(meter)
    sign_on(meter)
    meter.say(option("2", "5", "2"))
    meter.run(0.5)
    assert len(stations) == 2


def test_iec_messages_in_hdlc_are_the_stations_business() -> None:
    meter, stations, rate = meter_in_hdlc()
    count = len(meter.sent)
    meter.say(REQUEST + b"\x01B0\x03q", rate, "8N1")
    meter.run(2)
    assert stations[0].heard == REQUEST + b"\x01B0\x03q"
    assert len(meter.sent) == count


def test_readout_goes_on_where_mode_e_is_offered() -> None:
    meter = LineMeter(make_station=Stations())
    assert_readout(meter)
    assert meter.sent[0].data == IDENT_E


@pytest.mark.parametrize(
    "choice", [("2", "6", "2"), ("2", "5", "0"), ("2", "5", "1"), ("0", "5", "2"), ("1", "5", "2")]
)
def test_other_choices_do_not_lead_to_hdlc(choice: tuple[str, str, str]) -> None:
    stations = Stations()
    meter = LineMeter(make_station=stations)
    sign_on(meter)
    meter.heard()
    meter.say(option(*choice))
    meter.run(8)
    assert (values(meter.heard()), meter.sent[1].baud, stations) == (STANDARD_VALUES, 300, [])


def test_without_a_station_mode_e_is_neither_offered_nor_done() -> None:
    meter = LineMeter()
    sign_on(meter)
    assert meter.heard() == IDENT
    meter.say(option("2", "5", "2"))
    meter.run(8)
    assert (values(meter.heard()), meter.sent[1].baud) == (STANDARD_VALUES, 300)


def test_modes_a_and_b_do_not_offer_it() -> None:
    for mode in "AB":
        meter = LineMeter(make_station=Stations(), iec_mode=mode)
        meter.say(REQUEST)
        meter.run(1.5)
        assert b"\\" not in meter.sent[0].data


def test_a_fixed_rate_is_kept_in_hdlc_too() -> None:
    stations = Stations()
    meter = LineMeter(make_station=stations, start_rate=19200)
    meter.say(REQUEST, 19200)
    meter.run(0.5)
    meter.say(option("2", "6", "2"), 19200)
    meter.run(0.5)
    assert ([sent.baud for sent in meter.sent], meter.line.baud, len(stations)) == ([19200, 19200], 19200, 1)


def test_clocks_that_wrap_do_not_matter() -> None:
    for before in range(0, 3000, 170):
        meter, stations, rate = meter_in_hdlc(start_ms=(1 << 30) - before)
        meter.say(DISC, rate, "8N1")
        meter.run(0.5)
        assert (meter.core.state, len(stations)) == (IDLE, 1)


def test_a_port_directly_in_hdlc_knows_no_iec_and_goes_on_with_a_new_station() -> None:
    stations = Stations()
    meter = LineMeter()
    meter.core = DirectHdlc(stations, 9600, 0)  # type: ignore[assignment]
    meter.run(0)
    meter.say(REQUEST, 9600, "8N1")
    meter.run(1)
    assert (meter.sent, stations[0].heard) == ([], REQUEST)
    meter.end.configure(9600, "8N1")
    for n in range(2):
        meter.say(SNRM, 9600, "8N1")
        meter.run(0.5)
        assert (meter.heard(), meter.core.active) == (UA, True)
        meter.say(DISC, 9600, "8N1")
        meter.run(0.5)
        assert (meter.heard(), meter.core.active, len(stations)) == (UA, False, n + 2)
    assert (meter.line.baud, meter.line.frame.bits) == (9600, 8)
