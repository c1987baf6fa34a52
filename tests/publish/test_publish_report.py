"""The report stands alone, escapes what it shows, and says what may be claimed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from skerry.config import Config, NeighborsConfig
from skerry.publish import report, shown_ids, words
from skerry.publish.claims import standing
from skerry.publish.pages import page_name, write_pages
from skerry.publish.sheets import write_sheets
from skerry.publish.tables import write_products
from skerry.types import Failure
from tests.publish.parsed import Page, check_headings, check_loads_nothing


def written(findings, images, path: Path) -> tuple[str, Page]:
    report.write_report(findings, images, path)
    html = path.read_text(encoding="utf-8")
    return html, Page(html)


@pytest.fixture(scope="module")
def three(findings, images, tmp_path_factory) -> tuple[str, Page]:
    return written(findings, images, tmp_path_factory.mktemp("report") / "report.html")


def test_it_loads_nothing(three) -> None:
    html, page = three
    check_loads_nothing(page)
    assert not any((a["href"] or "").startswith("http") for a in page.all("a"))
    assert "url(" not in html and "@import" not in html


def test_it_reads_without_script(three) -> None:
    _, page = three
    assert len(page.all("script")) == 1
    assert "hidden" in next(a for a in page.all("p") if a.get("class") == "filter")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_ids_and_texts_are_escaped(three, findings) -> None:
    html, page = three
    awkward = findings.ids[0]
    assert set("<>&\"'/") <= set(awkward) and awkward in page.text
    assert not page.all("odd") and "<b>&" not in html and "lost<1>" in page.text
    assert any(awkward in (a.get("alt") or "") for a in page.all("img"))


def test_every_class_has_a_row_and_a_card_that_lead_to_its_page(three, findings) -> None:
    _, page = three
    ids = {a["id"] for _, a in page.tags if "id" in a}
    links = [a["href"] for a in page.all("a")]
    for number, found in enumerate(findings.ranked, start=1):
        assert page.text.count(found.class_id) >= 2
        assert f"class-{number}" in ids
        assert links.count(f"products/pages/{page_name(found)}") == 2
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert len(ids) == sum("id" in a for _, a in page.tags)


def test_cards_show_exemplars_first(three, findings) -> None:
    _, page = three
    items = [a for a in page.all("li") if "title" in a]
    assert len(items) == sum(min(report.STRIP, c.size) for c in findings.ranked)
    first = items[: report.STRIP]
    assert [a["title"].split(",")[0] for a in first] == [
        m.split(",")[0] for m in findings.ranked[0].exemplars[: report.STRIP]
    ]
    assert all("class" in a for a in first)


def test_it_says_what_may_be_claimed(three, findings) -> None:
    _, page = three
    assert "Three candidate classes among 2,000 sources" in page.text
    assert "No featureless data has been searched" in page.text
    assert "none may be cited" in page.text
    assert page.text.count("unjudged") >= 6
    (nothing,) = standing(replace(findings, classes=()))
    assert nothing.verdict == "" and "cited" not in nothing.text


@pytest.fixture(scope="module")
def six(judged, images_of, tmp_path_factory) -> tuple[str, Page]:
    path = tmp_path_factory.mktemp("judged") / "report.html"
    return written(judged, images_of(shown_ids(judged)), path)


def test_a_judged_run_says_what_confirmed_means(six, judged, make, judge) -> None:
    _, page = six
    assert "Two confirmed classes among 2,000 sources; one tentative, three candi" in page.text
    assert "No featureless data" not in page.text
    claims = {claim.verdict: claim.text for claim in standing(judged)}
    assert list(claims) == ["confirmed", "tentative", "rejected"]
    assert (
        "40 featureless data sets made from this survey, 20 of each of 2 kinds"
        in (claims["confirmed"])
    )
    assert "at most 1.0% of the confirmed classes are expected to be chance" in claims["confirmed"]
    none, rejected = standing(judge(make(1), ["rejected"]))
    assert "none may be cited" in none.text and rejected.verdict == "rejected"


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        ([], "No candidate classes among 9 sources"),
        (["unjudged"], "One candidate class among 9 sources"),
        (["confirmed"] * 11, "11 confirmed classes among 9 sources"),
        (["rejected"], "No confirmed classes among 9 sources; one candidate rejected"),
        (["tentative", "confirmed"], "One confirmed class among 9 sources; one tentative"),
    ],
)
def test_the_headline_counts_confirmed_classes_first(verdicts: list[str], text: str) -> None:
    assert words.headline(verdicts, 9) == text


def test_rejected_candidates_are_collapsed_below_the_others(six, judged) -> None:
    html, _ = six
    upper, _, lower = html.split('<section id="each">')[0].partition("<summary>3 rejected")
    for found in judged.ranked:
        shown, hidden = (upper, lower) if found in judged.kept else (lower, upper)
        cell = f'<a href="products/pages/{page_name(found)}">'
        assert cell in shown and cell not in hidden
    assert "Replication" in upper and "75.0%" in upper and "<i>q</i>" in upper


def test_it_says_why_sources_are_in_no_class(six, three, judged) -> None:
    _, page = six
    reasons = words.why_outside(judged)
    assert [reason for reason, *_ in reasons] == ["in the sea", "edge of the class"]
    assert sum(n for _, n, *_ in reasons) == judged.n_searched - judged.n_in_classes
    assert sum(share for *_, share, _ in reasons) == pytest.approx(1)
    assert all(meaning and meaning in page.text for *_, meaning in reasons)
    assert "Members of rejected candidates count as outside" in page.text
    assert "Outside every class" not in three[1].text


def test_the_provenance_says_how_it_was_searched(six, three) -> None:
    assert "20 searches of each kind: shuffled, smooth-2" in six[1].text
    assert "79.5 deg²" in six[1].text
    assert "none searched" in three[1].text and "not known" in three[1].text


def test_without_a_map_it_says_so(findings, images, tmp_path: Path) -> None:
    unmapped = replace(findings, map=np.full_like(findings.map, np.nan))
    html, page = written(unmapped, images, tmp_path / "report.html")
    assert "No map was made" in page.text and "UMAP 1 against" not in html


def test_the_share_outside_is_called_normal_only_where_it_is(make) -> None:
    assert "that is normal" in words.outside(make(1, n=5000))
    crowded = words.outside(make(30, n=900))
    assert "that is normal" not in crowded and "here it is less" in crowded


def test_images_and_headings_are_accessible(three) -> None:
    check_headings(three[1])


def test_failures_warnings_settings_and_provenance(three, findings) -> None:
    html, page = three
    assert "2 sources of 2,002 could not be read" in page.text
    for failure in findings.failures:
        assert failure.location in page.text and failure.reason in page.text
    assert findings.warnings[0] in page.text
    assert all(value in page.text for value in findings.provenance.values())
    assert html.count("<em>assumed</em></td>") == len(findings.assumed)
    changed = replace(findings, config=Config(neighbors=NeighborsConfig(k=77)))
    row = next(s for s in words.settings(changed) if s.key == "neighbors.k")
    assert (row.value, row.preset_value, row.assumed) == ("77", "30", True)


def test_only_the_first_failures_are_listed(make, tmp_path: Path) -> None:
    many = tuple(Failure(f"f{i:03d}", f"{i}.jpg", "gone" if i % 3 else "cut") for i in range(70))
    _, page = written(replace(make(0), failures=many), {}, tmp_path / "r.html")
    assert "f049" in page.text and "f050" not in page.text
    assert words.failures_by_reason(replace(make(0), failures=many)) == [("gone", 46), ("cut", 24)]


def test_links_lead_to_what_is_written(findings, images, tmp_path: Path) -> None:
    products = tmp_path / "run 1" / "products"
    write_products(findings, products)
    write_sheets(findings, images, products / "sheets")
    pages = write_pages(findings, images, products / "pages")
    _, page = written(findings, images, tmp_path / "run 1" / "report.html")
    links = {unquote(a["href"]) for a in page.all("a") if not a["href"].startswith("#")}
    sheets = {unquote(a["href"]) for path in pages for a in Page(path.read_text()).all("a")}
    links |= {f"products/{link[3:]}" for link in sheets if link.startswith("../sheets/")}
    there = {p.relative_to(tmp_path / "run 1").as_posix() for p in products.rglob("*.*")}
    assert links - {"representations/failures.parquet"} == there


def test_the_same_findings_give_the_same_bytes(three, findings, images, tmp_path: Path) -> None:
    html, _ = three
    report.write_report(findings, images, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_no_class(make, tmp_path: Path) -> None:
    found = replace(make(0), failures=(), warnings=(), assumed=(), provenance={})
    _, page = written(found, {}, tmp_path / "report.html")
    assert "No candidate classes among 2,000 sources" in page.text
    assert "None of the 2,000 sources is in a class" in page.text
    assert not page.all("article") and len(page.all("img")) == 1


def test_no_source_at_all(make, tmp_path: Path) -> None:
    found = replace(make(0), ids=(), map=np.empty((0, 2), np.float32), n_sources=2)
    _, page = written(found, None, tmp_path / "report.html")
    assert "No source could be searched" in page.text


def test_without_images_it_says_why_there_are_no_galleries(findings, tmp_path: Path) -> None:
    _, page = written(findings, None, tmp_path / "report.html")
    assert "so there are no galleries" in page.text
    assert not any(a.get("class") == "gallery" for a in page.all("ul"))
    assert len(page.all("article")) == 3
    assert "sheets/" not in "".join(a["href"] for a in page.all("a"))


def test_the_images_to_read_are_those_that_are_shown(three) -> None:
    assert "no image" not in three[1].text


def test_long_values_of_provenance_wrap(three) -> None:
    html, _ = three
    assert re.search(r"^dd {.*overflow-wrap: anywhere", html, re.MULTILINE)
    assert re.search(r"^\.provenance dt {.*overflow-wrap: anywhere", html, re.MULTILINE)


def test_an_image_that_is_missing_leaves_its_place(findings, tmp_path: Path) -> None:
    _, page = written(findings, {}, tmp_path / "report.html")
    assert page.text.count("no image") == sum(min(report.STRIP, c.size) for c in findings.classes)


def test_every_class_that_is_kept_has_a_card(make, tmp_path: Path) -> None:
    found = make(70, n=1400)
    _, page = written(found, None, tmp_path / "report.html")
    assert len(page.all("article")) == 70
    rows = [a for a in page.all("th") if a.get("scope") == "row"]
    assert found.ranked[-1].class_id in page.text and len(rows) > 70


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.0152, "1.5%"),
        (0.01, "1.0%"),
        (0.0996, "10.0%"),
        (0.99999, "99.99%"),
        (0.9712, "97.1%"),
        (1e-6, "<0.001%"),
        (0.00023, "0.023%"),
    ],
)
def test_percentages_never_round_to_none_or_all(share: float, text: str) -> None:
    assert words.percent(share) == text
