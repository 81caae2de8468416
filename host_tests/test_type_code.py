"""Type designations against the table of the data sheet."""

from __future__ import annotations

import itertools

import pytest

from meter.type_code import TypeCode

BOARDS = ("000", "020", "060", "240", "260", "440", "041")
PAIRS = ("00", "02", "03", "40", "42", "43", "60", "62", "63", "07", "37")
POWERED = (".020x.07", ".041x.37", ".240x.37", ".060x.37")


def is_legal(board: str, pair: str) -> bool:
    """The data sheet's remarks on interfaces, one by one."""
    if board not in BOARDS or pair not in PAIRS:
        return False
    if "4" in pair and board not in ("260", "440"):  # CS only with 260 and 440
        return False
    if "6" in pair and board != "041":  # RS422 only with 041
        return False
    return "7" not in pair or f".{board}x.{pair}" in POWERED


def test_boards_and_interfaces_go_together_as_the_data_sheet_says_and_in_no_other_way() -> None:
    accepted, expected = set(), set()
    boards = BOARDS + ("001", "040", "200", "400", "460", "999", "0a0")
    for board, x, y in itertools.product(boards, "0123456789", "0123456789"):
        if is_legal(board, x + y):
            expected.add((board, x + y))
        try:
            TypeCode(f"ZMG405CR4.{board}b.{x}{y}")
            accepted.add((board, x + y))
        except ValueError:
            pass
    assert accepted == expected
    assert len(accepted) == 7 * 3 + 2 * 3 + 3 + 1 + 3


@pytest.mark.parametrize(
    ("board", "inputs", "outputs", "relay"),
    [
        ("000", 0, 0, False),
        ("020", 0, 2, False),
        ("060", 0, 6, False),
        ("240", 2, 4, False),
        ("260", 2, 6, False),
        ("440", 4, 4, False),
        ("041", 0, 4, True),
    ],
)
def test_inputs_and_outputs(board: str, inputs: int, outputs: int, relay: bool) -> None:
    code = TypeCode(f"ZMG405CR4.{board}b.00")
    assert (code.inputs, code.outputs, code.has_relay) == (inputs, outputs, relay)


@pytest.mark.parametrize(
    ("additional", "event_log", "tamper_hardware", "load_profile"),
    [
        ("0", False, False, False),
        ("3", True, False, False),
        ("4", True, True, False),
        ("7", False, False, True),
        ("a", True, False, True),
        ("b", True, True, True),
    ],
)
def test_additional_functions(additional: str, event_log: bool, tamper_hardware: bool, load_profile: bool) -> None:
    code = TypeCode(f"ZMG405CR4.260{additional}.43")
    found = (code.has_event_log, code.has_tamper_hardware, code.has_load_profile)
    assert found == (event_log, tamper_hardware, load_profile)


@pytest.mark.parametrize("additional", sorted(set("0123456789abcdefgzAB-") - set("0347ab")))
def test_other_additional_functions_do_not_exist(additional: str) -> None:
    with pytest.raises(ValueError, match="additional"):
        TypeCode(f"ZMG405CR4.260{additional}.43")


@pytest.mark.parametrize(
    ("tariff", "demand", "time_switch"), [(1, False, False), (2, False, True), (3, True, False), (4, True, True)]
)
def test_tariff(tariff: int, demand: bool, time_switch: bool) -> None:
    code = TypeCode(f"ZMG405CR{tariff}.260b.43")
    assert (code.tariff, code.has_demand, code.has_time_switch) == (tariff, demand, time_switch)


@pytest.mark.parametrize(
    ("start", "accuracy", "reactive_class"),
    [("ZMG405CR", "0.5S", "1"), ("ZMG410CR", "1", "2"), ("ZMG405AR", "0.5S", None), ("ZMG410AR", "1", None)],
)
def test_accuracy(start: str, accuracy: str, reactive_class: str | None) -> None:
    code = TypeCode(start + "4.260b.43")
    assert (code.accuracy, code.reactive_class) == (accuracy, reactive_class)
    assert code.has_reactive == (reactive_class is not None)


@pytest.mark.parametrize(
    ("board", "pair", "interfaces"),
    [
        ("000", "00", (None, None)),
        ("000", "02", ("RS232", None)),
        ("000", "03", ("RS485", None)),
        ("260", "40", (None, "CS")),
        ("260", "42", ("RS232", "CS")),
        ("260", "43", ("RS485", "CS")),
        ("041", "60", (None, "RS422")),
        ("041", "62", ("RS232", "RS422")),
        ("041", "63", ("RS485", "RS422")),
        ("020", "07", ("RS232 powered", None)),
        ("240", "37", ("RS232 powered", "RS485")),
    ],
)
def test_the_second_digit_is_interface_1(board: str, pair: str, interfaces: tuple[str | None, str | None]) -> None:
    assert TypeCode(f"ZMG405CR4.{board}b.{pair}").interfaces == interfaces


def test_series_may_be_left_out() -> None:
    with_series, without = TypeCode("ZMG410CR4.260b.43S2"), TypeCode("ZMG410CR4.260b.43")
    assert (with_series.series, without.series) == ("S2", "")
    assert with_series.text == "ZMG410CR4.260b.43S2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ZMG405CR0.260b.43", "no type designation"),
        ("ZMG405CR5.260b.43", "no type designation"),
        ("ZMG405CR4.999b.43", "no such inputs and outputs: 999"),
        ("ZMG405CR4.260b.44", "no such interfaces: 44"),
        ("ZMG405CR4.000b.43", "interfaces 43 do not go with inputs and outputs 000"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TypeCode(text)
