"""The clock's place in the meter: what it is tied to, and what is logged and billed anew when it is set or lost."""

from meter.events import error_register as error
from meter.events import log


class Timekeeping:
    """`clock`: tariff.clock.Clock; `journal`: meter.journal.Journal; `errors`: the error register; `engine`:
    tariff.engine.Engine. `cycles()`: the mains' periods counted so far, None while there are none."""

    def __init__(self, clock, journal, errors, engine, cycles):
        self._clock, self._journal, self._errors, self._engine = clock, journal, errors, engine
        clock.cycles = cycles
        clock.on_set, clock.on_season, clock.on_lost = self._set, self._season_changed, self._lost

    def start(self, last_alive: int, period_s: int) -> None:
        """Find the time; `last_alive` (UTC) is the last known one, `period_s` that of demand."""
        self._clock.period_s = period_s
        try:
            self._clock.start(last_alive)
            self._clock.update()
        except OSError:
            self._errors.set(error.TIME_DEVICE)

    def update(self) -> None:
        """Once a second."""
        errors, clock = self._errors, self._clock
        try:
            clock.update()
            errors.clear(error.TIME_DEVICE)
        except OSError:
            errors.set(error.TIME_DEVICE)
        if bool(errors.bits & error.CLOCK_INVALID) == clock.valid:
            errors.note(error.CLOCK_INVALID, not clock.valid)
            self._engine.wake()

    def _set(self, old: int, new: int, _is_shift: bool) -> None:
        self._journal.note(log.CLOCK_OLD_TIME, 0, old)
        self._journal.note(log.CLOCK_NEW_TIME, 0, new)
        self._engine.clock_set(old, new)

    def _season_changed(self, utc: int) -> None:
        self._journal.note(log.SEASON_CHANGED, 0, utc)

    def _lost(self, utc: int) -> None:
        self._journal.note(log.CLOCK_INVALID, 0, utc)
