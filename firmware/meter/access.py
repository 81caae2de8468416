"""Who may read and change what: the door between a client of any protocol and the meter's objects.

A client logs in, with a password or by proving that it knows a secret, which gives it an access level, and hands the
level in with every access. What is not allowed raises `Refused`. README.md has the levels and their conditions.
"""

from micropython import const

from meter import parameters as door
from meter.parameters import ParameterRefused

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from meter.log_ins import LogIns
    from meter.parameters import Parameters

# Reasons of a refusal. They are the error texts of IEC 62056-21, which the standard leaves to the maker: 32 characters
# at most, no ( ) * / !
UNKNOWN_COMMAND = "ERR01"
UNKNOWN = UNKNOWN_CODE = "ERR02"  # no such object, attribute or method
TYPE = FORMAT = "ERR03"
DENIED = "ERR04"
RANGE = "ERR05"
BUSY = "ERR06"

# Levels. Who breaks the certification seal acts at level 4 with the passwords of levels 2 and 3.
PUBLIC = const(0)
DATA_COLLECTION = const(1)
FIELD_SERVICE = const(2)
UTILITY_SERVICE = const(3)
EXTENDED_SERVICE = const(4)
EXTENDED_CONSUMER = const(5)
END_USER = const(6)

# Channels, by the number of their bit in the conditions
OPTICAL = const(0)
PORT_1 = const(1)
PORT_2 = const(2)
TCP = const(3)

# Mechanisms (DLMS/COSEM, authentication_mechanism_name); those above LLS never tell the secret
NO_SECURITY = const(0)
LLS = const(1)

# Other bits of a level's conditions, the parameters access_0 to access_5
SEAL_BROKEN = const(0x10)
HLS_ONLY = const(0x20)
_CONDITIONS = const(("access_0", "access_1", "access_2", "access_3", "access_4", "access_5"))
_PASSWORDS = const(("", "p1_password", "p2_password", "w5_password", "password_4", "password_5"))  # by level
_COMMANDS = {"P1": DATA_COLLECTION, "P2": FIELD_SERVICE, "W5": UTILITY_SERVICE}  # that hand a password in
_LONGEST = const(64)  # characters of a password that are compared

_REASONS = {door.UNKNOWN: UNKNOWN, door.LEVEL: DENIED, door.KIND: TYPE, door.RANGE: RANGE}
_ABSTRACT = const(96)  # value group C of the codes C.d.e
_MAKERS_OWN = const((50, 99))  # their value group D in this range is the maker's own (IEC 62056-61)

_FIRST_CLIENT = const(16)
_LAST_CLIENT = const(96)


