"""What is wrong with how the meter is connected, from the fundamentals of voltages and currents.

As an installer does with a vector diagram, the one change is looked for that makes all currents those of a load, which
draws power and whose power factor is between 0.53 inductive and 0.9 capacitive. Where more than one change does, or a
plant that feeds in would look alike, the name is unclear. The table of symptoms and names is in README.md.
"""

from math import atan2, pi

from micropython import const

from meter.metrology.values import PRESENT_V

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

# The word of findings, six hexadecimal digits from the right; where three bits have no name they are of L1, L2, L3
NO_U = const(0)  # shift
DISPLACED = const(0x000008)
NO_I = const(4)  # shift
NO_LOAD = const(0x000080)
NO_U_BUT_I = const(8)  # shift
REVERSED_FIELD = const(0x000800)
REVERSED = const(0x001000)
EXPORT = const(0x008000)
CROSSED_23, CROSSED_13, CROSSED_12 = const(0x010000), const(0x020000), const(0x040000)
UNCLEAR = const(0x080000)
ORDER_231, ORDER_312 = const(0x100000), const(0x200000)

_ALL = const(7)  # phases
_IN_ORDER = const((0, 1, 2))
# Finding, whose current each terminal has, which of the currents are turned round, what is said of it
_CASES = (
    (REVERSED, _IN_ORDER, 1, "I1 reversed"),
    (2 * REVERSED, _IN_ORDER, 2, "I2 reversed"),
    (4 * REVERSED, _IN_ORDER, 4, "I3 reversed"),
    (CROSSED_12, (1, 0, 2), 0, "%s1-%s2 crossed"),
    (CROSSED_13, (2, 1, 0), 0, "%s1-%s3 crossed"),
    (CROSSED_23, (0, 2, 1), 0, "%s2-%s3 crossed"),
    (ORDER_231, (1, 2, 0), 0, "I order 2-3-1"),
    (ORDER_312, (2, 0, 1), 0, "I order 3-1-2"),
    (EXPORT, _IN_ORDER, _ALL, "export or all I reversed"),
)
# Shift or bit, quantity of the phases or "", what is said of it
_FACTS = (
    (NO_U, "U", "no %s"),
    (DISPLACED, "", "N displaced"),
    (REVERSED_FIELD, "", "reversed field"),
    (NO_U_BUT_I, "I", "%s without U"),
    (NO_LOAD, "", "no load"),
    (NO_I, "I", "no %s"),
)

# Degrees that a current lags its own voltage, with half a degree to measure: 0.9 capacitive; 0.5 inductive while it is
# sound, 0.53 behind a fault, so that unity behind one of 120 degrees is not at the edge of one of 180
_LEAD = -26.3
_LAG_SOUND = 60.5
_LAG = 58.5
_FIELD = const(20)  # degrees that the angle between two voltages may be off
_DISPLACED = 0.1  # of the nominal voltage: zero sequence; and what then is still a symmetrical triangle
_LOAD = 0.05  # of the nominal current, in one phase at least
_UNLOADED = const(50)  # a current this much smaller than the largest is none


class WiringCheck:
    """Findings about `values` (metrology.values.Values) of a `network`; `nominal_v`, `nominal_a`: Un and In."""

    def __init__(self, values: "Any", network: "Any", nominal_v: float, nominal_a: float):
        self._values, self._network = values, network
        self._nominal_v, self._nominal_a = nominal_v, nominal_a

    @property
    def word(self) -> "int | None":
        """The findings, or None if nothing has been measured."""
        values = self._values
        if not values.valid:
            return None
        return findings(self._network, values.voltages, values.currents, self._nominal_v, self._nominal_a, values.i_min)

    @property
    def text(self) -> "str | None":
        """The findings in words, at most 64 characters, or None."""
        word = self.word
        return None if word is None else in_words(word)

    @property
    def code(self) -> "str | None":
        """The findings as six hexadecimal digits, or None."""
        word = self.word
        return None if word is None else "%06X" % word


