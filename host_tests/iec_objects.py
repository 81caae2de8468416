"""Objects behind programming mode that note what is done to them, and messages made by the PyPI client's code."""

from __future__ import annotations

from iec62056_21 import utils

from host_tests.iec_meter import LineMeter, assert_readout, option, sign_on
from meter.access import DENIED, RANGE, UNKNOWN_CODE, Refused

P0 = bytes.fromhex("01503002282903") + b"\x60"
P1 = b"\x01P1\x02(00000000)\x03a"
P2 = utils.add_bcc(b"\x01P2\x02(22222222)\x03")
READ = b"\x01R1\x021.8.0()\x03\x5a"
ANSWER = utils.add_bcc(b"\x021.8.0(000102.28*kWh)\x03")
SIGN_OFF = bytes.fromhex("0142300371")
ACK, NAK = b"\x06", b"\x15"


class Objects:
    """An `access` for a Session: 1.8.0 to be read, C.61.5 to be changed at level 1 to up to 60, at level 2 to all."""

    def __init__(self) -> None:
        self.values = {"1.8.0": "000102.28*kWh", "C.61.5": "8"}
        self.log_ins: list[tuple[str, str]] = []
        self.writes: list[tuple[str, str, int]] = []

    def acting(self, level: int) -> int:
        return level

    def log_in(self, kind: str, password: str) -> int | None:
        self.log_ins.append((kind, password))
        return {("P1", "00000000"): 1, ("P2", "22222222"): 2}.get((kind, password))

    def read(self, code: str, level: int) -> str:
        if code not in self.values:
            raise Refused(UNKNOWN_CODE)
        return self.values[code]

    def opens(self, needed: int, level: int) -> bool:
        return needed == 0 or needed <= level < 5

    def write(self, code: str, text: str, level: int) -> None:
        self.read(code, level)
        if code != "C.61.5" or level < 1:
            raise Refused(DENIED)
        if level < 2 and not (text.isdigit() and int(text) <= 60):
            raise Refused(RANGE)
        self.values[code] = text
        self.writes.append((code, text, level))


def message(name: str, data: str) -> bytes:
    """A command message."""
    return bytes(utils.add_bcc(f"\x01{name}\x02{data}\x03".encode("latin-1")))


def error(number: int) -> bytes:
    """The meter's error message with this number."""
    return bytes(utils.add_bcc(f"\x02(ERR0{number})\x03".encode()))


def begin(meter: LineMeter, z: str = "5") -> int:
    """Sign on to programming mode; returns the rate."""
    sign_on(meter)
    meter.say(option(z=z, y="1"))
    meter.run(1.2)
    assert meter.sent[-1].data == P0
    return meter.sent[-1].baud


def ask(meter: LineMeter, command: bytes, baud: int = 9600) -> bytes:
    """What the meter sends within 2 s of the end of `command`, b"" for nothing."""
    meter.run(0.2)
    count = len(meter.sent)
    meter.say(command, baud)
    meter.run(2)
    assert len(meter.sent) <= count + 1
    return meter.sent[-1].data if len(meter.sent) > count else b""


def meter_with(**options: object) -> tuple[LineMeter, Objects]:
    """A meter and the objects behind it; options of LineMeter."""
    objects = Objects()
    return LineMeter(access=objects, **options), objects  # type: ignore[arg-type]


def assert_over(meter: LineMeter) -> None:
    """The session has ended and the next one works."""
    assert (meter.core.state, meter.line.baud) == (0, 300)
    assert_readout(meter)