class Refused(Exception):
    """An access that is not granted. `reason` is one of the above, `text` what IEC 62056-21 says of it."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = self.text = reason


def level_of_client(client: int) -> "int | None":
    """The level of a DLMS client (SAP): 16 is the public one, 32, 48, 64, 80, 96 are levels 1 to 5. None for others."""
    if client & 15 or not _FIRST_CLIENT <= client <= _LAST_CLIENT:
        return None
    return (client - _FIRST_CLIENT) >> 4


class Access:
    """The one door to the objects, for the clients of one channel; `on` gives that of another.

    `find(code)` gives an object by the code of IEC 62056-21 (KeyError if there is none; cosem.model.ObjectModel.find).
    `seal_broken()` is true while the certification seal is open. `writers` are the objects beside the parameters that
    can be changed by text, all of them at level 4 only: code as the object prints it -> function of the new text, which
    raises ValueError if that is no good and OSError if the memory fails.
    """

    def __init__(
        self,
        parameters: "Parameters",
        find: "Callable",
        seal_broken: "Callable[[], int]",
        writers: "Mapping[str, Callable[[str], object]]",
        log_ins: "LogIns",
        channel: int = OPTICAL,
    ):
        self._parameters = parameters
        self._find = find
        self._seal_broken = seal_broken
        self._writers = writers
        self._log_ins = log_ins
        self._channel = channel

    def on(self, channel: int) -> "Access":
        """The same door, as clients of `channel` find it."""
        return Access(self._parameters, self._find, self._seal_broken, self._writers, self._log_ins, channel)

    # --- log-ins ----------------------------------------------------------------------------------------------------

    def allowed(self, level: int, channel: int, mechanism: int) -> bool:
        """Whether `level` is open to who logs in by this channel with this mechanism."""
        if level >= END_USER or not self._is_open(level, channel):
            return False
        if level == PUBLIC:
            return mechanism == NO_SECURITY
        return mechanism > LLS or mechanism == LLS and not self._conditions(level) & HLS_ONLY

    def log_in(self, kind: str, password: str, channel: "int | None" = None) -> "int | None":
        """The level that `password`, handed in with command `kind` (P1, P2 or W5), gives; None if it gives none.

        A wrong one is counted; while the level is locked, or closed on this channel, none is looked at.
        """
        level = _COMMANDS.get(kind)
        if channel is None:
            channel = self._channel
        if level is None or not self.allowed(level, channel, LLS) or self.locked(level, channel):
            return None
        if not self.check_password(level, password.encode(), channel):
            self.failed(level, channel)
            return None
        self.succeeded(level, channel)
        return level

    def check_password(self, level: int, password: "Any", channel: int) -> bool:
        """Whether `password` (bytes) is that of `level`, on every channel the same. Counting is left to the caller."""
        if not DATA_COLLECTION <= level <= EXTENDED_CONSUMER:
            return False
        return _same(password, self._parameters.get(_PASSWORDS[level]).encode())

    def secret(self, level: int) -> bytes:
        """What high-level security of a level rests on. KeyError if the level has none."""
        return self._parameters.get("hls_secret_%d" % level)

    def change_secret(self, level: int, secret: "Any", mechanism: int) -> None:
        """Replace what a client of `level` proves itself with: the password (LLS) or the secret (others)."""
        acting = self.acting(level)
        if not DATA_COLLECTION <= level <= EXTENDED_CONSUMER:
            raise Refused(DENIED)
        if mechanism == LLS:
            text = "".join([chr(octet) for octet in bytes(secret)])
            self._do(self._parameters.set, _PASSWORDS[level], text, acting)
        else:
            self._do(self._parameters.set, "hls_secret_%d" % level, bytes(secret), acting)

    def failed(self, level: int, channel: int) -> None:
        """A password or a proof was wrong."""
        self._log_ins.failed(level, channel)

    def succeeded(self, level: int, channel: int) -> None:
        """A client has logged in."""
        self._log_ins.succeeded(level, channel)

    def locked(self, level: int, channel: int) -> bool:
        """Whether none who logs in at `level` by `channel` is looked at now."""
        return self._log_ins.locked(level, channel)

    def penalty_ms(self, channel: "int | None" = None) -> int:
        """For how long still no password is looked at, after wrong ones by this channel."""
        return self._log_ins.penalty_ms(self._channel if channel is None else channel)

    # --- objects ----------------------------------------------------------------------------------------------------

    def may_read(self, found, n: int, level: int) -> bool:
        """Whether attribute `n` of an object can be read at `level`. KeyError if it has none, as with the next two."""
        return self._grants(level, self._read_level(found, n), False)

    def may_write(self, found, n: int, level: int) -> bool:
        return self._grants(level, found.write_level(n), True)

    def may_act(self, found, n: int, level: int) -> bool:
        return self._grants(level, found.act_level(n), True)

    def get(self, found, n: int, level: int, selection: "tuple | None" = None) -> "Any":
        """Attribute `n` of an object, or what `selection` (selector, value) takes of it."""
        self._demand(self.may_read, found, n, level)
        return self._do(found.get, n) if selection is None else self._do(found.get, n, selection)

    def set(self, found, n: int, value: "Any", level: int) -> None:
        """Change attribute `n` of an object."""
        self._demand(self.may_write, found, n, level)
        self._do(found.set, n, value)

    def act(self, found, n: int, value: "Any", level: int) -> "tuple | None":
        """Invoke method `n` of an object; (spec, value) if it returns one."""
        self._demand(self.may_act, found, n, level)
        return self._do(found.act, n, value)

    def opens(self, needed: int, level: int) -> bool:
        """Whether what is read at level `needed` is read at `level`, under this channel's conditions."""
        return self._grants(level, needed, False)

    # --- objects as text --------------------------------------------------------------------------------------------

    def read(self, code: str, level: int) -> str:
        """The value of an object as it is printed, `value` or `value*unit`. Refused: no such object, or not at `level`.

        What the readout lists show is public; calibration and parameters are not; passwords are not shown at all.
        """
        found = self._object(code)
        self._demand(self.may_read, found, 2, level)
        return found.text()

    def write(self, code: str, text: str, level: int) -> None:
        """Change an object to what `text` says. Refused if that is not possible or not allowed at `level`."""
        found = self._object(code)
        level = self.acting(level)
        if found.index in self._writers and level == EXTENDED_SERVICE:
            self._do(self._writers[found.index], text)
        elif hasattr(found, "write"):
            self._do(found.write, text, level)  # a parameter, whose level it is that counts
        else:
            raise Refused(DENIED)

    # --- rights -----------------------------------------------------------------------------------------------------

    def _grants(self, level: int, needed: "int | None", changes: bool) -> bool:
        """Whether who has `level` may do what needs level `needed`. Conditions count at this moment."""
        if needed is None:
            return False
        if needed == PUBLIC:
            return self._is_open(PUBLIC, self._channel) or self._is_open(level, self._channel)
        if level >= EXTENDED_CONSUMER:  # beside what everybody may: to read what is the consumer's own
            fits = EXTENDED_CONSUMER <= needed <= level and not changes
        else:
            fits = needed <= level or needed <= EXTENDED_SERVICE and self._rises(level)
        return fits and self._is_open(level, self._channel)

    def acting(self, level: int) -> int:
        """The level that counts for a change or a command: without its conditions it is none."""
        if not self._is_open(level, self._channel):
            return PUBLIC
        return EXTENDED_SERVICE if self._rises(level) else level

    def _rises(self, level: int) -> bool:
        """Whether a log-in to `level` is worth level 4: the seal is broken, and a password is enough for level 4."""
        if not FIELD_SERVICE <= level <= UTILITY_SERVICE or self._conditions(EXTENDED_SERVICE) & HLS_ONLY:
            return False
        return self._is_open(EXTENDED_SERVICE, self._channel)

    def _is_open(self, level: int, channel: int) -> bool:
        """Whether channel and seal are as `level` wants them."""
        if level >= END_USER:
            return True
        conditions = self._conditions(level)
        if not conditions >> channel & 1:
            return False
        return not (level == EXTENDED_SERVICE or conditions & SEAL_BROKEN) or bool(self._seal_broken())

    def _conditions(self, level: int) -> int:
        return self._parameters.get(_CONDITIONS[level])

    def _read_level(self, found, n: int) -> "int | None":
        if hasattr(found, "read_level"):
            return found.read_level(n)
        if self._is_secret(found):
            return None
        return DATA_COLLECTION if _is_makers_own(found) else PUBLIC

    def _is_secret(self, found) -> bool:
        """Whether it is a parameter, under its number, that nobody reads."""
        is_parameter = _is_makers_own(found) and hasattr(found, "write")
        return is_parameter and self._parameters.is_secret(self._parameters.name(found.logical_name[4]))

    def _object(self, code: str):
        return self._do(self._find, code)

    def _demand(self, may: "Callable", found, n: int, level: int) -> None:
        if not self._do(may, found, n, level):
            raise Refused(DENIED)

    def _do(self, function: "Callable", *arguments) -> "Any":
        """Call, with what objects and parameters raise turned into `Refused`."""
        try:
            return function(*arguments)
        except ParameterRefused as refused:
            raise Refused(_REASONS[refused.reason])
        except KeyError:
            raise Refused(UNKNOWN)
        except (ValueError, OverflowError):
            raise Refused(RANGE)
        except OSError:
            raise Refused(BUSY)


def _is_makers_own(found) -> bool:
    return found.logical_name[2] == _ABSTRACT and _MAKERS_OWN[0] <= found.logical_name[3] <= _MAKERS_OWN[1]


def _same(sent: "Any", own: bytes) -> bool:
    """Whether they are equal. The steps are the same for all contents and lengths."""
    difference = len(sent) ^ len(own)
    a = (bytes(sent[:_LONGEST]) + bytes(_LONGEST))[:_LONGEST]
    b = (own + bytes(_LONGEST))[:_LONGEST]
    for n in range(_LONGEST):
        difference |= a[n] ^ b[n]
    return difference == 0
