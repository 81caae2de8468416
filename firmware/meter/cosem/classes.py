"""The objects: Data (1), Register (3), Maximum (4) and, for all other classes, `Composite`. Blue Book, clause 4.

An object does not hold its value: it holds the way to the one owner of the value. All that shows a value (readout,
LCD, DLMS) goes through the object, by `get` (COSEM data, as class_table.py describes it) or by `formatted` (people's
form). Errors of `get`, `set`, `act`: KeyError no such attribute or method, ValueError or ParameterRefused a value that
is no good, OSError the memory does not answer.
"""

from binascii import hexlify

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.class_table import CLASSES
from meter.cosem.data_types import INT32, NULL, OCTETS, TEXT, UINT32
from meter.inspection import FINER

# Units by the names they are printed with (Blue Book, enumeration `unit`); 255 is a count or a plain number
UNITS = {
    "": 255,
    "s": 7,
    "deg": 8,
    "W": 27,
    "VA": 28,
    "var": 29,
    "Wh": 30,
    "VAh": 31,
    "varh": 32,
    "A": 33,
    "V": 35,
    "Hz": 44,
    "%": 56,
}
_PREFIXES = {0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


# Access levels (meter/parameters.py) that rights are given in
PUBLIC = const(0)
READER = const(1)
FIELD = const(2)
UTILITY = const(3)
SEALED = const(4)  # certification seal broken


class Object:
    """What all classes share: `logical_name` (6-byte OBIS, attribute 1) and `index`, its short printed code.

    `readable`: lowest level that may read it, None if nobody may.
    """

    class_id = 0
    readable: "int | None" = PUBLIC

    def __init__(self, logical_name: bytes):
        self.logical_name = logical_name

    @property
    def index(self) -> str:
        return obis.short(self.logical_name)

    @property
    def version(self) -> int:
        return CLASSES[self.class_id][0]

    @property
    def attributes(self) -> int:
        """How many attributes there are, the logical name included."""
        return len(CLASSES[self.class_id][1]) + 1

    @property
    def methods(self) -> int:
        """How many methods the class has."""
        return len(CLASSES[self.class_id][2])

    def spec(self, attribute: int):
        """Type of an attribute (cosem.data_types)."""
        if attribute == 1:
            return OCTETS
        if not 2 <= attribute <= self.attributes:
            raise KeyError(attribute)
        return CLASSES[self.class_id][1][attribute - 2]

    def selection_spec(self, attribute: int, selector: int):
        """Type of the parameters of a selective access; KeyError if the attribute has no such access."""
        raise KeyError(selector)

    def method_spec(self, method: int):
        """Type of a method's parameter."""
        if not 1 <= method <= self.methods:
            raise KeyError(method)
        return CLASSES[self.class_id][2][method - 1]

    def get(self, attribute: int, selection=None):
        """Value of an attribute, or of what `selection`, (selector, parameters), takes from it."""
        if attribute == 1:
            return self.logical_name
        raise KeyError(attribute)

    def set(self, attribute: int, value) -> None:
        """Change an attribute to a value that follows its spec."""
        raise KeyError(attribute)

    def act(self, method: int, value) -> "tuple | None":
        """Invoke a method; (spec, value) if it returns one."""
        raise KeyError(method)

    def read_level(self, attribute: int) -> "int | None":
        """Lowest access level that may read an attribute; None: nobody, ever."""
        self.spec(attribute)
        return self.readable

    def write_level(self, attribute: int) -> "int | None":
        """Lowest access level that may change an attribute; None: nobody, ever."""
        self.spec(attribute)
        return None

    def act_level(self, method: int) -> "int | None":
        """Lowest access level that may invoke a method; None: nobody, ever."""
        self.method_spec(method)
        return None

    def formatted(self) -> tuple[str, str]:
        """(value, unit) as printed; unit "" if there is none."""
        return str(self.get(2)), ""

    def text(self) -> str:
        """What stands in a data set's parentheses: `value*unit`, or more such values with `)(` between them."""
        value, unit = self.formatted()
        return value + "*" + unit if unit else value

    def data_set(self) -> str:
        """The object as an IEC 62056-21 data set: `index(value*unit)`."""
        return "%s(%s)" % (self.index, self.text())


class Data(Object):
    """Class 1: a value as it is. `read` returns it, `change` changes it for who has level `changeable`."""

    class_id = 1

    def __init__(self, logical_name: bytes, read, spec=TEXT, readable=PUBLIC, change=None, changeable=SEALED):
        super().__init__(logical_name)
        self._read = read
        self._spec = spec
        self._change = change
        self._changeable = changeable
        self.readable = readable

    def spec(self, attribute: int):
        return self._spec if attribute == 2 else super().spec(attribute)

    def get(self, attribute: int, selection=None):
        return self._read() if attribute == 2 else super().get(attribute)

    def set(self, attribute: int, value) -> None:
        if attribute != 2 or self._change is None:
            raise KeyError(attribute)
        if value is None:
            raise ValueError("no value")
        self._change(value)

    def formatted(self) -> tuple[str, str]:
        value = self._read()
        if value is None:
            return "", ""
        return ("".join([chr(octet) for octet in value]) if isinstance(value, bytes) else str(value)), ""

    def write_level(self, attribute: int) -> "int | None":
        return self._changeable if attribute == 2 and self._change else super().write_level(attribute)


class Shown(Data):
    """Class 1 with a printed form of its own: `text` returns it, and `code`, if any, is the short code."""

    def __init__(self, logical_name: bytes, read, spec, text, code: str = ""):
        super().__init__(logical_name, read, spec)
        self._text = text
        self._code = code

    @property
    def index(self) -> str:
        return self._code or obis.short(self.logical_name)

    def formatted(self) -> tuple[str, str]:
        return self._text(), ""


class Parameter(Data):
    """Class 1: a parameter of the meter; `parameters` is meter.parameters.Parameters."""

    def __init__(self, logical_name: bytes, parameters, name: str, readable: int = PUBLIC):
        super().__init__(
            logical_name,
            lambda: parameters.get(name),
            INT32 if parameters.is_number(name) else OCTETS if parameters.is_octets(name) else TEXT,
            None if parameters.is_secret(name) else readable,
            lambda value: parameters.set(name, value, parameters.write_level(name)),
            parameters.write_level(name),
        )
        self._parameters = parameters
        self._name = name
        self._named = readable

    def read_level(self, attribute: int) -> "int | None":
        return self._named if attribute == 1 else super().read_level(attribute)  # a secret has a name like all others

    def formatted(self) -> tuple[str, str]:
        value = self._read()
        return (hexlify(value).decode().upper(), "") if isinstance(value, bytes) else super().formatted()

    def write(self, text: str, level: int) -> None:
        """Change it to what `text` says, at access `level`. ParameterRefused if that is not allowed, OSError if the
        memory fails."""
        self._parameters.set_text(self._name, text, level)


class Register(Object):
    """Class 3: an integer with scaler and unit.

    `read` returns the value in units of 10**`scaler` * unit, or None while there is none. It is printed in 10**`shown`
    units (3 for kWh, kW) with at least `digits` digits in all, so with shown - scaler decimals; a signed quantity gets
    a leading space or minus. What rolls over past all nines does so in `read`, alike for all that show it.
    """

    class_id = 3

    def __init__(self, logical_name: bytes, read, unit: str, form: tuple[int, int, int, bool]):
        """`unit`: one of UNITS; `form`: scaler, digits, shown, signed."""
        super().__init__(logical_name)
        self._read = read
        self._unit = unit
        self._form = form

    def spec(self, attribute: int):
        if attribute == 2:
            return INT32 if self._form[3] else UINT32
        return super().spec(attribute)

    def get(self, attribute: int, selection=None):
        if attribute == 2:
            return self._read()
        if attribute == 3:
            return (self._form[0], UNITS[self._unit])
        return super().get(attribute)

    def formatted(self) -> tuple[str, str]:
        return printed(self._read(), self._form), shown_unit(self._unit, self._form)


class FineRegister(Register):
    """A register that is printed with three more decimals while `test_mode` (meter.inspection) is on: `read(1000)` is
    in thousandths then."""

    def __init__(self, logical_name: bytes, read, unit: str, form: tuple[int, int, int, bool], test_mode):
        super().__init__(logical_name, read, unit, form)
        self._test_mode = test_mode

    def formatted(self) -> tuple[str, str]:
        if not self._test_mode.on:
            return super().formatted()
        form = (self._form[0] - FINER,) + self._form[1:]
        return printed(self._read(10**FINER), form), shown_unit(self._unit, form)


def shown_unit(unit: str, form: tuple) -> str:
    """`unit` with the prefix that a form prints it with."""
    return _PREFIXES[form[2]] + unit


def printed(value: "int | None", form: tuple) -> str:
    """A value in a form, as Register prints it."""
    if value is None:
        return ""
    scaler, digits, shown, signed = form
    text = ("%0" + str(digits) + "d") % abs(value)
    decimals = shown - scaler
    if decimals > 0:
        text = text[:-decimals] + "." + text[-decimals:]
    return ("-" if value < 0 else " ") + text if signed else text


class Maximum(Register):
    """Class 4: the largest demand, `read`, and the moment `when` of its capture (UTC, or None), by `clock`."""

    class_id = 4

    def __init__(self, logical_name: bytes, read, unit: str, form: tuple, when, clock):
        super().__init__(logical_name, read, unit, form)
        self._when, self._clock = when, clock

    def spec(self, attribute: int):
        return NULL if attribute == 4 else super().spec(attribute)

    def get(self, attribute: int, selection=None):
        if attribute == 4:
            return None
        if attribute == 5:
            when = self._when()
            return None if when is None else date_time.octets(self._clock, when)
        return super().get(attribute)

    def text(self) -> str:
        return super().text() + ")(" + date_time.text(self._clock, self._when())


class Setting:
    """An attribute that is a parameter: `shown` makes the attribute's value of the parameter's, `taken` the reverse.

    `taken` raises ValueError, or KeyError, for what the parameter cannot be.
    """

    def __init__(self, parameters, name: str, shown=None, taken=None):
        self._parameters = parameters
        self._name = name
        self._shown = shown
        self._taken = taken
        self.level = parameters.write_level(name)
        self.secret = parameters.is_secret(name)

    def __call__(self):
        value = self._parameters.get(self._name)
        return self._shown(value) if self._shown else value

    def set(self, value) -> None:
        if value is None:
            raise ValueError("no value")
        try:
            value = self._taken(value) if self._taken else value
        except (KeyError, IndexError):
            raise ValueError("no such setting")
        self._parameters.set(self._name, value, self.level)


class Composite(Object):
    """An object of any class, put together of its attributes.

    `values`: for each attribute from 2 on a constant, a function that returns the value, or a Setting. `actions`:
    method -> (lowest level, function of the parameter). `specs` are the types of what the class leaves open.
    """

    readable = READER

    def __init__(self, class_id: int, logical_name: bytes, values: tuple, actions=None, specs=None):
        super().__init__(logical_name)
        self.class_id = class_id
        self._values = values
        self._actions = actions or {}
        self._specs = specs or {}

    def spec(self, attribute: int):
        return self._specs.get(attribute) or super().spec(attribute)

    def get(self, attribute: int, selection=None):
        value = self._value(attribute)
        return value() if callable(value) else value

    def set(self, attribute: int, value) -> None:
        setting = self._value(attribute)
        if not isinstance(setting, Setting):
            raise KeyError(attribute)
        setting.set(value)

    def act(self, method: int, value) -> "tuple | None":
        return self._actions[method][1](value)

    def read_level(self, attribute: int) -> "int | None":
        value = self._value(attribute)
        return None if isinstance(value, Setting) and value.secret else self.readable

    def write_level(self, attribute: int) -> "int | None":
        value = self._value(attribute)
        return value.level if isinstance(value, Setting) else None

    def act_level(self, method: int) -> "int | None":
        self.method_spec(method)
        return self._actions[method][0] if method in self._actions else None

    def _value(self, attribute: int):
        if attribute == 1:
            return self.logical_name
        if not 2 <= attribute <= self.attributes:
            raise KeyError(attribute)
        return self._values[attribute - 2]
