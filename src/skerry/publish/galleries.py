"""Which sources stand for a class in pictures, and their thumbnails."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc

from skerry.publish.findings import Findings, Images
from skerry.publish.sheets import SHOWN, gallery, jpeg, resized, with_sheets
from skerry.types import ByteArray, RareClass

CENTRAL = 24
"""Members shown first: exemplars, then the most central; no more than on a contact sheet."""

EDGE = 12
"""Members shown of those that came back least often with the class."""

OUTSIDE = 12
"""Sources shown of those nearest to the class that are in none."""

SIDE = 150
"""Pixels of a thumbnail."""


@dataclass(frozen=True)
class Thumbnail:
    """A cutout of a gallery; ``uri`` is empty where there is no image.

    ``said`` is what stands under it: a membership probability, or how far outside.
    """

    id_str: str
    said: str
    exemplar: bool
    uri: str


def central(found: RareClass) -> tuple[str, ...]:
    """The exemplars and the most central other members."""
    return gallery(found, CENTRAL)


def edge(found: RareClass) -> tuple[str, ...]:
    """The members of the lowest probability, of those that are not shown first.

    Of equals the less central; least probable last, so that it is looked at on from the center.
    """
    shown = set(central(found))
    rest = [i for i, m in enumerate(found.members) if m not in shown]
    least = sorted(rest, key=lambda i: (found.probability[i], -i))[:EDGE]
    return tuple(found.members[i] for i in reversed(least))


def outsiders(findings: Findings) -> dict[str, list[tuple[str, float]]]:
    """The nearest sources in no class by ``class_id``: id and distance, 1 for a typical member.

    Nearest first, of equals the smaller id; empty where that was not looked into.
    """
    table = findings.unclustered
    if table is None:
        return {}
    found: dict[str, list[tuple[str, float]]] = {rare.class_id: [] for rare in findings.kept}
    near = table.filter(pc.is_finite(table["distance_ratio"]))
    near = near.sort_by([("distance_ratio", "ascending"), ("id_str", "ascending")])
    columns = (near[name].to_pylist() for name in ("nearest_class", "id_str", "distance_ratio"))
    for class_id, name, ratio in zip(*columns, strict=True):
        of = found.get(class_id)
        if of is not None and len(of) < OUTSIDE:
            of.append((name, ratio))
    return found


def shown_ids(findings: Findings) -> tuple[str, ...]:
    """The sources whose cutouts the products show, sorted: those to read."""
    near = outsiders(findings)
    shown = {
        name
        for found in with_sheets(findings)
        for name in (
            *gallery(found, SHOWN),
            *edge(found),
            *(name for name, _ in near.get(found.class_id, ())),
        )
    }
    return tuple(sorted(shown))


def members_shown(
    found: RareClass, names: Collection[str], images: Images
) -> tuple[Thumbnail, ...]:
    """Members as thumbnails, each with its membership probability."""
    probability: Mapping[str, float] = dict(zip(found.members, found.probability, strict=True))
    return tuple(
        Thumbnail(m, f"{probability.get(m, 0.0):.2f}", m in found.exemplars, uri(images.get(m)))
        for m in names
    )


def outsiders_shown(near: Collection[tuple[str, float]], images: Images) -> tuple[Thumbnail, ...]:
    """Sources outside as thumbnails, each with its distance."""
    return tuple(Thumbnail(m, f"{ratio:.2f}", False, uri(images.get(m))) for m, ratio in near)


def uri(cutout: ByteArray | None) -> str:
    """A cutout, uint8 (s, s, 3), as the data URI of a small JPEG; empty for none."""
    if cutout is None:
        return ""
    return data_uri("image/jpeg", jpeg(resized(cutout, SIDE), quality=85))


def data_uri(kind: str, data: bytes) -> str:
    """Bytes of a media type as a URI that needs no file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
