"""Where everything lies in the 256 KiB FRAM. Addresses are for life: a meter in the field keeps its content.

An area that holds a Record gives it `address` and `capacity`. Free, for parts to come: 07500h..0FFFFh and
18000h..3FFFFh.
"""

from micropython import const

from meter.storage.records import OVERHEAD

MEMORY_SIZE = const(0x40000)


class Area:
    """`size` bytes from `address` on. As a two-slot record it holds up to `capacity` payload bytes."""

    def __init__(self, name: str, address: int, size: int):
        self.name = name
        self.address = address
        self.size = size

    @property
    def end(self) -> int:
        """First address behind the area."""
        return self.address + self.size

    @property
    def capacity(self) -> int:
        """Payload bytes of a two-slot record that fills the area."""
        return self.size // 2 - OVERHEAD


FACTORY = Area("factory", 0x00000, 0x0400)  # type, serial number, analogue constants
PARAMETERS = Area("parameters", 0x00400, 0x2000)
ENERGY = Area("energy registers", 0x02400, 0x4100)  # two slots with room for 8 KiB of totals, rates and remainders
COUNTERS = Area("counters", 0x06500, 0x0400)  # power failures, operating time and the like
CALIBRATION = Area("calibration", 0x06900, 0x0400)
INVOCATION_COUNTERS = Area("invocation counters", 0x06D00, 0x0400)  # of ciphered messages
LOG_INS = Area("log-ins", 0x07100, 0x0400)  # wrong passwords and locks
EVENTS = Area("event log", 0x10000, 0x8000)  # a ring, not a record

AREAS = (FACTORY, PARAMETERS, ENERGY, COUNTERS, CALIBRATION, INVOCATION_COUNTERS, LOG_INS, EVENTS)
