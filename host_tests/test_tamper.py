"""Covers and magnet: events at both edges, what is a disturbance, and what happened while the meter was off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from host_tests.model_sources import Ram
from host_tests.tariff_bench import Memory, PowerCut, Supply
from meter.events.tamper import COVER, MAGNET, Tamper
from meter.storage.layout import TAMPER

# Facts page 1.9: removed or on, mounted or off
TERMINAL, FRONT, FIELD = (133, 187), (170, 171), (134, 188)


class Pin:
    level = 0

    def value(self) -> int:
        return self.level


class Rig:
    """A meter's inputs from one start to the next on the same memory."""

    def __init__(self, memory: Any = None, before: Rig | None = None) -> None:
        self.memory: Any = memory or Ram(TAMPER.end)
        self.pins: list[Pin] = before.pins if before else [Pin(), Pin(), Pin()]
        board = SimpleNamespace(terminal_cover=self.pins[0], front_cover=self.pins[1], magnet=self.pins[2])
        self.events: list[int] = []
        self.tamper = Tamper(board, self.memory, self.events.append)
        self.tamper.load()

    def look(self, *levels: int, n: int = 2) -> list[int]:
        for pin, level in zip(self.pins, levels, strict=False):
            pin.level = level
        before = len(self.events)
        for _ in range(n):
            self.tamper.look()
        return self.events[before:]

    def restarted(self) -> Rig:
        return Rig(self.memory, self)


def test_each_input_is_logged_when_it_comes_on_and_when_it_goes_off() -> None:
    rig = Rig()
    assert rig.look(0, 0, 0, n=9) == [] and rig.tamper.signals == 0
    for place, (events, signal) in enumerate(((TERMINAL, COVER), (FRONT, COVER), (FIELD, MAGNET))):
        levels = [0, 0, 0]
        levels[place] = 1
        assert rig.look(*levels) == [events[0]] and rig.tamper.signals == signal
        assert rig.look(*levels, n=9) == []
        assert rig.look(0, 0, 0) == [events[1]] and rig.tamper.signals == 0
    assert rig.look(1, 1, 1) == [133, 170, 134] and rig.tamper.signals == COVER | MAGNET


def test_what_is_there_at_one_look_only_is_a_disturbance_and_does_not_hide_the_others() -> None:
    rig = Rig()
    rig.look(0, 0, 0)
    for n in range(10):
        assert rig.look(0, 0, n & 1, n=1) == []
    assert rig.look(1, 0, 1, n=1) == [134]  # the second look with it
    assert rig.look(1, 0, 0, n=1) == [133]


def test_a_start_logs_what_has_changed_without_supply_and_nothing_else() -> None:
    rig = Rig()
    rig.look(1, 0, 0)
    rig = rig.restarted()
    assert rig.tamper.signals == COVER
    assert rig.look(n=9) == []
    rig.pins[0].level, rig.pins[1].level = 0, 1
    rig = rig.restarted()
    assert rig.look(n=1) == [] and rig.tamper.signals == COVER  # as it was left
    assert rig.look() == [187, 170]
    assert rig.restarted().look(n=9) == []


def test_a_cover_opened_and_closed_without_supply_leaves_no_trace() -> None:
    rig = Rig()
    rig.look(0, 0, 0)
    rig.pins[0].level = 1
    rig.pins[0].level = 0
    assert rig.restarted().look(n=9) == []


def test_a_power_cut_at_any_write_logs_an_opening_at_least_once() -> None:
    cuts = 0
    while True:
        supply = Supply()
        rig = Rig(Memory(supply))
        rig.look(0, 0, 0)
        supply.left = cuts
        try:
            rig.look(1, 0, 0)
        except PowerCut:
            assert rig.events == [133]
            again = rig.restarted()
            assert again.look(n=9) in ([], [133])
            assert again.look(0) == [187]
        else:
            break
        cuts += 1
    assert cuts == 4  # two slots, each before and in the middle


def test_a_memory_that_fails_is_told_and_tried_again() -> None:
    rig = Rig(Memory(Supply()))
    rig.look(0, 0, 0)
    rig.memory.broken = True
    assert rig.look(1, 0, 0) == [133] and not rig.tamper.is_saved
    rig.memory.broken = False
    assert rig.look() == [] and rig.tamper.is_saved
    assert rig.restarted().look(n=9) == []


@pytest.mark.parametrize("missing", ["terminal_cover", "front_cover", "magnet"])
def test_a_board_without_a_sensor_has_no_event_of_it(missing: str) -> None:
    pins: dict[str, Pin | None] = {name: Pin() for name in ("terminal_cover", "front_cover", "magnet")}
    pins[missing] = None
    events: list[int] = []
    tamper = Tamper(SimpleNamespace(**pins), Ram(TAMPER.end), events.append)
    for _ in range(2):
        tamper.look()
    for pin in pins.values():
        if pin:
            pin.level = 1
    for _ in range(2):
        tamper.look()
    assert len(events) == 2
