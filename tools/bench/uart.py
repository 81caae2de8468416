"""A serial line of the meter: its UART on one side, whoever is plugged in on the other, with bit timing between.

The meter's side is what `machine.UART` needs; the far side has any number of ends (uart_ends.py): a client in virtual
time, a pseudo-terminal, a TCP port. Times are bench ns.
"""

from __future__ import annotations

from tools.bench.uart_ends import End, PtyEnd, TcpEnd, VirtualEnd, WatchedEnd
from tools.bench.uart_wire import CharacterFault, Edges, Frame, Receiver, Sender

TO_METER, FROM_METER = "to_meter", "from_meter"

_NOTHING = 1 << 62


class UartLine:
    """One port of the meter. A bench device: `next_event`, `advance`, `power`.

    `rx_capacity` is the receive buffer of the microcontroller's driver (characters); what does not fit is lost and
    counted in `overruns`. The faults below are for tests.
    """

    def __init__(self, name: str = "optical", rx_capacity: int = 256) -> None:
        self.name, self.rx_capacity = name, rx_capacity
        self.now = 0
        self.baud, self.frame = 300, Frame()
        self.ends: list[End] = []
        self._wires: dict[End, tuple[Edges, Edges]] = {}  # of each end: to the meter, from the meter
        self.overruns = 0
        self._on = True
        self.received = bytearray()
        self._sender = Sender()
        self._receiver = Receiver(self.baud, self.frame)
        self._disturber = Sender()
        self._receiver.listen(self._disturber)
        self._reflection: Edges | None = None
        self._next = _NOTHING

    # --- the meter's side ----------------------------------------------------------------------------------------

    def configure(self, baud: int, bits: int, parity: int | None, stop: int, t_ns: int) -> None:
        """Set rate and frame (`parity` None, 0 even, 1 odd). What is being received or sent at this moment is lost."""
        self.advance(t_ns)
        self._sender.cut(t_ns)
        self.baud, self.frame = baud, Frame(bits, parity, stop)
        self._receiver.configure(self.baud, self.frame, t_ns)
        for end in self.ends:
            end.meter_configured()
        self.plan()

    def transmit(self, data: bytes, t_ns: int) -> None:
        """Send characters, back to back, from `t_ns` or from the end of what is still being sent."""
        if self._on:
            self._sender.send(data, t_ns, self.baud, self.frame)
            self.plan()

    def tx_idle_at(self, t_ns: int) -> int:
        """When the last stop bit is out; `t_ns` if it is already."""
        return max(t_ns, self._sender.busy_until)

    def receive_ready(self) -> int:
        """Number of characters that wait to be read."""
        return len(self.received)

    def read(self, n: int) -> bytes:
        """Up to `n` received characters."""
        data = bytes(self.received[:n])
        del self.received[:n]
        return data

    # --- the far side --------------------------------------------------------------------------------------------

    def attach(self, end: End) -> None:
        """Plug an end in."""
        self.ends.append(end)
        self._wires[end] = (self._receiver.listen(end.sender), end.receiver.listen(self._sender))
        end.attached(self)

    def detach(self, end: End) -> None:
        """Pull an end out; what it is sending or receiving is cut off."""
        to_meter, from_meter = self._wires.pop(end)
        self.ends.remove(end)
        self._receiver.ignore(end.sender, to_meter)
        end.receiver.ignore(self._sender, from_meter)
        self.plan()

    def open_ports(self, tcp_port: int = 0) -> tuple[PtyEnd, TcpEnd]:
        """Attach a pseudo-terminal (`path`) and a TCP port on 127.0.0.1 (`port`; 0 lets the system choose)."""
        pty, tcp = PtyEnd(), TcpEnd(tcp_port)
        self.attach(pty)
        self.attach(tcp)
        return pty, tcp

    def open_ends(self) -> list[WatchedEnd]:
        """The ends with a descriptor, which the bench must watch in real time."""
        return [end for end in self.ends if isinstance(end, WatchedEnd)]

    def close(self) -> None:
        """Pull out and close all ends."""
        for end in list(self.ends):
            self.detach(end)
            end.close()

    # --- device --------------------------------------------------------------------------------------------------

    def next_event(self) -> int | None:
        """When a character may next be complete at either side."""
        return None if self._next == _NOTHING else self._next

    def advance(self, t_ns: int) -> None:
        """Bring the line to `t_ns`: characters complete by then are in their receivers."""
        for end in self.ends:
            end.poll(t_ns)
        self.now = t_ns
        if t_ns < self._next:
            return
        received = self._receiver.advance(t_ns)
        if received and self._on:
            room = self.rx_capacity - len(self.received)
            self.received += received[:room]
            self.overruns += max(0, len(received) - room)
        for end in self.ends:
            data = end.receiver.advance(t_ns)
            if data:
                end.received(data)
        self.plan()

    def power(self, on: bool, t_ns: int) -> None:
        """Supply of the meter: without it nothing is sent and nothing heard, and the buffer is lost."""
        self.advance(t_ns)
        self._on = on
        self.received.clear()
        if not on:
            self._sender.cut(t_ns)
        self.plan()

    def plan(self) -> None:
        """Work out the next event anew: an end has written, or has changed its rate."""
        times = [r.next_event() for r in (self._receiver, *(end.receiver for end in self.ends))]
        self._next = min((t for t in times if t is not None), default=_NOTHING)

    # --- faults --------------------------------------------------------------------------------------------------

    def drop(self, direction: str, count: int = 1, skip: int = 0) -> None:
        """Lose `count` characters after `skip` good ones. `direction`: TO_METER or FROM_METER."""
        self._spoil(direction, CharacterFault(count, skip))

    def flip(self, direction: str, mask: int = 1, count: int = 1, skip: int = 0) -> None:
        """Invert the data bits in `mask` of `count` characters after `skip` good ones; an even number keeps parity."""
        self._spoil(direction, CharacterFault(count, skip, mask))

    def hold_break(self, duration_ns: int) -> None:
        """Light into the meter's receiver for `duration_ns` from now."""
        self._disturber.hold_low(max(self.now, self._disturber.busy_until), duration_ns)
        self.plan()

    def reflect(self, on: bool) -> None:
        """Whether the meter's own light comes back into its receiver."""
        if on and self._reflection is None:
            self._reflection = self._receiver.listen(self._sender)
        elif not on and self._reflection is not None:
            self._receiver.ignore(self._sender, self._reflection)
            self._reflection = None

    @property
    def meter_receiver(self) -> Receiver:
        """The meter's receiver, with its error counts."""
        return self._receiver

    def _spoil(self, direction: str, fault: CharacterFault) -> None:
        if direction == FROM_METER:
            self._sender.faults.append(fault)
        elif direction == TO_METER:
            for end in self.ends:
                end.sender.faults.append(CharacterFault(fault.count, fault.skip, fault.mask))
        else:
            raise ValueError(f"direction is {TO_METER!r} or {FROM_METER!r}")


__all__ = ["FROM_METER", "TO_METER", "End", "Frame", "PtyEnd", "TcpEnd", "UartLine", "VirtualEnd", "WatchedEnd"]
