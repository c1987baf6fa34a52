"""Which requests are answered: those of the page that this server gave, and of no other site."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

LARGEST = 2**20
"""Bytes of a request's body."""

TOKEN = "X-Skerry-Token"
"""The header that says that a request comes from the page."""

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere. Bokeh's WebGL (regl) builds its drawing functions from text, so that it
needs 'unsafe-eval', and Bokeh's parts carry their own styles."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""


class Refused(Exception):
    """A request that is not answered: the status, and a sentence why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Guard:
    """Where the server listens, and the secret of this process."""

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Refuse what does not come from the page of this server.

        A name that another's DNS gives to this machine is no name of it (DNS rebinding); a page of
        another origin may neither write nor look.

        Raises
        ------
        Refused
            It comes from elsewhere.
        """
        host = headers.get("Host", "")
        if not self._own(host):
            raise Refused(
                421, f"this server is not {host[:80]!r}; open the address that it printed"
            )
        if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "the request comes from another site; open the atlas itself")
        if method == "POST":
            self._check_write(host, headers)

    def _check_write(self, host: str, headers: Mapping[str, str]) -> None:
        if headers.get("Origin", f"http://{host}") != f"http://{host}":
            raise Refused(403, "the request comes from another origin; open the atlas itself")
        if not hmac.compare_digest(headers.get(TOKEN, "").encode(), self.token.encode()):
            raise Refused(403, f"{TOKEN} is missing or old; reload the page")
        if headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
            raise Refused(415, "the body has to be application/json")
        length = headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(411, "Content-Length is missing; say how long the body is")
        if len(length) > 12 or int(length) > LARGEST:
            raise Refused(413, f"the body is over {LARGEST} bytes; send less")

    def _own(self, host: str) -> bool:
        if self.port == 80 and not host.endswith(":80"):
            host += ":80"  # browsers leave it out
        name, _, port = host.rpartition(":")
        if not name or port != str(self.port):
            return False
        name = name.strip("[]").lower()
        if name in (self.host.lower(), "localhost" if _loopback(self.host) else self.host):
            return True
        # bound to all addresses: any that is written as a number, which no DNS can give
        return self.host in ("0.0.0.0", "::") and _numeric(name)


def _numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _loopback(host: str) -> bool:
    return host == "localhost" or (_numeric(host) and ipaddress.ip_address(host).is_loopback)


def is_open(host: str) -> bool:
    """Whether other machines can reach a server that listens at ``host``."""
    return not _loopback(host)
