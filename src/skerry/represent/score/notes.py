"""What a reader must know of the numbers: sentences beside the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skerry.represent.encoder import Encoder
from skerry.represent.score.controls import ASSUMED
from skerry.represent.score.images import Images, ManyTwins
from skerry.represent.score.result import UNTRAINED, VIEWS, Row
from skerry.represent.score.retrieval import MEMBERS, scorable
from skerry.represent.trees.schema import Schema

Bools = npt.NDArray[np.bool_]


def on_labels(
    kinds: Mapping[str, Bools], incomplete: Mapping[str, int], schema: Schema | None, fitted: bool
) -> list[str]:
    """What the labels do not allow; ``incomplete`` columns say nothing of so many galaxies."""
    notes = []
    if incomplete:
        lacking = ", ".join(f"{column} {n}" for column, n in incomplete.items())
        notes.append(
            f"Columns of 0 and 1 that say nothing of some galaxies, so not scored: {lacking}."
        )
    few = [f"{k} {int(mask.sum())}" for k, mask in kinds.items() if not scorable(mask)]
    if few:
        notes.append(f"Fewer than {MEMBERS} galaxies, or others, so not scored: {', '.join(few)}.")
    if not kinds:
        notes.append("The catalog names no kinds, so there is no retrieval and no probe.")
    if schema is None:
        notes.append("The catalog has no vote fractions of a known tree, so no vote error.")
    elif not fitted:
        notes.append(
            "No other galaxies were given to fit a ridge regression on, so only answers with "
            "heads are predicted."
        )
    return notes


def on_rows(rows: Sequence[Row]) -> list[str]:
    """Which numbers are left out because nothing finite came of them."""
    lost = [f"{r.section} of {r.subject} by {r.way}" for r in rows if not r.finite]
    if not lost:
        return []
    return [f"Not to be measured on these galaxies, so left out: {', '.join(lost)}."]


def on_images(images: Images, twins: ManyTwins) -> list[str]:
    """What was done to images, and to how many."""
    n, m = len(images.rows), len(twins.chosen)
    notes = []
    if images.failed:
        notes.append(f"{images.failed} sources have no usable image and are left out.")
    if images.whole:
        notes.append(
            f"{images.whole} images have a size whose field of view the encoder's contract does "
            "not know: all of each was shown."
        )
    if m < n:
        notes.append(f"Twins were made of {m} galaxies, drawn by the seed, and sought among all.")
    if twins.filled:
        notes.append(
            f"In {twins.filled} of {m} rotated twins a corner of the part kept lies beyond the "
            "image, whose edge is mirrored there."
        )
    return notes


def on_ways(encoder: Encoder, ways: Collection[str]) -> list[str]:
    """What the ways are, where their names do not say it."""
    notes = []
    if VIEWS in ways:
        notes.append(
            f"`{VIEWS}`: the average over four quarter turns and their mirror images, at 8 times "
            "the cost of encoding."
        )
    if UNTRAINED in ways and encoder.equalized:
        notes.append(
            "The encoder is equalized; the untrained network is not, and its vectors have unit "
            "length."
        )
    if UNTRAINED in ways and not encoder.architecture:
        notes.append(
            f"The encoder's file does not say its architecture; the untrained network is {ASSUMED}."
        )
    return notes
