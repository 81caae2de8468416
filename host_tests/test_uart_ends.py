"""The ends of a serial line that real clients use: the pseudo-terminal and the TCP port."""

from __future__ import annotations

import os
import select
import socket
import termios
import time
from collections.abc import Iterator

import pytest
import serial

from host_tests.test_uart_model import REQUEST, arrivals, near
from tools.bench.uart import PtyEnd, TcpEnd, UartLine, WatchedEnd

# --- pseudo-terminal ---------------------------------------------------------------------------------------------


@pytest.fixture
def pty() -> Iterator[tuple[UartLine, PtyEnd]]:
    line, end = UartLine(), PtyEnd()
    line.attach(end)
    yield line, end
    line.close()


def serve(line: UartLine, end: WatchedEnd, seconds: float = 1) -> bytes:
    """Let the bench look at the end, then let `seconds` of bench time pass; what the meter has received."""
    while select.select([end.fileno()], [], [], 0.05)[0]:
        end.on_readable(line.now)
    line.advance(line.now + round(seconds * 1e9))
    return line.read(1000)


def open_client(end: PtyEnd, baud: int = 300, **how: object) -> serial.Serial:
    how = {"bytesize": 7, "parity": "E", "stopbits": 1, "timeout": 0.5, **how}
    return serial.Serial(end.path, baud, **how)


def test_pty_client_talks_and_listens_at_its_rate(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end) as client:
        client.write(REQUEST)
        assert serve(line, end) == REQUEST
        line.transmit(b"/LGZ5X\r\n", line.now)
        line.advance(line.now + 10**9)
        assert client.read(8) == b"/LGZ5X\r\n"


def test_pty_characters_take_their_time(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end) as client:
        client.write(b"12")
        select.select([end.fileno()], [], [], 1)
        end.on_readable(line.now)
        begin = line.now
        assert [t - begin for t, _ in arrivals(line, begin + 10**9)] == near([10**10 / 300, 2 * 10**10 / 300])


def test_pty_client_on_the_wrong_rate_gets_nothing_usable(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end, 9600) as client:
        client.write(REQUEST)
        assert b"/" not in serve(line, end)
        line.transmit(b"/LGZ5X\r\n", line.now)
        line.advance(line.now + 10**9)
        assert b"LGZ" not in client.read(100)
        client.baudrate = 300
        client.write(REQUEST)
        assert serve(line, end) == REQUEST


def test_pty_follows_a_client_that_opens_again_at_the_new_rate(pty: tuple[UartLine, PtyEnd]) -> None:
    """As the PyPI client does: it opens the port a second time before it lets go of the first."""
    line, end = pty
    first = open_client(end)
    first.write(b"\x06050\r\n")
    assert serve(line, end) == b"\x06050\r\n"
    second = open_client(end, 9600)
    first.close()
    line.configure(9600, 7, 0, 1, line.now)
    line.transmit(b"data", line.now)
    line.advance(line.now + 10**9)
    assert second.read(4) == b"data"
    second.close()


def test_pty_can_be_opened_again_and_again_with_the_same_settings(pty: tuple[UartLine, PtyEnd]) -> None:
    """C libraries refuse a request of which the kernel takes nothing, such as 7E1 at the rate it has already."""
    line, end = pty
    for _ in range(3):
        with open_client(end) as client:
            client.write(REQUEST)
            assert serve(line, end) == REQUEST
    for _ in range(3):
        with open_client(end) as client:  # in the same millisecond
            client.write(REQUEST)
            select.select([end.fileno()], [], [], 1)
            end.on_readable(line.now)
    for _ in range(3):
        open_client(end).close()  # without a word
        serve(line, end, 0.01)
        serve(line, end, 0.03)


def test_pty_accepts_parity_made_by_software_and_checks_it(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end, bytesize=8, parity="N") as client:
        client.write(bytes.fromhex("AF3F218D0A"))
        assert serve(line, end) == REQUEST
        client.write(bytes.fromhex("B1B2B3"))  # 1 and 2 with their parity, 3 with a wrong one
        assert serve(line, end) == b"12"


