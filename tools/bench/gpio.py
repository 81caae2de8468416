"""The GPIO block of the virtual board: pins to nets, edges to interrupts."""

from __future__ import annotations

from collections.abc import Callable

from tools.bench.line import Line

FALLING, RISING = 1, 2


class Gpio:
    """`levels`: input pin levels, one bit a pin. `edges`: enabled edges not yet told to the firmware.

    `outputs`: pin -> `drive(level, t_ns)`, called when the firmware writes the pin; for those in `pulled_down`, pins,
    also when the microcontroller lets go of them.
    """

    def __init__(self) -> None:
        self.levels = 0
        self.edges = 0
        self._triggers: dict[int, int] = {}
        self.outputs: dict[int, Callable[[int, int], None]] = {}
        self.pulled_down: list[int] = []

    def input(self, pin: int, line: Line) -> None:
        """Join an input pin to a net."""

        def follow(_line: Line, level: int, _t_ns: int) -> None:
            if level:
                self.levels |= 1 << pin
            else:
                self.levels &= ~(1 << pin)
            if self._triggers.get(pin, 0) & (RISING if level else FALLING):
                self.edges |= 1 << pin

        if line.level:
            self.levels |= 1 << pin
        line.listeners.append(follow)

    def set_trigger(self, pin: int, trigger: int) -> None:
        """Choose the edges of `pin` that interrupt (FALLING, RISING, both, 0 for none)."""
        self._triggers[pin] = trigger

    def reset(self, t_ns: int) -> None:
        """The microcontroller stops or restarts: no interrupts enabled, none pending, nothing driven."""
        self._triggers.clear()
        self.edges = 0
        for pin in self.pulled_down:
            self.outputs[pin](0, t_ns)
