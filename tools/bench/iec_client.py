"""A hand-held unit: reads the meter out and programs it through one of its ports by IEC 62056-21.

`IecReader(end, bench.run).readout()` gives the data sets of the standard list; `IecProgrammer(end, bench.run)` reads
and changes single objects and reads profiles. On a real port `end` is a tools.calibrate.serial_end.SerialEnd and `run`
is time.sleep.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from tools.bench.iec_messages import (
    ACK,
    EOT,
    ETX,
    NAK,
    RATES,
    RATES_OF_MODE_B,
    SOH,
    STX,
    DataSet,
    Identification,
    IecError,
    Value,
    command,
    parse_block,
    parse_line,
    unpack,
)

SIGN_OFF = command("B0")
_LOG_INS = {1: "P1", 2: "P2", 3: "W5"}


class LineClock(Protocol):
    """The line an end is plugged into."""

    @property
    def now(self) -> int:
        """Time, ns."""


class End(Protocol):
    """The client's end of a line, 7E1."""

    @property
    def line(self) -> LineClock:
        """Its line."""

    def configure(self, baud: int) -> None:
        """Go on at this rate."""

    def write(self, data: bytes) -> None:
        """Send; returns at once."""

    def idle_at(self) -> int:
        """When the last stop bit written is out, ns."""

    def read(self) -> bytes:
        """All that has been received since the last call."""


class IecRefused(IecError):
    """The meter's own error message; `text` is what stands in its parentheses."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}: the meter says ({text})")
        self.text = text


class _Client:
    """What reading out and programming have in common: the sign-on, and messages in time.

    `run(seconds)` lets time pass at the meter at the other side of `end`. Where the bench runs in a thread of its own,
    `hold` makes it stand still while the end is used (entered many times). `identification` and `message` hold what
    came last, `repeats` how often it was asked for again.
    """

    REACTION_S = 0.2  # what a hand-held unit waits before it answers
    PATIENCE_S = 2.2  # the meter's latest reaction, 1.5 s, and some
    GAP_S = 1.5  # the longest pause within a message
    STEP_S = 0.01
    REPEATS = 3

    def __init__(
        self,
        end: End,
        run: Callable[[float], object],
        hold: AbstractContextManager[object] | None = None,
    ) -> None:
        self.end, self.run = end, run
        self._hold = hold if hold is not None else nullcontext()
        self.identification: Identification | None = None
        self.message = b""
        self.repeats = 0

    def choose(self, mode: str, rate_character: str, protocol: str = "0") -> None:
        """Send the option select ACK V Z Y and change to its rate."""
        if rate_character not in RATES:
            raise IecError(f"the meter offers rate {rate_character!r}, which mode C does not have")
        self.run(self.REACTION_S)
        self._send(ACK + (protocol + rate_character + mode).encode("ascii") + b"\r\n")
        self._listen_at(RATES[rate_character])

    def _identify(self, address: str) -> Identification:
        self._listen_at(300)
        self._send(b"/?" + address.encode("ascii") + b"!\r\n")
        message = self._receive(lambda data: data.endswith(b"\n"), "identification")
        self.identification = Identification.parse(message)
        return self.identification

    def _send(self, data: bytes) -> None:
        with self._hold:
            self.end.read()
            self.end.write(data)
            duration_ns = self.end.idle_at() - self.end.line.now
        self.run(duration_ns / 1e9)

    def _listen_at(self, baud: int) -> None:
        with self._hold:
            self.end.configure(baud)

    def _receive(self, complete: Callable[[bytes], bool], what: str) -> bytes:
        """Characters up to a `complete` message, or to a pause that is too long; IecError if there are none at all."""
        data, quiet = b"", 0.0
        while not complete(data):
            if not data and quiet > self.PATIENCE_S:
                raise IecError(f"no {what}")
            if data and quiet > self.GAP_S:
                return data
            self.run(self.STEP_S)
            with self._hold:
                more = self.end.read()
            data += more
            quiet = 0.0 if more else quiet + self.STEP_S
        return data


class IecReader(_Client):
    """Reads the meter out; see _Client for the arguments."""

    def readout(self, list_number: int = 0, address: str = "", rate_character: str | None = None) -> list[DataSet]:
        """One session: sign on, choose a list (0 standard, 6 service) and a rate (else the one offered), read, ACK.

        In modes A and B there is nothing to choose.
        """
        identification = self.sign_on(address)
        if identification.mode == "C":
            self.choose(str(list_number), rate_character or identification.rate_character)
        elif identification.mode == "B":
            self._listen_at(RATES_OF_MODE_B[identification.rate_character])
        sets = self._take_block()
        self.run(self.REACTION_S)
        self._send(ACK)
        self.run(0.05)  # the meter goes back to 300 Bd
        return sets

    def sign_on(self, address: str = "") -> Identification:
        """Send the request and return the meter's identification; IecError if there is none."""
        return self._identify(address)

    def _take_block(self) -> list[DataSet]:
        self.repeats = 0
        while True:
            # The block check follows ETX and may be any character, so the end is ETX and one more.
            self.message = self._receive(_has_block, "data message")
            try:
                return parse_block(self.message)
            except IecError:
                if self.repeats == self.REPEATS:
                    raise
            self.repeats += 1
            if _has_block(self.message):  # else GAP_S has passed already
                self.run(self.REACTION_S)
            self._send(NAK)


