"""select.poll for `asyncio` on the virtual board: waiting happens in the bench."""

import link
import micropython

_POLL = 3  # MP_STREAM_POLL request of the stream protocol
_FOREVER = (1 << 63) - 1


class Poller:
    """The four methods that asyncio's I/O queue uses; what waits is any object with the stream `ioctl`."""

    def __init__(self):
        self._streams = {}

    def register(self, stream, events: int) -> None:
        self._streams[id(stream)] = (stream, events)

    modify = register

    def unregister(self, stream) -> None:
        del self._streams[id(stream)]

    @micropython.native
    def ipoll(self, timeout_ms: int):
        """Ready (stream, events) pairs, after at most `timeout_ms` (-1: no limit)."""
        until = _FOREVER if timeout_ms < 0 else link.now() + timeout_ms * 1_000_000
        while True:
            ready = []
            for stream, events in self._streams.values():
                events = stream.ioctl(_POLL, events)
                if events:
                    ready.append((stream, events))
            if ready or link.now() >= until:
                return ready
            link.wait(until)
