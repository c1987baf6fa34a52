"""A training's images on disk: each decoded once, at the recipe's size, and mapped from a file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from skerry import config
from skerry.errors import DiskError, ImageError, TooManyFailuresError
from skerry.executors.local import map_ordered
from skerry.progress import OnEvent
from skerry.represent.training.readers import Galaxies
from skerry.represent.training.recipe import Recipe
from skerry.represent.training.structure import StructureScale, structure
from skerry.store import replacing, write_text
from skerry.survey import prepare
from skerry.types import ByteArray, Contract, Failure, IntArray

FORMAT = 1
"""Raised when images would be stored as other bytes."""
MAX_UNREADABLE = 0.01
"""Largest share of images that may be left out because they cannot be read."""
CHUNK = 512


def stored_images(
    galaxies: Galaxies, keep: IntArray, recipe: Recipe, cache: Path, threads: int, on_event: OnEvent
) -> tuple[ByteArray, Tensor, IntArray, list[str]]:
    """Images and targets of structure of the rows ``keep``, from ``cache`` where they are there.

    Returns
    -------
    images : uint8 (n, bands, side, side), mapped from a file
    structure : float32 (n, recipe.structure_dimensions)
    rows : int64 (n,), those of ``keep`` whose image could be read
    unreadable : why the others could not

    Raises
    ------
    TooManyFailuresError
        More than 1% of the images cannot be read.
    DiskError
        The disk has no room for the images.
    """
    key = config.digest(
        FORMAT, galaxies.fingerprint, keep.tolist(), recipe.stored_size, recipe.bands, recipe.crop
    )[:32]
    written = cache / f"{key}.json"
    if not written.is_file():
        _store_images(galaxies, keep, recipe, cache / f"{key}.npy", threads, on_event)
    failures = json.loads(written.read_text(encoding="utf-8"))["failures"]
    failed = {row for row, _ in failures}
    rows = np.array([row for row in keep.tolist() if row not in failed], np.int64)
    images = np.load(cache / f"{key}.npy", mmap_mode="r")[: len(rows)]
    targets = _structure(images, recipe, cache / f"{key}.structure.npy", on_event)
    return images, targets, rows, [reason for _, reason in failures]


def _store_images(
    galaxies: Galaxies,
    keep: IntArray,
    recipe: Recipe,
    path: Path,
    threads: int,
    on_event: OnEvent,
) -> None:
    shape = (len(keep), recipe.bands, recipe.stored_size, recipe.stored_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    _require_room(path.parent, int(np.prod(shape)))
    failures: list[tuple[int, str]] = []
    with replacing(path) as partial:
        stored = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with partial.open("rb+") as file:  # a full disk is met here, not amid the pixels
                os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
        done = 0
        for row, pixels in _pixels(galaxies, keep, recipe, threads):
            if isinstance(pixels, str):
                failures.append((row, pixels))
                _require_few(failures, len(keep))
            else:
                stored[done] = pixels
                done += 1
            if (done + len(failures)) % CHUNK == 0 or done + len(failures) == len(keep):
                on_event("reading images", done + len(failures), len(keep))
        stored.flush()
    write_text(path.with_suffix(".json"), json.dumps({"failures": failures}, indent=1) + "\n")


def _pixels(
    galaxies: Galaxies, keep: IntArray, recipe: Recipe, threads: int
) -> Iterator[tuple[int, ByteArray | str]]:
    """Rows and their images, (bands, side, side), or the reason why there is none."""
    contract = Contract(recipe.stored_size, {}, "")

    def ready(found: tuple[int, bytes | Failure]) -> tuple[int, ByteArray | str]:
        row, data = found
        name = galaxies.names[row]
        if isinstance(data, Failure):
            return row, f"{galaxies.ids[row]}: {data.reason}"
        try:
            pixels = prepare(data, name, contract, recipe.crop).pixels
        except ImageError as error:
            return row, f"{galaxies.ids[row]}: {error}"
        if recipe.bands == 1:
            return row, np.rint(pixels.mean(2))[None].astype(np.uint8)
        return row, pixels.transpose(2, 0, 1)

    rows = keep.tolist()
    return map_ordered(ready, zip(rows, galaxies.images(rows), strict=True), threads)


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DiskError(
            f"the images need {size / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB free; "
            "free some, name another folder with --cache, or lower stored_size"
        )


def _require_few(failures: list[tuple[int, str]], n: int) -> None:
    if len(failures) > max(1, MAX_UNREADABLE * n):
        reasons = "; ".join(reason for _, reason in failures[:3])
        raise TooManyFailuresError(
            f"more than {MAX_UNREADABLE:.0%} of {n} images cannot be read ({reasons}); "
            "mend them, or leave them out with --drop-ids"
        )


def _structure(images: ByteArray, recipe: Recipe, path: Path, on_event: OnEvent) -> Tensor:
    """Targets of structure; the measures behind them are stored beside the images."""
    if not recipe.structure_dimensions:
        return torch.zeros(len(images), 0)
    if not path.is_file():
        parts = []
        for start in range(0, len(images), CHUNK):
            part = np.array(images[start : start + CHUNK])  # a copy: the file is read-only
            parts.append(structure(torch.from_numpy(part)))
            on_event("measuring structure", min(start + CHUNK, len(images)), len(images))
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, torch.cat(parts).numpy())
    measures = torch.from_numpy(np.load(path))
    return StructureScale.fit(measures, recipe.structure_dimensions).targets(measures)
