"""The meter client where no meter is needed: codes, values, log-ins, and what it says when something is wrong."""

import os
import pty
import threading
import tty
from datetime import datetime, timedelta, timezone

import pytest
from gurux_dlms import GXDateTime
from gurux_dlms.enums import DataType

from tools.meter import Login, MeterError, Serial
from tools.meter.__main__ import main
from tools.meter.client import fits
from tools.meter.transport import NoAnswer
from tools.meter.values import moment, parse, plain


@pytest.mark.parametrize(
    ("code", "logical_name", "same"),
    [
        ("1.8.0", "1.1.1.8.0.255", True),
        ("1-1:1.8.0", "1.1.1.8.0.255", True),
        ("1-0:1.8.0", "1.1.1.8.0.255", False),
        ("1.8.0", "1.1.1.8.1.255", False),
        ("1.8.0", "1.1.1.8.0.3", False),
        ("1.1.1.8.0.3", "1.1.1.8.0.3", True),
        ("F.F", "0.0.97.97.0.255", True),
        ("C.7.0", "0.0.96.7.0.255", True),
        ("P.01", "1.0.99.1.0.255", True),
        ("0-0:1.0.0", "0.0.1.0.0.255", True),
    ],
)
def test_short_codes_name_objects_as_the_standard_prints_them(code, logical_name, same):
    assert fits(code, logical_name) is same


@pytest.mark.parametrize("code", ["", "1", "1.8.0.0", "1.8.x", "300.8.0", "a-b:1.8.0"])
def test_what_is_no_code_is_refused_with_a_word(code):
    with pytest.raises(MeterError):
        fits(code, "1.1.1.8.0.255")


def test_values_become_json():
    when = datetime(2026, 3, 29, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert plain([bytearray(b"\x00\xff"), 3, "x", None, True, {"a": b"\x01"}]) == [
        "00ff",
        3,
        "x",
        None,
        True,
        {"a": "01"},
    ]
    assert plain(GXDateTime(when)) == when.isoformat()


def test_text_becomes_a_value_of_the_type_that_the_meter_has():
    assert parse("0x10", DataType.UINT16) == 16
    assert parse("00ff", DataType.OCTET_STRING) == b"\x00\xff"
    assert parse("true", DataType.BOOLEAN) is True
    assert parse("abc", DataType.STRING) == "abc"
    for text, data_type in (
        ("x", DataType.UINT8),
        ("0", DataType.OCTET_STRING),
        ("2", DataType.BOOLEAN),
        ("1", DataType.ARRAY),
    ):
        with pytest.raises(ValueError):
            parse(text, data_type)


def test_a_time_without_zone_is_utc():
    assert moment("2026-03-01T12:00") == datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    assert moment("2026-03-01T12:00+01:00") == datetime(2026, 3, 1, 11, tzinfo=timezone.utc)


@pytest.mark.parametrize(("level", "client"), [(0, 16), (1, 32), (2, 48), (3, 64), (4, 80), (5, 96)])
def test_the_level_decides_the_client_address(level, client):
    assert Login(level=level).address == client


@pytest.mark.parametrize(
    "fault",
    [
        {"level": 6},
        {"mechanism": "hls"},
        {"mechanism": "lls"},
        {"protection": "x"},
        {"encryption_key": b"short"},
        {"title": b""},
    ],
)
def test_a_log_in_that_cannot_be_is_refused_before_anything_is_sent(fault):
    with pytest.raises(ValueError):
        Login(**fault)


def _scripted_meter(answers):
    """A pseudo-terminal on which each request (7 bits) gets its answer; returns its name and what was received."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    received = []

    def serve():
        for request, answer in answers:
            got = b""
            while len(got) < len(request):
                got += bytes(byte & 0x7F for byte in os.read(ours, 100))
            received.append(got)
            os.write(ours, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return os.ttyname(theirs), received, thread


def test_mode_e_signs_on_and_goes_to_the_rate_both_can():
    name, received, thread = _scripted_meter(
        [(b"/?!\r\n", b"/LGZ5\\2ZMG405260b.P01\r\n"), (b"\x06252\r\n", b"\x06252\r\n")]
    )
    line = Serial(name, baud=19200)
    line.open()
    thread.join(5)
    assert received == [b"/?!\r\n", b"\x06252\r\n"]
    assert line.identification == "/LGZ5\\2ZMG405260b.P01"
    assert line.rate == 9600
    line.close()


def test_a_meter_without_mode_e_is_told_from_one_that_is_silent():
    name, _, _ = _scripted_meter([(b"/?!\r\n", b"/LGZ5ZMG405260b.P01\r\n")])
    with pytest.raises(NoAnswer, match="no HDLC"):
        Serial(name).open()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tcp", "localhost:1", "list"], "no connection to localhost:1"),
        (["--serial", "/dev/none", "list"], "/dev/none"),
        (["--tcp", "localhost:1", "--level", "1", "--mechanism", "lls", "read", "1.8.0"], "needs a password"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_2(capsys, words, says):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error and error.count("\n") == 1