def findings(network: "Any", voltages: list, currents: list, nominal_v: float, nominal_a: float, i_min: float) -> int:
    """The word of what is wrong, 0 if all is sound.

    `voltages`, `currents`: complex rms values of L1..L3, V and A (3P3W: U12 and U32 in the places of L1 and L3);
    `i_min`: A, below it a current has no angle.
    """
    elements = network.elements
    largest = max([abs(currents[n]) for n in elements])
    missing = flowing = there = 0
    for n in elements:
        there |= 1 << n
        if abs(voltages[n]) <= PRESENT_V:
            missing |= 1 << n
        if abs(currents[n]) > max(i_min, largest / _UNLOADED):
            flowing |= 1 << n
    word = missing << NO_U
    if network.phases:
        word |= (missing & flowing) << NO_U_BUT_I
    star, found = _star(network, voltages, missing, nominal_v)
    word |= found
    if largest < nominal_a * _LOAD:
        return word | NO_LOAD
    word |= (there & ~flowing & ~missing) << NO_I
    return word | _compare(star, currents, flowing, elements) if star else word


def _star(network, voltages: list, missing: int, nominal_v: float) -> tuple:
    """The voltages that currents are compared with, L1..L3 against a neutral, None if they are no good for that; and
    what is found out about them."""
    a, b, c = voltages
    if len(network.currents) < 3:
        if missing or len(network.currents) == 1:
            return None if missing else (a, None, None), 0
        between = abs(_lag(b, a))  # two of three phases, or a winding with its middle tapped
        sound = abs(between - 120) < _FIELD or between > 180 - _FIELD
        return ((a, b, None), 0) if sound else (None, UNCLEAR)
    if not network.phases:
        if missing:
            return None, 0
        b = -(a + c) / 3
        if abs(b) < nominal_v * _DISPLACED:  # without L2 its terminal hangs in the middle between the others
            return None, 2 << NO_U
        a, c = a + b, c + b
    elif missing in (1, 2, 4):
        a, b, c = [u - (a + b + c) if missing >> n & 1 else u for n, u in enumerate((a, b, c))]
    elif missing:
        return None, 0
    else:
        zero = (a + b + c) / 3
        sizes = [abs(u - zero) for u in (a, b, c)]
        limit = nominal_v * _DISPLACED
        if abs(zero) > limit and max(sizes) - min(sizes) < limit:
            return None, DISPLACED
    first, second = _lag(b, a), _lag(c, b)
    if abs(abs(first) - 120) > _FIELD or abs(abs(second) - 120) > _FIELD or first * second < 0:
        return None, UNCLEAR
    return (a, b, c), REVERSED_FIELD if first < 0 else 0


def _compare(star: tuple, currents: list, flowing: int, elements: tuple) -> int:
    """The cases that explain the angles between `star` and currents."""
    if _fits(star, currents, flowing, _IN_ORDER, 0, _LAG_SOUND):
        return 0
    found = names = 0
    for bit, order, turned, _ in _CASES if len(elements) > 1 else _CASES[-1:]:
        if _fits(star, currents, flowing, order, turned, _LAG):
            found |= bit
            names += 1
        # A plant that feeds in, at 0.9 or more, with the same fault: it looks like a load with another one
        if order != _IN_ORDER and _fits(star, currents, flowing, order, _ALL, -_LEAD):
            found |= UNCLEAR
    return found if names == 1 else found | UNCLEAR


def _fits(star: tuple, currents: list, flowing: int, order: tuple, turned: int, lag: float) -> bool:
    """Whether every current that flows, turned round where it is to be, is a load's of the voltage `order` says."""
    for n, m in enumerate(order):
        if flowing >> n & 1:
            voltage = star[m]
            if voltage is None or not _LEAD <= _lag(-currents[n] if turned >> n & 1 else currents[n], voltage) <= lag:
                return False
    return True


def _lag(phasor: complex, reference: complex) -> float:
    """By how many degrees `phasor` lags `reference`, -180 to 180."""
    angle = reference * complex(phasor.real, -phasor.imag)
    return atan2(angle.imag, angle.real) * (180 / pi)


def in_words(word: int) -> str:
    """What a word of findings says: facts, then what explains the angles or might do so."""
    parts = []
    for bit, quantity, form in _FACTS:
        if quantity:
            phases = [quantity + str(n + 1) for n in range(3) if word >> bit + n & 1]
            if phases:
                parts.append(form % " ".join(phases))
        elif word & bit:
            parts.append(form)
    # Whichever is changed, then all is right; in a reversed field only if it is the voltages
    quantity = "U" if word & REVERSED_FIELD else "I"
    names = [name.replace("%s", quantity) for bit, _, _, name in _CASES if word & bit]
    if word & UNCLEAR:
        parts.append(": ".join(["unclear"] + [" or ".join(names)] * bool(names)))
    else:
        parts += names
    return ", ".join(parts) or "sound"
