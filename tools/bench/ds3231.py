"""DS3231 clock chip: registers 00h..12h, battery, drift, temperature, square wave.

The oscillator's phase is an integer in 1e-21 s, so a run of any length gives the same time on every machine. Alarm
registers are plain memory: nothing here compares them with the time. Behaviour: data sheet, sections "Clock and
Calendar", "Special-Purpose Registers", "Aging Offset".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.bench import ds3231_calendar as calendar
from tools.bench.ds3231_drift import aging_ppm
from tools.bench.line import Line

ADDRESS = 0x68
SECOND = 10**21  # units of phase in a second
CONVERSION_SECONDS = 64  # temperature, and with it the aging offset, is taken over every 64 s
CONVERSION_NS = 125_000_000  # ... or this long after CONV was set

HOURS, DATE, MONTH = 0x02, 0x04, 0x05
CONTROL, STATUS, AGING, TEMPERATURE = 0x0E, 0x0F, 0x10, 0x11
REGISTERS = 0x13

EOSC, BBSQW, CONV, INTCN = 0x80, 0x40, 0x20, 0x04
OSF, EN32KHZ, BSY, ALARM_FLAGS = 0x80, 0x08, 0x04, 0x03

_POWER_UP = bytes((0, 0, 0, 1, 1, 1, 0)) + bytes(7) + bytes((0x1C, OSF | EN32KHZ, 0, 0, 0))
_WRITABLE = bytes((0x7F, 0x7F, 0x7F, 0x07, 0x3F, 0x9F)) + bytes((0xFF,)) * 9 + bytes((0x08, 0xFF, 0, 0))
_SQUARE_WAVE_HZ = (1, 1024, 4096, 8192)


@dataclass
class Ds3231Faults:
    """What can be wrong with the chip. All off by default."""

    nack: bool = False  # does not answer to its address
    stuck_data: int | None = None  # every byte read is this


class DS3231:
    """One chip. `sqw` is the INT/SQW pin with its pull-up.

    `drift_ppm` (positive: fast), `temperature` (degC) and `curve` (degC -> ppm of the compensated oscillator) may be
    changed at any time and hold from the last `advance` on.
    """

    def __init__(self, drift_ppm: float = 0.0, temperature: float = 25.0) -> None:
        self.faults = Ds3231Faults()
        self.sqw = Line("rtc_sqw", 1)
        self._drift_ppm = drift_ppm
        self._temperature = temperature
        self._curve: Callable[[float], float] = lambda _celsius: 0.0
        self._registers = bytearray(_POWER_UP)
        self._pointer = 0
        self._supply = False
        self._battery = True
        self._running = False  # the oscillator waits for the first supply
        self._now = 0
        self._synced = 0  # bench time up to which phase and registers are right
        self._phase = 0
        self._aging = 0  # offset in effect, taken from its register at a conversion
        self._to_conversion = CONVERSION_SECONDS
        self._conversion_ns: int | None = None  # end of a conversion asked for with CONV
        self._edge_ns: int | None = None
        self._due_ns: int | None = None

    # --- bench side -------------------------------------------------------------------------------------------

    def set_utc(self, seconds: int, t_ns: int | None = None) -> None:
        """Set the calendar to `seconds` since 2000-01-01 00:00:00 at the start of that second, and clear OSF."""
        self.advance(self._now if t_ns is None else t_ns)
        self._sync()
        self._registers[:7] = calendar.encode(seconds, bytes(self._registers[:7]))
        self._registers[STATUS] &= ~OSF
        self._phase = 0
        self._running = True
        self._settle()

    @property
    def utc(self) -> int:
        """Seconds since 2000-01-01 00:00:00 that the calendar registers show now."""
        self._sync()
        return calendar.decode(bytes(self._registers[:7]))

    def next_full_ns(self, seconds: int) -> int:
        """Bench time at which the chip next shows a UTC time that is a multiple of so many seconds."""
        self._sync()
        return self._when((seconds - self.utc % seconds) * SECOND - self._phase)

    @property
    def drift_ppm(self) -> float:
        return self._drift_ppm

    @drift_ppm.setter
    def drift_ppm(self, ppm: float) -> None:
        self._sync()
        self._drift_ppm = ppm
        self._settle()

    @property
    def temperature(self) -> float:
        return self._temperature

    @temperature.setter
    def temperature(self, celsius: float) -> None:
        self._sync()
        self._temperature = celsius
        self._settle()

    @property
    def curve(self) -> Callable[[float], float]:
        return self._curve

    @curve.setter
    def curve(self, ppm_at: Callable[[float], float]) -> None:
        self._sync()
        self._curve = ppm_at
        self._settle()

    def set_battery(self, good: bool, t_ns: int | None = None) -> None:
        """Battery dead or fresh. Dead and without supply the chip forgets everything: time stops, OSF at power-up."""
        self.advance(self._now if t_ns is None else t_ns)
        self._battery = good
        self._check_supplies()

    # --- Device -----------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        """The next edge of the square wave, if it is on."""
        return self._edge_ns

    def advance(self, t_ns: int) -> None:
        """Let the oscillator run to `t_ns`."""
        while self._due_ns is not None and self._due_ns <= t_ns:
            self._now = max(self._now, self._due_ns)
            self._sync()
            self._settle()
        self._now = max(self._now, t_ns)

    def power(self, on: bool, t_ns: int) -> None:
        """Supply on or off; the battery takes over if it is good."""
        self.advance(t_ns)
        self._supply = on
        self._check_supplies()

    def _check_supplies(self) -> None:
        self._sync()
        if not self._supply and not self._battery:
            self._registers[:] = _POWER_UP
            self._running = False
            self._phase = self._aging = self._pointer = 0
            self._to_conversion = CONVERSION_SECONDS
            self._conversion_ns = None
        elif self._supply:
            self._running = True
        elif self._registers[CONTROL] & EOSC and self._running:  # on battery the oscillator may be switched off
            self._running = False
            self._registers[STATUS] |= OSF
        self._settle()

    # --- I2C --------------------------------------------------------------------------------------------------

    def i2c_write(self, data: bytes, t_ns: int) -> int:
        """Register pointer, then data. Returns the acknowledged bytes with the address, 0 if nobody answers."""
        self.advance(t_ns)
        if not self._answers():
            return 0
        self._sync()
        if data:
            self._pointer = data[0] % REGISTERS
        for value in data[1:]:
            self._write_register(self._pointer, value)
            self._pointer = (self._pointer + 1) % REGISTERS
        self._settle()
        return len(data) + 1

    def i2c_read(self, n: int, t_ns: int) -> bytes:
        """`n` registers from the pointer on; it wraps from 12h to 00h. A chip that does not answer reads FFh."""
        self.advance(t_ns)
        if not self._answers():
            return b"\xff" * n
        if self.faults.stuck_data is not None:
            return bytes((self.faults.stuck_data,)) * n
        self._sync()
        out = bytes(self._registers[(self._pointer + k) % REGISTERS] for k in range(n))
        self._pointer = (self._pointer + n) % REGISTERS
        return out

    def _answers(self) -> bool:
        return (self._supply or self._battery) and not self.faults.nack

    def _write_register(self, register: int, value: int) -> None:
        registers, mask = self._registers, _WRITABLE[register]
        old = registers[register]
        if register == STATUS:
            keep = old & (BSY | value & (OSF | ALARM_FLAGS))  # flags can only be cleared
            registers[STATUS] = keep | value & mask
            return
        registers[register] = old & ~mask | value & mask
        if register == 0:
            self._phase = 0  # writing the seconds restarts the countdown chain
        elif register == CONTROL:
            registers[CONTROL] |= old & CONV
            if registers[CONTROL] & CONV and self._conversion_ns is None:
                self._conversion_ns = self._now + CONVERSION_NS
                registers[STATUS] |= BSY

    # --- oscillator -------------------------------------------------------------------------------------------

    def _rate(self) -> int:
        """Phase per bench nanosecond."""
        ppm = self._drift_ppm + self._curve(self._temperature) - aging_ppm(self._temperature) * self._aging
        return 10**12 + round(ppm * 1e6)

    def _sync(self) -> None:
        """Bring phase, calendar and pin to `_now`."""
        if self._running:
            self._phase += (self._now - self._synced) * self._rate()
            seconds, self._phase = divmod(self._phase, SECOND)
            if seconds:
                self._tick(seconds)
        self._synced = self._now
        if self._conversion_ns is not None and self._now >= self._conversion_ns:
            self._conversion_ns = None
            self._registers[CONTROL] &= ~CONV
            self._registers[STATUS] &= ~BSY
            self._convert()

    def _tick(self, seconds: int) -> None:
        self._registers[:7] = calendar.add(bytes(self._registers[:7]), seconds)
        self._to_conversion -= seconds
        if self._to_conversion <= 0:
            self._to_conversion = CONVERSION_SECONDS - -self._to_conversion % CONVERSION_SECONDS
            self._convert()

    def _convert(self) -> None:
        quarters = round(self._temperature * 4)
        self._registers[TEMPERATURE] = quarters >> 2 & 0xFF
        self._registers[TEMPERATURE + 1] = (quarters & 3) << 6
        self._aging = self._aging_register()

    def _aging_register(self) -> int:
        return (self._registers[AGING] ^ 0x80) - 0x80

    def _settle(self) -> None:
        """Drive the pin and work out when the chip has to be looked at next. Needs `_sync` before."""
        half = self._half_period()
        low = half is not None and self._phase // half % 2 == 0  # the wave falls where the second begins
        self.sqw.set(0 if low else 1, self._now)
        self._edge_ns = self._due_ns = None
        if half is not None:
            self._edge_ns = self._when(half - self._phase % half)
        candidates = [self._edge_ns, self._conversion_ns]
        if self._running and self._aging != self._aging_register():
            candidates.append(self._when(self._to_conversion * SECOND - self._phase))
        times = [t for t in candidates if t is not None]
        self._due_ns = min(times) if times else None

    def _half_period(self) -> int | None:
        """Half the period of the square wave in units of phase; None if the pin is not driven by it."""
        control = self._registers[CONTROL]
        if not self._running or control & INTCN or not (self._supply or control & BBSQW):
            return None
        return SECOND // (2 * _SQUARE_WAVE_HZ[control >> 3 & 3])

    def _when(self, phase: int) -> int:
        """Bench time at which `phase` more has passed."""
        return self._now + -(-phase // self._rate())
