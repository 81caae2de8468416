"""The meter's clock: UTC inside, read from the real-time clock chip once a second; local time by the parameters.

The chip tells whole seconds. Between two readings, and while it does not answer, time goes on by the microcontroller's
ticks; each reading puts that right, so that after some minutes the beginning of the chip's second is known to some
hundredths of one.

With the parameter `mains_sync` the clock goes by the periods of the mains: the chip still counts in between, is put
right again and again, and counts alone while mains is away, out of its limits or too far ahead or behind.
"""

import time

from micropython import const

from meter import calendar, persian
from meter.time_zone import TimeZone

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

_TRIM_S = const(64)  # as often as the chip itself looks at its temperature
_CLOSE_MS = const(20)  # the chip is put right at the beginning of a second, or not at all
_MAINS_TOLERANCE = const(50)  # one part in: the mains' frequency range
# Clock bases (Blue Book, class 8)
CRYSTAL = const(1)
MAINS_50_HZ = const(2)
MAINS_60_HZ = const(3)


def _nothing(*_) -> None:
    """For who does not care what happens."""


class Clock:
    """`rtc` is a drivers.ds3231.DS3231, `parameters` meter.parameters.Parameters.

    `valid` is false until the time has been set after a loss.

    Its owner may set: `cycles()`, the mains' periods counted so far or None while there are none; `period_s`, the
    measuring period; and what is called
    - on_set(old, new, is_shift) when the time has been set (UTC). A shift stays within `shift_limit_s` and the
      measuring period: periods go on as if nothing had been.
    - on_season(utc) when daylight saving has begun or ended, with the last second before.
    - on_lost(utc) when the chip has lost the time.
    """

    def __init__(self, rtc, parameters):
        self._rtc = rtc
        self._parameters = parameters
        self._seen = -1  # state of the parameters that `_zone` is made of
        self._seconds = 0  # the chip's time at `_read_at`, as well as it is known, and
        self._ms = 0
        self._read_at = time.ticks_ms()
        self._ahead_ms = 0  # of the chip
        self._shown = 0
        self._lost = False
        self._daylight: "bool | None" = None
        self._trim = 0
        self._trimmed_s = _TRIM_S  # since then
        self._cycles: "int | None" = None
        self._cycles_at = (0, 0)
        self._rest = 0  # of mains' time, in ms / Hz
        self._led_ms = 0  # by how much mains has put the clock forward since it was set
        self.valid = False
        self.follows_mains = False
        self.preset: "tuple | None" = None  # of class 8: time, first and last moment to take it over
        self.period_s = 900
        self.cycles: "Callable[[], int | None]" = _nothing
        self.on_set: "Callable[[int, int, bool], object]" = _nothing
        self.on_season: "Callable[[int], object]" = _nothing
        self.on_lost: "Callable[[int], object]" = _nothing

    def start(self, last_known: int = 0) -> None:
        """Let the chip run on its battery too. OSError if it does not answer. If it has lost the time the clock goes on
        from the moment `last_known`."""
        self._seconds = max(self._seconds, last_known)
        self._rtc.start()

    def update(self) -> None:
        """Read the chip, once a second. OSError if it does not answer or holds no date; the clock goes on meanwhile."""
        self.valid = False
        self._advance()
        if self._rtc.lost_time:  # then its registers tell nothing
            if not self._lost:
                self._lost = True
                self.on_lost(self.utc())
            return
        chip = self._rtc.now()
        self._advance()
        if chip != self._seconds:  # a second has begun sooner, or has not ended yet
            self._ms = 0 if chip > self._seconds else 999
            self._seconds = chip
        self._lost = False
        self.valid = True
        self._tend_trim()
        self._follow_mains()
        self._note_season()
        self._put_chip_right()

    def utc(self) -> int:
        """Seconds since 2000-01-01 00:00:00 UTC."""
        ms = self._ms + self._ahead_ms + time.ticks_diff(time.ticks_ms(), self._read_at)
        utc = self._seconds + ms // 1000
        if utc != self._shown - 1:  # one second back: the chip's was found to be a little longer
            self._shown = utc
        return self._shown

    def set(self, utc: int) -> None:
        """Set the time: the second `utc` begins now. OSError if the chip does not take it, ValueError if it cannot."""
        self._set(utc, 0)

    def adjust(self, seconds: int) -> None:
        """Put the clock forward, or back, and leave the beginning of its seconds as it is. Errors as with `set`, and
        ValueError if the time is not valid."""
        if not self.valid:
            raise ValueError("the time is not known")
        self._advance()
        self._set(self._seconds, self._ms + self._ahead_ms + seconds * 1000)

    # --- local time -------------------------------------------------------------------------------------------------

    def zone(self, utc: int) -> tuple:
        """(minutes that local time is ahead of UTC, daylight saving, first, end) at a moment: so it is from the moment
        `first` to before `end`."""
        return self._local().zone(utc)

    def to_utc(self, local: int, last: bool = False) -> int:
        """The moment at which it is `local`, seconds since 2000; where the clock is put back the first one or the
        `last`."""
        return self._local().to_utc(local, last)

    def fields(self) -> tuple:
        """(year, month, day, weekday 1..7, hour, minute, second), local, in the meter's calendar."""
        utc = self.utc()
        return self.calendar.fields(utc + self.zone(utc)[0] * 60)

    @property
    def calendar(self):
        """The meter's calendar: the module meter.calendar or meter.persian."""
        return persian if self._parameters.calendar == "persian" else calendar

    @property
    def wire(self):
        """The calendar of COSEM's date-times."""
        return self.calendar if self._parameters.persian_on_wire else calendar

    def _local(self) -> TimeZone:
        parameters = self._parameters
        if parameters.changes != self._seen:
            self._seen = parameters.changes
            self._daylight = None
            saving = parameters.dst_minutes if parameters.dst_enabled else None
            rules = parameters.dst_begin, parameters.dst_end
            self._zone = TimeZone(parameters.time_zone, saving, *rules, self.calendar)
        return self._zone

    # --- mains ------------------------------------------------------------------------------------------------------

    @property
    def base(self) -> int:
        """What the clock is to go by: CRYSTAL, MAINS_50_HZ or MAINS_60_HZ."""
        parameters = self._parameters
        if not parameters.mains_sync:
            return CRYSTAL
        return MAINS_50_HZ if parameters.nominal_hz == 50 else MAINS_60_HZ

    @property
    def on_other_base(self) -> bool:
        """It is to go by the mains and does not."""
        return self.base != CRYSTAL and not self.follows_mains

    def _follow_mains(self) -> None:
        """Be ahead of the chip by what the mains' time has gained since the reading before."""
        cycles = self.cycles() if self._parameters.mains_sync else None
        before, (seconds, ms) = self._cycles, self._cycles_at
        self._cycles, self._cycles_at = cycles, (self._seconds, self._ms)
        self.follows_mains = False
        if cycles is None or before is None:
            return
        hz = self._parameters.nominal_hz
        elapsed = ((self._seconds - seconds) * 1000 + self._ms - ms) * hz
        gained = (cycles - before) * 1000 - elapsed
        if abs(gained) > elapsed // _MAINS_TOLERANCE + 1000:  # a period more or less is no fault
            return
        gained += self._rest
        led_ms = self._led_ms + gained // hz
        if abs(led_ms) > self._parameters.sync_limit_s * 1000:
            return
        self._ahead_ms += gained // hz
        self._rest = gained % hz
        self._led_ms = led_ms
        self.follows_mains = True

    # --- the chip ---------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Let the chip's time, as we know it, go on to now."""
        now = time.ticks_ms()
        ms = self._ms + time.ticks_diff(now, self._read_at)
        self._seconds += ms // 1000
        self._ms = ms % 1000
        self._read_at = now

    def _set(self, utc: int, ms: int) -> None:
        """Set the time to the moment `utc` and so many milliseconds."""
        old = self.utc()
        new = utc + ms // 1000
        is_shift = self.valid and self._is_shift(old, new)
        self._set_chip(utc, ms)
        self.valid = True
        self._lost = False
        self._daylight = None
        self._led_ms = self._rest = 0
        self._cycles = None
        self.on_set(old, new, is_shift)

    def _is_shift(self, old: int, new: int) -> bool:
        limit = self._parameters.shift_limit_s
        periods = [(utc + self.zone(utc)[0] * 60) // self.period_s for utc in (old, new)]
        return abs(new - old) <= limit and periods[0] == periods[1]

    def _set_chip(self, utc: int, ms: int) -> None:
        """Let the chip's nearest second to a time begin now, and the clock be ahead of it by the rest."""
        now = time.ticks_ms()
        nearest = (ms + 500) // 1000
        self._rtc.set(utc + nearest)
        self._seconds, self._ms, self._read_at = utc + nearest, 0, now
        self._ahead_ms = ms - nearest * 1000
        self._shown = utc + ms // 1000

    def _put_chip_right(self) -> None:
        """Let the chip be where the clock is: when a second has just begun, or when they are a whole one apart."""
        self._advance()
        apart, ms = abs(self._ahead_ms), self._ms + self._ahead_ms
        if apart >= 1000 or apart >= _CLOSE_MS > ms % 1000:
            self._set_chip(self._seconds, ms)
            self._cycles_at = (self._seconds, self._ms)

    def _tend_trim(self) -> None:
        """Slow the chip by the parameter, now and as its temperature changes."""
        trim = self._parameters.clock_trim
        self._trimmed_s += 1
        if trim != self._trim or self._trimmed_s >= _TRIM_S:
            self._rtc.trim(trim)
            self._trim, self._trimmed_s = trim, 0

    def _note_season(self) -> None:
        """Tell when time has run through a change of daylight saving, not when it was set past one."""
        _, daylight, first, _ = self.zone(self.utc())
        before, self._daylight = self._daylight, daylight
        if before is not None and daylight != before:  # None: the zone's parameters or the time have been set
            self.on_season(first - 1)
