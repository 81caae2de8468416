"""What each state of the front looks like: golden pictures (`pytest --update-golden` rewrites them), and a report in
build/ that shows the ones that have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_tests import golden_screens
from host_tests.front_bench import FrontBench
from meter.events import error_register as error


def operating() -> dict[str, str]:
    """The operating display and its symbols."""
    bench = FrontBench()
    bench.put_total("a_import", 123456.78)
    bench.run(0.5)
    pictures = {"operating_import": bench.lcd.svg()}
    bench.communication.active, bench.sources.rates.arrows = True, 0b1000_0000_0101
    bench.billing.p_sign, bench.billing.q_sign = -1, -1
    bench.samples.present[1] = False
    bench.run(8)
    pictures["operating_export"] = bench.lcd.svg()
    bench.samples.present[1], bench.samples.reversed_field = True, True
    while "L1" in bench.lcd.symbols:
        bench.run(0.1)
    pictures["operating_reversed_field_dark"] = bench.lcd.svg()
    return pictures


def errors() -> dict[str, str]:
    """Errors by severity."""
    bench = FrontBench()
    bench.errors.set(error.CLOCK_INVALID)
    bench.run(0.5)
    pictures = {"error_not_critical": bench.lcd.svg()}
    bench.errors.set(error.WATCHDOG)
    bench.run(0.5)
    pictures["error_critical"] = bench.lcd.svg()
    bench.press("down")
    pictures["error_acknowledged"] = bench.lcd.svg()
    bench.errors.set(error.CALIBRATION)
    bench.press("down", "down")
    pictures["error_fatal"] = bench.lcd.svg()
    return pictures


def menus() -> dict[str, str]:
    """The display check, the menu, and an entry of each of its lists."""
    bench = FrontBench()
    bench.sources.log.add(24, bench.sources.clock.now, 0)
    for kwh in (0.5, 1.25, 0.75):
        bench.consume(kwh)
    bench.press("reset")
    bench.consume(0.1)
    pictures = {"reset_done": bench.lcd.svg()}
    bench.run(5)
    bench.press("reset")
    pictures["reset_locked_out"] = bench.lcd.svg()
    bench.run(5)
    bench.press("down")
    pictures["display_check"] = bench.lcd.svg()
    bench.press("down")
    for name, wanted in (
        ("values", ("1.8.1", "1.6.1")),
        ("stored", ("0.1.2*01", "1.6.1*01")),
        ("profile", ("P.01", "1.29")),
        ("events", ("P.98.24",)),
        ("installation", ("32.7.0", "131.7.0", "13.7.0", "81.7.1", "C.63.1", "5Eq")),
    ):
        pictures[f"menu_{name}"] = bench.lcd.svg()
        bench.press("DOWN")
        for index in wanted:
            while bench.lcd.index != index:
                bench.press("down")
            pictures[f"{name}_{index.replace('*', '_')}"] = bench.lcd.svg()
        if name == "stored":
            bench.run(2)
            pictures[f"{name}_1.6.1_01_date"] = bench.lcd.svg()
        bench.press("reset", "down")
    pictures["menu_end"] = bench.lcd.svg()
    return pictures


def service() -> dict[str, str]:
    """The service menu, set mode and test mode."""
    bench = FrontBench()
    bench.press("service")
    pictures = {"service_set_time": bench.lcd.svg()}
    bench.press("DOWN")
    while " " not in bench.lcd.value and len(bench.lcd.value) == 8:
        bench.run(0.1)
    pictures["setting_digit_dark"] = bench.lcd.svg()
    bench.press("up")
    pictures["setting_digit_lit"] = bench.lcd.svg()
    bench.press(*["DOWN"] * 6)
    pictures["setting_done"] = bench.lcd.svg()
    bench.run(5)
    bench.press("down", "DOWN", "DOWN", "DOWN", "down", "down", *["DOWN"] * 4)
    pictures["setting_failed"] = bench.lcd.svg()
    bench.run(5)
    bench.press("down", "down")
    pictures["service_test_mode"] = bench.lcd.svg()
    bench.press("DOWN")
    bench.run(5)
    pictures["operating_test_mode"] = bench.lcd.svg()
    return pictures


def odd() -> dict[str, str]:
    """Values that do not fit, zeros left out, and a dark glass."""
    values = {"display_list": "0.2.0,14.7.0", "leading_zeros": 0, "display_mode": "fixed"}
    bench = FrontBench(values=values)
    bench.sources.firmware_version = "P01.2026.11"
    bench.run(0.5)
    pictures = {"text_too_long": bench.lcd.svg()}
    bench.parameters.set("display_list", "1.8.0", 2)
    bench.run(0.5)
    pictures["without_leading_zeros"] = bench.lcd.svg()
    bench.mains.is_down = True
    bench.run(0.5)
    pictures["mains_away"] = bench.lcd.svg()
    return pictures


def test_every_screen_is_the_golden_one(update_golden: bool) -> None:
    pictures = {**operating(), **errors(), **menus(), **service(), **odd()}
    report = golden_screens.ROOT / "build" / "screens.html"
    golden_screens.compare(pictures, "screens/*.svg", update_golden, report)


def test_a_changed_screen_fails_with_a_report_of_old_and_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden_screens, "GOLDEN", tmp_path)
    report = tmp_path / "build" / "report.html"
    golden_screens.compare({"same": "<svg>1</svg>", "gone": "<svg>2</svg>"}, "screens/*.svg", True, report)
    golden_screens.compare({"same": "<svg>1</svg>", "gone": "<svg>2</svg>"}, "screens/*.svg", False, report)
    assert not report.exists()
    with pytest.raises(pytest.fail.Exception, match=f"gone, new: .*{report}"):
        golden_screens.compare({"same": "<svg>1</svg>", "new": "<svg>3</svg>"}, "screens/*.svg", False, report)
    text = report.read_text()
    assert "<svg>2</svg>" in text and "<svg>3</svg>" in text and "<svg>1</svg>" not in text
