"""The meter's objects, made on demand from one table.

`ObjectModel.find` gives an object by code, `readout` the data sets of a readout list. Where a value comes from is a
`sources` object that meter.py fills, with the attributes named here: the model never reaches for a part of the meter by
itself. They are asked when a value is read, so they may come and go. The table is in definitions.py.
"""

from meter.cosem import obis
from meter.cosem.classes import (
    UNIT_A,
    UNIT_COUNT,
    UNIT_DEGREE,
    UNIT_HZ,
    UNIT_PERCENT,
    UNIT_V,
    UNIT_VA,
    UNIT_VAH,
    UNIT_VAR,
    UNIT_VARH,
    UNIT_W,
    UNIT_WH,
    Clock,
    Data,
    Parameter,
    Register,
)
from meter.cosem.definitions import MAX_ORDER, PARAMETERS, PHASE_C, TABLE, TOTAL, defined
from meter.cosem.registration import Registration, maximum_current_ma
from meter.metrology.energies import sum_channel
from meter.metrology.networks import NETWORKS

_REACTIVE_LED = "0.3.1"
_UNLISTED = ("0-0:1.0.0", "C.60.0", "C.60.1")

_ENERGY_UNITS = {"a": UNIT_WH, "r": UNIT_VARH, "s": UNIT_VAH}
_UNITS = {"u": UNIT_V, "i": UNIT_A, "i0": UNIT_A, "p": UNIT_W, "q": UNIT_VAR, "s": UNIT_VA}
# Forms of a Register: scaler, digits, printed in 10**n units, signed; those of _UNITS are the registration's
_FREQUENCY = (-3, 5, 0, False)
_POWER_FACTOR = (-3, 4, 0, True)
_ANGLE = (-1, 4, 0, False)
_PERCENT = (-2, 5, 0, False)
_COUNT = (0, 8, 0, False)
_WHOLE = (0, 1, 0, False)

_SEQUENCE_MIN = {"u_sym": 20.0, "i_sym": 0.01}  # V, A; of less it is noise that is out of balance

_ONLY_TOTAL = (TOTAL,)
_MWS_PER_WH = 3_600_000
_ROLL_OVER = 100_000_000  # 8 digits

# Readout lists by the option character of the sign-on
STANDARD, SERVICE = 0, 6
_BEFORE_TOTALS = ("F.F", "0.0.0", "0.9.1", "0.9.2")
_AFTER_TOTALS = ("0.2.0", "C.7.0")


