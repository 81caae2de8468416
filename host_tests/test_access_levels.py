"""Who is let in and what a level may do: all levels, channels and conditions, on objects that declare their rights."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from host_tests.access_bench import Door, code_of, outcome
from meter.access import (
    BUSY,
    DENIED,
    HLS_ONLY,
    OPTICAL,
    PORT_1,
    PORT_2,
    RANGE,
    SEAL_BROKEN,
    TCP,
    TYPE,
    UNKNOWN,
    Refused,
    level_of_client,
)
from meter.parameters import KIND, LEVEL, ParameterRefused
from meter.parameters import RANGE as OUT_OF_RANGE

CHANNELS = (OPTICAL, PORT_1, PORT_2, TCP)
NO_SECURITY, LLS, HLS_MD5, HLS_GMAC = 0, 1, 3, 5
CONSUMERS = (5, 6)
CONDITIONS = (0x01, 0x02, 0x0C, 0x0F, 0x1F, 0x21, 0x2F, 0x3A, 0x3F)


class Thing:
    """An object as the contract has it: attribute and method 2, with these rights."""

    attributes = methods = 2
    logical_name = b"\x00\x00\x80\x00\x00\xff"

    def __init__(self, read: int | None = None, write: int | None = None, act: int | None = None) -> None:
        self.rights = {"read": read, "write": write, "act": act}
        self.value: Any = 7
        self.error: Exception | None = None
        self.journal: list[tuple] = []

    def _level(self, kind: str, n: int) -> int | None:
        if n != 2:
            raise KeyError(n)
        return self.rights[kind]

    def read_level(self, n: int) -> int | None:
        return self._level("read", n)

    def write_level(self, n: int) -> int | None:
        return self._level("write", n)

    def act_level(self, n: int) -> int | None:
        return self._level("act", n)

    def _note(self, *what: Any) -> None:
        if self.error is not None:
            raise self.error
        self.journal.append(what)

    def get(self, n: int, selection: tuple | None = None) -> Any:
        self._note("get", n, selection)
        return self.value

    def set(self, n: int, value: Any) -> None:
        self._note("set", n, value)

    def act(self, n: int, value: Any) -> tuple:
        self._note("act", n, value)
        return ("spec", value)


def door_with(**parameters: Any) -> Door:
    door = Door()
    for name, value in parameters.items():
        door.parameters.set(name, value, 4)
    return door


# --- levels ----------------------------------------------------------------------------------------------------------


def test_clients_have_the_levels_of_the_family() -> None:
    assert {client: level_of_client(client) for client in range(256) if level_of_client(client) is not None} == {
        16: 0,
        32: 1,
        48: 2,
        64: 3,
        80: 4,
        96: 5,
    }


@pytest.mark.parametrize("seal_broken", [0, 1])
@pytest.mark.parametrize("needed", [None, 0, 1, 2, 3, 4, 5, 6])
def test_an_attribute_is_read_and_changed_from_its_level_on(needed: int | None, seal_broken: int) -> None:
    """Levels 2 and 3 are worth 4 while the seal is broken, level 4 nothing while it is not; 5 and 6 do what 0 does and
    read what is their own."""
    door = Door(seal_broken=seal_broken)
    worth = {0: 0, 1: 1, 2: 4, 3: 4, 4: 4} if seal_broken else {0: 0, 1: 1, 2: 2, 3: 3, 4: 0}
    for level in range(7):
        if needed is None:
            reads = changes = False
        elif level in CONSUMERS:
            reads, changes = needed == 0 or 5 <= needed <= level, needed == 0
        else:
            reads = changes = needed <= worth[level]
        thing = Thing(needed, needed, needed)
        access = door.access
        said = (access.may_read(thing, 2, level), access.may_write(thing, 2, level), access.may_act(thing, 2, level))
        assert said == (reads, changes, changes), level
        assert outcome(access.get, thing, 2, level) == (7 if reads else DENIED)
        assert outcome(access.set, thing, 2, 8, level) == (None if changes else DENIED)
        assert outcome(access.act, thing, 2, 9, level) == (("spec", 9) if changes else DENIED)
        done = [("get", 2, None)] * reads + [("set", 2, 8), ("act", 2, 9)] * changes
        assert thing.journal == done


def test_what_an_object_has_not_is_unknown_at_every_level() -> None:
    access = Door(seal_broken=1).access
    for level in range(7):
        calls = ((access.get, 3, level), (access.set, 3, 1, level), (access.act, 3, 1, level))
        assert [outcome(call, Thing(0, 0, 0), *arguments) for call, *arguments in calls] == [UNKNOWN] * 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError(2), UNKNOWN),
        (ValueError("no"), RANGE),
        (OverflowError("too many"), RANGE),
        (OSError(5, "memory"), BUSY),
        (ParameterRefused("x", KIND), TYPE),
        (ParameterRefused("x", OUT_OF_RANGE), RANGE),
        (ParameterRefused("x", LEVEL), DENIED),
        (Refused(DENIED), DENIED),
    ],
)
def test_what_goes_wrong_in_an_object_has_its_reason(error: Exception, reason: str) -> None:
    access, thing = Door().access, Thing(0, 1, 1)
    thing.error = error
    calls = ((access.get, 2, 1), (access.set, 2, 1, 1), (access.act, 2, 1, 1))
    assert [outcome(call, thing, *arguments) for call, *arguments in calls] == [reason] * 3


def test_a_fault_of_the_program_is_not_taken_for_a_refusal() -> None:
    thing = Thing(0)
    thing.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        Door().access.get(thing, 2, 0)


def test_a_selection_is_handed_on() -> None:
    thing = Thing(0)
    assert Door().access.get(thing, 2, 0, (1, "range")) == 7
    assert thing.journal == [("get", 2, (1, "range"))]


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conditions", CONDITIONS)
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_level_is_open_under_its_conditions_only(level: int, conditions: int) -> None:
    door = door_with(**{f"access_{level}": conditions})
    for channel, broken, mechanism in itertools.product(CHANNELS, (0, 1), range(8)):
        door.seal_broken = broken
        has_channel = (1, 2, 4, 8)[channel] & conditions
        has_seal = broken or not (level == 4 or conditions & SEAL_BROKEN)
        has_proof = mechanism >= (2 if conditions & HLS_ONLY else 1)
        expected = bool(has_channel and has_seal and has_proof)
        assert door.access.allowed(level, channel, mechanism) is expected, (channel, broken, mechanism)


def test_level_0_needs_no_password_and_takes_none_and_level_6_has_no_log_in() -> None:
    door = door_with(access_0=0x05)
    for channel, mechanism in itertools.product(CHANNELS, range(8)):
        assert door.access.allowed(0, channel, mechanism) is (channel in (OPTICAL, PORT_2) and mechanism == 0)
        assert not door.access.allowed(6, channel, mechanism)


def test_a_new_meter_is_open_to_passwords_on_all_channels_and_level_4_with_the_seal_broken() -> None:
    for channel, level, broken in itertools.product(CHANNELS, range(1, 6), (0, 1)):
        access = Door(seal_broken=broken).access
        assert access.allowed(level, channel, LLS) is (level != 4 or broken == 1)
        assert access.allowed(level, channel, HLS_GMAC) is (level != 4 or broken == 1)
        assert not access.allowed(level, channel, NO_SECURITY)


def test_a_level_whose_conditions_have_ended_does_what_the_public_does() -> None:
    door = door_with(access_2=0x1F, access_1=0x02)
    for broken in (1, 0):
        door.seal_broken = broken
        assert outcome(door.access.get, Thing(1), 2, 2) == (7 if broken else DENIED)
        assert outcome(door.access.get, Thing(0), 2, 2) == 7
        assert door.write(code_of("display_seconds"), "9", 2) == ("" if broken else DENIED)
    assert outcome(door.access.get, Thing(1), 2, 1) == DENIED  # by the optical port
    assert outcome(door.access.on(PORT_1).get, Thing(1), 2, 1) == 7


def test_a_channel_closed_to_the_public_reads_nothing_without_log_in() -> None:
    door = door_with(access_0=0x01)
    assert (door.read("1.8.0"), outcome(door.access.on(TCP).read, "1.8.0", 0)) == ("000001.00*kWh", DENIED)
    assert outcome(door.access.on(TCP).read, "1.8.0", 1) == "000001.00*kWh"


def test_a_broken_seal_raises_nobody_where_level_4_is_closed_or_wants_more_than_a_password() -> None:
    network = code_of("network")
    for conditions, channel, said in (
        (0x0F, TCP, None),
        (0x07, TCP, DENIED),
        (0x07, PORT_2, None),
        (0x2F, TCP, DENIED),
    ):
        door = door_with(access_4=conditions)
        access = door.access.on(channel)
        for level in (2, 3):
            assert outcome(access.write, network, "3P4W", level) == DENIED
        door.seal_broken = 1
        for level in (2, 3):
            assert outcome(access.write, network, "3P4W", level) == said, (conditions, channel)
            assert outcome(access.set, Thing(write=4), 2, 1, level) == said
            assert access.may_write(Thing(write=4), 2, level) is (said is None)


def test_no_condition_can_close_a_level_on_all_channels() -> None:
    for level in range(6):
        for conditions in (0x00, 0x10, 0x20, 0x30, 0x40, 0x4F, -1):
            with pytest.raises(ParameterRefused, match=OUT_OF_RANGE):
                door_with(**{f"access_{level}": conditions})


# --- both protocols --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seal_broken", [0, 1])
def test_dlms_never_changes_what_iec_may_not(seal_broken: int) -> None:
    """Every parameter by its text and as an object that declares its level, at every level by every channel."""
    door = Door(seal_broken=seal_broken)
    for row in Door().parameters._rows.values():
        value = door.parameters.get(row[1])
        text = value.hex() if isinstance(value, bytes) else str(value)
        for level, channel in itertools.product(range(7), CHANNELS):
            access = door.access.on(channel)
            by_text = outcome(access.write, code_of(row[1]), text, level)
            assert outcome(access.set, Thing(write=row[6]), 2, value, level) == by_text, (row[1], level)


@pytest.mark.parametrize(("kind", "level"), [("P1", 1), ("P2", 2), ("W5", 3)])
def test_a_password_by_iec_is_the_password_of_the_dlms_client(kind: str, level: int) -> None:
    name = {"P1": "p1_password", "P2": "p2_password", "W5": "w5_password"}[kind]
    door = door_with(**{name: f"only {kind}"})
    for channel in CHANNELS:
        assert door.access.log_in(kind, f"only {kind}", channel) == level
        assert door.access.check_password(level, f"only {kind}".encode(), channel)
        assert [n for n in range(7) if door.access.check_password(n, f"only {kind}".encode(), channel)] == [level]


def test_a_level_for_hls_only_takes_no_password_by_iec_either() -> None:
    for conditions in (HLS_ONLY | 0x0F, SEAL_BROKEN | 0x0F, 0x0E):
        door = door_with(access_1=conditions)
        assert door.access.log_in("P1", "00000000") is None
        assert door.access.log_in("P2", "00000000") == 2
        assert door.reports == []  # it was not looked at
    assert door.access.log_in("P1", "00000000", TCP) == 1
