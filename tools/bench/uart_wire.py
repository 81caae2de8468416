"""Asynchronous characters as levels on a wire: what a sender puts there, and what a receiver makes of it.

Nothing is passed on as a byte: a sender draws edges at its own rate, a receiver samples them at its own, as hardware
does. So a wrong rate or frame gives what it gives in reality. Levels: 1 = mark (idle, dark), 0 = space.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    """Form of a character: data bits, parity as in machine.UART (None, 0 even, 1 odd), stop bits."""

    bits: int = 7
    parity: int | None = 0
    stop: int = 1

    @classmethod
    def parse(cls, text: str) -> Frame:
        """From the usual short form, such as "7E1" or "8N1"."""
        return cls(int(text[0]), {"N": None, "E": 0, "O": 1}[text[1]], int(text[2]))

    @property
    def length(self) -> int:
        """Bits on the wire, start and stop included."""
        return 1 + self.bits + (self.parity is not None) + self.stop

    def parity_bit(self, value: int) -> int:
        """Parity bit of a character (0 where there is none)."""
        return (value.bit_count() + self.parity) & 1 if self.parity is not None else 0

    def levels(self, value: int) -> list[int]:
        """Levels of a character from start bit to stop bits, least significant data bit first."""
        data = [value >> n & 1 for n in range(self.bits)]
        parity = [] if self.parity is None else [self.parity_bit(value & (1 << self.bits) - 1)]
        return [0, *data, *parity, *[1] * self.stop]


@dataclass
class CharacterFault:
    """Lets `skip` characters pass, then loses `count`, or inverts their data bits in `mask` (the parity bit stays)."""

    count: int
    skip: int = 0
    mask: int | None = None  # None: the character is lost


class Sender:
    """One transmitter, on one or several wires. Times are bench ns."""

    def __init__(self) -> None:
        self.busy_until = 0
        self.faults: list[CharacterFault] = []
        self._wires: list[Edges] = []

    def join(self, edges: Edges) -> None:
        """Also drive this wire."""
        self._wires.append(edges)

    def leave(self, edges: Edges) -> None:
        """Drive this wire no longer."""
        self._wires.remove(edges)

    def send(self, data: bytes, t_ns: int, baud: int, frame: Frame) -> None:
        """Append characters, back to back, from `t_ns` or the end of what is still under way."""
        start = max(t_ns, self.busy_until)
        bit = 0
        for value in data:
            levels = self._spoil(frame.levels(value), frame)
            self._draw(levels, start, bit, baud)
            bit += frame.length
        self.busy_until = start + bit * SECOND_NS // baud

    def hold_low(self, t_ns: int, duration_ns: int) -> None:
        """A break: the wire is at space for `duration_ns`."""
        for edges in self._wires:
            edges.extend([(t_ns, 0), (t_ns + duration_ns, 1)])
        self.busy_until = max(self.busy_until, t_ns + duration_ns)

    def cut(self, t_ns: int) -> None:
        """The transmitter loses its supply: its wires go to mark at once."""
        for edges in self._wires:
            edges.cut(t_ns)
        self.busy_until = min(self.busy_until, t_ns)

    def _draw(self, levels: Iterable[int], start: int, bit: int, baud: int) -> None:
        before, edges = 1, []
        for n, level in enumerate(levels, bit):
            if level != before:
                edges.append((start + n * SECOND_NS // baud, level))
            before = level
        for wire in self._wires:
            wire.extend(edges)

    def _spoil(self, levels: list[int], frame: Frame) -> list[int]:
        if not self.faults:
            return levels
        fault = self.faults[0]
        if fault.skip:
            fault.skip -= 1
            return levels
        fault.count -= 1
        if fault.count <= 0:
            self.faults.pop(0)
        if fault.mask is None:
            return [1] * len(levels)
        return [level ^ (fault.mask >> n - 1 & 1 if 1 <= n <= frame.bits else 0) for n, level in enumerate(levels)]


class Edges:
    """The coming edges of one sender on one wire, in order, as (ns, level)."""

    def __init__(self) -> None:
        self.coming: deque[tuple[int, int]] = deque()
        self.level = 1

    def extend(self, edges: Iterable[tuple[int, int]]) -> None:
        """Append edges, each later than those before."""
        self.coming.extend(edges)

    def cut(self, t_ns: int) -> None:
        """Drop what comes after `t_ns` and end at mark."""
        while self.coming and self.coming[-1][0] > t_ns:
            self.coming.pop()
        if (self.coming[-1][1] if self.coming else self.level) == 0:
            self.coming.append((t_ns, 1))


class Receiver:
    """A UART receiver on a wire that several senders may pull low.

    A falling edge starts a character; start, data, parity and stop bits are sampled in their middles; the character is
    there at the end of its stop bits. A bad stop bit loses the character. A parity error loses it too, unless
    `deliver_bad_parity` is set, as on receivers whose driver ignores the error flags. Both are counted.
    """

    def __init__(self, baud: int, frame: Frame) -> None:
        self.baud, self.frame = baud, frame
        self.deliver_bad_parity = False
        self.framing_errors = 0
        self.parity_errors = 0
        self._sources: list[Edges] = []
        self._edges: deque[tuple[int, int]] = deque()  # of the wire as a whole, up to now
        self._wire_level = 1  # after the last of _edges
        self._level = 1  # where sampling has got to
        self._start: int | None = None

    def listen(self, sender: Sender) -> Edges:
        """Put `sender` on this receiver's wire. The result can be given to `ignore`."""
        edges = Edges()
        sender.join(edges)
        self._sources.append(edges)
        return edges

    def ignore(self, sender: Sender, edges: Edges) -> None:
        """Take a sender off the wire."""
        sender.leave(edges)
        self._sources.remove(edges)
        self._start = None

    def configure(self, baud: int, frame: Frame, t_ns: int) -> None:
        """New rate and frame from `t_ns`; a character under way is lost."""
        self._merge(t_ns - 1)
        self._edges.clear()
        self._level = self._wire_level
        self._start = None
        self.baud, self.frame = baud, frame

    def next_event(self) -> int | None:
        """A time before which no character can be complete, None if nothing is coming."""
        if self._start is not None:
            return self._bit_end(self._start, self.frame.length)
        soonest = None
        for source in self._sources:
            if source.coming:
                t, level = source.coming[0]
                if level == 0:
                    t = self._bit_end(t, self.frame.length)
                soonest = t if soonest is None else min(soonest, t)
        return soonest

    def advance(self, t_ns: int) -> bytes:
        """Characters that were complete by `t_ns` and have not been returned yet."""
        self._merge(t_ns)
        received = bytearray()
        while True:
            if self._start is None:
                self._start = self._next_fall()
            if self._start is None or self._bit_end(self._start, self.frame.length) > t_ns:
                return bytes(received)
            value = self._character(self._start)
            self._start = None
            if value is not None:
                received.append(value)

    def _bit_end(self, start: int, bits: int) -> int:
        return start + bits * SECOND_NS // self.baud

    def _merge(self, t_ns: int) -> None:
        while True:
            due = [s for s in self._sources if s.coming and s.coming[0][0] <= t_ns]
            if not due:
                return
            source = min(due, key=lambda s: s.coming[0][0])
            t, source.level = source.coming.popleft()
            level = min(s.level for s in self._sources)
            if level != self._wire_level:
                self._wire_level = level
                self._edges.append((t, level))

    def _next_fall(self) -> int | None:
        while self._edges:
            t, self._level = self._edges.popleft()
            if self._level == 0:
                return t
        return None

    def _sample(self, start: int, bit: int) -> int:
        middle = start + (2 * bit + 1) * SECOND_NS // (2 * self.baud)
        while self._edges and self._edges[0][0] <= middle:
            self._level = self._edges.popleft()[1]
        return self._level

    def _character(self, start: int) -> int | None:
        frame = self.frame
        if self._sample(start, 0):
            return None  # a glitch, no start bit
        value = 0
        for n in range(frame.bits):
            value |= self._sample(start, 1 + n) << n
        parity_ok = frame.parity is None or self._sample(start, 1 + frame.bits) == frame.parity_bit(value)
        # As hardware does, look at the first stop bit only: a sender with one is understood by a receiver set to two.
        if not self._sample(start, 1 + frame.bits + (frame.parity is not None)):
            self.framing_errors += 1
            return None
        if not parity_ok:
            self.parity_errors += 1
            return value if self.deliver_bad_parity else None
        return value
