"""Counters that survive: power failures, restarts of the metering chip, lost waveform pages, operating time."""

from struct import pack, unpack

NAMES = ("power_failures", "metering_restarts", "lost_pages", "operating_seconds")
VERSION = 1
_FORMAT = "<4I"
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

    def pack(self) -> bytes:
        return pack(_FORMAT, *self._values)

    def unpack(self, data: bytes) -> None:
        """Take over the counts of a stored record."""
        self._values = list(unpack(_FORMAT, data))
