"""The wire between this process and the bench: every bus access of the virtual board goes through here.

The bench owns the hardware and the time. The board sends messages, each with its own local time in bench nanoseconds;
those that need an answer (a *sync*) also learn the bench's time, the input pin levels, the interrupt edges since the
last sync and which UARTs have received. Messages without an answer are posted: they wait in the output buffer and
travel with the next sync, in order.

Two clocks, told apart by the bench's greeting. In real time the local clock runs by itself between syncs. In virtual
time it moves only when a bus is busy, when a clock is read (a reading costs 1 us, so that a loop that polls the clock
ends) and when the board waits.

Message: op u8, argument u8, length u16, time u64, then `length` bytes. All little-endian.
Answer:  time u64, pin levels u32, pin edges u32, UARTs with received bytes u8, flags u8, length u16, then the bytes.
"""

import gc
import sys
from struct import pack_into

import micropython
import uctypes
from micropython import const

# The messages that start here; the other numbers are in machine.py, all of them in the bench's mcu.py
_PIN_IRQ = const(2)
_WAIT = const(9)
_HELLO = const(10)
_HEAP = const(13)

_HEADER = const(12)
_ANSWER = const(20)
_STALE_NS = const(5000)
_CLOCK_READ_NS = const(1000)
_FLAG_VIRTUAL = const(1)
_FLAG_REPORT_HEAP = const(2)

_from_bench = open(int(sys.argv[1]), "rb")
_to_bench = open(int(sys.argv[2]), "wb")
_out = bytearray(8192)
_in = bytearray(4096)
_in_view = memoryview(_in)
# The answer's head, field by field: struct.unpack would make a tuple of several heap blocks, which MicroPython's
# allocator finds room for only after a long search. This is the innermost loop of the virtual meter.
_head = uctypes.struct(
    uctypes.addressof(_in),
    {
        "time": uctypes.UINT64 | 0,
        "levels": uctypes.UINT32 | 8,
        "edges": uctypes.UINT32 | 12,
        "received": uctypes.UINT8 | 16,
        "flags": uctypes.UINT8 | 17,
    },
    uctypes.LITTLE_ENDIAN,
)
_fill = 0

virtual = True
levels = 0  # input pin levels, one bit a pin
uart_received = 0  # UARTs with bytes waiting in the bench, one bit each
_now = 0  # local time, ns
_synced = 0  # local time of the last sync, ns
_real_base = 0  # real microseconds at the last sync (real-time mode)
_on_edge = {}  # pin number -> function to call
_until = bytearray(8)
_views = {}  # answer size -> view of that many payload bytes of _in, made once
_code_bytes = 0  # heap taken by code, for the heap report

_real_us = None  # set by time.py: the machine's own microsecond counter


@micropython.native
def now() -> int:
    """Local time in bench ns, without the cost of a clock reading."""
    if virtual:
        return _now
    return _synced + (_real_us() - _real_base) * 1000


@micropython.native
def read_clock() -> int:
    """Local time in bench ns, as a program reads it: in virtual time every reading costs 1 us."""
    global _now
    if virtual:
        _now += _CLOCK_READ_NS
        return _now
    return now()


@micropython.native
def spend(ns: int) -> None:
    """Let `ns` of bus time pass (virtual time; in real time the bus is not slowed down)."""
    global _now
    if virtual:
        _now += ns


@micropython.viper
def _put(out: ptr8, at: int, head: int, t: int, payload: ptr8) -> int:
    """Write a message at `at`; where it ends. `head`: op, argument << 8, length << 16. Needs 64-bit integers."""
    n = 0
    while n < 4:
        out[at + n] = head >> (8 * n)
        n += 1
    while n < 12:
        out[at + n] = t >> (8 * (n - 4))
        n += 1
    at += 12
    size = head >> 16
    n = 0
    while n < size:
        out[at + n] = payload[n]
        n += 1
    return at + size


@micropython.native
def post(op: int, argument: int, payload) -> None:
    """Queue a message that needs no answer. `payload` is bytes-like, of at most 4 KiB."""
    global _fill
    size = len(payload)
    if _fill + _HEADER + size > len(_out):
        _flush()
    _fill = _put(_out, _fill, op | argument << 8 | size << 16, now(), payload)


@micropython.native
def sync(op: int, argument: int, payload, answer_size: int):
    """Send a message and return a view of its answer's `answer_size` bytes (valid until the next sync)."""
    post(op, argument, payload)
    return _collect(answer_size)


@micropython.native
def refresh() -> None:
    """Bring pin levels up to date if local time has moved on since the last sync."""
    if now() - _synced >= _STALE_NS:
        wait(now())


@micropython.native
def wait(until: int) -> None:
    """Sleep until bench time `until` (ns) or until an interrupt edge or a received character, whichever is first."""
    pack_into("<Q", _until, 0, until)
    sync(_WAIT, 0, _until, 0)


def hello():
    """Greet the bench; learns the time and its kind. Returns (unique id 8 bytes, reset cause)."""
    global virtual
    post(_HELLO, 0, b"")
    answer = _collect(9, True)
    return bytes(answer[:8]), answer[8]


def on_edge(pin: int, trigger: int, handler) -> None:
    """Have `handler()` called after every edge of `pin` that matches `trigger` (1 falling, 2 rising, 3 both)."""
    if handler is None:
        trigger = 0
        _on_edge.pop(pin, None)
    else:
        _on_edge[pin] = handler
    post(_PIN_IRQ, pin, bytes((trigger,)))


def code_is_loaded() -> None:
    """Take the present heap use as that of code; what comes on top is data."""
    global _code_bytes
    gc.collect()
    _code_bytes = gc.mem_alloc()


def _flush() -> None:
    global _fill
    try:
        _to_bench.write(_out, _fill)
    except OSError:
        sys.exit(0)  # as in _collect; an OSError would pass for a chip that does not answer
    _fill = 0


@micropython.native
def _collect(size: int, greeting: bool = False):
    global _now, _synced, _real_base, levels, uart_received, virtual
    _flush()
    total = _ANSWER + size
    if _from_bench.readinto(_in, total) != total:
        sys.exit(0)  # the bench has gone: the supply is off
    t, flags = _head.time, _head.flags
    levels, uart_received = _head.levels, _head.received
    if greeting:
        virtual = bool(flags & _FLAG_VIRTUAL)
    if virtual:
        _now = t
    else:
        _real_base = _real_us()
    _synced = t
    answer = _view(size)
    if flags & _FLAG_REPORT_HEAP:
        _report_heap()
    if edges := _head.edges:
        for pin, handler in _on_edge.items():
            if edges >> pin & 1:
                handler()
    return answer


def _view(size: int):
    view = _views.get(size)
    if view is None:
        view = _views[size] = _in_view[_ANSWER : _ANSWER + size]
    return view


def _report_heap() -> None:
    gc.collect()
    buf = bytearray(8)
    pack_into("<II", buf, 0, _code_bytes, max(0, gc.mem_alloc() - _code_bytes))
    post(_HEAP, 0, buf)
