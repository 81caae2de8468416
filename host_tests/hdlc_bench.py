"""An HDLC client in virtual time on a port of the bench's meter, with an account of who had the line, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass

from host_tests.dlms_fakes import aarq
from host_tests.hdlc_line import Client, Frame, parsed
from meter.comms.frames import RATES
from tools.bench import Bench
from tools.bench.uart import VirtualEnd

_FRAME_BITS = 10  # 8N1
_LOOK_S = 0.0005
_SILENCE_S = 1.0


@dataclass
class Account:
    """Of polls and their answers: bench ns. `carried` is the time of all characters, `turns` what the meter took from
    the client's last stop bit to its own first start bit, `gaps` what it left between its characters."""

    polls: int = 0
    carried: int = 0
    turns: int = 0
    gaps: int = 0

    @property
    def busy(self) -> float:
        """Share of the time in which the line carried characters; the client's own turns are not counted."""
        return self.carried / (self.carried + self.turns + self.gaps)


class _End(VirtualEnd):
    """Knows when the answer's first character was complete."""

    first_ns = 0

    def received(self, data: bytes) -> None:
        self.first_ns = self.first_ns or self.line.now
        super().received(data)


class HdlcClient:
    """A client on UART `port` (0 is optical). It connects through mode E, or at once at `direct` Bd."""

    def __init__(self, bench: Bench, port: int, client: int = 16, direct: int = 0) -> None:
        self.bench, self.line, self.end = bench, bench.uarts[port], _End()
        self.line.attach(self.end)
        self.account = Account()
        to = 1000 + int(bench.serial[-4:])  # the lower HDLC address
        address = bytes((0, 2, to >> 6 & 0xFE, to << 1 & 0xFE | 1))
        self.link = Client(self._carry, address, client)
        if direct:
            self.end.configure(direct, "8N1")
        else:
            self.sign_on()

    @property
    def baud(self) -> int:
        return self.end.receiver.baud

    def connect(self, information: bytes = b"", password: bytes = b"") -> None:
        """SNRM with this information, and an association, with low level security if there is a password."""
        self.link.connect(information)
        answer = self.ask(bytes.fromhex(aarq(1, 1, password) if password else aarq()))
        assert b"\xa2\x03\x02\x01\x00" in answer, answer.hex()  # accepted

    def close(self) -> None:
        """DISC, and off the line."""
        self.link.disconnect()
        self.bench.run(0.05)
        self.line.detach(self.end)

    def ask(self, apdu: bytes) -> bytes:
        """The answer to an APDU."""
        return self.link.exchange(apdu)

    def read(self, class_id: int, name: str, attribute: int) -> bytes:
        """An attribute's value in A-XDR, from all its blocks."""
        obis = bytes(int(part) for part in name.split("."))
        answer = self.ask(b"\xc0\x01\xc1" + class_id.to_bytes(2, "big") + obis + bytes((attribute, 0)))
        if answer[1] == 1:
            assert answer[3] == 0, answer.hex()
            return answer[4:]
        data, last = b"", False
        while True:
            assert answer[:3] == b"\xc4\x02\xc1" and answer[8] == 0, answer[:12].hex()
            last, number = bool(answer[3]), answer[4:8]
            size = answer[9] & 0x7F if answer[9] & 0x80 else 0
            part = answer[10 + size :]
            data += part
            if last:
                return data
            answer = self.ask(b"\xc0\x02\xc1" + number)

    def sign_on(self) -> None:
        """Mode E from the start, at 300 Bd; nothing is said twice."""
        self.end.write(b"/?!\r\n")
        said = self._said(b"\r\n", 2)
        match = re.fullmatch(rb"/LGZ(.)\\2.*\r\n", said)
        assert match is not None, said
        rate = match[1]
        option = b"\x062" + rate + b"2\r\n"
        self.end.write(option)
        self.bench.run((self.end.idle_at() - self.line.now) / 1e9 + 0.05)
        self.end.configure(RATES[int(rate)])
        assert self._said(b"\r\n", 2) == option
        self.end.configure(RATES[int(rate)], "8N1")
        self.bench.run(0.05)

    def _said(self, ending: bytes, limit_s: float) -> bytes:
        said, until = b"", self.bench.now + limit_s
        while not said.endswith(ending):
            assert self.bench.now < until, said
            self.bench.run(0.01)
            said += self.end.read()
        return said

    def _carry(self, frames: list[Frame]) -> list[Frame]:
        asked = b"".join(frame.octets() for frame in frames)
        self.end.read()
        self.end.first_ns = 0
        self.end.write(asked)
        turn = self.end.idle_at()
        answer, answers, until = b"", list[Frame](), self.bench.now + _SILENCE_S
        while not (answers and answers[-1].final):
            self.bench.run(_LOOK_S)
            part = self.end.read()
            until = self.bench.now + _SILENCE_S if part else max(until, turn / 1e9 + _SILENCE_S)
            answer += part
            if self.bench.now > until:
                break
            answer = _take_frames(answer, answers)
        if answers:
            self._note(len(asked), turn, sum(len(frame.octets()) for frame in answers))
        return answers

    def _note(self, asked: int, turn_ns: int, answered: int) -> None:
        """Add a poll and its answer, whose last character may have come before we looked, to the account."""
        character = _FRAME_BITS * 1_000_000_000 // self.baud
        begin, end = self.end.first_ns - character, self.line.tx_idle_at(0)
        account = self.account
        account.polls += 1
        account.carried += (asked + answered) * character
        account.turns += begin - turn_ns
        account.gaps += end - begin - answered * character


def _take_frames(octets: bytes, frames: list[Frame]) -> bytes:
    """Move whole frames from `octets` to `frames`; what is left."""
    while len(octets) > 3 and len(octets) >= (length := (octets[1] & 7) << 8 | octets[2]) + 2:
        frames.append(parsed(octets[: length + 2]))
        octets = octets[length + 2 :]
    return octets
