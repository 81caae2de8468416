"""The end of mains and its return: short interruptions are ridden through, after a longer one the meter goes dark."""

import asyncio
import time

from micropython import const

from meter.events import log

_ALL_PHASES = const(7)
_BRIDGING_MS = const(500)  # mains may be away this long without consequence


class MainsWatch:
    """`pin`: low while mains is failing. `on_down()` is called when it has been away too long and has to store all
    that is not stored yet, `on_return()` when mains comes back before the supply has ended.

    `is_down`: between the two the meter waits for the end of its supply.
    """

    def __init__(self, pin, on_down, on_return):
        self.is_down = False
        self._pin, self._on_down, self._on_return = pin, on_down, on_return
        self._flag = asyncio.ThreadSafeFlag()

    async def run(self) -> None:
        """Watch for ever. Energy needs no last-minute rescue: it has been stored every half second."""
        pin = self._pin
        pin.irq(lambda _pin: self._flag.set(), pin.IRQ_FALLING | pin.IRQ_RISING)
        while True:
            if not pin.value():
                await self._bridge()
            if self.is_down and pin.value():
                self.is_down = False
                self._on_return()
            await self._flag.wait()

    async def _bridge(self) -> None:
        """Mains is away: returns when it is back, or when it has been away too long and all is stored."""
        deadline = time.ticks_add(time.ticks_ms(), _BRIDGING_MS)
        while not self._pin.value() and not self.is_down:
            left = time.ticks_diff(deadline, time.ticks_ms())
            if left <= 0:
                self.is_down = True
                self._on_down()
                return
            try:
                await asyncio.wait_for_ms(self._flag.wait(), left)
            except asyncio.TimeoutError:
                pass


class Outages:
    """Counts and logs how often, and for how long, mains was away; and how often a phase is while the meter runs.

    `counters`: tariff.counters.Counters; `journal`: meter.journal.Journal; `clock`: tariff.clock.Clock; of `parameters`
    `long_failure_s`.
    """

    def __init__(self, counters, journal, clock, parameters):
        self._counters, self._journal, self._clock, self._parameters = counters, journal, clock, parameters
        self._missing = 0  # phases that were away when they were looked at last

    def began(self, utc: int) -> None:
        """Mains has been away too long."""
        self._journal.note(log.POWER_DOWN, 0, utc)

    def ended(self, began: int, last_alive: int = 0) -> None:
        """Mains is back. `began`: when it was found away; 0 if the supply went without warning, after `last_alive`."""
        counters, utc = self._counters, self._clock.utc()
        if not began:
            self.began(last_alive)
            began = last_alive
        self._journal.note(log.POWER_UP, 0, utc)
        counters.add("power_failures")
        counters.add("failures_any")
        seconds = utc - began
        if self._clock.valid and seconds > 0:
            counters.add("outage_seconds", seconds)
            if seconds > self._parameters.long_failure_s:
                counters.add("long_failures")
                counters.set("long_failure_seconds", seconds)

    def look(self, present: list) -> None:
        """Once a second: which voltages there are."""
        missing = 0
        for n in range(len(present)):
            if not present[n]:
                missing |= 1 << n
        for n in range(len(present)):
            if missing & ~self._missing & 1 << n and missing != _ALL_PHASES:
                self._counters.add("failures_l%d" % (n + 1))
                if not self._missing:
                    self._counters.add("failures_any")
        self._missing = missing


class OperatingTime:
    """Counts operating time into `counters` (tariff.counters.Counters), as a whole and by rate of energy."""

    def __init__(self, counters):
        self._counters = counters
        self._counted_ms = time.ticks_ms()  # up to which it has been counted

    def count(self, rates: int) -> None:
        """Once a second at least. `rates`: mask, bit r - 1 is rate r."""
        counters, now = self._counters, time.ticks_ms()
        seconds = time.ticks_diff(now, self._counted_ms) // 1000
        self._counted_ms = time.ticks_add(self._counted_ms, seconds * 1000)
        counters.add("operating_seconds", seconds)
        for n in range(8):
            if rates >> n & 1:
                counters.add("operating_%d" % (n + 1), seconds)
