"""The page in a browser: what a user does with it, and that nothing leaves the machine."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skerry.atlas import AtlasServer, Chart, chart_of, export, serve
from tests.browsing import SIZES, browser, needs_axe, serious_faults

from .conftest import EVIL, N

__all__ = ["browser"]

pytestmark = pytest.mark.browser


class Watched:
    """A page, with what it asked for and what it complained of."""

    def __init__(self, browser: Any, size: tuple[int, int], url: str) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("dialog", lambda d: (self.wrong.append(d.message), d.dismiss()))
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.goto(url)
        self.painted()

    def painted(self) -> None:
        self.page.wait_for_selector("body[data-painted]", timeout=20_000)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the chart is on the screen."""
        return tuple(  # type: ignore[return-value]
            self.page.evaluate(
                """([x, y]) => {
                  const { xs, ys } = now.map, box = document.querySelector("#map");
                  const r = box.getBoundingClientRect();
                  return [r.left + r.width * (x - xs.start) / (xs.end - xs.start),
                          r.top + r.height * (1 - (y - ys.start) / (ys.end - ys.start))];
                }""",
                [x, y],
            )
        )

    def lasso(self, corners: list[tuple[float, float]]) -> None:
        self.page.click("#farther")  # so that the chart's corners are in the frame
        self.page.click("#farther")
        self.page.click("#lasso")
        path = [self.at(*corner) for corner in [*corners, corners[0]]]
        self.page.mouse.move(*path[0])
        self.page.mouse.down()
        for corner in path[1:]:
            self.page.mouse.move(*corner, steps=6)
        self.page.mouse.up()
        self.page.wait_for_selector("#selection:not([hidden])")

    def sound(self, own: str) -> None:
        assert self.wrong == []
        strange = [u for u in self.asked if not u.startswith((own, "data:", "blob:"))]
        assert strange == [] and len(self.asked) > 8


def cutout(id_str: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (40, 60, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "run"))


@pytest.fixture
def shown(run: Path) -> Iterator[AtlasServer]:
    """A server of a run with reviews and, as if it had begun with images, cutouts."""
    server = serve(replace(chart_of(run), cutout=cutout, no_images=""))
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("size", SIZES)
def test_look_select_review_and_find_it_again(
    browser: Any, shown: AtlasServer, size: tuple[int, int]
) -> None:
    chart, unit = shown.api.chart, shown.api.sea.unit
    seen = Watched(browser, size, shown.url)
    page = seen.page
    # hover
    row = int(chart.class_rows[0][0])
    page.mouse.move(*seen.at(*unit[row]))
    page.wait_for_selector("#source-body img")
    near = page.inner_text("#source-body .id")
    assert near in chart.ids and chart.classes[0].class_id in page.inner_text("#source-body")
    page.wait_for_function("document.querySelector('#source-body img').naturalWidth > 0")
    # more like this
    page.mouse.click(*seen.at(*unit[row]))
    page.get_by_role("button", name="More like this").click()
    page.wait_for_selector("#similar-body li")
    assert page.locator("#similar-body li").count() == 24
    # keys: next class, endorse
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("n")
    page.wait_for_function("document.querySelectorAll('#class-body li').length > 5")
    assert chart.classes[0].class_id in page.inner_text("#class-title")
    page.keyboard.press("e")
    page.wait_for_selector("text=endorsed")
    page.fill("#note", "<img src=x onerror=alert(1)>")
    page.click("#save-note")
    page.wait_for_selector("#class-body .notes")
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#class-body .notes")
    # a key while typing is a letter
    page.focus("#name")
    page.keyboard.type("dune")
    page.click("#save-name")
    page.wait_for_function("document.querySelector('#class-title').textContent.includes('dune')")
    # lasso
    page.evaluate("scrollTo(0, 0)")
    seen.lasso([(-0.01, -0.01), (1.01, -0.01), (1.01, 1.01), (-0.01, 1.01)])
    assert f"{len(chart):,} sources selected" in page.inner_text("#selection-body")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "id_str,class_id" and len(lines) == len(chart) + 1
    # it is kept
    page.reload()
    seen.painted()
    assert "dune" in page.inner_text("#class-list")
    page.keyboard.press("n")
    page.wait_for_selector("#class-body .notes")
    assert page.evaluate("now.reviews.classes[now.run.classes[0].id].review") == "endorsed"
    page.click("#undo")
    page.wait_for_function("!document.querySelector('#class-title').textContent.includes('dune')")
    # nothing is wider than the screen
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    seen.sound(shown.url)


def test_two_classes_side_by_side_and_colors(browser: Any, shown: AtlasServer) -> None:
    seen = Watched(browser, SIZES[0], shown.url)
    page, classes = seen.page, shown.api.chart.classes
    page.keyboard.press("p")
    page.wait_for_function("document.querySelectorAll('#class-body li').length > 5")
    assert classes[-1].class_id in page.inner_text("#class-title")
    page.click("#compare-class")
    page.select_option("#right", classes[1].class_id)
    page.wait_for_function("document.querySelectorAll('#right-body li').length > 5")
    assert page.locator("#left-body dt").count() >= 4
    page.keyboard.press("Escape")
    before = page.locator("#map").screenshot()
    page.select_option("#color", "verdict")
    page.wait_for_selector("#legend:not([hidden])")
    assert "confirmed" in page.inner_text("#legend")
    page.wait_for_timeout(300)
    assert page.locator("#map").screenshot() != before
    seen.sound(shown.url)


