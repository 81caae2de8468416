"""Two-slot records: format, choice of slot, damage. Power cuts are in test_storage_power_cuts.py."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from meter.storage import records
from meter.storage.records import OVERHEAD, Record

ADDRESS, CAPACITY = 0x1234, 40


class Ram:
    """Plain memory with one hook: reads of the next `glitches` calls come back inverted."""

    def __init__(self, size: int = 0x4000) -> None:
        self.content = bytearray(size)
        self.glitches = 0
        self.fail = False

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self.content[address : address + len(buf)]
        if self.glitches:
            self.glitches -= 1
            buf[:] = bytes(byte ^ 0xFF for byte in buf)

    def write(self, address: int, buf: Any) -> None:
        if self.fail:
            raise OSError(5, "memory")
        self.content[address : address + len(buf)] = buf


def slot(payload: bytes, sequence: int, version: int = 1, address: int = ADDRESS) -> bytes:
    """A slot as the format describes it, made with zlib."""
    body = struct.pack("<BBHI", 0x5A, version, len(payload), sequence) + payload
    return body + struct.pack("<I", zlib.crc32(body, address))


def place(ram: Ram, number: int, content: bytes) -> None:
    start = ADDRESS + number * (CAPACITY + OVERHEAD)
    ram.content[start : start + len(content)] = content


def record(ram: Ram, **options: Any) -> Record:
    return Record(ram, ADDRESS, CAPACITY, options.pop("version", 1), **options)


def test_crc_is_the_one_of_ieee_802_3() -> None:
    ram = Ram()
    Record(ram, 0, 9, 0x31).save(b"123456789")
    assert ram.content[17:21] == struct.pack("<I", zlib.crc32(ram.content[:17]))
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the published check value


def test_slots_are_written_as_documented_and_in_turn() -> None:
    ram = Ram()
    saved = record(ram)
    for payload in (b"one", b"two", b"three"):
        saved.save(payload)
    start = ADDRESS
    assert ram.content[start:].startswith(slot(b"three", 2))
    assert ram.content[start + CAPACITY + OVERHEAD :].startswith(slot(b"two", 1))


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(CAPACITY))])
def test_what_is_saved_is_loaded_by_the_next_life(payload: bytes) -> None:
    ram = Ram()
    record(ram).save(b"before")
    record(ram).save(payload)
    again = record(ram)
    assert again.load() == payload
    assert (again.status, again.found_version) == (records.VALID, 1)


def test_too_long_a_payload_is_refused_and_changes_nothing() -> None:
    ram = Ram()
    saved = record(ram)
    saved.save(b"good")
    before = bytes(ram.content)
    with pytest.raises(ValueError):
        saved.save(bytes(CAPACITY + 1))
    assert ram.content == before


@pytest.mark.parametrize("fill", [0x00, 0xFF])
def test_a_new_memory_is_empty(fill: int) -> None:
    ram = Ram()
    ram.content[:] = bytes((fill,)) * len(ram.content)
    fresh = record(ram)
    assert fresh.load() is None and fresh.status == records.EMPTY


def test_sequence_numbers_wrap() -> None:
    ram = Ram()
    place(ram, 0, slot(b"older", 0xFFFFFFFE))
    place(ram, 1, slot(b"newer", 0xFFFFFFFF))
    counted = record(ram)
    assert counted.load() == b"newer"
    for payload in (b"first after the wrap", b"second", b"third"):
        counted.save(payload)
        assert record(ram).load() == payload
    assert ram.content[ADDRESS + CAPACITY + OVERHEAD :].startswith(slot(b"second", 1))


def test_every_single_bit_error_in_the_newest_slot_gives_the_older_value_never_garbage() -> None:
    older, newer = b"\x00\x01\x02\x03\x04", b"\xff\xfe\xfd\xfc\xfb\xfa"
    for bit in range(8 * (len(newer) + OVERHEAD)):
        ram = Ram()
        damaged = bytearray(slot(newer, 8))
        damaged[bit // 8] ^= 1 << bit % 8
        place(ram, 0, slot(older, 7))
        place(ram, 1, bytes(damaged))
        assert record(ram).load() == older


def test_after_save_twice_one_damaged_slot_does_not_bring_an_old_value_back() -> None:
    for number in (0, 1):
        ram = Ram()
        record(ram).save_twice(b"old")
        record(ram).save_twice(b"new")
        ram.content[ADDRESS + number * (CAPACITY + OVERHEAD) + 9] ^= 0x10
        assert record(ram).load() == b"new"


class Disturbed(Ram):
    """Reads fail so many times."""

    fails = 0

    def read_into(self, address: int, buf: Any) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError(5, "memory")
        super().read_into(address, buf)


@pytest.mark.parametrize(("fails", "holds"), [(1, True), (2, True), (3, False)])
def test_what_is_written_is_read_back_more_than_once_before_it_is_given_up(fails: int, holds: bool) -> None:
    ram = Disturbed()
    kept = record(ram)
    kept.save(b"old")
    ram.fails = fails
    if holds:
        kept.save(b"new")
    else:
        with pytest.raises(OSError):
            kept.save(b"new")
    kept.save_twice(b"newest")
    assert record(ram).load() == b"newest"


def test_how_many_slots_are_whole_is_known() -> None:
    ram = Ram()
    kept = record(ram)
    assert kept.load() is None and kept.whole_slots == 0
    kept.save(b"once")
    assert kept.load() == b"once" and kept.whole_slots == 1
    kept.save_twice(b"twice")
    assert kept.load() == b"twice" and kept.whole_slots == 2
    ram.content[ADDRESS + 8] ^= 1
    assert kept.load() == b"twice" and kept.whole_slots == 1
    ram.content[ADDRESS + CAPACITY + OVERHEAD + 8] ^= 1
    assert kept.load() is None and kept.whole_slots == 0


def test_both_slots_damaged_is_corrupt_and_can_be_saved_over() -> None:
    ram = Ram()
    record(ram).save_twice(b"value")
    ram.content[ADDRESS + 8] ^= 1
    ram.content[ADDRESS + CAPACITY + OVERHEAD + 8] ^= 1
    lost = record(ram)
    assert lost.load() is None and lost.status == records.CORRUPT
    lost.save(b"afresh")
    assert record(ram).load() == b"afresh"


def test_a_length_beyond_the_slot_is_corrupt_even_with_a_good_crc() -> None:
    ram = Ram()
    place(ram, 0, slot(bytes(CAPACITY + 1), 1))
    place(ram, 1, slot(bytes(CAPACITY + 1), 2))
    assert record(ram).load() is None


def test_a_record_from_another_place_is_not_taken() -> None:
    ram = Ram()
    place(ram, 0, slot(b"elsewhere", 5, address=ADDRESS + 1))
    place(ram, 1, slot(b"here", 4))
    assert record(ram).load() == b"here"


def test_a_foreign_version_is_not_returned_nor_an_older_value_in_its_place() -> None:
    ram = Ram()
    place(ram, 0, slot(b"mine", 3, version=1))
    place(ram, 1, slot(b"from a newer firmware", 4, version=2))
    old_firmware = record(ram)
    assert old_firmware.load() is None
    assert (old_firmware.status, old_firmware.found_version) == (records.FOREIGN, 2)


def test_a_readable_older_version_is_returned_with_its_number() -> None:
    ram = Ram()
    record(ram).save(b"format one")
    newer = record(ram, version=2, readable=(1,))
    assert newer.load() == b"format one" and newer.found_version == 1
    newer.save(b"format two")
    assert newer.found_version == 2
    assert record(ram, version=2).load() == b"format two"


@pytest.mark.parametrize("glitches", [1, 2])
def test_a_disturbed_read_does_not_bring_the_older_value_back(glitches: int) -> None:
    ram = Ram()
    place(ram, 0, slot(b"newest", 9))
    place(ram, 1, slot(b"older", 8))
    ram.glitches = glitches
    assert record(ram).load() == b"newest"


def test_a_failing_memory_passes_through_and_the_record_goes_on_afterwards() -> None:
    ram = Ram()
    saved = record(ram)
    saved.save(b"first")
    ram.fail = True
    with pytest.raises(OSError, match="memory"):
        saved.save(b"lost")
    ram.fail = False
    assert record(ram).load() == b"first"
    saved.save(b"second")
    assert record(ram).load() == b"second"
    assert ram.content[ADDRESS:].startswith(slot(b"first", 0))
