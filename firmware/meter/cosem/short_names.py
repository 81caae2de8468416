"""Short names: where objects lie in the space of 16-bit names that the SN services of DLMS address.

An object takes the names from its base name on: attribute n at 8 * (n - 1), methods behind them at the offsets of its
class. Names are worked out from an object's place in the tables, whether this meter has the ones before it or not, so
they do not depend on type, network or parameters:

    0BB0  0C58  1CE0  2BC0  6270   1.8.1, 1.8.2, 1.8.0, clock, load profile 1, where readers have found them
    0C90 .. 1C8F   parameters C.61.n, 10h apart
    3000 .. 5CFF   harmonics of U and I, 30h apart
    7000 .. BFFF   the rows of definitions.TABLE: all phases together, L1, L2, L3, 30h apart
    C000 .. F9FF   the rows of definitions.SETUPS, 90h apart
    FA00  FB00  FC00  FD00         association, broadcast scripts, SAP assignment, logical device name (Green Book)
"""

from micropython import const

from meter.cosem.definitions import MAX_ORDER, SETUPS, TABLE, TOTAL

ASSOCIATION = const(0xFA00)
BROADCAST_SCRIPTS = const(0xFB00)
SAP_ASSIGNMENT = const(0xFC00)
DEVICE_NAME = const(0xFD00)
_RESERVED_SPAN = const(0x100)

# By code, as the tables have it, and phase or TOTAL
_FIXED = const(
    (
        ("0-0:1.0.0", 0x2BC0, 0x90),
        ("1.8.0", 0x1CE0, 0x30),
        ("1.8.1", 0x0BB0, 0x30),
        ("1.8.2", 0x0C58, 0x30),
        ("1-0:99.1.0", 0x6270, 0x68),
        ("0-0:41.0.0", SAP_ASSIGNMENT, _RESERVED_SPAN),
        ("0-0:42.0.0", DEVICE_NAME, _RESERVED_SPAN),
    )
)
_PARAMETERS = const(0x0C90)
_PARAMETER_SPAN = const(0x10)
_PARAMETERS_END = const(0x1C90)
_HARMONICS = const(0x3000)
_REGISTER_SPAN = const(0x30)
_HARMONIC_KINDS = const(("u", "i"))
_ROWS = const(0x7000)
_ROW_SPAN = const(0xC0)
_SETUPS = const(0xC000)
_SETUP_SPAN = const(0x90)


def of_row(row: tuple, n: int) -> int:
    """Base name of what a row of definitions.TABLE defines for phase n (0..2) or TOTAL."""
    fixed = _fixed(row[0]) if n == TOTAL else 0
    return fixed or _ROWS + TABLE.index(row) * _ROW_SPAN + (n + 1) * _REGISTER_SPAN


def of_setup(row: tuple) -> int:
    """Base name of the object that a row of definitions.SETUPS defines."""
    return _fixed(row[0]) or _SETUPS + SETUPS.index(row) * _SETUP_SPAN


def of_parameter(number: int) -> int:
    """Base name of C.61.n."""
    return _PARAMETERS + number * _PARAMETER_SPAN


def of_harmonic(name: str, n: int, order: int) -> int:
    """Base name of a harmonic of phase n of "u" or "i"."""
    return _HARMONICS + ((_HARMONIC_KINDS.index(name) * 3 + n) * MAX_ORDER + order - 1) * _REGISTER_SPAN


def place(name: int) -> tuple:
    """What a short name lies in: (base name, "row", row, n), (base, "setup", row), (base, "parameter", number) or
    (base, "harmonic", quantity, n, order). KeyError if it is nobody's; the meter need not have what it is given."""
    for code, base, size in _FIXED:
        if base <= name < base + size:
            return _fixed_place(code, base)
    found = _region_place(name)
    own = found[0]
    if found[1] == "row":
        own = of_row(found[2], found[3])
    elif found[1] == "setup":
        own = of_setup(found[2])
    if own != found[0]:  # it has a name of its own elsewhere
        raise KeyError(name)
    return found


def _region_place(name: int) -> tuple:
    if _PARAMETERS <= name < _PARAMETERS_END:
        number = (name - _PARAMETERS) // _PARAMETER_SPAN
        return of_parameter(number), "parameter", number
    if name >= _SETUPS:
        number = (name - _SETUPS) // _SETUP_SPAN
        if number < len(SETUPS):
            return _SETUPS + number * _SETUP_SPAN, "setup", SETUPS[number]
    elif name >= _ROWS:
        number, n = divmod((name - _ROWS) // _REGISTER_SPAN, 4)
        if number < len(TABLE):
            return _ROWS + number * _ROW_SPAN + n * _REGISTER_SPAN, "row", TABLE[number], n - 1
    elif name >= _HARMONICS:
        number, order = divmod((name - _HARMONICS) // _REGISTER_SPAN, MAX_ORDER)
        if number < 6:
            quantity, n = _HARMONIC_KINDS[number // 3], number % 3
            return of_harmonic(quantity, n, order + 1), "harmonic", quantity, n, order + 1
    raise KeyError(name)


def _fixed(code: str) -> int:
    for own, base, _ in _FIXED:
        if own == code:
            return base
    return 0


def _fixed_place(code: str, base: int) -> tuple:
    for row in TABLE:
        if row[0] == code:
            return base, "row", row, TOTAL
    for setup in SETUPS:
        if setup[0] == code:
            return base, "setup", setup
    raise KeyError(base)
