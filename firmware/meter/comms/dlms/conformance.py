"""The xDLMS conformance block: which services client and server agree on (Green Book, 9.4.6.1).

Bit 0 of the standard is the first of 24, so it has the value 2**23 here.
"""

from micropython import const

_GENERAL_PROTECTION = const(0x400000)
GENERAL_BLOCKS = const(0x200000)
READ = const(0x100000)
WRITE = const(0x080000)
UNCONFIRMED_WRITE = const(0x040000)
_PRIORITY = const(0x004000)
BLOCK_READ = const(0x001000)  # of GET or READ answers
BLOCK_WRITE = const(0x000800)  # of SET or WRITE requests
BLOCK_ACTION = const(0x000400)
LISTS = const(0x000200)  # multiple references
_INFORMATION_REPORT = const(0x000100)
_DATA_NOTIFICATION = const(0x000080)
PARAMETERISED = const(0x000020)
GET = const(0x000010)
SET = const(0x000008)
SELECTIVE = const(0x000004)
_EVENT_NOTIFICATION = const(0x000002)
ACTION = const(0x000001)

_LOGICAL_NAMES = const(0x205E9F)  # all of the above that belong to logical names, but for general protection
_SHORT_NAMES = const(0x3C1B20)  # general blocks, and 1C 1B 20: what readers of this family propose
_REQUIRED = const(0x100010)  # an association that cannot even read is of no use


def offered(is_short_names: bool, is_ciphered: bool) -> int:
    """What this server can do in an application context."""
    own = _SHORT_NAMES if is_short_names else _LOGICAL_NAMES
    return own | _GENERAL_PROTECTION if is_ciphered else own


def negotiate(proposed: int, is_short_names: bool, is_ciphered: bool) -> int:
    """What both can do; 0 if reading is not among it: the proposal is incompatible."""
    common = proposed & offered(is_short_names, is_ciphered)
    return common if common & _REQUIRED else 0
