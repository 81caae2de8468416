"""Rings on the two chips: what is kept, what is read for it, what each step takes, and damage."""

from __future__ import annotations

import random
import struct

import pytest

from drivers.nor_flash import W25Q128
from host_tests.power_cut import PowerCut
from host_tests.ring_bench import Meter, payload_of
from host_tests.ring_rig import PROFILE, Rig
from meter.storage import layout
from meter.storage.ring import OVERHEAD

DAY = 86400
TWELVE_CHANNELS = 4 + 12 * 8
STEP_BYTES = 3 * 1250  # 3 ms at 10 MHz


def test_a_day_of_a_load_profile_is_read_from_its_sectors_only() -> None:
    rig = Rig(TWELVE_CHANNELS)
    rig.fill(30 * 96, 0, 900)
    assert rig.ring.per_sector == 4096 // (TWELVE_CHANNELS + OVERHEAD) == 36
    rig.start()
    rig.flash.reads.clear()
    spans = rig.ring.spans(10 * DAY, 11 * DAY - 1)
    assert rig.flash.reads == {}  # by the index alone
    ((first, last),) = spans
    assert first <= 10 * 96 + 1 and last >= 11 * 96 and last - first < 96 + 2 * 36
    assert rig.walked(10 * 96 + 1, 11 * 96)
    assert set(rig.flash.reads) == set(range(10 * 96 // 36, (11 * 96 - 1) // 36 + 1))


def test_the_index_is_not_read_whole_for_a_day_once_it_is_known() -> None:
    rig = Rig(2000)  # two entries a sector
    rig.fill(400, 0, 900)
    rig.start()
    rig.settle()  # learns, as the meter does in the background
    before = rig.spi[0].moved
    assert rig.ring.spans(100 * 900, 101 * 900) == [(101, 102)]
    assert rig.spi[0].moved - before < 2 * 32 * 16 + 100  # of 200 * 16: its block, and the one being written


def test_times_that_were_set_back_are_found_in_every_span_that_has_them() -> None:
    rig = Rig(1000)  # four a sector
    rig.fill(20, 10_000, 100)
    rig.fill(20, 10_500, 100)  # set back to what the sixth entry had
    rig.fill(20, 50_000, 100)
    rig.fill(8, 0, 100)  # and far back
    spans = rig.ring.spans(10_500, 10_800)
    assert spans == [(5, 12), (21, 24)]
    found = [utc for span in spans for _, utc, _ in rig.ring.walk(*span) if utc and 10_500 <= utc <= 10_800]
    assert found == [10_500, 10_600, 10_700, 10_800] * 2
    assert rig.ring.spans(None, 300)[0] == (61, 64)
    assert rig.ring.spans(None, None) == [(1, 68)]


def test_a_ring_goes_round_and_keeps_its_capacity() -> None:
    rig = Rig(1000, (layout.BILLING_STAGE, layout.BILLING_INDEX, layout.BILLING_SECTORS))
    capacity = rig.ring.capacity
    assert capacity == 64 * 4
    rig.fill(3 * capacity + 7, 0, 60)
    for _ in range(2):
        assert rig.ring.newest == 3 * capacity + 7
        assert rig.ring.oldest <= rig.ring.newest - capacity + 1
        assert rig.walked(rig.ring.oldest, rig.ring.newest)
        rig.start()
    assert set(rig.flash.erases) == set(range(2560, 2624))
    assert max(rig.flash.erases.values()) - min(rig.flash.erases.values()) <= 1  # worn evenly


def test_spans_are_right_while_the_ring_goes_round() -> None:
    dice = random.Random(5)
    meter = Meter(sectors=40)
    for _ in range(700):
        meter.append(dice.randrange(1000) + 3 * len(meter.asked))
        meter.commit()
        if dice.random() < 0.7:
            meter.settle()
        if dice.random() < 0.2:
            low = dice.randrange(3500)
            reads = meter.check_spans(low, low + 200)
            assert reads == []
    meter.check()


def test_steps_are_short_and_a_sector_takes_few_of_them() -> None:
    """A page or an erase at a time: nothing waits for the chip."""
    for payload in (20, TWELVE_CHANNELS, 4000):
        rig = Rig(payload)
        for n in range(rig.ring.per_sector):
            rig.add(n)
        steps, longest, more = 0, 0, True
        while more:
            before, t = sum(spi.moved for spi in rig.spi), rig.wires.t_ns
            more = rig.ring.tend()
            steps += 1
            longest = max(longest, sum(spi.moved for spi in rig.spi) - before)
            assert rig.wires.t_ns - t < 3_000_000
            rig.wires.run(0.02)
        assert longest < STEP_BYTES / 3, payload
        assert steps < 80
        assert rig.flash.erases == {0: 1} and rig.flash.programs[0] <= 16


def test_everything_can_be_read_while_a_sector_is_being_erased() -> None:
    rig = Rig(1000)
    rig.fill(11, 0, 60)
    rig.add(11 * 60)
    while rig.flash.erases[2] == 0:
        assert rig.ring.tend()
    assert rig.driver.busy()
    t = rig.wires.t_ns
    assert rig.walked(1, 12)
    assert rig.wires.t_ns - t < 12_000_000 and rig.driver.busy()
    rig.settle()
    assert rig.walked(1, 12) and rig.ring.spans(0, 60) == [(1, 4)]


def test_two_rings_take_turns_at_one_flash() -> None:
    rig = Rig(1000)
    other = rig.make(layout.PROFILE_2_STAGE, layout.PROFILE_2_INDEX, layout.PROFILE_2_SECTORS, 500)
    for n in range(40):
        rig.add(n)
        other.append(n, payload_of(n + 1, 500, 9))
        other.commit()
        while rig.ring.tend() | other.tend():
            rig.wires.run(0.001)
    assert rig.walked(1, 40)
    assert list(other.walk(1, 40)) == [(n, n - 1, payload_of(n, 500, 9)) for n in range(1, 41)]
    assert set(rig.flash.erases) == {*range(10), *range(1536, 1536 + 40 // 8)}


def test_a_damaged_sector_costs_its_own_entries_only() -> None:
    rig = Rig(1000)
    rig.fill(40, 0, 60)
    rig.flash.poke(3 * 4096, bytes(4096))
    rig.flash.poke(5 * 4096 + 1012 + 500, b"\0")
    found = {n: (utc, payload) for n, utc, payload in rig.ring.walk(1, 40)}
    lost = {13, 14, 15, 16, 22}
    assert {n for n, entry in found.items() if entry == (None, None)} == lost
    assert all(found[n] == rig.entries[n - 1] for n in found if n not in lost)
    assert rig.ring.entry(14) is None and rig.ring.entry(12) == rig.entries[11]


def test_damage_in_the_stage_is_mended_from_the_flash_and_the_other_way_round() -> None:
    rig = Rig(1000)
    rig.fill(8, 0, 60)  # both sectors are in the flash, and still in the stage
    rig.fram.poke(layout.PROFILE_1_STAGE.address + 30, b"\xa5\xa5")
    rig.flash.poke(4096 + 30, bytes(2))
    assert rig.walked(1, 8)


def test_a_lost_index_is_made_again_from_the_flash() -> None:
    rig = Rig(1000)
    rig.fill(40, 0, 60)
    kept = rig.fram.peek(layout.PROFILE_1_INDEX.address, 10 * 16)
    rig.fram.poke(layout.PROFILE_1_INDEX.address, bytes(10 * 16))
    rig.start()
    assert rig.walked(1, 40)
    assert rig.ring.spans(12 * 60, 15 * 60) == [(13, 16), (33, 40)]  # what is staged may have any time
    rig.settle()
    assert rig.ring.spans(12 * 60, 15 * 60) == [(13, 16)]
    assert rig.fram.peek(layout.PROFILE_1_INDEX.address, 10 * 16) == kept
    assert max(rig.flash.erases.values()) == 1


def test_an_unreadable_sector_without_index_is_taken_for_one_of_any_time() -> None:
    rig = Rig(1000)
    rig.fill(40, 0, 60)
    rig.fram.poke(layout.PROFILE_1_INDEX.address + 3 * 16, bytes(16))
    rig.flash.poke(3 * 4096, bytes(4096))
    for _ in range(2):
        assert rig.ring.spans(0, 60) == [(1, 4), (13, 16)]
    rig.fill(100, 2400, 60)
    rig.settle()
    for _ in range(2):  # and when its block has been learned
        assert rig.ring.spans(0, 60) == [(1, 4), (13, 16)]
        assert rig.ring.spans(99_999, None) == [(13, 16)]


def test_an_index_entry_lost_while_its_place_in_the_stage_is_needed_is_written_again() -> None:
    rig = Rig(1000)
    rig.fill(16, 0, 60)
    rig.fram.poke(layout.PROFILE_1_INDEX.address + 2 * 16, bytes(16))
    rig.add(16 * 60)
    assert rig.walked(1, 17) and rig.flash.erases[2] == 1
    assert rig.ring.spans(600, 600) == [(9, 12), (17, 17)]


def test_the_limits_of_a_question_are_included() -> None:
    rig = Rig(1000)
    rig.fill(4 * 40, 1000, 10)
    for _ in range(2):  # before and after the blocks have been learned
        assert rig.ring.spans(None, 1000) == [(1, 4)]
        assert rig.ring.spans(1030, 1030) == [(1, 4)]
        assert rig.ring.spans(1031, 1039) == []
        assert rig.ring.spans(1000 + 10 * 127, 1000 + 10 * 127) == [(125, 128)]
        assert rig.ring.spans(None, 999) == rig.ring.spans(1000 + 10 * 160, None) == []
        rig.settle()


def test_a_worn_sector_is_tried_three_times_and_given_up_when_its_place_is_needed() -> None:
    rig = Rig(1000)
    rig.flash.faults.worn.add(1)
    errors = []
    for n in range(16):
        rig.add(n * 60)
        errors.append(rig.settle_with_errors())
        if n < 12:
            assert rig.walked(1, n + 1)  # until then it stays in the stage
    assert [len(texts) for texts in errors] == [0] * 7 + [3, 1, 1, 1, 1, 0, 0, 0, 0]  # and once for each entry
    assert all("does not keep sector 1" in text for texts in errors for text in texts)
    assert [n for n, utc, _ in rig.ring.walk(1, 16) if utc is None] == [5, 6, 7, 8]
    assert rig.ring.spans(0, 16 * 60) == [(1, 4), (9, 16)]
    assert rig.flash.erases[1] <= 8


def test_without_a_flash_the_newest_entries_are_kept_and_a_new_chip_takes_what_follows() -> None:
    rig = Rig(1000)
    rig.flash.faults.dead = True
    for n in range(30):
        rig.add(n * 60)
        errors = rig.settle_with_errors()
        assert all("flash" in text for text in errors)
        tries_anew = n == 3 or (n >= 8 and n % 4 == 0)  # a sector is full; the one before it was given up
        assert len(errors) == (0 if n < 3 else 3 if tries_anew else 1)
    assert rig.walked(25, 30)
    rig.flash.faults.dead = False
    rig.fill(20, 30 * 60, 60)
    assert rig.walked(25, 50)
    assert [n for n, utc, _ in rig.ring.walk(1, 50) if utc is None] == list(range(1, 25))


def test_an_append_that_the_memory_does_not_keep_changes_nothing() -> None:
    rig = Rig(1000)
    rig.fill(5, 0, 60)
    rig.fram.faults.dead = True
    with pytest.raises(OSError):
        rig.ring.append(300, bytes(1000))
    rig.fram.faults.dead = False
    assert rig.ring.newest == 5 and rig.walked(1, 5)
    rig.add(300)
    assert rig.walked(1, 6)


def test_what_is_not_committed_never_reaches_the_flash() -> None:
    rig = Rig(1000)
    for n in range(4):
        rig.ring.append(n, bytes(1000))
    assert rig.ring.tend() is False
    rig.ring.restore(0)
    assert rig.ring.entry(1) is None and list(rig.ring.walk(1, 9)) == [] and rig.ring.spans(None, None) == []
    assert rig.flash.erases == {} and rig.ring.oldest == 1 and rig.ring.newest == 0


def test_a_full_stage_moves_at_the_next_append_even_if_nobody_tends() -> None:
    rig = Rig(1000)
    for n in range(30):
        t = rig.wires.t_ns
        rig.add(n * 60)
        assert rig.wires.t_ns - t < 500_000_000
    assert rig.walked(1, 30)


def test_cleared_entries_do_not_come_back_with_their_numbers() -> None:
    rig = Rig(1000)
    rig.fill(40, 0, 60)
    rig.ring.clear()
    rig.entries.clear()
    assert rig.ring.spans(None, None) == []
    rig.start()
    for n in range(6):
        rig.entries.append((n, bytes(1000)))
        rig.ring.append(n, bytes(1000))
        rig.ring.commit()
        assert rig.walked(1, n + 1)
    rig.fram.poke(layout.PROFILE_1_STAGE.address, bytes(20))  # entry 1; the flash has another number 1 there
    assert rig.ring.entry(1) is None
    rig.start()
    assert rig.ring.entry(1) is None and rig.ring.entry(2) == rig.entries[1]


def test_a_clear_in_the_middle_of_a_move_leaves_nothing_of_it_in_the_index() -> None:
    rig = Rig(1000)
    rig.fill(3, 0, 60)
    rig.add(180)
    for _ in range(20):
        assert rig.ring.tend()
        rig.wires.run(0.01)
    rig.ring.clear()
    rig.settle()
    assert rig.fram.peek(layout.PROFILE_1_INDEX.address, 64) == bytes(64)


def test_entries_of_another_size_are_never_taken_for_ones_of_this() -> None:
    rig = Rig(1000)
    rig.fill(40, 0, 60)
    rig.payload = 999
    rig.start()
    assert all(utc is None for _, utc, _ in rig.ring.walk(1, 40))


@pytest.mark.parametrize("payload", [4096 - OVERHEAD + 1, 100_000])
def test_entries_longer_than_a_sector_are_refused(payload: int) -> None:
    with pytest.raises(ValueError, match="too long"):
        Rig(payload)
    Rig(4096 - OVERHEAD).fill(5, 0, 1)


def test_a_payload_of_another_length_is_refused() -> None:
    rig = Rig(1000)
    with pytest.raises(ValueError, match="999"):
        rig.ring.append(0, bytes(999))
    assert rig.ring.newest == 0


def test_all_places_of_the_layout_have_room_for_their_rings() -> None:
    rig = Rig(1000)
    for stage, index, sectors in (
        PROFILE,
        (layout.PROFILE_2_STAGE, layout.PROFILE_2_INDEX, layout.PROFILE_2_SECTORS),
        (layout.BILLING_STAGE, layout.BILLING_INDEX, layout.BILLING_SECTORS),
    ):
        rig.make(stage, index, sectors, 36 * 8 + 4)
        assert sectors[0] + sectors[1] <= W25Q128.sectors


def stop() -> None:
    raise PowerCut


@pytest.mark.parametrize("after", [0, 1, 2, 100, 255, 256, 257, 1011, 1012, 1013, 2048, 3000, 3839, 3840, 4047])
def test_power_lost_while_the_chip_programs_loses_nothing(after: int) -> None:
    rig = Rig(1000, seed=after)
    rig.fill(3, 0, 60)
    rig.add(180)
    rig.flash.cut_after(after, stop, torn_byte=True)
    with pytest.raises(PowerCut):
        rig.settle()
    rig.start()
    assert rig.walked(1, 4)
    rig.fill(9, 240, 60)
    assert rig.walked(1, 13) and rig.flash.erases[0] == 2


@pytest.mark.parametrize("part", [0.01, 0.3, 0.99])
def test_power_lost_while_the_chip_erases_loses_what_is_replaced_and_nothing_else(part: float) -> None:
    rig = Rig(1000, (layout.BILLING_STAGE, layout.BILLING_INDEX, (2560, 2)))
    rig.fill(11, 0, 60)
    rig.flash.cut_in_erase(part, stop)
    rig.add(660)
    with pytest.raises(PowerCut):
        rig.settle()
    rig.start()
    assert rig.ring.oldest == 5 and rig.walked(5, 12)
    rig.settle()
    assert rig.walked(5, 12) and rig.flash.erases == {2560: 3, 2561: 1}


def test_the_format_of_an_entry_is_the_documented_one() -> None:
    import binascii

    rig = Rig(10)
    rig.add(820_540_800)
    stored = rig.fram.peek(layout.PROFILE_1_STAGE.address, 22)
    body = struct.pack("<II", 1, 820_540_800) + payload_of(1, 10)
    assert stored == body + struct.pack("<I", binascii.crc32(body, layout.PROFILE_1_STAGE.address + 10))
