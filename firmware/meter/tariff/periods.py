"""Periods that keep step with local time: of demand and of load profiles. Seconds since 2000-01-01 UTC."""

from micropython import const

FAR = 0xFFFFFFFF  # a moment that does not come

_DAY_S = const(86400)
_LAST_DAY = const(31)
_DAYS_TO_RESET = const(64)  # two months hold every day that a reset can be due on


def next_boundary(zone, utc: int, step_s: int) -> int:
    """The first moment after `utc` at which a whole number of steps has gone in local time.

    `zone`: as tariff.clock.Clock.zone. Where local time jumps by something else than whole steps, one is shorter: never
    longer, because its energy would then make too much demand.
    """
    ahead, _, _, end = zone(utc)
    due = utc + step_s - (utc + ahead * 60) % step_s
    if due > end:
        due = min(due, end + -(end + zone(end)[0] * 60) % step_s)
    return due


def next_reset(clock, date, plan: tuple, utc: int) -> int:
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
