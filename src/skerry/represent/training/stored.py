"""A training's images on disk: each decoded once, at the recipe's size, and mapped from a file."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skerry import config
from skerry.errors import DiskError, ImageError, TooManyFailuresError
from skerry.executors.local import map_ordered
from skerry.progress import OnEvent
from skerry.represent.structure import MEASURES, StructureScale, structure
from skerry.represent.training.augment import shown_part
from skerry.represent.training.readers import Galaxies
from skerry.represent.training.recipe import Recipe
from skerry.store import replacing, write_text
from skerry.survey import prepare
from skerry.types import ByteArray, Contract, Failure, IntArray

FORMAT = 1
"""Raised when images would be stored as other bytes."""
MAX_UNREADABLE = 0.01
"""Largest share of images that may be left out because they cannot be read."""
CHUNK = 512

Failed = list[tuple[int, str]]
"""Rows whose image could not be read, and why."""


@dataclass(frozen=True)
class Stored:
    """Images on disk, and what was measured in them.

    ``images`` uint8 (n, bands, side, side), mapped from a file; ``structure`` float32 (n,
    recipe.structure_dimensions); ``rows`` int64 (n,), those whose image could be read;
    ``unreadable`` says why the others could not, and ``key`` which files these are.
    """

    images: ByteArray
    structure: Tensor
    rows: IntArray
    unreadable: list[str]
    key: str


def stored_images(
    galaxies: Galaxies, keep: IntArray, recipe: Recipe, cache: Path, threads: int, on_event: OnEvent
) -> Stored:
    """Images and targets of structure of the rows ``keep``, from ``cache`` where they are there.

    One process at a time makes them, and others wait for it. Damaged files are made again.

    Raises
    ------
    TooManyFailuresError
        More than 1% of the images, and more than one, cannot be read.
    DiskError
        The disk has no room for the images.
    """
    key = config.digest(
        FORMAT,
        galaxies.fingerprint,
        [galaxies.ids[row] for row in keep.tolist()],  # the fingerprint is blind to their order
        keep.tolist(),
        recipe.stored_size,
        recipe.bands,
        recipe.crop,
    )[:32]
    path = cache / f"{key}.npy"
    with _one_at_a_time(cache, key):
        shape = (len(keep), recipe.bands, recipe.stored_size, recipe.stored_size)
        found = _sound_images(path, shape)
        if found is None:
            for damaged in cache.glob(f"{key}.*"):
                damaged.unlink()
            found = _store_images(galaxies, keep, recipe, path, threads, on_event)
        images, failures = found
        failed = {row for row, _ in failures}
        rows = np.array([row for row in keep.tolist() if row not in failed], np.int64)
        images = images[: len(rows)]
        measured = cache / f"{key}.{recipe.shown:g}.structure.npy"
        targets = _structure(images, recipe, measured, on_event)
    return Stored(images, targets, rows, [reason for _, reason in failures], key)


@contextmanager
def _one_at_a_time(cache: Path, key: str) -> Iterator[None]:
    """Hold a key's files, and clear what a killed process left of them."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{key}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in cache.glob(f".{key}.*.part"):
            leftover.unlink()
        yield


def _sound_images(path: Path, shape: tuple[int, ...]) -> tuple[ByteArray, Failed] | None:
    """What lies at ``path``, mapped, and what failed; None where it is missing or damaged."""
    images = _loaded(path, mapped=True)
    if images is None or images.shape != shape or images.dtype != np.uint8:
        return None
    try:
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return images, [(int(row), str(reason)) for row, reason in said["failures"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _loaded(path: Path, mapped: bool = False) -> np.ndarray[Any, Any] | None:
    """An array, or None where the file is missing or is none."""
    try:
        found = np.load(path, mmap_mode="r" if mapped else None)
    except Exception:  # numpy raises many kinds for a damaged file
        return None
    return found if isinstance(found, np.ndarray) else None


def _store_images(
    galaxies: Galaxies,
    keep: IntArray,
    recipe: Recipe,
    path: Path,
    threads: int,
    on_event: OnEvent,
) -> tuple[ByteArray, Failed]:
    shape = (len(keep), recipe.bands, recipe.stored_size, recipe.stored_size)
    _require_room(path.parent, int(np.prod(shape)))
    failures: Failed = []
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
    return np.load(path, mmap_mode="r"), failures


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


def _require_few(failures: Failed, n: int) -> None:
    if len(failures) > max(1, MAX_UNREADABLE * n):
        reasons = "; ".join(reason for _, reason in failures[:3])
        raise TooManyFailuresError(
            f"more than {MAX_UNREADABLE:.0%} of {n} images cannot be read ({reasons}); "
            "mend them, or leave them out with --drop-ids"
        )


def _structure(images: ByteArray, recipe: Recipe, path: Path, on_event: OnEvent) -> Tensor:
    """Targets of structure, of what is shown; the measures are stored beside the images."""
    if not recipe.structure_dimensions:
        return torch.zeros(len(images), 0)
    found = _loaded(path)
    if found is None or found.shape != (len(images), MEASURES) or found.dtype != np.float32:
        parts = []
        for start in range(0, len(images), CHUNK):
            part = np.array(images[start : start + CHUNK])  # a copy: the file is read-only
            parts.append(structure(shown_part(torch.from_numpy(part), recipe.shown)))
            on_event("measuring structure", min(start + CHUNK, len(images)), len(images))
        found = torch.cat(parts).numpy()
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, found)
    measures = torch.from_numpy(found)
    return StructureScale.fit(measures, recipe.structure_dimensions).targets(measures)
