"""A panel served from a thread and a browser that opens it: for tests, pictures and the measurement below.

    python -m tools.panel.browser

prints how quickly the page of a live meter appears on this computer, and how often it is told news.
"""

from __future__ import annotations

import asyncio
import json
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tools.bench.bench import Bench
from tools.panel.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_MEASURED_S = 10.0


@contextmanager
def served(bench: Bench) -> Iterator[str]:
    """The address of the panel of a live bench; it is served while this is entered."""
    started: queue.Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        server, over = Server(bench), asyncio.Event()
        address = await server.listen(0)
        serving = asyncio.create_task(server.serve())
        started.put((address, asyncio.get_running_loop(), over))
        await over.wait()
        serving.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    address, loop, over = started.get(timeout=10)
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window. FileNotFoundError: there is none."""
    if CHROMIUM is None:
        raise FileNotFoundError("no `chromium` found: install it (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        # without a sandbox of its own: in a container there often cannot be one, and the page is ours
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def measure() -> dict[str, float]:
    """First paint in ms, bytes that the page takes, updates in a second, bench seconds in a second."""
    with Bench(virtual=False) as bench, served(bench) as address, chromium() as browser:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(3)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#glass svg")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        size = page.evaluate("performance.getEntriesByType('resource').reduce((sum, r) => sum + r.transferSize, 0)")
        counted = "[page.updates, page.time.now]"
        (updates, then), since = page.evaluate(counted), time.monotonic()
        page.wait_for_timeout(1000 * _MEASURED_S)
        (after, now), seconds = page.evaluate(counted), time.monotonic() - since
    return {
        "first_paint_ms": paint,
        "bytes": size,
        "updates_per_second": round((after - updates) / seconds, 2),
        "times_real_time": round((now - then) / seconds, 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
