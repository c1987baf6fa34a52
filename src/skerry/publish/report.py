"""The report: an HTML page that opens from disk and loads nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry.publish import figures, galleries, words
from skerry.publish.answered import shown_answers
from skerry.publish.claims import standing
from skerry.publish.findings import Findings, Images
from skerry.publish.formats import SUFFIXES
from skerry.publish.galleries import Thumbnail
from skerry.publish.null_figure import null_figure
from skerry.publish.pages import FOLDER, page_name
from skerry.publish.rendering import rendered
from skerry.publish.sheets import gallery, sheet_name, with_sheets
from skerry.publish.tables import classes_table, product_names
from skerry.store import write_text
from skerry.types import RareClass

STRIP = 8
"""Cutouts of a class on the report, exemplars first."""

FAILED = 50
"""Failures listed."""


@dataclass(frozen=True)
class Card:
    """What the report shows of one class: its row of ``classes``, its first cutouts, and where its
    page is."""

    found: RareClass
    row: dict[str, Any]
    strip: tuple[Thumbnail, ...]
    page: str


def write_report(findings: Findings, images: Images | None, path: Path) -> None:
    """Write the report as one self-contained HTML file, but for the pages of its classes.

    It links to them (``pages.write_pages``) and to the files of the run whose folder holds it.
    The same findings and images give the same bytes.

    Parameters
    ----------
    findings
        What was found.
    images
        The cutouts of ``galleries.shown_ids``; None where the run began with representations,
        which leaves the galleries out.
    path
        The file to write.

    Raises
    ------
    DiskError
        The file cannot be written.
    """
    write_text(path, rendered("report.html.j2", _context(findings, images)))


def _context(findings: Findings, images: Images | None) -> dict[str, Any]:
    verdicts = [c.verdict for c in findings.classes]
    rows = classes_table(findings).to_pylist()
    return {
        "findings": findings,
        "headline": words.headline(verdicts, findings.n_searched),
        "outside": words.outside(findings),
        "claims": standing(findings),
        "why_outside": words.why_outside(findings),
        "kept": [row for row in rows if row["verdict"] != "rejected"],
        "rejected": [row for row in rows if row["verdict"] == "rejected"],
        "repeated": any(row["replication"] is not None for row in rows),
        "cards": _cards(findings, rows, images),
        "side": galleries.SIDE,
        "with_images": images is not None,
        "numbered": figures.NUMBERED,
        "figures": _figures(findings),
        "answers": shown_answers(findings.answers),
        "reasons": words.failures_by_reason(findings),
        "provenance": {**findings.provenance, **words.search(findings)},
        "settings": words.settings(findings),
        "count": words.count,
        "links": {
            "catalogs": {
                name: [f"products/{name}.{suffix}" for suffix in SUFFIXES]
                for name in product_names(findings)
            },
            "sheets": {c.rank: f"products/sheets/{sheet_name(c)}" for c in with_sheets(findings)},
            "failed": "representations/failures.parquet",
        },
        "limits": {"failures": FAILED},
    }


def _figures(findings: Findings) -> dict[str, str]:
    """The figures there is something to show in, by name, as data URIs; empty for the others."""
    some = len(findings.classes) >= 5
    return {
        "map": _png(figures.map_figure(findings)) if findings.has_map else "",
        "nulls": _png(null_figure(findings)) if findings.null_containment else "",
        "sizes": _png(figures.size_figure(findings)) if some else "",
    }


def _cards(
    findings: Findings, rows: list[dict[str, Any]], images: Images | None
) -> dict[int, Card]:
    """The cards of the classes that have a page, by their rank."""
    cards = {}
    for found, row in zip(with_sheets(findings), rows, strict=False):
        first = gallery(found, STRIP)
        strip = () if images is None else galleries.members_shown(found, first, images)
        cards[found.rank] = Card(found, row, strip, f"products/{FOLDER}/{page_name(found)}")
    return cards


def _png(data: bytes) -> str:
    return galleries.data_uri("image/png", data)
