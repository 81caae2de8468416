"""How the application layer says no: results of single accesses, and answers in the place of an answer."""

from micropython import const

from meter import access as door
from meter.access import Refused
from meter.comms.dlms.axdr import TypeUnmatched
from meter.cosem.model import WrongClass

# Data-Access-Result and Action-Result (Green Book, ASN.1)
SUCCESS = const(0)
_TEMPORARY_FAILURE = const(2)
READ_WRITE_DENIED = const(3)
_OBJECT_UNDEFINED = const(4)
_CLASS_INCONSISTENT = const(9)
_TYPE_UNMATCHED = const(12)
SCOPE_VIOLATED = const(13)
BLOCK_UNAVAILABLE = const(14)
NO_LONG_GET = const(16)
LONG_SET_ABORTED = const(17)
NO_LONG_SET = const(18)
BLOCK_NUMBER_INVALID = const(19)
_OTHER_REASON = const(250)

_RESULTS = {
    door.UNKNOWN: _OBJECT_UNDEFINED,
    door.DENIED: READ_WRITE_DENIED,
    door.TYPE: _TYPE_UNMATCHED,
    door.RANGE: _OTHER_REASON,
    door.BUSY: _TEMPORARY_FAILURE,
}

# What an access to an object may raise. The last ones are faults of the object: they must not cost its client the port.
ACCESS_ERRORS = (Refused, KeyError, ValueError, OSError, ArithmeticError, AttributeError, TypeError)


def result_of(error: Exception) -> int:
    """The Data-Access-Result for one of ACCESS_ERRORS."""
    if isinstance(error, Refused):
        return _RESULTS.get(error.reason, _OTHER_REASON)
    if isinstance(error, WrongClass):
        return _CLASS_INCONSISTENT
    if isinstance(error, KeyError):
        return _OBJECT_UNDEFINED
    if isinstance(error, TypeUnmatched):
        return _TYPE_UNMATCHED
    return _TEMPORARY_FAILURE if isinstance(error, OSError) else _OTHER_REASON


# Exception-Response: D8, state error, service error
NOT_POSSIBLE = b"\xd8\x01\x01"  # also for what is no APDU at all
NOT_SUPPORTED = b"\xd8\x01\x02"
NOT_ALLOWED = b"\xd8\x01\x03"  # not protected as the security policy wants it
TOO_LONG = b"\xd8\x01\x04"
DECIPHERING = b"\xd8\x01\x05"
UNKNOWN_SERVICE = b"\xd8\x02\x02"
_INVOCATION_COUNTER = const(b"\xd8\x01\x06")


def counter_error(least: int) -> bytes:
    """Exception-Response to a replay: `least` is the lowest invocation counter that would be accepted."""
    return _INVOCATION_COUNTER + bytes((least >> 24 & 0xFF, least >> 16 & 0xFF, least >> 8 & 0xFF, least & 0xFF))
