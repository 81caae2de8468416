"""Bench time and the chips that live in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

NEVER = 1 << 62


class Device(Protocol):
    """A chip model. Times are bench nanoseconds."""

    def next_event(self) -> int | None:
        """When something visible from outside next changes by itself; None if never."""

    def advance(self, t_ns: int) -> None:
        """Bring the chip to `t_ns`; its output lines change with their exact times."""

    def power(self, on: bool, t_ns: int) -> None:
        """Supply voltage comes or goes."""


class World:
    """All devices at one time, `now` (ns since the bench was made); moves from event to event, in order.

    When each device's next event is due is remembered; whoever does something to a device says so with `touch`, or
    with `settle` if it could have been any. A device is brought forward for its events, before it is accessed (mcu.py)
    and by `settle`; in between it would have nothing to show.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self.now = 0
        self.devices = list(devices)
        self._due = dict.fromkeys(self.devices, NEVER)
        self._soonest = NEVER

    def next_event(self) -> int:
        """Time of the next event of any device, NEVER if there is none."""
        return self._soonest

    def touch(self, device: Device) -> None:
        """Something was done to `device` that may have changed when its next event is due."""
        due = device.next_event()
        if due is None:
            due = NEVER
        before, self._due[device] = self._due[device], due
        if due < self._soonest:
            self._soonest = due
        elif before == self._soonest:
            self._soonest = min(self._due.values())

    def advance(self, t_ns: int, stop: Callable[[], object] | None = None) -> None:
        """Move to `t_ns`, or to the first event after which `stop()` is true."""
        while self._soonest <= t_ns:
            if self._soonest > self.now:
                self.now = self._soonest
            for device, due in list(self._due.items()):
                if due <= self.now:
                    device.advance(self.now)
                    self.touch(device)
            if stop is not None and stop():
                return
        if t_ns > self.now:
            self.now = t_ns

    def settle(self) -> None:
        """Bring every device to the present: someone has looked at them, or changed them, from outside."""
        for device in self.devices:
            device.advance(self.now)
            self.touch(device)
