"""Rings with the supply lost at every byte: of appends, commits, moves to the flash, and whatever comes after."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from host_tests.power_cut import PowerCut
from host_tests.ring_bench import Meter


def live(meter: Meter, entries: int, per_commit: int) -> None:
    """Append and commit `entries`, tending in between."""
    for n in range(entries):
        meter.append(1000 + 10 * len(meter.asked))
        if n % per_commit == per_commit - 1:
            meter.commit()
            for _ in range(3):
                meter.ring.tend()
    meter.commit()
    meter.settle()


@pytest.mark.parametrize("per_commit", [1, 2, 3])
def test_a_cut_at_every_byte_leaves_what_was_committed_and_nothing_beyond(per_commit: int) -> None:
    past = Meter(sectors=2)  # of four entries each
    live(past, 9, 1)
    whole = past.copy()
    before = whole.supply.spent
    live(whole, 12, per_commit)
    total = whole.supply.spent - before
    assert total > 700
    for cut in range(total):
        meter = past.copy(cut)
        meter.supply.left = cut
        with pytest.raises(PowerCut):
            live(meter, 12, per_commit)
        meter.boot()
        meter.check()
        live(meter, 9, 1)
        meter.check()
        meter.boot()
        meter.check()


def test_a_second_cut_during_the_repair_of_the_first_loses_nothing() -> None:
    past = Meter(sectors=2)
    live(past, 15, 1)
    past.append(5000)
    past.commit()  # the fourth sector is full and waits
    whole = past.copy()
    before = whole.supply.spent
    whole.settle()
    total = whole.supply.spent - before
    for first in range(0, total, 7):
        once = past.copy(first)
        once.supply.left = first
        with pytest.raises(PowerCut):
            once.settle()
        once.boot()
        for second in range(0, total, 5):
            meter = once.copy(second)
            meter.supply.left = second
            try:
                meter.settle()
            except PowerCut:
                meter.boot()
            meter.check()
            meter.settle()
            meter.check()
            assert meter.ring.tend() is False


def test_a_sector_that_is_in_the_flash_already_is_not_erased_again() -> None:
    meter = Meter(sectors=2)
    live(meter, 8, 1)
    meter.fram.content[0x200:0x220] = bytes(32)  # the index is lost, as by a cut just before it was written
    meter.boot()
    spent = meter.supply.spent
    meter.settle()
    meter.check()
    assert meter.supply.spent == spent + 32  # two index entries


def test_a_cut_at_every_byte_of_a_clear_leaves_all_or_nothing() -> None:
    past = Meter(sectors=3)
    live(past, 17, 1)
    cut, finished = 0, False
    while not finished:
        meter = past.copy(cut)
        meter.supply.left = cut
        try:
            meter.clear()
            finished = True
        except PowerCut:
            meter.boot()
        meter.supply.left = None
        meter.check()
        meter.check_spans(None, None)
        live(meter, 14, 1)
        meter.check()
        cut += 1
    assert cut > 3 * 16 and meter.ring.newest == 14


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3000)),
        st.tuples(st.just("fill"), st.integers(1, 9)),
        st.tuples(st.just("tend"), st.integers(1, 40)),
        st.tuples(st.just("cut"), st.integers(0, 400)),
        st.tuples(st.sampled_from(["commit", "take back", "clear", "boot", "break", "mend"]), st.just(0)),
        st.tuples(st.just("spans"), st.integers(0, 3000)),
    ),
    min_size=5,
    max_size=60,
)


def do(meter: Meter, step: str, argument: int) -> None:
    if step == "append":
        try:
            meter.append(argument)
        except OSError:  # the stage is full of what may yet be taken back
            assert len(meter.asked) - meter.ring.per_sector > len(meter.kept)
            meter.commit()
            meter.append(argument)
    elif step == "fill":
        meter.commit()
        for n in range(argument):
            meter.append(2000 - n)
            meter.commit()
    elif step == "tend":
        for _ in range(argument):
            try:
                meter.ring.tend()
            except OSError:
                assert meter.flash.broken
    elif step in ("break", "mend"):
        meter.flash.broken = step == "break"
        meter.lossy |= meter.flash.broken
    elif step == "cut":
        meter.supply.left = argument
    elif step == "spans":
        meter.check_spans(argument, argument + 100)
        meter.check_spans(None, argument)
        meter.check_spans(argument, None)
    else:
        {"commit": meter.commit, "take back": meter.take_back, "clear": meter.clear, "boot": meter.boot}[step]()


GIVEN_UP_AND_CUT = [("append", 0)] * 16 + [("cut", 240), ("break", 0), ("fill", 5), ("spans", 0)]
TAKEN_BACK_AND_CUT = [("append", 0)] * 3 + [("cut", 0), ("clear", 0)]  # the stage's half was begun anew, the index torn


@example(GIVEN_UP_AND_CUT, 2, 20, 0)
@example(TAKEN_BACK_AND_CUT, 2, 116, 0)
@example([("append", 0)] * 2 + TAKEN_BACK_AND_CUT + [("append", 0)], 2, 52, 0)
@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(2, 4), st.sampled_from([20, 52, 116]), st.integers(0, 1000))
def test_any_history_equals_a_plain_list(steps: list[tuple[str, int]], sectors: int, payload: int, seed: int) -> None:
    meter = Meter(sectors, payload, seed)
    for step, argument in steps:
        try:
            do(meter, step, argument)
        except PowerCut:
            meter.boot()
        meter.check()
    meter.boot()
    meter.check()
