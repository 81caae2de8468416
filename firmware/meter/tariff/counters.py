"""Counters that survive: power failures and their time, operating time, restarts of the metering chip, and the like.

Stored, version 2, little endian: each as u32 in the order of NAMES. Version 1, which is read too, has the first four.
"""

from struct import pack, unpack

NAMES = (
    "power_failures",  # of all phases together: the meter went dark
    "metering_restarts",
    "lost_pages",
    "operating_seconds",
    "failures_l1",  # of a phase while the meter runs
    "failures_l2",
    "failures_l3",
    "failures_any",  # of any phase or of all
    "long_failures",  # of all phases
    "long_failure_seconds",  # the last one's duration
    "outage_seconds",  # all of them
    "configurations",  # changes of parameters, tables and calibration
    "operating_1",  # seconds at rate 1..8
    "operating_2",
    "operating_3",
    "operating_4",
    "operating_5",
    "operating_6",
    "operating_7",
    "operating_8",
    "configured_minutes",  # since 2000: when the last of the changes was
)
VERSION = 2
READABLE = (1, 2)
_MODULUS = 100_000_000  # 8 digits, as shown


class Counters:
    """Counters by name, each running over from 99 999 999 to 0."""

    def __init__(self):
        self._values = [0] * len(NAMES)

    def get(self, name: str) -> int:
        return self._values[NAMES.index(name)]

    def add(self, name: str, n: int = 1) -> None:
        place = NAMES.index(name)
        self._values[place] = (self._values[place] + n) % _MODULUS

    def set(self, name: str, n: int) -> None:
        """What holds a number, up to 32 bits, and counts nothing."""
        self._values[NAMES.index(name)] = n & 0xFFFFFFFF

    def pack(self) -> bytes:
        return pack("<%dI" % len(self._values), *self._values)

    def unpack(self, data: bytes) -> None:
        """Take over the counts of a stored record of either version."""
        found = unpack("<%dI" % (len(data) // 4), data)
        self._values[: len(found)] = found
