"""How the objects of definitions.TABLE are made: measured quantities, counters, identification, clock, calibration.

A row's kind is a method's name here, with an underscore before it.
"""

from binascii import hexlify, unhexlify

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.classes import FIELD, READER, Data, FineRegister, Maximum, Parameter, Register, Shown
from meter.cosem.clock import Clock, Part
from meter.cosem.data_types import OCTETS, TEXT, UINT8, UINT16
from meter.cosem.definitions import ERROR_OBJECT, ERRORS, MOMENT, PHASE_C, TABLE, TOTAL
from meter.cosem.registration import Registration
from meter.metrology.energies import sum_channel
from meter.metrology.networks import NETWORKS, maximum_current_ma

_REACTIVE_LED = const("0.3.1")

_ENERGY_UNITS = {"a": "Wh", "r": "varh", "s": "VAh"}
_POWER_UNITS = {"a": "W", "r": "var", "s": "VA"}
_HARMONIC_C = {"u": 12, "i": 11}  # where the phases' C is counted from
_UNITS = {"u": "V", "i": "A", "i0": "A", "p": "W", "q": "var", "s": "VA"}
# Forms of a Register: scaler, digits, printed in 10**n units, signed; those of _UNITS are the registration's
_FREQUENCY = const((-3, 5, 0, False))
_POWER_FACTOR = const((-3, 4, 0, True))
_ANGLE = const((-1, 4, 0, False))
_PERCENT = const((-2, 5, 0, False))
_COUNT = const((0, 8, 0, False))
_WHOLE = const((0, 1, 0, False))
_MEAN_POWER_FACTOR = const((-3, 4, 0, False))

_SEQUENCE_MIN = {"u_sym": 20.0, "i_sym": 0.01}  # V, A; of less it is noise that is out of balance

_ONLY_TOTAL = (TOTAL,)
_STORED = const(("energy", "sum", "reset", "billing", "clock", "mean_pf", "least_pf"))  # kinds of rows
_MILLI = const(1_000)
_MINUTE_S = const(60)


