"""Encoding a survey: a stream of shards, decoded and encoded on all cores."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import tee

import numpy as np

from skerry.errors import ImageError
from skerry.executors.local import map_ordered
from skerry.represent.encoder import Encoder
from skerry.survey import Survey, prepare
from skerry.types import Contract, Failure, FloatArray, Representations


@dataclass(frozen=True)
class _Batch:
    shard: int
    id_str: Sequence[str]
    location: Sequence[str]
    raw: Sequence[bytes | Failure]


def encode(
    survey: Survey,
    encoder: Encoder,
    shards: Sequence[range],
    *,
    contract: Contract | None = None,
    crop: float = 0.0,
    threads: int = 0,
    on_event: Callable[[int], None] = lambda done: None,
) -> Generator[tuple[int, Representations]]:
    """Encode some shards of a survey.

    Parameters
    ----------
    survey
        Where the images are.
    encoder
        What to encode them with.
    shards
        Row numbers of each shard.
    contract
        The encoder's contract as held for this survey; None for the encoder's own.
    crop
        Share of each image's width to keep; 0 as the encoder's contract says.
    threads
        How many to use, 0 for all. The vectors do not depend on it.
    on_event
        Called with the number of sources done so far.

    Yields
    ------
    tuple
        The shard's position in ``shards`` and its representations. A source whose image cannot
        be read is among the failures, never dropped.
    """

    def task(batch: _Batch) -> tuple[int, Representations]:
        return batch.shard, _encode_batch(batch, encoder, contract or encoder.contract, crop)

    parts: list[Representations] = []
    current = done = 0
    for shard, part in map_ordered(task, _batches(survey, shards, encoder.batch), threads):
        if shard != current:
            yield current, join(parts)
            current, parts = shard, []
        parts.append(part)
        done += len(part) + len(part.failures)
        on_event(done)
    if parts:
        yield current, join(parts)


def _batches(survey: Survey, shards: Sequence[range], size: int) -> Iterator[_Batch]:
    ids, places = survey.sources["id_str"], survey.sources["location"]
    parts, asked = tee(
        (shard, range(start, min(start + size, rows.stop)))
        for shard, rows in enumerate(shards)
        for start in range(rows.start, rows.stop, size)
    )
    images = survey.ahead(rows for _, rows in asked)
    for (shard, part), raw in zip(parts, images, strict=True):
        yield _Batch(
            shard,
            ids[part.start : part.stop].to_pylist(),
            places[part.start : part.stop].to_pylist(),
            raw,
        )


def _encode_batch(
    batch: _Batch, encoder: Encoder, contract: Contract, crop: float
) -> Representations:
    ids: list[str] = []
    sides, failures = [], []
    size = contract.size
    pixels = np.empty((len(batch.raw), size, size, 3), np.uint8)
    for id_str, location, raw in zip(batch.id_str, batch.location, batch.raw, strict=True):
        if isinstance(raw, Failure):
            failures.append(raw)
            continue
        try:
            prepared = prepare(raw, location, contract, crop)
        except ImageError as error:
            failures.append(Failure(id_str, location, str(error)))
            continue
        pixels[len(ids)] = prepared.pixels
        ids.append(id_str)
        sides.append(prepared.side)
    vectors, votes = encoder.encode(pixels[: len(ids)])
    return Representations(
        tuple(ids),
        vectors,
        votes,
        np.array(sides, np.int64),
        encoder.vote_columns,
        tuple(failures),
    )


def join(parts: Sequence[Representations]) -> Representations:
    """Several representations as one, in order."""
    if not parts:
        raise ValueError("nothing to join")
    return Representations(
        tuple(i for part in parts for i in part.id_str),
        _stacked([part.vectors for part in parts]),
        _stacked([part.votes for part in parts]),
        np.concatenate([part.sides for part in parts]),
        parts[0].vote_columns,
        tuple(f for part in parts for f in part.failures),
    )


def _stacked(arrays: list[FloatArray]) -> FloatArray:
    return np.concatenate(arrays).astype(np.float32, copy=False)


def given(
    survey: Survey,
    shards: Sequence[range],
    *,
    on_event: Callable[[int], None] = lambda done: None,
) -> Generator[tuple[int, Representations]]:
    """Shards of a survey that already holds representations; vectors that are not finite fail."""
    done = 0
    for position, rows in enumerate(shards):
        vectors, failures = survey.vectors(slice(rows.start, rows.stop))
        ids = survey.sources["id_str"][rows.start : rows.stop].to_pylist()
        good = np.array([f is None for f in failures], bool)
        kept = vectors[good]
        done += len(good)
        on_event(done)
        yield (
            position,
            Representations(
                tuple(i for i, ok in zip(ids, good, strict=True) if ok),
                kept,
                np.zeros((len(kept), 0), np.float32),
                np.zeros(len(kept), np.int64),
                (),
                tuple(f for f in failures if f is not None),
            ),
        )
