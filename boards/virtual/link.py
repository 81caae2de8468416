"""The wire between this process and the bench: every bus access of the virtual board goes through here.

The bench owns the hardware and the time. The board sends messages, each with its own local time in bench nanoseconds;
those that need an answer (a *sync*) also learn the bench's time, the input pin levels, the interrupt edges since the
last sync and which UARTs have received. Messages without an answer are posted: they wait in the output buffer and
travel with the next sync, in order.

The board sleeps with a WAIT, which is a sync like any other. In real time it need not read the answer at once: it
waits for the computer's sockets too (socket_queue.py), and serves them while the WAIT is outstanding at the bench.
Whatever it sends ends the outstanding WAIT: the bench answers that first.

Two clocks; each answer says which one holds from there. In real time the local clock runs by itself between syncs. In
virtual time it moves only when a bus is busy, when a clock is read (a reading costs 1 us, so that a loop that polls the
clock ends) and when the board waits.

Message: op u8, argument u8, length u16, time u64, then `length` bytes. All little-endian.
Answer:  time u64, pin levels u32, pin edges u32, UARTs with received bytes u8, flags u8, length u16, then the bytes.
"""

import gc
import sys
from struct import pack_into

import micropython
from micropython import const

# The messages that start here; the other numbers are in machine.py, all of them in the bench's mcu.py
_PIN_IRQ = const(2)
_WAIT = const(9)
_HELLO = const(10)
_HEAP = const(13)

_HEADER = const(12)
_HEAD = const(20)  # of an answer
_STALE_NS = const(5000)
_CLOCK_READ_NS = const(1000)
_FLAG_REAL = const(1)
_FLAG_REPORT_HEAP = const(2)

# This is the innermost loop of the virtual meter. What changes with every message is therefore not in Python objects
# but in one block of memory, where viper code gets at it without look-ups and allocations. That needs a host whose
# viper integers hold a time (64 bits) and which stores words at any address: x86-64.
#
# The block in words of 32 bits; a time is two of them, the lower first:
_FILL = const(0)  # bytes in the output buffer
_REAL = const(1)  # 1: real time, 0: virtual time
_SYNCED = const(2)  # local time of the last sync, ns
_OUTSTANDING = const(4)  # 1: the answer to a WAIT has not been read yet (real time only)
_ANSWER = const(5)  # the last answer as it was read, beginning with:
_NOW = const(5)  # the bench's time, which goes on from there as the local time, ns
_LEVELS = const(7)  # input pin levels, one bit a pin
_EDGES = const(8)
# The block in bytes:
_RECEIVED = const(36)  # UARTs with bytes waiting in the bench, one bit each
_FLAGS = const(37)
_OUT = const(4096)  # the output buffer
_END = const(12288)

_memory = bytearray(_END)
_answer = memoryview(_memory)[4 * _ANSWER : _OUT]
_views: dict = {}  # size -> view of an answer's payload of that many bytes, made once

fd_in = int(sys.argv[1])  # readable when an answer has come
_read_answer = open(fd_in, "rb").readinto
_write = open(int(sys.argv[2]), "wb").write

_on_edge: dict = {}  # pin number -> (function to call, its argument)
_until = bytearray(8)
_len = len  # a built-in is found only after a search among the globals
_code_bytes = 0  # heap taken by code, for the heap report

_real_us = None  # set by time.py: the machine's own microsecond counter
_real_base = 0  # real microseconds at the last sync (real-time mode)


@micropython.viper
def now() -> int:
    """Local time in bench ns, without the cost of a clock reading."""
    memory = ptr32(_memory)
    if memory[_REAL]:
        _follow_real_time()
    return memory[_NOW] | memory[_NOW + 1] << 32


@micropython.viper
def spend(ns: int):
    """Let `ns` of bus time pass (virtual time; in real time the bus is not slowed down)."""
    memory = ptr32(_memory)
    if not memory[_REAL]:
        ns += memory[_NOW] | memory[_NOW + 1] << 32
        memory[_NOW] = ns
        memory[_NOW + 1] = ns >> 32


@micropython.viper
def read_clock() -> int:
    """Local time in bench ns, as a program reads it: in virtual time every reading costs 1 us."""
    memory = ptr32(_memory)
    if memory[_REAL]:
        return int(now())
    t = (memory[_NOW] | memory[_NOW + 1] << 32) + _CLOCK_READ_NS
    memory[_NOW] = t
    memory[_NOW + 1] = t >> 32
    return t


@micropython.viper
def _follow_real_time():
    """Bring local time up to date in real time."""
    memory = ptr32(_memory)
    t = (memory[_SYNCED] | memory[_SYNCED + 1] << 32) + int(_real_us() - _real_base) * 1000
    memory[_NOW] = t
    memory[_NOW + 1] = t >> 32


@micropython.viper
def post(kind: int, byte_ns: int, payload):
    """Queue a message that needs no answer. `kind`: op | argument << 8. `payload` is bytes-like, of at most 4 KiB.

    Before it is sent, `byte_ns` of bus time pass for each byte of the payload, as in `spend`.
    """
    memory = ptr32(_memory)
    size = int(_len(payload))
    if _OUT + memory[_FILL] + _HEADER + size > _END:
        _flush()
    if memory[_REAL]:
        _follow_real_time()
    else:
        t = (memory[_NOW] | memory[_NOW + 1] << 32) + byte_ns * size
        memory[_NOW] = t
        memory[_NOW + 1] = t >> 32
    at = int(memory) + _OUT + memory[_FILL]
    memory[_FILL] = memory[_FILL] + _HEADER + size
    message = ptr32(at)
    message[0] = kind | size << 16
    message[1] = memory[_NOW]
    message[2] = memory[_NOW + 1]
    to = ptr8(at + _HEADER)
    source = ptr8(payload)
    n = 0
    while n < size:
        to[n] = source[n]
        n += 1


