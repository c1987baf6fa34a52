"""The report: one HTML page that opens from disk and loads nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry.answer import Plot
from skerry.publish import figures, words
from skerry.publish.answered import of_class, shown_answers
from skerry.publish.claims import standing
from skerry.publish.findings import Findings, Images
from skerry.publish.null_figure import null_figure
from skerry.publish.plot_figure import plot_figure
from skerry.publish.sheets import SECTIONS, gallery, jpeg, resized, sheet_name, with_sheets
from skerry.publish.tables import SUFFIXES, classes_table, members_table, product_names
from skerry.store import write_text
from skerry.types import ByteArray, RareClass

SHOWN = 24
"""Cutouts in a gallery, exemplars first; no more than on a contact sheet."""

LISTED = 20
"""Members and failures listed are the first ``LISTED`` and ``FAILED``."""
FAILED = 50

_SIDE = 110


@dataclass(frozen=True)
class Thumbnail:
    """A cutout of a gallery; ``uri`` is empty where there is no image."""

    id_str: str
    probability: float
    exemplar: bool
    uri: str


@dataclass(frozen=True)
class Section:
    """What the page shows of one class: its row of ``classes``, its first of ``members``, and what
    the answers to questions say of it."""

    found: RareClass
    row: dict[str, Any]
    gallery: tuple[Thumbnail, ...]
    members: list[dict[str, Any]]
    answers: list[dict[str, str]]


def write_report(findings: Findings, images: Images | None, path: Path) -> None:
    """Write the report as one self-contained HTML file.

    It links to the files of the run whose folder holds it. The same findings and images give
    the same bytes.

    Parameters
    ----------
    findings
        What was found.
    images
        The cutouts of ``shown_ids``; None where the run began with representations, which
        leaves the galleries out.
    path
        The file to write.

    Raises
    ------
    DiskError
        The file cannot be written.
    """
    write_text(path, _render(_context(findings, images)))


def _render(context: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skerry.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = words.percent
    return str(environment.get_template("report.html.j2").render(context))


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
        "sections": _sections(findings, rows, images),
        "with_images": images is not None,
        "numbered": figures.NUMBERED,
        "figures": _figures(findings),
        "answers": shown_answers(findings.answers, _drawn),
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
        "limits": {"failures": FAILED, "side": _SIDE},
    }


def _figures(findings: Findings) -> dict[str, str]:
    """The figures there is something to show in, by name, as data URIs; empty for the others."""
    some = len(findings.classes) >= 5
    return {
        "map": _png(figures.map_figure(findings)) if findings.has_map else "",
        "nulls": _png(null_figure(findings)) if findings.null_overdensity else "",
        "sizes": _png(figures.size_figure(findings)) if some else "",
    }


def _sections(
    findings: Findings, rows: list[dict[str, Any]], images: Images | None
) -> dict[int, Section]:
    """The sections of the first classes, by their rank."""
    table = members_table(findings)
    sections, start = {}, 0
    for found, row in zip(findings.ranked[:SECTIONS], rows, strict=False):
        members = table.slice(start, min(found.size, LISTED)).to_pylist()
        shown = () if images is None else _gallery(found, images)
        told = of_class(findings.answers, found.class_id, _drawn)
        sections[found.rank] = Section(found, row, shown, members, told)
        start += found.size
    return sections


def _gallery(found: RareClass, images: Images) -> tuple[Thumbnail, ...]:
    shown = gallery(found, SHOWN)
    probability = dict(zip(found.members, found.probability, strict=True))
    return tuple(
        Thumbnail(m, probability.get(m, 0.0), m in found.exemplars, _thumbnail(images.get(m)))
        for m in shown
    )


def _thumbnail(cutout: ByteArray | None) -> str:
    if cutout is None:
        return ""
    return _data_uri("image/jpeg", jpeg(resized(cutout, _SIDE), quality=85))


def _drawn(plot: Plot) -> str:
    return _png(plot_figure(plot))


def _png(data: bytes) -> str:
    return _data_uri("image/png", data)


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
