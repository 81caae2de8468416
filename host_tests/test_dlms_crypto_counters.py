"""Invocation counters on the FRAM model, with the supply lost at any byte: none of ours twice, none of theirs again."""

from __future__ import annotations

import json
import random
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.interpreters import on_micropython
from host_tests.power_cut import PowerCut, stop
from host_tests.wires import started_fram
from meter.comms.dlms.ciphering import AUTHENTICATED, ENCRYPTED, OLD_COUNTER, CipheringError, KeyInUse, Protection
from meter.comms.dlms.counters import (
    BATCH,
    PAST,
    VERSION,
    CountersError,
    InvocationCounters,
    PassingCounter,
    ReceivedCounter,
    mark_of,
)
from meter.storage import layout
from meter.storage.records import OVERHEAD, Record
from tools.bench.fram import FRAM
from tools.bench.process import ROOT

AREA = layout.INVOCATION_COUNTERS
SLOT_BYTES = AREA.size // 2
N = 2  # keys that are counted
PAYLOAD = 8 * (1 + 2 * N) + 64
KEYS = [bytes([n]) * 16 for n in range(PAST + 3)]


class Meter:
    """The counters of one meter through its lives."""

    def __init__(self, image: bytes | None = None, seed: int = 0) -> None:
        self.chip = FRAM(image, seed=seed)
        self.boot()

    def boot(self) -> None:
        self.chip.cancel_cut()
        self.counters = InvocationCounters(started_fram(self.chip))

    def cut_after(self, n_bytes: int, torn: bool = True) -> None:
        self.chip.cut_after(n_bytes, stop, torn_byte=torn)

    def damage(self, slot: int) -> None:
        address = AREA.address + slot * SLOT_BYTES + OVERHEAD
        self.chip.poke(address, bytes([self.chip.peek(address, 1)[0] ^ 0xFF]))


def stored(reserved: int, least: int = 0) -> Meter:
    """A meter whose record says so."""
    meter = Meter()
    memory = meter.counters._record._memory
    record = Record(memory, AREA.address, AREA.capacity, VERSION)
    record.save_twice(struct.pack(f"<{1 + 2 * N}Q64x", reserved, *[least] * 2 * N))
    return meter


def test_a_new_meter_begins_at_0_and_counts_without_gap() -> None:
    meter = Meter()
    assert [meter.counters.next() for _ in range(1000)] == list(range(1000))
    assert [meter.counters.least(slot) for slot in range(N)] == [0] * N


def test_a_batch_costs_one_write_of_both_slots() -> None:
    meter = Meter()
    for _ in range(3 * BATCH):
        meter.counters.next()
    assert meter.chip.writes == 2 * 3
    assert meter.chip.bytes_written == 2 * 3 * (PAYLOAD + OVERHEAD)


def test_a_restart_goes_on_behind_the_batch() -> None:
    meter = Meter()
    assert [meter.counters.next() for _ in range(3)] == [0, 1, 2]
    for life in range(1, 4):
        meter.boot()
        assert meter.counters.next() == life * BATCH


def test_a_thousand_power_cuts_repeat_no_number_and_bring_no_used_one_back() -> None:
    """Each life does some of both, and ends in the middle of a write, or between two."""
    source = random.Random(12)
    meter, taken = Meter(seed=1), dict.fromkeys(range(N), -1)
    sent: list[int] = []
    lives = cuts = 0
    while cuts < 1000:
        lives += 1
        meter.cut_after(source.randrange(4 * (PAYLOAD + OVERHEAD)), torn=source.random() < 0.5)
        try:
            for _ in range(source.randrange(300)):
                if source.random() < 0.9:
                    sent.append(meter.counters.next())
                else:
                    slot = source.randrange(N)
                    counter = taken[slot] + source.randrange(1, 5)
                    if counter >= meter.counters.least(slot):  # else it was on record already when the cut came
                        meter.counters.accept(slot, counter)
                        taken[slot] = counter
        except PowerCut:
            cuts += 1
        meter.boot()
        for slot, counter in taken.items():
            assert meter.counters.least(slot) > counter
            with pytest.raises(CountersError):
                meter.counters.accept(slot, counter)
    assert len(sent) > 5000 and sent == sorted(set(sent))
    assert sent[-1] <= len(sent) + BATCH * lives


