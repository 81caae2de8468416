"""Profiles and logs as VDEW meters print them: `P.01` and `P.98` with their times, statuses and columns.

    P.01(0220823161500)(00000000)(15)(2)(1.5)(kW)(5.5)(kvar)      time, status, period in minutes, columns
    (000.25)(000.12)                                              the row of that time
    (000.30)(000.11)                                              one period later

A new header comes where time jumps, and where status or period change. A log has no period: a header for each row.

A profile is an object with `columns`, a sequence of (code, unit); `level`, the lowest access level that reads it; and
`rows(begin, end)`, an iterator of (utc, status, period, values) with begin <= utc <= end, oldest first: utc in seconds
since 2000-01-01, None at an open end; status 32 bits; period in minutes, 0 if it has none; values as texts. Where a row
takes long to be found `rows` yields None now and then, so that others get their turn.
"""

from micropython import const

from meter.access import FORMAT, RANGE, Refused

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator

_SEASONS = const("012")  # Z of a time: standard, summer, UTC
_NATIONAL = const("00-00-00,00:00")


def parse_span(text: str, times) -> "tuple[int | None, int | None]":
    """Begin and end (UTC) of `begin;end`; None for an open end. Refused with FORMAT or RANGE.

    Times are YYMMDDhhmm, ZYYMMDDhhmm, ZYYMMDDhhmmss or, a national form, YY-MM-DD,hh:mm.
    `times` is a meter.tariff.local_time.LocalTime.
    """
    begin_text, separator, end_text = text.partition(";")
    if not separator:
        raise Refused(FORMAT)
    begin, end = _parse_time(begin_text, times), _parse_time(end_text, times)
    if begin is not None and end is not None and begin > end:
        raise Refused(RANGE)
    return begin, end


def _parse_time(text: str, times) -> "int | None":
    if not text:
        return None
    digits = text
    if len(text) == len(_NATIONAL) and all(c.isdigit() if n == "0" else c == n for c, n in zip(text, _NATIONAL)):
        digits = "".join([c for c in text if c.isdigit()])
    season = None
    if len(digits) in (11, 13) and digits[0] in _SEASONS:
        season, digits = int(digits[0]), digits[1:]
    if len(digits) not in (10, 12) or not all("0" <= c <= "9" for c in digits) or len(digits) == 12 and season is None:
        raise Refused(FORMAT)
    numbers = [int(digits[n : n + 2]) for n in range(0, len(digits), 2)] + [0]
    try:
        return times.utc(season, times.full_year(numbers[0]), *numbers[1:6])
    except ValueError:
        raise Refused(RANGE)


def time_text(utc: int, times) -> str:
    """`ZYYMMDDhhmmss`, local time."""
    season, year, month, day, hour, minute, second = times.local(utc)
    return "%d%02d%02d%02d%02d%02d%02d" % (season, year % 100, month, day, hour, minute, second)


def lines(name: str, profile, begin: "int | None", end: "int | None", times) -> "Iterator[str | None]":
    """The answer's text, a row at a time with its CR LF, the row behind a header together with it; None as `rows` does.

    Without any row it is the name with nothing in its parentheses.
    """
    following = None  # time, status and period of a row that needs no new header
    empty = True
    for row in profile.rows(begin, end):
        if row is None:
            yield None
            continue
        utc, status, period, values = row
        text = "(%s)\r\n" % ")(".join(values)
        if not period or (utc, status, period) != following:
            text = _header(name, profile, utc, status, period, times) + text
        following = (utc + period * 60, status, period)
        empty = False
        yield text
    if empty:
        yield name + "()\r\n"


def _header(name: str, profile, utc: int, status: int, period: int, times) -> str:
    start = "%s(%s)(%08X)(%s)(%d)" % (
        name,
        time_text(utc, times),
        status,
        period if period else "",
        len(profile.columns),
    )
    return start + "".join(["(%s)(%s)" % column for column in profile.columns]) + "\r\n"
