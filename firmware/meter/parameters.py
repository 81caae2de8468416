"""The parameters: one table, one door.

Reading is by attribute, `parameters.reaction_ms`. Changing is only by `Parameters.set`, which checks the access level,
the kind and the range, keeps the new value in the memory before it holds, and logs the change.

Access levels of the product: 0 public, 1 data collection, 2 field service, 3 utility service, 4 extended utility
service (certification seal broken). 5 and 6 are the consumer's: they read and change nothing. README.md has more.
"""

import errno
import struct

from micropython import const

from meter.metrology.energies import sum_channel
from meter.metrology.networks import NETWORKS
from meter.storage import records
from meter.storage.layout import PARAMETERS

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Kinds. Low and high mean: INT smallest and largest value; CHOICE and WORD the allowed integers or strings (in low);
# CHAR first and last character; TEXT, ADDRESS, PASSWORD and SECRET shortest and longest length; SUM nothing; MASK bits
# of which one at least is set, and all bits there are; KEY 0 if there may be none.
INT = const(0)
CHOICE = const(1)
CHAR = const(2)
TEXT = const(3)  # printable ASCII that may stand in a data set: no ( ) * / !
ADDRESS = const(4)  # device address of IEC 62056-21: digits, letters, space
WORD = const(5)
SUM = const(6)  # what a sum channel adds up: two energies "a_import+a_export", or nothing ""
MASK = const(7)
# Nobody reads these. As text the last two are hexadecimal.
PASSWORD = const(8)  # as TEXT
SECRET = const(9)  # octets
KEY = const(10)  # 16 octets

_NUMBERS = (INT, CHOICE, MASK)
_OCTETS = (SECRET, KEY)
_SECRETS = (PASSWORD, SECRET, KEY)

_START_RATES = (300, 2_400, 4_800, 9_600, 19_200, 38_400)  # Bd

