"""The COSEM interface classes of this meter: versions, types of attributes and method parameters, short-name offsets.

Sources: Blue Book, clause 4; DLMS/COSEM short-name mapping, Green Book. Attribute 1 is always the logical name.
"""

from meter.cosem.data_types import (
    ANY,
    BITS,
    BOOLEAN,
    CAPTURE_OBJECT,
    ENUM,
    INT8,
    INT16,
    OCTETS,
    SCALER_UNIT,
    SCRIPT,
    UINT8,
    UINT16,
    UINT32,
    array,
    structure,
)

_WINDOWS = array(structure(OCTETS, OCTETS))  # from, to
_SEASONS = array(structure(OCTETS, OCTETS, OCTETS))  # name, start, week name
_WEEKS = array(structure(OCTETS, UINT8, UINT8, UINT8, UINT8, UINT8, UINT8, UINT8))  # name, day of Monday..Sunday
_DAYS = array(structure(UINT8, array(structure(OCTETS, OCTETS, UINT16))))  # day, (time, script table, selector)
_SPECIAL_DAY = structure(UINT16, OCTETS, UINT8)  # index, date, day
_OBJECT = structure(UINT16, OCTETS)
_MONITORED = structure(UINT16, OCTETS, INT8)
_MASK = structure(OCTETS, array(UINT8))
_ACTIONS = structure(SCRIPT, SCRIPT)  # going over, going under
_SCRIPTS = array(structure(UINT16, array(structure(ENUM, UINT16, OCTETS, INT8, ANY))))
_SAP = structure(UINT16, OCTETS)
_WRAPPED_KEY = structure(ENUM, OCTETS)
_PRESET = structure(OCTETS, OCTETS, OCTETS)  # time, validity interval from, to
_PUSH_OBJECTS = array(CAPTURE_OBJECT)
_EMERGENCY = structure(UINT16, OCTETS, UINT32)  # id, activation time, duration

# Selective access to a buffer (Profile generic, attribute 2). Bounds are date-times, tagged as such or as octets.
RANGE = structure(CAPTURE_OBJECT, ANY, ANY, array(CAPTURE_OBJECT))
ENTRIES = structure(UINT32, UINT32, UINT16, UINT16)

# Class: version, attributes from 2 on, methods from 1 on, offset of the first method from the base name.
# ANY is what the single object says.
CLASSES = {
    1: (0, (ANY,), (), 0),
    3: (0, (ANY, SCALER_UNIT), (INT8,), 0x28),
    4: (0, (ANY, SCALER_UNIT, ANY, OCTETS), (INT8,), 0x38),
    5: (0, (ANY, ANY, SCALER_UNIT, ANY, OCTETS, OCTETS, UINT32, UINT16), (INT8, INT8), 0x48),
    6: (0, (array(_OBJECT), array(_MASK), OCTETS), (_OBJECT, _MASK, OCTETS), 0x30),
    7: (1, (array(ANY), array(CAPTURE_OBJECT), UINT32, ENUM, CAPTURE_OBJECT, UINT32, UINT32), (INT8, INT8), 0x58),
    8: (0, (OCTETS, INT16, UINT8, OCTETS, OCTETS, INT8, BOOLEAN, ENUM), (INT8,) * 4 + (_PRESET, INT16), 0x60),
    9: (0, (_SCRIPTS,), (UINT16,), 0x20),
    11: (0, (array(_SPECIAL_DAY),), (_SPECIAL_DAY, UINT16), 0x10),
    17: (0, (array(_SAP),), (_SAP,), 0x20),
    18: (
        0,
        (UINT32, BITS, UINT32, BOOLEAN, ENUM, array(structure(UINT32, OCTETS, OCTETS))),
        (structure(OCTETS, UINT32), structure(UINT32, OCTETS), INT8, INT8),
        0x40,
    ),
    19: (1, (ENUM, ENUM, ENUM, ENUM, OCTETS, OCTETS, OCTETS, OCTETS), (), 0),
    20: (0, (OCTETS, _SEASONS, _WEEKS, _DAYS) * 2 + (OCTETS,), (INT8,), 0x50),
    21: (0, (array(ANY), _MONITORED, array(_ACTIONS)), (), 0),
    22: (0, (SCRIPT, ENUM, _WINDOWS), (), 0),
    23: (1, (ENUM, UINT8, UINT8, UINT16, UINT16, UINT16, UINT16, UINT16), (), 0),
    27: (0, (ENUM, array(structure(OCTETS, OCTETS, UINT16)), array(OCTETS)), (), 0),
    28: (0, (ENUM, _WINDOWS, ENUM, UINT8, structure(UINT8, UINT8)), (), 0),
    29: (2, (ENUM, UINT8, UINT16, _WINDOWS, array(OCTETS)), (INT8,), 0x30),
    40: (0, (_PUSH_OBJECTS, structure(ENUM, OCTETS, ENUM), _WINDOWS, UINT16, UINT8, UINT16), (INT8,), 0x38),
    41: (0, (UINT16, OCTETS, UINT16, UINT8, UINT16), (), 0),
    42: (
        0,
        (
            OCTETS,
            UINT32,
            array(UINT32),
            array(structure(UINT8, UINT8, OCTETS)),
            UINT32,
            UINT32,
            BOOLEAN,
            UINT32,
            UINT32,
        ),
        (UINT32, UINT32, UINT32),
        0x60,
    ),
    64: (0, (ENUM, ENUM, OCTETS, OCTETS), (ENUM, array(_WRAPPED_KEY)), 0x30),
    70: (0, (BOOLEAN, ENUM, ENUM), (INT8, INT8), 0x20),
    71: (
        0,
        (_MONITORED, ANY, ANY, ANY, UINT32, UINT32, _EMERGENCY, array(UINT16), BOOLEAN, _ACTIONS),
        (),
        0,
    ),
}


def span(class_id: int) -> int:
    """How many short names an object of a class takes from its base name on: attributes and methods, 8 apart."""
    _, attributes, methods, offset = CLASSES[class_id]
    return max(8 * (len(attributes) + 1), offset + 8 * len(methods))
