"""Which entries of a ring are of a time, and what has become of them since. Seconds since 2000-01-01 UTC."""

_FAR = 0xFFFFFFFF


def entries_of(ring, first_utc: "int | None", last_utc: "int | None") -> list:
    """The entries from a moment to another, both included (None: no bound), as (first, last) numbers.

    By the ring's index: only where entries of another time may be too each one is looked at. Elsewhere there may be
    damaged ones among them.
    """
    doubtful: list = []
    if first_utc:
        doubtful += ring.spans(None, first_utc - 1)
    if last_utc is not None:
        doubtful += ring.spans(last_utc + 1, None)
    parts: list = []
    for first, last in ring.spans(first_utc, last_utc):
        while first <= last:
            end = _end_of_run(first, last, doubtful)
            if end > 0:
                _add(parts, first, end)
            else:
                end = -end
                for n, utc, _ in ring.walk(first, end):
                    if utc is not None and (first_utc or 0) <= utc <= (_FAR if last_utc is None else last_utc):
                        _add(parts, n, n)
            first = end + 1
    return parts


def _end_of_run(first: int, last: int, doubtful: list) -> int:
    """The last number up to which it is as with `first`: in doubt, then negative, or not."""
    end = last
    for begin, stop in doubtful:
        if begin <= first <= stop:
            return -min(stop, last)
        if first < begin <= end:
            end = begin - 1
    return end


def _add(parts: list, first: int, last: int) -> None:
    if parts and parts[-1][1] == first - 1:
        parts[-1] = parts[-1][0], last
    else:
        parts.append((first, last))


def numbered(found, first: int, last: int):
    """The items of `found`, which begin with numbers that rise, from `first` to `last`; None for each number that is
    missing there: overwritten or thrown away since it was selected."""
    for item in found:
        while first < item[0]:
            yield None
            first += 1
        yield item
        first += 1
    while first <= last:
        yield None
        first += 1
