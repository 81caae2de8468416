"""Secrets and keys: stored, changed by whom it may concern, never let out; a wrong one costs what any other does."""

from __future__ import annotations

import hmac
import itertools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.access_bench import Door, code_of, outcome
from host_tests.model_sources import Ram
from meter.access import DENIED, OPTICAL, RANGE, TCP, TYPE, _same
from meter.keys import Keys
from meter.parameters import KIND, LEVEL, TABLE, ParameterRefused, Parameters
from meter.parameters import RANGE as OUT_OF_RANGE

PASSWORDS = ("p1_password", "p2_password", "w5_password", "password_4", "password_5")
HLS = tuple(f"hls_secret_{level}" for level in range(1, 6))
KEYS = ("unicast_key", "broadcast_key", "authentication_key", "master_key")
TITLE = bytes.fromhex("4C475A0003A2C4F8")

# Values that nothing else has, each with its own number
MARKED: dict[str, Any] = {
    **{name: f"Qx{n}zzPassword" for n, name in enumerate(PASSWORDS)},
    **{name: b"Qx%dzzHighLevelSecret" % n for n, name in enumerate(HLS)},
    **{name: b"Qx%dzzKeyOfSixtn" % n for n, name in enumerate(KEYS)},
}


def refusal(function: Callable[..., Any], *arguments: Any) -> str | None:
    try:
        function(*arguments)
    except ParameterRefused as refused:
        return refused.reason
    return None


# --- never out -------------------------------------------------------------------------------------------------------


def shows_a_secret(said: Any) -> bool:
    text = str(said)
    return "Qx" in text or b"Qx".hex() in text.lower()


def test_the_secrets_are_all_that_the_table_has() -> None:
    parameters = Parameters(Ram())
    assert {name for name in parameters.names() if parameters.is_secret(name)} == set(MARKED)
    with pytest.raises(KeyError):
        parameters.is_secret("no such")


def test_no_way_of_reading_gives_a_secret() -> None:
    """All codes, in all spellings, and all readout lists, at all levels, by all channels, seal closed and broken."""
    door = Door(defaults=MARKED)
    assert shows_a_secret(door.parameters.p1_password)
    codes = list(door.model.codes())
    for number in range(256):
        codes += [f"C.61.{number}", f"96.61.{number}", f"0-0:C.61.{number}", f"C.61.{number}*255"]
    for broken, level, channel in itertools.product((0, 1), range(7), (OPTICAL, TCP)):
        door.seal_broken = broken
        access = door.access.on(channel)
        for code in codes:
            assert not shows_a_secret(outcome(access.read, code, level)), (code, level)
    for number in (0, 6):
        assert not shows_a_secret(list(door.model.readout(number)))


@pytest.mark.parametrize("name", sorted(MARKED))
def test_a_refused_change_of_a_secret_tells_nothing_of_it(name: str) -> None:
    door = Door(defaults=MARKED)
    for level, text in itertools.product(range(7), ("", "x", "zz" * 40, "0", "(")):
        assert not shows_a_secret(outcome(door.access.write, code_of(name), text, level))
        assert outcome(door.access.read, code_of(name), level) == DENIED


def test_reports_of_failures_hold_neither_what_was_sent_nor_what_is_right() -> None:
    door = Door(defaults=MARKED)
    door.access.log_in("P1", "Qxsent")
    assert door.reports == [(1, OPTICAL, False)]


# --- kept and changed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HLS + KEYS)
def test_octets_are_written_as_hexadecimal_and_are_there_in_the_next_life(name: str) -> None:
    door = Door(seal_broken=1)
    for text in ("00FF10" + "a5" * 13, "0123456789abcdefABCDEF0123456789"):
        assert door.write(code_of(name), text, 3) == ""
        for parameters in (door.parameters, Door(door.memory).parameters):
            assert parameters.get(name) == bytes.fromhex(text)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("unicast_key", "00" * 15, RANGE),
        ("unicast_key", "00" * 17, RANGE),
        ("unicast_key", "", RANGE),
        ("broadcast_key", "00" * 16, ""),
        ("broadcast_key", "", ""),
        ("broadcast_key", "00" * 8, RANGE),
        ("unicast_key", "0" * 31, TYPE),
        ("unicast_key", "0g" * 16, TYPE),
        ("unicast_key", " 0" * 16, TYPE),
        ("hls_secret_1", "00" * 15, RANGE),
        ("hls_secret_1", "00" * 64, ""),
        ("hls_secret_1", "00" * 65, RANGE),
        ("w5_password", "", RANGE),
        ("w5_password", "1234567890123456", ""),
        ("w5_password", "12345678901234567", RANGE),
        ("security_policy", "3", ""),
        ("security_policy", "4", RANGE),
        ("max_attempts", "0", RANGE),
        ("access_1", "0", RANGE),
        ("access_1", "48", RANGE),
        ("access_1", "17", ""),
    ],
)
def test_secrets_and_conditions_are_checked(name: str, text: str, error: str) -> None:
    door = Door()
    before = door.parameters.get(name)
    assert door.write(code_of(name), text, 2) == DENIED  # at too low a level nothing tells whether it were good
    assert door.write(code_of(name), text, 3) == error
    assert error == "" or door.parameters.get(name) == before


def test_values_of_the_wrong_kind_are_no_secrets() -> None:
    parameters = Parameters(Ram())
    for value in ("00" * 16, bytearray(16), 0, None, memoryview(bytes(16))):
        assert refusal(parameters.set, "unicast_key", value, 4) == KIND
    assert refusal(parameters.set, "w5_password", b"12345678", 4) == KIND