def test_zoom_and_pan_show_other_tiles(browser: Any, served: AtlasServer) -> None:
    seen = Watched(browser, SIZES[0], served.url)
    page = seen.page
    wide = page.evaluate("now.map.xs.end - now.map.xs.start")
    page.mouse.move(400, 400)
    for _ in range(3):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(50)
    page.wait_for_function(f"now.map.xs.end - now.map.xs.start < {wide / 1.3}")
    start = page.evaluate("now.map.xs.start")
    page.mouse.down()
    page.mouse.move(250, 400, steps=5)
    page.mouse.up()
    page.wait_for_function(f"now.map.xs.start > {start}")
    page.wait_for_timeout(400)
    levels = {u.split("/tile/")[1].split("/")[0] for u in seen.asked if "/tile/" in u}
    assert len(levels) > 1
    page.select_option("#color", "catalog:x")
    page.wait_for_function("document.querySelector('#legend').textContent.includes('x')")
    page.wait_for_timeout(400)
    assert any("color=catalog%3Ax" in u for u in seen.asked)
    page.click("#whole")
    assert page.evaluate("now.map.xs.end - now.map.xs.start") == pytest.approx(wide, rel=0.05)
    seen.sound(served.url)


def test_a_name_with_markup_is_text(browser: Any, served: AtlasServer) -> None:
    seen = Watched(browser, SIZES[0], served.url)
    page = seen.page
    page.mouse.click(*seen.at(*served.api.sea.unit[N - 1]))
    page.wait_for_function("document.querySelector('#source-body .id')")
    page.evaluate("show('<script>alert(1)</script>')")
    page.wait_for_function("document.querySelector('#source-body').textContent.includes('alert')")
    assert page.inner_text("#source-body .id") == EVIL
    assert page.locator("#source-body script").count() == 0
    assert "no images" in page.inner_text("#source-body")
    # without reviews there is nothing to press
    page.keyboard.press("n")
    page.wait_for_selector("#class:not([hidden])")
    assert not page.is_visible("#endorse") and not page.is_visible("#name")
    seen.sound(served.url)


def test_the_page_says_why_nothing_of_the_input_is_shown(browser: Any, run: Path) -> None:
    gone = "The input is not what it was."
    server = serve(replace(chart_of(run), cutout=cutout, no_images="", why_gone=lambda: gone))
    seen = Watched(browser, SIZES[0], server.url)
    page = seen.page
    page.wait_for_selector("#note-static:not([hidden])")
    assert page.inner_text("#note-static") == gone
    row = int(server.api.chart.class_rows[0][0])
    page.mouse.move(*seen.at(*server.api.sea.unit[row]))
    page.wait_for_selector("#source-body .id")
    assert gone in page.inner_text("#source-body") and not page.locator("#source-body img").count()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("size", SIZES)
def test_the_folder_opens_from_disk(
    browser: Any, run: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    chart = replace(chart_of(run), cutout=cutout, no_images="")
    export(chart, tmp_path / "atlas")
    url = (tmp_path / "atlas").as_uri()
    seen = Watched(browser, size, f"{url}/index.html")
    page = seen.page
    assert "opens without a server" in page.inner_text("#note-static")
    page.keyboard.press("n")
    page.wait_for_selector("#class-body img")
    page.mouse.move(*seen.at(*page.evaluate("[now.map.members.x[0], now.map.members.y[0]]")))
    page.wait_for_selector("#source-body .id")
    seen.lasso([(-0.01, -0.01), (1.01, -0.01), (1.01, 1.01), (-0.01, 1.01)])
    assert f"{len(chart):,} sources selected" in page.inner_text("#selection-body")
    assert not page.is_visible("#endorse")
    assert page.get_by_role("button", name="More like this").count() == 0
    shape = page.evaluate(
        "[(now.map.xs.end - now.map.xs.start) / now.map.view.frame.bbox.width,"
        " (now.map.ys.end - now.map.ys.start) / now.map.view.frame.bbox.height]"
    )
    assert shape[0] == pytest.approx(shape[1], rel=0.01)
    seen.sound(url)


@needs_axe
@pytest.mark.parametrize("size", SIZES)
def test_accessibility(browser: Any, shown: AtlasServer, size: tuple[int, int]) -> None:
    seen = Watched(browser, size, shown.url)
    page = seen.page
    page.keyboard.press("n")
    page.wait_for_selector("#class-body img")
    page.mouse.click(*seen.at(*shown.api.sea.unit[int(shown.api.chart.class_rows[0][0])]))
    page.get_by_role("button", name="More like this").click()
    page.wait_for_selector("#similar-body li")
    seen.lasso([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)])
    page.wait_for_timeout(300)
    for step in ("void 0", "compare()"):
        page.evaluate(step)
        page.wait_for_timeout(500)
        assert serious_faults(page) == []


def test_a_chart_of_two_sources_can_be_opened(browser: Any, chart: Chart) -> None:
    two = Chart("two", ("a", "b"), chart.points[:2], ())
    server = serve(two)
    try:
        seen = Watched(browser, SIZES[0], server.url)
        assert "No class was found" in seen.page.inner_text("#classes-note")
        seen.page.keyboard.press("n")
        seen.sound(server.url)
    finally:
        server.shutdown()
        server.server_close()
