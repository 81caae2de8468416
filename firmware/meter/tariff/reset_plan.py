"""When the clock closes the billing period. Seconds since 2000-01-01 UTC."""

from micropython import const

from meter import calendar
from meter.tariff.periods import FAR

_DAY_S = const(86400)
_LAST_DAY = const(31)
_DAYS_TO_RESET = const(64)  # two months hold every day that a reset can be due on


class ResetPlan:
    """`clock`: tariff.clock.Clock; `parameters`: meter.parameters.Parameters.

    `due`: the moment; FAR: it never comes; 0: to be found by `advance`. `date(days)`, to be set, is (year, month, day)
    of days since 2000-01-01 in the calendar that billing goes by.
    """

    def __init__(self, clock, parameters):
        self.due = 0
        self.date = calendar.date
        self._clock, self._parameters = clock, parameters
        self._seen = -1  # changes of the parameters when it was planned

    @property
    def settings(self) -> tuple:
        """Day, hour and minute, of the parameters."""
        parameters = self._parameters
        return parameters.reset_day, parameters.reset_hour, parameters.reset_minute

    def is_due(self, utc: int, made: int) -> bool:
        """Whether there is something to do. Other parameters may mean another time, but not that a reset `made` within
        the last day comes again."""
        changes = self._parameters.changes
        if changes != self._seen and abs(utc - made) >= _DAY_S:
            self._seen = changes
            self.due = 0 if utc < self.due else self.due
        return self._clock.valid and utc >= self.due

    def advance(self, utc: int) -> None:
        """Find the next moment after `utc`."""
        self.due = _next_reset(self._clock, self.date, self.settings, utc)


def _next_reset(clock, date, plan: tuple, utc: int) -> int:
    """The first moment after `utc` at which the billing period ends by the clock; FAR if it never does.

    `plan`: day of the month in the calendar of `date` (0: off, 31: the last one), hour, minute. On the last day 00:00
    is the midnight at its end.
    """
    day, time = plan[0], plan[1] * 3600 + plan[2] * 60
    if not day:
        return FAR
    today = (utc + clock.zone(utc)[0] * 60) // _DAY_S
    for days in range(today, today + _DAYS_TO_RESET):
        is_last = date(days + 1)[2] == 1
        if is_last if day == _LAST_DAY else date(days)[2] == day:
            due = clock.to_utc(days * _DAY_S + (time or (_DAY_S if day == _LAST_DAY else 0)))
            if due > utc:
                return due
    return FAR
