"""The report and the page of a class in a browser, from disk: nothing is fetched, keys work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.publish import shown_ids, write_pages, write_products, write_report, write_sheets
from skerry.publish.pages import page_name
from tests.browsing import SIZES, browser, needs_axe, serious_faults

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(judged, images_of, tmp_path_factory) -> Path:
    """The products of six classes, as in a run's folder."""
    folder = Path(tmp_path_factory.mktemp("run"))
    images = images_of(shown_ids(judged))
    write_products(judged, folder / "products")
    write_sheets(judged, images, folder / "products" / "sheets")
    write_pages(judged, images, folder / "products" / "pages")
    write_report(judged, images, folder / "report.html")
    return folder


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}px")
def page(browser, run, request) -> Iterator[Any]:
    """The report, opened; whatever was fetched or complained of fails the test at its end."""
    width, height = request.param
    found = browser.new_page(viewport={"width": width, "height": height})
    asked: list[str] = []
    wrong: list[str] = []
    found.on("request", lambda r: asked.append(r.url))
    found.on("pageerror", lambda e: wrong.append(str(e)))
    found.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    found.goto((run / "report.html").as_uri())
    yield found
    found.close()
    assert wrong == []
    assert asked and all(url.startswith(("file:", "data:")) for url in asked)


def fits(page: Any) -> bool:
    """Whether nothing makes the page wider than the window."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def test_from_the_report_to_a_class_and_on_by_key(page, judged) -> None:
    assert fits(page)
    first, second = judged.ranked[:2]
    page.click(f'th a[href$="{page_name(first)}"]')
    page.wait_for_url(f"**/{page_name(first)}")
    assert fits(page)
    assert page.inner_text("h1") == first.class_id
    drawn = "[...document.images].every((i) => i.complete && i.naturalWidth > 0)"
    page.evaluate("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; })")
    page.wait_for_function(drawn)
    page.keyboard.press("n")
    page.wait_for_url(f"**/{page_name(second)}")
    page.keyboard.press("p")
    page.wait_for_url(f"**/{page_name(first)}")
    page.click("nav >> text=Report")
    page.wait_for_url("**/report.html#class-1")


def test_the_table_of_classes_sorts(page, judged) -> None:
    ranks = "[...document.querySelectorAll('.sortable tbody tr')].map((r) => r.cells[0].innerText)"
    before = page.evaluate(ranks)
    assert before == [str(found.rank) for found in judged.kept]
    page.click(".sortable thead button >> nth=0")
    assert page.evaluate(ranks) == before[::-1]


@needs_axe
def test_axe_finds_no_serious_fault(page, judged) -> None:
    assert serious_faults(page) == []
    page.click(f'th a[href$="{page_name(judged.ranked[0])}"]')
    assert serious_faults(page) == []
