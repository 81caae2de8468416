"""Stores of profiles (profiles.py) that lie in rings: load profiles, and the stored values of the billing periods.

`profile` is a tariff.load_profile.LoadProfile, `billing` a tariff.billing.Billing.
"""

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.classes import printed, shown_unit
from meter.cosem.data_types import ANY, INT32, NULL, OCTETS, UINT32, structure
from meter.cosem.definitions import ADVANCE, LAST, RATED
from meter.cosem.profiles import CLOCK, Columns, ListRow, RingStore, Rows, row_of, total
from meter.metrology import energies
from meter.metrology.energies import NAMES, NO_VALUE
from meter.storage.selection import numbered

_REGISTER = const(3)
_DATA = const(1)
_VALUES_FROM = const(2)  # columns: clock, status, and then the channels
_STATUS_BYTE = const(0xFF)  # VDEW's part of the status word
_MINUTE_S = const(60)
_LEVEL = const(1)
_PRINTED_DIGITS = const(5)
_D = {energies.ADVANCE: ADVANCE, energies.STATUS: RATED, energies.AVERAGE: LAST}


class LoadStore(RingStore):
    """A load profile's entries in the units of the registers; `number` 1 or 2.

    An advance is the difference of what the register showed at both ends, so that advances add up to what it gained.
    An entry that is damaged is all null-data, and the advance behind it is too.
    """

    row_spec = ANY

    def __init__(self, quantities, clock, profile, number: int):
        super().__init__(profile.ring, profile.select)
        self._clock, self._profile = clock, profile
        self._scales = [_scale(quantities, form, name) for form, name in profile.channels]
        names = [quantities.logical_name(_code(quantities, form, name)) for form, name in profile.channels]
        status = _DATA, bytes((0, 0, 96, 10, number, 255)), 2, 0
        self.columns = [CLOCK, status] + [(_REGISTER, name, 2, 0) for name in names]

    def rows(self, selected: list, numbers) -> Rows:
        numbers = list(numbers)
        specs = [OCTETS, UINT32] + [INT32 if scale[3][3] else UINT32 for scale in self._scales]
        spec = structure(*[specs[n] for n in numbers])

        def make():
            lost = spec, [None] * len(numbers)
            put, stamp = date_time.Stamps(self._clock).put, bytearray(date_time.SIZE)
            for part in selected:
                for found in numbered(self._profile.entries([part]), *part):
                    if found is None or found[2] is None:
                        yield lost
                        continue
                    _, utc, entry, before = found
                    put(stamp, 0, utc)
                    yield spec, [self._value(column, stamp, entry, before) for column in numbers]

        return Rows(make, total(selected))

    def _value(self, column: int, stamp: bytearray, entry: tuple, before: "tuple | None"):
        if column == 0:
            return bytes(stamp)
        return entry[0] if column == 1 else self.shown(column - _VALUES_FROM, entry, before)

    def shown(self, channel: int, entry: tuple, before: "tuple | None") -> "int | None":
        """What a channel shows of an entry; None if it is not known."""
        numerator, denominator, _, (_, digits, _, _) = self._scales[channel]
        form, value = self._profile.channels[channel][0], entry[channel + 1]
        if form == energies.MOMENT:
            if value == NO_VALUE:
                return None
            return (2 * value * numerator + denominator) // (2 * denominator)
        if form == energies.STATUS:
            return value * numerator // denominator % 10**digits
        if before is None or before[channel + 1] > value:
            return None
        if form == energies.AVERAGE:
            return (value - before[channel + 1]) // self._profile.step_s * numerator // denominator
        return value * numerator // denominator - before[channel + 1] * numerator // denominator

    # --- as comms/vdew.py prints it ---------------------------------------------------------------------------------

    def printed_columns(self) -> tuple:
        """(code, unit) of each channel."""
        names = [obis.short(column[1]) for column in self.columns[_VALUES_FROM:]]
        return tuple([(name[: name.rindex(".")], shown_unit(*scale[2:])) for name, scale in zip(names, self._scales)])

    def printed_rows(self, first: "int | None", last: "int | None"):
        """(utc, status byte, minutes of the period, values) of the entries of this time; None for a damaged one."""
        return self.printed_of(self.by_time(first, last))

    def printed_of(self, selected: list):
        """As `printed_rows`, of entries chosen by one of the above."""
        profile, scales = self._profile, self._scales
        for _, utc, entry, before in profile.entries(selected):
            if entry is None:
                yield None
                continue
            values = []
            for n in range(len(scales)):
                form = scales[n][3]
                if profile.channels[n][0] == energies.ADVANCE:  # few digits are enough
                    form = form[:1] + (_PRINTED_DIGITS,) + form[2:]
                values.append(printed(self.shown(n, entry, before), form))
            yield utc, entry[0] & _STATUS_BYTE, profile.step_s // _MINUTE_S, values


class PrintedProfile:
    """A LoadStore as a profile of comms/vdew.py."""

    level = _LEVEL

    def __init__(self, store: LoadStore):
        self.columns, self.rows = store.printed_columns(), store.printed_rows


class BillingStore:
    """The stored values of a scheme: what the attributes `codes` (profiles.Codes) showed when they were stored."""

    row_spec = ANY

    def __init__(self, model, billing, scheme: int, codes):
        self._model, self._billing, self._scheme, self._codes = model, billing, scheme, codes
        self.capacity = billing.rings[scheme].capacity
        self.columns = Columns(model.find, codes)

    def count(self) -> int:
        return self._billing.available(self._scheme)

    def by_entry(self, first: int, last: "int | None") -> list:
        ring = self._billing.rings[self._scheme]
        end = ring.newest if last is None else min(ring.newest, ring.oldest + last - 1)
        return list(range(ring.oldest + first - 1, end + 1))

    def by_time(self, first: "int | None", last: "int | None") -> list:
        return self._billing.select(first, last, self._scheme)

    def rows(self, selected: list, numbers) -> Rows:
        codes = [self._codes[n] for n in numbers]
        spec = row_of(codes)

        def make():
            for number in selected:
                stored = self._billing.entry(number, self._scheme)
                if stored is None:
                    yield spec, [(NULL, None)] * len(codes)
                else:
                    yield spec, ListRow(self._finder(stored), codes)

        return Rows(make, len(selected))

    def _finder(self, stored):
        return lambda code: self._model.find(code, stored)


def _scale(quantities, form: str, name: str) -> tuple:
    if form == energies.MOMENT:
        return quantities.moment_scale(_quantity(name)[0])
    return quantities.demand_scale(name) if form == energies.AVERAGE else quantities.energy_scale(name)


def _code(quantities, form: str, name: str) -> str:
    if form == energies.MOMENT:
        return quantities.moment_code(*_quantity(name))
    return "%d.%d.0" % (NAMES.index(name) + 1, _D[form])


def _quantity(name: str) -> tuple:
    """(quantity, phase or -1 for all) of one of energies.MOMENTS."""
    return (name[:-1], int(name[-1]) - 1) if name[-1] in "123" else (name, -1)