class ObjectModel:
    """All objects of one meter with these `parameters` (meter.parameters) and of this type (meter.type_code.TypeCode).

    The parameters that shape objects (obis_b, network, registration, ratios, nominal values, sum channels) are read
    here, once. Attributes of `sources`: energies, counters, clock; actual (metrology.values.Values), harmonics
    (metrology.harmonics.Harmonics); and as texts those of the rows of kind "data".
    """

    def __init__(self, sources, parameters, type_code):
        self._sources = sources
        self._parameters = parameters
        self._channel = parameters.obis_b
        self._has_reactive = type_code.has_reactive
        self._network = NETWORKS[parameters.network]
        self._registration = Registration(parameters, self._network)
        self._sums = (sum_channel(parameters.sum_channel_1), sum_channel(parameters.sum_channel_2))

    # --- which objects there are ------------------------------------------------------------------------------------

    def find(self, code: str):
        """The object under a code `[1-B:]C.D.E`, with any B; KeyError if the meter has none."""
        for row in TABLE:
            if row[0] == code and TOTAL in self._places(row):
                return self._make(code, row, TOTAL)
        try:
            c, d, e = self._value_groups(code)
        except ValueError:
            raise KeyError(code)
        short = obis.short(bytes((0, 0, c, d, e, 255)))
        if (c, d) == PARAMETERS:
            return Parameter(self._logical_name(short), self._parameters, self._parameters.name(e))
        row, n = defined(c, d, e)
        if row is None and d == 7 and 1 <= e <= MAX_ORDER:
            row, n = defined(c, d, 0)
            if row is not None and row[2] in ("u", "i") and n in self._places(row):
                return self._harmonic(self._logical_name(short), row[2], n, e)
        elif row is not None and n in self._places(row):
            return self._make(short, row, n)
        raise KeyError(code)

    def codes(self):
        """The codes of all objects but single harmonics and C.61.n."""
        for row in TABLE:
            for n in self._places(row):
                if n == TOTAL:
                    yield row[0]
                else:
                    c, _, rest = row[0].partition(".")
                    yield "%d.%s" % (int(c) + PHASE_C * (n + 1), rest)

    def totals(self) -> list:
        """The codes of the energies of all phases together, sum channels included: what the display rolls through."""
        return [row[0] for row in TABLE if row[1] in ("energy", "sum") and TOTAL in self._places(row)]

    def readout(self, number: int):
        """The data sets of readout list `number`, as text without line ends; KeyError if there is no such list.

        The service list is the standard list and all the rest, but for single harmonics, calibration and C.61.n.
        """
        if number not in (STANDARD, SERVICE):
            raise KeyError(number)
        standard = _BEFORE_TOTALS + tuple(self.totals()) + _AFTER_TOTALS
        for code in standard:
            yield self.find(code).data_set()
        if number == SERVICE:
            for code in self.codes():
                if code not in standard and code not in _UNLISTED:
                    yield self.find(code).data_set()

    def _value_groups(self, code: str) -> tuple:
        """C, D, E of a code of this meter; ValueError if it cannot be one: billing periods (F), another medium (A)."""
        name = obis.parse(code, self._channel)
        if name[5] != 255 or name[0] != self._logical_name(obis.short(name))[0]:
            raise ValueError
        return name[2], name[3], name[4]

    def _logical_name(self, code: str) -> bytes:
        return obis.parse(code, self._channel)

    def _places(self, row: tuple) -> tuple:
        """What of a row the meter has: TOTAL, phases 0..2, or nothing."""
        code, kind, name = row
        network = self._network
        if not self._has_reactive and (_is_reactive(kind, name) or code == _REACTIVE_LED):
            return ()
        if kind in ("actual", "thd") and name in ("u", "i"):
            return network.voltages if name == "u" else network.currents
        if kind == "energy" or name in ("p", "q", "s", "pf"):
            return _ONLY_TOTAL + network.phases
        if kind == "sum":
            pair = self._sums[name]
            missing = not pair or not self._has_reactive and _is_reactive("energy", pair[0])
        elif kind == "u_angle":
            missing = name not in network.voltages
        elif kind == "i_angle":
            missing = name not in network.phases
        else:  # unbalance is of three phases; a current comes back in a neutral only from two or three
            missing = kind == "unbalance" and len(network.currents) < 3 or name == "i0" and len(network.phases) < 2
        return () if missing else _ONLY_TOTAL

    # --- how they are made ------------------------------------------------------------------------------------------

    def _make(self, code: str, row: tuple, n: int):
        logical_name = self._logical_name(code)
        make = getattr(self, "_" + row[1])
        return make(logical_name, row[2]) if n == TOTAL else make(logical_name, row[2], n)

    def _energy(self, logical_name: bytes, name: str, n: int = TOTAL):
        sources = self._sources
        return self._energy_register(logical_name, name, lambda: sources.energies.get(name, n + 1))

    def _sum(self, logical_name: bytes, number: int):
        sources = self._sources
        return self._energy_register(logical_name, self._sums[number][0], lambda: sources.energies.sum_channel(number))

    def _energy_register(self, logical_name: bytes, name: str, total):
        unit = _ENERGY_UNITS[name[0]]
        form = self._registration.form(unit)
        numerator, denominator = self._registration.factor(unit)
        denominator *= _MWS_PER_WH * 10 ** form[0]
        return Register(logical_name, lambda: total() * numerator // denominator % _ROLL_OVER, unit, form)

    def _actual(self, logical_name: bytes, name: str, n: int = TOTAL):
        sources = self._sources
        if n == TOTAL:
            return self._measured(logical_name, name, lambda: sources.actual.total(name))
        return self._measured(logical_name, name, lambda: sources.actual.phase(name, n))

    def _harmonic(self, logical_name: bytes, name: str, n: int, order: int):
        sources = self._sources
        return self._measured(logical_name, name, lambda: getattr(sources.harmonics, name)(n, order))

    def _measured(self, logical_name: bytes, name: str, value):
        if name not in _UNITS:
            form, unit = (_FREQUENCY, UNIT_HZ) if name == "f" else (_POWER_FACTOR, UNIT_COUNT)
            return Register(logical_name, _rounded(value, 10 ** -form[0]), unit, form)
        unit = _UNITS[name]
        form = self._registration.form(unit)
        numerator, denominator = self._registration.factor(unit)
        return Register(logical_name, _rounded(value, numerator / denominator / 10.0 ** form[0]), unit, form)

    def _thd(self, logical_name: bytes, name: str, n: int):
        sources = self._sources
        return self._percentage(logical_name, lambda: getattr(sources.harmonics, "thd_" + name)(n))

    def _unbalance(self, logical_name: bytes, name: str):
        sources = self._sources

        def value():
            components = getattr(sources.actual, name)  # zero, positive, negative sequence; None if not known
            if components is None or components[1] < _SEQUENCE_MIN[name]:
                return None
            return 100 * components[2] / components[1]

        return self._percentage(logical_name, value)

    def _percentage(self, logical_name: bytes, value):
        return Register(logical_name, _rounded(value, 100), UNIT_PERCENT, _PERCENT)

    def _u_angle(self, logical_name: bytes, n: int):
        sources = self._sources
        return _angle(logical_name, lambda: sources.actual.phase("u_angle", n))

    def _i_angle(self, logical_name: bytes, n: int):
        sources = self._sources
        return _angle(logical_name, lambda: sources.actual.phase("lag", n))

    def _nominal(self, logical_name: bytes, name: str):
        parameters = self._parameters
        if name == "u":
            return Register(logical_name, lambda: parameters.nominal_voltage, UNIT_V, _WHOLE)
        if name == "f":
            return Register(logical_name, lambda: parameters.nominal_hz, UNIT_HZ, _WHOLE)

        def read() -> int:
            ma = parameters.nominal_current_ma
            return (ma if name == "i" else maximum_current_ma(ma)) // 1000

        return Register(logical_name, read, UNIT_A, _WHOLE)

    def _counter(self, logical_name: bytes, name: str):
        sources = self._sources
        return Register(logical_name, lambda: sources.counters.get(name), UNIT_COUNT, _COUNT)

    def _parameter(self, logical_name: bytes, name: str):
        return Parameter(logical_name, self._parameters, name)

    def _data(self, logical_name: bytes, name: str):
        sources = self._sources
        return Data(logical_name, lambda: getattr(sources, name))

    def _clock(self, logical_name: bytes, _name: str):
        return Clock(logical_name, self._sources.clock)

    def _time(self, logical_name: bytes, _name: str):
        return Data(logical_name, Clock(logical_name, self._sources.clock).time_text)

    def _date(self, logical_name: bytes, _name: str):
        return Data(logical_name, Clock(logical_name, self._sources.clock).date_text)


def _is_reactive(kind: str, name) -> bool:
    """Whether it is reactive or apparent, or made of one of them."""
    if kind == "energy":
        return name[0] != "a"
    return name in ("q", "s", "pf")


def _rounded(value, factor):
    """A function that reads `value` times `factor` as an integer; None stays None."""

    def read():
        measured = value()
        return None if measured is None else round(measured * factor)

    return read


def _angle(logical_name: bytes, lag) -> Register:
    """By how much a phasor lags another one, 0 to 359.9 degrees."""

    def read():
        degrees = lag()
        return None if degrees is None else round(degrees * 10) % 3600

    return Register(logical_name, read, UNIT_DEGREE, _ANGLE)
