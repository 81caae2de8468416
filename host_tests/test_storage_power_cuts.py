"""Records through the driver on the chip model, with the supply lost at every byte of a save."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.power_cut import PowerCut, stop
from host_tests.wires import started_fram
from meter.storage.records import EMPTY, OVERHEAD, VALID, Record
from tools.bench.fram import FRAM

ADDRESS, CAPACITY = 0x2400, 400


class Meter:
    """The memory of one meter through its lives. The image is copied in, so a common past costs nothing."""

    def __init__(self, image: bytes | None = None, seed: int = 0) -> None:
        self.chip = FRAM(image, seed=seed)
        self.boot()

    def boot(self) -> None:
        self.record = Record(started_fram(self.chip), ADDRESS, CAPACITY, 1)

    def save(self, payload: bytes, cut: int | None = None, torn: bool = False) -> bool:
        """Save; True if it ran to its end, False if the supply went after `cut` bytes."""

        if cut is not None:
            self.chip.cut_after(cut, stop, torn_byte=torn)
        try:
            self.record.save(payload)
        except PowerCut:
            return False
        finally:
            self.chip.cancel_cut()
        return True

    def load_in_next_life(self) -> bytes | None:
        self.boot()
        return self.record.load()


def past(*payloads: bytes) -> bytes:
    """Image of a meter that has saved these."""
    meter = Meter()
    for payload in payloads:
        meter.save(payload)
    return meter.chip.image


def value(number: int, size: int) -> bytes:
    """A payload in which every piece tells which one it is."""
    return (struct.pack("<I", number * 0x01010101 & 0xFFFFFFFF) * (size // 4 + 1))[:size]


@pytest.mark.parametrize("torn", [False, True], ids=["whole bytes", "byte in flight"])
@pytest.mark.parametrize(("old_size", "size"), [(1, 1), (8, 8), (60, 60), (5, 300), (300, 5), (0, 12)])
@pytest.mark.parametrize("saves_before", [0, 1, 2, 3])
def test_a_cut_at_every_byte_leaves_the_old_or_the_new_value(
    old_size: int, size: int, saves_before: int, torn: bool
) -> None:
    history = [value(number + 1, old_size) for number in range(saves_before)]
    image = past(*history)
    old, new = history[-1] if history else None, value(0x77, size)
    total = size + OVERHEAD
    for cut in range(total + 1):
        meter = Meter(image, seed=cut)
        finished = meter.save(new, cut, torn)
        assert finished == (torn and cut == total)
        found = meter.load_in_next_life()
        assert meter.record.status == (EMPTY if found is None else VALID)  # a torn first save is no damage
        if cut == total:
            assert found == new
        elif cut == 0 and not torn:
            assert found == old
        else:
            assert found in (old, new)
        newer = value(0x78, size)
        meter.save(newer)
        assert meter.load_in_next_life() == newer


def test_a_second_cut_during_the_repair_of_the_first_leaves_the_old_value() -> None:
    image = past(b"AAAA", b"BBBB")
    for first in range(4 + OVERHEAD):
        meter = Meter(image)
        meter.save(b"CCCC", first)
        once_cut = meter.chip.image
        for second in range(4 + OVERHEAD):
            meter = Meter(once_cut, seed=second)
            meter.save(b"DDDD", second, torn=True)
            assert meter.load_in_next_life() in (b"BBBB", b"CCCC", b"DDDD")
            if first < 4 + OVERHEAD - 4:  # CRC not begun: CCCC never was there
                assert meter.load_in_next_life() in (b"BBBB", b"DDDD")


STEP = st.tuples(st.integers(0, 90), st.none() | st.integers(0, 110), st.booleans(), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=12), st.integers(0, 1000))
def test_any_history_of_saves_cuts_and_restarts_never_gives_a_mix_nor_more_than_was_attempted(
    steps: list[tuple[int, int | None, bool, bool]], seed: int
) -> None:
    meter = Meter(seed=seed)
    kept: bytes | None = None
    for number, (words, cut, torn, restart) in enumerate(steps, 1):
        attempted = struct.pack("<I", number) * (words + 1)
        finished = meter.save(attempted, cut, torn)
        if finished and not restart:
            kept = attempted
            continue
        found = meter.load_in_next_life()
        assert found in ((attempted,) if finished else (kept, attempted))
        kept = found
    assert meter.load_in_next_life() == kept


def test_the_driver_writes_a_slot_in_one_go_with_the_crc_last() -> None:
    meter = Meter()
    meter.chip.log = []
    meter.save(b"0123456789")
    written = b"".join(data for _, _, data in meter.chip.log)
    addresses = [address for _, address, _ in meter.chip.log]
    assert addresses == sorted(addresses) and meter.chip.writes == 1
    assert written[8:18] == b"0123456789" and len(written) == 10 + OVERHEAD
