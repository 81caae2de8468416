"""The objects: Data (1), Register (3), Clock (8) and, for all other classes, `Composite`. Blue Book, clause 4.

An object does not hold its value: it holds the way to the one owner of the value. All that shows a value (readout,
LCD, DLMS) goes through the object, by `get` (COSEM data, as class_table.py describes it) or by `formatted` (people's
form). Errors of `get`, `set`, `act`: KeyError no such attribute or method, ValueError or ParameterRefused a value that
is no good, OSError the memory does not answer.
"""

from micropython import const

from meter.cosem import date_time, obis
from meter.cosem.class_table import CLASSES
from meter.cosem.data_types import INT32, OCTETS, TEXT, UINT32

# Units by the names they are printed with (Blue Book, enumeration `unit`); 255 is a count or a plain number
UNITS = {
    "": 255,
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

    def data_set(self) -> str:
        """The object as an IEC 62056-21 data set: `index(value*unit)`."""
        value, unit = self.formatted()
        return "%s(%s*%s)" % (self.index, value, unit) if unit else "%s(%s)" % (self.index, value)


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
        self._scaler, self._digits, self._shown, self._signed = form

    def spec(self, attribute: int):
        if attribute == 2:
            return INT32 if self._signed else UINT32
        return super().spec(attribute)

    def get(self, attribute: int, selection=None):
        if attribute == 2:
            return self._read()
        if attribute == 3:
            return (self._scaler, UNITS[self._unit])
        return super().get(attribute)

    def formatted(self) -> tuple[str, str]:
        value = self._read()
        unit = _PREFIXES[self._shown] + self._unit
        if value is None:
            return "", unit
        text = ("%0" + str(self._digits) + "d") % abs(value)
        decimals = self._shown - self._scaler
        if decimals > 0:
            text = text[:-decimals] + "." + text[-decimals:]
        if self._signed:
            text = ("-" if value < 0 else " ") + text
        return text, unit


# Methods of a clock, and what they do with it, in s
_QUARTER = const(1)
_MINUTE = const(3)
_SHIFT = const(6)
_QUARTER_S = const(900)
_MINUTE_S = const(60)
_SHIFT_S = const(900)


class Clock(Object):
    """Class 8: local time. `clock` is a tariff.clock.Clock; `set_time(utc)` sets it."""

    class_id = 8
    # Attributes that nothing changes: no zone, no change of clocks by itself, a crystal. EU: 60 minutes from the last
    # Sunday of March to that of October, 01:00 UTC, which is local time as long as there is no zone.
    _FIXED = {
        3: 0,
        5: b"\xff\xff\x03\xfe\x07\x01\x00\x00\x00\x80\x00\xff",
        6: b"\xff\xff\x0a\xfe\x07\x01\x00\x00\x00\x80\x00\xff",
        7: 60,
        8: False,
        9: 1,
    }

    def __init__(self, logical_name: bytes, clock, set_time=None):
        super().__init__(logical_name)
        self._clock = clock
        self._set_time = set_time

    def get(self, attribute: int, selection=None):
        if attribute == 2:
            return date_time.now(self._clock)
        if attribute == 4:
            return date_time.now(self._clock)[11]
        if attribute in self._FIXED:
            return self._FIXED[attribute]
        return super().get(attribute)

    def set(self, attribute: int, value) -> None:
        if attribute != 2 or self._set_time is None:
            raise KeyError(attribute)
        if value is None:
            raise ValueError("no time")
        self._set_time(date_time.utc(self._clock, value))

    def act(self, method: int, value) -> None:
        """Set to the nearest quarter of an hour or minute, or shift by up to 900 s."""
        now = self._clock.utc()
        if method == _SHIFT:
            if value is None or not -_SHIFT_S <= value <= _SHIFT_S:
                raise ValueError("shift by up to 900 s")
            self._set_time(now + value)
        elif method in (_QUARTER, _MINUTE):
            step = _QUARTER_S if method == _QUARTER else _MINUTE_S
            self._set_time((now + step // 2) // step * step)
        else:
            raise KeyError(method)

    def write_level(self, attribute: int) -> "int | None":
        return FIELD if attribute == 2 and self._set_time else super().write_level(attribute)

    def act_level(self, method: int) -> "int | None":
        offered = self._set_time and method in (_QUARTER, _MINUTE, _SHIFT)
        return FIELD if offered else super().act_level(method)

    def time_text(self) -> str:
        """`HH:MM:SS`, the form of 0.9.1."""
        return "%02d:%02d:%02d" % self._clock.fields()[4:7]

    def date_text(self) -> str:
        """`YY-MM-DD`, the form of 0.9.2."""
        fields = self._clock.fields()
        return "%02d-%02d-%02d" % (fields[0] % 100, fields[1], fields[2])

    def formatted(self) -> tuple[str, str]:
        return self.date_text() + " " + self.time_text(), ""


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
