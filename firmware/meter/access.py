"""Who may read and change what: the door between a client of any protocol and the meter's objects.

A client logs in with a password, which gives it an access level (parameters.py lists them), and hands the level in with
every access. What is not allowed raises `Refused` with the error text that the protocols of IEC 62056-21 send.
"""

from micropython import const

from meter import parameters as door
from meter.parameters import ParameterRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from meter.parameters import Parameters

# The standard leaves the texts to the maker: 32 characters at most, no ( ) * / !
UNKNOWN_COMMAND = "ERR01"
UNKNOWN_CODE = "ERR02"
FORMAT = "ERR03"
DENIED = "ERR04"
RANGE = "ERR05"
BUSY = "ERR06"

PUBLIC = const(0)
DATA_COLLECTION = const(1)
FIELD_SERVICE = const(2)
EXTENDED_SERVICE = const(4)  # field service with the certification seal broken

# Command that hands a password in: parameter with the password, level it gives
_PASSWORDS = {"P1": ("p1_password", DATA_COLLECTION), "P2": ("p2_password", FIELD_SERVICE)}
_SECRET = [name for name, _ in _PASSWORDS.values()]

_TEXTS = {door.UNKNOWN: UNKNOWN_CODE, door.LEVEL: DENIED, door.KIND: FORMAT, door.RANGE: RANGE}
_ABSTRACT = const(96)  # value group C of the codes C.d.e
_MAKERS_OWN = (50, 99)  # their value group D in this range is the maker's own (IEC 62056-61)


class Refused(Exception):
    """An access that is not granted. `text` is one of the error texts above."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text


class Access:
    """The one door to the objects that `find(code)` gives (KeyError if there is none; cosem.model.ObjectModel.find).

    `seal_broken()` is true while the certification seal is open. `writers` are the objects beside the parameters that
    can be changed, all of them at level 4 only: code as the object prints it -> function of the new text, which raises
    ValueError if that is no good and OSError if the memory fails.
    """

    def __init__(
        self,
        parameters: "Parameters",
        find: "Callable",
        seal_broken: "Callable[[], int]",
        writers: "dict[str, Callable[[str], object]]",
    ):
        self._parameters = parameters
        self._find = find
        self._seal_broken = seal_broken
        self._writers = writers

    def log_in(self, kind: str, password: str) -> "int | None":
        """The level that `password`, handed in with command `kind` (P1 or P2), gives; None if it is wrong."""
        if kind not in _PASSWORDS:
            return None
        name, level = _PASSWORDS[kind]
        return level if _same(password.encode(), self._parameters.get(name).encode()) else None

    def read(self, code: str, level: int) -> str:
        """The value of an object as it is printed, `value` or `value*unit`. Refused: no such object, or not at `level`.

        What the readout lists show is public; calibration and parameters are not; passwords are not shown at all.
        """
        found = self._object(code)
        if _is_makers_own(found) and level < DATA_COLLECTION or self._is_secret(found):
            raise Refused(DENIED)
        value, unit = found.formatted()
        return value + "*" + unit if unit else value

    def write(self, code: str, text: str, level: int) -> None:
        """Change an object to what `text` says. Refused if that is not possible or not allowed at `level`."""
        found = self._object(code)
        if level == FIELD_SERVICE and self._seal_broken():
            level = EXTENDED_SERVICE
        try:
            if found.index in self._writers:
                if level != EXTENDED_SERVICE:
                    raise Refused(DENIED)
                self._writers[found.index](text)
            elif hasattr(found, "write"):
                found.write(text, level)
            else:
                raise Refused(DENIED)
        except ParameterRefused as refused:
            raise Refused(_TEXTS[refused.reason])
        except ValueError:
            raise Refused(RANGE)
        except OSError:
            raise Refused(BUSY)

    def _object(self, code: str):
        try:
            return self._find(code)
        except KeyError:
            raise Refused(UNKNOWN_CODE)

    def _is_secret(self, found) -> bool:
        """Whether it is a parameter, under its number, that holds a password."""
        is_parameter = _is_makers_own(found) and hasattr(found, "write")
        return is_parameter and self._parameters.name(found.logical_name[4]) in _SECRET


def _is_makers_own(found) -> bool:
    return found.logical_name[2] == _ABSTRACT and _MAKERS_OWN[0] <= found.logical_name[3] <= _MAKERS_OWN[1]


def _same(sent: bytes, own: bytes) -> bool:
    """Whether they are equal; how long that takes tells nothing of `own`, which is not empty."""
    difference = len(sent) ^ len(own)
    for n in range(len(sent)):
        difference |= sent[n] ^ own[n % len(own)]
    return difference == 0
