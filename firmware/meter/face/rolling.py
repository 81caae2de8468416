"""The rolling list of the operating display: one value after the other, each for the same time."""

_TICKS_MASK = 0x3FFFFFFF  # time.ticks_ms() counts modulo 2**30


class Rolling:
    """Rolls through `items`, `seconds` each. Both may be changed at any time.

    Time comes in as `ticks_ms` (time.ticks_ms()), which may wrap.
    """

    def __init__(self, items, seconds: int):
        self.items = items
        self.seconds = seconds
        self._place = 0
        self._since = -1

    def step(self, ticks_ms: int):
        """The item to be shown at `ticks_ms`; None if the list is empty."""
        if not self.items:
            return None
        if self._since < 0:
            self._since = ticks_ms
        period = self.seconds * 1000
        late = ((ticks_ms - self._since) & _TICKS_MASK) - period
        if late >= 0:
            self._place += 1
            # After a long pause every item still gets its full time.
            self._since = (ticks_ms - late) & _TICKS_MASK if late < period else ticks_ms
        self._place %= len(self.items)
        return self.items[self._place]

    def begin(self) -> None:
        """Start anew with the first item."""
        self._place, self._since = 0, -1
