"""The control inputs as pins: which level is on, and what counts as a change."""

from __future__ import annotations

from meter.face.control_inputs import ControlInputs


class Pin:
    level = 1

    def value(self) -> int:
        return self.level


def test_low_is_on_and_the_first_reading_counts() -> None:
    pins = [Pin() for _ in range(4)]
    pins[0].level = pins[3].level = 0
    assert ControlInputs(tuple(pins)).read() == 0b1001
    assert ControlInputs(()).read() == 0


def test_a_change_counts_when_it_is_still_there_at_the_next_reading() -> None:
    pin, other = Pin(), Pin()
    inputs = ControlInputs((other, pin))
    found = []
    for level in (1, 0, 1, 0, 0, 1, 0, 0, 1, 1):
        pin.level = level
        found.append(inputs.read())
    assert found == [0, 0, 0, 0, 2, 2, 2, 2, 2, 0]
