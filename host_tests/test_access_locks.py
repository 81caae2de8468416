"""Wrong passwords: counted, delayed, locked, for each channel and level on its own, through time and power cuts."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.access_bench import DAY, Door, Times
from host_tests.model_sources import Ram
from host_tests.power_cut import PowerCut, stop
from host_tests.wires import started_fram
from meter.access import OPTICAL, PORT_1, PORT_2, TCP
from meter.events import error_register, log
from meter.storage.layout import LOG_INS
from meter.storage.records import OVERHEAD, Record
from tools.bench.fram import FRAM

CHANNELS = (OPTICAL, PORT_1, PORT_2, TCP)
GOOD, BAD = "00000000", "00000001"
PATIENCE = 64  # s: no penalty is longer
SLOT = OVERHEAD + 1 + 4 * 7 * 9


def wrong(door: Door, kind: str = "P1", times: int = 1, channel: int = OPTICAL) -> None:
    """Wrong passwords, as fast as they are looked at."""
    for _ in range(times):
        door.times.pass_by(PATIENCE)
        assert door.access.log_in(kind, BAD, channel) is None


def is_locked(door: Door, kind: str = "P1", channel: int = OPTICAL) -> bool:
    """Whether the right password is not taken after all penalties; a good log-in ends a row of wrong ones."""
    door.times.pass_by(PATIENCE)
    return door.access.log_in(kind, GOOD, channel) is None


# --- counting and locking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", [1, 2, 3, 10])
def test_so_many_wrong_ones_in_a_row_lock_and_one_less_does_not(attempts: int) -> None:
    door = Door(defaults={"max_attempts": attempts})
    wrong(door, times=attempts - 1)
    assert not is_locked(door)
    wrong(door, times=attempts - 1)  # the good one in between has ended the row
    assert not is_locked(door)
    wrong(door, times=attempts)
    assert is_locked(door)
    assert door.reports[-1] == (1, OPTICAL, True)
    assert [locked for *_, locked in door.reports] == [False] * (3 * attempts - 3) + [True]


def test_a_lock_is_of_one_level_on_one_channel() -> None:
    for channel in CHANNELS:
        for kind in ("P1", "P2", "W5"):
            door = Door()
            wrong(door, kind, 3, channel)
            for other in CHANNELS:
                for other_kind in ("P1", "P2", "W5"):
                    expected = (other, other_kind) == (channel, kind)
                    assert is_locked(door, other_kind, other) is expected, (channel, kind, other, other_kind)


def test_password_and_proof_and_both_protocols_are_counted_together() -> None:
    door = Door()
    wrong(door, times=1)
    door.times.pass_by(PATIENCE)
    door.access.failed(1, OPTICAL)  # DLMS, client 32
    wrong(door, times=1)
    assert door.access.locked(1, OPTICAL)
    assert door.reports == [(1, OPTICAL, False), (1, OPTICAL, False), (1, OPTICAL, True)]


def test_what_comes_while_locked_is_not_looked_at_counted_or_reported_and_prolongs_nothing() -> None:
    door = Door()
    wrong(door, times=3)
    end = door.times.operating + DAY
    reports = list(door.reports)
    while door.times.operating < end - 3600:
        door.times.pass_by(3000)
        assert door.access.log_in("P1", GOOD) is None
        door.access.failed(1, OPTICAL)
    assert door.reports == reports
    door.times.pass_by(end - door.times.operating)
    assert door.access.log_in("P1", GOOD) == 1


# --- delays ----------------------------------------------------------------------------------------------------------


def test_the_delay_doubles_with_each_wrong_one_of_the_channel_up_to_64_s() -> None:
    door = Door(defaults={"max_attempts": 10})
    delays = []
    for _ in range(9):
        wrong(door)
        delays.append(door.access.penalty_ms())
    assert delays == [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000]
    assert [door.access.penalty_ms(channel) for channel in CHANNELS] == [64_000, 0, 0, 0]
    assert door.access.on(TCP).penalty_ms() == 0


def test_until_the_delay_is_over_nothing_is_looked_at_and_then_it_is() -> None:
    for start in (0, (1 << 30) - 64_500):  # ticks wrap
        door = Door(times=Times(ticks=start))
        wrong(door, "P1")
        assert door.access.log_in("P2", BAD) is None  # at once: the first costs nothing
        for passed, left in ((0.0, 1000), (0.4, 600), (0.599, 1)):
            door.times.pass_by(passed)
            assert door.access.penalty_ms() == left
            assert door.access.log_in("P1", GOOD) is None
            assert door.access.log_in("P1", GOOD, PORT_1) == 1
        assert len(door.reports) == 2
        door.times.pass_by(0.001)
        assert (door.access.penalty_ms(), door.access.log_in("P1", GOOD)) == (0, 1)


def test_a_good_log_in_of_one_level_does_not_make_up_for_wrong_ones_of_another() -> None:
    door = Door()
    wrong(door, "P2", 2)
    assert not is_locked(door, "P1")
    wrong(door, "P2", 1)
    assert is_locked(door, "P2")


# --- ends of a lock --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, 24, 240])
def test_a_lock_ends_after_its_hours_of_operation(hours: int) -> None:
    door = Door(defaults={"lock_hours": hours})
    wrong(door, times=3)
    door.times.pass_by(1000 * DAY, powered=False)
    door.times.pass_by(hours * 3600 - 1)
    door = Door(door.memory, door.defaults, times=door.times)
    assert door.access.locked(1, OPTICAL) and door.log_ins.any_locked
    door.times.pass_by(1)
    assert not door.access.locked(1, OPTICAL) and not door.log_ins.any_locked
    wrong(door, times=2)  # counting begins anew
    assert not is_locked(door)


def test_a_lock_recorded_with_an_end_by_the_clock_ends_by_operating_time() -> None:
    door = Door()
    cells = bytearray(1 + 4 * 7 * 9)
    cells[10:19] = struct.pack("<BII", 255, 1, door.times.operating + DAY)  # level 1, optical; long over by the clock
    Record(door.memory, LOG_INS.address, LOG_INS.capacity, 1).save_twice(cells)
    door = Door(door.memory, times=door.times)
    door.times.pass_by(DAY - 1)
    assert door.access.locked(1, OPTICAL)
    door.times.pass_by(1)
    assert not door.access.locked(1, OPTICAL)


def test_an_operating_time_that_runs_over_ends_a_lock_rather_than_keeping_it_for_years() -> None:
    door = Door(times=Times(operating=99_999_000))
    wrong(door, times=3)
    door.times.pass_by(PATIENCE)
    door.times.operating = 0
    assert not door.access.locked(1, OPTICAL)


def test_breaking_the_seal_ends_all_locks_and_a_broken_seal_ends_none() -> None:
    door = Door()
    for channel in CHANNELS:
        wrong(door, "P1", 3, channel)
        wrong(door, "P2", 2, channel)
    door.seal_broken = 1
    assert [is_locked(door, "P1", channel) for channel in CHANNELS] == [False] * 4
    assert not door.log_ins.any_locked
    wrong(door, "P2", 2)
    assert not is_locked(door, "P2")  # what was counted is forgotten too
    wrong(door, "P2", 3)
    assert is_locked(door, "P2")
    door.seal_broken = 0
    assert is_locked(door, "P2")
    door.seal_broken = 1
    assert not is_locked(door, "P2")


def test_a_seal_broken_while_the_supply_was_off_counts_once() -> None:
    door = Door()
    wrong(door, times=3)
    door = Door(door.memory, seal_broken=1, times=door.times)
    assert not is_locked(door)
    wrong(door, times=3)
    door = Door(door.memory, seal_broken=1, times=door.times)
    assert is_locked(door)


# --- the record ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", range(4))
def test_counts_and_locks_survive_a_restart_at_any_moment(attempts: int) -> None:
    door = Door()
    for _ in range(attempts):
        wrong(door)
        door = Door(door.memory, times=door.times)
    wrong(door, times=3 - attempts)
    assert is_locked(door)


def test_a_failure_is_on_record_before_it_is_reported() -> None:
    door = Door()
    seen: list[bytes] = []
    door.log_ins._report = lambda *_: seen.append(bytes(door.memory.content))
    wrong(door, times=3)
    for count, content in enumerate(seen, 1):
        ram = Ram()
        ram.content[:] = content
        assert Door(ram, times=door.times).log_ins._cells[1][0] == (count if count < 3 else 255)
    assert len(seen) == 3


@pytest.mark.parametrize("torn", [False, True], ids=["whole bytes", "byte in flight"])
def test_a_cut_at_any_byte_of_a_save_leaves_the_old_or_the_new_count(torn: bool) -> None:
    """The third failure, cut all along what it writes: two on record, or the lock; never fewer."""
    chip, times = FRAM(), Times()
    wrong(Door(started_fram(chip), times=times), times=2)
    image = bytes(chip.image)
    found = []
    for cut in range(0, 2 * SLOT + 1, 3):
        chip = FRAM(image)
        door = Door(started_fram(chip), times=times)
        times.pass_by(PATIENCE)
        chip.cut_after(cut, stop, torn_byte=torn)
        try:
            door.access.log_in("P1", BAD)
        except PowerCut:
            pass
        finally:
            chip.cancel_cut()
        after = Door(started_fram(chip), times=times)
        assert not after.log_ins.damaged
        count = after.log_ins._cells[1][0]
        assert count == 255 if door.reports else count in (2, 255), cut
        found.append(count)
    assert found == sorted(found) and set(found) == {2, 255}


def test_one_damaged_copy_costs_nothing_and_two_are_noticed() -> None:
    door = Door()
    wrong(door, times=3)
    half = LOG_INS.address + LOG_INS.size // 2
    for places, damaged in (((LOG_INS.address,), False), ((half,), False), ((LOG_INS.address, half), True)):
        ram = Ram()
        ram.content[:] = door.memory.content
        for place in places:
            ram.content[place + 20] ^= 1
        after = Door(ram, times=door.times)
        assert (after.log_ins.damaged, after.log_ins.any_locked) == (damaged, not damaged)


def test_with_a_memory_that_fails_the_lock_holds_and_is_stored_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "memory")

    door = Door()
    with monkeypatch.context() as patch:
        patch.setattr(door.memory, "write", fail)
        wrong(door, times=3)
        assert is_locked(door) and not door.log_ins.is_saved
        assert not Door(door.memory, times=door.times).log_ins.any_locked
    door.log_ins.update()
    assert door.log_ins.is_saved
    assert Door(door.memory, times=door.times).log_ins.any_locked


def test_what_could_not_be_read_is_not_written_over() -> None:
    door = Door()
    wrong(door, times=3)
    before = bytes(door.memory.content)
    door = Door(door.memory, times=door.times)
    door.log_ins._loaded = False  # as after an OSError at start
    wrong(door, "P2", times=3)
    assert is_locked(door, "P2") and bytes(door.memory.content) == before


# --- any course of events --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bad", "bad", "bad", "good", "restart", "hour", "day", "seal"]),
        st.sampled_from(["P1", "P2"]),
        st.sampled_from([OPTICAL, TCP]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_the_door_agrees_with_a_plain_model(steps: list[tuple[str, str, int]]) -> None:
    """The model: a row of failures and the end of a lock for each pair, no memory, no penalties."""
    door = Door()
    rows: dict[tuple[str, int], int] = {}
    ends: dict[tuple[str, int], int] = {}
    for what, kind, channel in steps:
        door.times.pass_by(PATIENCE)
        pair = (kind, channel)
        locked = ends.get(pair, 0) > door.times.operating
        if what == "restart":
            door = Door(door.memory, seal_broken=door.seal_broken, times=door.times)
        elif what == "seal":
            door.seal_broken = 1 - door.seal_broken
            if door.seal_broken:
                rows, ends = {}, {}
            door.log_ins.update()
        elif what in ("hour", "day"):
            door.times.pass_by({"hour": 3600, "day": DAY}[what])
        elif what == "good":
            assert (door.access.log_in(kind, GOOD, channel) is None) is locked
            rows[pair] = rows.get(pair, 0) if locked else 0
        else:
            assert door.access.log_in(kind, BAD, channel) is None
            if not locked:
                rows[pair] = rows.get(pair, 0) + 1
                if rows[pair] == 3:
                    rows[pair], ends[pair] = 0, door.times.operating + DAY


# --- in the meter ----------------------------------------------------------------------------------------------------


def test_numbers_are_the_familys() -> None:
    """Event 94 is the error register's bit 20 of group DD by the family's rule; 180 is ours."""
    assert error_register.COMMUNICATION_LOCKED == 0x00000020
    assert log.error_event(error_register.COMMUNICATION_LOCKED) == log.COMMUNICATION_LOCKED == 94
    assert log.LOG_IN_FAILED == 180
