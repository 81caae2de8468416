"""The rolling list of the operating display: one value after the other, each for the same time."""

_TICKS_MASK = 0x3FFFFFFF  # time.ticks_ms() counts modulo 2**30


class Rolling:
    """Rolls through `items`, `seconds` each.

    An item is a COSEM object with `.index` (e.g. "1.8.0") and `.formatted()` -> (value text, unit text). Time comes in
    as `ticks_ms` (time.ticks_ms()), which may wrap. `seconds` may be changed at any time.
    """

    def __init__(self, items, seconds: int):
        self._items = items
        self.seconds = seconds
        self._place = 0
        self._since = -1

    def step(self, ticks_ms: int):
        """The item to be shown at `ticks_ms`; None if the list is empty."""
        if not self._items:
            return None
        if self._since < 0:
            self._since = ticks_ms
        period = self.seconds * 1000
        late = ((ticks_ms - self._since) & _TICKS_MASK) - period
        if late >= 0:
            self._place += 1
            # After a long pause every item still gets its full time.
            self._since = (ticks_ms - late) & _TICKS_MASK if late < period else ticks_ms
        self._place %= len(self._items)
        return self._items[self._place]

    def move(self, places: int, ticks_ms: int) -> None:
        """Go `places` forward (negative: back) at once, as by the display button; the item's time starts anew."""
        if self._items:
            self._place = (self._place + places) % len(self._items)
        self._since = ticks_ms

    def show(self, display, ticks_ms: int) -> None:
        """Put the item of `ticks_ms` on `display` (face.display.Display); an empty list leaves the fields blank."""
        item = self.step(ticks_ms)
        if item is None:
            display.show("", "", "")
        else:
            value, unit = item.formatted()
            display.show(item.index, value, unit)
