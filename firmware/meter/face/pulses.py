"""Pulse outputs: contacts that close once for each part of a kWh.

How many pulses are due follows from the register alone: (register - base) * constant // UNIT, of which `sent` have been
given. So at any time sent pulses and what is left of the next one are the register's advance since the base, exactly.
The pulses of an interval are spread over the one after it, each as long after the end of its own interval as the energy
it stands for was measured before that, so that a steady load gives even pulses.

A pulse counts when it has lasted its whole length, and that is on record before the contact opens again. One that a
sudden end of the supply cuts short is given again, whole, by the next life. Before an orderly end (mains away, a new
start) the pulses under way are finished.

The record, version 1, little endian, for each of six outputs: base u64, sent u64, constant u32, energy u8 (its place in
NAMES plus 1; 0: no pulses). An output that has been given another energy or constant begins anew.
"""

import asyncio
import time
from struct import calcsize, pack_into, unpack_from

from micropython import const

from meter.metrology.energies import NAMES
from meter.output_function import UNIT
from meter.storage import layout, records

OUTPUTS = const(6)
_VERSION = const(1)
_ENTRY = "<QQIB"
_SIZE = calcsize(_ENTRY)
_INTERVAL_US = const(500_000)  # of the energies
_LONGEST_US = const(100_000_000)  # from pulse to pulse; the next interval plans anew long before
_RETRY_MS = const(100)
_AT_REST, _CLOSED, _GIVEN = 0, 1, 2  # a pulse is under way; it has been counted and the contact is to open


