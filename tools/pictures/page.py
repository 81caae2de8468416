"""The web panel as a browser shows it, for the READMEs: a live meter on a fixed date with a load of all kinds."""

from __future__ import annotations

import io

from PIL import Image

from tools.bench.bench import DEFAULT_START, Bench
from tools.panel.browser import chromium, served

_WIDTH, _HEIGHT = 1280, 900
_COLOURS = 128  # enough for what is drawn, and a third of the bytes
_DAY = ((6, 1, 10), (3, 4.5, 25), (3, 3, 20), (5, 2, 168), (4, 6, 30), (3, 2.5, 15))  # hours, amperes, degrees


def take() -> dict[str, bytes]:
    """File name -> PNG. Taken in real time, so not the same at each taking. FileNotFoundError: there is no Chromium."""
    with Bench(virtual=False, start=DEFAULT_START) as bench, served(bench) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(address)
        bench.run(5)
        then = DEFAULT_START
        for hours, i, phi in _DAY:
            bench.source.set(u=230, i=i, phi=phi)
            then += hours * 3600
            bench.real_time.jump(then)
            while bench.real_time.goal is not None:
                page.wait_for_timeout(100)
        bench.source.set(u=(231, 229, 230), i=(5, 3.5, 4.2), phi=(30, 35, 20), harmonics={"i": {5: (0.2, 180.0)}})
        page.get_by_role("button", name="Read it by DLMS").click()
        page.get_by_text("entries;").wait_for()
        page.wait_for_timeout(1000)
        while bench.lcd.index != "1.8.0":
            page.wait_for_timeout(100)
        page.wait_for_timeout(500)
        pictures = {
            "front.png": page.get_by_role("region", name="The meter").screenshot(),
            "panel.png": page.screenshot(full_page=True),
            "phasors.png": page.get_by_role("img", name="Phasor diagram").screenshot(),
            "terminals.png": page.get_by_role("region", name="At the terminals").screenshot(),
        }
    return {name: _smaller(png) for name, png in pictures.items()}


def _smaller(png: bytes) -> bytes:
    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS).save(made, "PNG", optimize=True)
    return made.getvalue()
