"""A full event log of a live meter, read by rows: bounds to the row, columns, and transfers that are cut off."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from gurux_dlms.objects import GXDLMSProfileGeneric

from host_tests.live_meter import PASSWORD, PORT_1, TCP, live_meter, lls, over_line, over_tcp, raw, until
from tools.bench import Bench
from tools.bench.uart import FROM_METER
from tools.meter import MeterError
from tools.meter.speed import RawClient

COUNT, FIRST, STEP_S = 1600, 800_000_000, 600  # entries, of which the first is at this UTC second since 2000
EVENTS = [(FIRST + STEP_S * n, 8 + n % 2, 70_000 * n) for n in range(COUNT)]
EVENT_LOG = bytes.fromhex("0007 0000636200ff 02")
LOG_OBJECT = GXDLMSProfileGeneric("0.0.99.98.0.255")
CLOCK_COLUMN = bytes.fromhex("0204 120008 09060000010000ff 0f02 120000")
NUMBER_COLUMN = bytes.fromhex("0204 120001 0906000060f00cff 0f02 120000")
DETAIL_COLUMN = bytes.fromhex("0204 120001 0906000060f00dff 0f02 120000")
NO_LONG_GET = 16  # Data-Access-Result: no-long-get-in-progress
LOG_IN_FAILED = 180


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    parameters = {"port1_mode": 1, "hdlc_inactivity_s": 20, "max_baud_char": "6"}
    with live_meter(events=EVENTS, parameters=parameters) as bench:
        yield bench


def moment(utc: int) -> datetime:
    return datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=utc)


def date_time(utc: int) -> bytes:
    """Blue Book, 4.1.6.1; the meter's local time is UTC."""
    when = moment(utc)
    day = struct.pack(">HBBB", when.year, when.month, when.day, when.isoweekday())
    return day + bytes((when.hour, when.minute, when.second, 0, 0, 0, 0))


def row(event: tuple[int, int, int], columns: str = "cnd") -> bytes:
    utc, number, detail = event
    parts = {
        "c": b"\x09\x0c" + date_time(utc),
        "n": b"\x12" + struct.pack(">H", number),
        "d": b"\x06" + struct.pack(">I", detail),
    }
    return bytes((2, len(columns))) + b"".join(parts[column] for column in columns)


def rows(events: list[tuple[int, int, int]], columns: str = "cnd") -> bytes:
    return b"\x01" + length(len(events)) + b"".join(row(event, columns) for event in events)


def length(n: int) -> bytes:
    return bytes((n,)) if n < 0x80 else bytes((0x81, n)) if n < 0x100 else b"\x82" + struct.pack(">H", n)


def by_entry(first: int, last: int, first_column: int = 1, last_column: int = 0) -> bytes:
    return b"\x01\x02\x02\x04" + struct.pack(">BIBIBHBH", 6, first, 6, last, 18, first_column, 18, last_column)


def by_range(first: int, last: int, *columns: bytes) -> bytes:
    head = b"\x01\x01\x02\x04" + CLOCK_COLUMN + b"\x09\x0c" + date_time(first) + b"\x09\x0c" + date_time(last)
    return head + bytes((1, len(columns))) + b"".join(columns)


def after(n: int) -> int:
    """The moment of entry n (0 is the oldest)."""
    return FIRST + STEP_S * n


@pytest.mark.parametrize(("first", "last"), [(1, 1000), (1, 1), (600, 1599), (1600, 1600), (300, 299 + 128)])
def test_rows_by_entry_are_those_and_no_others(bench: Bench, first: int, last: int) -> None:
    with raw(bench) as client:
        assert client.get(EVENT_LOG, by_entry(first, last)) == rows(EVENTS[first - 1 : last])


@pytest.mark.parametrize(
    ("first", "last", "begin", "end"),
    [
        (after(0), after(999), 0, 1000),  # both ends belong to a range
        (after(100) + 1, after(1100), 101, 1101),
        (after(100), after(1100) - 1, 100, 1100),
        (after(5), after(5), 5, 6),
        (after(5) + 1, after(6) - 1, 0, 0),  # between two
        (after(0) - 1000, after(0) - 1, 0, 0),  # before all
        (after(10), after(9), 0, 0),  # the wrong way round
        (after(0) - 1000, after(127), 0, 128),
    ],
)
def test_rows_by_range_are_those_and_no_others(bench: Bench, first: int, last: int, begin: int, end: int) -> None:
    with raw(bench) as client:
        assert client.get(EVENT_LOG, by_range(first, last)) == rows(EVENTS[begin:end])


