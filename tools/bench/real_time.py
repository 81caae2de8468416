"""Real time: the bench runs in a thread of its own, tied to the computer's clock, and serves the meter's ports.

At `speed` 1 the firmware goes by the computer's clock. When it shall be faster, the meter changes over to virtual time
(boards/virtual/link.py): up to CALCULATED everything is calculated, as fast as the computer can; beyond, and on a jump
to a date, most of the time is passed over in leaps (leap.py). Ports go on working: characters come and go in bench
time, and between two leaps the meter has not much time for them.
"""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any

from tools.bench.leap import AWAKE_NS, GLANCE_NS, START_NS, STEADY_NS, leap
from tools.bench.process import FirmwareStopped

if TYPE_CHECKING:
    from tools.bench.bench import Bench

NS = 1_000_000_000
CALCULATED = 10.0  # up to this speed there is no leap
FASTEST = 3600.0
LAST_UTC = 3_155_759_999  # 2099-12-31 23:59:59, the clock chip's last second
_MAX_PAUSE_S = 0.05
_SLICE_S = 0.02  # of work between two looks at the ports
_BEHIND_S = 0.2  # what a slow computer lags is made up for, what it lags more is not


class RealTime:
    """The thread. `lock` is held while it works; `error` is what ended it, if anything did."""

    def __init__(self, bench: Bench) -> None:
        self.lock = threading.RLock()
        self.error: BaseException | None = None
        self._bench = bench
        self._stopping = threading.Event()
        self._thread = threading.Thread()  # replaced by `start`
        self._speed = 1.0
        self._goal_ns: int | None = None
        self._tied_ns = 0, 0  # the computer's time and bench time from which `_present` counts
        self._awake_ns = 0  # bench time of the next leap
        self._seen: tuple[Any, Any] = (None, None)  # firmware and mains at the last leap
        self._tie()

    def start(self) -> None:
        """Run the bench in a new thread, also after an error has ended the last one."""
        if not self._thread.is_alive():
            self.error = None
            self._thread = threading.Thread(target=self._run, name="bench", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def sleep(self, seconds: float) -> None:
        """Wait for bench time in the caller's thread; raises what ended the bench's thread, if it has ended."""
        world = self._bench.world
        end = world.now + round(seconds * NS)
        while True:
            if self.error is not None:
                raise FirmwareStopped(str(self.error)) from self.error
            left = end - world.now
            if left <= 0:
                return
            time.sleep(max(0.001, min(_MAX_PAUSE_S, left / NS / self._speed)))

    # --- faster ---------------------------------------------------------------------------------------------------

    @property
    def speed(self) -> float:
        """Bench seconds in a second, 1 to FASTEST; what the computer cannot do comes later."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        if not 1 <= factor <= FASTEST:
            raise ValueError(f"speed: {factor} is outside 1..{FASTEST:g}")
        with self.lock:
            self._speed = float(factor)
            self._tie()

    @property
    def goal(self) -> float | None:
        """Bench seconds at which the jump under way ends, None if there is none."""
        return None if self._goal_ns is None else self._goal_ns / NS

    def jump(self, utc: int) -> None:
        """Go to a UTC date (seconds since 2000) as fast as it goes, in leaps; returns at once. ValueError if past."""
        with self.lock:
            left = utc - self._bench.rtc.utc
            if left <= 0 or utc > LAST_UTC:
                raise ValueError("the meter's clock goes forward only, and to the end of 2099")
            self._goal_ns = self._bench.world.now + left * NS
            self._tie()

    def end_jump(self) -> None:
        """Stay where the jump under way has come to."""
        with self.lock:
            self._goal_ns = None
            self._tie()

    def _tie(self) -> None:
        """Let time go on from here, by the clock that fits."""
        self._bench.mcu.go_by(virtual=self._speed != 1 or self._goal_ns is not None)
        self._tied_ns = time.monotonic_ns(), self._bench.world.now

    def _present(self) -> int:
        """The bench time that it should be now."""
        clock, bench = self._tied_ns
        return bench + round((time.monotonic_ns() - clock) * self._speed)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                with self.lock:
                    timeout = self._work_ahead() if self._bench.mcu.virtual else self._work()
                readable = self._wait(timeout)
                with self.lock:
                    self._receive(readable)
        except Exception as error:  # told to whoever calls `sleep`
            self.error = error

    def _work(self) -> float:
        """Bring the world to the present and answer the firmware if its wait is over; seconds until more is to do."""
        bench = self._bench
        mcu, world = bench.mcu, bench.world
        now = self._present()
        if mcu.process is not None and mcu.waiting_until is not None:
            mcu.continue_wait(now)
        else:
            world.advance(now)
        world.settle()
        due = world.soonest
        if mcu.waiting_until is not None:
            due = min(due, mcu.waiting_until)
        return min(max(0.0, (due - now) / NS), _MAX_PAUSE_S)

    def _work_ahead(self) -> float:
        """Virtual time: calculate a slice of it, or leap; seconds until more is to do."""
        world = self._bench.world
        present = self._present()
        end = present if self._goal_ns is None else self._goal_ns
        if world.now >= end:
            if self._goal_ns is None:
                return min((world.now - end) / NS / self._speed, _MAX_PAUSE_S)
            self.end_jump()
            return 0.0
        if self._goal_ns is not None or self._speed > CALCULATED:
            end = self._leap(self._goal_ns or world.now + 60 * NS)
        self._calculate(end)
        if present - world.now > _BEHIND_S * self._speed * NS:
            self._tied_ns = time.monotonic_ns(), world.now
        return 0.001  # whoever waits for the lock gets it

    def _leap(self, end_ns: int) -> int:
        """Leap if it is time to, not past `end_ns`; bench time up to which the meter is awake now."""
        bench = self._bench
        now, seen = bench.world.now, (bench.mcu.process, bench.source.epoch)
        if seen != self._seen:
            self._awake_ns = now + (STEADY_NS if seen[0] is self._seen[0] else START_NS)
            self._seen = seen
        elif now >= self._awake_ns:
            leap(bench, end_ns)
            self._awake_ns = bench.world.now + (AWAKE_NS if self._goal_ns is None else GLANCE_NS)
        return min(self._awake_ns, max(end_ns, now))

    def _calculate(self, end_ns: int) -> None:
        mcu, world = self._bench.mcu, self._bench.world
        world.settle()
        until = time.monotonic() + _SLICE_S
        while world.now < end_ns and time.monotonic() < until:
            process = mcu.process
            if process is not None and mcu.waiting_until is None and not process.has_sent(_SLICE_S):
                break  # it has much to do, at its start for instance
            mcu.turn(end_ns)
        world.settle()

    def _wait(self, timeout: float) -> list[Any]:
        files: list[Any] = [end for uart in self._bench.uarts for end in uart.open_ends()]
        mcu = self._bench.mcu
        process = mcu.process
        if process is not None and not mcu.virtual:
            files.append(process)
        if not files:
            time.sleep(timeout)
            return []
        try:
            return select.select(files, [], [], timeout)[0]
        except (OSError, ValueError):  # a client or the process went away meanwhile
            return []

    def _receive(self, readable: list[Any]) -> None:
        mcu, world = self._bench.mcu, self._bench.world
        if not mcu.virtual:
            world.advance(self._present())
        for file in readable:
            if mcu.process is not None and file is mcu.process:
                mcu.receive()
            elif hasattr(file, "on_readable"):
                file.on_readable(world.now)
