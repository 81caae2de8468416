"""Real time: the bench runs in a thread of its own, tied to the computer's clock, and serves the meter's ports."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any

from tools.bench.process import FirmwareStopped

if TYPE_CHECKING:
    from tools.bench.bench import Bench

NS = 1_000_000_000
_MAX_PAUSE_S = 0.05


class RealTime:
    """The thread. `lock` is held while it works; `error` is what ended it, if anything did."""

    def __init__(self, bench: Bench) -> None:
        self.lock = threading.RLock()
        self.error: BaseException | None = None
        self._bench = bench
        self._stopping = threading.Event()
        self._thread = threading.Thread()  # replaced by `start`
        self._offset_ns = bench.world.now - time.monotonic_ns()

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
        """Wait in the caller's thread; raises what ended the bench's thread, if it has ended."""
        end = time.monotonic() + seconds
        while True:
            if self.error is not None:
                raise FirmwareStopped(str(self.error)) from self.error
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(0.05, left))

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                with self.lock:
                    timeout = self._work()
                readable = self._wait(timeout)
                with self.lock:
                    self._receive(readable)
        except Exception as error:  # told to whoever calls `sleep`
            self.error = error

    def _work(self) -> float:
        """Bring the world to the present and answer the firmware if its wait is over; seconds until more is to do."""
        bench = self._bench
        mcu, world = bench.mcu, bench.world
        now = time.monotonic_ns() + self._offset_ns
        if mcu.process is not None and mcu.waiting_until is not None:
            mcu.continue_wait(now)
        else:
            world.advance(now)
        world.settle()
        due = world.soonest
        if mcu.waiting_until is not None:
            due = min(due, mcu.waiting_until)
        return min(max(0.0, (due - now) / NS), _MAX_PAUSE_S)

    def _wait(self, timeout: float) -> list[Any]:
        files: list[Any] = [end for uart in self._bench.uarts for end in uart.open_ends()]
        process = self._bench.mcu.process
        if process is not None:
            files.append(process)
        if not files:
            time.sleep(timeout)
            return []
        try:
            return select.select(files, [], [], timeout)[0]
        except (OSError, ValueError):  # a client or the process went away meanwhile
            return []

    def _receive(self, readable: list[Any]) -> None:
        mcu = self._bench.mcu
        now = time.monotonic_ns() + self._offset_ns
        self._bench.world.advance(now)
        for file in readable:
            if mcu.process is not None and file is mcu.process:
                mcu.receive()
            elif hasattr(file, "on_readable"):
                file.on_readable(now)
