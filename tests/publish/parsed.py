"""A page as its reader meets it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "img", "input", "br", "link"}
# what makes a browser fetch without being asked
LOADS = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("img", "srcset")}


class Page(HTMLParser):
    """A page's tags, texts, ids and links; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def check_loads_nothing(page: Page) -> None:
    """No attribute makes a browser fetch, and only links lead elsewhere."""
    for tag, attrs in page.tags:
        for name, value in attrs.items():
            if (tag, name) != ("a", "href"):
                assert not re.match(r"\s*(https?:)?//", value or ""), (tag, name, value)
            if (tag, name) in LOADS:
                assert (value or "").startswith("data:image/"), (tag, value)
    assert "default-src 'none'" in (page.all("meta")[2]["content"] or "")


def check_headings(page: Page) -> None:
    """One first heading, and no level left out; every image is said in words."""
    assert all("alt" in a for a in page.all("img"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"
