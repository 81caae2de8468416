"""The meter's clock: UTC inside, read from the real-time clock chip once a second.

Between two readings, and while the chip does not answer, time goes on by the microcontroller's ticks.
"""

import time

from meter import calendar

_BEGINNING = -(1 << 40)  # before and after all that there is
_END = 1 << 40


class Clock:
    """`rtc` is a drivers.ds3231.DS3231. `valid` is false until the time has been set after a loss."""

    def __init__(self, rtc):
        self._rtc = rtc
        self._seconds = 0
        self._read_at = time.ticks_ms()
        self.valid = False

    def start(self) -> None:
        """Let the chip run on its battery too. OSError if it does not answer."""
        self._rtc.start()

    def update(self) -> None:
        """Read the chip. OSError if it does not answer or holds no date; the clock goes on meanwhile."""
        self.valid = False
        self._seconds = self.utc()
        self._read_at = time.ticks_ms()
        seconds = self._rtc.now()
        lost = self._rtc.lost_time
        self._seconds = seconds
        self._read_at = time.ticks_ms()
        self.valid = not lost

    def utc(self) -> int:
        """Seconds since 2000-01-01 00:00:00 UTC."""
        return self._seconds + time.ticks_diff(time.ticks_ms(), self._read_at) // 1000

    def set(self, utc: int) -> None:
        """Set the time. OSError if the chip does not take it."""
        self._rtc.set(utc)
        self._seconds = utc
        self._read_at = time.ticks_ms()
        self.valid = True

    def zone(self, utc: int) -> tuple:
        """(minutes that local time is ahead of UTC, daylight saving, first, end) at a moment: so it is from the moment
        `first` to before `end`. Local time is UTC: there is no zone yet."""
        return 0, False, _BEGINNING, _END

    def to_utc(self, local: int, last: bool = False) -> int:
        """The moment at which it is `local`, seconds since 2000; where the clock is put back the first one or the
        `last`."""
        return local

    def fields(self) -> tuple:
        """(year, month, day, weekday 1..7, hour, minute, second), local."""
        utc = self.utc()
        return calendar.fields(utc + self.zone(utc)[0] * 60)