def test_each_client_changes_its_own_password_or_secret_only_if_iec_lets_it() -> None:
    """A level-2 client with the seal closed may not change P2, so it may not by its association either."""
    door = Door()
    change = door.access.change_secret
    rows = {row[1]: row for row in TABLE}
    for broken, level in itertools.product((0, 1), range(1, 6)):
        door.seal_broken = broken
        worth = {2: 4, 3: 4}.get(level, level) if broken else level if level != 4 else 0
        for name, value, mechanism in (
            (PASSWORDS[level - 1], b"new%d%d" % (level, broken), 1),
            (HLS[level - 1], b"new secret %d %d    " % (level, broken), 5),
        ):
            expected = None if rows[name][6] <= worth < 5 else DENIED
            assert outcome(change, level, value, mechanism) == expected, (name, broken)
            now = door.parameters.get(name)
            assert ((now if isinstance(now, bytes) else now.encode()) == value) is (expected is None)
    assert outcome(change, 3, b"too short", 5) == RANGE
    assert outcome(change, 3, b"\xff" * 8, 1) == RANGE
    assert [outcome(change, level, b"12345678", 1) for level in (0, 6)] == [DENIED, DENIED]


def test_secrets_belong_to_their_levels() -> None:
    access = Door(defaults=MARKED).access
    assert [access.secret(level) for level in range(1, 6)] == [MARKED[name] for name in HLS]
    for level in (0, 6):
        with pytest.raises(KeyError):
            access.secret(level)
        assert not access.check_password(level, b"", OPTICAL)


def test_a_record_of_before_the_secrets_is_taken_as_it_is() -> None:
    """Number, length, value: what a meter of the first firmware holds, and what that makes of one by this firmware."""
    old = tuple(row for row in TABLE if row[0] <= 22)
    ram = Ram()
    before = Parameters(ram, table=old)
    before.set("p1_password", "first", 4)
    before.set("p2_password", "second", 4)
    before.set("display_seconds", 33, 4)
    door = Door(ram)
    assert not door.parameters.checksum_error and not door.parameters.replaced
    assert (door.access.log_in("P1", "first"), door.access.log_in("P2", "second")) == (1, 2)
    assert (door.parameters.display_seconds, door.access.log_in("W5", "00000000")) == (33, 3)
    assert door.write(code_of("hls_secret_1"), "ab" * 64, 3) == ""
    back = Parameters(ram, table=old)
    back.load()
    assert (back.p1_password, back.display_seconds, back.checksum_error) == ("first", 33, False)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_new_meter_has_the_keys_of_the_standards_examples() -> None:
    keys = Keys(Parameters(Ram()), TITLE)
    assert keys.encryption.hex().upper() == "000102030405060708090A0B0C0D0E0F"
    assert keys.authentication.hex().upper() == "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
    assert keys.master.hex().upper() == "000102030405060708090A0B0C0D0E0F"
    assert (keys.broadcast, keys.policy, keys.suite, keys.title) == (None, 0, 0, TITLE)


def test_keys_are_set_by_their_key_id_from_level_3_on() -> None:
    ram = Ram()
    keys = Keys(Parameters(ram), TITLE)
    new = [bytes([n + 1] * 16) for n in range(4)]
    for number in range(4):
        assert [refusal(keys.set_key, number, new[number], level) for level in (0, 1, 2, 5, 6)] == [LEVEL] * 5
        keys.set_key(number, bytearray(new[number]), 3)
    for number in (-1, 4):
        with pytest.raises(ValueError, match="no key"):
            keys.set_key(number, new[0], 4)
    assert refusal(keys.set_key, 0, bytes(15), 3) == OUT_OF_RANGE
    parameters = Parameters(ram)
    parameters.load()
    for found in (keys, Keys(parameters, TITLE)):
        assert [found.encryption, found.broadcast, found.authentication, found.master] == new


def test_a_policy_is_only_strengthened_by_activation() -> None:
    for before, wanted in itertools.product(range(4), range(4)):
        keys = Keys(Parameters(Ram(), {"security_policy": before}), TITLE)
        if wanted & before == before:
            keys.activate(wanted, 3)
            assert keys.policy == wanted
        else:
            with pytest.raises(ValueError, match="strengthened"):
                keys.activate(wanted, 3)
            assert keys.policy == before
    assert refusal(Keys(Parameters(Ram()), TITLE).activate, 3, 2) == LEVEL


# --- what a wrong password costs -------------------------------------------------------------------------------------

LENGTHS = st.integers(0, 80).flatmap(lambda n: st.binary(min_size=n, max_size=n))


def steps(function: Callable[..., Any], *arguments: Any) -> int:
    """Bytecode instructions of the firmware that a call executes; the test tools' own may come at any time."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode" and "firmware" in frame.f_code.co_filename
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return count


@settings(max_examples=200, deadline=None)
@given(LENGTHS, st.binary(min_size=1, max_size=16))
def test_comparing_takes_the_same_steps_for_all_contents_and_lengths(sent: bytes, own: bytes) -> None:
    assert steps(_same, sent, own) == steps(_same, b"00000000", b"00000000") > 64 * 5
    assert _same(sent, own) is hmac.compare_digest(sent, own)
    assert _same(memoryview(own), own) and not _same(own + b"\x00", own) and not _same(own[:-1], own)


def test_a_wrong_log_in_takes_the_same_steps_whatever_the_password() -> None:
    costs = {
        (kind, own, sent): steps(Door(defaults={"p1_password": own, "p2_password": own}).access.log_in, kind, sent)
        for kind in ("P1", "P2")
        for own in ("1", "12345678", "1234567812345678")
        for sent in ("", "x", "1234567", "12345679", "x2345678", "123456781", "x" * 16, "x" * 80)
    }
    assert len(set(costs.values())) == 1, costs
