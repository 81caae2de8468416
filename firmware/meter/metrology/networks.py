"""The networks a meter can be connected to, and what each means for the chip, for the total and for what is reported.

Three phases, three elements, the way of Blondel; with fewer wires, fewer elements. In a network of three wires without
neutral (Aron) the chip's ground is L2: its inputs A and C measure U12 and U32, and P = u12 * i1 + u32 * i3, which holds
because i1 + i2 + i3 = 0. A single element of that sum means nothing.
"""

from micropython import const

from drivers import ade9000_registers as chip


class Network:
    """One kind of network. Tuples hold chip phases 0..2.

    elements: whose powers add up to the total. phases: whose own power and energy are defined. voltages, currents:
    whose U and I are; voltages of 3P3W are U12 and U32. nominal_mille: total power at Un, In and pf 1, in thousandths
    of Un * In, where Un of 3P3W is between phases; voltages_v: the lowest and the highest Un of the product family.
    accmode: the chip's wiring selection; terms: its pulse outputs' phases.
    """

    def __init__(
        self,
        name: str,
        elements: tuple,
        phases: tuple,
        currents: tuple,
        nominal_mille: int,
        voltages_v: tuple,
        accmode: int,
    ):
        self.name = name
        self.elements = elements
        self.phases = phases
        self.voltages = elements
        self.currents = currents
        self.nominal_mille = nominal_mille
        self.voltages_v = voltages_v
        self.accmode = accmode
        self.terms = sum(1 << phase for phase in elements)


_IMAX_MA = {1_000: 6_000, 5_000: 10_000}  # by nominal current; data sheet, Imax (metrological)


def maximum_current_ma(nominal_current_ma: int) -> int:
    """Imax of a meter with this nominal current."""
    return _IMAX_MA[nominal_current_ma]


_L1 = const((0,))
_L1_L2 = const((0, 1))
_ALL = const((0, 1, 2))
# 3 x 58/100 to 277/480 V (data sheet). Which of them a meter is made for is not in its type designation.
_TO_NEUTRAL = const((57, 277))
_BETWEEN_PHASES = const((100, 480))

NETWORKS = {
    network.name: network
    for network in (
        Network("1P2W", _L1, _L1, _L1, 1000, _TO_NEUTRAL, 0),
        Network("2P3W", _L1_L2, _L1_L2, _L1_L2, 2000, _TO_NEUTRAL, 0),
        Network("3P4W", _ALL, _ALL, _ALL, 3000, _TO_NEUTRAL, 0),
        Network("3P3W", (0, 2), (), _ALL, 1732, _BETWEEN_PHASES, chip.VCONSEL_DELTA | chip.ICONSEL),
    )
}
