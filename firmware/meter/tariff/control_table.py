"""The control table: which signals switch which functions of the meter.

As text a row is `function = signal and signal and signal`, or with `or`; up to three signals, each perhaps behind
`not`. Rows are parted by semicolons or line ends. Several rows may name one function: it is on when one of them is.

    I1 .. I4          control inputs             E1 .. E8      energy rates
    TE1 .. TE8        time switch, energy rate   D1 .. D8      demand rates
    TD1 .. TD8        time switch, demand rate   period_end    ends the demand period when it comes on
    TX1 .. TX8        time switch, the others    inhibit       no demand is measured
    C1 .. C8          set by communication       reset         billing reset when it comes on
    voltage_low ..    monitors, below            O1 .. O6      output contacts
    power_up          once after each start      relay         the relay
    clock_invalid                                A1 .. A12     operating arrows of the display

Stored, five bytes a row: function, 1 if it is "or" else 0, three signals with bit 7 set for "not" or FFh for none.
"""

from micropython import const

from meter.storage.layout import CONTROL_TABLE
from meter.tariff.kept_table import KeptTable

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.storage.records import Memory

_ROWS = const(16)
LOG_CONTROL_TABLE = const(133)  # what a change is logged as, in the place of a parameter's number

# Groups of signals and functions: byte n of what `evaluate` takes and fills; bit n is the name with n + 1, or the n-th.
INPUTS, SWITCH_ENERGY, SWITCH_DEMAND, SWITCH_OTHERS, COMMANDS, MONITORS, STATES = range(7)
ENERGY, DEMAND, ACTIONS, OUTPUTS, ARROWS, MORE_ARROWS = range(6)
SIGNAL_BYTES, FUNCTION_BYTES = 7, 6
POWER_UP, CLOCK_INVALID = 1, 2  # bits of STATES
PERIOD_END, INHIBIT, RESET, RELAY = 1, 2, 4, 8  # bits of ACTIONS

_SIGNALS: "tuple[Any, ...]" = (
    ("I", 4),
    ("TE", 8),
    ("TD", 8),
    ("TX", 8),
    ("C", 8),
    (
        "voltage_low",
        "voltage_high",
        "phase_missing",
        "current_high",
        "power_high",
        "demand_high",
        "magnet",
        "cover",
    ),
    ("power_up", "clock_invalid"),
)
_FUNCTIONS: "tuple[Any, ...]" = (
    ("E", 8),
    ("D", 8),
    ("period_end", "inhibit", "reset", "relay"),
    ("O", 6),
    ("A", 8),
    ("A9", "A10", "A11", "A12"),
)
_ROW = const(5)
_NONE = const(0xFF)
_NOT = const(0x80)
_JOINTS = ("and", "or")
_MOST = const(3)  # signals of a row

# Meters whose rates come from outside: two inputs say in binary which of four rates is on
_BINARY = "E1 = not I1 and not I2; E2 = I1 and not I2; E3 = not I1 and I2; E4 = I1 and I2"


