"""The virtual microcontroller: serves the firmware's bus accesses (see boards/virtual/link.py for the wire).

The firmware's process leads; the world follows. Each message carries the firmware's local time: the world is brought
to it before the message is carried out. A WAIT lets the world run on to the next interrupt or character, or to the
time the firmware asked for.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tools.bench.gpio import Gpio
from tools.bench.process import DEFAULT_HEAP_KIB, FirmwareProcess, FirmwareStopped
from tools.bench.uart import UartLine
from tools.bench.world import NEVER, Device, World

PWRON_RESET, WDT_RESET, SOFT_RESET = 1, 3, 5

(PIN_WRITE, PIN_IRQ, SPI, I2C_WRITE, I2C_READ, UART_INIT, UART_WRITE, UART_READ) = range(1, 9)
(WAIT, HELLO, WDT, RESET, HEAP, SPI_READ) = range(9, 15)

_HEADER = struct.Struct("<BBHQ")
_HEADER_SIZE = _HEADER.size
_ANSWER = struct.Struct("<QIIBBH")
_REAL, _REPORT_HEAP = 1, 2
_FIFO = 256
_HASHED_AT_ONCE = 1 << 16  # bytes of transcript; in large pieces it is quicker


class SpiChip(Device, Protocol):
    """A chip on an SPI bus; in each call it first does by itself what was due by `t_ns`."""

    def select(self, t_ns: int) -> None:
        """The select pin falls."""

    def deselect(self, t_ns: int) -> None:
        """The select pin rises."""

    def exchange(self, data: bytes, t_ns: int) -> bytes:
        """Clock `data` in and the same number of bytes out."""


class I2cChip(Device, Protocol):
    """A chip on an I2C bus; the bench brings it to `t_ns` before each call."""

    def i2c_write(self, data: bytes, t_ns: int) -> int:
        """Number of bytes acknowledged, address included; 0 if the chip does not answer."""

    def i2c_read(self, n: int, t_ns: int) -> bytes:
        """`n` bytes."""


class Watchdog:
    """Restarts the firmware when it is not fed for `timeout_ns`."""

    def __init__(self) -> None:
        self.timeout_ns = 0
        self.due_ns = NEVER

    def start(self, timeout_ms: int, t_ns: int) -> None:
        self.timeout_ns = timeout_ms * 1_000_000
        self.feed(t_ns)

    def feed(self, t_ns: int) -> None:
        self.due_ns = t_ns + self.timeout_ns

    def stop(self) -> None:
        self.due_ns = NEVER


class Mcu:
    """Buses, pins, ports and the firmware process behind them.

    `heap` is the last heap report, (code bytes, data bytes); `transcript` is the hash of everything that has crossed
    the wire. `tcp_port` is where the firmware may listen on this computer; None: no network.
    """

    def __init__(
        self,
        world: World,
        gpio: Gpio,
        spi: Mapping[int, SpiBus],
        i2c: Mapping[int, Mapping[int, I2cChip]],
        uarts: Sequence[UartLine],
        *,
        virtual: bool,
        unique_id: bytes,
        heap_kib: int = DEFAULT_HEAP_KIB,
        tcp_port: int | None = None,
    ) -> None:
        self.world, self.gpio, self.spi, self.i2c, self.uarts = world, gpio, spi, i2c, uarts
        self.virtual, self.unique_id, self.heap_kib = virtual, unique_id, heap_kib
        self.tcp_port = tcp_port
        self.watchdog = Watchdog()
        self.process: FirmwareProcess | None = None
        self.heap = (0, 0)
        self.heap_high_water = 0
        self.report_heap = False
        self.restarts = 0
        self.started_ns = 0  # when the present firmware began
        self.waiting_until: int | None = None
        self.log = ""
        self._cause = PWRON_RESET
        self._ports = [(1 << n, uart.received) for n, uart in enumerate(uarts)]
        self._hash = hashlib.blake2b(digest_size=16)
        self._unhashed = bytearray()
        self._buffer = b""
        self._told = 0  # UARTs of which the firmware knows that bytes wait, one bit each

    # --- life -------------------------------------------------------------------------------------------------

    def start(self, cause: int = PWRON_RESET) -> None:
        """Power-on or reset: a new process."""
        self._cause = cause
        self.started_ns = self.world.now
        self.gpio.reset(self.world.now)
        self.watchdog.stop()
        self.waiting_until = None
        self._told = 0
        self._buffer = b""
        for bus in self.spi.values():
            bus.release(self.world.now)
        self.process = FirmwareProcess(self.heap_kib, self.tcp_port)

    def stop(self) -> None:
        """Power-off at this instant."""
        if self.process is None:
            return
        self.process.kill()
        self._keep_log()
        self.gpio.reset(self.world.now)

    def _restart(self, cause: int) -> None:
        self.stop()
        self.restarts += 1
        self.start(cause)

    def _keep_log(self) -> None:
        if self.process is not None:
            self.log += self.process.log
            self.process = None

    @property
    def transcript(self) -> str:
        """Hash of all messages and answers so far: equal for two runs that did the same at the same times."""
        self._hash.update(self._unhashed)
        self._unhashed.clear()
        return self._hash.hexdigest()

    # --- serving ----------------------------------------------------------------------------------------------

    def run_until(self, t_end: int) -> None:
        """Virtual time: serve the firmware and let the world follow until `t_end`."""
        self.world.settle()
        while self.world.now < t_end:
            self.turn(t_end)
        self.world.settle()

    def turn(self, t_end: int) -> None:
        """Virtual time: what comes next before `t_end`: serve what the firmware sends, or let the world go on."""
        if self.process is None:
            self.world.advance(t_end, lambda: self.process is not None)
        elif self.waiting_until is not None:
            self.continue_wait(t_end)
        else:
            self.receive()

    def go_by(self, virtual: bool) -> None:
        """Change over to virtual time or to real time. A firmware that waits is told at once."""
        if virtual != self.virtual:
            self.virtual = virtual
            if self.waiting_until is not None:
                self._end_wait()

    def stall(self, seconds: float) -> None:
        """Virtual time: the firmware stands still (a long garbage collection, say) while the world goes on."""
        self.rest()
        self.world.settle()
        self.world.advance(self.world.now + round(seconds * 1e9))

    def rest(self) -> None:
        """Virtual time: let the firmware do what it has begun, until it sleeps. A wait for the present, by which it
        looks at a pin, is no sleep."""
        while self.process is not None:
            if self.waiting_until is None:
                self.receive()
            elif self.waiting_until <= self.world.now:
                self.continue_wait(self.world.now)
            else:
                break

    def sleep(self, duration_ns: int) -> None:
        """Virtual time: as `stall`, of whole waits; the watchdog waits too."""
        self.rest()
        if self.watchdog.due_ns < NEVER:
            self.watchdog.due_ns += duration_ns
        self.world.settle()
        self.world.advance(self.world.now + duration_ns)

    def continue_wait(self, t_limit: int) -> None:
        """Let the world run while the firmware waits, up to `t_limit`; answer it if its wait is over."""
        assert self.waiting_until is not None
        process = self.process
        wake = self._wake()
        if not wake:
            target = min(self.waiting_until, t_limit, self.watchdog.due_ns)
            wake = self.world.advance(target, lambda: self._wake() or self.process is not process)
        if self.process is not process:
            return
        if self.world.now >= self.watchdog.due_ns:
            self._restart(WDT_RESET)
        elif wake or self.world.now >= self.waiting_until:
            self.waiting_until = None
            self._answer(b"")

    def receive(self) -> None:
        """Take what the firmware has sent (blocking) and carry it out."""
        assert self.process is not None
        data = self.process.receive()
        if not data:
            self._ended()
            return
        if self.virtual:
            self._unhashed += data
        self._buffer += data
        if self.waiting_until is not None:
            self._end_wait()
        self._serve_buffer()

    def _end_wait(self) -> None:
        """The firmware's wait is over early: in real time it has sent more, because its network had work for it."""
        self.waiting_until = None
        self._answer(b"")

    def _ended(self) -> None:
        assert self.process is not None
        self.process.close()
        status, tail = self.process.exit_status, self.process.log[-2000:]
        self._keep_log()
        raise FirmwareStopped(f"the firmware process ended by itself with status {status}; it printed:\n{tail}")

    def _serve_buffer(self) -> None:
        buffer, process, world, outputs = self._buffer, self.process, self.world, self.gpio.outputs
        start, filled = 0, len(buffer)
        while filled >= start + _HEADER_SIZE:
            op, argument, size, t = _HEADER.unpack_from(buffer, start)
            body = start + _HEADER_SIZE
            if filled < body + size:
                break
            start = body + size
            if t > world.now and self.virtual:
                if t >= self.watchdog.due_ns:
                    world.advance(self.watchdog.due_ns)
                    self._restart(WDT_RESET)
                    return
                if t < world.soonest:
                    world.now = t
                else:
                    world.advance(t)
                    if self.process is not process:
                        return  # the supply died before the message took effect
            if op == PIN_WRITE:
                if argument in outputs:
                    outputs[argument](buffer[body], world.now)
            else:
                self._serve(op, argument, buffer[body:start], world.now)
                if self.process is not process:
                    return
                if op == WAIT and start < filled:
                    self._end_wait()
        self._buffer = buffer[start:]

    def _serve(self, op: int, argument: int, payload: bytes, t: int) -> None:
        if op == SPI_READ:
            self._answer(self.spi[argument].exchange(bytes(payload[0] + 256 * payload[1]), t))
        elif op == SPI:
            if argument & 0x80:
                self.spi[argument & 0x7F].exchange(payload, t)
            else:
                self._answer(self.spi[argument].exchange(payload, t))
        elif op == WAIT:
            self.waiting_until = int.from_bytes(payload, "little")
        elif op == I2C_WRITE:
            self._answer(bytes([self._i2c_write(argument, payload[0], payload[1:], t)]))
        elif op == I2C_READ:
            data = self._i2c_read(argument, payload[0], payload[1], t)
            self._answer(b"\x01" + data if len(data) == payload[1] else bytes(payload[1] + 1))
        else:
            self._serve_rare(op, argument, payload, t)

    def _i2c_write(self, bus: int, address: int, data: bytes, t: int) -> int:
        chip = self.i2c[bus].get(address)
        if chip is None:
            return 0
        chip.advance(t)
        acked = chip.i2c_write(data, t)
        self.world.touch(chip)
        return acked

    def _i2c_read(self, bus: int, address: int, size: int, t: int) -> bytes:
        chip = self.i2c[bus].get(address)
        if chip is None:
            return b""
        chip.advance(t)
        data = chip.i2c_read(size, t)
        self.world.touch(chip)
        return data

    def _serve_rare(self, op: int, argument: int, payload: bytes, t: int) -> None:
        if op in (UART_INIT, UART_WRITE, UART_READ):
            self._serve_uart(op, self.uarts[argument], payload, t)
        elif op == PIN_IRQ:
            self.gpio.set_trigger(argument, payload[0])
        elif op == HELLO:
            self._answer(self.unique_id + bytes([self._cause]), greeting=True)
        elif op == WDT and argument:
            self.watchdog.start(int.from_bytes(payload, "little"), t)
        elif op == WDT:
            self.watchdog.feed(t)
        elif op == RESET:
            self._restart(SOFT_RESET)
        elif op == HEAP:
            self.heap = struct.unpack("<II", payload)
            self.heap_high_water = max(self.heap_high_water, self.heap[1])
        else:
            raise ValueError(f"unknown message {op} from the firmware")

    def _serve_uart(self, op: int, uart: UartLine, payload: bytes, t: int) -> None:
        uart.advance(t)
        if op == UART_INIT:
            baud, bits, parity, stop = struct.unpack("<IBBB", payload)
            uart.configure(baud, bits, None if parity == 2 else parity, stop, t)
        elif op == UART_WRITE:
            uart.transmit(payload, t)
        else:
            data = uart.read(_FIFO)
            self._answer((len(data).to_bytes(2, "little") + data).ljust(_FIFO + 2, b"\0"))
        self.world.touch(uart)

    def _wake(self) -> bool:
        """Whether there is news: an edge, or a port has received since the firmware was last told of it."""
        return self.gpio.edges != 0 or self._waiting() & ~self._told != 0

    def _waiting(self) -> int:
        """Ports with received bytes, one bit each."""
        mask = 0
        for bit, received in self._ports:
            if received:
                mask |= bit
        return mask

    def _answer(self, payload: bytes, greeting: bool = False) -> None:
        assert self.process is not None
        gpio, flags = self.gpio, 0 if self.virtual else _REAL
        self._told = self._waiting()
        if self.report_heap and not greeting:
            flags, self.report_heap = flags | _REPORT_HEAP, False
        edges, gpio.edges = gpio.edges, 0
        answer = _ANSWER.pack(self.world.now, gpio.levels, edges, self._told, flags, len(payload)) + payload
        if self.virtual:
            self._unhashed += answer
            if len(self._unhashed) >= _HASHED_AT_ONCE:
                self._hash.update(self._unhashed)
                self._unhashed.clear()
        try:
            self.process.send(answer)
        except BrokenPipeError:
            self._ended()


class SpiBus:
    """Chips on one bus with their selects; nobody selected reads as pulled up."""

    def __init__(self, world: World) -> None:
        self._touch = world.touch
        self._selected: list[SpiChip] = []

    def select(self, chip: SpiChip) -> Callable[[int, int], None]:
        """A drive function for the chip's active-low select pin."""
        selected = self._selected

        def drive(level: int, t_ns: int) -> None:
            if not level:
                if chip not in selected:
                    selected.append(chip)
                    chip.select(t_ns)
            elif chip in selected:
                selected.remove(chip)
                chip.deselect(t_ns)

        return drive

    def exchange(self, data: bytes, t_ns: int) -> bytes:
        for chip in self._selected:
            answer = chip.exchange(data, t_ns)
            self._touch(chip)
        return answer if self._selected else b"\xff" * len(data)

    def release(self, t_ns: int) -> None:
        """The microcontroller has restarted: its pins float and the pull-ups deselect every chip."""
        while self._selected:
            self._selected.pop().deselect(t_ns)
