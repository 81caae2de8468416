"""The clock as objects: class 8, and its time and date alone as 0.9.1 and 0.9.2. Blue Book, clause 4.5.1.

`clock` is a tariff.clock.Clock; `set_time(utc)` sets it.
"""

from micropython import const

from meter.cosem import date_time
from meter.cosem.classes import FIELD, PUBLIC, Composite, Data, Setting
from meter.cosem.data_types import OCTETS
from meter.parameters import LEVEL, ParameterRefused

_CONSUMER = const(5)  # from this level on nobody changes anything
_QUARTER_S = const(900)
_MINUTE_S = const(60)
_SHIFT_S = const(900)


class Clock(Composite):
    """Class 8: local time, and what makes it: zone and deviations in minutes from local time to UTC, so CET is -60."""

    readable = PUBLIC

    def __init__(self, logical_name: bytes, clock, parameters, set_time):
        values = (
            lambda: date_time.now(clock),
            Setting(parameters, "time_zone", _reversed, _reversed),
            lambda: date_time.now(clock)[11],
            Setting(parameters, "dst_begin"),
            Setting(parameters, "dst_end"),
            Setting(parameters, "dst_minutes"),
            Setting(parameters, "dst_enabled", bool, int),
            lambda: clock.base,
        )
        actions = (
            lambda _: self._set_to_nearest(_QUARTER_S),
            lambda _: self._set_to_nearest(clock.period_s),
            lambda _: self._set_to_nearest(_MINUTE_S),
            self._set_to_preset,
            self._take_preset,
            self._shift,
        )
        super().__init__(8, logical_name, values, {n + 1: (FIELD, action) for n, action in enumerate(actions)})
        self._clock = clock
        self._set_time = set_time

    def set(self, attribute: int, value) -> None:
        if attribute != 2:
            super().set(attribute, value)
        elif value is None:
            raise ValueError("no time")
        else:
            self._set_time(date_time.utc(self._clock, value))

    def write_level(self, attribute: int) -> "int | None":
        return FIELD if attribute == 2 else super().write_level(attribute)

    def formatted(self) -> tuple[str, str]:
        fields = self._clock.fields()
        return date_text(fields) + " " + time_text(fields), ""

    def _set_to_nearest(self, step: int) -> None:
        """Set to the nearest multiple of `step` seconds of local time."""
        if not self._clock.valid:
            raise ValueError("the time is not known")
        now = self._clock.utc()
        ahead = self._clock.zone(now)[0] * 60
        self._set_time((now + ahead + step // 2) // step * step - ahead)

    def _take_preset(self, value) -> None:
        """Keep a time for `_set_to_preset`, until the meter starts anew, and the span in which it may be taken over."""
        if value is None:
            raise ValueError("no time")
        wanted, first, last = value
        span = date_time.bound(self._clock, first, False), date_time.bound(self._clock, last, True)
        self._clock.preset = (date_time.utc(self._clock, wanted),) + span

    def _set_to_preset(self, _value) -> None:
        if self._clock.preset is None:
            raise ValueError("no time is preset")
        wanted, first, last = self._clock.preset
        now = self._clock.utc()
        if first is not None and now < first or last is not None and now > last:
            raise ValueError("not the time to take it over")
        self._set_time(wanted)
        self._clock.preset = None

    def _shift(self, seconds) -> None:
        if seconds is None or not -_SHIFT_S <= seconds <= _SHIFT_S:
            raise ValueError("shift by up to 900 s")
        self._clock.adjust(seconds)


class Part(Data):
    """0.9.1, the time, or with `is_date` 0.9.2, the date. Setting one leaves the other."""

    def __init__(self, logical_name: bytes, clock, set_time, is_date: bool):
        super().__init__(logical_name, self._octets, OCTETS, PUBLIC, self._take, FIELD)
        self._clock = clock
        self._set_time = set_time
        self._is_date = is_date

    def formatted(self) -> tuple[str, str]:
        return (date_text if self._is_date else time_text)(self._clock.fields()), ""

    def write(self, text: str, level: int) -> None:
        """Set it to what `text` says, at access `level`: [YY]YY-MM-DD or YYMMDD, HH:MM[:SS] or HHMMSS, in the meter's
        calendar. ParameterRefused if the level is too low, ValueError if there is no such date or time."""
        if not FIELD <= level < _CONSUMER:
            raise ParameterRefused(self.index, LEVEL)
        calendar = self._clock.calendar
        given = _numbers(text, "-" if self._is_date else ":", not self._is_date)
        if self._is_date and given[0] < 100:
            given = (calendar.full_year(given[0]),) + given[1:]
        self._put(calendar, given)

    def _octets(self) -> bytes:
        now = date_time.now(self._clock)
        return now[:5] if self._is_date else now[5:9]

    def _take(self, octets: bytes) -> None:
        if len(octets) != (5 if self._is_date else 4):
            raise ValueError("no date or time")
        given = (octets[0] << 8 | octets[1], octets[2], octets[3]) if self._is_date else tuple(octets[:3])
        self._put(self._clock.wire, given)

    def _put(self, calendar, given: tuple) -> None:
        clock = self._clock
        ahead, daylight_saving, _, _ = clock.zone(clock.utc())
        now = calendar.fields(clock.utc() + ahead * 60)
        local = calendar.seconds(given + now[4:7] if self._is_date else now[:3] + given)
        self._set_time(clock.to_utc(local, not daylight_saving))


def time_text(fields: tuple) -> str:
    """`HH:MM:SS`, the form of 0.9.1."""
    return "%02d:%02d:%02d" % fields[4:7]


def date_text(fields: tuple) -> str:
    """`YY-MM-DD`, the form of 0.9.2."""
    return "%02d-%02d-%02d" % (fields[0] % 100, fields[1], fields[2])


def _numbers(text: str, separator: str, may_be_short: bool) -> tuple:
    """Three numbers of two digits, the first perhaps of four where there are separators; the last perhaps missing."""
    parts = text.split(separator) if separator in text else [text[n : n + 2] for n in range(0, len(text), 2)]
    if may_be_short and len(parts) == 2 and separator in text:
        parts.append("00")
    lengths = [len(part) for part in parts]
    is_number = all("0" <= c <= "9" for c in "".join(parts))
    if not is_number or lengths != [2, 2, 2] and (may_be_short or lengths != [4, 2, 2]):
        raise ValueError("no date or time")
    return tuple([int(part) for part in parts])


def _reversed(minutes: int) -> int:
    return -minutes