class PulseOutput:
    """One contact with a pulse `function` of output_function.py. `total(energy)` returns its register in mWs. `sent`:
    pulses given since the base."""

    def __init__(self, pin, function: tuple, total):
        self.sent = 0
        self.state = _AT_REST
        self.edge = 0  # ticks: before it the contact stays as it is
        self._pin, self._total = pin, total
        self._energy, self._constant, self._length_ms = function
        self._base = self._seen = 0
        self._owed = 0  # whole pulses to be given
        self.news = asyncio.Event()  # set when there is something to give
        self._planned = 0  # ticks
        self._next_us = self._step_us = 0  # from then to the next of them, and from that to the one after

    def begin(self) -> None:
        """Count from the register's present value on."""
        self._base = self._seen = self._total(self._energy)
        self.sent = 0

    @property
    def units(self) -> int:
        """What the register has advanced beyond the pulses given, in parts of a pulse: UNIT are one."""
        return (self._total(self._energy) - self._base) * self._constant - self.sent * UNIT

    def plan(self, now: int) -> None:
        """An interval's energy has been booked."""
        if time.ticks_diff(self.edge, now) < 0:  # ticks that are long past would come to lie ahead
            self.edge = now
        register = self._total(self._energy)
        advance, self._seen = (register - self._seen) * self._constant, register
        units = self.units - (UNIT if self.state == _CLOSED else 0)
        self._owed = units // UNIT
        if not self._owed:
            return
        self._planned, self._next_us, self._step_us = now, 0, 0
        if advance:
            self._next_us = max(-_LONGEST_US, _INTERVAL_US - _INTERVAL_US * (units - UNIT) // advance)
            self._step_us = min(_LONGEST_US, _INTERVAL_US * UNIT // advance)
        self.news.set()

    def wait_ms(self, now: int, may_begin: bool) -> "int | None":
        """How long until `move` has something to do; None: nothing is planned."""
        wait = time.ticks_diff(self.edge, now)
        if self.state == _AT_REST:
            if not (self._owed and may_begin):
                return None
            wait = max(wait, time.ticks_diff(self._planned, now) + self._next_us // 1000)
        return max(0, wait)

    def move(self, save) -> None:
        """Close the contact, or, its pulse having been counted by `save()`, open it."""
        if self.state == _CLOSED:
            self.sent += 1
            self.state = _GIVEN
            save()
        closing = self.state == _AT_REST
        try:
            self._pin.value(int(closing))
        except OSError:  # not done, so it is tried again
            self.edge = time.ticks_add(time.ticks_ms(), _RETRY_MS)
            return
        # Ticks are cut off to whole ms: one more makes the length the least there is.
        self.edge = time.ticks_add(time.ticks_ms(), self._length_ms + 1)
        self.state = _CLOSED if closing else _AT_REST
        if closing:
            self._owed -= 1
            self._next_us += self._step_us

    def pack(self, buffer: bytearray, at: int) -> None:
        pack_into(_ENTRY, buffer, at, self._base, self.sent, self._constant, 1 + NAMES.index(self._energy))

    def unpack(self, data, at: int) -> None:
        """Go on from what `pack` has stored; begin anew if that is another's or fits no register."""
        base, sent, constant, energy = unpack_from(_ENTRY, data, at)
        self.begin()
        if (constant, energy) == (self._constant, 1 + NAMES.index(self._energy)):
            self._base, self.sent = base, sent
            if base > self._seen or self.units < 0:
                self.begin()


class Pulses:
    """The pulse outputs of a meter, given by their place, 0 is output 1; `outputs`: all of them.

    `is_saved`: the memory has taken the last count. `damaged`: the stored counts were lost, all begin anew.
    `halted`: no new pulse begins.
    """

    def __init__(self, memory: "records.Memory", outputs: dict):
        self.is_saved = True
        self.damaged = self.halted = False
        self._by_place = outputs
        self.outputs = list(outputs.values())
        area = layout.PULSES
        self._record = records.Record(memory, area.address, area.capacity, _VERSION)
        self._stored = bytearray(OUTPUTS * _SIZE)
        self._is_new = False  # something begins anew, and the record does not know yet
        self._may_save = self.save

    def load(self) -> None:
        """Take the stored counts over, after the registers. OSError if the memory does not answer."""
        payload = self._record.load()
        self.damaged = payload is None and self._record.status != records.EMPTY
        for n in self._by_place:
            output = self._by_place[n]
            if payload is None:
                output.begin()
            else:
                output.unpack(payload, n * _SIZE)
        self._pack()
        self._is_new = self._stored != (payload or bytes(len(self._stored)))

    def plan(self) -> None:
        """To be called when an interval's energy has been booked, and is on record."""
        if self._is_new:
            self._is_new = False
            self.save()
        now = time.ticks_ms()
        for output in self.outputs:
            output.plan(now)

    def sent(self, n: int) -> int:
        """Pulses that output n has given; 0 if it gives none."""
        return self._by_place[n].sent if n in self._by_place else 0

    @property
    def is_at_rest(self) -> bool:
        """No pulse is under way that has not been counted."""
        return all(output.state != _CLOSED for output in self.outputs)

    @property
    def closed(self) -> int:
        """The contacts that are closed, bit n is place n."""
        return sum([1 << n for n in self._by_place if self._by_place[n].state])

    def save(self) -> None:
        """Put the counts on record; `is_saved` says whether that was possible."""
        self._pack()
        try:
            self._record.save(self._stored)
            self.is_saved = True
        except OSError:
            self.is_saved = False

    def _pack(self) -> None:
        for n in self._by_place:
            self._by_place[n].pack(self._stored, n * _SIZE)

    def tasks(self) -> list:
        """What gives the pulses, for ever: a task for each output, so that none waits for another's edge."""
        return [self._run(output) for output in self.outputs]

    async def _run(self, output: PulseOutput) -> None:
        while True:
            wait = self.step(output)
            if wait is None:
                await output.news.wait()
                output.news.clear()
            else:
                await asyncio.sleep_ms(wait)

    def step(self, output: PulseOutput) -> "int | None":
        """Move its contact if that is due; ms until the next time, None if nothing is planned."""
        wait = output.wait_ms(time.ticks_ms(), not self.halted)
        if wait == 0:
            output.move(self._may_save)
            wait = output.wait_ms(time.ticks_ms(), not self.halted)
        return wait
