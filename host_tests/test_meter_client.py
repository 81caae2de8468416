"""The meter client where no meter is needed: codes, values, log-ins, and what it says when something is wrong."""

import os
import pty
import socket
import struct
import threading
import time
import tty
from datetime import datetime, timedelta, timezone

import pytest
from gurux_dlms import GXDateTime
from gurux_dlms.enums import DataType

from tools.meter import Client, Login, MeterError, Serial, Tcp
from tools.meter.__main__ import main
from tools.meter.client import fits, from_list
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
    assert parse("-128", DataType.INT8) == -128
    assert parse("65535", DataType.UINT16) == 65535
    assert parse("00ff", DataType.OCTET_STRING) == b"\x00\xff"
    assert parse("true", DataType.BOOLEAN) is True
    assert parse("abc", DataType.STRING) == "abc"
    for text, data_type in (
        ("x", DataType.UINT8),
        ("256", DataType.UINT8),
        ("-1", DataType.UINT32),
        ("-129", DataType.INT8),
        ("1.5", DataType.INT16),
        ("x", DataType.FLOAT32),
        ("012", DataType.BITSTRING),
        ("0", DataType.OCTET_STRING),
        ("2", DataType.BOOLEAN),
        ("1", DataType.ARRAY),
    ):
        with pytest.raises(ValueError):
            parse(text, data_type)


def test_a_time_without_zone_is_utc():
    assert moment("2026-03-01T12:00") == datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    assert moment("2026-03-01T12:00Z") == datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
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


def test_a_meter_has_its_reaction_time_before_each_sign_on():
    name, received, thread = _scripted_meter([(b"/?!\r\n", b"/LGZ5ZMG405260b.P01\r\n")])
    begin = time.monotonic()
    with pytest.raises(NoAnswer, match="no HDLC"):
        Serial(name).open()
    assert time.monotonic() - begin >= 0.2  # IEC 62056-21, for all meters but those that say they need less
    thread.join(5)
    assert received == [b"/?!\r\n"]


def test_a_meter_without_mode_e_is_told_from_one_that_is_silent():
    name, _, _ = _scripted_meter([(b"/?!\r\n", b"/LGZ5ZMG405260b.P01\r\n")])
    with pytest.raises(NoAnswer, match="no HDLC"):
        Serial(name).open()


ANY = ["--tcp", "localhost:1"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*ANY, "list"], "no connection to localhost:1: Connection refused"),
        (["--tcp", "nowhere.invalid", "list"], "no connection to nowhere.invalid:4059: "),
        (["--serial", "/dev/none", "list"], "cannot open /dev/none at 300 Bd: No such file or directory"),
        (["--serial", "wrong://none", "list"], "cannot open wrong://none"),
        (["--serial", "/dev/none", "--baud", "100", "list"], "baud: 100 is less than 300; usual are 300, 600, 1200"),
        (["--serial", "/dev/none", "--client", "127", "list"], "client: 127 is not 1..126"),
        (["--serial", "/dev/none", "--server", "16383", "list"], "server: 16383 is not 1..16382"),
        ([*ANY, "--client", "0", "list"], "client: 0 is not 1..65535"),
        ([*ANY, "--client", "65536", "list"], "client: 65536 is not 1..65535"),
        ([*ANY, "--server", "-1", "list"], "server: -1 is not 1..65535"),
        ([*ANY, "--counter", "-1", "list"], "counter: -1 is not 0..4294967295"),
        ([*ANY, "--encryption-key", "00", "list"], "encryption key: 16 bytes, not 1"),
        ([*ANY, "--level", "1", "--mechanism", "lls", "read", "1.8.0"], "needs a password, see --password"),
        ([*ANY, "--objects", "/dev/none", "read", "1.8.0"], "/dev/none"),
        ([*ANY, "--objects", __file__, "read", "1.8.0"], "is no object list: make one with `--json ... list`"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_2(capsys, words, says):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tcp", "localhost:abc", "list"], "--tcp: 'localhost:abc': HOST:PORT with a port of 1..65535"),
        (["--tcp", "localhost:70000", "list"], "HOST:PORT with a port of 1..65535"),
        ([*ANY, "--timeout", "0", "list"], "--timeout: '0' is no number of seconds above 0"),
        ([*ANY, "--timeout", "nan", "list"], "--timeout: 'nan'"),
        ([*ANY, "--encryption-key", "zz", "list"], "--encryption-key: 'zz': hexadecimal digits, two for a byte"),
        ([*ANY, "--title", "0", "list"], "--title: '0': hexadecimal digits, two for a byte"),
        ([*ANY, "profile", "99.1.0", "--entries", "1"], "--entries: '1': FIRST:COUNT, both from 1, as in 1:10"),
        ([*ANY, "profile", "99.1.0", "--entries", "0:5"], "FIRST:COUNT, both from 1"),
        ([*ANY, "profile", "99.1.0", "--entries", "1:x"], "FIRST:COUNT, both from 1"),
        ([*ANY, "profile", "99.1.0", "--from", "29.3.2026"], "--from: '29.3.2026' is no time: now, 2026-03-29, "),
        ([*ANY, "clock", "--set", "yesterday"], "--set: 'yesterday' is no time: now, 2026-03-29, "),
    ],
)
def test_a_word_that_is_none_is_told_with_what_it_must_be(capsys, words, says):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_is_closed_at_once_is_told(capsys, reset):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def turn_away():
            client, _ = server.accept()
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        thread = threading.Thread(target=turn_away)
        thread.start()
        assert main(["--tcp", f"127.0.0.1:{server.getsockname()[1]}", "read", "1.8.0"]) == 2
        thread.join()
    assert capsys.readouterr().err.startswith("error: the meter has closed the connection (")


@pytest.mark.parametrize("code", ["3/1.8.0", "x/1-1:1.8.0", "70000/1-1:1.8.0", "3/1-1-1:1.8.0", "3/1-1:1.8.300"])
def test_what_is_no_class_and_code_is_refused_with_a_word(code):
    with pytest.raises(MeterError, match="as in 3/1-1:1.8.0|no OBIS code|no part of an OBIS code"):
        Client(Tcp("localhost")).find(code)


@pytest.mark.parametrize(
    "given", [{}, [1], [{"class": 3}], [{"class": 3, "name": "1.8.0", "version": 0, "short_name": 0}]]
)
def test_what_is_no_object_list_is_refused(given):
    with pytest.raises(ValueError, match="no object list"):
        from_list([given] if given == {} else given)