def test_what_lies_ahead_of_the_meters_clock_has_no_rows(bench: Bench) -> None:
    with raw(bench) as client:
        assert client.get(EVENT_LOG, by_range(3_000_000_000, 3_100_000_000)) == b"\x01\x00"
        assert client.get(EVENT_LOG, by_entry(5000, 6000)) == b"\x01\x00"


def test_only_the_columns_asked_for_come(bench: Bench) -> None:
    thousand = EVENTS[:1000]
    with raw(bench) as client:
        for first, last, columns in ((1, 1, "c"), (2, 3, "nd"), (3, 3, "d"), (1, 2, "cn")):
            assert client.get(EVENT_LOG, by_entry(1, 1000, first, last)) == rows(thousand, columns)
        for asked, columns in (
            ((CLOCK_COLUMN,), "c"),
            ((NUMBER_COLUMN, DETAIL_COLUMN), "nd"),
            ((DETAIL_COLUMN,), "d"),
            ((CLOCK_COLUMN, NUMBER_COLUMN), "cn"),
        ):
            assert client.get(EVENT_LOG, by_range(after(0), after(999), *asked)) == rows(thousand, columns)
        no_column = CLOCK_COLUMN.replace(b"\x0f\x02", b"\x0f\x03")
        for bad in (by_entry(1, 10, 4, 4), by_entry(1, 10, 3, 2), by_range(after(0), after(9), no_column)):
            with pytest.raises(OSError, match="error"):
                client.get(EVENT_LOG, bad)
        assert client.get(EVENT_LOG, by_entry(1, 3)) == rows(EVENTS[:3])


def test_the_whole_log_begins_with_what_happened_first_and_ends_with_what_happened_now(bench: Bench) -> None:
    with pytest.raises(OSError, match="refused"), raw(bench, 3, b"wrong"):
        pass
    with raw(bench) as client:
        everything = client.get(EVENT_LOG)
    whole = rows(EVENTS)
    assert everything[4 : len(whole)] == whole[4:]
    own = [(utc, number, detail) for _, utc, number, detail in bench.events()[COUNT:]]
    assert own[-1][1:] == (LOG_IN_FAILED, TCP << 8 | 3)
    assert everything[len(whole) :] == b"".join(row(event) for event in own)


def test_gurux_reads_a_thousand_rows_each_way(bench: Bench) -> None:
    with over_tcp(bench, lls(1)) as meter:
        by_number = list(meter.rows("0-0:99.98.0", entries=(301, 1000)))
        by_time = list(meter.rows("0-0:99.98.0", moment(after(300)), moment(after(1299))))
    for found in (by_number, by_time):
        assert [(line[0].value.replace(tzinfo=timezone.utc), *line[1:]) for line in found] == [
            (moment(utc), number, detail) for utc, number, detail in EVENTS[300:1300]
        ]


# --- transfers that end in the middle -------------------------------------------------------------------------------


def small_blocks(client: RawClient) -> None:
    """Begin anew as a client that takes 128 bytes at once."""
    client.release()
    oid, mechanism = "a109060760857405080101", "8a0207808b0760857405080201"
    information = "be10040e01000000065f1f0400001e1d0080"
    content = bytes.fromhex(oid + mechanism) + b"\xac\x0a\x80\x08" + PASSWORD.encode() + bytes.fromhex(information)
    assert b"\xa2\x03\x02\x01\x00" in client.ask(b"\x60" + bytes((len(content),)) + content)


def first_block(client: RawClient) -> bytes:
    answer = client.ask(b"\xc0\x01\xc1" + EVENT_LOG + by_entry(1, 1000))
    assert answer[:8] == bytes.fromhex("c402c100 00000001") and len(answer) <= 128
    return answer[10:]


