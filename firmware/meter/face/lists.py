"""What the lists of the display show: objects as pages, lists as groups of entries.

A page is (index, value, unit) for the three text fields. What one field cannot hold takes turns: a moment shows its
date and its time, a maximum also when it was. A group is (number of entries, function that gives the pages of one); a
list is a function that gives its group n, None behind the last one: stored values have a group for each period.
"""

from micropython import const

from meter.cosem import date_time
from meter.cosem.classes import Register

NOTHING = const("--------")  # in place of a value that there is not, or that cannot be read
_AVERAGES = const(5)  # class


def pages(found, with_zeros: bool) -> list:
    """What an object is shown as. `with_zeros`: with the leading zeros of registers."""
    shown = []
    for part in found.text().split(")("):
        value, _, unit = part.partition("*")
        for word in value.split() or (NOTHING,):
            shown.append((found.index, word, unit))
    if not with_zeros and (isinstance(found, Register) or found.class_id == _AVERAGES):
        shown[0] = (found.index, trimmed(shown[0][1]), shown[0][2])
    return shown


def trimmed(number: str) -> str:
    """A number without leading zeros, but for one in front of the point or of nothing."""
    rest = number.lstrip("-0")
    if not "1" <= rest[:1] <= "9":
        rest = "0" + rest
    return rest if number[:1] != "-" else "-" + rest


class Lists:
    """The lists of `model` (cosem.model.ObjectModel). `sequence()`: text of the order of the phases."""

    def __init__(self, model, sequence):
        self._model, self._sequence = model, sequence

    def pages(self, code: str, stored=None) -> list:
        """The pages of the object under a code, of now or of a tariff.billing.Stored."""
        try:
            return pages(self._model.find(code, stored), bool(self._model.parameters.leading_zeros))
        except (KeyError, OSError):
            return [(code, NOTHING, "")]

    def current(self, n: int):
        """The values of now that the menu has."""
        return None if n else self._of(self._model.list_codes("menu"))

    def stored(self, n: int):
        """The stored values, a billing period each, the newest first."""
        model = self._model
        if n >= model.parameters.display_periods:
            return None
        try:
            stored = model.sources.billing.stored(n + 1)
        except OSError:
            stored = None
        return stored and self._of(["0.1.2"] + model.stored_codes(), stored)

    def intervals(self, n: int):
        """Load profile 1, an interval each, the newest first: when it ended, and its channels."""
        try:
            store = self._model.load_store(0)
            entry = store.count() - n
            rows = list(store.printed_of(store.by_entry(entry, entry))) if entry > 0 else ()
        except OSError:
            rows = ()
        if not rows:
            return None
        if rows[0] is None:
            return 1, lambda n: [("P.01", NOTHING, "")]
        utc, _, _, values = rows[0]
        columns = store.printed_columns()

        def one(n: int) -> list:
            if n == 0:
                return self._moment("P.01", utc)
            return [(columns[n - 1][0], values[n - 1].strip() or NOTHING, columns[n - 1][1])]

        return 1 + len(columns), one

    def events(self, n: int):
        """The event log, the newest first: index P.98 and the number, date and time in turn."""
        events = self._model.sources.event_log
        newest = events.ring.newest
        count = 0 if n else newest - events.ring.oldest + 1

        def one(place: int) -> list:
            try:
                for event in events.walk([(newest - place, newest - place)]):
                    if event is not None:
                        return self._moment("P.98.%d" % event[2], event[1])
            except OSError:
                pass
            return [("P.98", NOTHING, "")]

        return (count, one) if count > 0 else None

    def installation(self, n: int):
        """What tells whether the meter is connected as it should be: values of now, and the order of the phases."""
        if n:
            return None
        count, show = self._of(self._model.list_codes("installation"))
        return count + 1, lambda n: show(n) if n < count else [("SEq", self._sequence(), "")]

    def _moment(self, index: str, utc: int) -> list:
        return [(index, word, "") for word in date_time.text(self._model.sources.clock, utc).split()]

    def _of(self, codes: list, stored=None) -> tuple:
        return len(codes), lambda n: self.pages(codes[n], stored)
