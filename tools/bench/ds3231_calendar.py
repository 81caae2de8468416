"""The calendar counters of a DS3231 as arithmetic on its seven time registers.

Within one century the chip takes every fourth year as a leap year, the year 00 included, whatever the century bit.
"""

from __future__ import annotations

DAYS_IN_CENTURY = 36525
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CENTURY, _TWELVE, _PM = 0x80, 0x40, 0x20


def add(registers: bytes, seconds: int) -> bytes:
    """The registers `seconds` later; 12/24 h mode is kept, the weekday goes on at midnight."""
    return encode(decode(registers) + seconds, registers)


def decode(registers: bytes) -> int:
    """Seconds since year 00 of century 0 (2000-01-01 00:00:00). Nonsense in the registers gives some time, no error."""
    second, minute, date, year = (_from_bcd(registers[k]) for k in (0, 1, 4, 6))
    month = (_from_bcd(registers[5] & 0x1F) - 1) % 12
    leap = 1 if year % 4 == 0 and month > 1 else 0
    days = year * 365 + (year + 3) // 4 + sum(_MONTHS[:month]) + leap + date - 1
    days += DAYS_IN_CENTURY if registers[5] & _CENTURY else 0
    return ((days * 24 + _hour(registers[2])) * 60 + minute) * 60 + second


def encode(seconds: int, before: bytes) -> bytes:
    """Registers for `seconds` since 2000-01-01; hour mode and weekday follow from the registers `before`."""
    days, rest = divmod(seconds, 86400)
    weekday = (before[3] - 1 + days - decode(before) // 86400) % 7 + 1
    century, day = divmod(days, DAYS_IN_CENTURY)
    years, day = divmod(day, 1461)  # groups of four, the first one leap
    year = 0 if day < 366 else (day - 1) // 365
    day -= year * 365 + (1 if year else 0)
    month = 0
    while day >= _length(month, year):
        day -= _length(month, year)
        month += 1
    return bytes(
        (
            _to_bcd(rest % 60),
            _to_bcd(rest // 60 % 60),
            _hour_register(rest // 3600, before[2] & _TWELVE),
            weekday,
            _to_bcd(day + 1),
            _to_bcd(month + 1) | (_CENTURY if century % 2 else 0),
            _to_bcd(years * 4 + year),
        )
    )


def _length(month: int, year: int) -> int:
    return 29 if month == 1 and year % 4 == 0 else _MONTHS[month]


def _hour(register: int) -> int:
    if not register & _TWELVE:
        return _from_bcd(register & 0x3F)
    return _from_bcd(register & 0x1F) % 12 + (12 if register & _PM else 0)


def _hour_register(hour: int, twelve: int) -> int:
    if not twelve:
        return _to_bcd(hour)
    return _TWELVE | (_PM if hour >= 12 else 0) | _to_bcd((hour - 1) % 12 + 1)


def _from_bcd(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)


def _to_bcd(value: int) -> int:
    return value // 10 << 4 | value % 10
