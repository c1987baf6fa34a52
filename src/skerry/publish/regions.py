"""The members of each class as a region file of SAOImage DS9."""

from __future__ import annotations

import math
from pathlib import Path

from skerry.publish.findings import Findings
from skerry.publish.sheets import sheet_name
from skerry.publish.tables import members_table
from skerry.store import write_text
from skerry.types import RareClass

FOLDER = "regions"

_COLORS = {"confirmed": "green", "tentative": "yellow", "rejected": "red", "unjudged": "cyan"}


def region_text(text: str) -> str:
    """A text as DS9 reads it, in delimiters that it does not hold.

    DS9 has three kinds, braces, double and single quotes, and no escape: where a text holds
    all of them its braces become parentheses. What cannot be printed becomes a space.
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    if not set(plain) & set("{}"):
        return f"{{{plain}}}"
    for quote in "\"'":
        if quote not in plain:
            return f"{quote}{plain}{quote}"
    return f"{{{plain.replace('{', '(').replace('}', ')')}}}"


def region_name(found: RareClass) -> str:
    """The name of a class's file: that of its contact sheet, safe whatever its id."""
    return f"{Path(sheet_name(found)).stem}.reg"


def regions(found: RareClass, members: list[dict[str, object]]) -> str:
    """The region file of a class: an ICRS point at each of ``members``, rows with ``id_str``,
    ``ra`` and ``dec`` in degrees, with the id as its text.

    Exemplars are boxes, other members circles; the color tells the verdict. Points are drawn at
    one size however far one zooms, as no source's own size is known here. Coordinates have
    eight decimals, 0.04 mas.
    """
    about = " ".join(f"class {found.class_id}".split())
    lines = [
        "# Region file format: DS9 version 4.1",
        f"# {about}: rank {found.rank}, {found.verdict}, {len(members)} of {found.size} members",
        f"global color={_COLORS[found.verdict]} point=circle",
        "icrs",
    ]
    exemplars = set(found.exemplars)
    for row in members:
        shape = "box" if row["id_str"] in exemplars else "circle"
        text = region_text(str(row["id_str"]))
        at = f"{row['ra']:.8f},{row['dec']:.8f}"
        lines.append(f"point({at}) # point={shape} text={text}")
    return "\n".join(lines) + "\n"


def write_regions(findings: Findings, folder: Path) -> list[Path]:
    """Write a file for each class that has a member whose position is known, by rank.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    of_class: dict[str, list[dict[str, object]]] = {}
    for row in members_table(findings).select(["class_id", "id_str", "ra", "dec"]).to_pylist():
        if all(v is not None and math.isfinite(v) for v in (row["ra"], row["dec"])):
            of_class.setdefault(row["class_id"], []).append(row)
    written = []
    for found in findings.ranked:
        if found.class_id in of_class:
            path = folder / region_name(found)
            write_text(path, regions(found, of_class[found.class_id]))
            written.append(path)
    return written
