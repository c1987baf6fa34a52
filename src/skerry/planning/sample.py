"""Some sources of a survey: encoded as a run would, and vectors like theirs for small searches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from skerry.context import Context
from skerry.executors.local import available_threads
from skerry.represent.encode import encode
from skerry.represent.encoder import Encoder
from skerry.represent.placed import placed
from skerry.types import Contract, Failure, FloatArray, Representations

Clock = Callable[[], float]
"""Seconds since some moment."""

_IMAGES = 512
_VECTORS = 8000
_LATENT = 6


@dataclass(frozen=True)
class Drawn:
    """Some sources of a survey: their vectors float32 (m, d), how many were asked for, and those
    that could not be read; ``seconds`` each, on all threads. ``sides`` counts the images by their
    side in pixels."""

    vectors: FloatArray
    asked: int
    failures: tuple[Failure, ...]
    seconds: float
    sides: Mapping[int, int] = field(default_factory=dict)


def encoded(
    context: Context,
    encoder: Encoder,
    contract: Contract | None,
    identifier: str,
    *,
    budget: float,
    rng: np.random.Generator,
    device: str,
    clock: Clock = time.perf_counter,
) -> Drawn:
    """Encode a few hundred sources, stretches of the survey drawn at random, as a run would.

    The first stretch is not timed: it loads what is loaded once.
    """
    threads = context.threads or available_threads()
    size, total = encoder.batch, len(context.survey)
    wanted = threads * max(1, -(-_IMAGES // (size * threads)))
    starts = np.arange(0, total, size)
    chosen = np.sort(rng.choice(starts, min(wanted, len(starts)), replace=False))
    rows = [range(s, min(s + size, total)) for s in chosen.tolist()]
    where = placed(encoder, identifier, device)
    crop = context.config.representations.crop

    def parts(shards: Sequence[range], threads: int) -> Iterator[Representations]:
        with closing(
            encode(context.survey, where, shards, contract=contract, crop=crop, threads=threads)
        ) as stream:
            for _, part in stream:
                yield part

    began = clock()
    list(parts(rows[:1], 1))
    first = clock() - began
    # a slow encoder is timed on fewer
    affordable = threads * max(1, int(budget / max(first, 1e-6)))
    rows = rows[:affordable]
    began = clock()
    found = list(parts(rows, context.threads))
    asked = sum(map(len, rows))
    seconds = (clock() - began) / asked
    return Drawn(
        np.concatenate([part.vectors for part in found]),
        asked,
        tuple(f for part in found for f in part.failures),
        seconds,
        Counter(side for part in found for side in part.sides.tolist()),
    )


def given(context: Context, rng: np.random.Generator) -> Drawn:
    """Some stretches of the vectors that a survey holds, drawn at random."""
    total, size = len(context.survey), 1000
    starts = np.arange(0, total, size)
    chosen = np.sort(rng.choice(starts, min(_VECTORS // size, len(starts)), replace=False))
    vectors, failures = [], []
    for start in chosen.tolist():
        these, bad = context.survey.vectors(slice(start, min(start + size, total)))
        vectors.append(these[[f is None for f in bad]])
        failures += [f for f in bad if f is not None]
    asked = sum(len(v) for v in vectors) + len(failures)
    return Drawn(np.concatenate(vectors), asked, tuple(failures), 0.0)


def stand_in(vectors: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    """Vectors float32 (n, d) like some (m, d): as many of them as there are, else drawn.

    Drawn ones lie on a smooth curved map of a 6-d normal with a tenth of scatter, and have the
    mean and the spread of ``vectors`` along each of their principal axes. They are for timing a
    search; nothing is to be found in them.
    """
    m, d = vectors.shape
    if m >= n:
        return np.ascontiguousarray(vectors[np.sort(rng.choice(m, n, replace=False))])
    mean = vectors.mean(axis=0, dtype=np.float64)
    variances, axes = np.linalg.eigh(np.cov(vectors.T.astype(np.float64)).reshape(d, d))
    hidden = np.tanh(rng.normal(size=(n, _LATENT)) @ rng.normal(size=(_LATENT, 64)) / _LATENT**0.5)
    curve = hidden @ rng.normal(size=(64, d))
    curve = (curve - curve.mean(axis=0)) / curve.std(axis=0) + 0.1 * rng.normal(size=(n, d))
    spread = np.sqrt(np.maximum(variances, 1e-12))
    return np.asarray(mean + (curve * spread) @ axes.T, dtype=np.float32)
