"""Primary and secondary registration: how measured quantities are shown.

The meter measures and counts at its terminals, behind the transformers (secondary). With primary registration it shows
what is in front of them: voltages times the ratio of the voltage transformers, currents times that of the current
transformers, powers and energies times both. Only the view changes, the registers never do.

A quantity keeps its number of digits, which for energies and demand are parameters, as their decimals are; when values
need more, the decimal point moves by whole decades. Energies last at least 4000 h at nominal voltage and maximum
current before they roll over (EN 50470-3), those by rate that begin at each billing reset a month of 31 days.
"""

from micropython import const

from meter.metrology.networks import maximum_current_ma

# Forms of a Register (cosem.classes) as they are with secondary registration
_VOLTAGE = const((-2, 5, 0, False))  # NNN.NN V
_CURRENT = const((-3, 5, 0, False))  # NN.NNN A
_POWER = const((-1, 7, 3, True))  # NNN.NNNN kW
_POWERS = const(("W", "var", "VA"))
_ENERGIES = const(("Wh", "varh", "VAh"))
_KILO = const(3)
_FULL_HOURS = const(4000)
_MONTH_HOURS = const(744)
_MWS_PER_WH = const(3_600_000)
_HEADROOM = const(2)  # of a display of actual values over nominal voltage and maximum current


class Registration:
    """`factor(unit)` and `form(unit)` for V, A, the powers and the energies; `rated`, `demand`: the forms of energies
    by rate and of a demand. `by_period`: energies by rate show the running billing period.

    Takes from `parameters` the registration, the ratios, the nominal values, digits and decimals; `network` is a
    metrology.networks.Network.
    """

    def __init__(self, parameters, network):
        ct = vt = (1, 1)
        if parameters.registration == "primary":
            ct = parameters.ct_numerator, parameters.ct_denominator
            vt = parameters.vt_numerator, parameters.vt_denominator
        both = ct[0] * vt[0], ct[1] * vt[1]
        maximum_ma = maximum_current_ma(parameters.nominal_current_ma)
        power_mw = parameters.nominal_voltage * maximum_ma * network.nominal_mille // 1000
        voltage = vt, _fitting(_VOLTAGE, _HEADROOM * 1000 * parameters.nominal_voltage, vt)
        current = ct, _fitting(_CURRENT, _HEADROOM * maximum_ma, ct)
        self._units = {"V": voltage, "A": current}
        for unit in _POWERS:
            self._units[unit] = both, _fitting(_POWER, _HEADROOM * power_mw, both)
        self.by_period = parameters.rated_registers == "period"

        def kilo(kind: str, times: int) -> tuple:
            digits, decimals = parameters.get(kind + "_digits"), parameters.get(kind + "_decimals")
            return _fitting((_KILO - decimals, digits, _KILO, False), times * power_mw, both)

        self.demand = kilo("demand", _HEADROOM)
        self.rated = kilo("rated", _MONTH_HOURS if self.by_period else _FULL_HOURS)
        energy = kilo("energy", _FULL_HOURS)
        for unit in _ENERGIES:
            self._units[unit] = both, energy

    def factor(self, unit: str) -> "tuple[int, int]":
        """Numerator and denominator of shown by measured value."""
        return self._units[unit][0]

    def form(self, unit: str) -> "tuple[int, int, int, bool]":
        """Scaler, digits, shown, signed of a Register."""
        return self._units[unit][1]

    def scale(self, unit: str, form: tuple, parts: int) -> "tuple[int, int]":
        """Numerator and denominator that make what a register of this form shows of a number of `parts` to the unit."""
        numerator, denominator = self.factor(unit)
        if form[0] < 0:
            numerator *= 10 ** -form[0]
        else:
            denominator *= 10 ** form[0]
        return numerator, denominator * parts

    def energy_scale(self, unit: str, form: tuple) -> "tuple[int, int]":
        """`scale` of energies in mWs, mvars, mVAs."""
        return self.scale(unit, form, _MWS_PER_WH)


def _fitting(form: "tuple[int, int, int, bool]", milli: int, factor: "tuple[int, int]"):
    """`form` with the decimal point moved until `milli` thousandths times `factor` fit into its digits."""
    scaler, digits, shown, signed = form
    while 10 ** (scaler + digits + 3) * factor[1] < milli * factor[0]:
        scaler += 1
    while shown < scaler:
        shown += 3
    return scaler, digits, shown, signed
