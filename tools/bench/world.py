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

    When each device's next event is due is remembered, and the `soonest` of them; whoever does something to a device
    says so with `touch`, or with `settle` if it could have been any. A device is brought forward for its events, before
    it is accessed (mcu.py) and by `settle`; in between it would have nothing to show. So until `soonest` all that has
    to move is `now`, and mcu.py, which has a time to go to in every message, may set it without `advance`.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self.now = 0
        self.devices = list(devices)
        self._due = dict.fromkeys(self.devices, NEVER)
        self.soonest = NEVER

    def touch(self, device: Device) -> None:
        """Something was done to `device` that may have changed when its next event is due."""
        due = device.next_event()
        if due is None:
            due = NEVER
        before = self._due[device]
        if due == before:
            return
        self._due[device] = due
        if due < self.soonest:
            self.soonest = due
        elif before == self.soonest:
            self.soonest = min(self._due.values())

    def advance(self, t_ns: int, stop: Callable[[], object] | None = None) -> bool:
        """Move to `t_ns`, or to the first event after which `stop()` is true: returns whether there was one."""
        while self.soonest <= t_ns:
            if self.soonest > self.now:
                self.now = self.soonest
            for device in [device for device, due in self._due.items() if due <= self.now]:
                device.advance(self.now)
                self.touch(device)
            if stop is not None and stop():
                return True
        if t_ns > self.now:
            self.now = t_ns
        return False

    def settle(self) -> None:
        """Bring every device to the present: someone has looked at them, or changed them, from outside."""
        for device in self.devices:
            device.advance(self.now)
            self.touch(device)