# Number (never used again for anything else), name, kind, default, low, high, lowest level that may change it.
TABLE = (
    # imp/kWh, imp/kvarh. From 1040 on the chip can do; beyond 20 000 its divider's rounding exceeds 0.015 %.
    (1, "led_constant", INT, 10_000, 2_000, 20_000, 4),
    (2, "reaction_ms", INT, 200, 20, 1_500, 2),  # IEC 62056-21, reaction time
    (3, "changeover_ms", INT, 1_000, 20, 1_500, 2),  # from the option select message to the first character of data
    (4, "max_baud_char", CHAR, "5", "0", "6", 2),  # 300 to 19 200 Bd
    (5, "display_seconds", INT, 8, 1, 60, 2),  # per item of the rolling list
    (6, "obis_b", INT, 1, 0, 64, 3),  # channel of the electricity codes
    (7, "address", ADDRESS, "", 0, 32, 2),  # device address of the IEC ports
    (8, "nominal_voltage", INT, 230, 57, 480, 4),  # V, phase to neutral; in 3P3W phase to phase
    (9, "nominal_current_ma", CHOICE, 5_000, (1_000, 5_000), None, 4),
    (10, "nominal_hz", CHOICE, 50, (50, 60), None, 4),
    (11, "network", WORD, "3P4W", ("3P4W", "1P2W", "2P3W", "3P3W"), None, 4),
    (12, "summation", WORD, "vector", ("vector", "absolute", "separate"), None, 4),  # of the phases' powers
    (13, "apparent", WORD, "vector", ("vector", "rms"), None, 4),  # S = sqrt(P**2 + Q**2), or U * I
    (
        14,
        "registration",
        WORD,
        "secondary",
        ("secondary", "primary"),
        None,
        4,
    ),  # what is shown; see cosem/registration.py
    (15, "ct_numerator", INT, 1, 1, 100_000, 4),  # current transformer, e.g. 500 / 5
    (16, "ct_denominator", INT, 1, 1, 100_000, 4),
    (17, "vt_numerator", INT, 1, 1, 1_000_000, 4),  # voltage transformer, e.g. 20000 / 100
    (18, "vt_denominator", INT, 1, 1, 1_000_000, 4),
    (19, "sum_channel_1", SUM, "", None, None, 4),
    (20, "sum_channel_2", SUM, "", None, None, 4),
    (21, "p1_password", PASSWORD, "00000000", 1, 16, 2),  # of level 1: IEC 62056-21, P1; DLMS, client 32
    (22, "p2_password", PASSWORD, "00000000", 1, 16, 4),  # of level 2: P2; client 48
    # What a port starts with, 0 IEC 62056-21 or 1 HDLC
    (30, "optical_mode", INT, 0, 0, 1, 2),
    (31, "port1_mode", INT, 0, 0, 1, 2),
    (32, "port2_mode", INT, 0, 0, 1, 2),
    # IEC 62056-21 by port. A start rate other than 300 Bd is kept in all of a session
    (41, "optical_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (42, "port1_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (43, "port2_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (44, "port1_start_rate", CHOICE, 300, _START_RATES, None, 2),
    (45, "port2_start_rate", CHOICE, 300, _START_RATES, None, 2),
    # HDLC, on all ports. Window and length are limits: a client that asks for none gets 1 and 128
    (60, "hdlc_address", INT, 0, 0, 16_381, 2),  # lower address; 0: last four digits of the serial number, plus 1000
    (61, "hdlc_window", INT, 7, 1, 7, 2),
    (62, "hdlc_max_info", INT, 1_024, 32, 2_030, 2),  # bytes
    (63, "hdlc_inter_octet_ms", INT, 25, 20, 6_000, 2),
    (64, "hdlc_inactivity_s", INT, 120, 0, 65_535, 2),  # 0: never
    (65, "tcp_port", INT, 4_059, 1, 65_535, 2),
    (66, "tcp_inactivity_s", INT, 180, 0, 65_535, 2),  # 0: never
    # Conditions of the levels: channels (1 optical, 2 and 4 electrical ports, 8 TCP), 16 seal broken, 32 HLS only
    (70, "access_0", MASK, 0x0F, 0x0F, 0x0F, 3),
    (71, "access_1", MASK, 0x0F, 0x0F, 0x3F, 3),
    (72, "access_2", MASK, 0x0F, 0x0F, 0x3F, 3),
    (73, "access_3", MASK, 0x0F, 0x0F, 0x3F, 4),
    (74, "access_4", MASK, 0x0F, 0x0F, 0x3F, 4),
    (75, "access_5", MASK, 0x0F, 0x0F, 0x3F, 3),
    (76, "w5_password", PASSWORD, "00000000", 1, 16, 3),  # of level 3: W5; client 64
    (77, "password_4", PASSWORD, "00000000", 1, 16, 4),  # client 80
    (78, "password_5", PASSWORD, "00000000", 1, 16, 3),  # client 96
    (79, "hls_secret_1", SECRET, b"test HLS secret1", 16, 64, 3),
    (80, "hls_secret_2", SECRET, b"test HLS secret2", 16, 64, 3),
    (81, "hls_secret_3", SECRET, b"test HLS secret3", 16, 64, 3),
    (82, "hls_secret_4", SECRET, b"test HLS secret4", 16, 64, 4),
    (83, "hls_secret_5", SECRET, b"test HLS secret5", 16, 64, 3),
    # Keys of security suite 0. These defaults are known to everybody: the standard's examples, and RFC 3394's
    (84, "unicast_key", KEY, bytes(range(0x10)), 16, 16, 3),
    (85, "broadcast_key", KEY, b"", 0, 16, 3),
    (86, "authentication_key", KEY, bytes(range(0xD0, 0xE0)), 16, 16, 3),
    (87, "master_key", KEY, bytes(range(0x10)), 16, 16, 3),
    (88, "security_policy", INT, 0, 0, 3, 3),  # 1 authenticated, 2 encrypted, 3 both
    (89, "max_attempts", INT, 3, 1, 10, 3),  # wrong passwords in a row until the level is locked
    (90, "lock_hours", INT, 24, 1, 240, 3),
)

# Parts of the meter are made of these when it starts: a change shows at once and takes effect with the next start.
NEXT_START = (
    "led_constant",
    "display_seconds",
    "obis_b",
    "nominal_voltage",
    "nominal_current_ma",
    "nominal_hz",
    "network",
    "summation",
    "apparent",
    "registration",
    "ct_numerator",
    "ct_denominator",
    "vt_numerator",
    "vt_denominator",
    "sum_channel_1",
    "sum_channel_2",
)

_VERSION = const(1)
_ENTRY = "<HB"  # number, length of the value
_ENTRY_SIZE = const(3)
_CONSUMER = const(5)
_FORBIDDEN = "()*/!"
_HEX = "0123456789ABCDEFabcdef"
_KEY_BYTES = const(16)

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
    read. `log(number)` is called after each change with the parameter's number.
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
        self.locked = False
        self.log: "Callable[[int], object]" = _no_log

    def load(self) -> None:
        """Take the stored values over; defaults where there are none. OSError if the memory does not answer."""
        payload = self._record.load()
        self.checksum_error = self._record.status in (records.CORRUPT, records.FOREIGN)
        if payload is not None:
            self._take(payload)
        self._effective = dict(self._values)

    @property
    def restart_due(self) -> bool:
        """Whether a parameter of NEXT_START is not what the meter runs with."""
        values, effective = self._values, self._effective
        return any(values[name] != effective[name] for name in NEXT_START if name in self._rows)

    @property
    def consistent(self) -> bool:
        """Whether the nominal voltage is one of the network's."""
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
        what makes nominal voltage and network not fit each other: the one that fits comes first, from 3P3W at 400 V to
        3P4W at 58 V a voltage that both have.
        """
        row = self._rows.get(name)
        if row is None:
            raise ParameterRefused(name, UNKNOWN)
        if not row[6] <= level < _CONSUMER:
            raise ParameterRefused(name, LEVEL)
        reason = _fault(row, value)
        if reason:
            raise ParameterRefused(name, reason)
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
        self.checksum_error = False
        self.replaced = []
        if changed:
            self.log(row[0])
        return changed

    def set_text(self, name: str, text: str, level: int) -> bool:
        """`set` with a value in the form it is printed in; numbers are decimal digits, octets hexadecimal ones."""
        row = self._rows.get(name)
        value: "Any" = text
        if row is not None and row[2] in _NUMBERS and text and all("0" <= c <= "9" for c in text):
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


def _is_consistent(values: dict) -> bool:
    if "network" not in values:  # a table of tests
        return True
    lowest, highest = NETWORKS[values["network"]].voltages_v
    return lowest <= values["nominal_voltage"] <= highest


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
        fits = len(value) in (low, _KEY_BYTES) if kind == KEY else low <= len(value) <= high
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


def _text_fits(kind: int, value: str, low: "Any", high: "Any") -> bool:
    if kind == WORD:
        return value in low
    if kind == CHAR:
        return len(value) == 1 and low <= value <= high
    if kind == SUM:
        try:
            sum_channel(value)
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
