"""Whatever is on the line: the station answers its own polls and nothing else, never fails, and works afterwards."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_tests.hdlc_line import (
    FOUR_BYTES,
    ONE_BYTE,
    POLL,
    UA,
    Client,
    FakeServer,
    Frame,
    Line,
    client_address,
    hdlc_setup,
    parameters,
    parsed,
)
from meter.comms.hdlc import Station

OURS = (ONE_BYTE, b"\x02\x23", FOUR_BYTES)
OTHERS = (b"\x05", b"\xff", b"\x02\x25", b"\x02\xff", b"\x00\x02\x00\x25", b"\x00\x02\xfe\xff", b"\x21", b"\x01")
CLIENTS = (client_address(16), client_address(16), client_address(32), b"\x01", b"\xff", b"\x02\x21", FOUR_BYTES)
CONTROLS = st.sampled_from((0x93, 0x53, 0x11, 0x31, 0x10, 0x32, 0x00, 0x02, 0x13, 0x03, 0x15, 0x73)) | st.integers(
    0, 255
)
INFORMATION = st.one_of(
    st.just(b""),
    st.binary(max_size=140),
    st.binary(max_size=20).map(lambda b: b"\xe6\xe6\x00" + b),
    st.binary(max_size=20).map(lambda b: b"\x81\x80" + b),
    st.just(parameters(info_tx=256, info_rx=256, window_tx=7, window_rx=7)),
)
FRAMES = st.builds(
    Frame, st.sampled_from(OURS * 3 + OTHERS), st.sampled_from(CLIENTS), CONTROLS, INFORMATION, st.booleans()
)
# No whole frame, not even with a neighbour's flag for its own
NOISE = st.one_of(
    st.binary(max_size=30),
    st.just(b"\x7e" * 3),
    st.builds(lambda f, cut: f.octets()[:-cut], FRAMES, st.integers(3, 20)),
    st.builds(lambda f, cut: f.octets()[cut:], FRAMES, st.integers(2, 20)),
    st.builds(lambda f, at: flipped(f.octets(), at), FRAMES, st.integers(0)),
)
SPEECH = st.lists(st.tuples(FRAMES | NOISE, st.integers(1, 70), st.sampled_from([0, 0, 5, 30, 30, 5000])), max_size=12)
FEW = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=5000, derandomize=False)


def flipped(octets: bytes, at: int) -> bytes:
    """With one bit turned."""
    place, bit = divmod(at % (8 * len(octets)), 8)
    return octets[:place] + bytes((octets[place] ^ 1 << bit,)) + octets[place + 1 :]


def wants_answer(frame: Frame) -> bool:
    """A polled command of a client to us."""
    is_answer = frame.control & ~POLL in (0x63, 0x0F, 0x87)
    return (
        frame.to in OURS and len(frame.by) == 1 and frame.by not in (b"\x01", b"\xff") and frame.final and not is_answer
    )


def assert_answer(said: list[Frame], asked: list[Frame]) -> None:
    """Frames of one answer, to one of those who asked, of which only the last gives the right to send back."""
    assert any((said[0].to, said[0].by) == (frame.by, frame.to) for frame in asked)
    assert len({(frame.to, frame.by) for frame in said}) == 1
    assert [frame.final for frame in said] == [False] * (len(said) - 1) + [True]


def check_speaks_only_when_asked(speech: list[tuple[Frame | bytes, int, int]]) -> None:
    line = Line(FakeServer(lambda apdu: apdu * 30), window_tx=7, window_rx=7, max_info_tx=300, max_info_rx=300)
    asked: list[Frame] = []
    for what, chunk, pause in speech:
        if isinstance(what, Frame) and wants_answer(what):
            asked.append(what)
        for said in (line.say(what if isinstance(what, bytes) else what.octets(), chunk=chunk), line.wait(pause)):
            if said:
                assert_answer(said, asked)
    line.wait(100)
    client = Client(lambda frames: line.say(*frames))
    client.connect()
    before = len(line.server.requests)
    assert client.exchange(b"hello") == b"hello" * 30
    assert len(line.server.requests) == before + 1
    client.disconnect()


@given(SPEECH)
@FEW
def test_only_its_own_polls_are_answered_and_the_next_session_works(
    speech: list[tuple[Frame | bytes, int, int]],
) -> None:
    check_speaks_only_when_asked(speech)


@pytest.mark.soak
@given(SPEECH)
@MANY
def test_both_hold_for_thousands_of_conversations(speech: list[tuple[Frame | bytes, int, int]]) -> None:
    check_speaks_only_when_asked(speech)


@given(FRAMES.filter(wants_answer), st.integers(0), st.integers(1, 70))
@FEW
def test_a_frame_with_a_wrong_bit_is_never_answered(frame: Frame, at: int, chunk: int) -> None:
    line = Line()
    assert line.say(flipped(frame.octets(), at), chunk=chunk) == [] and line.wait(100) == []
    assert line.server.requests == []


@given(st.binary(max_size=200), st.integers(1, 70))
@FEW
def test_a_session_right_behind_garbage_begins_after_a_pause_at_most(garbage: bytes, chunk: int) -> None:
    line = Line()
    snrm = Frame(FOUR_BYTES, client_address(16), 0x93)
    said = line.say(garbage, chunk=chunk) + line.say(snrm) + line.wait(50)
    assert [frame.kind for frame in said] == [UA]


# --- a bus -----------------------------------------------------------------------------------------------------------


class Bus:
    """Meters with lower addresses 16, 17, ... on one pair of wires: everybody hears everything."""

    def __init__(self, count: int, seed: int) -> None:
        self.servers = [FakeServer(lambda apdu, n=n: b"%d:" % n + apdu * 5) for n in range(count)]  # type: ignore[misc]
        setups = [hdlc_setup(physical_address=16 + n, window_tx=3, window_rx=3) for n in range(count)]
        self.stations = [Station(setup, server) for setup, server in zip(setups, self.servers, strict=True)]
        self.generator, self.now = random.Random(seed), 0
        self.speaker = 0

    def hear(self, data: bytes, but: int = -1) -> list[tuple[int, list[bytes]]]:
        """Let all but one hear this; who answers, and what."""
        chunk = self.generator.choice((10, 40, 500))
        answers = []
        for number, station in enumerate(self.stations):
            if number != but:
                for at in range(0, len(data), chunk):
                    station.feed(data[at : at + chunk], self.now)
                out = station.tick(self.now)
                if out is not None:
                    answers.append((number, [bytes(frame) for frame in out]))
                    station.sent(self.now)
        return answers

    def disturb(self) -> None:
        """Noise, or an end of something, and the pause that follows it; nobody answers that."""
        noise = self.generator.choice((self.generator.randbytes(9), b"\x7e\xa0\x87\x21", b"\x7e\xa7\xff\x03\x21", b""))
        assert self.hear(noise) == []
        self.now += 30
        assert [n for n, s in enumerate(self.stations) if s.tick(self.now) is not None] == []

    def carry(self, frames: list[Frame]) -> list[Frame]:
        self.now += 5
        if self.generator.random() < 0.3:
            self.disturb()
        octets = b"".join(frame.octets() for frame in frames)
        if self.generator.random() < 0.1:  # the client repeats itself
            octets = self.generator.choice((flipped(octets, self.generator.randrange(1000)), octets[:-4]))
        answers = self.hear(octets)
        assert len(answers) <= 1
        if not answers:
            self.now += 200
            return []
        ((number, said),) = answers
        assert number == self.speaker
        self.now += 5
        assert self.hear(b"".join(said), but=number) == []
        return [parsed(frame) for frame in said]


def test_31_meters_on_a_bus_answer_only_their_own() -> None:
    """Sessions one after the other, some of them never ended, with noise and half frames between them."""
    bus = Bus(31, 1)
    order = [*range(31), *range(0, 31, 3)]
    bus.generator.shuffle(order)
    asked = [0] * 31
    for n in order:
        bus.speaker = n
        size = bus.generator.choice((2, 4))
        lower = 16 + n
        to = bytes((2, lower << 1 | 1)) if size == 2 else bytes((0, 2, 0, lower << 1 | 1))
        client = Client(bus.carry, to, bus.generator.choice((16, 32, 48)))
        client.connect(parameters(window_tx=3, window_rx=3))
        for size in (1, 20, 150):
            apdu = bus.generator.randbytes(bus.generator.randrange(1, size + 1))
            assert client.exchange(apdu) == b"%d:" % n + apdu * 5
            asked[n] += 1
        if bus.generator.random() < 0.5:
            client.disconnect()
    assert [len(server.requests) for server in bus.servers] == asked


def test_a_neighbours_data_that_look_like_a_command_to_us_are_not_one() -> None:
    bus = Bus(2, 2)
    bus.speaker = 1
    to = bytes.fromhex("00020023")
    client = Client(bus.carry, to)
    client.connect()
    for control in (0x93, 0x53):
        inner = Frame(bytes.fromhex("00020021"), client_address(16), control).octets()
        assert client.exchange(inner) == b"1:" + inner * 5
    assert not bus.stations[0].active


def test_frames_of_a_replaced_client_reach_nobody_else() -> None:
    """The wrong address in an otherwise good frame, for each octet of it."""
    line = Line()
    good = Frame(FOUR_BYTES, client_address(16), 0x93)
    for place in range(4):
        for bit in range(1, 8):
            address = bytes(o ^ (1 << bit if n == place else 0) for n, o in enumerate(FOUR_BYTES))
            assert line.say(replace(good, to=address)) == []
