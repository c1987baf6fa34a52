"""A server on this machine that speaks Simple Cone Search and TAP (with upload), for tests."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from astropy.io.votable import parse_single_table
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import Table

from skerry.store.votable import votable_bytes

ERROR = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">the table is closed</INFO>
<INFO name="Error" value="the table is closed"/></RESOURCE></VOTABLE>"""


@dataclass
class Service:
    """What is served: ``rows`` with columns ``ra`` and ``dec``; how it fails, if it does."""

    rows: Table
    fails: str = ""  # "", "error", "status", "slow", "garbage", "overflow"
    ucds: bool = True
    address: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def around(self, ra: float, dec: float, radius: float) -> np.ndarray:
        """Which rows lie within ``radius`` degrees, by the cosine formula in another form."""
        a, b = np.radians(self.rows["ra"]), np.radians(self.rows["dec"])
        x, y = np.radians(ra), np.radians(dec)
        half = np.sin((b - y) / 2) ** 2 + np.cos(b) * np.cos(y) * np.sin((a - x) / 2) ** 2
        return np.degrees(2 * np.arcsin(np.sqrt(half))) <= radius


def _document(service: Service, rows: Table) -> bytes:
    made = VOTableFile.from_table(rows)
    table = made.get_first_table()
    resource = made.resources[0]
    status = "OVERFLOW" if service.fails == "overflow" else "OK"
    resource.infos.append(Info(name="QUERY_STATUS", value=status))
    if service.ucds:
        table.get_field_by_id_or_name("ra").ucd = "pos.eq.ra;meta.main"
        table.get_field_by_id_or_name("dec").ucd = "pos.eq.dec;meta.main"
    return votable_bytes(made)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def _send(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _failed(self) -> bool:
            if service.fails == "slow":
                time.sleep(0.7)
            elif service.fails == "error":
                self._send(ERROR.encode())
            elif service.fails == "status":
                self._send(b"no such thing", 503)
            elif service.fails == "garbage":
                self._send(b"<html>welcome</html>")
            return service.fails in ("slow", "error", "status", "garbage")

        def do_GET(self) -> None:
            """A cone search: RA, DEC, SR in degrees."""
            given = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            service.asked.append(given)
            if not self._failed():
                inside = service.around(*(float(given[k]) for k in ("RA", "DEC", "SR")))
                self._send(_document(service, service.rows[inside]))

        def do_POST(self) -> None:
            """TAP's synchronous query, the join with an uploaded table done here."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers["Content-Type"]
            uploaded = None
            if kind.startswith("multipart"):
                head = f"Content-Type: {kind}\n\n".encode()
                message = BytesParser().parsebytes(head + body)
                given = {}
                for part in message.get_payload():
                    name = part.get_param("name", header="content-disposition")
                    if part.get_filename():
                        uploaded = part.get_payload(decode=True)
                    else:
                        given[name] = part.get_payload(decode=True).decode().strip()
            else:
                given = {k: v[0] for k, v in parse_qs(body.decode()).items()}
            service.asked.append(given)
            if self._failed():
                return
            if uploaded is None:
                self._send(_document(service, service.rows[:1]))
                return
            radius = float(re.search(r"at_dec, ([0-9.]+)\)", given["QUERY"])[1])
            sources = parse_single_table(io.BytesIO(uploaded)).to_table()
            found = [
                np.flatnonzero(service.around(float(s["at_ra"]), float(s["at_dec"]), radius))
                for s in sources
            ]
            self._send(_document(service, service.rows[np.concatenate(found).astype(int)]))

    return Handler


@contextmanager
def served(service: Service) -> Iterator[Service]:
    """The service at ``address``, until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    service.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
