"""Pulse outputs on a clock, a memory and contacts that outlive the firmware. Time is the test's, in whole ms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import micropython_names

from host_tests.model_sources import Ram
from meter.face.pulses import PulseOutput, Pulses
from meter.output_function import output_function

KWH = 3_600_000_000  # mWs
INTERVAL_MS = 500


class Contact:
    """`whole`: (ms, length in ms) of the pulses that the firmware has opened again; `cut`: those the supply has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.since: int | None = None
        self.whole: list[tuple[int, int]] = []
        self.cut: list[tuple[int, int]] = []
        self.broken = False

    def value(self, level: int) -> None:
        if self.broken:
            raise OSError(5, "expander")
        assert bool(level) != (self.since is not None), "a contact is not moved for nothing"
        if level:
            self.since = self._world.ms
        else:
            self._end(self.whole)

    def lose_supply(self) -> None:
        if self.since is not None:
            self._end(self.cut)

    def _end(self, pulses: list[tuple[int, int]]) -> None:
        assert self.since is not None
        pulses.append((self.since, self._world.ms - self.since))
        self.since = None


class World:
    """`functions`: output number from 0 on -> its parameter. `registers` go on over all lives of the firmware."""

    def __init__(self, functions: Mapping[int, str], start_ms: int = 0, memory: Any = None) -> None:
        self.t_ns = start_ms * 1_000_000
        self.functions = dict(functions)
        self.memory = Ram(0x20000) if memory is None else memory
        self.registers: dict[str, int] = {}
        self.contacts = [Contact(self) for _ in range(6)]
        self.power: dict[str, int] = {}  # mW by energy
        self.pulses: Pulses | None = None
        self._rests: dict[str, int] = {}
        micropython_names.follow(self)

    @property
    def ms(self) -> int:
        return self.t_ns // 1_000_000

    def run(self, seconds: float) -> None:
        self.t_ns += round(seconds * 1e9)

    def close(self) -> None:
        micropython_names.follow(None)

    def start(self) -> Pulses:
        """A new life of the firmware, which reads its record and counts on."""
        total = self.total
        outputs = {n: PulseOutput(self.contacts[n], output_function(text), total) for n, text in self.functions.items()}
        self.pulses = Pulses(self.memory, outputs)
        self.pulses.load()
        self._booking = self.ms + INTERVAL_MS
        return self.pulses

    def total(self, energy: str) -> int:
        return self.registers.get(energy, 0)

    def kill(self) -> None:
        """The supply is gone."""
        self.pulses = None
        for contact in self.contacts:
            contact.lose_supply()

    def end(self) -> None:
        """The supply ends as it should: no pulse begins, those under way are finished."""
        assert self.pulses is not None
        self.pulses.halted = True
        while self.pulses.closed:
            self.live(10)
        self.kill()

    def book(self) -> None:
        """An interval's energy."""
        for energy, milliwatts in self.power.items():
            whole, self._rests[energy] = divmod(milliwatts * INTERVAL_MS + self._rests.get(energy, 0), 1000)
            self.registers[energy] = self.total(energy) + whole

    def live(self, ms: int) -> None:
        """Let the firmware live for a while, as its tasks are woken."""
        pulses, end = self.pulses, self.ms + ms
        assert pulses is not None
        while True:
            due = self._booking
            for output in pulses.outputs:
                wait = pulses.step(output)
                if wait is not None:
                    due = min(due, self.ms + wait)
            if due > end:
                self.t_ns = end * 1_000_000
                return
            self.t_ns = due * 1_000_000
            if due == self._booking:
                self._booking += INTERVAL_MS
                self.book()
                pulses.plan()

    def debt(self, n: int, since: int = 0) -> int:
        """What is missing of the advance of output n's register since it was `since`: parts of a pulse, of which KWH
        are one, by the pulses that have left the meter whole."""
        energy, constant, _ = output_function(self.functions[n])
        return int((self.total(energy) - since) * constant - len(self.contacts[n].whole) * KWH)
