"""A web server on this machine that serves a folder, slowly or badly if asked to, for tests."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass
class Web:
    """What is served and how.

    ``fails`` maps a part of a name to what its first requests get: a status, ``stall`` (nothing,
    for ``stalls`` seconds), ``short`` (half a body) or ``drop`` (half a body of unknown length);
    a list is used up, one a GET, a text alone never ends.
    """

    root: Path
    delay: float = 0.0
    ranges: bool = True
    refuses: bool = False
    stalls: float = 5.0
    fails: dict[str, list[str] | str] = field(default_factory=dict)
    address: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    ranged: list[tuple[str, int, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def failing(self, name: str) -> str:
        with self.lock:
            for part, how in self.fails.items():
                if part in name:
                    if isinstance(how, str):
                        return how
                    return how.pop(0) if how else ""
        return ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        web = self.server.web
        name = unquote(self.path.partition("?")[0]).lstrip("/")
        time.sleep(web.delay)
        with web.lock:
            web.asked[f"{self.command} {name}"] += 1
        how = web.failing(name) if body else ""
        if how == "stall":
            web.ended.wait(web.stalls)
            self.close_connection = True
            return
        path = web.root / name
        if how.isdigit() or not path.exists():
            return self._send(
                int(how or (403 if web.refuses else 404)), b"an error page" if body else b"", {}
            )
        if path.is_dir():
            return self._send(200, self._index(path), {"Content-Type": "text/html"})
        size = path.stat().st_size
        headers = {"Last-Modified": str(path.stat().st_mtime_ns), "Accept-Ranges": "bytes"}
        status, start, end = 200, 0, size
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span and web.ranges:
            start, end = int(span[1]), min(int(span[2]) + 1, size)
            web.ranged.append((name, start, end))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            status = 206
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        self._send(status, data, headers, how)

    def _send(self, status: int, data: bytes, headers: dict[str, str], how: str = "") -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if how == "drop":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if how in ("short", "drop") else data)
        if how in ("short", "drop"):
            self.close_connection = True

    def _index(self, folder: Path) -> bytes:
        names = [f"{p.name}/" if p.is_dir() else p.name for p in sorted(folder.iterdir())]
        return "".join(f'<a href="{quote(n)}">{n}</a>\n' for n in names).encode()

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    web: Web

    def handle_error(self, *args: object) -> None:
        pass  # clients that went away


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.web = web
        web.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield web
        finally:
            web.ended.set()
            server.shutdown()
            thread.join()
