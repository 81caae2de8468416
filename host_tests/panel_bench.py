"""The web panel of a live meter, served from a thread, and requests to it as a program makes them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from host_tests.live_meter import live_meter
from tools.bench import Bench
from tools.panel.browser import served


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

    def do(self, command: str, /, **fields: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/do/{command}", fields)[:2]

    def updates(self) -> Generator[dict[str, Any], None, None]:
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
