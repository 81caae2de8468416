"""An HDLC client and a meter's station on a line without bits, for tests of either: frames go over whole, or do not.

The codec here is written anew from the frame's description, so that both ends cannot share a fault.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace

from meter.comms.hdlc import Station

POLL = 0x10
RR, RNR, UI, SNRM, DISC, UA, DM, FRMR = 0x01, 0x05, 0x03, 0x83, 0x43, 0x63, 0x0F, 0x87
ONE_BYTE, FOUR_BYTES = bytes.fromhex("03"), bytes.fromhex("00020023")  # logical device 1, and that at lower address 17
CLIENT = 16

_MIRRORED = bytes(int(f"{n:08b}"[::-1], 2) for n in range(256))


def check(data: bytes) -> bytes:
    """The check sequence of `data`, by way of binascii's CRC of the same polynomial, most significant bit first."""
    crc = binascii.crc_hqx(data.translate(_MIRRORED), 0xFFFF)
    return (int(f"{crc:016b}"[::-1], 2) ^ 0xFFFF).to_bytes(2, "little")


@dataclass(frozen=True)
class Frame:
    """A frame's fields; the addresses are octets."""

    to: bytes
    by: bytes
    control: int
    information: bytes = b""
    more: bool = False

    @property
    def kind(self) -> int:
        """The control field without P/F and sequence numbers; 0 for an I frame."""
        if not self.control & 1:
            return 0
        return self.control & 0x0F if self.control & 3 == 1 else self.control & 0xEF

    @property
    def final(self) -> bool:
        return bool(self.control & POLL)

    @property
    def ns(self) -> int:
        return self.control >> 1 & 7

    @property
    def nr(self) -> int:
        return self.control >> 5

    def octets(self) -> bytes:
        header = self.to + self.by + bytes((self.control,))
        length = 2 + len(header) + (2 + len(self.information) if self.information else 0) + 2
        data = (0xA000 | self.more << 11 | length).to_bytes(2, "big") + header
        if self.information:
            data += check(data) + self.information
        return b"\x7e" + data + check(data) + b"\x7e"


def parsed(octets: bytes) -> Frame:
    """The frame between two flags. ValueError for what is none."""
    data = octets[1:-1]
    if octets[:1] + octets[-1:] != b"\x7e\x7e" or len(data) < 7 or int.from_bytes(data[:2], "big") >> 12 != 0xA:
        raise ValueError(octets.hex())
    if len(data) != int.from_bytes(data[:2], "big") & 0x7FF or check(data[:-2]) != data[-2:]:
        raise ValueError(octets.hex())
    to, rest = _address(data[2:])
    by, rest = _address(rest)
    if len(rest) > 3 and check(data[: -len(rest) + 1]) != rest[1:3]:
        raise ValueError(octets.hex())
    return Frame(to, by, rest[0], rest[3:-2], bool(data[0] & 8))


def _address(data: bytes) -> tuple[bytes, bytes]:
    size = next(n for n in range(4) if data[n] & 1) + 1
    return data[:size], data[size:]


def client_address(client: int) -> bytes:
    return bytes((client << 1 | 1,))


def hdlc_setup(**changes: object) -> SimpleNamespace:
    """A port's setup with the defaults of the meter; the larger frames on request."""
    values: dict[str, object] = {"window_tx": 1, "window_rx": 1, "max_info_tx": 128, "max_info_rx": 128}
    values |= {"inter_octet_ms": 25, "inactivity_s": 120, "physical_address": 17, "logical_devices": (1,)}
    return SimpleNamespace(**{**values, **changes})


@dataclass
class FakeServer:
    """An application layer that answers with `reply(apdu)` and notes what happens to it."""

    reply: Callable[[bytes], bytes | None] = lambda apdu: apdu[::-1]
    max_pdu: int = 5000
    requests: list[tuple[int, int, bytes]] = field(default_factory=list)
    releases: int = 0
    notifications: list[tuple[int, int, bytes]] = field(default_factory=list)

    def request(self, client: int, logical_device: int, apdu: bytes) -> bytes | None:
        self.requests.append((client, logical_device, apdu))
        return self.reply(apdu)

    def released(self) -> None:
        self.releases += 1

    def notification(self) -> tuple[int, int, bytes] | None:
        return self.notifications.pop(0) if self.notifications else None


class Line:
    """A station, its server, and the time. What is said arrives at once; what it answers is out at once."""

    def __init__(self, server: FakeServer | None = None, **changes: object) -> None:
        self.setup = hdlc_setup(**changes)
        self.server = server or FakeServer()
        self.station = Station(self.setup, self.server)
        self.now = 1000

    def say(self, *frames: Frame | bytes, chunk: int = 64) -> list[Frame]:
        """Send to the station; its answer."""
        data = b"".join(f if isinstance(f, bytes) else f.octets() for f in frames)
        for at in range(0, len(data), chunk):
            self.station.feed(data[at : at + chunk], self.now)
        return self.answer()

    def answer(self) -> list[Frame]:
        out = self.station.tick(self.now)
        frames = [] if out is None else [parsed(bytes(f)) for f in out]
        if out is not None:
            self.station.sent(self.now)
        return frames

    def wait(self, ms: int) -> list[Frame]:
        """Let time pass as a port does, by `wait_ms`; what the station says meanwhile."""
        end, said = self.now + ms, []
        while self.now < end:
            wait = self.station.wait_ms(self.now & 0x3FFFFFFF)
            self.now = end if wait < 0 else min(end, self.now + max(1, wait))
            said += self.answer()
        return said


