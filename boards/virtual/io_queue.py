"""asyncio's queue of tasks that wait for streams; the waiting happens in the bench.

In place of MicroPython's own `IOQueue` and the `select.poll` behind it: one object without a map of its own for each of
them, because the meter comes through here twice for every waveform page.
"""

import micropython
from link import now, wait
from micropython import const

core = None  # asyncio.core, set by boot.py

_POLL = const(3)  # MP_STREAM_POLL request of the stream protocol
_IN = const(1)
_OUT = const(4)
_FOREVER = (1 << 63) - 1


class IOQueue:
    """Tasks that wait until a stream can be read or written. A stream is any object with the stream `ioctl`."""

    def __init__(self):
        self.map = []  # (the stream's ioctl, events, task), first come first served; asyncio asks whether it is empty

    def queue_read(self, stream) -> None:
        self._enqueue(stream, _IN)

    def queue_write(self, stream) -> None:
        self._enqueue(stream, _OUT)

    @micropython.native
    def _enqueue(self, stream, events: int) -> None:
        task = core.cur_task
        self.map.append((stream.ioctl, events, task))
        task.data = self  # whom to tell (`remove`) when the task is cancelled

    def remove(self, task) -> None:
        self.map = [waiting for waiting in self.map if waiting[2] is not task]

    @micropython.native
    def wait_io_event(self, timeout_ms: int) -> None:
        """Put tasks whose streams are ready on the task queue; wait for one for `timeout_ms` at most (-1: no limit)."""
        until = _FOREVER if timeout_ms < 0 else now() + timeout_ms * 1_000_000
        while not self._wake() and now() < until:
            wait(until)

    @micropython.native
    def _wake(self) -> bool:
        waiting = self.map
        woken = False
        n, end = 0, len(waiting)
        while n < end:
            ioctl, events, task = waiting[n]
            if ioctl(_POLL, events):
                del waiting[n]
                end -= 1
                core._task_queue.push(task)
                woken = True
            else:
                n += 1
        return woken
