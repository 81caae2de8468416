"""The meter's objects, made on demand from one table.

`ObjectModel.find` gives an object by code, `readout` the data sets of a readout list. Where a value comes from is a
`sources` object that meter.py fills, with the attributes named here: the model never reaches for a part of the meter by
itself. They are asked when a value is read, so they may come and go. The table is in definitions.py.
"""

from micropython import const

from meter.cosem import obis, setups, short_names
from meter.cosem.class_table import CLASSES
from meter.cosem.classes import PUBLIC, READER, Parameter
from meter.cosem.definitions import (
    ERROR_OBJECT,
    MAX_ORDER,
    MAXIMUM,
    PARAMETERS,
    RATED,
    SETUPS,
    TABLE,
    TOTAL,
    defined,
    find_name,
)
from meter.cosem.profiles import CLOCK
from meter.cosem.quantities import Quantities, phase_code
from meter.cosem.stored_profiles import LoadStore
from meter.cosem.tariff_registers import TariffRegisters

_UNLISTED = const(("0-0:", "C.60", "C.62"))  # beginnings

# Readout lists by the option character of the sign-on
STANDARD, SERVICE = 0, 6
_DATA = const(1)  # class
_NO_PERIOD = const(255)  # F of what is not stored
_COUNTS = const(100)  # of the reset counter
_OLDEST = const(125)  # F of the 25th period before the running one
_BEFORE_TOTALS = const(("F.F", "0.0.0", "0.9.1", "0.9.2", "0.1.0", "0.9.6", "0.9.7"))
# Kinds of rows and names of quantities
_INSTALLATION = const(
    (
        ("actual", "u"),
        ("actual", "i", "i0"),
        ("actual", "p"),
        ("actual", "q"),
        ("actual", "pf"),
        ("actual", "f"),
        ("u_angle",),
        ("i_angle",),
        ("data", "wiring_code"),
    )
)
_AFTER_TOTALS = const(("0.2.0", "C.7.0"))
_POWER_FACTORS = const(("13.0.0", "13.3.0"))


class WrongClass(KeyError):
    """There is an object of this logical name, but of another class."""


