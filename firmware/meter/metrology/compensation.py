"""Temperature compensation: keeps the chip's gains right while the meter warms and cools.

The thermometer is read once a second. Its steps of 0.3 K, 15 ppm of a bad channel, are smoothed over a minute; gains
are written when they have moved by what matters.
"""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.metrology.calibration import Calibration

_COLDEST, _HOTTEST = -55_000, 110_000  # m degC; beyond it is the sensor that is wrong
_WEIGHT = const(64)  # a new reading's part in the smoothed temperature is one in this many: a minute at one a second
# A meter's own mass does not let it warm so fast: what it was before is of another time (it was off, say).
_STEP = const(3_000)  # m K
_AGREE = const(1_000)  # m K; but one reading alone is not believed
_NEWS = const(200)  # of a gain register, 1.5 ppm: what is worth a write


class Compensation:
    """Gain registers for the temperature the chip has now.

    `calibration`: the one in force, may be replaced. `temperature`: smoothed, m degC, None before the first reading.
    """

    def __init__(self, calibration: "Calibration"):
        self.calibration = calibration
        self.temperature: "int | None" = None
        self._before: "int | None" = None  # the reading before
        self._written: dict = {}

    def registers(self, analog: dict, nominal_hz: int) -> dict:
        """All correction registers, to be written to a chip that starts or gets a new calibration."""
        settings = self.calibration.registers(self._or_reference(), analog, nominal_hz)
        self._written = self.calibration.gain_registers(self._or_reference())
        return settings

    def update(self, celsius_m: int) -> dict:
        """Take one reading of the chip's thermometer (m degC); the gain registers that are to be written now."""
        if not _COLDEST <= celsius_m <= _HOTTEST:
            return {}
        self._smooth(celsius_m)
        wanted = self.calibration.gain_registers(self._or_reference())
        news = {}
        for register, value in wanted.items():
            if abs(_signed(value) - _signed(self._written.get(register, 0))) >= _NEWS:
                news[register] = self._written[register] = value
        return news

    def _smooth(self, celsius_m: int) -> None:
        before, self._before = self._before, celsius_m
        if self.temperature is None:
            self.temperature = celsius_m
        elif abs(celsius_m - self.temperature) < _STEP:
            self.temperature += (celsius_m - self.temperature) // _WEIGHT
        elif before is not None and abs(celsius_m - before) <= _AGREE:
            self.temperature = celsius_m

    def _or_reference(self) -> int:
        return self.calibration.temperature if self.temperature is None else self.temperature


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value
