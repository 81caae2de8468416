"""The parameters: one table (parameter_table.py), one door.

Reading is by attribute, `parameters.reaction_ms`. Changing is only by `Parameters.set`, which checks the access level,
the kind and the range, keeps the new value in the memory before it holds, and logs the change.

Access levels of the product: 0 public, 1 data collection, 2 field service, 3 utility service, 4 extended utility
service (certification seal broken). 5 and 6 are the consumer's: they read and change nothing. README.md has more.
"""

import errno
import struct

from micropython import const

from meter.metrology.energies import channels, energy_list, sum_channel
from meter.metrology.networks import NETWORKS, maximum_current_ma
from meter.output_function import keeps_up, output_function
from meter.parameter_table import (
    ADDRESS,
    CHANNELS,
    CHAR,
    CHOICE,
    CODES,
    INT,
    KEY,
    LIST,
    MASK,
    NEXT_START,
    OUTPUT,
    PASSWORD,
    RULE,
    SECRET,
    SUM,
    TABLE,
    WORD,
)
from meter.storage import records
from meter.storage.layout import PARAMETERS
from meter.time_zone import is_rule

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NUMBERS = (INT, CHOICE, MASK)
_OCTETS = (SECRET, KEY, RULE)
_SECRETS = (PASSWORD, SECRET, KEY)
_PARSERS = {SUM: sum_channel, LIST: energy_list, CHANNELS: channels, OUTPUT: output_function}
_OUTPUTS = const(6)

_VERSION = const(1)
_ENTRY = "<HB"  # number, length of the value
_ENTRY_SIZE = const(3)
_CONSUMER = const(5)
_FORBIDDEN = "()*/!"
_HEX = "0123456789ABCDEFabcdef"
_KEY_BYTES = const(16)
_RATED_REGISTERS = const(24)

UNKNOWN = "unknown parameter"
LEVEL = "access denied"
KIND = "wrong type"
RANGE = "out of range"


class ParameterRefused(Exception):
    """A change that is not made. `reason` is UNKNOWN, LEVEL, KIND or RANGE; `name` is the parameter's."""

    def __init__(self, name: str, reason: str):
        super().__init__(name + ": " + reason)
        self.name = name
        self.reason = reason


