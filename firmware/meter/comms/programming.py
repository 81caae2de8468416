"""Programming mode of IEC 62056-21 (clause 6.4.5), message by message: which answer a command gets.

Characters, times and repeats are ModeC's.
"""

from micropython import const

from meter.access import DENIED, FORMAT, PUBLIC, RANGE, UNKNOWN_CODE, UNKNOWN_COMMAND, Refused
from meter.comms import vdew
from meter.comms.answers import Blocks, Stream, Whole, error_message, slices
from meter.comms.frames import ACKNOWLEDGED, EOT, SIGN_OFF, answer_message, command_message
from meter.comms.requests import CommandReader

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator

_STX = const(b"\x02")
_LOG_INS = const(3)  # wrong passwords in one session, until it is broken off
_LONGEST_WRITE = const(1024)  # characters of data in all blocks of a W3 or W4
_MAX_ROWS = const(9999)
_ONE = const(("", "1"))  # how many values a read command may ask for
_IN_BLOCKS = const((b"W3", b"W4"))
_TICKS_MASK = const(0x3FFFFFFF)
_LONGEST_LOCK_MS = const(86_400_000)  # ticks tell no more than some days apart


class Programming:
    """What the sessions of one port have in common.

    `access` has `log_in(kind, password)`, `read(code, level)`, `write(code, text, level)`, `acting(level)` and
    `opens(needed, level)` as meter.access.Access, and it may have `penalty_ms`, for how long after a wrong password
    none is looked at. `commands` has `execute(code, text, level)` as formatted_commands.FormattedCommands. `profiles`
    maps names such as "P.01" to profiles (see vdew.py), `times` is a meter.tariff.local_time.LocalTime, needed only for
    them.
    """

    def __init__(self, access, commands=None, profiles: "dict | None" = None, times=None):
        self.access = access
        self.commands = commands
        self.profiles = profiles or {}
        self.times = times
        self._locked_at = 0
        self._locked_ms = 0

    def session(self) -> "Session":
        """A new stay in programming mode."""
        return Session(self)

    def lock(self, now: int) -> int:
        """A password was wrong. Returns for how long no other is looked at, ms."""
        penalty = getattr(self.access, "penalty_ms", 0)
        self._locked_ms = min(penalty() if callable(penalty) else penalty, _LONGEST_LOCK_MS)
        self._locked_at = now
        return self._locked_ms

    def locked_ms(self, now: int) -> int:
        """For how long still no password is looked at, ms; 0 if one is. It outlives the session."""
        if self._locked_ms:
            left = self._locked_ms - (now - self._locked_at & _TICKS_MASK)
            if left > 0:
                return left
            self._locked_ms = 0
        return 0


