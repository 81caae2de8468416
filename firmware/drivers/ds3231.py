"""DS3231 real-time clock, kept on UTC.

Time is an integer, seconds since 2000-01-01 00:00:00 UTC, for the years 2000 to 2099: the chip's calendar takes 2100
for a leap year. Register map: data sheet, figure "Timekeeping Registers".
"""

import errno

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_ADDRESS = const(0x68)

_SECONDS = const(0x00)
_CONTROL = const(0x0E)
_STATUS = const(0x0F)
_AGING = const(0x10)
_TEMPERATURE = const(0x11)

_CONV = const(0x20)  # control: take temperature and aging offset over now
_INTCN = const(0x04)  # control: pin is an alarm interrupt, not a square wave
_OSF = const(0x80)  # status: the oscillator has stood still
_BSY = const(0x04)  # status: a conversion is under way

_TWELVE = const(0x40)  # hours: 12 h mode
_PM = const(0x20)
_DAYS_2100 = const(36525)  # from 2000-01-01 to 2100-01-01
_SATURDAY = const(5)  # 2000-01-01, Monday = 0

# What a step of the aging offset does, in hundredths of a ppm, at these degC (data sheet, "Trim Register Frequency
# Sensitivity per LSB", typical)
_STEPS = ((-40, 70), (25, 10), (70, 40), (85, 80))

_BEFORE_MONTH = const((0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365))


