"""The front's task: looks at the buttons and draws the display; it is dark while mains is away."""

import asyncio
import time

from micropython import const

from drivers.pcf8576 import PCF8576
from meter.events import error_register as error
from meter.face.buttons import Buttons
from meter.face.display import Display
from meter.face.operation import Operation

_SAMPLE_MS = const(25)
_DRAW_EVERY = const(10)  # samples: four times a second, and whenever a button has done something


class Front:
    """Display and buttons of `board`. `model`: cosem.model.ObjectModel; `errors`, `metering`, `communication`, `mains`:
    what the symbols tell of; `reset_by_button`: see operation.py. `operation`: the states of the front."""

    def __init__(self, board, model, errors, metering, communication, mains, reset_by_button):
        self._errors, self._mains, self._rates = errors, mains, model.sources.rates
        self._test_mode = model.sources.test_mode
        self._metering, self._communication = metering, communication
        self._buttons = Buttons(
            "durs", (board.display_down, board.display_up, board.reset_button, board.service_button)
        )
        self._display = Display(PCF8576(board.i2c))
        self._waited = _DRAW_EVERY  # samples since the display was drawn
        self.operation = Operation(self._display, model, errors, self._sequence, reset_by_button)

    async def run(self) -> None:
        """Look and draw for ever."""
        while True:
            self.step()
            await asyncio.sleep_ms(_SAMPLE_MS)

    def begin(self) -> None:
        """Somebody uses the meter now, as if a button had been pressed."""
        self.operation.pressed_at = time.ticks_ms()

    def is_left(self, ticks_ms: int) -> bool:
        """Whether nobody has for the time-out."""
        return self.operation.is_left(ticks_ms)

    def step(self) -> None:
        """Look at the buttons, and draw if they have done something, or when it is time to."""
        has_changed = self._look()
        self._waited += 1
        if has_changed or self._waited >= _DRAW_EVERY:
            self._waited = 0
            self._draw()

    def _look(self) -> bool:
        """Let the buttons do what they do; True if that changes what is to be seen."""
        now = time.ticks_ms()
        events = self._buttons.sample(now)
        has_changed = False
        for event in () if self._mains.is_down else events:
            if self.operation.press(event, now):
                has_changed = True
                if event[1] == "+":
                    self._buttons.spend()
        return has_changed

    def _draw(self) -> None:
        now, dark = time.ticks_ms(), self._mains.is_down
        if not dark:
            self._show_symbols()
            self.operation.draw(now)
        try:
            if dark:
                self._display.off(now)
            else:
                self._display.refresh(now)
            self._errors.clear(error.DISPLAY_BOARD)
        except OSError:
            self._errors.set(error.DISPLAY_BOARD)

    def _show_symbols(self) -> None:
        display = self._display
        samples, billing, bits = self._metering.samples, self._metering.billing, self._errors.bits
        display.phases(samples.present, samples.reversed_field)
        display.arrows(billing.p_sign, billing.q_sign)
        display.operating_arrows(self._rates.arrows)
        display.symbols(
            comm=self._communication.active,
            battery=bits & error.TIME_BASE != 0,
            error=bits != 0,
            test=self._test_mode.on,
        )

    def _sequence(self) -> str:
        """The order in which the phases follow each other."""
        samples = self._metering.samples
        if not all(samples.present):
            return "---"
        return "3-2-1" if samples.reversed_field else "1-2-3"
