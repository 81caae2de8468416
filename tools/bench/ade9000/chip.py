"""The ADE9000 as the bench sees it: supply, pins, SPI, time. What it does inside is in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000 import status as st
from tools.bench.ade9000.access import RegisterAccess
from tools.bench.ade9000.analog import Analog, ChannelError
from tools.bench.ade9000.core import Core
from tools.bench.ade9000.faults import Faults
from tools.bench.ade9000.spi import SpiFront
from tools.bench.ade9000.thermometer import NEVER
from tools.bench.source import Source

POWER_ON_NS = 46_000_000  # 20 ms timer, then about 26 ms of crystal start (9078 figure 39)
RESET_PIN_NS = 26_000_000
SOFT_RESET_NS = 75_000  # between the 60 us of the 9078 text and the 90 us Linux waits


class ADE9000:
    """Register-level model of one chip on a `Source`; unpowered until `power(True, t_ns)`.

    Device: `next_event`, `advance`, `power`. SPI: `select`, `exchange`, `deselect`. Other inputs: `reset`, `pm_pins`.
    Outputs: Lines `irq0`, `irq1` (active low) and `cf1`..`cf4`. `cf_pulses[n]` lists the bench ns of the falling edges
    of CF(n+1) (the older half is dropped at 200 000), `cf_counts[n]` counts all. `temperature` is that of the chip and
    the circuit before it in degrees Celsius; its sensor reads `temperature_error` more. `faults`: see faults.py. Volts
    at the ADC: k_i per ampere, k_v per volt, k_n per neutral ampere; `errors`: see analog.py.
    """

    def __init__(
        self,
        source: Source,
        k_i: float = 0.06,
        k_v: float = 1 / 1001,
        seed: int = 0,
        *,
        k_n: float | None = None,
        errors: Mapping[str, ChannelError] | None = None,
        clock_ppm: float = 0.0,
        temperature_error: float = 0.0,
        name: str = "ade9000",
    ) -> None:
        self.source = source
        self.core = Core(source, Analog(k_i, k_v, k_n, errors or {}, clock_ppm), seed, name)
        self.core.thermometer.error = temperature_error
        self.irq0, self.irq1 = self.core.status.irq0, self.core.status.irq1
        self.cf1, self.cf2, self.cf3, self.cf4 = self.core.pulses.lines
        self._powered = self._reset_low = self._pm_off = False
        self._selected = False
        self.access = RegisterAccess(self.core, self._software_reset)
        self.faults = Faults(self, seed)
        self._spi = SpiFront(self.access, self.faults)
        self.access.readers |= {
            r.CRC_SPI: lambda: self._spi.crc,
            r.LAST_CMD: lambda: self._spi.last_cmd,
            r.LAST_DATA_16: lambda: self._spi.last_16,
            r.LAST_DATA_32: lambda: self._spi.last_32,
        }

    @property
    def now(self) -> int:
        """Bench time reached, ns."""
        return self.core.now

    @property
    def cf_pulses(self) -> list[list[int]]:
        return self.core.pulses.times

    @property
    def cf_counts(self) -> list[int]:
        return self.core.pulses.counts

    @property
    def temperature(self) -> float:
        return self.core.thermometer.celsius

    @temperature.setter
    def temperature(self, celsius: float) -> None:
        core = self.core
        core.look()
        core.thermometer.celsius = celsius
        core.dsp.analog = replace(core.dsp.analog, temperature=celsius)
        core.cut()
        core.schedule()

    # -- time ---------------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        """Bench ns of the next moment that may change an output, None if there is none."""
        due = self.core.due
        return None if due >= NEVER else due

    def advance(self, t_ns: int) -> None:
        """Bring the chip to `t_ns`; does nothing if it is there already."""
        core = self.core
        while core.due <= t_ns:
            core.now = max(core.now, core.due)
            core.fire()
        if t_ns > core.now:
            core.now = t_ns

    def coast(self, duration_ns: int) -> None:
        """Let `duration_ns` pass without calculating them: energies go on as in the last interval, all else rests."""
        self.core.coast(duration_ns)

    @property
    def longest_coast_ns(self) -> int:
        """How far a host may be coasted over that takes differences of the energy registers' signed upper halves."""
        return self.core.longest_coast_ns()

    # -- supply and reset ---------------------------------------------------------------------------------------

    def power(self, on: bool, t_ns: int) -> None:
        """Supply on (power-on reset, RSTDONE 46 ms later) or off (outputs released, everything forgotten)."""
        self.advance(t_ns)
        self._powered = on
        if not on:
            self.core.buffer.clear()
        self._restart(POWER_ON_NS)

    def reset(self, level: int, t_ns: int) -> None:
        """The RESET pin: low holds the chip in reset, RSTDONE comes 26 ms after it has risen."""
        self.advance(t_ns)
        if self._reset_low != (not level):
            self._reset_low = not level
            self._restart(RESET_PIN_NS)

    def pm_pins(self, pm0: int, pm1: int, t_ns: int) -> None:
        """PM0 and PM1 both high: PSM3, the chip is off. Anything else runs it (PSM0)."""
        self.advance(t_ns)
        off = bool(pm0 and pm1)
        if off != self._pm_off:
            self._pm_off = off
            self._restart(POWER_ON_NS)

    def _software_reset(self) -> None:
        if self.core.ready:
            self._restart(SOFT_RESET_NS)

    def _restart(self, delay_ns: int) -> None:
        """Back to the reset state; ready after `delay_ns` if supply and pins allow."""
        running = self._powered and not self._reset_low and not self._pm_off
        self.core.reset(self.core.now + delay_ns if running else NEVER)
        self.access.reset()
        self._spi.reset()
        self._selected = False

    # -- SPI ----------------------------------------------------------------------------------------------------

    def select(self, t_ns: int) -> None:
        """SS falls."""
        if t_ns >= self.core.due:
            self.advance(t_ns)
        self._selected = self.core.ready
        self._spi.begin()

    def exchange(self, data: bytes, t_ns: int) -> bytes:
        """Clock bytes in and out at `t_ns`; while the chip is off or not selected, MISO's pull-up answers 0xFF."""
        if t_ns > self.core.now:
            self.advance(t_ns)
        if not self._selected:
            stuck = self.faults.stuck_miso
            return bytes((0xFF if stuck is None else stuck,)) * len(data)
        return self._spi.exchange(data)

    def deselect(self, t_ns: int) -> None:
        """SS rises."""
        if self._selected:
            self._spi.end()
        self._selected = False

    # -- what a test asks ---------------------------------------------------------------------------------------

    def read(self, address: int) -> int:
        """Register value as SPI would return it now (reading may have its usual side effects)."""
        return self.access.read(address)

    # -- what the faults ask ------------------------------------------------------------------------------------

    def brown_out(self, duration_ns: int) -> None:
        """The supply falls below the reset level for `duration_ns`."""
        if self._powered:
            self._restart(duration_ns + POWER_ON_NS)

    def spontaneous_reset(self) -> None:
        """What SWRST does, unasked."""
        self._software_reset()

    def raise_error(self, number: int) -> None:
        """Set ERROR0..3 in STATUS1."""
        self.core.status.raise_bits(1, st.ERROR_BIT[number])
        self.core.status.drive(self.core.now)
