"""The test mode: registers are printed with more decimals, and test LED 1 may show reactive energy.

It ends by script, after 24 h of operation, or with the supply. What is counted and stored does not know of it, nor do
the registers' values and scalers by DLMS/COSEM, which a client may have read before.
"""

from micropython import const

FINER = const(3)  # decades by which registers are finer
_LONGEST_S = const(86_400)
_ACTIVE, _REACTIVE = const(1), const(2)  # scripts of the LED


class Inspection:
    """`seconds()`: operating time. `show_reactive(on)` changes what LED 1 shows. `on`: the mode is on."""

    def __init__(self, seconds, show_reactive):
        self.on = False
        self._seconds, self._show_reactive = seconds, show_reactive
        self._begun = 0

    def begin(self, script: int) -> None:
        """0.0.10.0.101, script 1: on, for another 24 h if it is on already. ValueError if there is no such script."""
        _check(script == 1)
        self.on, self._begun = True, self._seconds()

    def end(self, script: int) -> None:
        """0.0.10.0.102, script 1: off."""
        _check(script == 1)
        self.on = False
        self._show_reactive(False)

    def light(self, script: int) -> None:
        """0.0.10.0.104: LED 1 shows active energy (1), as it does without test mode, or reactive energy (2)."""
        _check(script == _ACTIVE or script == _REACTIVE and self.on)
        self._show_reactive(script == _REACTIVE)

    def update(self) -> None:
        """Once a second or so."""
        if self.on and not 0 <= self._seconds() - self._begun < _LONGEST_S:
            self.end(1)


def _check(is_allowed: bool) -> None:
    if not is_allowed:
        raise ValueError("no such script, or no test mode")
