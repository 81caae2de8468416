"""Which contacts a type has, what switches them, and the relay's least times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import micropython_names
import pytest

from host_tests.model_sources import Board, Ram, parameters_with
from host_tests.wires import Wires
from meter.terminals import Terminals
from meter.type_code import TypeCode


class Rates:
    outputs = inputs = 0
    relay = False


class Rig:
    def __init__(self, type_code: str = "ZMG405CR4.260b.43", outputs: int = 6, **values: Any) -> None:
        self.board, self.rates, self.parameters = Board(), Rates(), parameters_with(values)
        self.board.outputs = self.board.outputs[:outputs]
        self.export = False
        self.totals: dict[str, int] = {}
        self.terminals = Terminals(
            self.board,
            Ram(),
            self.parameters,
            TypeCode(type_code),
            lambda energy: self.totals.get(energy, 0),
            self.rates,
            lambda: self.export,
        )
        self.terminals.pulses.load()

    @property
    def levels(self) -> str:
        return "".join(str(pin.level) for pin in self.board.outputs)

    def update(self, outputs: int = 0, relay: bool = False) -> str:
        self.rates.outputs, self.rates.relay = outputs, relay
        self.terminals.update()
        return self.levels


@pytest.fixture
def clock() -> Iterator[Wires]:
    wires = Wires()
    micropython_names.follow(wires)
    yield wires
    micropython_names.follow(None)


@pytest.mark.parametrize(
    ("type_code", "levels"),
    [
        ("ZMG405CR4.000b.00", "000000"),
        ("ZMG405CR4.020b.00", "110000"),
        ("ZMG405CR4.240b.00", "111100"),
        ("ZMG405CR4.260b.43", "111111"),
        ("ZMG405CR4.440b.43", "111100"),
        ("ZMG405CR4.041b.60", "111100"),
    ],
)
def test_a_type_has_as_many_outputs_as_its_code_says_and_only_041_the_relay(type_code: str, levels: str) -> None:
    rig = Rig(type_code)
    assert rig.update(0x3F, True) == levels
    assert rig.board.relay.level == ("041" in type_code)
    assert rig.terminals.word == bytes((0, "041" in type_code, int(levels[::-1], 2), 0))


def test_a_board_with_fewer_outputs_than_the_type_has_those() -> None:
    rig = Rig(outputs=2)
    assert rig.update(0x3F) == "11"
    rig.board.relay = None  # type: ignore[assignment]
    bare = Terminals(rig.board, Ram(), rig.parameters, TypeCode("ZMG405CR4.041b.60"), None, rig.rates, bool)
    bare.update()
    assert bare.word == bytes((0, 0, 3, 0))


def test_control_direction_and_pulses_go_by_the_parameters(clock: Wires) -> None:
    rig = Rig(output_2="direction", output_4="pulse a_import 1000 80")
    assert rig.update(0b001011) == "100000"  # O2 and O4 are not the control table's
    rig.export = True
    assert rig.update(0b000001) == "110000"
    rig.totals["a_import"] = 3_600_000
    assert rig.update(0) == "010000"
    clock.run(0.6)
    rig.terminals.pulses.step(rig.terminals.pulses.outputs[0])
    assert rig.levels == "010100" and rig.terminals.word == bytes((0, 0, 0b1010, 0))


def test_all_contacts_open_before_the_supply_ends_and_close_again_if_it_does_not() -> None:
    rig = Rig("ZMG405CR4.041b.60", output_2="direction")
    rig.export = True
    assert rig.update(0b1101, True) == "111100" and rig.board.relay.level == 1
    rig.terminals.power_down()
    assert rig.levels == "000000" and rig.board.relay.level == 0
    assert rig.update(0b1101, True) == "000000" and rig.board.relay.level == 0
    rig.terminals.power_up()
    assert rig.update(0b1101, True) == "111100" and rig.board.relay.level == 1


def test_contacts_that_do_not_answer_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig("ZMG405CR4.041b.60")

    def silent(_level: int) -> None:
        raise OSError(19, "no device")

    for pin in (rig.board.outputs[1], rig.board.relay):
        monkeypatch.setattr(pin, "value", silent, raising=False)
    assert rig.update(0b11, True) == "100000"
    assert rig.terminals.failed and rig.terminals.word == bytes((0, 0, 1, 0))
    monkeypatch.undo()
    assert rig.update(0b11, True) == "110000"
    assert not rig.terminals.failed and rig.terminals.word == bytes((0, 1, 3, 0))


def test_a_new_start_waits_for_a_pulse_but_not_for_a_contact_that_does_not_answer(
    clock: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(output_1="pulse a_import 1000 80")
    rig.totals["a_import"] = 2 * 3_600_000
    rig.update(0)
    pulses, output = rig.terminals.pulses, rig.terminals.pulses.outputs[0]
    clock.run(0.6)
    pulses.step(output)

    def silent(_level: int) -> None:
        raise OSError(19, "no device")

    monkeypatch.setattr(rig.board.outputs[0], "value", silent, raising=False)
    assert rig.levels[0] == "1" and not rig.terminals.rest()
    clock.run(0.1)
    pulses.step(output)
    assert rig.terminals.rest() and pulses.sent(0) == 1
    clock.run(1)
    pulses.step(output)
    assert rig.terminals.rest() and pulses.sent(0) == 1


def test_the_relay_keeps_to_its_least_times_from_the_start_on(clock: Wires) -> None:
    rig = Rig("ZMG405CR4.041b.60", relay_on_s=60, relay_off_s=300)
    changes = []
    level = 0
    for half_second in range(2 * 1200):
        seconds = half_second / 2
        rig.update(0, not 370 < seconds < 380 and int(seconds) % 100 != 50 and seconds < 1000)
        if rig.board.relay.level != level:
            level = rig.board.relay.level
            changes.append((seconds, level))
        clock.run(0.5)
    # wanted from the start: after 300 s off; off wanted at 350 (50 s: too early), 370 (at 371), on at 671; off at 750
    assert changes == [(300.0, 1), (370.5, 0), (670.5, 1), (750.0, 0), (1050.0, 1)][: len(changes)]
    assert len(changes) == 4


def test_without_least_times_the_relay_follows_at_once_for_weeks(clock: Wires) -> None:
    rig = Rig("ZMG405CR4.041b.60")
    for wanted in (True, False, True, True, False):
        rig.update(0, wanted)
        assert rig.board.relay.level == wanted
        clock.run(5 * 86_400)
