"""The encoder and its controls as ways from prepared images to vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from skerry.executors.local import map_ordered
from skerry.progress import OnEvent
from skerry.represent.encoder import Encoder
from skerry.represent.score.controls import PixelComponents
from skerry.represent.score.invariance import N_VIEWS, averaged, views
from skerry.represent.score.result import ENCODER, PIXELS, UNTRAINED, VIEWS
from skerry.types import ByteArray

Floats = npt.NDArray[np.float64]
Embed = Callable[[ByteArray], tuple[Floats, Floats]]
"""Images uint8 (n, size, size, 3) to vectors (n, d) and expected vote shares (n, answers)."""


def ways(
    encoder: Encoder, n_views: int, blank: Encoder | None, pixels: ByteArray, seed: int,
    threads: int, on_event: OnEvent,
) -> dict[str, Embed]:  # fmt: skip
    """Ways to compare: the encoder, its average over views, and the controls.

    Parameters
    ----------
    n_views
        8 to add the average over views.
    blank
        The untrained network; None for no controls.
    pixels
        Images that the principal components of pixels are found from.
    """
    found: dict[str, Embed] = {ENCODER: lambda p: _encoded(encoder, p, ENCODER, threads, on_event)}
    if n_views == N_VIEWS:
        found[VIEWS] = lambda p: _over_views(encoder, p, threads, on_event)
    if blank is not None:
        components = PixelComponents.fit(pixels, seed)
        found[UNTRAINED] = lambda p: _encoded(blank, p, UNTRAINED, threads, on_event)
        found[PIXELS] = lambda p: (components.apply(p), np.empty((len(p), 0)))
    return found


def _over_views(
    encoder: Encoder, pixels: ByteArray, threads: int, on_event: OnEvent
) -> tuple[Floats, Floats]:
    """Averaged vectors, unit vectors renormalized, and averaged vote shares."""
    parts = [_encoded(encoder, p, VIEWS, threads, on_event) for p in views(pixels)]
    vectors = [v for v, _ in parts]
    mean = np.mean(vectors, axis=0) if encoder.equalized else averaged(vectors)
    return mean, np.mean([s for _, s in parts], axis=0)


def _encoded(
    encoder: Encoder, pixels: ByteArray, way: str, threads: int, on_event: OnEvent
) -> tuple[Floats, Floats]:
    starts = range(0, len(pixels), encoder.batch)
    batches = (pixels[s : s + encoder.batch] for s in starts)
    vectors, votes, done = [], [], 0
    for found, shares in map_ordered(encoder.encode, batches, threads):
        vectors.append(found)
        votes.append(shares)
        done += len(found)
        on_event(f"encoding: {way}", done, len(pixels))
    return np.concatenate(vectors).astype(float), np.concatenate(votes).astype(float)