class Session:
    """One stay in programming mode, up to the sign-off.

    `over`: the client has signed off, or is to be sent off with the answer just given. `delay_ms`: how much later than
    otherwise that answer is to be sent, if the standard's times allow it.
    """

    def __init__(self, programming: Programming):
        self._programming = programming
        self._access = programming.access
        self._level = PUBLIC
        self._wrong_passwords = 0
        self._now = 0
        self._parts = b""  # data of a write command in partial blocks so far
        self._parts_of = b""  # its name
        self.over = False
        self.delay_ms = 0

    def opening(self) -> Whole:
        """The first message: P0. Its operand is empty, because both passwords are sent as they are."""
        return Whole(command_message(b"P0", b"()"))

    def answer(self, body: bytes, now: int) -> "Whole | None":
        """What to send on a command, given without SOH, ETX and block check; None on a sign-off."""
        self._now = now
        self.delay_ms = 0
        if body == b"B0":
            self.over = True
            return None
        if body[:2] != self._parts_of:
            self._parts = self._parts_of = b""
        try:
            return self._obey(body[:2], body[2:], len(body) > CommandReader.LONGEST)
        except Refused as refused:
            self._parts = self._parts_of = b""
            return Whole(error_message(refused.text))

    def break_off(self) -> Whole:
        """End the session from this side: the message that says so."""
        self.over = True
        return Whole(SIGN_OFF)

    def _obey(self, name: bytes, data: bytes, too_long: bool) -> Whole:
        handler = self._COMMANDS.get(name)
        if handler is None:
            raise Refused(UNKNOWN_COMMAND)
        if data[:1] != _STX or too_long:
            raise Refused(FORMAT)
        data = data[1:]
        if name in _IN_BLOCKS:
            is_part = data[-1:] == bytes((EOT,))
            data = self._parts + (data[:-1] if is_part else data)
            if len(data) > _LONGEST_WRITE:
                raise Refused(FORMAT)
            self._parts, self._parts_of = (data, name) if is_part else (b"", b"")
            if is_part:
                return Whole(ACKNOWLEDGED)
        return handler(self, name.decode(), data)

    def _log_in(self, name: str, data: bytes) -> Whole:
        code, password = _data_set(data)
        if code:
            raise Refused(FORMAT)
        self.delay_ms = self._programming.locked_ms(self._now)
        if self.delay_ms:
            self._level = PUBLIC
            raise Refused(DENIED)
        level = self._access.log_in(name, password)
        if level is not None:
            self._level = level
            return Whole(ACKNOWLEDGED)
        self._level = PUBLIC
        self._wrong_passwords += 1
        self.delay_ms = self._programming.lock(self._now)
        if self._wrong_passwords >= _LOG_INS:
            return self.break_off()
        raise Refused(DENIED)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, _name: str, data: bytes) -> Whole:
        return Whole(answer_message(self._data_set_of(data).encode()))

    def _read_in_blocks(self, _name: str, data: bytes) -> Whole:
        return Blocks(slices(self._data_set_of(data)))

    def _data_set_of(self, data: bytes) -> str:
        code, count = _data_set(data)
        if not code or count not in _ONE:
            raise Refused(FORMAT)
        return "%s(%s)" % (code, self._access.read(code, self._level))

    def _read_any(self, name: str, data: bytes) -> Whole:
        """A profile or an object: R2 and R5 in one message, R4 and R6 in partial blocks."""
        code, texts = _groups(data)
        in_blocks = name in ("R4", "R6")
        profile = self._programming.profiles.get(code)
        if profile is None:
            if ";" in "".join(texts):  # a span of time: a profile is meant
                raise Refused(UNKNOWN_CODE)
            return self._read_in_blocks(name, data) if in_blocks else self._read(name, data)
        if not self._access.opens(profile.level, self._level):
            raise Refused(DENIED)
        if not 1 <= len(texts) <= 1 + in_blocks:
            raise Refused(FORMAT)
        times = self._programming.times
        begin, end = vdew.parse_span(texts[0], times)

        def make() -> "Iterator[str | None]":
            return vdew.lines(code, profile, begin, end, times)

        return Blocks(make(), _rows(texts[1:])) if in_blocks else Stream(make)

    # --- changing ---------------------------------------------------------------------------------------------------

    def _write(self, _name: str, data: bytes) -> Whole:
        code, text = _data_set(data)
        if not code:
            raise Refused(FORMAT)
        self._access.write(code, text, self._level)
        return Whole(ACKNOWLEDGED)

    def _write_national(self, name: str, data: bytes) -> Whole:
        """W5 with a code writes as W1 does; without one it hands the W5 password in."""
        return self._log_in(name, data) if data[:1] == b"(" else self._write(name, data)

    def _write_formatted(self, name: str, data: bytes) -> Whole:
        """A command if there is one of that code, else an object as with W1."""
        try:
            return self._execute(name, data)
        except Refused as refused:
            if refused.text not in (UNKNOWN_CODE, UNKNOWN_COMMAND):
                raise
        return self._write(name, data)

    def _execute(self, _name: str, data: bytes) -> Whole:
        code, texts = _groups(data)
        if not code or len(texts) > 1:
            raise Refused(FORMAT)
        if self._programming.commands is None:
            raise Refused(UNKNOWN_COMMAND)
        level = self._programming.access.acting(self._level)
        self._programming.commands.execute(code, texts[0] if texts else "", level)
        return Whole(ACKNOWLEDGED)

    _COMMANDS = {
        b"P1": _log_in,
        b"P2": _log_in,
        b"R1": _read,
        b"R2": _read_any,
        b"R3": _read_in_blocks,
        b"R4": _read_any,
        b"R5": _read_any,
        b"R6": _read_any,
        b"W1": _write,
        b"W2": _write_formatted,
        b"W3": _write,
        b"W4": _write_formatted,
        b"W5": _write_national,
        b"E2": _execute,
    }


def _groups(data: bytes) -> "tuple[str, list[str]]":
    """Code and values of `code(value)(value)...` in printable characters; Refused if it is something else."""
    for char in data:
        if not 0x20 <= char <= 0x7E:
            raise Refused(FORMAT)
    code, parenthesis, rest = data.decode().partition("(")
    texts = rest[:-1].split(")(") if parenthesis else []
    if parenthesis and rest[-1:] != ")" or ")" in code:
        raise Refused(FORMAT)
    for text in texts:
        if "(" in text or ")" in text:
            raise Refused(FORMAT)
    return code, texts


def _data_set(data: bytes) -> "tuple[str, str]":
    """Code and value of one data set `code(value)`; Refused if it is something else."""
    code, texts = _groups(data)
    if len(texts) != 1:
        raise Refused(FORMAT)
    return code, texts[0]


def _rows(texts: "list[str]") -> int:
    """How many rows a block may have by the second operand of R6; 0 if the client leaves that to the meter."""
    text = texts[0] if texts else ""
    if not text:
        return 0
    if len(text) > 4 or not all("0" <= c <= "9" for c in text):
        raise Refused(FORMAT)
    number = int(text)
    if not 1 <= number <= _MAX_ROWS:
        raise Refused(RANGE)
    return number
