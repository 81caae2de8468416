"""The web panel as a browser shows it, for the README: a live meter on a fixed date with a load of all kinds."""

from __future__ import annotations

from tools.bench.bench import DEFAULT_START, Bench
from tools.panel.browser import chromium, served

_WIDTH, _HEIGHT = 1280, 900


def take() -> dict[str, bytes]:
    """File name -> PNG. Taken in real time, so not the same at each taking. FileNotFoundError: there is no Chromium."""
    with Bench(virtual=False, start=DEFAULT_START) as bench, served(bench) as address, chromium() as browser:
        bench.source.set(u=(231, 229, 230), i=(5, 3.5, 4.2), phi=(30, 35, 20), harmonics={"i": {5: (0.2, 180.0)}})
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(address)
        bench.run(5)
        bench.real_time.jump(DEFAULT_START + 86_400)
        while bench.real_time.goal is not None:
            page.wait_for_timeout(100)
        while bench.lcd.index != "1.8.0":
            page.wait_for_timeout(100)
        page.get_by_role("button", name="Read it by DLMS").click()
        page.get_by_text("entries;").wait_for()
        page.wait_for_timeout(1000)
        return {
            "panel.png": page.screenshot(full_page=True),
            "terminals.png": page.get_by_role("region", name="At the terminals").screenshot(),
        }
