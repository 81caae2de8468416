"""The meter's objects, defined in one table; instances are made on demand.

`ObjectModel.find` gives an object by code, `readout` the data sets of a readout list. Where a value comes from is a
`sources` object that meter.py fills, with the attributes named in the table: the model never reaches for a part of the
meter by itself.
"""

from meter.cosem import obis
from meter.cosem.classes import (
    UNIT_A,
    UNIT_COUNT,
    UNIT_HZ,
    UNIT_V,
    UNIT_VAR,
    UNIT_VARH,
    UNIT_W,
    UNIT_WH,
    Clock,
    Data,
    Register,
)

_TOTAL = -1  # in place of a phase 0..2
_MWS_PER_10_WH = 36_000_000

# Forms of a Register: scaler, digits, printed in 10**n units, signed
_ENERGY = (1, 8, 3, False)  # 10 Wh steps, NNNNNN.NN k
_POWER = (-1, 7, 3, True)  # 0.1 W steps, NNN.NNNN k
_VOLTAGE = (-2, 5, 0, False)
_CURRENT = (-3, 5, 0, False)
_FREQUENCY = (-3, 5, 0, False)
_COUNT = (0, 8, 0, False)

# code: (kind, what the kind's method below takes)
_OBJECTS: "dict[str, tuple]" = {
    "0-0:1.0.0": ("clock",),
    "F.F": ("data", "error_text"),
    "0.0.0": ("data", "serial_number"),
    "0.2.0": ("data", "firmware_version"),
    "0.3.0": ("data", "led_constant"),
    "0.3.1": ("data", "led_constant"),
    "0.9.1": ("time",),
    "0.9.2": ("date",),
    "1.8.0": ("energy", "a_import", UNIT_WH),
    "2.8.0": ("energy", "a_export", UNIT_WH),
    "3.8.0": ("energy", "r_import", UNIT_VARH),
    "4.8.0": ("energy", "r_export", UNIT_VARH),
    "5.8.0": ("energy", "r1", UNIT_VARH),
    "6.8.0": ("energy", "r2", UNIT_VARH),
    "7.8.0": ("energy", "r3", UNIT_VARH),
    "8.8.0": ("energy", "r4", UNIT_VARH),
    "14.7.0": ("actual", "f", _TOTAL, UNIT_HZ, _FREQUENCY),
    "16.7.0": ("actual", "p", _TOTAL, UNIT_W, _POWER),
    "36.7.0": ("actual", "p", 0, UNIT_W, _POWER),
    "56.7.0": ("actual", "p", 1, UNIT_W, _POWER),
    "76.7.0": ("actual", "p", 2, UNIT_W, _POWER),
    "131.7.0": ("actual", "q", _TOTAL, UNIT_VAR, _POWER),
    "151.7.0": ("actual", "q", 0, UNIT_VAR, _POWER),
    "171.7.0": ("actual", "q", 1, UNIT_VAR, _POWER),
    "191.7.0": ("actual", "q", 2, UNIT_VAR, _POWER),
    "32.7.0": ("actual", "u", 0, UNIT_V, _VOLTAGE),
    "52.7.0": ("actual", "u", 1, UNIT_V, _VOLTAGE),
    "72.7.0": ("actual", "u", 2, UNIT_V, _VOLTAGE),
    "31.7.0": ("actual", "i", 0, UNIT_A, _CURRENT),
    "51.7.0": ("actual", "i", 1, UNIT_A, _CURRENT),
    "71.7.0": ("actual", "i", 2, UNIT_A, _CURRENT),
    "C.7.0": ("counter", "power_failures"),
    "C.15.1": ("counter", "metering_restarts"),
    "C.15.2": ("counter", "lost_pages"),
}

# What a list shows, in order. Readout lists by the option character of the sign-on: 0 standard, 6 service.
_ENERGIES = ("1.8.0", "2.8.0", "3.8.0", "4.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0")
_STANDARD = ("F.F", "0.0.0", "0.9.1", "0.9.2") + _ENERGIES + ("0.2.0", "C.7.0")
_ACTUAL = (
    ("14.7.0", "16.7.0", "131.7.0", "32.7.0", "52.7.0", "72.7.0", "31.7.0", "51.7.0", "71.7.0")
    + ("36.7.0", "56.7.0", "76.7.0", "151.7.0", "171.7.0", "191.7.0")
)  # fmt: skip
READOUT_LISTS = {0: _STANDARD, 6: _STANDARD + _ACTUAL + ("0.3.0", "0.3.1", "C.15.1", "C.15.2")}
DISPLAY_LIST = _ENERGIES


class ObjectModel:
    """All objects of one meter; `channel` is B of the measured quantities."""

    def __init__(self, sources, channel: int):
        self._sources = sources
        self._channel = channel

    def find(self, code: str):
        """The object under a code (short form, or with A-B: where the table has it); KeyError if the meter has none."""
        definition = _OBJECTS[code]
        logical_name = obis.parse(code, self._channel)
        return getattr(self, "_" + definition[0])(logical_name, *definition[1:])

    def readout(self, number: int):
        """The data sets of readout list `number`, as text without line ends; KeyError if there is no such list."""
        for code in READOUT_LISTS[number]:
            yield self.find(code).data_set()

    def _energy(self, logical_name: bytes, name: str, unit: int):
        totals = self._sources.energies

        def read() -> int:
            return totals.get(name) // _MWS_PER_10_WH

        return Register(logical_name, read, unit, _ENERGY)

    def _actual(self, logical_name: bytes, quantity: str, phase: int, unit: int, form):
        actual, factor = self._sources.actual, 10 ** -form[0]

        def read():
            value = actual.total(quantity) if phase == _TOTAL else actual.phase(quantity, phase)
            return None if value is None else round(value * factor)

        return Register(logical_name, read, unit, form)

    def _counter(self, logical_name: bytes, name: str):
        counters = self._sources.counters
        return Register(logical_name, lambda: counters.get(name), UNIT_COUNT, _COUNT)

    def _data(self, logical_name: bytes, name: str):
        sources = self._sources
        return Data(logical_name, lambda: getattr(sources, name))

    def _clock(self, logical_name: bytes):
        return Clock(logical_name, self._sources.clock)

    def _time(self, logical_name: bytes):
        return Data(logical_name, Clock(logical_name, self._sources.clock).time_text)

    def _date(self, logical_name: bytes):
        return Data(logical_name, Clock(logical_name, self._sources.clock).date_text)
