"""IEC 62056-21 mode C as a tariff device: what it answers, at which rate, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import xor

import pytest
from iec62056_21 import messages

from host_tests.iec_meter import (
    IDENT,
    MS,
    REQUEST,
    SERVICE,
    SERVICE_VALUES,
    STANDARD,
    STANDARD_VALUES,
    LineMeter,
    assert_readout,
    option,
    sign_on,
    values,
)

RATES = [300, 600, 1200, 2400, 4800, 9600, 19200]  # by baud rate identification


def test_request_is_answered_with_the_identification_at_300_baud() -> None:
    meter = LineMeter()
    meter.say(messages.RequestMessage().to_bytes())
    meter.run(1.5)
    assert meter.heard() == IDENT
    parsed = messages.IdentificationMessage.from_bytes(meter.sent[0].data)
    assert (parsed.manufacturer, parsed.switchover_baudrate_char) == ("LGZ", "5")
    assert meter.sent[0].baud == 300


@pytest.mark.parametrize(
    ("reaction_ms", "earliest", "maker"),
    [(200, 200, b"/LGZ"), (20, 20, b"/LGz"), (199, 199, b"/LGz"), (700, 700, b"/LGZ"), (1500, 1400, b"/LGZ")],
)
def test_reaction_time_is_kept_inside_the_window_and_told(reaction_ms: int, earliest: int, maker: bytes) -> None:
    """A lower-case third letter of the maker is for those who may answer sooner than 200 ms."""
    meter = LineMeter(reaction_ms=reaction_ms)
    out = meter.say(REQUEST)
    meter.run(2.5)
    reaction = meter.sent[0].begin_ns - out
    assert meter.sent[0].data[:4] == maker
    assert earliest * MS <= reaction <= min(1500, earliest + 60) * MS


@pytest.mark.parametrize(
    ("own", "sent", "answers"),
    [
        ("", "", True),
        ("12345678", "", True),
        ("12345678", "12345678", True),
        ("00345678", "345678", True),
        ("345678", "000345678", True),
        ("10203", "000010203", True),  # the standard's example
        ("0000", "0", True),  # all zeros are equal, whatever their number
        ("12345678", "12345679", False),
        ("12345678", "1234567", False),
        ("AB12", "ab12", False),  # letters are not folded
        ("12 34", "12 34", True),
        ("1", "0", False),
        ("A" * 32, "A" * 32, True),
        ("A" * 32, "A" * 33, False),
    ],
)
def test_only_a_request_with_its_address_is_answered(own: str, sent: str, answers: bool) -> None:
    meter = LineMeter(address=own)
    meter.say(messages.RequestMessage(sent).to_bytes())
    meter.run(2.0)
    assert [m.data for m in meter.sent] == ([IDENT] if answers else [])


@pytest.mark.parametrize("z", "0123456")
def test_readout_comes_at_the_chosen_rate(z: str) -> None:
    meter = LineMeter(f"/LGZ{z}ZMG405260b.P01")
    sign_on(meter)
    meter.say(messages.AckOptionSelectMessage(z, "0").to_bytes())
    meter.end.configure(RATES[int(z)])
    meter.heard()
    meter.run(1.5 + 200 * 10 / RATES[int(z)])
    message = meter.heard()
    assert values(message) == STANDARD_VALUES
    assert message == meter.sent[1].data
    assert meter.sent[1].baud == RATES[int(z)]


def test_a_lower_rate_than_offered_may_be_chosen() -> None:
    meter = LineMeter("/LGZ6X")
    sign_on(meter)
    meter.heard()
    meter.say(option(z="3"))
    meter.end.configure(2400)
    meter.run(4)
    assert values(meter.heard()) == STANDARD_VALUES


def test_option_6_is_the_service_list() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(messages.AckOptionSelectMessage("5", "6").to_bytes())
    meter.run(4)
    assert meter.sent[1].baud == 9600
    assert values(meter.sent[1].data) == SERVICE_VALUES


@pytest.mark.parametrize(
    "choice",
    [{"z": "6"}, {"z": "7"}, {"z": "9"}, {"v": "1"}, {"v": "2", "y": "2"}, {"v": "3"}] + [{"y": y} for y in "12345789"],
)
def test_an_unsupported_option_leaves_the_standard_list_at_300_baud(choice: dict[str, str]) -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.heard()
    meter.say(option(**choice))
    meter.run(1.5 + 200 / 30)
    assert meter.sent[1].baud == 300
    assert values(meter.heard()) == STANDARD_VALUES


def test_data_wait_for_the_changeover_pause_and_no_longer_than_the_window() -> None:
    for pause, low, high in ((1000, 1000, 1100), (20, 200, 300), (1500, 1400, 1500)):
        meter = LineMeter(changeover_ms=pause)
        sign_on(meter)
        out = meter.say(option())
        meter.run(5)
        assert low * MS <= meter.sent[1].begin_ns - out <= high * MS


def test_rate_changes_right_after_the_option_select() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(option())
    meter.run(0.005)
    assert meter.line.baud == 9600


def test_eight_bit_client_with_software_parity_is_understood() -> None:
    """Byte strings seen in field code: /?! and ACK 2 5 2 with the parity as bit 7, on an 8N1 port."""
    meter = LineMeter()
    meter.say(bytes.fromhex("AF3F218D0A"), frame="8N1")
    meter.run(1.2)
    assert [m.data for m in meter.sent] == [IDENT]
    meter.say(bytes.fromhex("06B235B28D0A"), frame="8N1")
    meter.run(8)
    assert meter.sent[1].baud == 300  # V = 2 is not supported


def test_bit_7_does_not_count_where_the_uart_delivers_it() -> None:
    meter = LineMeter()
    meter.core.feed(bytes.fromhex("AF3F218D0A"), 1000)
    assert list(meter.core.tick(1300) or ()) == [IDENT]


@pytest.mark.parametrize("baud", [600, 1200, 2400, 4800, 9600, 19200, 110])
def test_a_request_at_the_wrong_rate_gets_nothing(baud: int) -> None:
    meter = LineMeter()
    meter.say(REQUEST, baud)
    meter.run(4)
    assert meter.sent == []
    assert_readout(meter)


def test_wake_up_characters_before_the_request_do_no_harm() -> None:
    meter = LineMeter()
    meter.say(bytes(65))  # NUL for 2.2 s
    meter.run(1.6)
    assert_readout(meter)


def test_clocks_that_wrap_do_not_matter() -> None:
    """ticks_ms wraps at 2**30: at any moment of a session."""
    for before in range(0, 4000, 130):
        meter = LineMeter(start_ms=(1 << 30) - before)
        assert_readout(meter)


def test_block_check_may_be_any_character() -> None:
    """Also LF, ETX, ACK and NAK: a reader that goes by lines or a port that hears itself would stumble."""
    seen = set()
    for n in range(0x20, 0x7F):
        for more in ("", "A"):
            char = chr(n)
            if char in "()/!":
                continue
            meter = LineMeter(lines=lambda number, text=char + more: [f"0.0.0({text})"])  # type: ignore[misc]
            sign_on(meter)
            meter.say(option())
            meter.run(1.2)
            message = meter.sent[1].data
            assert values(message)[0][1] == char + more or "*" in char
            seen.add(message[-1])
    assert {0x0A, 0x03, 0x06, 0x15} <= seen


def test_a_long_list_is_taken_line_by_line() -> None:
    """No single step of the port formats more than one line: formatting must not hold up the metering."""
    taken = 0

    def lines(number: int) -> Iterator[str]:
        nonlocal taken
        for n in range(100):
            taken += 1
            yield f"1.8.0*{n:02}(000102.28*kWh)"

    meter = LineMeter(lines=lines)
    sign_on(meter)
    meter.end.write(option())
    steps = []
    core_tick = meter.core.tick

    def tick(now: int) -> Iterable[bytes] | None:
        before = taken
        result = core_tick(now)
        steps.append(taken - before)
        return result

    meter.core.tick = tick  # type: ignore[method-assign]
    meter.run(5)
    assert taken == 100
    assert max(steps) == 1
    assert len(values(meter.sent[1].data)) == 100


def test_stored_values_are_made_while_they_are_sent_and_for_a_repeat_again() -> None:
    made = 0
    periods = 3

    def stored() -> Callable[[], Iterator[str]]:
        count = periods  # of the moment of the option select

        def lines() -> Iterator[str]:
            nonlocal made
            for n in range(count):
                made += 1
                yield f"1.8.0*{n:02}(000102.28)"

        return lines

    meter = LineMeter(lines=lambda number: ["1.8.0(000105.00*kWh)"], stored=stored)
    sign_on(meter)
    meter.say(option())
    assert made == 0
    meter.run(1.5)
    periods = 4
    codes = [value[0] for value in values(meter.sent[1].data)]
    assert codes == ["1.8.0", "1.8.0*00", "1.8.0*01", "1.8.0*02"] and made == 3
    meter.say(b"\x15", 9600)
    meter.run(0.5)
    assert meter.sent[2].data == meter.sent[1].data and made == 6


def test_a_memory_that_fails_on_the_way_spoils_the_block_check_and_the_repeat_is_whole() -> None:
    fails = True

    def lines() -> Iterator[str]:
        yield "1.8.0*02(000102.28)"
        if fails:
            raise OSError
        yield "1.8.0*01(000101.28)"

    meter = LineMeter(lines=lambda number: ["1.8.0(000105.00*kWh)"], stored=lambda: lines)
    sign_on(meter)
    meter.say(option())
    meter.run(1.5)
    broken = meter.sent[1].data
    assert broken[:1] == b"\x02" and broken[-5:-1] == b"!\r\n\x03"
    assert reduce(xor, broken[1:]) == 0x7F
    fails = False
    meter.say(b"\x15", 9600)
    meter.run(0.5)
    assert len(values(meter.sent[2].data)) == 3


def test_empty_list_is_a_valid_data_message() -> None:
    meter = LineMeter(lines=lambda number: [])
    sign_on(meter)
    meter.say(option())
    meter.run(1.5)
    assert meter.sent[1].data == b"\x02!\r\n\x03" + bytes([0x21 ^ 0x0D ^ 0x0A ^ 0x03])
    meter.say(b"\x15", 9600)
    meter.run(0.5)
    assert meter.sent[2].data == meter.sent[1].data


def test_lines_on_the_wire_are_those_of_the_list() -> None:
    meter = LineMeter()
    sign_on(meter)
    meter.say(option(y="6"))
    meter.run(2)
    assert meter.sent[1].data[1:-5].decode().split("\r\n") == [*SERVICE, ""]
    assert SERVICE[: len(STANDARD)] == STANDARD
