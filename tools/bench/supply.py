"""The meter's power supply: mains in, hold-up capacitor, power-fail comparator; perhaps a battery behind a latch.

It is fed from the measured voltages, so it works from any one phase. Data sheet of the product: bridging 0.5 s, data
stored within another 0.2 s, off after about 10 s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.bench.line import Line
from tools.bench.world import Device

NS = 1_000_000_000
START_VOLTS = 40.0  # rms of the best phase from which the supply runs
DETECT_NS = 5_000_000  # the comparator's delay
HOLD_UP_NS = 10 * NS


class Supply:
    """Powers the other devices. `power_fail` is low while mains is missing; `on` says whether the electronics run."""

    def __init__(
        self,
        devices: list[Device],
        volts: Callable[[], float],
        on_change: Callable[[bool, int], None],
        mains_only: Sequence[Device] = (),
    ) -> None:
        self.power_fail = Line("power_fail", 0)
        self.on = False
        self.hold_up_ns = HOLD_UP_NS
        self._devices = devices
        self._volts = volts
        self._on_change = on_change
        self._mains_only = mains_only
        self._lost_ns: int | None = None
        self._on_battery = False
        self._released_ns: int | None = None

    @property
    def mains(self) -> bool:
        """Whether any phase is high enough to feed the supply."""
        return self._volts() >= START_VOLTS

    def source_changed(self, t_ns: int) -> None:
        """The mains source was set at `t_ns`: notice mains loss or return."""
        if self.mains:
            self._lost_ns = None
            if self._on_battery:
                self._on_battery = False
                for device in self._mains_only:
                    device.power(True, t_ns)
            if not self.on:
                self._switch(True, t_ns)
            self.power_fail.set(1, t_ns)
        elif self._lost_ns is None and self.on and not self._on_battery:
            self._lost_ns = t_ns

    def wake(self, t_ns: int) -> None:
        """The latch is set by which a battery feeds the meter, but for what is fed by mains only."""
        if not self.on:
            self._on_battery = True
            self._switch(True, t_ns)

    def release(self, level: int, t_ns: int) -> None:
        """The pin that resets the latch, high: the battery's supply ends."""
        if level and self._on_battery:
            self._released_ns = t_ns

    def drop(self, t_ns: int) -> None:
        """Supply voltage gone at once, without warning."""
        self._lost_ns = self._released_ns = None
        self._on_battery = False
        self.power_fail.set(0, t_ns)
        if self.on:
            self._switch(False, t_ns)

    def next_event(self) -> int | None:
        if self._released_ns is not None:
            return self._released_ns
        if self._lost_ns is None or not self.on:
            return None
        return self._lost_ns + (DETECT_NS if self.power_fail.level else self.hold_up_ns)

    def advance(self, t_ns: int) -> None:
        if self._released_ns is not None:
            self._released_ns = None
            if self._on_battery:
                self.drop(t_ns)
        if self._lost_ns is None or not self.on:
            return
        if t_ns >= self._lost_ns + DETECT_NS:
            self.power_fail.set(0, self._lost_ns + DETECT_NS)
        if t_ns >= self._lost_ns + self.hold_up_ns:
            self.drop(t_ns)

    def power(self, on: bool, t_ns: int) -> None:
        """A supply is not supplied."""

    def _switch(self, on: bool, t_ns: int) -> None:
        self.on = on
        for device in self._devices:
            device.power(on and not (self._on_battery and device in self._mains_only), t_ns)
        self._on_change(on, t_ns)
