"""The panel in a real browser, the system's Chromium: what a person does, and sees of it on the meter."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from host_tests.live_meter import until
from host_tests.panel_bench import Panel, panel
from tools.panel.browser import CHROMIUM, chromium

# In CI there is one (.ci/run), or something is wrong.
pytestmark = pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="there is no Chromium")
COS_30 = 0.8660254
CONSTANT = 10_000  # imp/kWh of new meters
PATIENCE_S = 20  # of a busy machine; what is waited for comes in less than a second
REFUSAL = "Failed to load resource: the server responded with a status of 409 (N/A)"  # the browser's own words


@pytest.fixture(scope="module")
def served() -> Iterator[Panel]:
    with panel() as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(served: Panel, browser: Browser) -> Iterator[Page]:
    """The panel of a meter at 230 V, 5 A, 30 degrees, in a new window that must not complain of anything."""
    served.bench.real_time.end_jump()
    served.bench.real_time.speed = 1
    served.bench.power_on()
    served.do("preset", name="normal")
    complaints: list[Any] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(error))
    page.goto(served.address)
    expect(page.locator("#presets button").first).to_be_visible()
    yield page
    page.close()
    assert [complaint for complaint in complaints if complaint != REFUSAL] == []


def slide(page: Page, name: str, value: float) -> None:
    page.get_by_role("slider", name=name, exact=True).fill(str(value))


def test_a_changed_load_is_at_the_terminals_on_the_display_and_in_the_flashes(page: Page, served: Panel) -> None:
    expect(page.get_by_role("row", name="total")).to_contain_text("2987.8")  # 3 x 230 x 5 x cos 30
    expect(page.locator("#glass-text")).to_contain_text("+P +Q")
    for phase in ("L1", "L2", "L3"):
        slide(page, f"Lag φ {phase}", -170)
        slide(page, f"Current {phase}", 10)
    expect(page.get_by_role("row", name="total")).to_contain_text("-6795.2")  # 3 x 230 x 10 x cos 170
    expect(page.locator("#glass-text")).to_contain_text("-P -Q")
    flashed = page.evaluate("Number(document.getElementById('count-active').value)")
    until(lambda: page.evaluate("Number(document.getElementById('count-active').value)") > flashed + 10, PATIENCE_S)
    assert served.bench.source.setting.i == (10, 10, 10)


def test_a_pulled_fuse_takes_a_phase_off_the_display_and_comes_back(page: Page) -> None:
    glass = page.locator("#glass-text")
    expect(glass).to_contain_text("L1 L2 L3")
    fuse = page.get_by_role("button", name="Fuse L2")
    fuse.click()
    expect(fuse).to_have_attribute("aria-pressed", "false")
    expect(glass).to_contain_text("L1 L3")
    fuse.click()
    expect(glass).to_contain_text("L1 L2 L3")


def test_the_mains_go_and_the_meter_is_dark_then_it_comes_back(page: Page, served: Panel) -> None:
    served.bench.real_time.speed = 10  # its supply holds up for ten seconds
    page.get_by_role("button", name="Mains on").click()
    expect(page.locator("#supply")).to_have_text("the meter is dark")
    expect(page.locator("#glass-text")).to_have_text("dark")
    page.get_by_role("button", name="normal").click()
    expect(page.get_by_role("alert")).to_contain_text("the mains are off")
    page.get_by_role("button", name="Mains off").click()
    expect(page.locator("#glass-text")).to_contain_text("L1 L2 L3")
    expect(page.locator("#events")).to_contain_text("power up")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_keyboard_alone_changes_load_seal_and_speed(page: Page, served: Panel) -> None:
    slider = page.get_by_role("slider", name="Current L1", exact=True)
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#values").get_by_role("row", name="L1")).to_contain_text("5.200")
    page.get_by_role("button", name="Certification seal broken").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Certification seal broken")).to_have_attribute("aria-pressed", "true")
    assert served.bench.seal_open
    page.get_by_role("radio", name="×1", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="×2")).to_have_attribute("aria-checked", "true")
    assert served.bench.real_time.speed == 2


def test_a_jump_shows_how_far_it_is_and_can_be_ended(page: Page, served: Panel) -> None:
    clock = page.locator("#clock").inner_text()
    year, since = int(clock[:4]) + 1, served.bench.now
    page.get_by_label("Go to (UTC)").fill(f"{year}-06-01T12:00")
    page.get_by_role("button", name="Jump").click()
    expect(page.get_by_role("progressbar", name="Jump")).to_be_visible()
    until(lambda: served.bench.now > since + 600, PATIENCE_S)
    page.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("progressbar", name="Jump")).to_be_hidden()
    assert served.bench.real_time.goal is None
    assert clock < page.locator("#clock").inner_text() < f"{year}-06-01"


def test_csv_files_are_downloaded(page: Page, served: Panel, tmp_path: Path) -> None:
    for heading, start in (("Load profile", "local time,status"), ("Events", "number,UTC,event")):
        with page.expect_download() as waiting:
            page.get_by_role("region", name=heading).get_by_role("link", name="CSV").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.name.startswith(f"{served.bench.serial}_") and path.read_text().startswith(start)
        assert len({len(row) for row in csv.reader(path.open(newline=""))}) == 1


def test_the_readmes_path_works(page: Page, served: Panel, tmp_path: Path) -> None:
    """As its numbered list says, but to the next quarters of an hour instead of through a whole day."""
    assert flashes_in_a_second(page) == pytest.approx(3 * 230 * 5 * COS_30 / 3.6e6 * CONSTANT, rel=0.15)
    for phase in ("L1", "L2", "L3"):
        slide(page, f"Current {phase}", 10)
    expect(page.get_by_role("row", name="total")).to_contain_text("5975.6")
    assert flashes_in_a_second(page) == pytest.approx(3 * 230 * 10 * COS_30 / 3.6e6 * CONSTANT, rel=0.15)
    then = datetime.fromisoformat(page.locator("#clock").inner_text()[:19]) + timedelta(minutes=46)
    page.get_by_label("Go to (UTC)").fill(then.isoformat(timespec="minutes"))
    page.get_by_role("button", name="Jump").click()
    expect(page.get_by_role("progressbar", name="Jump")).to_be_visible()
    until(lambda: served.bench.real_time.goal is None, 60)
    with page.expect_download() as waiting:
        page.get_by_role("region", name="Load profile").get_by_role("link", name="CSV").click()
    waiting.value.save_as(tmp_path / "day.csv")
    rows = list(csv.DictReader((tmp_path / "day.csv").open(newline="")))
    (energy,) = (name for name in rows[0] if "1.29.0" in name)
    assert energy.endswith(" Wh")
    for row in rows[-2:]:  # whole quarters of an hour at 10 A
        assert float(row[energy]) == pytest.approx(3 * 230 * 10 * COS_30 / 4, rel=0.01)


def flashes_in_a_second(page: Page) -> float:
    """Of the active LED, as the page counts them, in seconds of the meter."""
    counted = "[Number(document.getElementById('count-active').value), page.time.now]"
    page.wait_for_timeout(1500)  # what was told of the load before is over
    flashes, then = page.evaluate(counted)
    until(lambda: page.evaluate("page.time.now") > then + 4, PATIENCE_S)
    after, now = page.evaluate(counted)
    return float((after - flashes) / (now - then))


def test_the_load_profile_is_drawn(page: Page, served: Panel) -> None:
    page.get_by_role("button", name="Read it by DLMS").click()
    expect(page.locator("#profile-note")).to_have_text(
        re.compile(r"^\d+ entries; 1-1:1\.29\.0 Wh upward|has no entry yet")
    )


def test_three_browsers_show_the_same_meter(page: Page, served: Panel, browser: Browser) -> None:
    others = [browser.new_page() for _ in range(2)]
    for other in others:
        other.goto(served.address)
    page.get_by_role("button", name="phase L2 lost").click()
    for one in (page, *others):
        expect(one.get_by_role("button", name="Fuse L2")).to_have_attribute("aria-pressed", "false")
        expect(one.locator("#glass-text")).to_contain_text("L1 L3")
    for other in others:
        other.close()


def test_a_page_is_told_news_four_times_in_each_second_of_the_meter(page: Page) -> None:
    counted = "[page.updates, page.time.now]"
    updates, then = page.evaluate(counted)
    until(lambda: page.evaluate("page.time.now") > then + 3, PATIENCE_S)
    after, now = page.evaluate(counted)
    assert after - updates >= 4 * (now - then)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    ink, back = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (brightness(ink) > brightness(back)) == (scheme == "dark")


def brightness(colour: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_everything_that_can_be_used_has_a_name(page: Page) -> None:
    nameless = """[...document.querySelectorAll("button, input, a, canvas, [role]")].filter(
        (e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label")
        || e.getAttribute("role") === "alert")).map((e) => e.outerHTML)"""
    assert page.evaluate(nameless) == []


def test_a_button_pressed_short_and_long_leads_through_the_menus(page: Page) -> None:
    glass = page.locator("#glass-text")
    down, reset = page.get_by_role("button", name="down"), page.get_by_role("button", name="reset")
    down.click()
    expect(glass).to_contain_text("8:8:8:8:8:8:8")  # the display check: everything is lit
    down.click()
    expect(glass).not_to_contain_text("8:8:8:8:8:8:8")
    menu = glass.inner_text()
    down.click(delay=2500)  # a long press, by pointer
    expect(glass).not_to_have_text(menu)
    reset.focus()
    page.keyboard.press("Enter")  # and from the keyboard
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_magnet_and_an_open_cover_are_events(page: Page) -> None:
    names = "Magnet at the meter", "Terminal cover open"
    for name in names:
        page.get_by_role("button", name=name).click()
    events = page.locator("#events")
    expect(events).to_contain_text("strong magnetic field")
    expect(events).to_contain_text("terminal cover removed")
    for name in names:
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "false")


def test_output_contacts_and_relay_light_while_closed(page: Page, served: Panel) -> None:
    contacts = page.get_by_role("group", name="Output contacts")
    expect(contacts).to_contain_text("relay")
    first = contacts.get_by_text("output 1")
    expect(first).not_to_have_class("lamp lit")
    with served.bench.hold:
        served.bench.outputs[0].line.set(1, served.bench.world.now)
    expect(first).to_have_class("lamp lit")