class ControlTable(KeptTable):
    """The table of a meter of this type (meter.type_code.TypeCode). While the stored one is damaged the type's default
    holds."""

    def __init__(self, memory: "Memory", type_code):
        super().__init__(memory, CONTROL_TABLE)
        self._type_code = type_code
        self._rows = self._parsed(default(type_code))

    def load(self) -> None:
        """Take the stored table over. OSError if the memory does not answer."""
        payload = self._load()
        if payload is not None:
            self._rows = payload

    @property
    def text(self) -> str:
        """The rows, parted by semicolons."""
        return "; ".join([_row_text(self._rows[at : at + _ROW]) for at in range(0, len(self._rows), _ROW)])

    def write(self, text: str) -> None:
        """Replace the table. ValueError, with the reason, if the text is none for this meter, OSError if the memory
        does not take it; then nothing changes."""
        try:
            rows = self._parsed(text)
        except ValueError as reason:
            self.refused = str(reason)
            raise
        self._keep(rows)
        self._rows = rows
        self.damaged = False
        self.changes += 1
        self.log(LOG_CONTROL_TABLE)

    def has(self, group: int) -> bool:
        """Whether a row names a function of the group."""
        return any(self._rows[at] >> 3 == group for at in range(0, len(self._rows), _ROW))

    def evaluate(self, signals: "Any", functions: bytearray) -> None:
        """Fill `functions` with what these `signals` switch on: SIGNAL_BYTES and FUNCTION_BYTES, a byte each group."""
        rows = self._rows
        for n in range(FUNCTION_BYTES):
            functions[n] = 0
        for at in range(0, len(rows), _ROW):
            is_or = rows[at + 1]
            found = not is_or
            for n in range(at + 2, at + _ROW):
                signal = rows[n]
                if signal != _NONE:
                    on = signals[signal >> 3 & 0x0F] >> (signal & 7) & 1 != signal >> 7
                    found = found or on if is_or else found and on
            if found:
                functions[rows[at] >> 3] |= 1 << (rows[at] & 7)

    def _parsed(self, text: str) -> bytes:
        stored = []
        for line in text.replace("\n", ";").split(";"):
            if line.strip():
                try:
                    stored.append(self._parsed_row(line))
                except ValueError as reason:
                    raise ValueError("row %d: %s" % (len(stored) + 1, reason))
        if len(stored) > _ROWS:
            raise ValueError("more than %d rows" % _ROWS)
        return b"".join(stored)

    def _parsed_row(self, line: str) -> bytes:
        name, equals, right = line.partition("=")
        if not equals:
            raise ValueError("not of the form function = signals")
        function = self._checked(_FUNCTIONS, name.strip(), "function")
        signals: "list[int]" = []
        joint, inverted, is_signal = "", 0, True  # what has joined so far; the next one's; whether it is one
        for word in right.split():
            if not is_signal:
                if word not in _JOINTS or joint not in ("", word):
                    raise ValueError(word + ": signals are joined by and, or all by or")
                joint, is_signal = word, True
            elif word == "not" and not inverted:
                inverted = _NOT
            else:
                signals.append(self._checked(_SIGNALS, word, "signal") | inverted)
                inverted, is_signal = 0, False
        if is_signal:
            raise ValueError("a signal is missing at the end")
        if len(signals) > _MOST:
            raise ValueError("more than %d signals" % _MOST)
        return bytes([function, 1 if joint == "or" else 0] + signals + [_NONE] * (_MOST - len(signals)))

    def _checked(self, groups: tuple, name: str, what: str) -> int:
        """The number of a signal's or function's name. ValueError if there is none, or not in this meter."""
        number, has = _number(groups, name, what), self._type_code
        group, bit = number >> 3, number & 7
        if groups is _SIGNALS:
            missing = group == INPUTS and bit >= has.inputs or group in (1, 2, 3) and not has.has_time_switch
        elif group == OUTPUTS:
            missing = bit >= has.outputs
        elif name == "relay":
            missing = not has.has_relay
        else:  # rates of demand, period_end, inhibit
            missing = (group == DEMAND or group == ACTIONS and name != "reset") and not has.has_demand
        if missing:
            raise ValueError(name + ": this meter has none")
        return number


def default(type_code) -> str:
    """The table of a meter of this type that was never given one. Without rows for rates they are the time switch's,
    or rate 1."""
    return _BINARY if not type_code.has_time_switch and type_code.inputs >= 2 else ""


def _number(groups: tuple, name: str, what: str) -> int:
    """Group * 8 + bit of a name. ValueError if there is no such name."""
    for group, names in enumerate(groups):
        if type(names[1]) is str:
            if name in names:
                return group << 3 | names.index(name)
        else:
            digit = name[len(names[0]) :]
            if name.startswith(names[0]) and len(digit) == 1 and "1" <= digit <= str(names[1]):
                return group << 3 | int(digit) - 1
    raise ValueError("no such %s: %s" % (what, name))


def _name(groups: tuple, number: int) -> str:
    names, bit = groups[number >> 3], number & 7
    return names[bit] if type(names[1]) is str else names[0] + str(bit + 1)


def _row_text(row: bytes) -> str:
    signals = [
        ("not " if signal & _NOT else "") + _name(_SIGNALS, signal & 0x7F) for signal in row[2:] if signal != _NONE
    ]
    return _name(_FUNCTIONS, row[0]) + " = " + (" " + _JOINTS[row[1]] + " ").join(signals)
