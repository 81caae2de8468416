"""The web panel of a live meter, served from a thread, and requests to it as a program makes them."""

from __future__ import annotations

import asyncio
import http.client
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from host_tests.live_meter import live_meter
from tools.bench import Bench
from tools.panel.server import Server


class Panel:
    """A served bench; `address` ends in a slash."""

    def __init__(self, bench: Bench, address: str) -> None:
        self.bench, self.address = bench, address
        self.host = urlsplit(address).netloc

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body (parsed if it is JSON), headers. `body`: bytes as they are, anything else as JSON."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        if body is not None:
            headers.setdefault("Content_Type", "application/json")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content: Any = answer.read()
        if answer.headers.get_content_type() == "application/json":
            content = json.loads(content)
        connection.close()
        return answer.status, content, dict(answer.headers)

    def do(self, name: str, **fields: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/do/{name}", fields)[:2]

    def updates(self) -> Iterator[dict[str, Any]]:
        """What a browser is told, from its first moment on."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", "/updates")
        answer = connection.getresponse()
        try:
            while line := answer.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line[len("data: ") :])
        finally:
            answer.close()
            connection.close()


@contextmanager
def panel(**options: Any) -> Iterator[Panel]:
    """A live meter with its panel on a free port."""
    with live_meter(**options) as bench, served(bench) as address:
        yield Panel(bench, address)


@contextmanager
def served(bench: Bench) -> Iterator[str]:
    """The panel's address; it is served while this is entered."""
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
        assert not thread.is_alive()
