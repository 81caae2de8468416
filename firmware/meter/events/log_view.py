"""The event log as a table: its whole entries by number or by time, without reading the others.

Sequence numbers rise through the log, and so do times, except where the clock was put back: there a run of rising times
ends and the next one begins. Runs and damaged entries are looked for once, when somebody first asks, and from then on
in new entries only.
"""

from meter.events.log import EventLog


class LogView:
    """`log` must not be added to by anybody else than its owner, who may do so at any time."""

    def __init__(self, log: EventLog):
        self._log = log
        self.capacity = log.capacity
        self._seen = 0  # sequence number up to which the log was looked through
        self._seen_utc = 0  # time of the last whole entry of it
        self._runs: "list[int]" = []  # first sequence numbers of the runs, rising
        self._damaged: "list[int]" = []  # sequence numbers, rising

    def load(self) -> None:
        """Look through the log now, which reads all of it."""
        self._look()

    def count(self) -> int:
        """How many whole entries there are."""
        return len(self.by_entry(1, None))

    def newest(self) -> "tuple | None":
        """The newest entry; None if there is none, or it is damaged."""
        oldest, newest = self._log.span()
        return self._log.entry(newest) if newest >= oldest else None

    def by_entry(self, first: int, last: "int | None") -> "Selection":
        """The entries number `first` to `last` (None: to the end) of the whole ones, 1 is the oldest."""
        oldest, newest = self._look()
        after = oldest + first - 1
        until = newest if last is None else oldest + last - 1
        for sequence in self._damaged:  # each one in front moves those behind it on by one
            if sequence <= after:
                after += 1
            if last is not None and sequence <= until:
                until += 1
        return Selection(self._log, [(after, min(until, newest))], self._damaged)

    def by_time(self, first: "int | None", last: "int | None") -> "Selection":
        """The entries from the moment `first` to `last`, both included; None is no bound on that side."""
        oldest, newest = self._look()
        parts = []
        for n in range(len(self._runs)):
            start = max(oldest, self._runs[n])
            end = self._runs[n + 1] - 1 if n + 1 < len(self._runs) else newest
            low = start if first is None else self._search(first, start, end)
            high = end if last is None else self._search(last + 1, start, end) - 1
            parts.append((low, high))
        return Selection(self._log, parts, self._damaged)

    def _search(self, utc: int, start: int, end: int) -> int:
        """The first entry of a run, `start` to `end`, that is not before `utc`; end + 1 if there is none."""
        while start <= end:
            middle = (start + end) // 2
            entry, at = None, middle
            while entry is None and at <= end:  # a damaged one has no time to go by
                entry = self._log.entry(at)
                at += 1
            if entry is None or entry[1] >= utc:
                end = middle - 1
            else:
                start = at
        return start

    def _look(self) -> "tuple[int, int]":
        """Sequence numbers of the oldest and the newest entry; also looks through what is new."""
        oldest, newest = self._log.span()
        if self._seen < oldest - 1:
            self._seen = oldest - 1
        while self._damaged and self._damaged[0] < oldest:
            self._damaged.pop(0)
        while len(self._runs) > 1 and self._runs[1] <= oldest:
            self._runs.pop(0)
        sequence = self._seen
        for entry in self._log.walk(self._seen + 1, newest):
            sequence += 1
            if entry is None:
                self._damaged.append(sequence)
            else:
                if not self._runs or entry[1] < self._seen_utc:
                    self._runs.append(sequence)
                self._seen_utc = entry[1]
        self._seen = newest
        return oldest, newest


class Selection:
    """Some entries, read when they are iterated over: (sequence, utc, number, detail) each, or None for one that has
    been damaged or overwritten since."""

    def __init__(self, log: EventLog, parts: list, damaged: "list[int]"):
        """`parts`: first and last sequence number each; `damaged`: those to leave out, rising."""
        self._log = log
        self._parts = []
        for first, last in parts:
            for sequence in damaged:
                if first <= sequence <= last:
                    self._parts.append((first, sequence - 1))
                    first = sequence + 1
            self._parts.append((first, last))

    def __len__(self) -> int:
        return sum([max(0, last - first + 1) for first, last in self._parts])

    def __iter__(self):
        for first, last in self._parts:
            yield from self._log.walk(first, last)
