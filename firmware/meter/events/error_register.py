"""The error register F.F: 32 bits in four groups AA BB CC DD, printed as 8 hex digits; bits add up.

Group AA (time base), the lock of communication and the extension board clear themselves when the cause is gone; the
other bits stay until the next start.
"""

from micropython import const

# AA: time base
BATTERY_LOW = const(0x01 << 24)
CLOCK_INVALID = const(0x02 << 24)
# BB: access to a part failed
MAIN_MEMORY = const(0x01 << 16)
MEASURING_SYSTEM = const(0x04 << 16)
TIME_DEVICE = const(0x08 << 16)
PROFILE_MEMORY = const(0x10 << 16)  # of load profiles and stored values
DISPLAY_BOARD = const(0x80 << 16)
# CC: a checksum was wrong
BACKUP_DATA = const(0x02 << 8)
PARAMETERS = const(0x04 << 8)
CALIBRATION = const(0x40 << 8)
# DD: others
INVALID_POWER_DOWN = const(0x01)
MEASUREMENT = const(0x02)  # measuring system error: it answers, but what it measures cannot be
WATCHDOG = const(0x10)
EXTENSION_BOARD = const(0x80)  # it does not take what its contacts are to do; until it does
COMMUNICATION_LOCKED = const(0x20)  # as long as a level is locked after wrong passwords

# They take the place of the operating display
FATAL = const(MAIN_MEMORY | MEASURING_SYSTEM | PARAMETERS | CALIBRATION)
# They are shown until somebody has seen them: all others but those of group AA
CRITICAL = const(0x00FFFFFF & ~FATAL)
TIME_BASE = const(BATTERY_LOW | CLOCK_INVALID)


class ErrorRegister:
    """The bits that are set."""

    def __init__(self, bits: int = 0):
        self.bits = bits

    def set(self, bits: int) -> None:
        """Note errors."""
        self.bits |= bits

    def clear(self, bits: int) -> None:
        """Forget errors."""
        self.bits &= ~bits

    def note(self, bits: int, present: bool) -> None:
        """Set or clear, for causes that cure themselves."""
        if present:
            self.set(bits)
        else:
            self.clear(bits)

    @property
    def fatal(self) -> bool:
        return bool(self.bits & FATAL)

    def text(self) -> str:
        return "%08X" % self.bits