def command(control: int, information: bytes = b"", more: bool = False, **other: object) -> Frame:
    """A command of client 16 to logical device 1; `to` and `client` make it another's."""
    client = other.get("client", CLIENT)
    to = other.get("to", FOUR_BYTES)
    assert isinstance(client, int) and isinstance(to, bytes)
    return Frame(to, client_address(client), control, information, more)


def parameters(**asked: tuple[int, int] | int) -> bytes:
    """Information field of a SNRM: info_tx, info_rx, window_tx, window_rx of the client, in as many octets as usual."""
    names = {"info_tx": 5, "info_rx": 6, "window_tx": 7, "window_rx": 8}
    body = b""
    for name, value in asked.items():
        number, size = value if isinstance(value, tuple) else (value, 2 if "info" in name else 4)
        body += bytes((names[name], size)) + number.to_bytes(size, "big")
    return bytes((0x81, 0x80, len(body))) + body


def answered_parameters(ua: Frame) -> tuple[int, int, int, int]:
    """(info_tx, info_rx, window_tx, window_rx) of the meter as its UA says."""
    assert ua.kind == UA and ua.information[:2] == b"\x81\x80" and ua.information[2] == len(ua.information) - 3
    found, at = {}, 3
    while at < len(ua.information):
        size = ua.information[at + 1]
        found[ua.information[at]] = int.from_bytes(ua.information[at + 2 : at + 2 + size], "big")
        at += 2 + size
    assert list(found) == [5, 6, 7, 8]
    return found[5], found[6], found[7], found[8]


class Client:
    """A primary station over `carry`, which takes frames to the meter and returns what comes back of its answer.

    It repeats, by the standard's checkpoints, until each APDU has its answer.
    """

    def __init__(self, carry: Callable[[list[Frame]], list[Frame]], to: bytes = FOUR_BYTES, client: int = CLIENT):
        self.carry, self.to, self.by = carry, to, client_address(client)
        self.vs = self.vr = 0
        self.info_tx = self.info_rx = 128
        self.window_tx = self.window_rx = 1
        self.polls = 0

    def frame(self, control: int, information: bytes = b"", more: bool = False) -> Frame:
        return Frame(self.to, self.by, control, information, more)

    def _carry(self, frames: Iterable[Frame]) -> list[Frame]:
        self.polls += 1
        assert self.polls < 100_000, "the link is dead"
        answer = self.carry(list(frames))
        for frame in answer:
            assert (frame.to, frame.by) == (self.by, self.to)
        return answer

    def connect(self, information: bytes = b"") -> Frame:
        while True:
            for answer in self._carry([self.frame(SNRM | POLL, information)]):
                if answer.kind == UA:
                    self.vs = self.vr = 0
                    self.info_rx, self.info_tx, self.window_rx, self.window_tx = answered_parameters(answer)
                    return answer

    def disconnect(self) -> None:
        while not any(f.kind in (UA, DM) for f in self._carry([self.frame(DISC | POLL)])):
            pass

    def exchange(self, apdu: bytes, ask_first: Callable[[], bool] = lambda: False) -> bytes:
        """Send an APDU and take its answer. After silence it repeats, or if `ask_first` says so polls with RR."""
        whole = b"\xe6\xe6\x00" + apdu
        segments = [whole[n : n + self.info_tx] for n in range(0, len(whole), self.info_tx)]
        acknowledged, silent, answer, done = 0, False, b"", False
        while not done:
            left = segments[acknowledged : acknowledged + self.window_tx]
            frames = [self.frame(RR | POLL | self.vr << 5)]
            if left and not (silent and ask_first()):
                frames = [
                    self._segment(n, part, len(segments) - acknowledged, len(left)) for n, part in enumerate(left)
                ]
            answers = self._carry(frames)
            silent = not answers
            for frame in answers:
                assert frame.kind in (0, RR), frame
                count = frame.nr - self.vs & 7
                assert count <= len(left)
                acknowledged, self.vs, left = acknowledged + count, frame.nr, left[count:]
                if frame.kind == 0 and frame.ns == self.vr:
                    assert len(frame.information) <= self.info_rx and not done
                    self.vr = self.vr + 1 & 7
                    answer += frame.information
                    done = not frame.more
        assert acknowledged == len(segments) and answer[:3] == b"\xe6\xe7\x00"
        return answer[3:]

    def _segment(self, number: int, part: bytes, of: int, in_window: int) -> Frame:
        control = self.vr << 5 | (self.vs + number & 7) << 1 | (POLL if number + 1 == in_window else 0)
        return self.frame(control, part, number + 1 < of)
