"""The web server of the panel: static files, a stream of what changes, commands, CSV files.

It serves this computer only unless it is told otherwise, and whoever may reach it may do all that the page can. A page
of another site may not: commands must be JSON from the panel's own origin, and the host that a request names must be an
address or a name that no stranger's DNS can point here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from microdot import Microdot, Request, Response
from microdot.sse import SSE, with_sse

from tools.bench.bench import Bench
from tools.panel import records
from tools.panel.actions import perform
from tools.panel.checks import Refused
from tools.panel.state import State

PORT = 8550  # if it is free
LOOKS_HZ = 10
MAX_BYTES = 16 * 1024  # of a command; microdot answers 413 to more
MOST_STREAMS = 32  # browsers at once
_UNSENT = 2  # updates that may wait for a slow browser; then they are joined
_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    # the picture of the glass brings a style of its own
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Stream:
    """What one browser has not been sent yet; a later value of a section takes the place of an earlier one."""

    def __init__(self, sections: dict[str, Any]) -> None:
        self._unsent = dict(sections)
        self._news = asyncio.Event()
        self._news.set()

    def add(self, sections: dict[str, Any]) -> None:
        self._unsent |= sections
        self._news.set()

    async def take(self) -> dict[str, Any]:
        """Wait for something and take it all."""
        await self._news.wait()
        self._news.clear()
        taken, self._unsent = self._unsent, {}
        return taken


class Server:
    """The panel of one live bench. `host`: the address to listen on."""

    def __init__(self, bench: Bench, host: str = "127.0.0.1") -> None:
        self.bench, self.host = bench, host
        self.state = State(bench)
        self.app = Microdot()
        self._streams: set[Stream] = set()
        self._server: asyncio.Server | None = None
        Request.max_content_length = Request.max_body_length = MAX_BYTES
        self._add_routes()

    async def listen(self, port: int | None = None) -> str:
        """Open the port, PORT or any free one if none is given; the address for the browser. OSError: it is in use."""
        for candidate in (PORT, 0) if port is None else (port,):
            try:
                self._server = await asyncio.start_server(self._connected, self.host, candidate)
                break
            except OSError:
                if port is not None or candidate == 0:
                    raise
        assert self._server is not None
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self._server.sockets[0].getsockname()[1]}/"

    async def serve(self) -> None:
        """Tell all browsers what changes, until cancelled."""
        assert self._server is not None
        try:
            while True:
                changed = await asyncio.to_thread(self.state.look)
                for stream in self._streams if changed else ():
                    stream.add(changed)
                await asyncio.sleep(1 / LOOKS_HZ)
        finally:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: Any) -> None:
        async def awrite(data: bytes) -> None:  # what microdot's own server gives its writers
            writer.write(data)
            await writer.drain()

        async def aclose() -> None:
            writer.close()
            await writer.wait_closed()

        writer.awrite, writer.aclose = awrite, aclose
        try:
            await self.app.handle_request(reader, writer)
        except (OSError, ValueError, EOFError, asyncio.CancelledError):
            writer.close()  # the browser has gone, or has sent no HTTP, or the panel ends

    # --- who may ask ----------------------------------------------------------------------------------------------

    def _guard(self, request: Request) -> Any:
        host = request.headers.get("Host", "")
        if not self._is_ours(host):
            return _refusal(421, f"the panel is not called {host[:80]!r}; use its address")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            return _refusal(403, "another site may not use the panel")
        if request.method == "POST":
            kind = (request.content_type or "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return _refusal(415, "commands are application/json")
        return None

    def _is_ours(self, host: str) -> bool:
        """An address, localhost or the name that was given: other names could be anybody's."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self.host):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    # --- routes ---------------------------------------------------------------------------------------------------

    def _add_routes(self) -> None:
        app = self.app
        app.before_request(self._guard)
        app.after_request(_finish)
        app.after_error_request(_finish)
        app.errorhandler(404)(lambda _request: _refusal(404, "there is no such page"))
        app.errorhandler(405)(lambda _request: _refusal(405, "that is not done here"))
        app.errorhandler(413)(lambda _request: _refusal(413, f"a command has {MAX_BYTES} bytes at most"))
        app.get("/")(lambda _request: self._file("index.html"))
        app.get("/static/<name>")(_told(lambda _request, name: self._file(name)))
        app.get("/glass.svg")(self._glass)
        app.get("/load_profile.csv")(_told(self._csv(records.load_profile_csv)))
        app.get("/events.csv")(self._csv(records.events_csv))
        app.get("/updates")(with_sse(self._updates))
        app.post("/do/<name>")(_told(self._command))

    def _file(self, name: str) -> Response:
        path = _STATIC / name
        if path.parent != _STATIC or path.suffix not in _TYPES or not path.is_file():
            raise Refused(404, "there is no such page")
        return Response(path.read_bytes(), 200, {"Content-Type": _TYPES[path.suffix] + "; charset=UTF-8"})

    def _glass(self, _request: Request) -> Response:
        with self.bench.hold:
            picture = self.bench.lcd.svg()
        return Response(picture, 200, {"Content-Type": _TYPES[".svg"]})

    def _csv(self, make: Callable[[Bench], str]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            name = request.path.rpartition("/")[2]
            return Response(
                make(self.bench),
                200,
                {
                    "Content-Type": "text/csv; charset=UTF-8",
                    "Content-Disposition": f'attachment; filename="{self.bench.serial}_{name}"',
                },
            )

        return answer

    def _command(self, request: Request, name: str) -> Any:
        try:
            body = json.loads(request.body or b"")
        except (ValueError, RecursionError):
            raise Refused(400, "that is no JSON") from None
        perform(self.bench, name, body)
        return {}

    async def _updates(self, _request: Request, sse: SSE) -> None:
        if len(self._streams) >= MOST_STREAMS:
            await sse.send({"full": True})
            return
        stream = Stream(self.state.sections)
        self._streams.add(stream)
        try:
            while True:
                await sse.send(await stream.take())
                while len(sse.queue) >= _UNSENT:
                    await asyncio.sleep(1 / LOOKS_HZ)
        finally:
            self._streams.discard(stream)


def _refusal(status: int, reason: str) -> tuple[dict[str, str], int]:
    return {"error": reason}, status


def _told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler` with what it refuses as an answer. (microdot's error handlers print a traceback first.)"""

    def answer(request: Request, **parts: str) -> Any:
        try:
            return handler(request, **parts)
        except Refused as refused:
            return _refusal(refused.status, refused.reason)

    return answer


def _finish(_request: Any, response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


async def run(bench: Bench, host: str, port: int | None, tell: Callable[[str], None]) -> None:
    """Serve the panel of `bench` until cancelled; `tell` is told its address first. OSError: the port is in use."""
    server = Server(bench, host)
    tell(await server.listen(port))
    await server.serve()
