"""The end of mains and its return: short interruptions are ridden through, after a longer one the meter goes dark."""

import asyncio
import time

from micropython import const

_BRIDGING_MS = const(500)  # mains may be away this long without consequence


class MainsWatch:
    """`pin`: low while mains is failing. `store`: meter.store.Store; `counters`: tariff.counters.Counters.

    `is_down`: mains has been away too long, all is stored, and the meter waits for the end of its supply.
    """

    def __init__(self, pin, store, counters):
        self.is_down = False
        self._pin, self._store, self._counters = pin, store, counters
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
                self._counters.add("power_failures")
            await self._flag.wait()

    async def _bridge(self) -> None:
        """Mains is away: returns when it is back, or when it has been away too long and all is stored."""
        deadline = time.ticks_add(time.ticks_ms(), _BRIDGING_MS)
        while not self._pin.value():
            left = time.ticks_diff(deadline, time.ticks_ms())
            if left <= 0:
                self.is_down = True
                self._store.save_energies()
                self._store.save_counters()
                return
            try:
                await asyncio.wait_for_ms(self._flag.wait(), left)
            except asyncio.TimeoutError:
                pass
