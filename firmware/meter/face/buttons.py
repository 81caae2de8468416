"""The buttons of the front: what a person does with them, as events."""

from micropython import const

_LONG_MS = const(2000)
_TICKS_MASK = const(0x3FFFFFFF)  # time.ticks_ms() counts modulo 2**30


class Buttons:
    """`pins`: one for each letter of `names`, low is pressed; None where there is no button.

    Events are texts of two characters: the button's letter, and "+" when it goes down, "." after a short press (let go
    within 2 s), "!" in a long one (2 s after it went down, while it is held still).
    One that is held from the start on, jammed maybe, has not been pressed.
    """

    def __init__(self, names: str, pins: tuple):
        self._names, self._pins = names, pins
        self._seen: "list[int | None]" = [None] * len(pins)  # level at the last reading
        self._since: "list[int | None]" = [None] * len(pins)  # when it went down; None: it is up
        self._is_spent = [False] * len(pins)  # nothing more comes of this press

    def sample(self, ticks_ms: int) -> list:
        """Events since the last call, which should be 20..50 ms ago: a change counts when two readings in a row have
        it, so contacts may bounce for as long."""
        events: list = []
        for n, pin in enumerate(self._pins):
            if pin is None:
                continue
            level = pin.value()
            if self._seen[n] is None and not level:
                self._since[n], self._is_spent[n] = ticks_ms, True
            since = self._since[n]
            is_steady, self._seen[n] = level == self._seen[n], level
            event = ""
            if since is None:
                if is_steady and not level:
                    self._since[n], self._is_spent[n] = ticks_ms, False
                    event = "+"
            elif is_steady and level:
                self._since[n] = None
                event = "" if self._is_spent[n] else "."
            elif (ticks_ms - since) & _TICKS_MASK >= _LONG_MS and not self._is_spent[n]:
                self._is_spent[n] = True
                event = "!"
            if event:
                events.append(self._names[n] + event)
        return events

    def spend(self) -> None:
        """What is pressed now has had its effect: neither a short nor a long press comes of it."""
        self._is_spent = [True] * len(self._pins)
