"""Views of what switches rates: activity calendar (20), special days (11), and the control table as a text.

What the tables are is in tariff/switch_table.py; here dates, times and scripts get the form of the Blue Book. Dates are
in the meter's calendar: with parts left open they cannot be turned into another one.
"""

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.classes import READER, SEALED, UTILITY, Data, Object
from meter.cosem.data_types import TEXT
from meter.parameters import LEVEL, ParameterRefused

_TARIFF_SCRIPTS = obis.parse("0-0:10.0.100")
_MIDNIGHT = b"\x00\x00\x00\x00\x80\x00\xff"  # behind a date: no deviation, no status
_FIRST_PASSIVE = const(6)  # attribute
_ACTIVATION = const(10)
_SEASONS = const(1)  # parts of a table
_DAYS = const(3)
_PASSIVE = const(4)  # where the second table's begin
_SPECIAL_DAYS = const(8)
_DATE_SIZE = const(5)
_ANY = const(0xFF)


class ActivityCalendar(Object):
    """Class 20: the active table, the passive one and its activation date. `time_switch` is a
    tariff.time_switch.TimeSwitch."""

    class_id = 20
    readable = READER

    def __init__(self, logical_name: bytes, time_switch, clock):
        super().__init__(logical_name)
        self._time_switch = time_switch
        self._clock = clock

    def get(self, attribute: int, selection=None):
        if 2 <= attribute < _ACTIVATION:
            return _shown(attribute - 2, self._time_switch.part(attribute - 2))
        if attribute == _ACTIVATION:
            moment = self._time_switch.activation
            return date_time.UNSPECIFIED if moment is None else date_time.octets(self._clock, moment)
        return super().get(attribute)

    def set(self, attribute: int, value) -> None:
        if _FIRST_PASSIVE <= attribute < _ACTIVATION:
            self._time_switch.set_part(attribute - 2, _taken(attribute - 2, value))
        elif attribute == _ACTIVATION:
            is_open = value in (date_time.UNSPECIFIED, b"\xff" * 12)
            moment = None if is_open else date_time.utc(self._clock, _octets(value, date_time.SIZE))
            self._time_switch.set_activation(moment)
        else:
            raise KeyError(attribute)

    def act(self, method: int, value) -> None:
        if method != 1:
            raise KeyError(method)
        self._time_switch.activate()

    def write_level(self, attribute: int) -> "int | None":
        level = super().write_level(attribute)
        return UTILITY if attribute >= _FIRST_PASSIVE else level

    def act_level(self, method: int) -> "int | None":
        self.method_spec(method)
        return UTILITY


class SpecialDays(Object):
    """Class 11: entries are (index, date, day table), in the order in which they are looked through."""

    class_id = 11
    readable = READER

    def __init__(self, logical_name: bytes, time_switch):
        super().__init__(logical_name)
        self._time_switch = time_switch

    def get(self, attribute: int, selection=None):
        return self._time_switch.part(_SPECIAL_DAYS) if attribute == 2 else super().get(attribute)

    def set(self, attribute: int, value) -> None:
        if attribute != 2:
            raise KeyError(attribute)
        self._time_switch.set_part(_SPECIAL_DAYS, (_special_day(entry) for entry in value or ()))

    def act(self, method: int, value) -> None:
        """Insert an entry, or delete the one with an index."""
        if method == 1:
            self._time_switch.insert_special_day(_special_day(value))
        elif method == 2:
            self._time_switch.delete_special_day(-1 if value is None else value)
        else:
            raise KeyError(method)

    def write_level(self, attribute: int) -> "int | None":
        level = super().write_level(attribute)
        return UTILITY if attribute == 2 else level

    def act_level(self, method: int) -> "int | None":
        self.method_spec(method)
        return UTILITY


class TableText(Data):
    """The control table as a text. `control_table` is a tariff.control_table.ControlTable."""

    def __init__(self, logical_name: bytes, control_table):
        super().__init__(logical_name, lambda: control_table.text, TEXT, READER, control_table.write, UTILITY)

    def write(self, text: str, level: int) -> None:
        """Replace it, at access `level`: ParameterRefused if that is too low; else as by DLMS."""
        if not UTILITY <= level <= SEALED:
            raise ParameterRefused("control table", LEVEL)
        self.set(2, text)


def _octets(value, size: int) -> bytes:
    if value is None or len(value) != size:
        raise ValueError("%d octets are wanted" % size)
    return bytes(value)


def _shown(part: int, values):
    kind = part % _PASSIVE
    if kind == _SEASONS:
        return [(name, start + _MIDNIGHT, week) for name, start, week in values]
    if kind == _DAYS:
        return [(number, [_action(*switching) for switching in times]) for number, times in values]
    return values


def _action(minute: int, selector: int) -> tuple:
    return bytes((minute // 60, minute % 60, 0, 0)), _TARIFF_SCRIPTS, selector


def _taken(part: int, value):
    """The reverse of `_shown`, worked out by who takes it: ValueError, with the reason, for what cannot be."""
    kind = part % _PASSIVE
    if kind == _SEASONS and value is not None:
        return ((name, _season_start(start), week) for name, start, week in value)
    if kind == _DAYS and value is not None:
        return ((number, [_switching(*action) for action in times]) for number, times in value)
    return value


def _season_start(value) -> bytes:
    start = _octets(value, date_time.SIZE)
    if any(part not in (0, _ANY) for part in start[_DATE_SIZE : _DATE_SIZE + 4]):
        raise ValueError("seasons begin at midnight")
    return start[:_DATE_SIZE]


def _switching(value, script_table: bytes, selector: int) -> tuple:
    hour, minute, second, hundredths = _octets(value, 4)
    if hour > 23 or minute > 59 or second not in (0, _ANY) or hundredths not in (0, _ANY):
        raise ValueError("switching times are whole minutes of a day")
    if script_table != _TARIFF_SCRIPTS:
        raise ValueError("the time switch runs scripts of the tariff table only")
    return hour * 60 + minute, selector


def _special_day(entry) -> tuple:
    if entry is None:
        raise ValueError("no entry")
    index, date, day = entry
    return index, _octets(date, _DATE_SIZE), day