class DS3231:
    """The clock. `i2c` is a machine.I2C (up to 400 kHz). Every method may raise OSError with a text."""

    def __init__(self, i2c: "Any"):
        self._i2c = i2c
        self._time = bytearray(7)
        self._byte = bytearray(1)
        self._pair = bytearray(2)

    def start(self, square_wave: bool = False) -> None:
        """Let the oscillator run on battery too, the 32 kHz output off, the pin idle or with 1 Hz falling per second.

        The time and the lost-time flag stay as they are.
        """
        control = 0 if square_wave else _INTCN
        self._write_byte(_CONTROL, control)
        if self._read_byte(_CONTROL) & ~_CONV != control:
            raise OSError(errno.EIO, "DS3231: control register does not hold")
        self._write_byte(_STATUS, _OSF)  # a one leaves OSF alone; alarm flags and 32 kHz off

    def now(self) -> int:
        """Seconds since 2000-01-01 00:00:00 UTC. OSError if the registers hold no date."""
        t = self._time
        self._read(_SECONDS, t)
        second, minute, hour = _from_bcd(t[0]), _from_bcd(t[1]), _hour(t[2])
        date, month, year = _from_bcd(t[4]), _from_bcd(t[5]), _from_bcd(t[6])  # the century bit makes month > 12
        plausible = 0 <= second < 60 and 0 <= minute < 60 and 0 <= hour < 24 and 1 <= month <= 12 and year >= 0
        if not plausible or not 1 <= date <= _month_length(month, year):
            raise OSError(errno.EIO, "DS3231: no date in the registers")
        return ((_days_before(month, year) + date - 1) * 24 + hour) * 3600 + minute * 60 + second

    def set(self, seconds: int) -> None:
        """Set the time; the new second starts with this call. Clears the lost-time flag once the time has read back."""
        days = seconds // 86400
        if not 0 <= days < _DAYS_2100:
            raise ValueError("DS3231: years 2000 to 2099")
        rest = seconds % 86400
        year, month = days * 4 // 1461, 1  # every fourth year, the first included, has 366 days
        while days >= _days_before(month + 1, year):
            month += 1
        t = self._time
        t[0], t[1], t[2] = _to_bcd(rest % 60), _to_bcd(rest // 60 % 60), _to_bcd(rest // 3600)
        t[3] = (days + _SATURDAY) % 7 + 1  # Monday = 1
        t[4], t[5], t[6] = _to_bcd(days - _days_before(month, year) + 1), _to_bcd(month), _to_bcd(year)
        self._write(_SECONDS, t)
        if not 0 <= self.now() - seconds <= 1:
            raise OSError(errno.EIO, "DS3231: time does not hold")
        self.clear_lost_time()

    @property
    def lost_time(self) -> bool:
        """The oscillator has stood still since the time was last set: the time is worth nothing."""
        return bool(self._read_byte(_STATUS) & _OSF)

    def clear_lost_time(self) -> None:
        """Declare the time valid."""
        self._write_byte(_STATUS, self._read_byte(_STATUS) & ~_OSF)

    def temperature(self) -> float:
        """Chip temperature in degC, step 0.25, at most 64 s old."""
        self._read(_TEMPERATURE, self._pair)
        return _signed(self._pair[0]) + (self._pair[1] >> 6) / 4

    def aging(self) -> int:
        """Aging offset in steps of about 0.1 ppm at 25 degC, more elsewhere; positive slows the clock."""
        return _signed(self._read_byte(_AGING))

    def set_aging(self, steps: int) -> None:
        """Change the aging offset (-128..127), in effect with a conversion started now."""
        if not -128 <= steps <= 127:
            raise ValueError("DS3231: aging offset -128..127")
        self._write_byte(_AGING, steps & 0xFF)
        if self.aging() != steps:
            raise OSError(errno.EIO, "DS3231: aging offset does not hold")
        if not self._read_byte(_STATUS) & _BSY:  # otherwise the conversion under way, or the next one, takes it
            self._write_byte(_CONTROL, self._read_byte(_CONTROL) | _CONV)

    def trim(self, tenths_ppm: int) -> None:
        """Slow the clock by `tenths_ppm` (-127..127, negative: faster) at the temperature it has now: call it again as
        the temperature changes."""
        wanted = tenths_ppm * 10
        step = _step(int(self.temperature()))
        steps = (2 * wanted + step) // (2 * step)
        if steps != self.aging():
            self.set_aging(steps)

    # --- bus ---

    def _read_byte(self, register: int) -> int:
        self._read(register, self._byte)
        return self._byte[0]

    def _write_byte(self, register: int, value: int) -> None:
        self._byte[0] = value
        self._write(register, self._byte)

    def _read(self, register: int, buf: bytearray) -> None:
        try:
            self._i2c.readfrom_mem_into(_ADDRESS, register, buf)
        except OSError:
            raise OSError(errno.EIO, "DS3231: does not answer") from None

    def _write(self, register: int, buf: bytearray) -> None:
        try:
            self._i2c.writeto_mem(_ADDRESS, register, buf)
        except OSError:
            raise OSError(errno.EIO, "DS3231: does not answer") from None


def _days_before(month: int, year: int) -> int:
    """Days from 2000-01-01 to the first of `month` (1..13) of `year` (0..99)."""
    leap = 1 if year % 4 == 0 and month > 2 else 0
    return year * 365 + (year + 3) // 4 + _BEFORE_MONTH[month - 1] + leap


def _month_length(month: int, year: int) -> int:
    return _days_before(month + 1, year) - _days_before(month, year)


def _step(celsius: int) -> int:
    """What a step of the aging offset does, hundredths of a ppm."""
    celsius = min(max(celsius, _STEPS[0][0]), _STEPS[-1][0])
    n = 0
    while celsius > _STEPS[n + 1][0]:
        n += 1
    (colder, first), (warmer, last) = _STEPS[n], _STEPS[n + 1]
    return first + (last - first) * (celsius - colder) // (warmer - colder)


def _hour(register: int) -> int:
    """Hour 0..23 from either hour mode, -1 if it is none."""
    if not register & _TWELVE:
        return _from_bcd(register)
    hour = _from_bcd(register & 0x1F)
    if not 1 <= hour <= 12:
        return -1
    return hour % 12 + (12 if register & _PM else 0)


def _from_bcd(value: int) -> int:
    """Two decimal digits, -1 if they are none."""
    high, low = value >> 4, value & 15
    return -1 if high > 9 or low > 9 else high * 10 + low


def _to_bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _signed(value: int) -> int:
    return (value ^ 0x80) - 0x80
