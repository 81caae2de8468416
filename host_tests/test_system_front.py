"""The front on the running meter: buttons at their pins, the glass as its driver lights it, and what follows inside."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from host_tests.field_service import session
from host_tests.test_front import CHECK
from meter.parameters import Parameters
from tools.bench import Bench
from tools.bench.bench import BUTTONS
from tools.bench.iec_client import IecRefused

BILLING_RESET, OLD_TIME, NEW_TIME = 8, 10, 11  # events of the product family
BY_BUTTON = 1


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with Bench(seed=5, start=utc(2026, 11, 22, 16, 40, 0), parameters={"display_timeout_s": 10}) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(4)
        yield bench


@pytest.fixture
def bench(running: Bench) -> Bench:
    """The meter with its operating display."""
    running.press("up")
    running.run(10.5)
    return running


def utc(*fields: int) -> int:
    return int((datetime.datetime(*fields) - datetime.datetime(2000, 1, 1)).total_seconds())  # type: ignore[arg-type]


def details(bench: Bench, number: int) -> list[int]:
    return [detail for _, _, event, detail in bench.events() if event == number]


def shown(bench: Bench) -> tuple[str, str, str]:
    return bench.lcd.index, bench.lcd.value, bench.lcd.unit


@pytest.mark.parametrize("offset_ms", [0, 60, 130, 190])
def test_a_press_shows_within_200_ms_at_any_time(bench: Bench, offset_ms: int) -> None:
    bench.run(offset_ms / 1000)
    bench.hold_button("down")
    bench.run(0.2)
    seen = shown(bench)
    bench.hold_button("down", False)
    bench.run(0.1)
    assert seen == CHECK


def test_the_front_takes_less_than_2_percent_of_the_time_of_the_bus(bench: Bench) -> None:
    """The virtual board's bus has 400 kHz, the others' 100 kHz, which is what counts; 9 bits a byte."""
    before = bench.lcd_driver.bus_bytes
    bench.run(20)
    assert 0 < (bench.lcd_driver.bus_bytes - before) * 9 / 100_000 < 0.02 * 20


def test_the_reset_button_makes_the_reset_that_communication_makes(bench: Bench) -> None:
    count = bench.read("0.1.0").value.text
    bench.press("reset")
    assert shown(bench) == ("rE5Et", "donE", "")
    bench.run(1)
    assert details(bench, BILLING_RESET) == [BY_BUTTON]
    assert int(bench.read("0.1.0").value.text) == int(count) + 1
    bench.press("reset")
    assert shown(bench)[:2] == ("rE5Et", "L0C 60")
    assert details(bench, BILLING_RESET) == [BY_BUTTON]
    bench.press("down")
    bench.press("down")
    bench.press("down")
    bench.press("down")
    assert shown(bench)[:2] == ("5td", "5torEd")
    bench.press("down", 2.1)
    bench.press("down")
    assert shown(bench)[0] == "1.8.0*01"


def test_what_the_front_sets_is_the_clock_and_an_event(bench: Bench) -> None:
    """Tens of the minutes, up by one."""
    before = bench.rtc.utc
    bench.press("service")
    bench.press("down", 2.1)
    hours_and_minutes = bench.lcd.value[:5]
    for _ in range(2):
        bench.press("down", 2.1)
    bench.press("down")
    for _ in range(4):
        bench.press("down", 2.1)
    assert shown(bench)[:2] == ("0.9.1", "donE")
    bench.run(1)
    events = [(number, at) for _, at, number, _ in bench.events() if number in (OLD_TIME, NEW_TIME)]
    assert [number for number, _ in events] == [OLD_TIME, NEW_TIME]
    assert 580 < bench.rtc.utc - before < 620
    assert bench.read("0.9.1").value.text[:3] == hours_and_minutes[:3]
    assert bench.read("0.9.1").value.text[3] == str(int(hours_and_minutes[3]) + 1)


def test_a_display_list_written_by_a_client_is_rolled_through_at_once(bench: Bench) -> None:
    number = Parameters(object()).number("display_list")  # type: ignore[arg-type]
    with session(bench) as client:
        client.write(f"C.61.{number}", "0.0.0")
    assert shown(bench) == ("0.0.0", bench.serial, "")
    with session(bench) as client, pytest.raises(IecRefused, match="ERR05"):
        client.write(f"C.61.{number}", "0.0.0,C.61.22")


def test_the_bench_has_a_button_for_each_pin_of_the_board(bench: Bench) -> None:
    assert set(BUTTONS) == {"down", "up", "reset", "service"}
    with pytest.raises(KeyError):
        bench.hold_button("left")


def test_a_reset_button_that_is_jammed_makes_no_reset_at_each_start() -> None:
    with Bench(seed=5, start=utc(2026, 11, 22, 16, 40, 0), parameters={"reset_lockout_min": 0}) as bench:
        bench.hold_button("reset")
        for _ in range(2):
            bench.run(4)
            bench.kill()
            bench.run(0.1)
            bench.power_on()
        bench.run(4)
        assert details(bench, BILLING_RESET) == []
        bench.hold_button("reset", False)
        bench.run(0.2)
        bench.press("reset")
        bench.run(1)
        assert details(bench, BILLING_RESET) == [BY_BUTTON]
