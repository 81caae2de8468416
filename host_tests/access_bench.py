"""The door to a meter's objects with all that is behind it, on a simulated memory and in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from host_tests.model_sources import Ram, Sources
from meter.access import Access, Refused
from meter.cosem.definitions import PARAMETERS
from meter.cosem.model import ObjectModel
from meter.log_ins import LogIns
from meter.parameters import TABLE, Parameters
from meter.type_code import TypeCode

NUMBERS = {row[1]: row[0] for row in TABLE}
RECORD = "C.60.1"
DAY = 86_400


def code_of(name: str) -> str:
    """The code a parameter has by its number."""
    return f"C.{PARAMETERS[1]}.{NUMBERS[name]}"


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns, or the reason why it is refused."""
    try:
        return function(*arguments)
    except Refused as refused:
        return refused.reason


@dataclass
class Times:
    """Time as log-ins know it. `pass_by` lets it go on, with the supply (and with it the operating time) or without."""

    operating: int = 1_000
    ticks: int = 0

    def pass_by(self, seconds: float, powered: bool = True) -> None:
        if powered:
            self.operating += round(seconds)
            self.ticks = (self.ticks + round(seconds * 1000)) & 0x3FFFFFFF

    def __call__(self) -> tuple[int, int]:
        return self.operating, self.ticks


@dataclass
class Door:
    """A model, its parameters, the door to them. `seal_broken` is the contact of the certification seal.

    Another Door on the same memory and times is the meter's next life.
    """

    memory: Any = field(default_factory=Ram)
    defaults: dict[str, Any] = field(default_factory=dict)
    seal_broken: int = 0
    times: Times = field(default_factory=Times)
    records: list[str] = field(default_factory=list)
    reports: list[tuple[int, int, bool]] = field(default_factory=list)
    sources: Any = field(default_factory=Sources)

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.memory, self.defaults)
        self.parameters.load()
        type_code = TypeCode("ZMG405CR4.260b.43")
        self.sources.equip(type_code, self.parameters)
        self.model = ObjectModel(self.sources, self.parameters, type_code)
        self.log_ins = LogIns(self.memory, self.parameters, lambda: self.seal_broken, self.times, self._report)
        self.log_ins.load()
        self.access = Access(
            self.parameters, self.model.find, lambda: self.seal_broken, {RECORD: self.keep}, self.log_ins
        )

    def _report(self, level: int, channel: int, is_locked: bool) -> None:
        self.reports.append((level, channel, is_locked))

    def keep(self, text: str) -> None:
        if text == "lost":
            raise OSError(5, "memory")
        if not text[:1].isdigit():
            raise ValueError("calibration: integers between commas are wanted")
        self.records.append(text)

    def read(self, code: str, level: int = 0) -> str:
        """The value, or the error text."""
        return str(outcome(self.access.read, code, level))

    def write(self, code: str, text: str, level: int) -> str:
        """ "" or the error text."""
        return outcome(self.access.write, code, text, level) or ""