class Parameters:
    """All parameters of TABLE, kept in `memory`.

    `defaults` replaces defaults of the table for this one meter (its address is its serial number, say).
    `checksum_error` says that the stored set was damaged and defaults are in force; `replaced` names the stored values
    that this firmware does not allow and that run on their default; `one_copy` that the memory took the last change
    only once. `locked` is to be set when the memory did not answer at start: nothing is saved over what could not be
    read. `log(number)` is called after each change with the parameter's number. `may_show(code)`: whether the display
    may show what is under a code; it is asked when a list of codes is changed, those of a stored one may have gone.
    """

    def __init__(self, memory: "records.Memory", defaults: "dict | None" = None, table: tuple = TABLE):
        self._rows = {row[1]: row for row in table}
        self._record = records.Record(memory, PARAMETERS.address, PARAMETERS.capacity, _VERSION)
        self._values = {row[1]: row[3] for row in table}
        self._values.update(defaults or {})
        self._unknown = b""  # entries of a newer firmware, kept as they are
        self._effective = self._values  # since the start of the meter
        self.checksum_error = False
        self.replaced: list = []
        self.one_copy = False
        self.changes = 0  # how often values may have become others
        self.locked = False
        self.log: "Callable[[int], object]" = _no_log
        self.may_show: "Callable[[str], bool]" = _any_code

    def load(self) -> None:
        """Take the stored values over; defaults where there are none. OSError if the memory does not answer."""
        payload = self._record.load()
        self.checksum_error = self._record.status in (records.CORRUPT, records.FOREIGN)
        if payload is not None:
            self._take(payload)
        self._effective = dict(self._values)
        self.changes += 1

    @property
    def restart_due(self) -> bool:
        """Whether a parameter of NEXT_START is not what the meter runs with."""
        values, effective = self._values, self._effective
        return any(values[name] != effective[name] for name in NEXT_START if name in self._rows)

    @property
    def consistent(self) -> bool:
        """Whether the nominal voltage is one of the network's, pulse outputs keep up with it, and demand and rates can
        be kept."""
        return _is_consistent(self._values)

    def __getattr__(self, name: str) -> "Any":
        if name in ("_values", "_rows"):  # not made yet
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: "Any") -> None:
        if name != "_rows" and name in self._rows:
            raise AttributeError(name + " is changed with set()")
        super().__setattr__(name, value)

    def get(self, name: str) -> "Any":
        """The value of a parameter whose name is not known beforehand. KeyError if there is none."""
        return self._values[name]

    def names(self) -> list:
        """The names, in the order of the table's numbers."""
        return sorted(self._rows, key=lambda name: self._rows[name][0])

    def number(self, name: str) -> int:
        """The number of the parameter of this name. KeyError if there is none."""
        return self._rows[name][0]

    def name(self, number: int) -> str:
        """The name of the parameter with this number. KeyError if there is none."""
        for row in self._rows.values():
            if row[0] == number:
                return row[1]
        raise KeyError(number)

    def is_number(self, name: str) -> bool:
        """Whether its value is an integer. KeyError if there is no such parameter."""
        return self._rows[name][2] in _NUMBERS

    def is_octets(self, name: str) -> bool:
        """Whether its value is bytes; if it is no number either it is a text."""
        return self._rows[name][2] in _OCTETS

    def is_secret(self, name: str) -> bool:
        """Whether nobody may read it. KeyError if there is no such parameter."""
        return self._rows[name][2] in _SECRETS

    def write_level(self, name: str) -> int:
        """Lowest access level that may change it. KeyError if there is no such parameter."""
        return self._rows[name][6]

    def set(self, name: str, value: "Any", level: int) -> bool:
        """Change one parameter at access `level`; True if it is different now.

        ParameterRefused if that is not allowed, OSError if the memory fails or is `locked`: then the old value holds. A
        refused change at too low a level does not tell whether the value would have been good. Out of range is also
        what makes values not fit each other (`consistent`): the one that fits comes first, from 3P3W at 400 V to 3P4W
        at 58 V a voltage that both have.
        """
        row = self._rows.get(name)
        if row is None:
            raise ParameterRefused(name, UNKNOWN)
        if not row[6] <= level < _CONSUMER:
            raise ParameterRefused(name, LEVEL)
        reason = _fault(row, value)
        if reason:
            raise ParameterRefused(name, reason)
        if row[2] == CODES and value and not all(self.may_show(code) for code in value.split(",")):
            raise ParameterRefused(name, RANGE)
        if self.locked:
            raise OSError(errno.EIO, "parameters: the stored ones could not be read")
        if self._record.status == records.UNKNOWN:
            self.load()
        changed = self._values[name] != value
        if not changed and self._record.status == records.VALID and not self.one_copy:
            return False
        values = dict(self._values)
        values[name] = value
        if changed and self.consistent and not _is_consistent(values):
            raise ParameterRefused(name, RANGE)
        self.one_copy = not self._record.save_twice(self._payload(values))
        self._values = values
        self.changes += 1
        self.checksum_error = False
        self.replaced = []
        if changed:
            self.log(row[0])
        return changed

    def set_text(self, name: str, text: str, level: int) -> bool:
        """`set` with a value in the form it is printed in; numbers are decimal digits, maybe behind a minus;
        octets are hexadecimal digits."""
        row = self._rows.get(name)
        value: "Any" = text
        digits = text[1:] if text[:1] == "-" else text
        if row is not None and row[2] in _NUMBERS and digits and all("0" <= c <= "9" for c in digits):
            value = int(text)
        elif row is not None and row[2] in _OCTETS and len(text) % 2 == 0 and all(c in _HEX for c in text):
            value = bytes([int(text[n : n + 2], 16) for n in range(0, len(text), 2)])
        return self.set(name, value, level)

    def _payload(self, values: dict) -> bytes:
        entries = []
        for name in self.names():
            number, value = self._rows[name][0], values[name]
            data = struct.pack("<i", value) if isinstance(value, int) else _octets(value)
            entries.append(struct.pack(_ENTRY, number, len(data)) + data)
        return b"".join(entries) + self._unknown

    def _take(self, payload: bytes) -> None:
        by_number = {row[0]: row for row in self._rows.values()}
        position = 0
        while position + _ENTRY_SIZE <= len(payload):
            number, length = struct.unpack(_ENTRY, payload[position : position + _ENTRY_SIZE])
            end = position + _ENTRY_SIZE + length
            row = by_number.get(number)
            if row is None:
                self._unknown += payload[position:end]
            else:
                self._take_value(row, payload[position + _ENTRY_SIZE : end])
            position = end

    def _take_value(self, row: tuple, data: bytes) -> None:
        value: "Any"
        if row[2] in _OCTETS:
            value = data
        elif row[2] in _NUMBERS:
            value = struct.unpack("<i", data)[0] if len(data) == 4 else None
        else:
            value = "".join(chr(code) for code in data)
        if _fault(row, value):
            self.replaced.append(row[1])
        else:
            self._values[row[1]] = value