@micropython.native
def sync(kind: int, byte_ns: int, payload, answer_size: int):
    """As `post`; returns a view of the `answer_size` bytes of the answer (valid until the next sync)."""
    post(kind, byte_ns, payload)
    _collect(answer_size)
    return _views.get(answer_size) or _make_view(answer_size)


@micropython.viper
def wait(until: int):
    """Sleep until bench time `until` (ns) or until an interrupt edge or a received character, whichever is first."""
    payload = ptr32(_until)
    payload[0] = until
    payload[1] = until >> 32
    post(_WAIT, 0, _until)
    _collect(0)


@micropython.viper
def start_wait(until: int):
    """Real time: as `wait`, but return at once. `fd_in` is readable when the wait is over, then `take_answer`."""
    memory = ptr32(_memory)
    payload = ptr32(_until)
    payload[0] = until
    payload[1] = until >> 32
    post(_WAIT, 0, _until)
    _flush()
    if memory[_OUTSTANDING]:
        take_answer()
    memory[_OUTSTANDING] = 1


def take_answer() -> None:
    """Read the answer to the outstanding WAIT (blocking). It may have lain here: local time does not go back to it."""
    before = now()
    _memory[4 * _OUTSTANDING] = 0
    _collect(0)
    if now() < before:
        pack_into("<Q", _memory, 4 * _NOW, before)
        _memory[4 * _SYNCED : 4 * _SYNCED + 8] = _memory[4 * _NOW : 4 * _NOW + 8]
        _note_real_time()


@micropython.viper
def outstanding() -> int:
    """1 if there is a WAIT whose answer has not been read yet."""
    return ptr32(_memory)[_OUTSTANDING]


@micropython.viper
def unsent() -> int:
    """Bytes of posted messages that have not been sent yet."""
    return ptr32(_memory)[_FILL]


@micropython.viper
def since_sync() -> int:
    """Local time since the last answer, ns: how old the input levels and edges are."""
    memory = ptr32(_memory)
    return int(now()) - (memory[_SYNCED] | memory[_SYNCED + 1] << 32)


def is_real_time() -> bool:
    """Whether the clock is the computer's, as the last answer told."""
    return _memory[4 * _REAL] == 1


@micropython.viper
def input_level(pin: int) -> int:
    """Level of an input pin, as of the last sync if that was just now."""
    memory = ptr32(_memory)
    t = int(now())
    if t - (memory[_SYNCED] | memory[_SYNCED + 1] << 32) >= _STALE_NS:
        wait(t)
    return (memory[_LEVELS] >> pin) & 1


@micropython.viper
def received(uart: int) -> int:
    """1 if bytes for this UART wait in the bench."""
    return (ptr8(_memory)[_RECEIVED] >> uart) & 1


def hello():
    """Greet the bench; learns the time and its kind. Returns (unique id 8 bytes, reset cause)."""
    post(_HELLO, 0, b"")
    _collect(9)
    answer = _make_view(9)
    return bytes(answer[:8]), answer[8]


def on_edge(pin: int, trigger: int, handler, argument) -> None:
    """Have `handler(argument)` called after every edge of `pin` that matches `trigger` (1 fall, 2 rise, 3 both)."""
    if handler is None:
        trigger = 0
        _on_edge.pop(pin, None)
    else:
        _on_edge[pin] = (handler, argument)
    post(_PIN_IRQ | pin << 8, 0, bytes((trigger,)))


def code_is_loaded() -> None:
    """Take the present heap use as that of code; what comes on top is data."""
    global _code_bytes
    gc.collect()
    _code_bytes = gc.mem_alloc()


@micropython.viper
def _flush():
    memory = ptr32(_memory)
    try:
        _write(_memory, _OUT, memory[_FILL])
    except OSError:
        sys.exit(0)  # as in _collect; an OSError would pass for a chip that does not answer
    memory[_FILL] = 0


@micropython.viper
def _collect(size: int):
    memory = ptr32(_memory)
    _flush()
    if memory[_OUTSTANDING]:
        take_answer()
    total = _HEAD + size
    if int(_read_answer(_answer, total)) != total:
        sys.exit(0)  # the bench has gone: the supply is off
    memory[_SYNCED] = memory[_NOW]
    memory[_SYNCED + 1] = memory[_NOW + 1]
    memory[_REAL] = ptr8(_memory)[_FLAGS] & _FLAG_REAL
    if memory[_REAL]:
        _note_real_time()
    if ptr8(_memory)[_FLAGS] & _FLAG_REPORT_HEAP:
        _report_heap()
    if memory[_EDGES]:
        _call_edge_handlers(memory[_EDGES])


@micropython.native
def _call_edge_handlers(edges: int) -> None:
    for pin in _on_edge:
        if edges >> pin & 1:
            handler, argument = _on_edge[pin]
            handler(argument)


def _note_real_time() -> None:
    global _real_base
    _real_base = _real_us()


def _make_view(size: int):
    view = _views[size] = _answer[_HEAD : _HEAD + size]
    return view


def _report_heap() -> None:
    gc.collect()
    buf = bytearray(8)
    pack_into("<II", buf, 0, _code_bytes, max(0, gc.mem_alloc() - _code_bytes))
    post(_HEAP, 0, buf)