@pytest.mark.parametrize("torn", [False, True], ids=["whole bytes", "byte in flight"])
def test_a_cut_at_every_byte_of_a_reservation_repeats_nothing(torn: bool) -> None:
    past = Meter()
    for _ in range(BATCH):
        past.counters.next()
    for cut in range(2 * (PAYLOAD + OVERHEAD) + 1):
        meter = Meter(past.chip.image, seed=cut)
        meter.cut_after(cut, torn)
        sent = -1
        with suppress(PowerCut):
            sent = meter.counters.next()
        meter.boot()
        assert sent in (-1, BATCH)
        assert meter.counters.next() in ((2 * BATCH,) if sent == BATCH else (BATCH, 2 * BATCH))


@pytest.mark.parametrize("torn", [False, True], ids=["whole bytes", "byte in flight"])
def test_a_cut_at_every_byte_of_an_acceptance_leaves_it_done_or_not_done(torn: bool) -> None:
    past = Meter()
    past.counters.accept(1, 41)
    for cut in range(2 * (PAYLOAD + OVERHEAD) + 1):
        meter = Meter(past.chip.image, seed=cut)
        meter.counters.load()
        meter.cut_after(cut, torn)
        executed = False
        with suppress(PowerCut):
            meter.counters.accept(1, 50)
            executed = True
        meter.boot()
        assert meter.counters.least(1) in ((51,) if executed else (42, 51))
        assert meter.counters.least(0) == 0


STEP = st.tuples(st.sampled_from(["send", "accept"]), st.integers(0, 400), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25), st.integers(0, 99))
def test_any_history_with_damage_to_one_slot_repeats_nothing(steps: list[tuple[str, int, bool]], seed: int) -> None:
    meter, source = Meter(seed=seed), random.Random(seed)
    highest, least, writes = -1, 0, 0
    for what, amount, damaged in steps:
        if what == "send":
            for _ in range(amount):
                number = meter.counters.next()
                assert number > highest
                highest = number
        else:
            meter.counters.accept(0, least + amount)
            least += amount + 1
        if damaged and meter.chip.writes > writes:  # both slots are whole: one of them goes
            meter.damage(source.randrange(2))
            meter.boot()
            writes = meter.chip.writes
        assert meter.counters.least(0) == least


def test_with_both_slots_damaged_nothing_is_sent_or_taken_until_new_keys() -> None:
    meter = Meter()
    meter.counters.accept(0, meter.counters.next())
    meter.damage(0)
    meter.damage(1)
    meter.boot()
    for _ in range(2):
        with pytest.raises(CountersError):
            meter.counters.next()
        with pytest.raises(CountersError):
            meter.counters.accept(0, 1 << 20)
    meter.counters.start_anew()
    assert meter.counters.next() == 0 and meter.counters.least(0) == 0
    meter.boot()
    assert meter.counters.next() == BATCH


def test_a_record_of_a_later_format_is_not_guessed_at() -> None:
    meter = Meter()
    record = Record(meter.counters._record._memory, AREA.address, AREA.capacity, VERSION + 1)
    record.save_twice(bytes(PAYLOAD))
    with pytest.raises(CountersError):
        meter.counters.next()


def test_all_numbers_are_given_and_then_none() -> None:
    meter = stored((1 << 32) - 3)
    assert [meter.counters.next() for _ in range(3)] == [0xFFFF_FFFD, 0xFFFF_FFFE, 0xFFFF_FFFF]
    for _ in range(2):
        with pytest.raises(CountersError, match="spent"):
            meter.counters.next()
        meter.boot()
    meter.counters.start_anew()
    assert meter.counters.next() == 0


