"""asyncio's queue with a network: tasks wait for the bench's streams and for the computer's sockets at once.

In real time the bench is asked for a WAIT without end, and the operating system watches the wire together with the
sockets. What a socket brings, and what is due by the clock, is served without the bench's knowing; the WAIT stays
outstanding until an interrupt or a character ends it, or until the firmware needs the wire for something else.

In virtual time, when a live bench runs faster than the clock, the sockets are looked at before each wait: a waveform
page later at the latest, which is soon then.
"""

import select

import io_queue
import link
import micropython
from io_queue import _FOREVER, IOQueue
from link import now
from micropython import const

_IN_AND_OUT = const(5)
_ENDED = const(0x18)  # POLLERR, POLLHUP: whoever waits finds out by reading or writing
_MS = const(1_000_000)


def _not_here(_request: int, _flags: int) -> int:
    return 0


class SocketQueue(IOQueue):
    """As IOQueue, for sockets as well."""

    def __init__(self):
        super().__init__()
        self.map.append((_not_here, 0, None))  # never empty: asyncio goes on although all tasks wait for sockets
        self._sockets = []  # (socket, events, task)
        self._poller = select.poll()
        self._poller.register(link.fd_in, select.POLLIN)

    @micropython.native
    def _enqueue(self, stream, events: int) -> None:
        if hasattr(stream, "ioctl"):
            IOQueue._enqueue(self, stream, events)
            return
        task = io_queue.core.cur_task
        self._sockets.append((stream, events, task))
        self._watch(stream)
        task.data = self

    def remove(self, task) -> None:
        super().remove(task)
        for waiting in self._sockets:
            if waiting[2] is task:
                self._sockets.remove(waiting)
                self._watch(waiting[0])
                return

    @micropython.native
    def _watch(self, socket) -> None:
        """Have the operating system watch `socket` for what tasks wait for."""
        events = 0
        for waiting in self._sockets:
            if waiting[0] is socket:
                events |= waiting[1]
        if events:
            self._poller.register(socket, events)
        else:
            self._poller.unregister(socket)

    @micropython.native
    def wait_io_event(self, timeout_ms: int) -> None:
        """Put tasks whose streams or sockets are ready on the task queue; wait for one for `timeout_ms` at most."""
        if not link.is_real_time():
            self._wait_in_virtual_time(timeout_ms)
            return
        until = _FOREVER if timeout_ms < 0 else now() + timeout_ms * _MS
        if self._wake() or timeout_ms == 0:
            # A loop that never rests must get its messages out and learn of interrupts, too.
            if link.since_sync() > _MS and (link.unsent() or not link.outstanding()):
                link.start_wait(_FOREVER)
            self._poll(0)
            return
        while True:
            if link.unsent() or not link.outstanding():
                link.start_wait(_FOREVER)
                if self._wake():  # by the answer to the one before
                    return
            left_ms = -1 if timeout_ms < 0 else max(0, (until - now() + _MS - 1) // _MS)
            if self._poll(left_ms) or now() >= until:
                return

    def _wait_in_virtual_time(self, timeout_ms: int) -> None:
        if not self._poll(0):
            IOQueue.wait_io_event(self, timeout_ms)
            return
        if link.since_sync() > _MS:
            link.wait(now())
        self._wake()

    @micropython.native
    def _poll(self, timeout_ms: int) -> bool:
        """Wait for the wire or a socket; whether a task has been woken."""
        woken = False
        for ready, events in self._poller.ipoll(timeout_ms):
            if ready is link.fd_in:
                link.take_answer()
                woken |= self._wake()
            else:
                woken |= self._wake_waiting(ready, events | _IN_AND_OUT if events & _ENDED else events)
        return woken

    @micropython.native
    def _wake_waiting(self, socket, events: int) -> bool:
        waiting = self._sockets
        woken = False
        for n in range(len(waiting) - 1, -1, -1):
            if waiting[n][0] is socket and waiting[n][1] & events:
                io_queue.core._task_queue.push(waiting.pop(n)[2])
                woken = True
        self._watch(socket)
        return woken
