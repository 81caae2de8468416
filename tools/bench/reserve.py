"""What keeps the clock chip going while the supply is away: a supercapacitor, or a battery that outlasts everything.

Product data sheet: more than 21 days from a supercapacitor that has been charged for 300 h, 7 days after 24 h. A
charge that nears its end exponentially, and a constant load, fit both figures.
"""

from __future__ import annotations

import math

from tools.bench.ds3231 import DS3231

NS = 1_000_000_000
DAY_NS = 86_400 * NS
_CHARGING_NS = 60 * 3600 * NS  # time constant
FULL_DAYS = 7 / (1 - math.exp(-24 / 60))  # 21.2

SUPERCAP = "supercap"
BATTERY = "battery"
READOUT_BATTERY = "readout battery"  # feeds display and readout too, when a display button is pressed
KINDS = (SUPERCAP, BATTERY, READOUT_BATTERY)


class Reserve:
    """Feeds `rtc`. A device of the bench's world that lies behind the supply, as the chip itself does."""

    def __init__(self, rtc: DS3231, kind: str = SUPERCAP) -> None:
        if kind not in KINDS:
            raise ValueError(f"reserve: {kind!r} is none of {', '.join(KINDS)}")
        self.kind = kind
        self._rtc = rtc
        self._days = FULL_DAYS  # at `_since`
        self._since = 0
        self._supply = False
        self._now = 0

    @property
    def days(self) -> float:
        """For how long the clock would go on from now."""
        if self.kind != SUPERCAP:
            return math.inf
        passed = self._now - self._since
        if self._supply:
            return FULL_DAYS - (FULL_DAYS - self._days) * math.exp(-passed / _CHARGING_NS)
        return max(0.0, self._days - passed / DAY_NS)

    def set_days(self, days: float) -> None:
        """Charge a supercapacitor, at once, for so many days."""
        if not 0 <= days <= FULL_DAYS:
            raise ValueError(f"reserve: {days} days; a full one lasts {FULL_DAYS:.1f}")
        self._begin(days)

    # --- Device -----------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        if self.kind != SUPERCAP or self._supply or self._days == 0:
            return None
        return self._since + math.ceil(self._days * DAY_NS)

    def advance(self, t_ns: int) -> None:
        end = self.next_event()
        if end is not None and end <= t_ns:
            self._now = end
            self._begin(0.0)
            self._rtc.set_battery(False, end)
        self._now = max(self._now, t_ns)

    def power(self, on: bool, t_ns: int) -> None:
        self.advance(t_ns)
        self._begin(self.days)
        self._supply = on
        self._rtc.set_battery(on or self.days > 0, t_ns)

    def _begin(self, days: float) -> None:
        self._days, self._since = days, self._now
