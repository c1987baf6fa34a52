"""The folder of a simulated survey: whose it is, and what of it is there."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skerry.errors import RunError
from skerry.simulate.footprint import Footprint
from skerry.simulate.plan import Planned
from skerry.simulate.sky import Sky
from skerry.simulate.writing import SUFFIXES
from skerry.store.runfolder import LOCK, remove

CATALOG, SKY, MANIFEST, SHEET = "catalogue.csv", "sky.toml", "simulate.json", "sheet.jpg"
"""Files of a survey. The catalog is written last: without it the survey is not complete."""

IMAGES, PARTS = "images", ".parts"
"""Folders of a survey: its images, and while it is drawn the parts of its catalog."""

FORMAT = 1
"""To be raised when the same settings give other bytes."""

SHARD = 1000
"""Images of a folder, which is there whole or not at all."""

Shards = Mapping[str, Sequence[Planned]]
"""Sources by the name of the folder that holds their images."""


def shards_of(sources: Sequence[Planned]) -> Shards:
    """The folders that a survey's images are spread over."""
    starts = range(0, len(sources), SHARD)
    return {f"{start // SHARD:04d}": sources[start : start + SHARD] for start in starts}


def image_name(source: Planned, sky: Sky) -> str:
    """The name of a source's image."""
    return f"{source.id_str}{SUFFIXES[sky.format]}"


def manifest_of(sky: Sky, footprint: Footprint, counts: Mapping[str, int]) -> dict[str, Any]:
    """What a survey's bytes follow from, and its number of sources of each kind, as read back."""
    made = {
        "format": FORMAT,
        "sky": dataclasses.asdict(sky),
        "footprint": dataclasses.asdict(footprint),
        "counts": dict(sorted(counts.items())),
    }
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def claim(folder: Path, manifest: Mapping[str, Any]) -> None:
    """See that a folder is new, empty or of this very survey; nothing is written yet.

    Raises
    ------
    RunError
        It is not.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; give a folder for the survey")
    if not folder.is_dir():
        return
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        others = [p.name for p in sorted(folder.iterdir()) if not _of_a_start(p)]
        if others:
            raise RunError(
                f"{folder} holds {others[0]!r} and no readable {MANIFEST}; choose a new or empty "
                "folder"
            ) from None
        return
    if found != manifest:
        raise RunError(
            f"{folder} belongs to {_differing(found, manifest)}; choose another folder, ask for "
            "the same survey, or delete this one"
        )


def missing_shards(folder: Path, shards: Shards) -> Shards:
    """The shards that are to be drawn; what was begun of them is cleared."""
    for place in (folder, folder / IMAGES, folder / PARTS):
        place.mkdir(exist_ok=True)
        for begun in place.glob(".*.part"):
            remove(begun)
    missing = {}
    for name, planned in shards.items():
        images = folder / IMAGES / name
        if images.is_dir() and (folder / PARTS / f"{name}.csv").is_file():
            continue
        shutil.rmtree(images, ignore_errors=True)
        missing[name] = planned
    return missing


def check_whole(folder: Path, shards: Shards, sky: Sky) -> None:
    """See that no image is gone from a complete survey.

    Raises
    ------
    RunError
        One is.
    """
    for name, planned in shards.items():
        place = folder / IMAGES / name
        there = set(os.listdir(place)) if place.is_dir() else set()
        gone = [i for i in (image_name(source, sky) for source in planned) if i not in there]
        if gone:
            raise RunError(
                f"{len(gone)} images of {place} are gone, the first {gone[0]}; delete "
                f"{folder / CATALOG} and start again to have all drawn anew"
            )


def _of_a_start(path: Path) -> bool:
    """Whether a file is what a survey killed at its very start leaves."""
    return path.name in (LOCK, SKY) or path.match(".*.part")


def _differing(found: Any, manifest: Mapping[str, Any]) -> str:
    """What makes the survey that is there another one."""
    there = found.get("sky") if isinstance(found, dict) else None
    if not isinstance(there, dict) or found.get("format") != FORMAT:
        return "a survey of another version of skerry"
    sky = manifest["sky"]
    other = [f"{k} {there.get(k)!r}, not {v!r}" for k, v in sky.items() if there.get(k) != v]
    return f"a survey with {other[0]}" if other else "a survey of another footprint"
