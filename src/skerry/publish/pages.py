"""A page for each class: its galleries, checks, answers and members."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from skerry.publish import galleries, words
from skerry.publish.answered import of_class
from skerry.publish.findings import Findings, Images
from skerry.publish.galleries import Thumbnail
from skerry.publish.rendering import rendered
from skerry.publish.sheets import sheet_name, with_sheets
from skerry.publish.tables import classes_table, members_table
from skerry.store import write_text
from skerry.types import RareClass

FOLDER = "pages"
"""Of the pages, within the products."""

LISTED = 200
"""Members listed on a page; the catalog has all."""


@dataclass(frozen=True)
class Page:
    """What the page of a class shows: its row of ``classes``, its first of ``members``, its
    galleries, empty without images, and what the answers to questions say of it."""

    found: RareClass
    row: dict[str, Any]
    members: list[dict[str, Any]]
    answers: list[dict[str, str]]
    central: tuple[Thumbnail, ...]
    edge: tuple[Thumbnail, ...]
    outside: tuple[Thumbnail, ...]


def page_name(found: RareClass) -> str:
    """The file name of a class's page, as safe and unique as that of its contact sheet."""
    return f"{PurePosixPath(sheet_name(found)).stem}.html"


def write_pages(findings: Findings, images: Images | None, folder: Path) -> list[Path]:
    """Write a page for each class of ``with_sheets``, and return the files, by rank.

    The same findings and images give the same bytes. The pages link to each other, to the report
    two folders up, and to the sheets beside their folder.

    Parameters
    ----------
    images : the cutouts of ``shown_ids``; None where the run began with representations, which
        leaves the galleries out

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    shown = with_sheets(findings)
    names = [page_name(found) for found in shown]
    written = []
    for i, page in enumerate(_pages(findings, images)):
        context = {
            "page": page,
            "with_images": images is not None,
            "judged": findings.n_nulls > 0,
            "before": names[i - 1] if i else "",
            "after": names[i + 1] if i + 1 < len(names) else "",
            "place": f"{i + 1} of {len(names)}",
            "sheet": f"../sheets/{sheet_name(page.found)}",
            "side": galleries.SIDE,
            "count": words.count,
        }
        path = folder / names[i]
        write_text(path, rendered("class.html.j2", context))
        written.append(path)
    return written


def _pages(findings: Findings, images: Images | None) -> list[Page]:
    rows, table = classes_table(findings).to_pylist(), members_table(findings)
    near = galleries.outsiders(findings)
    pages, start = [], 0
    for found, row in zip(with_sheets(findings), rows, strict=False):
        listed = table.slice(start, min(found.size, LISTED)).to_pylist()
        start += found.size
        told = of_class(findings.answers, found.class_id)
        shown = _shown(found, near.get(found.class_id, []), images)
        pages.append(Page(found, row, listed, told, *shown))
    return pages


_Thumbnails = tuple[Thumbnail, ...]


def _shown(
    found: RareClass, near: list[tuple[str, float]], images: Images | None
) -> tuple[_Thumbnails, _Thumbnails, _Thumbnails]:
    """The galleries of a class: the center, the edge and the sources outside."""
    if images is None:
        return (), (), ()
    return (
        galleries.members_shown(found, galleries.central(found), images),
        galleries.members_shown(found, galleries.edge(found), images),
        galleries.outsiders_shown(near, images),
    )
