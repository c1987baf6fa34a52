"""Answers to questions, as the report shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa

from skerry.answer import Answer, Plot, Series, array
from skerry.publish import write_pages, write_report
from skerry.publish.answered import LISTED
from skerry.publish.findings import Findings

PLOT = Plot("How <b>far</b>", "effect", "", (Series("points", array([1]), array([2])),))


class _Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self.ids |= {str(known["id"])} if "id" in known else set()
        href = known.get("href") or ""
        self.targets |= {href[1:]} if href.startswith("#") else set()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown(findings: Findings, path: Path) -> _Seen:
    write_report(findings, None, path)
    return _Seen(path.read_text())


def test_answers_have_a_section_and_a_word_with_each_class(
    make: Callable[..., Findings], tmp_path: Path
) -> None:
    findings = make(3)
    class_id = findings.ranked[0].class_id
    rows = pa.table({"a_b": [0.123456, None] * LISTED, "c": [True, False] * LISTED})
    answer = Answer(
        "properties", "They <script>differ</script>.", "But why.", {"the_rows": rows}, (PLOT,),
        {class_id: "It is <i>heavier</i>."}, {class_id: PLOT}, ("Left out: <u>.",),
    )  # fmt: skip
    lacking = Answer("shredded", "Cannot be answered: no images.", answered=False)
    page = shown(replace(findings, answers=(answer, lacking)), tmp_path / "r.html")
    said = " ".join(page.text)
    for text in ("They <script>differ</script>.", "But why.", "Left out: <u>.", "How <b>far</b>",
                 "Cannot be answered: no images.", "0.123",
                 "the rows", "examine/properties/the_rows.parquet"):  # fmt: skip
        assert text in said, text
    assert {"question-properties", "question-shredded", "questions"} <= page.ids
    assert page.targets <= page.ids
    assert not {"script", "i", "u"} & set(page.tags[: page.tags.index("footer")])
    pages = write_pages(replace(findings, answers=(answer, lacking)), None, tmp_path)
    first, other = (_Seen(path.read_text()) for path in pages[:2])
    assert "It is <i>heavier</i>." in " ".join(first.text) and "i" not in first.tags
    assert "Examined" in " ".join(first.text) and "Examined" not in " ".join(other.text)


def test_without_answers_nothing_is_said_of_them(
    make: Callable[..., Findings], tmp_path: Path
) -> None:
    page = shown(make(3), tmp_path / "r.html")
    assert "questions" not in page.ids
