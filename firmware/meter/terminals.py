"""The output terminals of the meter: control contacts, pulse outputs and the relay that its type has.

What each output does says its parameter (output_function.py). An I2C expander may carry them: while it does not answer,
contacts stay as they are and everything is tried again.
"""

from meter.face.pulses import PulseOutput, Pulses
from meter.face.relay import Relay
from meter.output_function import CONTROL, DIRECTION, output_function


class Terminals:
    """`total(energy)`: a register in mWs. `rates`: tariff.rates.Rates, what the control table wants. `is_export()`:
    whether active energy is exported now.

    `pulses`: face.pulses.Pulses. `failed`: a contact has not taken its last change.
    """

    def __init__(self, board, memory, parameters, type_code, total, rates, is_export):
        self.failed = False
        self._rates, self._is_export = rates, is_export
        self._relay = Relay(board.relay, parameters) if type_code.has_relay and board.relay else None
        self._contacts = []  # (pin, bit, is direction)
        self._closed = 0
        self._powered = True
        pulses = {}
        for n in range(min(type_code.outputs, len(board.outputs))):
            pin = board.outputs[n]
            function = output_function(parameters.get("output_%d" % (n + 1)))
            if function[0] in (CONTROL, DIRECTION):
                self._contacts.append((pin, 1 << n, function[0] == DIRECTION))
            else:
                pulses[n] = PulseOutput(pin, function, total)
        self.pulses = Pulses(memory, pulses)

    def update(self) -> None:
        """An interval's energy has been booked and the control table looked at."""
        self.pulses.plan()
        self._switch()

    def power_down(self) -> None:
        """The supply is about to end: all contacts open, pulses under way are finished."""
        self._powered = False
        self.pulses.halted = True
        self._switch()

    def power_up(self) -> None:
        """It has not ended: go on with the next interval."""
        self._powered = True
        self.pulses.halted = False

    def rest(self) -> bool:
        """Before a new start: no pulse begins any more; True when none is under way. A contact that does not answer, so
        that it cannot be opened, is no reason to wait: the start does that too."""
        self.pulses.halted = True
        return self.pulses.is_at_rest

    def _switch(self) -> None:
        self.failed = False
        outputs = self._rates.outputs if self._powered else 0
        is_export = self._powered and self._is_export()
        for pin, bit, is_direction in self._contacts:
            wanted = is_export if is_direction else outputs & bit != 0
            if wanted != (self._closed & bit != 0):
                try:
                    pin.value(int(wanted))
                    self._closed ^= bit
                except OSError:
                    self.failed = True
        if self._relay:
            try:
                if self._powered:
                    self._relay.switch(self._rates.relay)
                else:
                    self._relay.open()
            except OSError:
                self.failed = True

    @property
    def word(self) -> bytes:
        """C.3.0, the states of the terminals: 0, relay, outputs, inputs (bit 0 is the first)."""
        relay = 1 if self._relay and self._relay.closed else 0
        return bytes((0, relay, self._closed | self.pulses.closed, self._rates.inputs))
