"""COSEM data types (Blue Book, clause 4.1.5) and how attributes and method parameters are described with them: specs.

A spec is a tag for a simple type, or a tuple: `array(spec)` is a list of values that all follow one spec,
`structure(spec, ...)` a tuple of as many values. Values are Python's: int, bool, str, bytes, None, list, tuple.

    tag                        value
    INT8 .. UINT64, ENUM       int
    BOOLEAN                    bool
    OCTETS, DATE_TIME, DATE, TIME, BCD    bytes (the last ones of 12, 5, 4 and 1 bytes)
    TEXT, UTF8                 str
    BITS                       str of 0 and 1
    FLOAT32, FLOAT64           float
    ANY                        (spec, value): one whose type is the value's own
    ENCODED                    bytes: a value that is A-XDR already; only ever sent

None is null-data, whatever the spec: the attribute has no value at present.
"""

from micropython import const

NULL = const(0)
ARRAY = const(1)
STRUCTURE = const(2)
BOOLEAN = const(3)
BITS = const(4)
INT32 = const(5)
UINT32 = const(6)
OCTETS = const(9)
TEXT = const(10)
UTF8 = const(12)
BCD = const(13)
INT8 = const(15)
INT16 = const(16)
UINT8 = const(17)
UINT16 = const(18)
INT64 = const(20)
UINT64 = const(21)
ENUM = const(22)
FLOAT32 = const(23)
FLOAT64 = const(24)
DATE_TIME = const(25)
DATE = const(26)
TIME = const(27)
# Not on the wire
ANY = const(254)
ENCODED = const(255)


def array(spec) -> tuple:
    """Spec of a list whose elements all follow `spec`. Its values may be any iterable that has a length."""
    return ARRAY, spec


def structure(*specs) -> tuple:
    """Spec of a tuple of values, one for each of `specs`."""
    return (STRUCTURE,) + specs


SCALER_UNIT = structure(INT8, ENUM)
CAPTURE_OBJECT = structure(UINT16, OCTETS, INT8, UINT16)  # class, logical name, attribute, data index
SCRIPT = structure(OCTETS, UINT16)  # logical name of a script table, selector
