"""Encoding a survey: a stream of shards, decoded and encoded on all cores."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np

from skerry.executors.local import map_ordered
from skerry.represent.decoding import ready_on_processes
from skerry.represent.encoder import Encoder
from skerry.represent.ready import Ready, batches, made_ready
from skerry.survey import Survey
from skerry.types import Contract, FloatArray, Representations

_FEEDING_THREADS = 4
"""Threads that hand batches to an encoder where processes decode; a GPU computes one at a time."""


def encode(
    survey: Survey,
    encoder: Encoder,
    shards: Sequence[range],
    *,
    contract: Contract | None = None,
    crop: float = 0.0,
    threads: int = 0,
    processes: int = 1,
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
    processes
        More than one: as many decode, in the place of threads, which is worth their start for an
        encoder on a GPU.
    on_event
        Called with the number of sources done so far.

    Yields
    ------
    tuple
        The shard's position in ``shards`` and its representations. A source whose image cannot
        be read is among the failures, never dropped.

    Raises
    ------
    RunError
        A process was ended from outside, or there is too little memory to share with processes.
    """

    held = contract or encoder.contract
    asked = batches(survey, shards, encoder.batch)

    def encoded(ready: Ready) -> tuple[int, Representations]:
        return ready.shard, _encoded(ready, encoder)

    if processes > 1:
        found = map_ordered(
            encoded, ready_on_processes(asked, held, crop, processes), _FEEDING_THREADS
        )
    else:
        found = map_ordered(lambda b: encoded(made_ready(b, held, crop)), asked, threads)
    parts: list[Representations] = []
    current = done = 0
    for shard, part in found:
        if shard != current:
            yield current, join(parts)
            current, parts = shard, []
        parts.append(part)
        done += len(part) + len(part.failures)
        on_event(done)
    if parts:
        yield current, join(parts)


def _encoded(ready: Ready, encoder: Encoder) -> Representations:
    vectors, votes = encoder.encode(ready.pixels)
    return Representations(
        tuple(ready.id_str),
        vectors,
        votes,
        np.array(ready.sides, np.int64),
        encoder.vote_columns,
        tuple(ready.failures),
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
