"""Where everything lies in the 256 KiB FRAM. Addresses are for life: a meter in the field keeps its content.

An area that holds a Record gives it `address` and `capacity`. Free, for parts to come: 0EE00h..0FCFFh and
2B000h..3FFFFh, and the flash from sector 2688 on.
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
TARIFF = Area("tariff", 0x07500, 0x3000)  # demand, billing periods, heads of the rings
TIME_SWITCH = Area("time switch", 0x0A500, 0x4000)  # active and passive table, special days
CONTROL_TABLE = Area("control table", 0x0E500, 0x0800)
CLEARING = Area("clearing", 0x0ED00, 0x0100)  # what the next start clears
PULSES = Area("pulses", 0x0FD00, 0x0200)  # that the outputs have given
TAMPER = Area("tamper", 0x0FF00, 0x0100)  # covers and magnet, as they were logged last
EVENTS = Area("event log", 0x10000, 0x8000)  # all of a ring, see events/log.py
# Rings in flash: what waits for a full sector, and what each sector holds
PROFILE_1_STAGE = Area("load profile 1, stage", 0x18000, 0x2000)
PROFILE_1_INDEX = Area("load profile 1, index", 0x1A000, 0x6000)
PROFILE_2_STAGE = Area("load profile 2, stage", 0x20000, 0x2000)
PROFILE_2_INDEX = Area("load profile 2, index", 0x22000, 0x4000)
BILLING_STAGE = Area("stored values, stage", 0x26000, 0x2000)
BILLING_INDEX = Area("stored values, index", 0x28000, 0x0800)
SNAPSHOT_STAGE = Area("stored values 2, stage", 0x28800, 0x2000)  # of the second billing scheme
SNAPSHOT_INDEX = Area("stored values 2, index", 0x2A800, 0x0800)

AREAS = (
    FACTORY,
    PARAMETERS,
    ENERGY,
    COUNTERS,
    CALIBRATION,
    INVOCATION_COUNTERS,
    LOG_INS,
    TARIFF,
    TIME_SWITCH,
    CONTROL_TABLE,
    CLEARING,
    PULSES,
    TAMPER,
    EVENTS,
    PROFILE_1_STAGE,
    PROFILE_1_INDEX,
    PROFILE_2_STAGE,
    PROFILE_2_INDEX,
    BILLING_STAGE,
    BILLING_INDEX,
    SNAPSHOT_STAGE,
    SNAPSHOT_INDEX,
)

# The 16 MiB flash, in sectors of 4 KiB: first sector, how many
PROFILE_1_SECTORS = (0, 1_536)
PROFILE_2_SECTORS = (1_536, 1_024)
BILLING_SECTORS = (2_560, 64)
SNAPSHOT_SECTORS = (2_624, 64)
# The same without a flash chip, in the board's file system: 1.25 MiB
FILE_SECTORS = const(320)
PROFILE_1_FILES = (0, 192)
PROFILE_2_FILES = (192, 96)
BILLING_FILES = (288, 16)
SNAPSHOT_FILES = (304, 16)
