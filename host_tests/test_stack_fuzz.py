"""Damaged conversations through whole stacks, from the line's octets to the real objects: nothing fails,
nothing is changed that the client has no right to, and the next good client is served."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from host_tests.stack_bench import Mischief, Stack, over_hdlc, over_tcp

Way = Callable[[Stack, Mischief, int], int]
WAYS = [over_hdlc, over_tcp]


def converse(way: Way, seed: int, conversations: int) -> None:
    """Each with a meter of its own, by clients of the levels 0 to 3; the last two may write a few things."""
    mischief, messages, changes = Mischief(seed, Stack().door.model), 0, 0
    for n, client in zip(range(conversations), itertools.cycle((16, 32, 48, 64))):
        stack = Stack()
        try:
            messages += way(stack, mischief, client)
            changes += stack.assert_changes_by_right(client)
        except Exception as error:
            raise AssertionError(f"seed {seed}, conversation {n}, client {client}") from error
    print(f"{messages} frames or messages in {conversations} conversations, {changes} of which changed something")
    assert changes  # or nothing would be proved


@pytest.mark.parametrize("way", WAYS)
def test_damaged_conversations_change_nothing_without_right(way: Way) -> None:
    converse(way, 1, 1000)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
@pytest.mark.parametrize("way", WAYS)
def test_hundreds_of_thousands_of_messages_change_nothing_without_right(way: Way, seed: int) -> None:
    converse(way, seed, 10_000)
