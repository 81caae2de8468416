"""Profile generic (class 7): buffers of rows, read whole, by entry or by range of time.

A profile shows the rows of a store:

    columns             the capture objects, (class, logical name, attribute, data index) each
    capacity, count()   how many rows there may be, and are
    by_entry(first, last)   what is selected by number, 1 the first row sent, `last` None: to the end
    by_time(first, last)   what is selected by time, moments in UTC, None: no bound
    rows(selected, numbers)       the rows of a selection, any iterable with a length, of these columns (0 is the first)
    row_spec            the type of a row

Rows are made while they are sent, so that a buffer of any size takes the memory of one row.
"""

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.class_table import ENTRIES, RANGE
from meter.cosem.classes import FIELD, READER, UTILITY, Composite, Object
from meter.cosem.data_types import ANY, DATE_TIME, ENCODED, OCTETS, array, structure
from meter.cosem.definitions import MAXIMUM, MINIMUM

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

CLOCK = (8, b"\x00\x00\x01\x00\x00\xff", 2, 0)  # the clock's time as a capture object
_NO_OBJECT = const((0, b"\x00\x00\x00\x00\x00\x00", 0, 0))
_FIFO = const(1)

_RESET = const(1)  # method

_BY_RANGE = const(1)
_BY_ENTRY = const(2)


class Profile(Object):
    """Class 7 on a store. `period`: capture period in s, 0 if captures are not periodic. `reset`: throws all rows away,
    for who has level 3."""

    class_id = 7

    def __init__(self, logical_name: bytes, clock, store, period: int = 0, readable: int = READER, reset=None):
        super().__init__(logical_name)
        self._clock = clock
        self._store = store
        self._period = period
        self.readable = readable
        self._reset = reset

    def spec(self, attribute: int):
        return array(self._store.row_spec) if attribute == 2 else super().spec(attribute)

    def selection_spec(self, attribute: int, selector: int):
        if attribute == 2 and selector == _BY_RANGE:
            return RANGE
        if attribute == 2 and selector == _BY_ENTRY:
            return ENTRIES
        raise KeyError(selector)

    def get(self, attribute: int, selection=None):
        """Attribute 2 with a `selection`: (selector, parameters) after `selection_spec`; ValueError if no good."""
        store = self._store
        if attribute == 2:
            return self._buffer(selection)
        if attribute == 3:
            return store.columns
        if attribute == 4:
            return self._period
        if attribute == 5:
            return _FIFO
        if attribute == 6:
            return CLOCK if CLOCK in store.columns else _NO_OBJECT
        if attribute == 7:
            return store.count()
        if attribute == 8:
            return store.capacity
        return super().get(attribute)

    def act(self, method: int, value) -> "tuple | None":
        if method != _RESET or self._reset is None:
            raise KeyError(method)
        self._reset()
        return None

    def act_level(self, method: int) -> "int | None":
        return UTILITY if method == _RESET and self._reset else super().act_level(method)

    def _buffer(self, selection):
        store = self._store
        everything = range(len(store.columns))
        if selection is None:
            return store.rows(store.by_entry(1, None), everything)
        selector, parameters = selection
        if parameters is None or None in parameters[: 1 if selector == _BY_RANGE else 4]:
            raise ValueError("a selection has parameters")
        if selector == _BY_ENTRY:
            first, last, first_column, last_column = parameters
            last_column = last_column or len(everything)
            if not 1 <= first_column <= last_column <= len(everything):
                raise ValueError("no such columns")
            return store.rows(store.by_entry(max(1, first), last or None), range(first_column - 1, last_column))
        if selector != _BY_RANGE:
            raise KeyError(selector)
        restricting, first, last, columns = parameters
        if tuple(restricting[:3]) != CLOCK[:3] or CLOCK not in store.columns:
            raise ValueError("ranges are ranges of time")
        numbers = self._numbers(columns) if columns else everything
        return store.rows(store.by_time(self._bound(first, False), self._bound(last, True)), numbers)

    def _bound(self, value: "tuple | None", last: bool) -> "int | None":
        """The moment that a bound of a range means: date-time, as such or as octets, or null-data for none."""
        if value is None or value[1] is None:
            return None
        if value[0] not in (OCTETS, DATE_TIME):
            raise ValueError("a bound is a date-time")
        return date_time.bound(self._clock, value[1], last)

    def _numbers(self, columns: list) -> list:
        own = list(self._store.columns)
        try:
            return [own.index(tuple(column)) for column in columns]
        except TypeError:
            raise ValueError("no such column")


class Codes:
    """Attributes of objects, in the room of four bytes each: C, D, E, attribute. Items are (code, attribute).

    Made of codes, of which those of maxima and minima stand for value and capture time if `has_times`.
    """

    def __init__(self, codes, has_times: bool = False):
        packed = bytearray()
        for code in codes:
            group = obis.parse(code)[2:5]
            packed.extend(group + b"\x02")
            if has_times and group[1] in (MINIMUM, MAXIMUM):
                packed.extend(group + b"\x05")
        self._packed = bytes(packed)

    def __len__(self) -> int:
        return len(self._packed) // 4

    def __getitem__(self, n: int) -> tuple:
        c, d, e, attribute = self._packed[4 * n : 4 * n + 4]
        name = bytes((0, 0, c, d, e, 255))
        return ("0-0:1.0.0" if name == CLOCK[1] else obis.short(name)), attribute


