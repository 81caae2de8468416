"""The buttons: short and long presses, contacts that bounce, presses that are spent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter.face.buttons import Buttons

STEP_MS = 25


class Pin:
    def __init__(self) -> None:
        self.level = 1

    def value(self) -> int:
        return self.level


def events(levels: str, start_ms: int = 1000) -> list[tuple[int, str]]:
    """(ms since the first reading, event) for the levels that a button has at each reading."""
    pin = Pin()
    buttons = Buttons("d", (pin,))
    found = []
    for n, level in enumerate(levels):
        pin.level = int(level)
        found += [(n * STEP_MS, event) for event in buttons.sample((start_ms + n * STEP_MS) % (1 << 30))]
    return found


@pytest.mark.parametrize("start_ms", [0, 1000, (1 << 30) - 100])
def test_a_press_is_seen_within_50_ms_and_is_short_when_let_go(start_ms: int) -> None:
    assert events("11" + "0" * 20 + "11", start_ms) == [(75, "d+"), (575, "d.")]


@pytest.mark.parametrize("start_ms", [0, 1000, (1 << 30) - 700])
def test_a_press_is_long_after_2_s_while_it_is_held_and_not_short_any_more(start_ms: int) -> None:
    found = events("11" + "0" * 200 + "11", start_ms)
    assert [event for _, event in found] == ["d+", "d!"]
    assert found[1][0] - found[0][0] == 2000


def test_a_press_of_almost_2_s_is_short() -> None:
    assert [event for _, event in events("11" + "0" * 79 + "11")] == ["d+", "d."]


@given(st.lists(st.sampled_from("01"), max_size=6), st.lists(st.sampled_from("01"), max_size=6))
def test_contacts_that_bounce_make_one_press(before: list[str], after: list[str]) -> None:
    """Whatever they do, as long as no two readings in a row are alike before they have settled."""
    bounce_in = "".join("01"[n % 2] for n in range(len(before)))
    bounce_out = "".join("10"[n % 2] for n in range(len(after)))
    found = events("11" + bounce_in + "0000" + bounce_out + "1111")
    assert [event for _, event in found] == ["d+", "d."]


def test_a_disturbance_of_one_reading_is_no_press() -> None:
    assert events("1101110111") == []


def test_nothing_more_comes_of_a_spent_press_but_the_next_one_counts() -> None:
    pins = Pin(), Pin()
    buttons = Buttons("dr", pins)
    found: list[str] = []
    for n in range(300):
        pins[0].level = int(not (5 <= n < 100 or 200 <= n < 210))
        pins[1].level = int(not 120 <= n < 130)
        found += buttons.sample(n * STEP_MS)
        if found == ["d+"]:
            buttons.spend()
    assert found == ["d+", "r+", "r.", "d+", "d."]


def test_buttons_are_told_apart_and_one_that_is_not_fitted_is_never_pressed() -> None:
    pins = Pin(), None, Pin()
    buttons = Buttons("dur", pins)
    buttons.sample(0)
    pins[2].level = 0
    assert [buttons.sample(n * STEP_MS) for n in range(1, 4)] == [[], ["r+"], []]


@pytest.mark.parametrize("held", [1, 2, 100])
def test_a_button_that_is_held_from_the_start_is_no_press_until_it_has_been_let_go(held: int) -> None:
    assert events("0" * held + "1" * 5) == []
    assert [event for _, event in events("0" * held + "1" * 5 + "0" * 5 + "11")] == ["d+", "d."]