def _no_log(_number: int) -> None:
    """Before there is an event log."""


def _any_code(_code: str) -> bool:
    """Before there are objects."""
    return True


def _is_consistent(values: dict) -> bool:
    if "network" in values:  # not so in tables of tests
        lowest, highest = NETWORKS[values["network"]].voltages_v
        if not lowest <= values["nominal_voltage"] <= highest:
            return False
        maximum_ma = maximum_current_ma(values["nominal_current_ma"])
        power = values["nominal_voltage"], maximum_ma, NETWORKS[values["network"]].nominal_mille
        outputs = [values.get("output_%d" % (n + 1), "control") for n in range(_OUTPUTS)]
        if not all(keeps_up(output, *power) for output in outputs):
            return False
    if "rates" not in values:
        return True
    for name in ("rated_quantities", "demand_quantities"):
        if len(energy_list(values[name])) * values["rates"] > _RATED_REGISTERS:
            return False
    return values["demand_period_min"] * 60 % values["demand_subperiods"] == 0


def _octets(value: "str | bytes") -> bytes:
    return value.encode() if isinstance(value, str) else value


def _fault(row: tuple, value: "Any") -> "str | None":
    """Why `value` cannot be the parameter's, None if it can."""
    kind, low, high = row[2], row[4], row[5]
    if kind in _NUMBERS:
        if type(value) is not int:  # a bool is not a number here
            return KIND
        fits = _number_fits(kind, value, low, high)
    elif kind in _OCTETS:
        if type(value) is not bytes:
            return KIND
        fits = _octets_fit(kind, value, low, high)
    else:
        if type(value) is not str:
            return KIND
        fits = _text_fits(kind, value, low, high)
    return None if fits else RANGE


def _number_fits(kind: int, value: int, low: "Any", high: "Any") -> bool:
    if kind == CHOICE:
        return value in low
    if kind == MASK:
        return 0 <= value <= high and value & low != 0
    return low <= value <= high


def _octets_fit(kind: int, value: bytes, low: "Any", high: "Any") -> bool:
    if kind == RULE:
        return is_rule(value)
    return len(value) in (low, _KEY_BYTES) if kind == KEY else low <= len(value) <= high


def _text_fits(kind: int, value: str, low: "Any", high: "Any") -> bool:
    if kind == WORD:
        return value in low
    if kind == CHAR:
        return len(value) == 1 and low <= value <= high
    if kind in _PARSERS:
        try:
            _PARSERS[kind](value)
        except ValueError:
            return False
        return True
    return low <= len(value) <= high and all(_allowed(kind, character) for character in value)


def _allowed(kind: int, character: str) -> bool:
    if kind == ADDRESS:
        return is_address_character(character)
    return " " <= character <= "~" and character not in _FORBIDDEN


def is_address_character(character: str) -> bool:
    """Digits, letters and space: what a device address may hold (IEC 62056-21, request message)."""
    return "0" <= character <= "9" or "A" <= character <= "Z" or "a" <= character <= "z" or character == " "