def test_the_last_number_of_a_client_is_taken_and_then_none() -> None:
    meter = stored(0, 0xFFFF_FFFF)
    meter.counters.accept(1, 0xFFFF_FFFF)
    meter.boot()
    assert meter.counters.least(1) == 1 << 32
    for counter in (0, 0xFFFF_FFFF, 1 << 32):
        with pytest.raises(CountersError):
            meter.counters.accept(1, counter)


def test_a_failing_memory_changes_nothing() -> None:
    meter = Meter()
    for _ in range(BATCH):
        meter.counters.next()
    meter.counters.accept(0, 7)
    meter.chip.faults.dead = True
    for _ in range(2):
        with pytest.raises(OSError):
            meter.counters.next()
        with pytest.raises(OSError):
            meter.counters.accept(0, 8)
    assert meter.counters.least(0) == 8
    meter.chip.faults.dead = False
    assert meter.counters.next() == BATCH
    meter.counters.accept(0, 8)
    meter.boot()
    assert meter.counters.least(0) == 9


def least(meter: Meter) -> list[int]:
    return [meter.counters.least(slot) for slot in range(N)]


def test_a_new_key_lets_its_clients_start_anew_and_no_others() -> None:
    meter = Meter()
    for number in (0, 1):
        meter.counters.use(number, KEYS[number])
    for slot in range(N):
        meter.counters.accept(slot, 100 + slot)
    meter.counters.use(0, KEYS[2])
    meter.boot()
    assert least(meter) == [0, 102]


def test_a_key_that_comes_back_goes_on_above_all_that_was_taken() -> None:
    meter = Meter()
    meter.counters.use(0, KEYS[0])
    meter.counters.accept(0, 8000)
    for n in range(1, 1 + PAST):
        meter.counters.use(0, KEYS[n])
        assert meter.counters.least(0) == 0
        meter.counters.accept(0, 5)
        meter.boot()
    for n in (0, 1, 0, PAST, 0):
        meter.counters.use(0, KEYS[n])
        assert meter.counters.least(0) == 8001
    meter.counters.use(0, KEYS[PAST + 1])
    assert meter.counters.least(0) == 0


def test_while_there_is_no_broadcast_key_its_counters_stay() -> None:
    meter = Meter()
    meter.counters.use(1, KEYS[0])
    meter.counters.accept(1, 50)
    for key, expected in ((b"", 51), (KEYS[0], 51), (b"", 51), (KEYS[1], 0)):
        meter.counters.use(1, key)
        assert meter.counters.least(1) == expected


@pytest.mark.parametrize("torn", [False, True], ids=["whole bytes", "byte in flight"])
def test_a_cut_at_every_byte_of_a_new_key_lets_nothing_of_the_old_one_in(torn: bool) -> None:
    past = Meter()
    past.counters.use(0, KEYS[0])
    past.counters.accept(0, 8000)
    for cut in range(2 * (PAYLOAD + OVERHEAD) + 1):
        meter = Meter(past.chip.image, seed=cut)
        meter.cut_after(cut, torn)
        with suppress(PowerCut):
            meter.counters.use(0, KEYS[1])
        meter.boot()
        for key, expected in ((KEYS[1], 0), (KEYS[0], 8001)):
            meter.counters.use(0, key)
            assert meter.counters.least(0) == expected


def test_an_association_that_outlives_its_key_lets_nothing_in_again() -> None:
    meter = Meter()
    meter.counters.use(0, KEYS[0])
    lingering = ReceivedCounter(meter.counters, 0, KEYS[0])
    lingering.accept(8000)
    meter.counters.use(0, KEYS[1])
    assert lingering.least == 8001
    lingering.accept(8001)
    assert (lingering.least, meter.counters.least(0)) == (8002, 0)
    meter.counters.use(0, KEYS[0])
    assert meter.counters.least(0) == lingering.least == 8002


