"""Periods that keep step with local time: of demand and of load profiles. Seconds since 2000-01-01 UTC."""

FAR = 0xFFFFFFFF  # a moment that does not come


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
