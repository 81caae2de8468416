"""The control inputs: terminals for mains voltage, each with an optocoupler that pulls a pin down."""


class ControlInputs:
    """`pins`: the board's, in the order of the terminals; low is voltage on the terminal."""

    def __init__(self, pins: tuple):
        self._pins = pins
        self._seen: "list[int | None]" = [None] * len(pins)
        self._word = 0

    def read(self) -> int:
        """The inputs that are on, bit n - 1 is input n. A change counts when two readings in a row have it, so what is
        shorter than the time between them is a disturbance."""
        for n, pin in enumerate(self._pins):
            level = pin.value()
            if self._seen[n] in (level, None):
                self._word = self._word & ~(1 << n) | (0 if level else 1 << n)
            self._seen[n] = level
        return self._word
