"""The front's task: draws the display four times a second; it is dark while mains is away."""

import asyncio
import time

from micropython import const

from meter.events import error_register as error
from meter.face.rolling import Rolling

_FACE_MS = const(250)


class Front:
    """`display`: face.display.Display; `items`: the objects to roll through, for `seconds` each; `mains`, `metering`,
    `communication`, `test_mode`: what the symbols tell of."""

    def __init__(self, display, items: list, seconds: int, errors, metering, communication, mains, test_mode):
        self._display, self._errors, self._mains = display, errors, mains
        self._metering, self._communication, self._test_mode = metering, communication, test_mode
        self._rolling = Rolling(items, seconds)

    async def run(self) -> None:
        """Draw for ever."""
        display = self._display
        try:
            display.off()
        except OSError:
            self._errors.set(error.DISPLAY_BOARD)
        while True:
            try:
                if self._mains.is_down:
                    display.off()
                else:
                    self._draw(display)
                self._errors.clear(error.DISPLAY_BOARD)
            except OSError:
                self._errors.set(error.DISPLAY_BOARD)
            await asyncio.sleep_ms(_FACE_MS)

    def _draw(self, display) -> None:
        now = time.ticks_ms()
        if self._errors.fatal:
            display.show("F.F", self._errors.text(), "")
        else:
            self._rolling.show(display, now)
        samples, billing = self._metering.samples, self._metering.billing
        display.phases(samples.present, samples.reversed_field)
        display.arrows(billing.p_sign, billing.q_sign)
        display.symbols(comm=self._communication.active, error=self._errors.bits != 0, test=self._test_mode.on)
        display.refresh(now)