def test_pty_clients_eight_bits_pass_when_the_meter_uses_eight(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    line.configure(9600, 8, None, 1, 0)
    with open_client(end, 9600, bytesize=8, parity="N") as client:
        client.write(bytes.fromhex("7EA0FF7E"))
        assert serve(line, end) == bytes.fromhex("7EA0FF7E")
        line.transmit(bytes.fromhex("7EA0FF7E"), line.now)
        line.advance(line.now + 10**9)
        assert client.read(4) == bytes.fromhex("7EA0FF7E")


def test_pty_two_stop_bits_take_longer(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end, stopbits=2) as client:
        client.write(b"12")
        select.select([end.fileno()], [], [], 1)
        end.on_readable(0)
        assert [t for t, _ in arrivals(line, 10**9)] == near([10**10 / 300, 21 * 10**9 / 300])


def test_pty_client_with_an_impossible_rate_sends_nothing(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    with open_client(end, 230400) as client:
        client.write(REQUEST)
        assert serve(line, end) == b""
        assert end.lost == 5


def test_pty_without_a_client_or_with_one_that_does_not_read_holds_nothing_up(pty: tuple[UartLine, PtyEnd]) -> None:
    line, end = pty
    line.configure(19200, 7, 0, 1, 0)
    client = open_client(end, 19200)
    serve(line, end, 0.1)
    begin = time.monotonic()
    for _ in range(60):
        line.transmit(b"x" * 2000, line.now)
        line.advance(line.now + 2 * 10**9)
    assert end.lost > 0
    client.close()
    assert not select.select([end.fileno()], [], [], 0.02)[0]  # a closed client does not make the descriptor spin
    assert time.monotonic() - begin < 10
    with open_client(end, 19200) as client:
        client.reset_input_buffer()
        client.write(b"ok")
        assert serve(line, end) == b"ok"


def test_pty_shows_the_client_a_raw_terminal(pty: tuple[UartLine, PtyEnd]) -> None:
    """Even one that sets nothing, such as `cat`, gets characters unchanged and no echo."""
    line, end = pty
    fd = os.open(end.path, os.O_RDWR | os.O_NOCTTY)
    try:
        attributes = termios.tcgetattr(fd)
        attributes[4] = attributes[5] = termios.B300
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
        os.write(fd, b"a\r\n\x03")
        assert serve(line, end) == b"a\r\n\x03"
        assert not select.select([fd], [], [], 0.02)[0]
    finally:
        os.close(fd)


# --- TCP ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tcp() -> Iterator[tuple[UartLine, TcpEnd]]:
    line, end = UartLine(), TcpEnd()
    line.attach(end)
    yield line, end
    line.close()


def test_tcp_client_has_the_meters_rate_whatever_it_is(tcp: tuple[UartLine, TcpEnd]) -> None:
    line, end = tcp
    with socket.create_connection(("127.0.0.1", end.port), timeout=2) as client:
        for baud in (300, 9600):
            line.configure(baud, 7, 0, 1, line.now)
            client.sendall(REQUEST)
            assert serve(line, end) == REQUEST
            line.transmit(b"answer", line.now)
            line.advance(line.now + 10**9)
            assert client.recv(100) == b"answer"


def test_tcp_client_that_makes_parity_itself_gets_it_and_the_next_request_or_client_tells_anew(
    tcp: tuple[UartLine, TcpEnd],
) -> None:
    line, end = tcp

    def answer_to(client: socket.socket, request: bytes) -> bytes:
        client.sendall(request)
        assert serve(line, end) == bytes(c & 0x7F for c in request)
        line.transmit(b"/LGZ5X\r\n", line.now)
        line.advance(line.now + 10**9)
        return client.recv(100)

    for _ in range(2):
        with socket.create_connection(("127.0.0.1", end.port), timeout=2) as client:
            assert answer_to(client, b"#") == b"/LGZ5X\r\n"
            assert answer_to(client, bytes.fromhex("AF3F218D0A")) == bytes.fromhex("AFCC475A35D88D0A")
            assert answer_to(client, bytes.fromhex("06B235B28D0A")) == bytes.fromhex("AFCC475A35D88D0A")
            assert answer_to(client, REQUEST) == b"/LGZ5X\r\n"
            assert answer_to(client, bytes.fromhex("AF3F218D0A")) == bytes.fromhex("AFCC475A35D88D0A")
            line.configure(9600, 8, None, 1, line.now)
            client.sendall(b"\xaf/~")
            assert serve(line, end) == b"\xaf/~"
            line.transmit(b"~/\xff", line.now)
            line.advance(line.now + 10**9)
            assert client.recv(100) == b"~/\xff"
            line.configure(300, 7, 0, 1, line.now)
        serve(line, end)


def test_ends_are_opened_by_their_names() -> None:
    line = UartLine()
    pty, tcp = line.open_ports()
    try:
        assert line.open_ends() == [pty, tcp]
        for end in line.open_ends():
            with serial.serial_for_url(end.name, 300) as client:
                client.write(REQUEST)
                assert serve(line, end) == REQUEST
    finally:
        line.close()
    assert line.ends == []


def test_tcp_listens_on_the_loopback_only(tcp: tuple[UartLine, TcpEnd]) -> None:
    assert tcp[1]._server.getsockname()[0] == "127.0.0.1"


def test_tcp_takes_one_client_at_a_time_and_the_next_after_it(tcp: tuple[UartLine, TcpEnd]) -> None:
    line, end = tcp
    first = socket.create_connection(("127.0.0.1", end.port), timeout=2)
    serve(line, end)
    second = socket.create_connection(("127.0.0.1", end.port), timeout=2)
    serve(line, end)
    with second, second.makefile("rb") as told:
        assert told.read() == b"Port already in use\r\n"  # as ser2net says it, and refused
    first.sendall(b"1")
    assert serve(line, end) == b"1"
    first.close()
    serve(line, end)
    line.transmit(b"lost", line.now)
    line.advance(line.now + 10**9)
    assert end.lost == 4
    with socket.create_connection(("127.0.0.1", end.port), timeout=2) as third:
        third.sendall(b"3")
        assert serve(line, end) == b"3"


def test_tcp_client_that_resets_its_connection_is_dropped(tcp: tuple[UartLine, TcpEnd]) -> None:
    line, end = tcp
    client = socket.create_connection(("127.0.0.1", end.port), timeout=2)
    serve(line, end)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    for _ in range(3):
        line.transmit(b"anybody?", line.now)
        serve(line, end)
    assert not select.select([end.fileno()], [], [], 0.02)[0]
