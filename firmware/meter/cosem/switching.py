"""Views of what switches rates: activity calendar (20), special days (11), and the control table as a text.

What the tables are is in tariff/switch_table.py; here dates, times and scripts get the form of the Blue Book. Dates are
in the meter's calendar: with parts left open they cannot be turned into another one.
"""

from meter.cosem import date_time, obis
from meter.cosem.classes import READER, SEALED, UTILITY, Attribute, Composite, Data
from meter.cosem.data_types import TEXT
from meter.parameters import LEVEL, ParameterRefused

_TARIFF_SCRIPTS = obis.parse("0-0:10.0.100")
_MIDNIGHT = b"\x00\x00\x00\x00\x80\x00\xff"  # behind a date: no deviation, no status
_PARTS = 4  # name, seasons, weeks, days
_SEASONS, _WEEKS, _DAYS = 1, 2, 3
_SPECIAL_DAYS = 8
_DATE_SIZE = 5
_ANY = 0xFF


def calendar(time_switch, clock, logical_name: bytes) -> Composite:
    """The active table, the passive one and its activation date. `time_switch` is a tariff.time_switch.TimeSwitch."""

    def part(n: int):
        kind = n % _PARTS

        def read():
            return _shown(kind, time_switch.part(n))

        def change(value):
            time_switch.set_part(n, _taken(kind, value))

        return read if n < _PARTS else Attribute(read, change, UTILITY)

    def activation() -> bytes:
        moment = time_switch.activation
        return date_time.UNSPECIFIED if moment is None else date_time.octets(clock, moment)

    def set_activation(value) -> None:
        is_open = value == date_time.UNSPECIFIED
        time_switch.set_activation(None if is_open else date_time.utc(clock, _octets(value, date_time.SIZE)))

    values = tuple([part(n) for n in range(2 * _PARTS)]) + (Attribute(activation, set_activation, UTILITY),)
    return Composite(20, logical_name, values, {1: (UTILITY, lambda _: time_switch.activate())})


def special_days(time_switch, logical_name: bytes) -> Composite:
    """Entries are (index, date, day table), in the order in which they are looked through."""

    def change(value) -> None:
        time_switch.set_part(_SPECIAL_DAYS, (_special_day(entry) for entry in value or ()))

    def insert(value) -> None:
        time_switch.insert_special_day(_special_day(value))

    def delete(index) -> None:
        time_switch.delete_special_day(-1 if index is None else index)

    entries = Attribute(lambda: time_switch.part(_SPECIAL_DAYS), change, UTILITY)
    return Composite(11, logical_name, (entries,), {1: (UTILITY, insert), 2: (UTILITY, delete)})


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


def _shown(kind: int, values):
    if kind == _SEASONS:
        return [(name, start + _MIDNIGHT, week) for name, start, week in values]
    if kind == _DAYS:
        return [(number, [_action(*switching) for switching in times]) for number, times in values]
    return values


def _action(minute: int, selector: int) -> tuple:
    return bytes((minute // 60, minute % 60, 0, 0)), _TARIFF_SCRIPTS, selector


def _taken(kind: int, value):
    """The reverse of `_shown`, worked out by who takes it: ValueError, with the reason, for what cannot be."""
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
