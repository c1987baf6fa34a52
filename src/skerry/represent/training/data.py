"""What a training learns from, held on disk as bytes, and in which order it sees it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from skerry import config
from skerry.errors import ConfigError, InputError
from skerry.progress import OnEvent, silent
from skerry.represent.training.readers import SUMMARY, Galaxies
from skerry.represent.training.recipe import Recipe
from skerry.represent.training.stored import stored_images
from skerry.represent.trees.labels import implied_answers
from skerry.represent.trees.schema import Schema
from skerry.represent.trees.votes import read_counts
from skerry.types import ByteArray, FloatArray, IntArray


@dataclass(frozen=True)
class Batch:
    """Some galaxies in memory: ``images`` uint8 (n, bands, side, side), the rest as below."""

    images: Tensor
    counts: Tensor
    implied: Tensor
    structure: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class TrainingSet:
    """Galaxies to learn from.

    ``images`` uint8 (n, bands, side, side), mapped from a file where they came from one;
    ``counts`` float32 (n, n_columns), zeros without votes; ``implied`` bool (n, n_columns),
    nothing for galaxies with votes or without a label; ``structure`` float32 (n, dimensions),
    unit vectors, of no dimensions where structure is not learned; ``weight`` float32 (n,) is
    how much a galaxy's votes count. ``digest`` tells these
    galaxies, votes, labels and files of images from others; empty for a set made by hand.
    """

    images: ByteArray
    counts: Tensor
    implied: Tensor
    structure: Tensor
    weight: Tensor
    digest: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: IntArray) -> Batch:
        """Some galaxies, read into memory."""
        index = torch.from_numpy(rows)
        images = torch.from_numpy(np.ascontiguousarray(self.images[rows]))
        return Batch(
            images, self.counts[index], self.implied[index], self.structure[index],
            self.weight[index],
        )  # fmt: skip

    @property
    def voted(self) -> npt.NDArray[np.bool_]:
        """Which galaxies have votes, shape (n,)."""
        return np.asarray(self.counts.sum(1) > 0)


def targets(
    galaxies: Galaxies, recipe: Recipe, schema: Schema
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Vote counts and implied answers of each galaxy; no image is read.

    Raises
    ------
    InputError
        There is nothing to learn: no votes, no labels, and neither contrast nor structure.
    CatalogError
        Some columns of votes are missing, or a value is none that votes can have.
    """
    n = len(galaxies.ids)
    table = galaxies.table
    if "id_str" not in table.column_names:  # errors name the galaxy by it
        table = table.append_column("id_str", pa.array(galaxies.ids, pa.string()))
    # a column of the tree's own name, not only one of a question that it shares with another
    known = {name for column in schema.columns for name in (column, f"{column}_fraction")}
    counts = np.zeros((n, len(schema.columns)), np.float32)
    if known & set(table.column_names):
        kind: Any = recipe.votes
        counts = read_counts(table, schema, kind=kind, volunteers=recipe.volunteers)
    implied = np.zeros((n, len(schema.columns)), bool)
    if recipe.labels_weight and SUMMARY in table.column_names:
        try:
            implied = implied_answers(table[SUMMARY].to_pylist(), schema)
        except (InputError, ConfigError) as error:
            raise InputError(
                f"column {SUMMARY!r} has a label that says nothing of tree {schema.name!r}: "
                f"{error}; set labels_weight=0 to learn from votes alone"
            ) from error
    implied[counts.sum(1) > 0] = False
    if not counts.any() and not implied.any() and not recipe.unsupervised:
        raise InputError(
            f"no galaxy has votes of tree {schema.name!r} or a label; expected columns such as "
            f"{schema.columns[0]} or {schema.columns[0]}_fraction. To learn without them set "
            "contrast_weight or structure_dimensions"
        )
    return counts, implied


def votes_weight(galaxies: Galaxies, recipe: Recipe) -> FloatArray:
    """How much each galaxy's votes count, shape (n,).

    A galaxy that volunteers agree on has a class label, where the data have labels; those
    without one are the ambiguous ones, which a survey has more of than a training set.
    """
    weight = np.ones(len(galaxies.ids), np.float32)
    if SUMMARY in galaxies.table.column_names:
        unlabeled = galaxies.table[SUMMARY].is_null().to_numpy(zero_copy_only=False)
        weight[unlabeled] = recipe.unlabeled_weight
    return weight


