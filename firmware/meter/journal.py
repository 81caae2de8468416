"""What goes into the event log: events of the whole meter, with their time."""

from meter.events import error_register as error


class Journal:
    """`events`: events.log.EventLog; `clock`: tariff.clock.Clock; `errors`: the error register.

    `locked` is to be set when the memory did not answer at start: nothing is written over what could not be read.
    """

    def __init__(self, events, clock, errors):
        self.locked = False
        self._events, self._clock, self._errors = events, clock, errors

    def note(self, event: int, detail: int = 0, utc: "int | None" = None) -> None:
        """Log an event of now, or of `utc`. A memory that fails is an error of the meter, not of the caller."""
        if self.locked:
            return
        try:
            self._events.add(event, self._clock.utc() if utc is None else utc, detail)
        except OSError:
            self._errors.set(error.MAIN_MEMORY)
