"""How the application layer says no: results of single accesses, and answers in the place of an answer."""

from micropython import const

from meter import access as door
from meter.access import Refused
from meter.comms.dlms.axdr import TypeUnmatched
from meter.cosem.model import WrongClass

# Data-Access-Result and Action-Result (Green Book, ASN.1)
SUCCESS = const(0)
HARDWARE_FAULT = const(1)
TEMPORARY_FAILURE = const(2)
READ_WRITE_DENIED = const(3)
OBJECT_UNDEFINED = const(4)
CLASS_INCONSISTENT = const(9)
OBJECT_UNAVAILABLE = const(11)
TYPE_UNMATCHED = const(12)
SCOPE_VIOLATED = const(13)
BLOCK_UNAVAILABLE = const(14)
LONG_GET_ABORTED = const(15)
NO_LONG_GET = const(16)
LONG_SET_ABORTED = const(17)
NO_LONG_SET = const(18)
BLOCK_NUMBER_INVALID = const(19)
OTHER_REASON = const(250)

_RESULTS = {
    door.UNKNOWN: OBJECT_UNDEFINED,
    door.DENIED: READ_WRITE_DENIED,
    door.TYPE: TYPE_UNMATCHED,
    door.RANGE: OTHER_REASON,
    door.BUSY: TEMPORARY_FAILURE,
}

# What an access to an object may raise. The last ones are faults of the object: they must not cost its client the port.
ACCESS_ERRORS = (Refused, KeyError, ValueError, OSError, ArithmeticError, AttributeError, TypeError)


def result_of(error: Exception) -> int:
    """The Data-Access-Result for one of ACCESS_ERRORS."""
    if isinstance(error, Refused):
        return _RESULTS.get(error.reason, OTHER_REASON)
    if isinstance(error, WrongClass):
        return CLASS_INCONSISTENT
    if isinstance(error, KeyError):
        return OBJECT_UNDEFINED
    if isinstance(error, TypeUnmatched):
        return TYPE_UNMATCHED
    return TEMPORARY_FAILURE if isinstance(error, OSError) else OTHER_REASON


# Exception-Response: D8, state error, service error
NOT_POSSIBLE = b"\xd8\x01\x01"  # also for what is no APDU at all
NOT_SUPPORTED = b"\xd8\x01\x02"
NOT_ALLOWED = b"\xd8\x01\x03"  # not protected as the security policy wants it
TOO_LONG = b"\xd8\x01\x04"
DECIPHERING = b"\xd8\x01\x05"
UNKNOWN_SERVICE = b"\xd8\x02\x02"
_INVOCATION_COUNTER = const(b"\xd8\x01\x06")

# ConfirmedServiceError: 0E, service (1 initiate, 5 read, 6 write), class of error, error
INITIATE_VERSION = b"\x0e\x01\x06\x01"
INITIATE_CONFORMANCE = b"\x0e\x01\x06\x02"
INITIATE_PDU_SIZE = b"\x0e\x01\x06\x03"
INITIATE_REFUSED = b"\x0e\x01\x06\x04"
INITIATE_OTHER = b"\x0e\x01\x06\x00"
INITIATE_DECIPHERING = b"\x0e\x01\x00\x06"
READ_NO_CONTEXT = b"\x0e\x05\x02\x01"
WRITE_NO_CONTEXT = b"\x0e\x06\x02\x01"
READ_UNSUPPORTED = b"\x0e\x05\x03\x02"
WRITE_UNSUPPORTED = b"\x0e\x06\x03\x02"
READ_OTHER = b"\x0e\x05\x03\x00"
WRITE_OTHER = b"\x0e\x06\x03\x00"
READ_TOO_LONG = b"\x0e\x05\x03\x01"


def counter_error(least: int) -> bytes:
    """Exception-Response to a replay: `least` is the lowest invocation counter that would be accepted."""
    return _INVOCATION_COUNTER + bytes((least >> 24 & 0xFF, least >> 16 & 0xFF, least >> 8 & 0xFF, least & 0xFF))
