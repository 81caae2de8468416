"""The COSEM interface classes in use: Data (1), Register (3), Clock (8). Blue Book, attributes by number.

An object does not hold its value: it holds the way to the one owner of the value. All that shows a value (readout,
LCD, later DLMS) goes through the object, by `get` (COSEM data) or by `formatted` (people's form).
"""

from meter.cosem import obis

# Units of scaler_unit (Blue Book, enumeration `unit`)
UNIT_DEGREE = 8
UNIT_W = 27
UNIT_VA = 28
UNIT_VAR = 29
UNIT_WH = 30
UNIT_VAH = 31
UNIT_VARH = 32
UNIT_A = 33
UNIT_V = 35
UNIT_HZ = 44
UNIT_PERCENT = 56
UNIT_COUNT = 255

_UNIT_NAMES = {
    UNIT_DEGREE: "deg",
    UNIT_W: "W",
    UNIT_VA: "VA",
    UNIT_VAR: "var",
    UNIT_WH: "Wh",
    UNIT_VAH: "VAh",
    UNIT_VARH: "varh",
    UNIT_A: "A",
    UNIT_V: "V",
    UNIT_HZ: "Hz",
    UNIT_PERCENT: "%",
    UNIT_COUNT: "",
}
_PREFIXES = {0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


class Object:
    """What all classes share: `logical_name` (6-byte OBIS, attribute 1) and `index`, its short printed code."""

    class_id = 0

    def __init__(self, logical_name: bytes):
        self.logical_name = logical_name

    @property
    def index(self) -> str:
        return obis.short(self.logical_name)

    def get(self, attribute: int):
        """Value of an attribute; KeyError if the class has no such attribute."""
        if attribute == 1:
            return self.logical_name
        raise KeyError(attribute)

    def formatted(self) -> tuple[str, str]:
        """(value, unit) as printed; unit "" if there is none."""
        return str(self.get(2)), ""

    def data_set(self) -> str:
        """The object as an IEC 62056-21 data set: `index(value*unit)`."""
        value, unit = self.formatted()
        return "%s(%s*%s)" % (self.index, value, unit) if unit else "%s(%s)" % (self.index, value)


class Data(Object):
    """Class 1: a value as it is. `read` returns it."""

    class_id = 1

    def __init__(self, logical_name: bytes, read):
        super().__init__(logical_name)
        self._read = read

    def get(self, attribute: int):
        return self._read() if attribute == 2 else super().get(attribute)


class Parameter(Data):
    """Class 1: a parameter of the meter; `parameters` is meter.parameters.Parameters."""

    def __init__(self, logical_name: bytes, parameters, name: str):
        super().__init__(logical_name, lambda: parameters.get(name))
        self._parameters = parameters
        self._name = name

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

    def __init__(self, logical_name: bytes, read, unit: int, form: tuple[int, int, int, bool]):
        """`form`: scaler, digits, shown, signed."""
        super().__init__(logical_name)
        self._read = read
        self.unit = unit
        self.scaler, self._digits, self._shown, self._signed = form

    def get(self, attribute: int):
        if attribute == 2:
            return self._read()
        if attribute == 3:
            return (self.scaler, self.unit)
        return super().get(attribute)

    def formatted(self) -> tuple[str, str]:
        value = self._read()
        unit = _PREFIXES[self._shown] + _UNIT_NAMES[self.unit]
        if value is None:
            return "", unit
        text = ("%0" + str(self._digits) + "d") % abs(value)
        decimals = self._shown - self.scaler
        if decimals > 0:
            text = text[:-decimals] + "." + text[-decimals:]
        if self._signed:
            text = ("-" if value < 0 else " ") + text
        return text, unit


class Clock(Object):
    """Class 8: local time. `clock.fields()` returns (year, month, day, weekday 1..7, hour, minute, second)."""

    class_id = 8

    def __init__(self, logical_name: bytes, clock):
        super().__init__(logical_name)
        self._clock = clock

    def get(self, attribute: int):
        if attribute == 2:
            return self._clock.fields()
        if attribute == 4:
            return 0 if self._clock.valid else 1
        return super().get(attribute)

    def time_text(self) -> str:
        """`HH:MM:SS`, the form of 0.9.1."""
        return "%02d:%02d:%02d" % self._clock.fields()[4:7]

    def date_text(self) -> str:
        """`YY-MM-DD`, the form of 0.9.2."""
        fields = self._clock.fields()
        return "%02d-%02d-%02d" % (fields[0] % 100, fields[1], fields[2])

    def formatted(self) -> tuple[str, str]:
        return self.date_text() + " " + self.time_text(), ""