def next_block(client: RawClient, number: int) -> bytes:
    return client.ask(b"\xc0\x02\xc1" + struct.pack(">I", number))


def test_a_transfer_goes_on_after_any_pause_of_its_client(bench: Bench) -> None:
    """Another client is served between any two blocks, and takes nothing from them."""
    with raw(bench) as client, raw(bench, 2) as other:
        small_blocks(client)
        value, number, is_last = first_block(client), 1, 0
        while not is_last:
            if number % 100 == 0:
                assert other.get(EVENT_LOG, by_entry(7, 9)) == rows(EVENTS[6:9])
            answer = next_block(client, number)
            number += 1
            is_last = answer[3]
            assert answer[4:8] == struct.pack(">I", number)
            value += answer[10 + (answer[9] & 0x7F if answer[9] & 0x80 else 0) :]
        assert value == rows(EVENTS[:1000]) and number > 200


def test_another_request_ends_a_transfer(bench: Bench) -> None:
    with raw(bench) as client:
        small_blocks(client)
        first_block(client)
        assert client.get(EVENT_LOG, by_entry(1, 2)) == rows(EVENTS[:2])
        answer = next_block(client, 1)
        assert answer[:2] == b"\xc4\x02" and answer[3] == 1 and answer[8:] == bytes((1, NO_LONG_GET))


def test_a_wrong_block_number_ends_a_transfer_and_not_the_association(bench: Bench) -> None:
    with raw(bench) as client:
        small_blocks(client)
        first_block(client)
        answer = next_block(client, 7)
        assert answer[:4] == bytes.fromhex("c402c101") and answer[8] == 1
        assert client.get(EVENT_LOG, by_entry(1, 2)) == rows(EVENTS[:2])


def test_a_connection_that_closes_in_the_middle_leaves_nothing_behind(bench: Bench) -> None:
    for _ in range(12):  # three times as many as there may be at once
        with raw(bench) as client:
            small_blocks(client)
            first_block(client)
            client.send(b"\xc0\x02\xc1\x00\x00\x00\x01")  # and its answer is nobody's

    def is_served() -> bool:
        try:
            with raw(bench) as client:
                return client.get(EVENT_LOG, by_entry(1, 1000)) == rows(EVENTS[:1000])
        except ConnectionError:  # all connections still count as open
            return False

    until(is_served)
    with raw(bench) as fresh:
        assert fresh.get(EVENT_LOG, by_entry(3, 5)) == rows(EVENTS[2:5])


class _Stop(Exception):
    """The client goes away."""


def _stop_at(size: int) -> Any:
    def progress(received: int) -> None:
        if received > size:
            raise _Stop

    return progress


def test_a_line_that_falls_silent_in_the_middle_is_served_to_the_next_client(bench: Bench) -> None:
    def gone_silent() -> None:
        """A client that takes part of an answer and never says anything again: no release, no DISC."""
        client = over_line(bench, lls(1), baud=19200)
        client.__enter__()
        with pytest.raises(_Stop):
            list(client.rows(LOG_OBJECT, entries=(1, 1000), progress=_stop_at(2000)))
        client.hang_up()

    for login in (lls(1), lls(2)):  # the one client address again, and another one
        gone_silent()  # 20 s before its connection would have run out
        with over_line(bench, login, baud=19200) as meter:
            found = list(meter.rows(LOG_OBJECT, entries=(100, 20)))
            assert [line[2] for line in found] == [70_000 * n for n in range(99, 119)]


def test_frames_lost_on_the_line_are_asked_for_again(bench: Bench) -> None:
    with over_line(bench, lls(1), baud=19200, timeout=0.5) as meter:
        with bench.hold:
            bench.uarts[PORT_1].drop(FROM_METER, count=3, skip=1500)
            bench.uarts[PORT_1].flip(FROM_METER, mask=3, skip=2500)
        found = list(meter.rows(LOG_OBJECT, entries=(1, 150)))
        assert [line[2] for line in found] == [70_000 * n for n in range(150)]


def test_an_object_list_is_no_profile(bench: Bench) -> None:
    with over_tcp(bench, lls(1)) as meter, pytest.raises(MeterError, match="is no profile"):
        list(meter.rows("0-0:40.0.0"))
