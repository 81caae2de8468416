"""Values that clients hand in: decoded by their specs, and whole.

A-XDR lets null-data stand for any value. Objects are spared that: of what is written, no part may be missing.
"""

from meter.comms.dlms import axdr
from meter.comms.dlms.axdr import TypeUnmatched
from meter.cosem.data_types import INT8, NULL


def decoded(spec, data, at: int) -> tuple:
    """(value, place behind it); TypeUnmatched, or Malformed."""
    value, at = axdr.decode(spec, data, at)
    if _lacks_something(value):
        raise TypeUnmatched(NULL)
    return value, at


def parameter(spec, data, at: int) -> tuple:
    """The same for a method's parameter, which may be missing: then `at` is the end of `data`.

    None stands for the integer that methods without a parameter have in its place, and only for that.
    """
    value, at = axdr.decode(spec, data, at) if at < len(data) else (None, at)
    if _lacks_something(value) and not (value is None and spec == INT8):
        raise TypeUnmatched(NULL)
    return value, at


def _lacks_something(value) -> bool:
    if type(value) is tuple or type(value) is list:
        for part in value:
            if _lacks_something(part):
                return True
    return value is None
