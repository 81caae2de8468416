"""A live meter and who may do what: all attributes and methods at every level, against the object lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gurux_dlms.enums import DataType, MethodAccessMode
from gurux_dlms.objects import GXDLMSData

from host_tests.live_meter import (
    CLIENTS,
    address,
    live_meter,
    lls,
    over_tcp,
    raw,
)
from host_tests.live_model import (
    ASSOCIATION,
    CLOCK,
    SECURITY,
    encoded,
    holds_still,
    may,
    octets,
    reference,
    stored,
)
from meter.parameters import TABLE
from tools.bench import Bench
from tools.meter import MeterError
from tools.meter.speed import RawClient

LEVELS = range(6)
LONGEST_WRITE = 900  # bytes that are sure to fit into one request
SUCCESS, DENIED = 0, 3  # Data-Access-Result, Action-Result
# The second is the address it has anyway, so that to write what is read changes nothing
PARAMETERS = {"max_attempts": 10, "hdlc_address": 1001}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with live_meter(parameters=PARAMETERS) as bench:
        yield bench


def rights(bench: Bench, level: int) -> dict[bytes, tuple[dict[int, int], set[int]]]:
    """What the object list of a level says: name -> (modes of the attributes, methods)."""
    told = {}
    with over_tcp(bench, lls(level)) as meter:
        for target in meter.objects:
            modes = {n: may(target, n) for n in range(1, target.getAttributeCount() + 1)}
            methods = {
                n
                for n in range(1, target.getMethodCount() + 1)
                if target.getMethodAccess(n) not in (None, MethodAccessMode.NO_ACCESS)
            }
            told[octets(target.logicalName)] = modes, methods
    return told


def reference_of(found: Any, n: int) -> bytes:
    return found.class_id.to_bytes(2, "big") + found.logical_name + bytes((n,))


def read_result(client: RawClient, found: Any, n: int) -> int:
    answer = client.ask(b"\xc0\x01\xc1" + reference_of(found, n) + b"\x00")
    return answer[4] if answer[:2] == b"\xc4\x01" and answer[3] else SUCCESS


def write_result(client: RawClient, found: Any, n: int, is_readable: int) -> int:
    """Write what the attribute is already, if that can be known, else null-data."""
    value = b"\x00"
    if holds_still(found, n):
        value = encoded(found, n)
    elif is_readable:
        value = client.get(reference_of(found, n))
    if len(value) > LONGEST_WRITE:
        value = b"\x00"
    answer = client.ask(b"\xc1\x01\xc1" + reference_of(found, n) + b"\x00" + value)
    assert answer[:3] == bytes.fromhex("c501c1"), answer.hex()
    return answer[3]


def act_result(client: RawClient, found: Any, n: int) -> int:
    """Call with a parameter that changes nothing to speak of."""
    value = {(CLOCK, 6): b"\x10\x00\x00", (SECURITY, 1): b"\x16\x00", (SECURITY, 2): b"\x01\x00"}
    parameter = value.get((found.class_id, n), b"\x0f\x00")
    answer = client.ask(b"\xc3\x01\xc1" + reference_of(found, n) + b"\x01" + parameter)
    assert answer[:3] == bytes.fromhex("c701c1"), answer.hex()
    return answer[3]


def may_be_written(level: int) -> set[bytes]:
    """C.61.n that the parameters' table opens to a level."""
    return {bytes((0, 0, 96, 61, row[0], 255)) for row in TABLE if row[6] <= level < 5}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_may_do_what_its_object_list_says_and_nothing_else(bench: Bench, level: int) -> None:
    """All attributes read and written, all methods called; what is refused changes nothing, what is written is as it
    was."""
    model = reference(bench)
    bench.seal_open = level == 4
    told, before, energies, refused = rights(bench, level), stored(bench), bench.totals(), 0
    names_alone = {1: int(0 < level < 5)}  # of objects that are not in the list
    with raw(bench, level) as client:
        for found in model.objects():
            modes, methods = told.get(found.logical_name, (names_alone, set()))
            for n in range(1, found.attributes + 1):
                mode = modes.get(n, 0)
                assert read_result(client, found, n) == (SUCCESS if mode & 1 else DENIED), (found.index, n)
                assert write_result(client, found, n, mode & 1) == (SUCCESS if mode & 2 else DENIED), (found.index, n)
                refused += not mode & 2
            for n in range(1, found.methods + 1):
                assert act_result(client, found, n) == (SUCCESS if n in methods else DENIED), (found.index, n)
                refused += n not in methods
    bench.seal_open = False
    areas = 2 if level == 4 else 3  # its calibration record is written anew, with a sequence number
    assert stored(bench)[:areas] == before[:areas] and bench.totals() == energies
    written = {name for name, (modes, _) in told.items() if any(mode & 2 for mode in modes.values())}
    assert {name for name in written if name[2:4] == b"\x60\x3d"} == may_be_written(level)
    if level < 2 or level == 5:
        assert written == ({ASSOCIATION} if level == 1 else set())
        assert not any(methods for name, (_, methods) in told.items() if name != ASSOCIATION)
    assert refused > 600


def test_a_broken_seal_makes_levels_2_and_3_worth_level_4(bench: Bench) -> None:
    led_constant = GXDLMSData("0.0.96.61.1.255")
    for level in (2, 3):
        with over_tcp(bench, lls(level)) as meter:
            with pytest.raises(MeterError, match="denied"):
                meter.write(led_constant, 2, 10_000, DataType.INT32)
            bench.seal_open = True
            meter.write(led_constant, 2, 10_000, DataType.INT32)
            bench.seal_open = False
            with pytest.raises(MeterError, match="denied"):
                meter.write(led_constant, 2, 10_000, DataType.INT32)


def test_without_an_association_nothing_is_served(bench: Bench) -> None:
    before = stored(bench)
    client = RawClient(address(bench), CLIENTS[2])
    for apdu in (
        "c001c1 0003 0101010800ff 02 00",
        "c101c1 0001 0000603d02ff 02 00 05000000c8",
        "c301c1 0008 0000010000ff 03 01 0f00",
    ):
        assert client.ask(bytes.fromhex(apdu))[0] == 0xD8
    client.close()
    assert stored(bench) == before
