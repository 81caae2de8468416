"""Programming mode of IEC 62056-21 (clause 6.4.5), message by message: which answer a command gets.

Characters, times and repeats are ModeC's.
"""

from micropython import const

from meter.access import DENIED, FORMAT, PUBLIC, UNKNOWN_COMMAND, Refused
from meter.comms.frames import ACKNOWLEDGED, SIGN_OFF, answer_message, command_message
from meter.comms.requests import CommandReader

_STX = b"\x02"
_LOG_INS = const(3)  # wrong passwords in one session, until it is broken off
_ONE = ("", "1")  # how many values a read command may ask for


class Session:
    """One stay in programming mode, from the option select to the sign-off.

    `access` has `log_in(kind, password)`, `read(code, level)` and `write(code, text, level)` as meter.access.Access.
    `over`: the client has signed off, or is to be sent off with the answer just given.
    """

    def __init__(self, access):
        self._access = access
        self._level = PUBLIC
        self._wrong_passwords = 0
        self.over = False

    def opening(self) -> bytes:
        """The first message: P0. Its operand is empty, because both passwords are sent as they are."""
        return command_message(b"P0", b"()")

    def answer(self, body: bytes) -> bytes:
        """What to send on a command, given without SOH, ETX and block check; b"" on a sign-off."""
        name, data = body[:2], body[2:]
        if body == b"B0":
            self.over = True
            return b""
        handler = self._COMMANDS.get(name)
        try:
            if handler is None:
                raise Refused(UNKNOWN_COMMAND)
            if data[:1] != _STX or len(body) > CommandReader.LONGEST:
                raise Refused(FORMAT)
            return handler(self, name.decode(), data[1:])
        except Refused as refused:
            return answer_message(b"(" + refused.text.encode() + b")")

    def break_off(self) -> bytes:
        """End the session from this side: the message that says so."""
        self.over = True
        return SIGN_OFF

    def _log_in(self, name: str, data: bytes) -> bytes:
        code, password = _data_set(data)
        if code:
            raise Refused(FORMAT)
        level = self._access.log_in(name, password)
        if level is not None:
            self._level = level
            return ACKNOWLEDGED
        self._level = PUBLIC
        self._wrong_passwords += 1
        if self._wrong_passwords >= _LOG_INS:
            return self.break_off()
        raise Refused(DENIED)

    def _read(self, _name: str, data: bytes) -> bytes:
        code, count = _data_set(data)
        if not code or count not in _ONE:
            raise Refused(FORMAT)
        return answer_message(("%s(%s)" % (code, self._access.read(code, self._level))).encode())

    def _write(self, _name: str, data: bytes) -> bytes:
        code, text = _data_set(data)
        if not code:
            raise Refused(FORMAT)
        self._access.write(code, text, self._level)
        return ACKNOWLEDGED

    _COMMANDS = {b"P1": _log_in, b"P2": _log_in, b"R1": _read, b"W1": _write}


def _data_set(data: bytes) -> "tuple[str, str]":
    """Code and value of one data set `code(value)` in printable characters; Refused if it is something else."""
    for char in data:
        if not 0x20 <= char <= 0x7E:
            raise Refused(FORMAT)
    code, _, rest = data.decode().partition("(")
    if rest[-1:] != ")" or "(" in rest or ")" in rest[:-1] or ")" in code:
        raise Refused(FORMAT)
    return code, rest[:-1]
