"""The reader's end of a line on a serial port, here one side of a pseudo-terminal."""

from __future__ import annotations

import os
import time

import pytest

from tools.calibrate.serial_end import SerialEnd


def test_what_is_written_arrives_and_what_arrives_is_read() -> None:
    meter, client = os.openpty()
    end = SerialEnd(os.ttyname(client))
    try:
        end.configure(9600)
        before = end.line.now
        end.write(b"/?!\r\n")
        assert (end.idle_at() - before) / 1e9 == pytest.approx(5 * 10 / 9600, rel=0.2)
        # an even number of ones in each character, as a request looks on an 8N1 line
        assert os.read(meter, 100) == bytes.fromhex("AF 3F 21 8D 0A")
        assert end.read() == b""
        os.write(meter, bytes.fromhex("AF CC 47 5A 35"))
        deadline = time.monotonic() + 2
        received = b""
        while len(received) < 5 and time.monotonic() < deadline:
            received += end.read()
        assert received == b"/LGZ5"
    finally:
        end.close()
        os.close(meter)
        os.close(client)


def test_a_port_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(OSError):
        SerialEnd("/dev/no-such-port")
