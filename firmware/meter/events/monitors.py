"""Monitors: measured values against limits, as events for the log and as signals for the control table.

A monitor comes on when its value has been beyond the limit for its delay, seen once a second, and that is an event; its
detail is the extreme since the limit was passed: mV, mA, W or VA. It goes off with the first value that is back behind
limit and hysteresis. What cannot be measured changes nothing. Numbers are the product family's, which has none for off.
"""

from micropython import const

from meter.metrology.values import PRESENT_V

# Signals, in the order of the control table's names. The last two are tamper.py's
VOLTAGE_LOW = const(1)
VOLTAGE_HIGH = const(2)
PHASE_MISSING = const(4)
CURRENT_HIGH = const(8)
POWER_HIGH = const(16)
DEMAND_HIGH = const(32)

_NO_VOLTAGE = const(55)  # event of L1
_BELOW, _ABOVE = const(-1), const(1)
_DEMANDS = const(8)  # that have an event each
_OFF = const(1 << 28)  # in place of a voltage that is not looked at: none is lower

# What is looked at
_MISSING, _ALL_MISSING, _LOW, _HIGH, _REVERSED, _WITHOUT, _CURRENT, _NEUTRAL, _POWER, _APPARENT, _DEMAND = range(11)
# Where, of a network or of demand; once, or in a meter with apparent power only
_ONCE, _VOLTAGES, _CURRENTS, _PHASES, _QUANTITIES, _WITH_APPARENT = range(6)
# What the number of a limit counts: it is fixed, 20 V; % of Un; % and thousandths of Imax; W and VA
_FIXED, _UN, _IMAX, _IMAX_MILLE, _ONE = range(5)

# Signal, event of the first place, what, where, side, parameter of the limit (0: off) and what it counts, its delay
_TABLE = (
    (PHASE_MISSING, 49, _MISSING, _VOLTAGES, _BELOW, "", _FIXED, "voltage_delay_s"),
    (PHASE_MISSING, 108, _ALL_MISSING, _ONCE, _BELOW, "", _FIXED, "voltage_delay_s"),
    (VOLTAGE_LOW, 17, _LOW, _VOLTAGES, _BELOW, "undervoltage_percent", _UN, "voltage_delay_s"),
    (VOLTAGE_HIGH, 20, _HIGH, _VOLTAGES, _ABOVE, "overvoltage_percent", _UN, "voltage_delay_s"),
    (0, 63, _REVERSED, _ONCE, _ABOVE, "", _FIXED, "voltage_delay_s"),
    (0, _NO_VOLTAGE, _WITHOUT, _VOLTAGES, _ABOVE, "no_voltage_mille", _IMAX_MILLE, "no_voltage_delay_s"),
    (CURRENT_HIGH, 25, _CURRENT, _CURRENTS, _ABOVE, "overcurrent_percent", _IMAX, "limit_delay_s"),
    (CURRENT_HIGH, 28, _NEUTRAL, _ONCE, _ABOVE, "neutral_current_percent", _IMAX, "limit_delay_s"),
    (POWER_HIGH, 112, _POWER, _PHASES, _ABOVE, "phase_power_limit_w", _ONE, "limit_delay_s"),
    (POWER_HIGH, 111, _APPARENT, _WITH_APPARENT, _ABOVE, "power_limit_va", _ONE, "limit_delay_s"),
    (DEMAND_HIGH, 33, _DEMAND, _QUANTITIES, _ABOVE, "demand_limit_w", _ONE, ""),
)


class Monitor:
    """One value against a limit on one `side` of it. `on`; `extreme`: since the limit was passed."""

    def __init__(self, side: int):
        self.on = False
        self.extreme = 0
        self._side = side
        self._since = -1  # seconds for which it has been seen beyond the limit; negative: it is not

    def look(self, value: "int | None", limit: int, release: int, delay: int, elapsed: int) -> bool:
        """True if it comes on with this value, `elapsed` seconds after the one before."""
        side = self._side
        if value is None:
            self.forget()
            return False
        beyond = (value - (release if self.on else limit)) * side > 0
        if not beyond:
            self.on = False
            self._since = -1
            return False
        if self._since < 0:
            self._since, self.extreme = 0, value
        else:
            self._since += elapsed
            if (value - self.extreme) * side > 0:
                self.extreme = value
        if self.on or self._since < delay:
            return False
        self.on = True
        return True

    def forget(self) -> None:
        """The values are interrupted: one that is not on yet begins anew."""
        if not self.on:
            self._since = -1


