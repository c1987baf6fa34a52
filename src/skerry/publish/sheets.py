"""Contact sheets: the cutouts of a class at a glance."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skerry.publish.findings import Findings, Images
from skerry.store import write_bytes
from skerry.types import ByteArray, RareClass

SECTIONS = 60
"""Classes with a page, all that were kept beside: of the others the report has a row."""

SHOWN = 30
"""Members on a sheet, exemplars first; the galleries of its page begin with the first of these."""

_CELL, _GAP, _CAPTION, _TITLE = 168, 8, 38, 46
_BACKGROUND, _INK, _FAINT, _EMPTY = (16, 20, 28), (236, 238, 242), (160, 170, 184), (34, 40, 52)


def gallery(found: RareClass, limit: int) -> tuple[str, ...]:
    """The members to show: exemplars first, then the most central others, ``limit`` at most."""
    others = [m for m in found.members if m not in set(found.exemplars)]
    return (*found.exemplars, *others)[:limit]


def with_sheets(findings: Findings) -> tuple[RareClass, ...]:
    """The classes that get a contact sheet: all that were kept, and the first ``SECTIONS``."""
    return findings.ranked[: max(SECTIONS, len(findings.kept))]


def contact_sheet(
    cutouts: Sequence[ByteArray | None],
    captions: Sequence[str],
    title: str,
    columns: int = 6,
) -> bytes:
    """A sheet of captioned cutouts on a dark ground, as JPEG bytes.

    Parameters
    ----------
    cutouts
        uint8 (s, s, 3), RGB; None leaves an empty cell.
    captions
        One for each cutout: a first line, and after a newline a fainter second one. Lines too
        long for a cell lose their middle.
    title
        The line above.
    columns
        Cells in a row; fewer cutouts make a narrower sheet, of three cells at least.

    Raises
    ------
    ValueError
        There are not as many captions as cutouts.
    """
    if len(cutouts) != len(captions):
        raise ValueError(f"{len(captions)} captions for {len(cutouts)} cutouts")
    columns = max(3, min(columns, len(cutouts)))
    rows = -(-len(cutouts) // columns)
    step = _CELL + _GAP
    width, height = columns * step + _GAP, _TITLE + rows * (step + _CAPTION) + _GAP
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _line(draw, (_GAP, 13), title, 18, _INK, width - 2 * _GAP)
    for number, (cutout, caption) in enumerate(zip(cutouts, captions, strict=True)):
        x = _GAP + number % columns * step
        y = _TITLE + number // columns * (step + _CAPTION)
        if cutout is None:
            draw.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), fill=_EMPTY)
            _line(draw, (x + 8, y + 8), "no image", 12, _FAINT, _CELL - 16)
        else:
            sheet.paste(resized(cutout, _CELL), (x, y))
        first, _, second = caption.partition("\n")
        _line(draw, (x, y + _CELL + 4), first, 13, _INK, _CELL)
        _line(draw, (x, y + _CELL + 20), second, 12, _FAINT, _CELL)
    return jpeg(sheet, quality=90)


def resized(cutout: ByteArray, side: int) -> Image.Image:
    """A cutout, uint8 (s, s, 3), as an image of ``side`` pixels."""
    image = Image.fromarray(np.ascontiguousarray(cutout), mode=None)
    return image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """An image as JPEG bytes, colors at full resolution."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return buffer.getvalue()


def _line(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    size: int,
    fill: tuple[int, int, int],
    width: int,
) -> None:
    font = ImageFont.load_default(size)
    text = "".join(c if c.isprintable() else " " for c in text)
    kept = len(text)
    short = text
    while kept > 1 and draw.textlength(short, font=font) > width:
        kept -= 1
        short = text[: (kept + 1) // 2] + "…" + text[len(text) - kept // 2 :]
    draw.text(at, short, font=font, fill=fill)


def sheet_name(found: RareClass) -> str:
    """A file name for the sheet of a class, safe and unique whatever its ``class_id``.

    The rank comes first, so that a folder lists its sheets by rank; an id that does not survive
    as a name on any file system gets a digest of it.
    """
    slug = re.sub(r"[^a-z0-9_-]+", "-", found.class_id.lower()).strip("-")[:60]
    if slug != found.class_id:
        slug = f"{slug}-{hashlib.sha256(found.class_id.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{found.rank:03d}-{slug}.jpg"


def write_sheets(findings: Findings, images: Images, folder: Path) -> list[Path]:
    """Write the contact sheets of ``with_sheets`` and return the files, by rank.

    ``images`` holds the cutouts of ``galleries.shown_ids``.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    written = []
    for found in with_sheets(findings):
        shown = gallery(found, SHOWN)
        probability = dict(zip(found.members, found.probability, strict=True))
        data = contact_sheet(
            [images.get(m) for m in shown],
            [f"{m}\n{_role(m, found)}, probability {probability.get(m, 0):.2f}" for m in shown],
            f"Class {found.class_id}   rank {found.rank}, {found.size} members, {found.verdict}",
        )
        path = folder / sheet_name(found)
        write_bytes(path, data)
        written.append(path)
    return written


def _role(member: str, found: RareClass) -> str:
    return "exemplar" if member in found.exemplars else "member"
