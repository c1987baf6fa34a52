"""The page of a class shows it from the center to what lies just outside, and stands alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pytest

from skerry.publish import galleries, shown_ids
from skerry.publish.pages import LISTED, page_name, write_pages
from skerry.publish.sheets import SECTIONS, SHOWN, gallery
from tests.publish.parsed import Page, check_headings, check_loads_nothing


@pytest.fixture(scope="module")
def pages(judged, images_of, tmp_path_factory) -> list[tuple[str, Page]]:
    folder = tmp_path_factory.mktemp("products") / "pages"
    written = write_pages(judged, images_of(shown_ids(judged)), folder)
    assert [p.name for p in written] == [page_name(c) for c in judged.ranked]
    return [(p.read_text(encoding="utf-8"), Page(p.read_text(encoding="utf-8"))) for p in written]


def ids_of(html: str, heading: str) -> list[str]:
    """The sources of the gallery under a heading, as they are written."""
    part = html.split(f"<h2>{heading}</h2>")[1].split("</ul>")[0]
    return re.findall(r'<span class="id">(.*?)</span>', part)


def test_each_loads_nothing_and_reads_well(pages, judged) -> None:
    for (_, page), found in zip(pages, judged.ranked, strict=True):
        check_loads_nothing(page)
        check_headings(page)
        assert found.class_id in page.text and "no image" not in page.text


def test_ids_are_escaped(findings, images, tmp_path: Path) -> None:
    first = write_pages(findings, images, tmp_path)[0].read_text(encoding="utf-8")
    assert findings.ids[0] in Page(first).text and "<b>&" not in first


def test_galleries_go_from_the_center_to_what_lies_outside(pages, judged) -> None:
    html, _ = pages[0]
    found = judged.ranked[0]
    center = ids_of(html, "Members, from the center")
    assert center[1:] == list(gallery(found, galleries.CENTRAL))[1:]
    outside = ids_of(html, "Nearest sources outside")
    table = judged.unclustered.sort_by("distance_ratio")
    assert outside == table["id_str"].to_pylist()[: galleries.OUTSIDE]
    assert not set(outside) & set(found.members)
    # only the first is the nearest class of any source
    assert "Nearest sources outside" not in pages[1][0]


def test_the_edge_is_what_came_back_least(findings) -> None:
    one = findings.ranked[0]
    members = tuple(f"m{i}" for i in range(60))
    probability = np.linspace(1, 0.5, 60)
    probability[[30, 31]] = 0.1, 0.2
    found = replace(
        one, members=members, exemplars=members[:12], probability=tuple(probability.tolist())
    )
    edge = galleries.edge(found)
    assert edge[-2:] == ("m31", "m30") and edge[0] == "m50" and len(edge) == galleries.EDGE
    assert not set(edge) & set(galleries.central(found))
    few = replace(found, members=members[:20], probability=tuple(probability[:20].tolist()))
    assert galleries.edge(few) == ()


def test_the_images_to_read_are_all_that_are_shown(judged) -> None:
    shown = set(shown_ids(judged))
    assert list(shown_ids(judged)) == sorted(shown)
    for found in judged.ranked:
        assert shown >= {*gallery(found, SHOWN), *galleries.edge(found)}
    near = galleries.outsiders(judged)
    assert shown >= {name for rows in near.values() for name, _ in rows}
    assert set(near) == {found.class_id for found in judged.kept}


def test_reasons_and_checks_with_their_outcome(pages) -> None:
    html, _ = pages[2]
    assert "It is tentative &lt;so&gt;. And &amp; more." in html
    assert "split from SKR-9" in html and "Per deg²" in html
    assert "Checks: 1 of 2 passed" in html
    assert '<li class="passed">\n<b>null</b>' in html
    assert '<li class="failed">\n<b>coherence</b>' in html
    assert "0.41 <small>against 0.5</small>" in html and "41% are members." in html


def test_members_are_listed_with_where_to_look_them_up(pages, findings, judged) -> None:
    html, page = pages[0]
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="n">(.*?)</td>', html)
    found = judged.ranked[0]
    assert [name for name, _ in rows[1:]] == list(found.members[1:LISTED])
    assert rows[2][1] == f"{180 + int(rows[2][0][1:]) * 1e-3:.6f}"
    links = [a["href"] for a in page.all("a") if (a["href"] or "").startswith("https://")]
    # one member has no position
    assert len(links) == 3 * (found.size - 1)
    assert all(" " not in link for link in links)
    assert "180.002000" in " ".join(links)


def test_pages_lead_to_their_neighbors_and_to_what_is_there(pages, judged) -> None:
    names = [page_name(found) for found in judged.ranked]
    for i, (_, page) in enumerate(pages):
        by_rel = {a["rel"]: a["href"] for a in page.all("a") if a.get("rel") in ("next", "prev")}
        neighbors = {"prev": names[i - 1] if i else None, "next": (*names, None)[i + 1]}
        assert by_rel == {rel: name for rel, name in neighbors.items() if name}
        known = {unquote(a["href"]) for a in page.all("a")}
        assert f"../../report.html#class-{i + 1}" in known


def test_a_long_class_says_where_the_rest_is(findings, tmp_path: Path) -> None:
    members = tuple(f"m{i}" for i in range(LISTED + 1))
    one = replace(
        findings.ranked[0],
        members=members,
        exemplars=members[:3],
        probability=(1.0,) * len(members),
    )
    sources = pa.table({"id_str": members, "ra": [1.0] * len(members), "dec": [2.0] * len(members)})
    (path,) = write_pages(replace(findings, classes=(one,), sources=sources), None, tmp_path)
    page = Page(path.read_text())
    assert f"First {LISTED} of {LISTED + 1} members" in page.text
    assert "../members.parquet" in {a["href"] for a in page.all("a")}
    assert "so there are no galleries" in page.text


def test_no_more_pages_than_sheets(judge, make, tmp_path: Path) -> None:
    found = judge(make(70, n=1400), ["rejected"] * 70)
    assert len(write_pages(found, None, tmp_path)) == SECTIONS


def test_the_same_findings_give_the_same_bytes(judged, images_of, tmp_path: Path) -> None:
    once = write_pages(judged, images_of(shown_ids(judged)), tmp_path / "a")
    again = write_pages(judged, images_of(judged.ids), tmp_path / "b")
    assert [p.read_bytes() for p in once] == [p.read_bytes() for p in again]
