"""Life on battery 1: while mains is away a press of a display button wakes the meter, for its display and readout.

The button sets a latch through which the battery feeds all but the metering chip; the pin `battery_off`, high, resets
it. Nothing is counted or billed meanwhile, and no outage ends: that is for the start that follows when mains is back.
"""

import asyncio
import time

from micropython import const

_LOOK_MS = const(50)
_LOOKS = const(12)  # as long as mains may be away without consequence
_HOUSE_MS = const(500)


class BatteryLife:
    """`board` has `battery_off`, None without a battery 1, and `power_fail`, low while mains is away."""

    def __init__(self, board, front, communication, timekeeping, watchdog):
        self._off, self._mains = board.battery_off, board.power_fail
        self._front, self._communication = front, communication
        self._timekeeping, self._watchdog = timekeeping, watchdog

    async def is_on(self) -> bool:
        """Whether the meter has started without mains, on a battery. At power-on mains may be seen a little late."""
        for _ in range(_LOOKS if self._off is not None else 0):
            if self._mains.value():
                return False
            await asyncio.sleep_ms(_LOOK_MS)
        return self._off is not None

    async def run(self, last_alive: int, period_s: int) -> None:
        """Serve display and optical port until mains is back, or end the supply when nobody has used them for as long
        as the display waits for a press. The numbers are timekeeping's."""
        front, communication, timekeeping = self._front, self._communication, self._timekeeping
        timekeeping.start(last_alive, period_s)
        front.begin()
        for task in (front.run(), communication.tasks()[0]):
            asyncio.create_task(task)
        while not self._mains.value():
            timekeeping.update()
            self._watchdog.feed()
            if communication.active:
                front.begin()
            elif front.is_left(time.ticks_ms()):
                self._off.value(1)
            await asyncio.sleep_ms(_HOUSE_MS)