class Monitors:
    """What a meter on `network` (metrology.networks.Network) has: `imax_ma`, `demand` (tariff.demand.Demand),
    `has_apparent` power, and the limits of `parameters`. `note(event, detail)` logs events.

    `signals`: of monitors that are on, bits as above. `without_voltage`: there is a current without its voltage.
    """

    def __init__(self, parameters, network, imax_ma: int, demand, has_apparent: bool, note):
        self.signals = 0
        self.without_voltage = False
        self._parameters, self._network, self._demand, self._note = parameters, network, demand, note
        self._units = (int(PRESENT_V * 1000), parameters.nominal_voltage * 10, imax_ma // 100, imax_ma // 1000, 1)
        quantities = range(min(_DEMANDS, len(demand.quantities)))
        self._places = ((0,), network.voltages, network.currents, network.phases, quantities, (0,) * has_apparent)
        self._monitors = [[Monitor(row[4]) for _ in self._places[row[3]]] for row in _TABLE]
        self._seconds = 0

    def pause(self) -> None:
        """Mains is away: what is measured now does not count."""
        for row in self._monitors:
            for monitor in row:
                monitor.forget()

    def look(self, samples) -> None:
        """Once a second: `samples` is a metrology.sample_path.SamplePath. Its values count once."""
        values, parameters = samples.second, self._parameters
        elapsed = max(1, samples.seconds - self._seconds)  # they begin anew when the chip does
        is_new = samples.seconds != self._seconds
        self._seconds = samples.seconds
        percent = parameters.monitor_hysteresis_percent
        signals, self.without_voltage = 0, False
        for n, (signal, event, what, where, side, name, counts, delay) in enumerate(_TABLE):
            limit = self._units[counts] * (parameters.get(name) if name else 1)
            release = limit * (100 - side * percent) // 100
            wait_s = parameters.get(delay) if delay else 0
            for monitor, place in zip(self._monitors[n], self._places[where]):
                if not limit:
                    monitor.on = False
                    monitor.forget()
                elif what == _DEMAND or is_new:
                    value = self._value(values, what, place)
                    if monitor.look(value, limit, release, wait_s, elapsed):
                        self._note(event + place, monitor.extreme)
                if monitor.on:
                    signals |= signal
                    if event == _NO_VOLTAGE:
                        self.without_voltage = True
        self.signals = signals

    def _value(self, values, what: int, n: int) -> "int | None":
        """In mV, mA, W or VA; None: it is not known."""
        if what == _DEMAND:
            return self._demand.current(self._demand.quantities[n]) // 1000
        if not values.valid:
            return None
        if what == _NEUTRAL:
            return None if values.i0 is None else round(values.i0 * 1000)
        if what == _CURRENT:
            return round(values.i[n] * 1000)
        if what == _POWER:
            return round(abs(values.p[n]))
        if what == _APPARENT:
            return round(values.total("s"))
        if what == _REVERSED:
            return round(values.u_sym[2] * 1000) if values.reversed_field else 0
        return self._voltage(values, what, n)

    def _voltage(self, values, what: int, n: int) -> "int | None":
        u, highest = values.u[n], max([values.u[k] for k in self._network.voltages])
        if what == _ALL_MISSING:
            u = highest
        elif what == _MISSING and highest < PRESENT_V:
            return None  # that is one event, not three
        elif what == _LOW and u < PRESENT_V:
            return _OFF  # it is missing
        elif what == _WITHOUT:
            is_away = u * 1000 < self._parameters.no_voltage_percent * self._units[_UN]
            return round(values.i[n] * 1000) if is_away else 0
        return round(u * 1000)
