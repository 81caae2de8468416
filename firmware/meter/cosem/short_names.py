"""Short names: where objects lie in the space of 16-bit names that the SN services of DLMS address.

An object takes the names from its base name on: attribute n at 8 * (n - 1), methods behind them at the offsets of its
class. Names are worked out from an object's place in the tables, whether this meter has the ones before it or not, so
they do not depend on type, network or parameters:

    0BB0  0C58  1CE0  2BC0  6270   1.8.1, 1.8.2, 1.8.0, clock, load profile 1, where readers have found them
    0C90 .. 1C8F   parameters C.61.n, 10h apart
    2C50           13.3.0, which takes more than a row has room for
    3000 .. 5CFF   harmonics of U and I, 30h apart
    7000 .. 84FF   the rows of definitions.TABLE, all phases together, 30h apart
    8500 .. 993F   those of its first rows by phase: L1, L2, L3, 30h apart
    9A00 .. B97F   the rows of definitions.SETUPS, 90h apart
    BA00 .. F7DF   registers by rate, of demand and of billing periods: 630h for each energy, as _REGISTERS has them
    FA00  FB00  FC00  FD00         association, broadcast scripts, SAP assignment, logical device name (Green Book)
"""

from micropython import const

from meter.cosem.definitions import (
    ADVANCE,
    CUMULATED,
    CURRENT,
    LAST,
    MAX_ORDER,
    MAXIMUM,
    RATED,
    RELATIVE,
    SETUPS,
    TABLE,
    TOTAL,
)

SAP_ASSIGNMENT = const(0xFC00)
DEVICE_NAME = const(0xFD00)
_RESERVED_SPAN = const(0x100)

# By code, as the tables have it, and phase or TOTAL
_FIXED = const(
    (
        ("0-0:1.0.0", 0x2BC0, 0x90),
        ("1.8.0", 0x1CE0, 0x30),
        ("13.3.0", 0x2C50, 0x40),
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
_PHASES = const(0x8500)
_SETUPS = const(0x9A00)
_SETUP_SPAN = const(0x90)
_BY_ENERGY = const(0xBA00)
_ENERGY_SPAN = const(0x630)
# D, first E, how many, span of each
_REGISTERS = (
    (RATED, 1, 8, 0x30),
    (CUMULATED, 1, 8, 0x30),
    (MAXIMUM, 0, 9, 0x40),
    (CURRENT, 0, 1, 0x60),
    (LAST, 0, 1, 0x30),
    (RELATIVE, 0, 1, 0x30),
    (ADVANCE, 0, 1, 0x30),
)


def of_row(row: tuple, n: int) -> int:
    """Base name of what a row of definitions.TABLE defines for phase n (0..2) or TOTAL."""
    place = TABLE.index(row)
    if n == TOTAL:
        return _fixed(row[0]) or _ROWS + place * _REGISTER_SPAN
    return _PHASES + (place * 3 + n) * _REGISTER_SPAN


def of_setup(row: tuple) -> int:
    """Base name of the object that a row of definitions.SETUPS defines."""
    return _fixed(row[0]) or _SETUPS + SETUPS.index(row) * _SETUP_SPAN


def of_parameter(number: int) -> int:
    """Base name of C.61.n."""
    return _PARAMETERS + number * _PARAMETER_SPAN


def of_harmonic(name: str, n: int, order: int) -> int:
    """Base name of a harmonic of phase n of "u" or "i"."""
    return _HARMONICS + ((_HARMONIC_KINDS.index(name) * 3 + n) * MAX_ORDER + order - 1) * _REGISTER_SPAN


def of_register(c: int, d: int, e: int) -> int:
    """Base name of a register of tariff_registers.py."""
    fixed = _fixed("%d.%d.%d" % (c, d, e))
    base = _BY_ENERGY + (c - 1) * _ENERGY_SPAN
    for own, first, count, span in _REGISTERS:
        if own == d:
            return fixed or base + (e - first) * span
        base += count * span
    raise KeyError(d)


def place(name: int) -> tuple:
    """What a short name lies in: (base name, "row", row, n), (base, "setup", row), (base, "parameter", number), (base,
    "harmonic", quantity, n, order) or (base, "register", C, D, E). KeyError if it is nobody's; the meter need not have
    what it is given."""
    for code, base, size in _FIXED:
        if base <= name < base + size:
            return _fixed_place(code, base)
    found = _region_place(name)
    own = found[0]
    if found[1] == "row":
        own = of_row(found[2], found[3])
    elif found[1] == "setup":
        own = of_setup(found[2])
    elif found[1] == "register":
        own = of_register(*found[2:])
    if own != found[0]:  # it has a name of its own elsewhere
        raise KeyError(name)
    return found


def _region_place(name: int) -> tuple:
    if _PARAMETERS <= name < _PARAMETERS_END:
        number = (name - _PARAMETERS) // _PARAMETER_SPAN
        return of_parameter(number), "parameter", number
    if name >= _BY_ENERGY:
        return _register_place(name)
    if name >= _SETUPS:
        number = (name - _SETUPS) // _SETUP_SPAN
        if number < len(SETUPS):
            return _SETUPS + number * _SETUP_SPAN, "setup", SETUPS[number]
    elif name >= _PHASES:
        number = (name - _PHASES) // _REGISTER_SPAN
        if number // 3 < len(TABLE):
            return _PHASES + number * _REGISTER_SPAN, "row", TABLE[number // 3], number % 3
    elif name >= _ROWS:
        number = (name - _ROWS) // _REGISTER_SPAN
        if number < len(TABLE):
            return _ROWS + number * _REGISTER_SPAN, "row", TABLE[number], TOTAL
    elif name >= _HARMONICS:
        number, order = divmod((name - _HARMONICS) // _REGISTER_SPAN, MAX_ORDER)
        if number < 6:
            quantity, n = _HARMONIC_KINDS[number // 3], number % 3
            return of_harmonic(quantity, n, order + 1), "harmonic", quantity, n, order + 1
    raise KeyError(name)


def _register_place(name: int) -> tuple:
    c, rest = divmod(name - _BY_ENERGY, _ENERGY_SPAN)
    base = name - rest
    for d, first, count, span in _REGISTERS:
        if rest < count * span:
            e = rest // span
            return base + e * span, "register", c + 1, d, e + first
        rest -= count * span
        base += count * span
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
    return (base, "register") + tuple([int(part) for part in code.split(".")])
