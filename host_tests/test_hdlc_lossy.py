"""A line that loses, doubles and spoils frames, in both directions: each APDU arrives exactly once, each answer too."""

from __future__ import annotations

import random

import pytest

from host_tests.hdlc_line import FOUR_BYTES, POLL, SNRM, Client, FakeServer, Frame, Line, command, parameters, parsed

LENGTHS = (32, 33, 62, 64, 100, 127, 128, 129, 248, 255, 256, 257, 512, 1024, 2030)
LARGEST = {"max_info_tx": 2030, "max_info_rx": 2030, "window_tx": 7, "window_rx": 7}


def answer_to(apdu: bytes) -> bytes:
    """As many octets as the first two say."""
    return (apdu[::-1] * (int.from_bytes(apdu[:2], "big") // len(apdu) + 1))[: int.from_bytes(apdu[:2], "big")]


class Lossy:
    """Carries frames between a client and a line's station. `rate`: share of the frames that something happens to."""

    def __init__(self, line: Line, generator: random.Random, rate: float) -> None:
        self.line, self.generator, self.rate = line, generator, rate

    def spoil(self, octets: bytes) -> bytes:
        choice = self.generator.random() / self.rate if self.rate else 1
        if choice >= 1:
            return octets
        if choice < 0.4:
            return b""
        if choice < 0.6:
            return octets * 2
        if choice < 0.8:
            at = self.generator.randrange(len(octets))
            return octets[:at] + bytes((octets[at] ^ 1 << self.generator.randrange(8),)) + octets[at + 1 :]
        return octets[: self.generator.randrange(len(octets))]

    def carry(self, frames: list[Frame]) -> list[Frame]:
        station, line = self.line.station, self.line
        data = b"".join(self.spoil(f.octets()) for f in frames)
        while data:
            size = self.generator.choice((1, 7, 64, 1000))
            station.feed(data[:size], line.now)
            data = data[size:]
        said = [f.octets() for f in line.answer()]
        while not said and 0 <= station.wait_ms(line.now) < 1000:
            line.now += station.wait_ms(line.now)
            said = [f.octets() for f in line.answer()]
        line.now += 200  # the client waits
        heard = []
        for octets in said:
            arrived = self.spoil(octets)
            for part in (arrived[: len(octets)], arrived[len(octets) :]):
                try:
                    heard.append(parsed(part))
                except ValueError:
                    continue
        return heard


def converse(seed: int, rate: float, count: int, info: tuple[int, int], windows: tuple[int, int], largest: int) -> Line:
    """`count` APDUs over a lossy line; info and windows are what the client asks for, transmit and receive."""
    generator = random.Random(seed)
    line = Line(FakeServer(answer_to), **LARGEST)
    client = Client(Lossy(line, generator, rate).carry)
    asked = parameters(info_tx=info[0], info_rx=info[1], window_tx=windows[0], window_rx=windows[1])
    client.connect(asked)
    assert (client.info_tx, client.info_rx, client.window_tx, client.window_rx) == (*info, *windows)
    sent = []
    for _ in range(count):
        size = generator.randrange(2, largest)
        sent.append(generator.randrange(1, largest).to_bytes(2, "big") + generator.randbytes(size))
        assert client.exchange(sent[-1], lambda: generator.random() < 0.5) == answer_to(sent[-1])
    assert [apdu for _, _, apdu in line.server.requests] == sent
    client.disconnect()
    assert not line.station.active
    return line


@pytest.mark.parametrize("window_tx", range(1, 8))
@pytest.mark.parametrize("window_rx", range(1, 8))
def test_every_apdu_arrives_once_in_any_windows(window_tx: int, window_rx: int) -> None:
    converse(10 * window_tx + window_rx, 0.2, 12, (64, 64), (window_tx, window_rx), 1500)


@pytest.mark.parametrize("length", LENGTHS)
def test_every_apdu_arrives_once_in_frames_of_any_length(length: int) -> None:
    other = LENGTHS[-1 - LENGTHS.index(length)]
    converse(length, 0.2, 6, (length, other), (3, 5), 4000)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5])
def test_every_apdu_arrives_once_on_good_and_very_bad_lines(rate: float) -> None:
    line = converse(1, rate, 40, (128, 128), (1, 1), 600)
    if rate == 0:
        assert line.station.lost == 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
def test_every_apdu_arrives_once_in_long_conversations(seed: int) -> None:
    generator = random.Random(seed)
    for n in range(30):
        windows = generator.randrange(1, 8), generator.randrange(1, 8)
        info = generator.randrange(32, 2031), generator.randrange(32, 2031)
        converse(1000 * seed + n, generator.choice((0.02, 0.1, 0.3)), 20, info, windows, 4900)


@pytest.mark.parametrize("length", [*range(32, 2031, 61), 2030])
def test_apdus_around_the_ends_of_segments(length: int) -> None:
    """An answer that just fills a number of frames, or has one octet more or less; LLC header included."""
    line = Line(FakeServer(answer_to), **LARGEST)
    line.say(command(SNRM | POLL, parameters(info_rx=length, info_tx=length, window_rx=7, window_tx=7)))
    for n, size in enumerate((length - 4, length - 3, length - 2, 2 * length - 4, 2 * length - 3, 2 * length - 2)):
        client = Client(lambda frames: line.say(*frames), FOUR_BYTES)
        client.connect(parameters(info_rx=length, info_tx=length, window_rx=7, window_tx=7))
        assert client.exchange(size.to_bytes(2, "big")) == answer_to(size.to_bytes(2, "big"))
        assert client.polls == 2
        client.exchange(bytes((0, 1)) + bytes(size - 2))
        assert len(line.server.requests[-1][2]) == size and len(line.server.requests) == 2 * n + 2
