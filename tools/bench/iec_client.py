"""A hand-held unit in bench time: reads the meter out through its optical port by IEC 62056-21 mode C.

`IecReader(end, bench.run).readout()` gives the data sets of the standard list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tools.bench.uart_ends import VirtualEnd

STX, ETX, ACK, NAK = 0x02, 0x03, b"\x06", b"\x15"
RATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}

_IDENTIFICATION = re.compile(rb"/([A-Za-z]{3})([0-9])((?:\\[0-9A-Z])*)([^/!\r\n]{0,16})\r\n")
_DATA_SET = re.compile(r"([^()/!]*)((?:\([^()/!]*\))+)")
_VALUE = re.compile(r"\(([^()]*)\)")


class IecError(Exception):
    """The meter's answer is missing or is not what the standard says."""


@dataclass(frozen=True)
class Value:
    """What stands between two parentheses, `text*unit`; `unit` is empty if there is none."""

    text: str
    unit: str = ""

    @property
    def number(self) -> Decimal:
        """The value as a number; IecError if it is not one."""
        try:
            return Decimal(self.text.strip())
        except InvalidOperation:
            raise IecError(f"{self.text!r} is not a number") from None


@dataclass(frozen=True)
class DataSet:
    """One `code(value*unit)(value)...` of a data message."""

    code: str
    values: tuple[Value, ...]

    @property
    def value(self) -> Value:
        """The first value."""
        return self.values[0]


@dataclass(frozen=True)
class Identification:
    """What the meter says of itself: `/` maker, rate character, enhanced capabilities such as `\\2`, ident."""

    maker: str
    rate_character: str
    capabilities: str
    ident: str

    @classmethod
    def parse(cls, message: bytes) -> Identification:
        """From the message with its CR LF; IecError if it is none."""
        match = _IDENTIFICATION.fullmatch(message)
        if not match:
            raise IecError(f"no identification: {message!r}")
        return cls(*(part.decode("ascii") for part in match.groups()))


def parse_line(line: str) -> list[DataSet]:
    """Data sets of one data line (no CR LF); IecError if any of it is something else."""
    sets, at = [], 0
    while at < len(line):
        match = _DATA_SET.match(line, at)
        if not match:
            raise IecError(f"no data set at character {at + 1} of {line!r}")
        values = (text.partition("*") for text in _VALUE.findall(match[2]))
        sets.append(DataSet(match[1], tuple(Value(text, unit) for text, _, unit in values)))
        at = match.end()
    return sets


def parse_block(message: bytes) -> list[DataSet]:
    """Data sets of a data message `STX ... ! CR LF ETX BCC`; IecError if its form or its block check is wrong."""
    if len(message) < 6 or message[0] != STX or message[-2] != ETX:
        raise IecError(f"no data message: {message[:20]!r}...{message[-6:]!r}")
    check = 0
    for char in message[1:-1]:
        check ^= char
    if check & 0x7F != message[-1]:
        raise IecError(f"block check is {message[-1]:02X}h, should be {check & 0x7F:02X}h")
    if message[-5:-2] != b"!\r\n":
        raise IecError(f"data message ends in {message[-5:-2]!r}, not in '!' CR LF")
    text = message[1:-5].decode("latin-1")
    if text and not text.endswith("\r\n"):
        raise IecError("the last data line has no CR LF")
    sets = []
    for line in text.split("\r\n")[:-1]:
        sets += parse_line(line)
    return sets


class IecReader:
    """Reads the meter at the other side of `end`; `run(seconds)` lets bench time pass.

    Where the bench runs in a thread of its own, `hold` makes it stand still while the end is used (entered many times).
    After `readout`, `identification` and `message` hold what came, `repeats` how often the message was asked for again.
    """

    REACTION_S = 0.2  # what a hand-held unit waits before it answers
    PATIENCE_S = 2.2  # the meter's latest reaction, 1.5 s, and some
    GAP_S = 1.5  # the longest pause within a message
    STEP_S = 0.01
    REPEATS = 3

    def __init__(
        self,
        end: VirtualEnd,
        run: Callable[[float], object],
        hold: AbstractContextManager[object] | None = None,
    ) -> None:
        self.end, self.run = end, run
        self._hold = hold if hold is not None else nullcontext()
        self.identification: Identification | None = None
        self.message = b""
        self.repeats = 0

    def readout(self, list_number: int = 0, address: str = "", rate_character: str | None = None) -> list[DataSet]:
        """One session: sign on, choose a list (0 standard, 6 service) and a rate (else the one offered), read, ACK."""
        identification = self.sign_on(address)
        self.choose(str(list_number), rate_character or identification.rate_character)
        sets = self._take_block()
        self.run(self.REACTION_S)
        self._send(ACK)
        self.run(0.05)  # the meter goes back to 300 Bd
        return sets

    def sign_on(self, address: str = "") -> Identification:
        """Send the request and return the meter's identification; IecError if there is none."""
        self._listen_at(300)
        self._send(b"/?" + address.encode("ascii") + b"!\r\n")
        message = self._receive(lambda data: data.endswith(b"\n"), "identification")
        self.identification = Identification.parse(message)
        return self.identification

    def choose(self, mode: str, rate_character: str, protocol: str = "0") -> None:
        """Send the option select ACK V Z Y and change to its rate."""
        if rate_character not in RATES:
            raise IecError(f"the meter offers rate {rate_character!r}, which mode C does not have")
        self.run(self.REACTION_S)
        self._send(ACK + (protocol + rate_character + mode).encode("ascii") + b"\r\n")
        self._listen_at(RATES[rate_character])

    def _take_block(self) -> list[DataSet]:
        self.repeats = 0
        while True:
            # The block check follows ETX and may be any character, so the end is ETX and one more.
            self.message = self._receive(lambda data: ETX in data[:-1], "data message")
            try:
                return parse_block(self.message)
            except IecError:
                if self.repeats == self.REPEATS:
                    raise
            self.repeats += 1
            if ETX in self.message[:-1]:  # else GAP_S has passed already
                self.run(self.REACTION_S)
            self._send(NAK)

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


__all__ = ["DataSet", "Identification", "IecError", "IecReader", "Value", "parse_block", "parse_line"]