class Quantities:
    """The objects of a meter with these `parameters` and `features` (setups.py). `sources`: see model.ObjectModel."""

    def __init__(self, sources, parameters, features: list):
        self._sources = sources
        self._parameters = parameters
        self._channel = parameters.obis_b
        self._features = features
        self._has_reactive = "reactive" in features
        self._network = NETWORKS[parameters.network]
        self._registration = Registration(parameters, self._network)
        self._sums = (sum_channel(parameters.sum_channel_1), sum_channel(parameters.sum_channel_2))

    def places(self, row: tuple) -> tuple:
        """What of a row the meter has: TOTAL, phases 0..2, or nothing."""
        code, kind, name = row[:3]
        network = self._network
        if len(row) > 3 and row[3] not in self._features:
            return ()
        if not self._has_reactive and (_is_reactive(kind, name) or code == _REACTIVE_LED):
            return ()
        if kind in ("actual", "thd") and name in ("u", "i"):
            return network.voltages if name == "u" else network.currents
        if kind == "energy" or name in ("p", "q", "s", "pf"):
            return _ONLY_TOTAL + network.phases
        if kind == "sum":
            pair = self._sums[name]
            missing = not pair or not self._has_reactive and _is_reactive("energy", pair[0])
        elif kind == "at_rate":
            missing = name > self._parameters.rates
        elif kind in ("u_angle", "i_angle"):
            missing = name not in network.voltages
        else:  # unbalance is of three phases; a current comes back in a neutral only from two or three
            missing = kind == "unbalance" and len(network.currents) < 3 or name == "i0" and len(network.phases) < 2
        return () if missing else _ONLY_TOTAL

    def make(self, row: tuple, n: int, stored=None):
        """The object of what a row defines for phase n, or for TOTAL; as it was when `stored`, a tariff.billing.Stored,
        was. KeyError if that does not tell it."""
        code = phase_code(row[0], n)
        logical_name = ERROR_OBJECT if code == ERRORS else self.logical_name(code)
        arguments = (row[2],) if n == TOTAL else (row[2], n)
        maker = getattr(self, "_" + row[1])
        if stored is None:
            return maker(logical_name, *arguments)
        if row[1] not in _STORED or row[2] == "available":
            raise KeyError(code)
        return maker(of_period(logical_name, stored), *arguments, stored=stored)

    def harmonic(self, name: str, n: int, order: int):
        """A harmonic of U or I ("u", "i") of phase n; KeyError if the network does not have the phase."""
        if n not in (self._network.voltages if name == "u" else self._network.currents):
            raise KeyError(order)
        sources = self._sources
        logical_name = self.logical_name("%d.7.%d" % (_HARMONIC_C[name] + PHASE_C * (n + 1), order))
        return self._measured(logical_name, name, lambda: getattr(sources.harmonics, name)(n, order))

    # --- scales: (numerator, denominator, unit, form). What a register shows is an integer in thousandths of the unit
    # --- (mWs of energies) * numerator / denominator

    def energy_scale(self, name: str, is_rated: bool = False) -> tuple:
        """Of an energy, or of an energy at a rate."""
        unit, registration = _ENERGY_UNITS[name[0]], self._registration
        form = registration.rated if is_rated else registration.form(unit)
        return registration.energy_scale(unit, form) + (unit, form)

    def demand_scale(self, name: str) -> tuple:
        """Of the mean power whose energy is called `name`."""
        return self._scale(_POWER_UNITS[name[0]], self._registration.demand, _MILLI)

    def moment_scale(self, name: str) -> tuple:
        """Of a value of a moment: "p", "f"."""
        if name not in _UNITS:  # in thousandths too
            return (1, 1, "Hz", _FREQUENCY) if name == "f" else (1, 1, "", _POWER_FACTOR)
        unit = _UNITS[name]
        return self._scale(unit, self._registration.form(unit), _MILLI)

    def moment_code(self, name: str, n: int) -> str:
        """The code of the value of a moment of phase n, or of TOTAL."""
        for row in TABLE:
            if row[1] == "actual" and row[2] == name:
                return phase_code(row[0], n)
        raise KeyError(name)

    def _scale(self, unit: str, form: tuple, parts: int) -> tuple:
        return self._registration.scale(unit, form, parts) + (unit, form)

    # --- kinds ------------------------------------------------------------------------------------------------------

    def logical_name(self, code: str) -> bytes:
        """The six bytes of a code of this meter."""
        return obis.parse(code, self._channel)

    def _energy(self, logical_name: bytes, name: str, n: int = TOTAL, stored=None):
        total = stored.total if stored else self._sources.energies.get
        return self.energy_register(logical_name, name, lambda: total(name, n + 1))

    def _sum(self, logical_name: bytes, number: int, stored=None):
        total = (stored or self._sources.energies).sum_channel
        return self.energy_register(logical_name, self._sums[number][0], lambda: total(number))

    def rated_register(self, logical_name: bytes, name: str, rate: int, stored=None):
        """A register of an energy at a rate: as it runs, or what it has gained since the billing reset."""
        total, before = stored.rated if stored else self._sources.rated.get, None
        if self._registration.by_period and not stored:
            begin = self._sources.billing.begin

            def before() -> int:
                return begin.rated(name, rate) or 0

        return self.energy_register(logical_name, name, lambda: total(name, rate), before, True)

    def energy_register(self, logical_name: bytes, name: str, total, before=None, is_rated: bool = False):
        """A register of an energy of which `total` returns mWs, or None. With `before`, which returns mWs too, it shows
        what it has gained since."""
        numerator, denominator, unit, form = self.energy_scale(name, is_rated)
        roll_over = 10 ** form[1]

        def read(times: int = 1):
            mws = total()
            if mws is None:
                return None
            begun = before() if before else 0
            return max(0, mws * times * numerator // denominator - begun * times * numerator // denominator) % roll_over

        return FineRegister(logical_name, read, unit, form, self._sources.test_mode)

    def _actual(self, logical_name: bytes, name: str, n: int = TOTAL):
        sources = self._sources
        if n == TOTAL:
            return self._measured(logical_name, name, lambda: sources.actual.total(name))
        return self._measured(logical_name, name, lambda: sources.actual.phase(name, n))

    def _measured(self, logical_name: bytes, name: str, value):
        numerator, denominator, unit, form = self.moment_scale(name)
        return Register(logical_name, _rounded(value, _MILLI * numerator / denominator), unit, form)

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
        return Register(logical_name, _rounded(value, 100), "%", _PERCENT)

    def _u_angle(self, logical_name: bytes, n: int):
        sources = self._sources
        return _angle(logical_name, lambda: sources.actual.phase("u_angle", n))

    def _i_angle(self, logical_name: bytes, n: int):
        sources = self._sources
        return _angle(logical_name, lambda: sources.actual.phase("lag", n))

    def _nominal(self, logical_name: bytes, name: str):
        parameters = self._parameters
        if name == "u":
            return Register(logical_name, lambda: parameters.nominal_voltage, "V", _WHOLE)
        if name == "f":
            return Register(logical_name, lambda: parameters.nominal_hz, "Hz", _WHOLE)

        def read() -> int:
            ma = parameters.nominal_current_ma
            return (ma if name == "i" else maximum_current_ma(ma)) // 1000

        return Register(logical_name, read, "A", _WHOLE)

    def _counter(self, logical_name: bytes, name: str):
        sources = self._sources
        return Register(logical_name, lambda: sources.counters.get(name), "", _COUNT)

    def _at_rate(self, logical_name: bytes, rate: int):
        return self._duration(logical_name, "operating_%d" % rate)

    def _billing(self, logical_name: bytes, name: str, stored=None):
        """Of the last reset, or of that of a stored period: how many there were, and how many are stored."""
        billing = stored or self._sources.billing
        if name == "available":
            return Data(logical_name, billing.available, UINT16)
        return Shown(logical_name, lambda: billing.count, UINT8, lambda: "%02d" % billing.count)

    def _mean_pf(self, logical_name: bytes, is_last: bool, stored=None):
        """Import's: of the billing period, or of the last period of demand."""
        power_factor = self._sources.demand.power_factor
        if stored:
            if is_last:
                raise KeyError(logical_name)
            mean, _, _ = stored.power_factor()
            return Register(logical_name, lambda: mean, "", _MEAN_POWER_FACTOR)
        read = (lambda: power_factor.last) if is_last else self._sources.billing.power_factor
        return Register(logical_name, read, "", _MEAN_POWER_FACTOR)

    def _least_pf(self, logical_name: bytes, _name: str, stored=None):
        """The smallest mean of a period of demand in the billing period, with the end of that."""
        power_factor = self._sources.demand.power_factor

        def least() -> tuple:
            return stored.power_factor()[1:] if stored else (power_factor.least, power_factor.least_utc)

        clock = self._sources.clock
        return Maximum(logical_name, lambda: least()[0], "", _MEAN_POWER_FACTOR, lambda: least()[1], clock)

    def _reset(self, logical_name: bytes, part: tuple, stored=None):
        billing = stored or self._sources.billing
        return self._moment(logical_name, part, lambda: billing.utc)

    def _configured(self, logical_name: bytes, part: tuple):
        sources = self._sources
        return self._moment(logical_name, part, lambda: sources.counters.get("configured_minutes") * _MINUTE_S)

    def _moment(self, logical_name: bytes, part: tuple, read):
        """Of a moment, 0 if there was none, what `part` says."""
        clock = self._sources.clock
        first, last, begin, end = part

        def octets():
            return date_time.octets(clock, read())[first:last] if read() else None

        return Shown(logical_name, octets, OCTETS, lambda: date_time.text(clock, read())[begin:end])

    def _duration(self, logical_name: bytes, name: str):
        sources = self._sources
        return Register(logical_name, lambda: sources.counters.get(name), "s", _COUNT)

    def _parameter(self, logical_name: bytes, name: str):
        return Parameter(logical_name, self._parameters, name)

    def _data(self, logical_name: bytes, name: str):
        sources = self._sources
        return Data(logical_name, lambda: getattr(sources, name))

    def _tariff(self, logical_name: bytes, name: str):
        """What tariff.rates.Rates says: a text, or a word whose octets are printed as digits."""
        sources = self._sources

        def read():
            return getattr(sources.rates, name)

        if not name.endswith("_word"):
            return Data(logical_name, read)
        return Shown(logical_name, read, OCTETS, lambda: hexlify(read()).decode().upper())

    def _signal(self, logical_name: bytes, n: int):
        """Signal Cn of the control table, 1 or 0, as the scripts of 0-0:10.0.103 set it."""
        sources = self._sources

        def change(value: int) -> None:
            if value not in (0, 1):
                raise ValueError("a signal is 0 or 1")
            sources.scripts["outputs"](n if value else 10 + n)

        return Data(logical_name, lambda: sources.rates.commanded_signals >> n - 1 & 1, UINT8, READER, change, FIELD)

    def _terminals(self, logical_name: bytes, name: str):
        """A word of meter.terminals, whose octets are printed as digits."""
        sources = self._sources

        def read():
            return getattr(sources.terminals, name)

        return Shown(logical_name, read, OCTETS, lambda: hexlify(read()).decode().upper())

    def _pulses(self, logical_name: bytes, n: int):
        sources = self._sources
        return Register(logical_name, lambda: sources.terminals.pulses.sent(n) % 10 ** _COUNT[1], "", _COUNT)

    def _errors(self, logical_name: bytes, _name: str):
        """Four octets, the groups AA BB CC DD; printed as eight digits."""
        sources = self._sources
        return Shown(logical_name, lambda: unhexlify(sources.error_text), OCTETS, lambda: sources.error_text, ERRORS)

    def _calibration(self, logical_name: bytes, name: str):
        sources = self._sources
        change = sources.write_calibration if name == "calibration_record" else None
        return Data(logical_name, lambda: getattr(sources, name), TEXT, READER, change)

    def _clock(self, logical_name: bytes, _name: str, stored=None):
        sources = self._sources
        if stored:
            return self._reset(logical_name, MOMENT, stored)
        return Clock(logical_name, sources.clock, self._parameters, sources.set_clock)

    def _time(self, logical_name: bytes, is_date: bool):
        return Part(logical_name, self._sources.clock, self._sources.set_clock, is_date)


def of_period(logical_name: bytes, stored) -> bytes:
    """The logical name of what was when `stored` was."""
    return logical_name[:5] + bytes((stored.f,))


def phase_code(code: str, n: int) -> str:
    """The code of what a row's code means for phase n, or the code for TOTAL."""
    if n == TOTAL:
        return code
    c, _, rest = code.partition(".")
    return "%d.%s" % (int(c) + PHASE_C * (n + 1), rest)


def _is_reactive(kind: str, name) -> bool:
    """Whether it is reactive or apparent, or made of one of them."""
    if kind == "energy":
        return name[0] != "a"
    return name in ("q", "s", "pf") or kind.endswith("_pf")


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

    return Register(logical_name, read, "deg", _ANGLE)