def read_training_set(
    galaxies: Galaxies,
    recipe: Recipe,
    schema: Schema,
    cache: Path,
    *,
    dropped: frozenset[str] = frozenset(),
    threads: int = 0,
    on_event: OnEvent = silent,
) -> tuple[TrainingSet, dict[str, Any]]:
    """Bring the images to the recipe's stored size, once, into files under ``cache``.

    Parameters
    ----------
    cache
        Folder for the images (``KEY.npy``), which are mapped, not read, so that a set may be
        larger than memory. The key digests the input files and what of the recipe shapes the
        images; where its files are there, no image is decoded.
    dropped
        Ids to leave out, because their galaxy is scored elsewhere.

    Returns
    -------
    TrainingSet, dict
        And what to tell the user: ``galaxies``, ``voted``, ``labeled``, ``dropped``,
        ``ids_not_found``, ``unreadable``.

    Raises
    ------
    InputError
        See :func:`targets`; or no galaxy is left.
    TooManyFailuresError
        More than 1% of the images, and more than one, cannot be read.
    DiskError
        The disk has no room for the images.
    """
    keep = np.flatnonzero([i not in dropped for i in galaxies.ids])
    if not len(keep):
        raise InputError("no galaxy is left to learn from; see the data and the ids to leave out")
    counts, implied = targets(galaxies, recipe, schema)
    stored = stored_images(galaxies, keep, recipe, cache, threads, on_event)
    counts, implied = counts[stored.rows], implied[stored.rows]
    weight = votes_weight(galaxies, recipe)[stored.rows]
    # where all count the same it is left out, as in trainings from before it was looked at
    told = weight.tobytes() if (weight != 1).any() else b""
    votes = hashlib.sha256(counts.tobytes() + implied.tobytes() + told).hexdigest()
    data = TrainingSet(
        stored.images,
        torch.from_numpy(counts),
        torch.from_numpy(implied),
        stored.structure,
        torch.from_numpy(weight),
        # the key stands for the ids, in order, and for the files of images
        config.digest(stored.key, votes),
    )
    return data, {
        "galaxies": len(data),
        "voted": int(data.voted.sum()),
        "labeled": int(data.implied.any(1).sum()),
        "dropped": len(galaxies.ids) - len(keep),
        "ids_not_found": sorted(dropped - set(galaxies.ids)),
        "unreadable": stored.unreadable,
    }


def split(n: int, recipe: Recipe) -> tuple[IntArray, IntArray]:
    """Rows to learn from and rows held out, ascending; a seeded split of ``n`` galaxies.

    Raises
    ------
    InputError
        Fewer than two galaxies would be held out, or none learned from.
    """
    order = np.random.default_rng(recipe.seed).permutation(n)
    cut = round(n * recipe.held_out)
    if cut < 2 or cut == n:
        raise InputError(
            f"held_out = {recipe.held_out} holds out {cut} of {n} galaxies; at least 2 are needed "
            "to judge by, and some to learn from"
        )
    return np.sort(order[cut:]), np.sort(order[:cut])


def batch_rows(voted: npt.NDArray[np.bool_], recipe: Recipe, step: int) -> IntArray:
    """Rows of one step, a function of the step alone, so that training resumes anywhere.

    Galaxies with and without votes each come in their own endless sequence of permutations;
    where there are only ones of a kind, they fill the batch.
    """
    n_voted = round(recipe.batch * recipe.voted_share)
    if voted.all() or not voted.any():
        n_voted = recipe.batch if voted.all() else 0
    parts = []
    for kind, size in ((True, n_voted), (False, recipe.batch - n_voted)):
        rows = np.flatnonzero(voted == kind)
        places = np.arange(step * size, (step + 1) * size)
        for epoch in np.unique(places // max(len(rows), 1)).tolist():
            order = _permutation(len(rows), recipe.seed, int(kind), epoch)
            parts.append(rows[order[places[places // len(rows) == epoch] % len(rows)]])
    return np.concatenate(parts)


@lru_cache(maxsize=8)
def _permutation(n: int, *seed: int) -> IntArray:
    return np.random.default_rng(seed).permutation(n)