class IecProgrammer(_Client):
    """Reads and changes single objects in programming mode; see _Client for the arguments.

    A session that is left alone for 60 s is over: the next command raises IecError then, `sign_on` begins a new one.
    """

    _open = False
    blocks: list[bytes]

    def sign_on(self, password: str = "", level: int = 0, address: str = "", rate_character: str | None = None) -> None:
        """Begin a session and log in: level 1 sends P1, level 2 P2, level 3 W5, level 0 nothing. A session still open
        is ended.

        IecRefused if the password is wrong; the session is over then.
        """
        self.close()
        identification = self._identify(address)
        self.choose("1", rate_character or identification.rate_character)
        self._open = True
        try:
            opening = self._answer_to(b"", "sign-on", SOH)
            if not opening.startswith(b"\x01P0\x02("):
                raise IecError(f"no operand: {opening!r}")
            if level:
                self._change(_LOG_INS[level], f"({password})")
        except IecError:
            self.close()
            raise

    def read(self, code: str) -> str:
        """What stands in the parentheses of the object, `value` or `value*unit`; IecRefused if the meter refuses."""
        data = _content(self._command("R1", code + "()"))
        name, _, rest = data.partition("(")
        if not name:
            raise IecRefused(f"R1 {code}", rest.removesuffix(")"))
        if name != code or not rest.endswith(")"):
            raise IecError(f"R1 {code}: the meter answers {data!r}")
        return rest.removesuffix(")")

    def write(self, code: str, text: str) -> None:
        """Change the object to `text`; IecRefused if the meter refuses."""
        self._change("W1", f"{code}({text})")

    def read_profile(self, name: str, begin: str = "", end: str = "", rows: int = 0) -> list[str]:
        """The lines of a profile, `P.01` or `P.98`, from `begin` to `end` (YYMMDDhhmm, or empty), in partial blocks of
        `rows` rows at most; IecRefused if the meter refuses. `blocks` has them as they came."""
        text = self.read_blocks("R6", f"{name}({begin};{end})" + (f"({rows})" if rows else ""))
        if text.startswith("("):
            raise IecRefused(f"R6 {name}", text.strip("()"))
        return text.split("\r\n")[:-1]

    def read_blocks(self, name: str, data: str) -> str:
        """What the partial blocks that answer a read command say together."""
        self.blocks = [self._command(name, data)]
        while self.blocks[-1][-2] == EOT:
            self.run(self.REACTION_S)
            self._send(ACK)
            block = self._answer_to(b"", name, STX)
            # Asked for again and the same as before: the meter has missed the ACK.
            if not self.repeats or block != self.blocks[-1]:
                self.blocks.append(block)
        return "".join(_content(block) for block in self.blocks)

    def write_blocks(self, name: str, data: str, size: int) -> None:
        """Write with W3 or W4 in partial blocks of `size` characters; IecRefused if the meter refuses."""
        while len(data) > size:
            self._acknowledged(command(name, data[:size], EOT), name)
            data = data[size:]
        self._change(name, data)

    def execute(self, code: str, text: str = "") -> None:
        """Set a formatted-code command off; IecRefused if the meter refuses."""
        self._change("W2", f"{code}({text})")

    def close(self) -> None:
        """Sign off, if a session is open, and go back to 300 Bd."""
        if self._open:
            self._open = False
            self.run(self.REACTION_S)
            self._send(SIGN_OFF)
            self.run(0.05)  # the meter goes back to 300 Bd
            self._listen_at(300)

    def _change(self, name: str, data: str) -> None:
        """A command that is answered with ACK."""
        self._acknowledged(command(name, data), f"{name} {data}" if name not in _LOG_INS.values() else name)

    def _acknowledged(self, message: bytes, what: str) -> None:
        answer = self._exchange(message, what.partition(" ")[0])
        if answer != ACK:
            raise IecRefused(what, _content(answer).strip("()"))

    def _command(self, name: str, data: str) -> bytes:
        return self._exchange(command(name, data), name)

    def _exchange(self, message: bytes, name: str) -> bytes:
        if not self._open:
            raise IecError("no session: sign on first")
        self.run(self.REACTION_S)
        return self._answer_to(message, name, STX)

    def _answer_to(self, message: bytes, what: str, start: int) -> bytes:
        """Send `message` and return a sound answer: ACK, or a block that begins with `start`.

        What is not understood on either side is repeated. IecError when that does not help or the meter signs off.
        """
        request, self.repeats = message, 0
        while True:
            if request:
                self._send(request)
            trouble, request = self._listen(message, what, start)
            if not trouble:
                return self.message
            if self.repeats == self.REPEATS:
                raise IecError(f"{what}: {trouble}")
            self.repeats += 1
            self.run(self.REACTION_S)

    def _listen(self, message: bytes, what: str, start: int) -> tuple[str, bytes]:
        """What is wrong with the answer that comes, "" if nothing, and what to send then."""
        try:
            self.message = self._receive(lambda data: data in (ACK, NAK) or _has_block(data), "answer")
        except IecError as silence:
            return str(silence), message or NAK
        if self.message == ACK:
            return "", b""
        if self.message == NAK:
            return "the meter does not understand", message
        if self.message == SIGN_OFF:
            self._open = False
            self.run(0.05)
            self._listen_at(300)
            raise IecError(f"{what}: the meter has ended the session")
        try:
            unpack(self.message, start, "answer")
        except IecError as spoilt:
            return str(spoilt), NAK
        return "", b""


def _has_block(data: bytes) -> bool:
    return ETX in data[:-1] or EOT in data[:-1]


def _content(answer: bytes) -> str:
    """What a sound answer has between STX and ETX; nothing for an ACK."""
    return answer[1:-2].decode("ascii")


__all__ = [
    "DataSet",
    "End",
    "Identification",
    "IecError",
    "IecProgrammer",
    "IecReader",
    "IecRefused",
    "Value",
    "parse_block",
    "parse_line",
]
