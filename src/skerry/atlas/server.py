"""The atlas over HTTP: GET reads, POST writes reviews and selects, all else is refused."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from skerry.atlas.api import Api
from skerry.atlas.assets import asset, page
from skerry.atlas.chart import Chart
from skerry.atlas.guard import HEADERS, Guard, Refused
from skerry.atlas.reviewing import review, standing
from skerry.errors import DiskError, InputError, RunError, SkerryError

_TILE = re.compile(r"/api/tile/(\d{1,2})/(\d{1,6})/(\d{1,6})\.png", re.ASCII)
_ONE_DAY = "private, max-age=86400"

Query = dict[str, str]
Answer = tuple[bytes, str, str]
"""Body, type and how long it may be kept."""


class AtlasServer(ThreadingHTTPServer):
    """Serves one chart until it is shut down.

    Raises
    ------
    InputError
        No source has a place on the map.
    RunError
        The address cannot be used.
    """

    daemon_threads = True

    def __init__(self, chart: Chart, host: str = "127.0.0.1", port: int = 0) -> None:
        self.api = Api(chart)
        if ":" in host:
            import socket

            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise RunError(
                f"nothing can listen at {host}:{port}: {error}; choose another --host or --port"
            ) from error
        self.guard = Guard(host, self.server_address[1])

    @property
    def url(self) -> str:
        """Where to open it."""
        host = f"[{self.guard.host}]" if ":" in self.guard.host else self.guard.host
        return f"http://{host}:{self.guard.port}/"

    def warm_up(self) -> None:
        """Prepare, some time after the first paint, what the first hover would wait for."""
        centre = self.api.sea.unit[self.api.sea.rows[0]]
        work = threading.Timer(3, self.api.nearest, tuple(centre.tolist()))
        work.daemon = True
        work.start()


def serve(chart: Chart, host: str = "127.0.0.1", port: int = 0) -> AtlasServer:
    """A server of a chart, at work in a thread of its own; ``shutdown()`` ends it.

    Raises
    ------
    InputError, RunError
        As ``AtlasServer``.
    """
    server = AtlasServer(chart, host, port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: AtlasServer
    protocol_version = "HTTP/1.1"
    server_version = "skerry"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        try:
            self.server.guard.check(method, self.headers)  # type: ignore[arg-type]
            parts = urlsplit(self.path)
            if method == "GET":
                query = {k: v[-1] for k, v in parse_qs(parts.query, strict_parsing=False).items()}
                self._send(200, *self._get(parts.path, query))
            else:
                self._send(200, *_json(self._post(parts.path)))
        except Refused as error:
            # what is left of its body must not be read as the next request
            self.close_connection = True
            self._error(error.status, str(error))
        except (InputError, ValueError) as error:
            self._error(400, str(error))
        except SkerryError as error:
            self._error(507 if isinstance(error, DiskError) else 500, str(error))
        except ConnectionError:
            self.close_connection = True

    def _get(self, path: str, query: Query) -> Answer:
        api = self.server.api
        if path == "/":
            return page(self.server.guard.token).encode(), "text/html; charset=utf-8", "no-store"
        if match := _TILE.fullmatch(path):
            z, x, y = (int(text) for text in match.groups())
            return api.tile(z, x, y, query.get("color", "")), "image/png", _ONE_DAY
        if path == "/api/cutout":
            return api.cutout(_text(query, "id")), "image/jpeg", _ONE_DAY
        if path in _READ:
            return _json(_READ[path](api, query))
        found = asset(path.removeprefix("/")) if path.startswith("/") else None
        if found is None:
            raise Refused(404, "there is nothing at this address")
        return *found, _ONE_DAY if path.startswith("/bokeh") else "no-cache"

    def _post(self, path: str) -> Any:
        if path not in _WRITE:
            raise Refused(404, "nothing can be written at this address")
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is no JSON: {error}") from error
        if not isinstance(body, dict):
            raise InputError("the body is no JSON object")
        return _WRITE[path](self.server.api, body)

    def _send(self, status: int, body: bytes, kind: str, keep: str) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", keep)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _error(self, status: int, sentence: str) -> None:
        body, kind, _ = _json({"error": sentence})
        self._send(status, body, kind, "no-store")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses, as JSON too."""
        self.close_connection = True
        self._error(code, message or "the request cannot be understood")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""


def _json(value: Any) -> Answer:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass"), "application/json; charset=utf-8", "no-store"


def _text(query: Query, name: str) -> str:
    if name not in query:
        raise InputError(f"{name} is missing from the address")
    return query[name]


def _number(query: Query, name: str) -> float:
    try:
        return float(_text(query, name))
    except ValueError as error:
        raise InputError(f"{name} is {query[name][:40]!r}; expected a number") from error


def _whole(query: Query, name: str, otherwise: int) -> int:
    try:
        return int(query.get(name, otherwise))
    except ValueError as error:
        raise InputError(f"{name} is {query[name][:40]!r}; expected a whole number") from error


_READ: dict[str, Callable[[Api, Query], Any]] = {
    "/api/run": lambda api, _: api.run(),
    "/api/members": lambda api, _: api.members(),
    "/api/columns": lambda api, _: api.columns(),
    "/api/gone": lambda api, _: api.gone(),
    "/api/legend": lambda api, q: api.legend(q.get("color", "")),
    "/api/nearest": lambda api, q: api.nearest(
        _number(q, "x"), _number(q, "y"), q.get("color", "")
    ),
    "/api/source": lambda api, q: api.source(_text(q, "id"), q.get("color", "")),
    "/api/class": lambda api, q: api.class_of(_text(q, "id")),
    "/api/similar": lambda api, q: api.similar(_text(q, "id"), _whole(q, "n", 24)),
    "/api/reviews": lambda api, _: standing(api.chart),
}
_WRITE: dict[str, Callable[[Api, dict[str, Any]], Any]] = {
    "/api/select": lambda api, body: api.select(body.get("polygon"), bool(body.get("all"))),
    "/api/review": lambda api, body: review(api.chart, body),
}
