"""The files of the page: written by hand here, and Bokeh's from its Python package."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

OWN = ("atlas.css", "answers.js", "map.js", "panel.js", "atlas.js")
BOKEH = ("bokeh.min.js", "bokeh-gl.min.js", "bokeh-api.min.js")
NAMES = (*OWN, *(f"bokeh/{name}" for name in BOKEH))
"""All that a page loads, by the address it has beside the page."""

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """One of ``NAMES`` and its type; None for any other name."""
    if name not in NAMES:
        return None
    if name in OWN:
        found = files("skerry.atlas").joinpath("page", name)
    else:
        found = files("bokeh").joinpath("server", "static", "js", name.removeprefix("bokeh/"))
    return found.read_bytes(), _TYPES[name.rpartition(".")[2]]


def page(token: str = "", data: str = "") -> str:
    """The page: of a server with its ``token``, or of a folder with its file of ``data``."""
    text = files("skerry.atlas").joinpath("page", "index.html").read_text(encoding="utf-8")
    script = f'<script src="{escape(data)}" defer></script>' if data else ""
    return text.replace("<!--data-->", script).replace("%TOKEN%", escape(token))
