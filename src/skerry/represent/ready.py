"""Batches of images made ready for an encoder: read, decoded, cropped, resized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import tee

import numpy as np

from skerry.errors import ImageError
from skerry.survey import Survey, prepare
from skerry.types import ByteArray, Contract, Failure


@dataclass(frozen=True)
class Batch:
    """Sources of one shard that an encoder takes at a time: ids, places, and the images' bytes,
    or why these could not be read."""

    shard: int
    id_str: Sequence[str]
    location: Sequence[str]
    raw: Sequence[bytes | Failure]


@dataclass(frozen=True)
class Ready:
    """A batch's images as an encoder takes them: ``pixels`` uint8 (n, size, size, 3) of the n
    sources ``id_str``, whose images have shorter sides of ``sides`` pixels. The others of the batch
    are among ``failures``."""

    shard: int
    id_str: Sequence[str]
    sides: Sequence[int]
    failures: Sequence[Failure]
    pixels: ByteArray


def batches(survey: Survey, shards: Sequence[range], size: int) -> Iterator[Batch]:
    """Batches of ``size`` sources or less, in order; their images are read ahead."""
    ids, places = survey.sources["id_str"], survey.sources["location"]
    parts, asked = tee(
        (shard, range(start, min(start + size, rows.stop)))
        for shard, rows in enumerate(shards)
        for start in range(rows.start, rows.stop, size)
    )
    images = survey.ahead(rows for _, rows in asked)
    for (shard, part), raw in zip(parts, images, strict=True):
        yield Batch(
            shard,
            ids[part.start : part.stop].to_pylist(),
            places[part.start : part.stop].to_pylist(),
            raw,
        )


def made_ready(batch: Batch, contract: Contract, crop: float) -> Ready:
    """A batch's images as ``prepare`` makes them ready."""
    size = contract.size
    pixels = np.empty((len(batch.raw), size, size, 3), np.uint8)
    told = [
        prepared_into(pixels[i], raw, location, contract, crop)
        for i, (raw, location) in enumerate(zip(batch.raw, batch.location, strict=True))
    ]
    return gathered(batch, told, pixels)


def prepared_into(
    pixels: ByteArray, raw: bytes | Failure, location: str, contract: Contract, crop: float
) -> int | str | Failure:
    """Make one image ready in ``pixels``: its shorter side, or why it cannot be used."""
    if isinstance(raw, Failure):
        return raw
    try:
        prepared = prepare(raw, location, contract, crop)
    except ImageError as error:
        return str(error)
    pixels[:] = prepared.pixels
    return prepared.side


def gathered(batch: Batch, told: Sequence[int | str | Failure], pixels: ByteArray) -> Ready:
    """A batch of which ``prepared_into`` has told about each; moves what is good to the front of
    ``pixels``, in place."""
    ids: list[str] = []
    sides: list[int] = []
    failures: list[Failure] = []
    rows = zip(batch.id_str, batch.location, told, strict=True)
    for place, (id_str, location, found) in enumerate(rows):
        if isinstance(found, int):
            if len(ids) < place:
                pixels[len(ids)] = pixels[place]
            ids.append(id_str)
            sides.append(found)
        elif isinstance(found, str):
            failures.append(Failure(id_str, location, found))
        else:
            failures.append(found)
    return Ready(batch.shard, ids, sides, failures, pixels[: len(ids)])
