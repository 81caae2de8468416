"""The relay output: a monostable relay, open without supply, which keeps to the least times it is on and off.

After each start it is open, and the least time off counts from there: whatever it switches has been off since.
"""

import time


class Relay:
    """`pin`: high closes it. Of `parameters` relay_on_s and relay_off_s, the least times."""

    def __init__(self, pin, parameters):
        self.closed = False
        self._pin, self._parameters = pin, parameters
        self._since: "int | None" = time.ticks_ms()  # of its last change, while that may hold it

    def switch(self, wanted: bool) -> None:
        """To be called often. OSError if the pin does not take it: the next call tries again."""
        if self._since is not None:
            parameters = self._parameters
            least_s = parameters.relay_on_s if self.closed else parameters.relay_off_s
            if time.ticks_diff(time.ticks_ms(), self._since) < least_s * 1000:
                return
            self._since = None
        if wanted != self.closed:
            self._change(wanted)

    def open(self) -> None:
        """Open it, however short it was on: the supply is about to end. OSError as above."""
        if self.closed:
            self._change(False)

    def _change(self, closed: bool) -> None:
        self._pin.value(int(closed))
        self.closed = closed
        self._since = time.ticks_ms()
