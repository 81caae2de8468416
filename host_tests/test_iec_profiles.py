"""Load profile P.01 and log P.98 in programming mode, in the forms of VDEW meters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from iec62056_21 import utils

from drivers.fram import Fram
from host_tests.access_bench import Door
from host_tests.iec_meter import LineMeter, option
from host_tests.iec_objects import ACK, NAK, SIGN_OFF, Objects, ask, begin, error, message
from host_tests.iec_profiles import NOON, TIMES, LoadProfile, filled_log, programming_with, real_log, utc
from host_tests.iec_transcript import RecordedMeter, assert_golden
from host_tests.model_sources import make_model
from meter.access import PORT_1, Refused
from meter.comms import vdew
from meter.comms.answers import Blocks, Stream
from meter.comms.programming import Programming
from meter.events.log_profile import LogProfile
from tools.bench.iec_client import IecProgrammer, IecRefused

HEADER = "P.01(0240715120000)(00000000)(15)(2)(1.5)(kW)(5.5)(kvar)"


def meter_with(profile: LoadProfile | None = None) -> LineMeter:
    return LineMeter(programming=programming_with(Objects(), profile))


def text_of(block: bytes) -> str:
    """What is in an answer whose check holds."""
    assert block == utils.add_bcc(block[:-1])
    return block[1:-2].decode()


def lines_of(profile: LoadProfile, begin: int | None = None, end: int | None = None) -> list[str | None]:
    return list(vdew.lines("P.01", profile, begin, end, TIMES))


# --- transcripts -----------------------------------------------------------------------------------------------------


def test_service_readout_is_the_golden_one(update_golden: bool) -> None:
    """All that the object model has for the service list, at 9600 Bd."""
    meter = RecordedMeter(lines=make_model().readout)
    meter.say(b"/?!\r\n")
    meter.run(1.2)
    meter.say(option(y="6"))
    meter.run(8)
    meter.say(ACK, 9600)
    meter.run(0.1)
    assert meter.line.baud == 300
    assert_golden("iec_service_readout.txt", meter.transcript(), update_golden)


def test_profile_readout_in_partial_blocks_is_the_golden_one(update_golden: bool) -> None:
    """A load profile with a gap and a status, three rows in a block, one of them spoilt; then the log of that day."""
    profile = LoadProfile(12, statuses={7: 0x40}, gaps=(5, 6))
    meter = RecordedMeter(programming=programming_with(Objects(), profile))
    begin(meter)
    for command in (
        message("R6", "P.01(2407151215;2407151445)(3)"),
        ACK,
        NAK,
        ACK,
        message("R6", "P.98(;)"),
        ACK,
        ACK,
        SIGN_OFF,
    ):
        ask(meter, command)
    assert_golden("iec_profile_blocks.txt", meter.transcript(), update_golden)


# --- the form --------------------------------------------------------------------------------------------------------


def test_rows_follow_one_header_while_time_goes_on_and_status_stays() -> None:
    assert lines_of(LoadProfile(3)) == [
        HEADER + "\r\n(000.000)(000.000)\r\n",
        "(000.010)(000.001)\r\n",
        "(000.020)(000.002)\r\n",
    ]


def test_a_new_header_comes_with_a_time_jump_or_another_status() -> None:
    texts = lines_of(LoadProfile(7, statuses={2: 0x88, 3: 0x88}, gaps=(5,)))
    starts = [text.split("\r\n")[0][:28] if text and text.count("\r\n") == 2 else "" for text in texts]
    assert starts == [
        "P.01(0240715120000)(00000000",
        "",
        "P.01(0240715123000)(00000088",
        "",
        "P.01(0240715130000)(00000000",
        "P.01(0240715133000)(00000000",
    ]


def test_nothing_in_the_span_is_an_empty_data_set() -> None:
    assert lines_of(LoadProfile(3), NOON + 1, NOON + 2) == ["P.01()\r\n"]
    meter = meter_with()
    begin(meter)
    for name in ("R5", "R6"):
        assert text_of(ask(meter, message(name, "P.01(2501010000;)"))) == "P.01()\r\n"


def test_each_event_has_a_header_with_its_time_and_status() -> None:
    log = LogProfile(filled_log())
    text = "".join(t or "" for t in vdew.lines("P.98", log, None, None, TIMES))
    assert text.split("\r\n")[:-1] == [
        "P.98(0240715120000)(00000040)()(2)(C.240.12)()(C.240.13)()",
        "(24)(0)",
        "P.98(0240715120100)(00000020)()(2)(C.240.12)()(C.240.13)()",
        "(10)(0)",
        "P.98(0240715120100)(00000020)()(2)(C.240.12)()(C.240.13)()",
        "(11)(0)",
        "P.98(0240715123000)(00000000)()(2)(C.240.12)()(C.240.13)()",
        "(45)(33816592)",
        "P.98(0240715124500)(00000000)()(2)(C.240.12)()(C.240.13)()",
        "(174)(513)",
        "P.98(0240715125900)(00000080)()(2)(C.240.12)()(C.240.13)()",
        "(23)(0)",
    ]


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "begin_utc", "end_utc"),
    [
        (";", None, None),
        ("2407151200;", NOON, None),
        (";2407151200", None, NOON),
        ("02407151200;22407151215", NOON, NOON + 900),
        ("0240715120001;1240715121559", NOON + 1, NOON + 959),
        ("24-07-13,13:00;24-07-14,14:00", utc(2024, 7, 13, 13), utc(2024, 7, 14, 14)),  # seen in field code
        ("2407142400;2407150000", utc(2024, 7, 15), utc(2024, 7, 15)),
        ("0002290000;9912312359", utc(2000, 2, 29), utc(2099, 12, 31, 23, 59)),
    ],
)
def test_times_are_taken_in_each_form(text: str, begin_utc: int | None, end_utc: int | None) -> None:
    assert vdew.parse_span(text, TIMES) == (begin_utc, end_utc)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ERR03"),
        ("2407151200", "ERR03"),
        ("2407151200;2407151300;", "ERR03"),
        ("240715120;", "ERR03"),
        ("240715120000;", "ERR03"),  # seconds without season
        ("3240715120000;", "ERR03"),
        ("24071512001;", "ERR05"),  # season 2, then day 12 of month 07 of 40, hour 15: 12 00 1.. is no minute
        ("24-07-15,13-00;", "ERR03"),
        ("24071512 0;", "ERR03"),
        ("-407151200;", "ERR03"),
        ("2413151200;", "ERR05"),
        ("2402301200;", "ERR05"),
        ("2302290000;", "ERR05"),
        ("2407152401;", "ERR05"),
        ("2407151260;", "ERR05"),
        ("0240715120060;", "ERR05"),
        ("2407151200;2407151159", "ERR05"),
    ],
)
def test_other_times_are_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        vdew.parse_span(text, TIMES)
    assert caught.value.text == reason


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "number"),
    [
        ("R5", "P.01()", 3),
        ("R5", "P.01", 3),
        ("R5", "P.01(;)(5)", 3),
        ("R6", "P.01(;)(5)(6)", 3),
        ("R6", "P.01(;)(x)", 3),
        ("R6", "P.01(;)(-1)", 3),
        ("R6", "P.01(;)(10000)", 3),
        ("R6", "P.01(;)(0)", 5),
        ("R5", "P.02(;)", 2),
        ("R1", "P.01()", 2),
        ("R3", "P.98()", 2),
        ("W5", "P.01(;)", 2),
    ],
)
def test_what_is_not_possible_is_refused_with_the_reason(name: str, data: str, number: int) -> None:
    meter = meter_with()
    begin(meter)
    assert ask(meter, message(name, data)) == error(number)


def test_a_profile_may_need_a_level() -> None:
    profile = LoadProfile(1)
    profile.level = 1
    meter = meter_with(profile)
    begin(meter)
    assert ask(meter, message("R6", "P.01(;)")) == error(4)
    assert profile.spans == []


@pytest.mark.parametrize("name", ["R2", "R4", "R5", "R6"])
def test_the_event_log_needs_level_1_and_its_channel_as_it_does_in_dlms(name: str) -> None:
    door = Door()
    profiles = {"P.98": LogProfile(filled_log()), "P.01": LoadProfile(1)}  # the latter public
    session = Programming(door.access.on(PORT_1), None, profiles, TIMES).session()

    def refused(code: str) -> bool:
        answer = session.answer(f"{name}\x02{code}(;)".encode(), 0)
        assert answer is not None
        while not answer.made:
            answer.work()
        return b"(ERR04)" in b"".join(answer.pieces())

    assert refused("P.98") and not refused("P.01")
    door.parameters.set("access_0", 0x01, 4)  # closed but at the optical port
    assert refused("P.01")
    session.answer(b"P1\x02(00000000)", 0)
    assert not refused("P.98") and not refused("P.01")
    door.parameters.set("access_1", 0x01, 4)
    assert refused("P.98") and refused("P.01")


@pytest.mark.parametrize("name", ["R5", "R2"])
def test_one_message_has_it_all(name: str) -> None:
    profile = LoadProfile(40)
    meter = meter_with(profile)
    begin(meter)
    meter.run(0.2)
    meter.say(message(name, "P.01(24-07-15,12:15;24-07-15,21:00)"), 9600)
    meter.run(3)
    text = text_of(meter.sent[-1].data)
    assert text.split("\r\n")[0] == HEADER.replace("120000", "121500")
    assert text.split("\r\n")[1] == "(000.010)(000.001)"
    assert text.count("\r\n") == 1 + 36
    assert meter.sent[-1].data[-2] == 3


def test_an_answer_in_one_message_is_the_same_again_on_nak() -> None:
    profile = LoadProfile(5)
    profile.slow = 7
    meter = meter_with(profile)
    begin(meter)
    first = ask(meter, message("R5", "P.01(;)"))
    assert ask(meter, NAK) == first
    assert text_of(first).count("\r\n") == 6


def test_rows_are_as_many_in_a_block_as_asked_for() -> None:
    meter = meter_with(LoadProfile(10))
    begin(meter)
    blocks = [ask(meter, message("R6", "P.01(;)(4)"))]
    while blocks[-1][-2] == 4:
        blocks.append(ask(meter, ACK))
    assert [text_of(block).count("(000.") // 2 for block in blocks] == [4, 4, 2]


def test_blocks_are_of_whole_rows_and_no_longer_than_there_is_room() -> None:
    for rows, room in (("", 256), ("(9999)", 1024)):
        meter = meter_with(LoadProfile(200))
        begin(meter)
        blocks = [ask(meter, message("R6", f"P.01(;){rows}"))]
        while blocks[-1][-2] == 4:
            blocks.append(ask(meter, ACK))
        texts = [text_of(block) for block in blocks]
        assert all(len(text) <= room and text.endswith("\r\n") for text in texts)
        assert all(len(text) > room - 25 for text in texts[:-1])
        assert "".join(texts).count("(00") == 1 + 2 * 200


def test_only_the_rows_of_a_block_are_made_for_it() -> None:
    """A profile of months must not be held: a block takes its own rows and one that tells whether it is the last."""
    profile = LoadProfile(5760)
    meter = meter_with(profile)
    begin(meter)
    ask(meter, message("R6", "P.01(;)(5)"))
    assert profile.made == 6
    ask(meter, ACK)
    assert profile.made == 11
    ask(meter, SIGN_OFF)
    assert profile.made == 11


def test_each_turn_makes_one_row_and_the_search_for_it_gives_way() -> None:
    profile = LoadProfile(3)
    profile.slow = 50
    meter = meter_with(profile)
    begin(meter)
    before = meter.ticks
    assert text_of(ask(meter, message("R6", "P.01(;)"))).count("\r\n") == 4
    assert meter.ticks - before >= 50 + 3


def test_a_memory_that_fails_is_busy_or_spoils_the_check() -> None:
    profile = LoadProfile(50)
    profile.broken_at = 0
    meter = meter_with(profile)
    begin(meter)
    assert ask(meter, message("R5", "P.01(;)")) == error(6)
    assert ask(meter, message("R6", "P.01(;)")) == error(6)
    profile.broken_at = 20
    spoilt = ask(meter, message("R5", "P.01(;)"))
    assert spoilt[-2] == 3
    assert spoilt != utils.add_bcc(spoilt[:-1])
    assert text_of(ask(meter, message("R6", "P.01(;)"))).count("(000.") > 10
    assert ask(meter, ACK) == error(6)
    assert ask(meter, ACK) == b""
    profile.broken_at = -1
    assert text_of(ask(meter, message("R5", "P.01(;)"))).count("(000.") == 100


# --- the event log ---------------------------------------------------------------------------------------------------


def log_rows(begin: int | None = None, end: int | None = None) -> list[int]:
    return [row[0] - NOON for row in LogProfile(filled_log()).rows(begin, end) if row is not None]


def test_the_log_gives_what_is_in_the_span_ends_included() -> None:
    assert log_rows() == [0, 60, 60, 1800, 2700, 3540]
    assert log_rows(NOON + 60, NOON + 2700) == [60, 60, 1800, 2700]
    assert log_rows(NOON + 61, NOON + 1799) == []
    assert log_rows(NOON + 2701) == [3540]
    assert log_rows(None, NOON) == [0]


def test_a_clock_set_back_hides_no_entry() -> None:
    events = real_log()
    for t in (100, 200, 50, 120, 300):
        events.add(24, t)
    assert [row[0] for row in LogProfile(events).rows(100, 200) if row] == [100, 200, 120]


def test_an_empty_log_and_a_full_ring() -> None:
    events = real_log()
    assert list(LogProfile(events).rows(None, None)) == []
    capacity = events.ring.capacity
    for n in range(capacity + 30):
        events.add(24, n)
    rows = [row for row in LogProfile(events).rows(None, None) if row]
    assert (len(rows), rows[0][0], rows[-1][0]) == (capacity + 2, 28, capacity + 29)  # two sectors of 14 were lost
    found = list(LogProfile(events).rows(1000, 1000))
    assert [row[0] for row in found if row] == [1000]
    assert len(found) == 1


def test_an_entry_overwritten_before_it_is_read_is_left_out() -> None:
    events = real_log()
    capacity = events.ring.capacity
    for n in range(capacity):
        events.add(24, n)
    rows = LogProfile(events).rows(None, None)
    assert next(rows) is not None
    for n in range(100):
        events.add(23, n)
    left = [row[0] for row in rows if row]
    assert left[:3] == [1, 2, 3]  # entries are read some at a time
    assert left[-1] == capacity - 1
    assert 10 < capacity - 1 - len(left) < 100


def test_a_memory_that_fails_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogProfile(filled_log())

    def fail(*_arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(Fram, "read_into", fail)
    with pytest.raises(OSError):
        list(log.rows(None, None))


# --- the bench's client ----------------------------------------------------------------------------------------------


def test_the_benchs_client_reads_profiles_over_a_line_that_spoils_some() -> None:
    meter = meter_with(LoadProfile(30))
    client = IecProgrammer(meter.end, meter.run)
    client.sign_on()
    for skip in (50, 300, 700):
        meter.line.flip("from_meter", mask=3, skip=skip)
        lines = client.read_profile("P.01", rows=5)
        assert lines == [HEADER] + [f"({n / 100:07.3f})({n / 1000:07.3f})" for n in range(30)]
        assert len(client.blocks) == 6
    assert len(client.read_profile("P.98", "2407151200", "2407151230")) == 8
    with pytest.raises(IecRefused, match="ERR02"):
        client.read_profile("P.02")


# --- the answers by themselves ---------------------------------------------------------------------------------------


def test_an_answer_says_when_it_is_made() -> None:
    def texts() -> Iterator[str | None]:
        yield from (None, None, "a", None, "b")

    stream = Stream(texts)
    for _ in range(3):
        assert not stream.made
        stream.work()
    assert stream.made
    assert b"".join(stream.pieces()) == utils.add_bcc(b"\x02ab\x03")
    blocks = Blocks(texts(), 1)
    while not blocks.made:
        blocks.work()
    assert (b"".join(blocks.pieces()), blocks.more) == (utils.add_bcc(b"\x02a\x04"), True)
    blocks.advance()
    while not blocks.made:
        blocks.work()
    assert (b"".join(blocks.pieces()), blocks.more) == (utils.add_bcc(b"\x02b\x03"), False)
