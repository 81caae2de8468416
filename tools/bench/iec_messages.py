"""Messages of IEC 62056-21 as a client takes them apart and makes them: identification, data sets, blocks, commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, b"\x06", b"\x15"
RATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
RATES_OF_MODE_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}

_IDENTIFICATION = re.compile(rb"/([A-Za-z]{3})([^/!\r\n])((?:\\[0-9A-Z])*)([^/!\r\n]{0,16})\r\n")
_DATA_SET = re.compile(r"([^()/!]*)((?:\([^()/!]*\))+)")
_VALUE = re.compile(r"\(([^()]*)\)")


def with_parity(data: bytes) -> bytes:
    """7-bit characters with their even parity as bit 7."""
    return bytes(char | (char.bit_count() & 1) << 7 for char in data)


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

    @property
    def mode(self) -> str:
        """The protocol mode that the rate character tells: "A", "B" or "C"."""
        if self.rate_character.isdigit():
            return "C"
        return "B" if self.rate_character in RATES_OF_MODE_B else "A"

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


def block_check(data: bytes) -> int:
    """The block check of what stands between the first SOH or STX and the check itself."""
    check = 0
    for char in data:
        check ^= char
    return check & 0x7F


def unpack(message: bytes, start: int, what: str) -> bytes:
    """What is between the `start` character and ETX, or the EOT of a partial block; IecError if the form or the block
    check is wrong."""
    if len(message) < 3 or message[0] != start or message[-2] not in (ETX, EOT):
        raise IecError(f"no {what}: {message[:20]!r}...{message[-6:]!r}")
    check = block_check(message[1:-1])
    if check != message[-1]:
        raise IecError(f"block check is {message[-1]:02X}h, should be {check:02X}h")
    return message[1:-2]


def parse_block(message: bytes) -> list[DataSet]:
    """Data sets of a data message `STX ... ! CR LF ETX BCC`; IecError if its form or its block check is wrong."""
    content = unpack(message, STX, "data message")
    if content[-3:] != b"!\r\n":
        raise IecError(f"data message ends in {content[-3:]!r}, not in '!' CR LF")
    text = content[:-3].decode("latin-1")
    if text and not text.endswith("\r\n"):
        raise IecError("the last data line has no CR LF")
    sets = []
    for line in text.split("\r\n")[:-1]:
        sets += parse_line(line)
    return sets


def command(name: str, data: str | None = None, end: int = ETX) -> bytes:
    """The command message `SOH name STX data ETX BCC`, without STX if there are no data; `end` EOT: a partial block."""
    content = name.encode("ascii") + (b"" if data is None else b"\x02" + data.encode("ascii")) + bytes([end])
    return b"\x01" + content + bytes([block_check(content)])