class ListRow:
    """A row whose values are read one by one, as (spec, value). `codes`: Codes, or a list of their items."""

    def __init__(self, find, codes):
        self._find = find
        self._codes = codes

    def __len__(self) -> int:
        return len(self._codes)

    def _part(self, n: int) -> tuple:
        """(object, attribute) of place n."""
        code, attribute = self._codes[n]
        return self._find(code), attribute

    def __getitem__(self, n: int) -> tuple:
        found, attribute = self._part(n)
        return found.spec(attribute), found.get(attribute)

    def __iter__(self):
        for n in range(len(self._codes)):
            yield self[n]


class Columns(ListRow):
    """The capture objects of a list."""

    def __getitem__(self, n: int) -> tuple:
        found, attribute = self._part(n)
        return found.class_id, found.logical_name, attribute, 0


class ListStore:
    """A readout list as a store of one row: the values of now. `codes`: Codes, or a list of their items; `find` gives
    the objects."""

    capacity = 1
    row_spec = ANY

    def __init__(self, find, codes):
        self._find = find
        self._codes = codes
        self.columns = Columns(find, codes)

    def count(self) -> int:
        return 1

    def by_entry(self, first: int, last: "int | None") -> list:
        return [1] if first == 1 else []

    def by_time(self, first: "int | None", last: "int | None") -> list:
        raise ValueError("a list has no time")

    def rows(self, selected: list, numbers) -> list:
        codes = [self._codes[n] for n in numbers]
        return [(row_of(codes), ListRow(self._find, codes)) for _ in selected]


def row_of(columns) -> tuple:
    """The type of a row of values whose types are their own."""
    return structure(*((ANY,) * len(columns)))


def total(parts: list) -> int:
    """How many entries there are in (first, last) numbers."""
    return sum([last - first + 1 for first, last in parts])


class Rows:
    """As many rows of a profile as `count`, made one by one by `make()`."""

    def __init__(self, make, count: int):
        self._make, self._count = make, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self):
        return self._make()


class Push(Composite):
    """Class 40 with the columns of a ListStore for its push_object_list. No destination can be set up: who calls
    `push` gets the values, as a data notification in the association that called.

    `deliver(spec, value)` is that association's to set before it calls; ValueError: more than it can send.
    """

    def __init__(self, logical_name: bytes, store: "ListStore"):
        super().__init__(40, logical_name, (store.columns, (0, b"", 0), [], 0, 0, 0), {1: (FIELD, self._push)})
        self._store = store
        self.deliver: "Callable | None" = None

    def _push(self, _parameter) -> None:
        if self.deliver is None:
            raise ValueError("nowhere to push to")
        for spec, values in self._store.rows([1], range(len(self._store.columns))):
            self.deliver(spec, values)


class RingStore:
    """What the stores of a ring's entries have in common: what is selected are (first, last) numbers. `by_time` as
    storage.selection.entries_of of this ring."""

    def __init__(self, ring, by_time):
        self._ring, self.by_time, self.capacity = ring, by_time, ring.capacity

    def count(self) -> int:
        return max(0, self._ring.newest - self._ring.oldest + 1)

    def by_entry(self, first: int, last: "int | None") -> list:
        ring = self._ring
        end = ring.newest if last is None else min(ring.newest, ring.oldest + last - 1)
        first += ring.oldest - 1
        return [(first, end)] if first <= end else []


class EventStore(RingStore):
    """The event log as a store: clock, event number, detail. `log` is an events.log.EventLog. An entry that is damaged
    is all null-data."""

    row_spec = ENCODED
    columns = [
        CLOCK,
        (1, b"\x00\x00\x60\xf0\x0c\xff", 2, 0),  # C.240.12
        (1, b"\x00\x00\x60\xf0\x0d\xff", 2, 0),  # C.240.13
    ]

    _FORMS = (b"\x09\x0c" + bytes(12), b"\x12\x00\x00", b"\x06\x00\x00\x00\x00")  # octets, UINT16, UINT32

    def __init__(self, log, clock):
        super().__init__(log.ring, log.select)
        self._log, self._clock = log, clock

    def rows(self, selected: list, numbers) -> Rows:
        numbers = list(numbers)
        return Rows(lambda: self._encoded(selected, numbers), total(selected))

    def _encoded(self, selected: list, numbers: list):
        """Rows in A-XDR."""
        row = bytearray((2, len(numbers)))
        places = [0, 0, 0]  # of each column's content; 0: not asked for
        for n in numbers:
            places[n] = len(row) + (2 if n == 0 else 1)
            row.extend(self._FORMS[n])
        time_at, number_at, detail_at = places
        lost = bytes((2, len(numbers))) + bytes(len(numbers))
        put_time = date_time.Stamps(self._clock).put
        for entry in self._log.walk(selected):
            if entry is None:
                yield lost
                continue
            _, utc, number, detail = entry
            if time_at:
                put_time(row, time_at, utc)
            if number_at:
                row[number_at] = number >> 8
                row[number_at + 1] = number & 0xFF
            if detail_at:
                row[detail_at : detail_at + 4] = detail.to_bytes(4, "big")
            yield bytes(row)