@pytest.mark.parametrize("version", [1, 2])
def test_the_highest_counter_of_the_clients_of_an_older_record_holds_for_all(version: int) -> None:
    """Formats 1 and 2: our counters, 16 clients' of the key in force; format 2 also of keys of before, and marks."""
    meter = Meter()
    record = Record(meter.counters._record._memory, AREA.address, AREA.capacity, version)
    old = struct.pack("<17Q", 300, *range(100, 116))
    if version == 2:
        old += (
            struct.pack("<16Q", *range(120, 136)) + mark_of(KEYS[0]) + mark_of(KEYS[5]) + mark_of(KEYS[1]) + bytes(52)
        )
    record.save_twice(old)
    assert meter.counters.next() == 300
    meter.counters.use(0, KEYS[0])
    meter.boot()
    assert least(meter) == [107, 115]
    meter.counters.use(0, KEYS[2])
    assert least(meter) == [0, 115]
    meter.counters.use(0, KEYS[0])
    assert least(meter) == [107 if version == 1 else 127, 115]
    meter.boot()
    if version == 2:
        meter.counters.use(0, KEYS[1])
        assert least(meter) == [127, 115]


ON_MICROPYTHON = """
import gc, json, sys
sys.path.insert(0, {firmware!r})
from meter.comms.dlms.counters import CountersError, InvocationCounters
class Memory:
    def __init__(self, content): self.content = bytearray(content)
    def read_into(self, address, buf): buf[:] = self.content[address - {address} : address - {address} + len(buf)]
    def write(self, address, buf): self.content[address - {address} : address - {address} + len(buf)] = buf
memory = Memory(bytes.fromhex(sys.stdin.read()))
counters = InvocationCounters(memory)
sent = [counters.next() for _ in range(150)]
least = counters.least(1)
counters.accept(1, 0xFFFFFFFE)
refused = 0
for counter in (0, least, 0xFFFFFFFE):
    try: counters.accept(1, counter)
    except CountersError: refused += 1
gc.collect(); gc.disable()
before = gc.mem_alloc()
for n in range(99): counters.next()
used = gc.mem_alloc() - before
print(json.dumps([sent, least, refused, used, memory.content.hex()]))
"""


def test_micropython_goes_on_where_cpython_left_off_and_back() -> None:
    meter = stored(0xFFFF_0000, 0x8000_0000)
    script = ON_MICROPYTHON.format(firmware=str(ROOT / "firmware"), address=AREA.address)
    content = meter.chip.peek(AREA.address, AREA.size)
    printed = on_micropython(script, "192K", content.hex())
    sent, least, refused, used, content = json.loads(printed)
    assert sent == list(range(0xFFFF_0000, 0xFFFF_0000 + 150))
    assert least == 0x8000_0000 and refused == 3
    assert used <= 4096  # a reservation; nothing for the numbers, which are no objects on the 64-bit port
    meter.chip.poke(AREA.address, bytes.fromhex(content))
    meter.boot()
    assert meter.counters.least(1) == 0xFFFF_FFFF and meter.counters.least(0) == 0x8000_0000
    assert meter.counters.next() == 0xFFFF_0000 + 300


def test_a_replay_after_a_power_cut_is_refused() -> None:
    """What an attacker has recorded stays worthless: the whole way, from the ciphered APDU to the chip."""
    meter, ek, ak = Meter(), bytes(16), bytes(range(16))
    client = Protection(b"CLIENT01", b"METER001", KeyInUse(ek, PassingCounter()), ak)
    recorded = [client.protect(b"\xc3\x01\xc1" + bytes(20), AUTHENTICATED | ENCRYPTED, n) for n in range(1, 6)]

    def powered_up() -> Protection:
        meter.boot()
        meter.counters.use(0, ek)
        received = ReceivedCounter(meter.counters, 0, ek)
        return Protection(b"METER001", b"CLIENT01", KeyInUse(ek, received), ak)

    for number, apdu in enumerate(recorded):
        assert powered_up().unprotect(apdu)[2] == number + 1
        side = powered_up()
        for old in recorded[: number + 1]:
            with pytest.raises(CipheringError) as caught:
                side.unprotect(old)
            assert caught.value.reason == OLD_COUNTER
