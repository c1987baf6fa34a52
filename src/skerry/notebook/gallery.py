"""The cutouts of a class, as its page in the report shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from skerry.config import Config
from skerry.errors import SkerryError
from skerry.gathering import stored_findings
from skerry.publish import galleries
from skerry.publish.galleries import Thumbnail
from skerry.publish.rendering import rendered
from skerry.reopening import reopened
from skerry.store import read_table
from skerry.types import RareClass

GIVEN = (
    "This run began with representations, not with images, so there are no galleries: look the "
    "members up by their id and position."
)


@dataclass(frozen=True)
class Gallery:
    """Thumbnails of a class: its central members, those at its edge, the nearest sources outside.

    All are empty where there are no images; ``why_none`` says why.
    """

    central: tuple[Thumbnail, ...] = ()
    edge: tuple[Thumbnail, ...] = ()
    outside: tuple[Thumbnail, ...] = ()
    why_none: str = ""

    def _repr_html_(self) -> str:
        return rendered("view_gallery.html.j2", {"gallery_of": self, "side": galleries.SIDE})


def gallery_of(run: Path, config: Config, found: RareClass) -> Gallery:
    """The gallery of a class of a finished run, read from the run's input.

    Empty, with the reason, where the input is gone or changed, or was representations.
    """
    findings = replace(
        stored_findings(run, config),
        unclustered=read_table(run / "products" / "unclustered.parquet"),
    )
    near = galleries.outsiders(findings).get(found.class_id, [])
    central, edge = galleries.central(found), galleries.edge(found)
    try:
        context = reopened(run)
        if context.contract is None:
            return Gallery(why_none=GIVEN)
        images = context.views([*central, *edge, *(name for name, _ in near)])
    except (SkerryError, OSError) as error:
        return Gallery(why_none=f"There are no images to show: {error}.")
    return Gallery(
        galleries.members_shown(found, central, images),
        galleries.members_shown(found, edge, images),
        galleries.outsiders_shown(near, images),
    )
