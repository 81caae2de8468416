"""All of a meter's DLMS side in one process: real objects and access door, server, HDLC station, wrapper; and mischief.

`Mischief` makes conversations that are right but for some octets, about objects that the meter really has.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from host_tests.access_bench import Door
from host_tests.dlms_fakes import CLIENT_TITLE, aarq
from host_tests.hdlc_line import FOUR_BYTES, POLL, RR, SNRM, Client, Frame, hdlc_setup, parameters, parsed
from host_tests.model_sources import KWH, ROW_STEP
from host_tests.test_wrapper_framing import Stream
from meter import access as door
from meter.comms import wrapper
from meter.comms.dlms import axdr
from meter.comms.dlms.association_objects import CURRENT, SHORT_NAME
from meter.comms.dlms.counters import InvocationCounters
from meter.comms.dlms.security import Security
from meter.comms.dlms.server import Server
from meter.comms.hdlc import Station
from meter.cosem.model import ObjectModel
from meter.keys import Keys
from meter.parameters import TABLE, Parameters
from meter.storage.layout import INVOCATION_COUNTERS, LOG_INS

PASSWORD = b"00000000"
TITLE = b"LGZ\x00\x00\xbc\x61\x4e"
GOOD_LOG_IN = bytes.fromhex(aarq())
GOOD_GET = bytes.fromhex("c001c10003 0101010800ff 0200")
_CLOCK_LEVEL, _CALIBRATION_LEVEL = 2, 3
_ENDED = 8  # polls in a row after which an answer is given up


class Stack:
    """A meter fresh from the factory. `sources` are what its objects show."""

    def __init__(self, channel: int = door.TCP) -> None:
        self.door = Door()
        self.memory = self.door.memory
        self.sources = self.door.sources
        counters = InvocationCounters(self.memory)
        security = Security(Keys(self.door.parameters, TITLE), counters)
        self.channel, self._security = channel, security
        self.before = self._state()

    def server(self) -> Server:
        return Server(self.door.model, self.door.access.on(self.channel), self.channel, self._security)

    def _state(self) -> tuple[Any, ...]:
        content = bytearray(self.memory.content)
        for area in (LOG_INS, INVOCATION_COUNTERS):
            content[area.address : area.end] = bytes(area.size)
        energies = bytes(self.sources.energies.pack())
        return bytes(content), energies, self.sources.calibration_record, self.sources.clock.now

    def assert_changes_by_right(self, client: int) -> bool:
        """Whether anything that lasts is different. AssertionError if it is more than this client may write."""
        level = (client - 16) // 16
        after = self._state()
        kept = 2 + (level < _CALIBRATION_LEVEL) + (level < _CLOCK_LEVEL)
        assert after[1:kept] == self.before[1:kept]
        stored = Parameters(self.memory)
        stored.load()
        assert not stored.checksum_error and not stored.replaced
        fresh = Parameters(type(self.memory)())
        changed = [row[1] for row in TABLE if stored.get(row[1]) != fresh.get(row[1])]
        assert all(level >= fresh.write_level(name) for name in changed), changed
        return after != self.before


class Mischief:
    """The same seed gives the same conversations."""

    def __init__(self, seed: int, model: ObjectModel) -> None:
        self.random = random.Random(seed)
        self.objects: list[tuple[int, bytes, int, int, int, dict[int, bytes]]] = [
            (
                found.class_id,
                found.logical_name,
                found.attributes,
                found.methods,
                model.base_name(found),
                _values(found),
            )
            for found in model.objects()
        ]
        writable = [row for row in self.objects if model.get(row[0], row[1]).write_level(2) is not None]
        self.objects += writable * (len(self.objects) // len(writable))
        secret = b"\x09\x10" + b"a new secret of 1"[:16]
        self.objects += 8 * [(15, CURRENT, 11, 4, SHORT_NAME, {7: secret, 2: secret})]

    def conversation(self, client: int) -> list[bytes]:
        """A log-in, good more often than not, and requests, some of them damaged."""
        short = self.random.random() < 0.3
        log_in = self._log_in(client, short)
        apdus = [log_in if self.random.random() < 0.7 else self.damaged(log_in)]
        for _ in range(self.random.randrange(1, 6)):
            apdu = self._short_request() if short else self._request()
            apdus.append(apdu if self.random.random() < 0.4 else self.damaged(apdu))
        return apdus

    def _log_in(self, client: int, short: bool) -> bytes:
        context, conformance = (2, "3c1b20") if short else (1, "605e9f")
        size = self.random.choice((0, 0, 40, 128))
        kind = self.random.randrange(12)
        if kind == 0:  # with keys
            return bytes.fromhex(aarq(context + 2, 1, PASSWORD, conformance, size, CLIENT_TITLE))
        if kind == 1:
            return bytes.fromhex(aarq(context, self.random.choice((3, 4, 5, 6)), b"12345678", conformance, size))
        if client == 16:
            return bytes.fromhex(aarq(context, None, None, conformance, size))
        password = b"00000001" if kind == 2 else PASSWORD
        return bytes.fromhex(aarq(context, 1, password, conformance, size))

    def _request(self) -> bytes:
        class_id, name, attributes, methods, _base, values = self.random.choice(self.objects)
        service = self.random.choice((0xC0, 0xC0, 0xC1, 0xC1, 0xC3))
        form = self.random.choice((1,) * 20 + (2, 3, 4, 5, 6))
        n = self.random.randrange(0, (methods if service == 0xC3 else attributes) + 2)
        if service == 0xC1 and values and self.random.random() < 0.7:
            n = self.random.choice(list(values))
        target = class_id.to_bytes(2, "big") + name + bytes((n & 0xFF,))
        if form != 1 and service == 0xC0:
            body = self.random.choice((b"\0\0\0\1", b"\0\0\0\2", b"\2" + (target + b"\0") * 2))
        else:
            body = target + {0xC0: b"\0", 0xC1: b"\0", 0xC3: b"\1"}[service]
            body += b"" if service == 0xC0 else self._value(values, n)
        return bytes((service, form, 0xC1)) + body

    def _short_request(self) -> bytes:
        _class_id, _name, attributes, _methods, base, values = self.random.choice(self.objects)
        n = self.random.randrange(1, attributes + 4)
        name = base + 8 * (n - 1)
        if self.random.random() < 0.5:
            return b"\x05\x01" + self.random.choice((b"\x02", b"\x05")) + name.to_bytes(2, "big")
        kind = self.random.choice((b"\x06", b"\x16"))
        return kind + b"\x01\x02" + name.to_bytes(2, "big") + b"\x01" + self._value(values, n)

    def _value(self, values: dict[int, bytes], n: int) -> bytes:
        """For attribute or method `n`: of the right type more often than not, a little different from what it is."""
        if n in values and self.random.random() < 0.8:
            return values[n][:-1] + bytes((values[n][-1] ^ self.random.choice((0, 1, 3, 17)),))
        return self.random.choice([*values.values(), *_ANY])

    def damaged(self, octets: bytes) -> bytes:
        """Bits turned, octets lost, doubled, put in or replaced."""
        random, out = self.random, bytearray(octets)
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            at = random.randrange(len(out) + 1)
            kind = random.randrange(6)
            if kind == 0 and at < len(out):
                out[at] ^= 1 << random.randrange(8)
            elif kind == 1 and at < len(out):
                out[at] = random.choice((0, 1, 0x7E, 0x7F, 0x80, 0xFF, random.randrange(256)))
            elif kind == 2:
                del out[at : at + random.choice((1, 2, 50))]
            elif kind == 3:
                out[at:at] = random.randbytes(random.choice((1, 3, 20)))
            elif kind == 4:
                out[at:at] = out[at : at + random.randrange(1, 20)]
            elif random.random() < 0.2:
                out += random.randbytes(random.choice((100, 1100, 2500)))
        return bytes(out) or b"\0"


_ANY = tuple(map(bytes.fromhex, ("00", "0f00", "120001", "0600000001", "0900", "09080000000000000000", "0a0131")))


def _values(found: Any) -> dict[int, bytes]:
    """Values of the right type for each attribute that can be read: those it has."""
    values = {}
    for n in range(2, found.attributes + 1):
        if found.read_level(n) is not None:
            out = bytearray()
            axdr.encode(out, found.spec(n), found.get(n))
            if len(out) < 200:
                values[n] = bytes(out)
    return values


# --- ways to the server ----------------------------------------------------------------------------------------------


def assert_serves(answer: bytes) -> None:
    """Of GOOD_GET: 1.8.0 in Wh, as the sources have it."""
    assert answer[:4] == b"\xc4\x01\xc1\x00" and int.from_bytes(answer[5:], "big") in _ENERGIES, answer.hex()


_ENERGIES = {(ROW_STEP * 0 + KWH) // 3_600_000 // 10**n for n in range(4)}


def converse_in_frames(say: Callable[[bytes], list[Frame]], mischief: Mischief, client: int) -> None:
    """A connection and one conversation in it, some frames of it damaged. `say` sends, and returns the answer."""
    random, by = mischief.random, bytes((client << 1 | 1,))
    asked = random.choice((b"", parameters(info_tx=512, info_rx=300, window_tx=3, window_rx=7)))
    say(Frame(FOUR_BYTES, by, SNRM | POLL, asked).octets())
    ns = nr = 0
    for apdu in mischief.conversation(client):
        control = ns << 1 | nr << 5 | POLL
        if random.random() < 0.1:
            control = random.randrange(256)
        octets = Frame(FOUR_BYTES, by, control, (b"\xe6\xe6\x00" + apdu)[:2000]).octets()
        spoilt = random.random() < 0.3
        said = say(mischief.damaged(octets) if spoilt else octets)
        ns += not spoilt
        for _ in range(_ENDED):
            nr += sum(frame.kind == 0 for frame in said)
            ns, nr = ns & 7, nr & 7
            if not said or said[-1].kind or not said[-1].more:
                break
            said = say(Frame(FOUR_BYTES, by, RR | nr << 5 | POLL).octets())


def over_hdlc(stack: Stack, mischief: Mischief, client: int) -> int:
    """One conversation in frames, some of them damaged, in pieces with gaps; then a good one. Frames sent."""
    random, now = mischief.random, 0
    station = Station(hdlc_setup(window_tx=7, window_rx=7, max_info_tx=1024, max_info_rx=1024), stack.server())
    count = 0

    def say(octets: bytes) -> list[Frame]:
        nonlocal now, count
        count += 1
        piece, said = random.choice((7, 64, 5000)), list[Frame]()
        for at in range(0, len(octets), piece):
            station.feed(octets[at : at + piece], now)
            said += answered()
            now += random.choice((0, 0, 0, 2, 30))
        return said + answered()

    def answered() -> list[Frame]:
        out = station.tick(now)
        frames = [] if out is None else [parsed(bytes(frame)) for frame in out]
        assert [frame.final for frame in frames] == [False] * (len(frames) - 1) + [True] * bool(frames)
        if frames:
            station.sent(now)
        return frames

    converse_in_frames(say, mischief, client)
    now += 100
    answered()
    good = Client(lambda frames: say(b"".join(frame.octets() for frame in frames)))
    good.connect()
    good.exchange(GOOD_LOG_IN)
    assert_serves(good.exchange(GOOD_GET))
    good.disconnect()
    return count


def over_tcp(stack: Stack, mischief: Mischief, client: int) -> int:
    """One conversation in wrapped APDUs, some with damaged headers, in segments of any length; then a good one."""
    random, octets, count = mischief.random, b"", 0
    for apdu in mischief.conversation(client):
        message = wrapper.wrap(client, 1, apdu)
        octets += mischief.damaged(message) if random.random() < 0.15 else message
        count += 1
    segments: list[Any] = []
    while octets:
        size = random.choice((1, 7, 8, 9, 200, 5000))
        segments.append(octets[:size])
        octets = octets[size:]
    if random.random() < 0.1:
        segments.append(ConnectionResetError())
    port = wrapper.WrapperPort(("", 0), stack.server)

    def connection(stream: Stream) -> list[bytes]:
        asyncio.run(asyncio.wait_for(port._connected(stream, stream), 10))
        assert stream.closed == 1 and port._connections == []
        for piece in stream.sent:
            assert piece[:2] == b"\0\1" and int.from_bytes(piece[6:8], "big") == len(piece) - 8 > 0
        return [piece[8:] for piece in stream.sent]

    connection(Stream(segments))
    answers = connection(Stream([wrapper.wrap(16, 1, GOOD_LOG_IN), wrapper.wrap(16, 1, GOOD_GET)]))
    assert_serves(answers[1])
    return count
