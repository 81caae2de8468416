"""Which rates are on: the time switch, the control inputs and what communication commands, by the control table.

The rates of energy are, in this order: what a command asks for; the rows of the control table; the time switch, or rate
1 in a meter without one. Those of demand are the same, but if the control table has rows for the rates of energy only,
demand goes with energy.

While the clock is not valid, or no season holds, the time switch is in emergency: the rate of parameter fallback_rate.
"""

from struct import pack, unpack

from micropython import const

from meter.tariff import control_table as control
from meter.tariff import switch_table
from meter.tariff.billing import INPUT

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

INPUT_OFF, INPUT_ON = 12, 13  # event numbers of the product family; detail: the input's number

_NEVER = const(1 << 29)  # seconds after the last look, in place of a change that is not in sight
_SIGNALS_OFF = const(10)  # scripts of the outputs: n sets signal Cn, 10 + n clears it
# Flags of the internal control word, beside those of the control table's actions
_EMERGENCY = const(0x40)
_COMMANDED = const(0x80)
_STATE = "<HB"  # what communication has commanded, and the signals C


class Rates:
    """The rates of a meter of this type (meter.type_code.TypeCode).

    `clock` has `zone(utc)` and `valid`; `note(event, detail, utc)` is told when an input changes.

    energy, demand: masks, bit r - 1 is rate r. demand_inhibited: no demand is measured. reset_due: source of the
    billing reset that the control table wants since the last update, or 0; period_end: it wants the end of the demand
    period. outputs, arrows: masks; relay: bool.
    emergency: see above. next_change: UTC moment up to which nothing changes by itself.
    """

    def __init__(self, type_code, time_switch, control_table, parameters, clock, note: "Callable" = lambda *_: None):
        self.energy = self.demand = 1
        self.demand_inhibited = self.period_end = self.emergency = self.relay = False
        self.reset_due = 0
        self.outputs = self.arrows = 0
        self.next_change = 0
        self.commanded = 0  # selector, 0: nothing is
        self._type_code, self._parameters, self._clock, self._note = type_code, parameters, clock, note
        self._time_switch, self._control_table = time_switch, control_table
        self._signals = bytearray(control.SIGNAL_BYTES)
        self._functions = bytearray(control.FUNCTION_BYTES)
        self._updated: "int | None" = None  # moment of the last update
        self._valid = False  # the clock was
        self._changes = 0  # of tables and parameters, seen so far
        self._stale = True  # something else has changed

    # --- once each tick ---------------------------------------------------------------------------------------------

    def update(self, utc: int, inputs: int = 0) -> bool:
        """Look at the time and at the control inputs (bit n - 1 is input n); True if something may have changed."""
        self.period_end = False
        self.reset_due = 0
        inputs &= (1 << self._type_code.inputs) - 1
        signals = self._signals
        last = self._updated
        if (
            last is not None
            and last <= utc < self.next_change
            and inputs == signals[control.INPUTS]
            and not self._stale
            and self._clock.valid == self._valid
            and self._count_changes() == self._changes
        ):
            return False
        self._valid, self._stale = self._clock.valid, False
        self._look_at_inputs(utc, inputs, last is not None)
        self._look_at_time(utc)
        self._changes = self._count_changes()
        signals[control.STATES] = 0 if self._valid else control.CLOCK_INVALID
        if last is None:  # what is on from the start does not come on now; but for what the start itself switches
            self._control_table.evaluate(signals, self._functions)
            signals[control.STATES] |= control.POWER_UP
            self._stale, self.next_change = True, utc + 1  # and then no more
        self._updated = utc
        self._switch()
        return True

    def _count_changes(self) -> int:
        """Of the parameters too: the zone of local time and the fallback rate are among them."""
        return self._time_switch.changes + self._control_table.changes + self._parameters.changes

    def _look_at_inputs(self, utc: int, inputs: int, is_noted: bool) -> None:
        changed = inputs ^ self._signals[control.INPUTS]
        self._signals[control.INPUTS] = inputs
        for n in range(self._type_code.inputs):
            if is_noted and changed >> n & 1:
                self._note(INPUT_ON if inputs >> n & 1 else INPUT_OFF, n + 1, utc)

    def _look_at_time(self, utc: int) -> None:
        """The signals of the time switch, and until when they hold."""
        self.next_change = utc + _NEVER
        if not self._type_code.has_time_switch:
            return
        selector, time_switch = None, self._time_switch
        if self._valid:
            time_switch.activate_due(utc)
            ahead, _, _, end = self._clock.zone(utc)
            local = utc + ahead * 60
            selector, following = time_switch.at(local)
            self.next_change = min(utc + following - local, end)
            if time_switch.activation is not None:
                self.next_change = min(self.next_change, time_switch.activation)
        self.emergency = selector is None
        energy, demand, others = switch_table.outputs(selector or self._parameters.fallback_rate)
        self._signals[control.SWITCH_ENERGY] = 1 << energy - 1
        self._signals[control.SWITCH_DEMAND] = 1 << demand - 1
        self._signals[control.SWITCH_OTHERS] = others

    def _switch(self) -> None:
        """Make of the signals what they switch."""
        signals, functions, table = self._signals, self._functions, self._control_table
        before = functions[control.ACTIONS]
        table.evaluate(signals, functions)
        actions = functions[control.ACTIONS]
        came_on = actions & ~before
        self.reset_due = INPUT if came_on & control.RESET else 0
        self.period_end = came_on & control.PERIOD_END != 0
        self.demand_inhibited = actions & control.INHIBIT != 0
        self.relay = actions & control.RELAY != 0
        self.outputs = functions[control.OUTPUTS]
        self.arrows = functions[control.ARROWS] | functions[control.MORE_ARROWS] << 8
        if self.commanded:
            energy, demand, _ = switch_table.outputs(self.commanded)
            self.energy, self.demand = 1 << energy - 1, 1 << demand - 1
            return
        by_table = table.has(control.ENERGY)
        self.energy = functions[control.ENERGY] if by_table else signals[control.SWITCH_ENERGY] or 1
        if table.has(control.DEMAND):
            self.demand = functions[control.DEMAND]
        else:
            self.demand = self.energy if by_table else signals[control.SWITCH_DEMAND] or 1

    # --- what communication and monitors ask for --------------------------------------------------------------------

    def command(self, selector: int) -> None:
        """Scripts of the tariff table: the rates of a selector (switch_table.py) from the next update on, whatever the
        tables say; 0 gives the choice back to them. ValueError if there is no such script."""
        if selector:
            switch_table.outputs(selector)
        self.commanded = selector
        self._stale = True

    def switch(self, script: int) -> None:
        """Scripts of the outputs' table: 1..8 set the signals C1..C8, 11..18 clear them. ValueError if there is no
        such script."""
        off, n = divmod(script, _SIGNALS_OFF)
        if off > 1 or not 1 <= n <= 8:
            raise ValueError("no such script: %d" % script)
        bit = 1 << n - 1
        if off:
            self._signals[control.COMMANDS] &= ~bit
        else:
            self._signals[control.COMMANDS] |= bit
        self._stale = True

    def monitor(self, name_bits: int) -> bool:
        """The signals of the monitors, a bit each in the order of the control table's names. True if they are others
        than before."""
        if name_bits == self._signals[control.MONITORS]:
            return False
        self._signals[control.MONITORS] = name_bits
        self._stale = True
        return True

    @property
    def commanded_signals(self) -> int:
        """The signals C that are set, bit n - 1 is Cn."""
        return self._signals[control.COMMANDS]

    # --- how it is stored -------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """Its part of the tariff record: what communication has commanded lasts until it commands otherwise."""
        return pack(_STATE, self.commanded, self._signals[control.COMMANDS])

    def unpack(self, data) -> None:
        """Take over what `pack` has made."""
        self.commanded, self._signals[control.COMMANDS] = unpack(_STATE, data)
        self._stale = True

    # --- views ------------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> int:
        """The control inputs at the last update, bit 0 is I1."""
        return self._signals[control.INPUTS]

    @property
    def control_word(self) -> bytes:
        """C.4.0, internal signals: demand rates, energy rates, TX outputs of the time switch, and flags: 01 end of
        the demand period, 02 inhibited, 04 billing reset, 08 relay (as the control table has them now), 40 emergency,
        80 rates by command."""
        flags = self._functions[control.ACTIONS] | (_EMERGENCY if self.emergency else 0)
        flags |= _COMMANDED if self.commanded else 0
        return bytes((self.demand, self.energy, self._signals[control.SWITCH_OTHERS], flags))

    @property
    def active_tariff(self) -> str:
        """C.14.0: the digits of the energy rates that are on, 0 if none is."""
        return "".join([str(n + 1) for n in range(switch_table.RATES) if self.energy >> n & 1]) or "0"

    @property
    def program(self) -> str:
        """0.2.2: name of the active table of the time switch."""
        return self._time_switch.name