class ObjectModel:
    """All objects of one meter with these `parameters` (meter.parameters) and of this type (meter.type_code.TypeCode).

    The parameters that shape objects (obis_b, network, registration, ratios, nominal values, sum channels) are read
    here, once. Attributes of `sources`: energies, counters, clock; actual (metrology.values.Values), harmonics
    (metrology.harmonics.Harmonics); rated, demand, billing, profiles, engine, rates, time_switch, control_table (parts
    of tariff/); terminals, test_mode (parts of meter/); texts: those of the rows of kind "data", error_text,
    calibration_readings, calibration_record, type_designation, logical_device_name; system_title (8 bytes); event_log
    (events.log.EventLog); security and scripts (setups.py); and the functions set_clock(utc) and
    write_calibration(text).
    """

    def __init__(self, sources, parameters, type_code):
        self.sources = sources
        self.parameters = parameters
        self._features = setups.features(type_code)
        self._quantities = Quantities(sources, parameters, self._features)
        totals = tuple([row[2] for row in TABLE if row[1] == "energy" and self._quantities.places(row)])
        self._registers = TariffRegisters(self._quantities, sources, totals)
        self._setup_names = b"".join([self._quantities.logical_name(row[0]) for row in SETUPS])

    # --- which objects there are ------------------------------------------------------------------------------------

    def find(self, code: str, stored=None):
        """The object under a code `[1-B:]C.D.E[*F]`, with any B; KeyError if the meter has none.

        With F it is that of a stored billing period, whose reset counter F is, or from 101 on the last one and those
        before; with `stored`, a tariff.billing.Stored, that of this one.
        """
        for row in TABLE:
            if row[0] == code and TOTAL in self._quantities.places(row):
                return self._quantities.make(row, TOTAL, stored)
        try:
            name = obis.parse(code)
            definition = self._named(name)
            if definition[0] != "setup":
                self._check(name)
            elif definition[1][1] != _DATA:
                raise KeyError(code)
            return self._made(definition, stored or self._period(name[5]))
        except (ValueError, KeyError):
            raise KeyError(code)

    def get(self, class_id: int, logical_name: bytes):
        """The object of a class under a logical name; KeyError if the meter has none, WrongClass if it is another's."""
        found = self._made(self._named(logical_name), self._period(logical_name[5]))
        if found.logical_name != logical_name:
            raise KeyError(logical_name)
        if found.class_id != class_id:
            raise WrongClass(logical_name)
        return found

    def objects(self):
        """All objects, made one by one as they are asked for; single harmonics are left out, as in the lists."""
        for definition in self._definitions():
            yield self._made(definition)

    @property
    def count(self) -> int:
        """How many `objects` there are."""
        return sum([1 for _ in self._definitions()])

    def base_name(self, found) -> int:
        """Short name of an object's first attribute."""
        definition = self._named(found.logical_name)
        kind = definition[0]
        if kind == "row":
            return short_names.of_row(definition[1], definition[2])
        if kind == "setup":
            return short_names.of_setup(definition[1])
        if kind == "parameter":
            return short_names.of_parameter(definition[1])
        return (short_names.of_register if kind == "register" else short_names.of_harmonic)(*definition[1:])

    def by_short_name(self, name: int) -> tuple:
        """(object, attribute or None, method or None) that a short name means; KeyError if it means none."""
        place = short_names.place(name)
        found = self._made(place[1:])
        steps, rest = divmod(name - place[0], 8)
        if rest:
            raise KeyError(name)
        if steps < found.attributes:
            return found, steps + 1, None
        method = (name - place[0] - CLASSES[found.class_id][3]) // 8 + 1
        if not 1 <= method <= found.methods:
            raise KeyError(name)
        return found, None, method

    def fits(self, setup: tuple) -> bool:
        """Whether this meter has what a row of SETUPS asks for."""
        return all(need in self._features for need in setup[4:])

    # --- definitions: ("row", row of TABLE, phase or TOTAL), ("setup", row of SETUPS), ("parameter", number),
    # --- ("harmonic", quantity, phase, order), ("register", C, D, E) of tariff_registers.py

    def _definitions(self):
        for row in TABLE:
            for n in self._quantities.places(row):
                yield "row", row, n
        for code in self._registers.all():
            yield ("register",) + code
        for setup in SETUPS:
            if self.fits(setup):
                yield "setup", setup
        for name in self.parameters.names():
            yield "parameter", self.parameters.number(name)

    def _named(self, logical_name: bytes) -> tuple:
        """The definition that a logical name may be of, in any channel; KeyError if there is none."""
        if logical_name == ERROR_OBJECT:
            return "row", TABLE[1], TOTAL
        if logical_name == CLOCK[1]:
            return "row", TABLE[0], TOTAL
        place = find_name(self._setup_names, logical_name)
        if place >= 0:
            return "setup", SETUPS[place]
        return self._defined(logical_name[2], logical_name[3], logical_name[4])

    def _defined(self, c: int, d: int, e: int) -> tuple:
        if (c, d) == PARAMETERS:
            return "parameter", e
        row, n = defined(c, d, e)
        if row is not None:
            return "row", row, n
        if d == 7 and 1 <= e <= MAX_ORDER:
            row, n = defined(c, d, 0)
            if row is not None and row[2] in ("u", "i") and n != TOTAL:
                return "harmonic", row[2], n, e
        return "register", c, d, e

    def _period(self, f: int):
        """The stored billing period with the reset counter `f`, or the last but f - 101, from 101 on (IEC 62056-61);
        None for 255; KeyError if it is not stored."""
        if f == _NO_PERIOD:
            return None
        billing, is_relative = self.sources.billing, _COUNTS < f <= _OLDEST
        found = billing.stored(f - _COUNTS if is_relative else (billing.count - f) % _COUNTS + 1)
        if found is None or not is_relative and found.count != f:
            raise KeyError(f)
        found.f = f
        return found

    def _made(self, definition: tuple, stored=None):
        """The object of a definition, as it was when `stored` was; KeyError if this meter does not have it."""
        kind = definition[0]
        if kind == "row":
            _, row, n = definition
            if n not in self._quantities.places(row):
                raise KeyError(row[0])
            return self._quantities.make(row, n, stored)
        if kind == "register":
            _, c, d, e = definition
            return self._registers.make(c, d, e, stored)
        if stored:
            raise KeyError(definition)
        if kind == "setup":
            row = definition[1]
            if not self.fits(row):
                raise KeyError(row[0])
            return getattr(setups, row[2])(self, self._quantities.logical_name(row[0]), row[3])
        if kind == "parameter":
            name = self.parameters.name(definition[1])
            logical_name = self._quantities.logical_name("C.61.%d" % definition[1])
            return Parameter(logical_name, self.parameters, name, READER)
        return self._quantities.harmonic(*definition[1:])

    def load_store(self, n: int) -> LoadStore:
        """Load profile 1 (`n` 0) or 2 in the units of the registers."""
        sources = self.sources
        return LoadStore(self._quantities, sources.clock, sources.profiles[n], n + 1)

    # --- lists ------------------------------------------------------------------------------------------------------

    def codes(self):
        """The codes of all objects but single harmonics and C.61.n."""
        for row in TABLE:
            for n in self._quantities.places(row):
                yield phase_code(row[0], n)
        yield from self._register_codes()

    def _register_codes(self, *kinds):
        for code in self._registers.all(*kinds):
            yield "%d.%d.%d" % code

    def register_names(self, d: int) -> list:
        """The logical names of the registers by rate with this D, all rates of an energy before the next energy."""
        return [self._quantities.logical_name(code) for code in self._register_codes(d) if not code.endswith(".0")]

    def stored_codes(self) -> list:
        """The codes of what is stored at a billing reset: energies of all phases together, by rate, maxima, power
        factors."""
        factors = [row[0] for row in TABLE if row[0] in _POWER_FACTORS and self._quantities.places(row)]
        return self.totals() + list(self._register_codes(RATED, MAXIMUM)) + factors

    def totals(self) -> list:
        """The codes of the energies of all phases together, sum channels included: what the display rolls through."""
        return [row[0] for row in TABLE if row[1] in ("energy", "sum") and TOTAL in self._quantities.places(row)]

    def readout(self, number: int):
        """The data sets of readout list `number`, as text without line ends; KeyError if there is no such list.

        The service list is the standard list and all the rest, but for single harmonics, C.60.n to C.62.n. Behind
        either comes `stored_readout`.
        """
        if number not in (STANDARD, SERVICE):
            raise KeyError(number)
        for code in self.list_codes("standard" if number == STANDARD else "service"):
            yield self.find(code).data_set()

    def stored_readout(self):
        """The stored values of a readout that begins now, as a function that gives them each time alike: as many
        periods as the parameter readout_periods says, the newest first; what cannot be read is left out."""
        billing, periods = self.sources.billing, self.parameters.readout_periods
        newest = billing.rings[0].newest

        def data_sets():
            for n in range(periods):
                stored = billing.entry(newest - n)
                if stored is not None:
                    yield self.find("0.1.2", stored).data_set()
                    for code in self.stored_codes():
                        yield self.find(code, stored).data_set()

        return data_sets

    def is_public(self, code: str) -> bool:
        """Whether there is an object under a code whose value is for everybody, as what the display shows must be."""
        try:
            return self.find(code).read_level(2) == PUBLIC
        except (KeyError, OSError):
            return False

    def list_codes(self, name: str) -> list:
        """The codes of the list "standard" or "service" of the readout, or of "display", "menu" or "installation",
        which are parameters, or follow from type and network: totals, the standard list, and values of now."""
        if name in ("display", "menu", "installation"):
            chosen = self.parameters.get(name + "_list")
            if chosen:
                return [code for code in chosen.split(",") if self.is_public(code)]
        if name == "display":
            return self.totals()
        if name == "installation":
            return [code for kind in _INSTALLATION for code in self._of_kind(*kind)]
        standard = list(_BEFORE_TOTALS) + self.stored_codes() + list(_AFTER_TOTALS)
        if name in ("standard", "menu"):
            return standard
        rest = [code for code in self.codes() if code not in standard and code[:4] not in _UNLISTED]
        return standard + rest

    def _of_kind(self, kind: str, *names):
        """The codes of the rows of a kind, of some names if there are any given."""
        for row in TABLE:
            if row[1] == kind and (not names or row[2] in names):
                for n in self._quantities.places(row):
                    yield phase_code(row[0], n)

    def _check(self, name: bytes) -> None:
        """ValueError if a name cannot be one of this meter: another medium (A)."""
        if name[0] != self._quantities.logical_name(obis.short(name))[0]:
            raise ValueError
