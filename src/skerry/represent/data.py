"""What a training learns from, and in which order it sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from torch import Tensor

from skerry.errors import InputError
from skerry.represent.labels import counts_from_fractions, implied_answers, vote_fractions
from skerry.represent.schema import GZ2_TRAINED, Schema
from skerry.represent.structure import StructureScale, structure


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training, in the units of the loop below."""

    architecture: str = "efficientnet_b0"
    dimensions: int = 128
    size: int = 96
    stored_size: int = 112
    first_size: int = 64
    first_share: float = 0.65
    volunteers: float = 40.0
    steps: int = 8_000
    stop_after: int = 0
    batch: int = 64
    voted_share: float = 0.4
    votes_weight: float = 0.125
    labels_weight: float = 1.0
    contrast_weight: float = 0.0
    temperature: float = 0.15
    redundancy_weight: float = 0.0
    structure_dimensions: int = 0
    structure_share: float = 0.65
    structure_weight: float = 5.0
    taught_volunteers: float = 0.0
    shown: float = 1.0
    noise: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    weight_decay: float = 0.05
    dropout: float = 0.2
    drop_path: float = 0.1
    average_decay: float = 0.996
    held_out: float = 0.05
    checkpoint_every: int = 250
    seed: int = 20231205


@dataclass(frozen=True)
class TrainingSet:
    """Galaxies to learn from.

    ``images`` uint8 (n, 3, side, side); ``counts`` float32 (n, n_columns), zeros without votes;
    ``implied`` bool (n, n_columns), nothing for galaxies with votes or without a label.
    """

    images: Tensor
    counts: Tensor
    implied: Tensor
    structure: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: npt.NDArray[np.int64]) -> TrainingSet:
        """The same for some rows."""
        index = torch.from_numpy(rows)
        return TrainingSet(
            self.images[index], self.counts[index], self.implied[index], self.structure[index]
        )

    @property
    def voted(self) -> npt.NDArray[np.bool_]:
        """Which galaxies have votes, shape (n,)."""
        return np.asarray(self.counts.sum(1) > 0)


def read_training_set(
    folder: Path, recipe: Recipe, dropped: frozenset[str], schema: Schema = GZ2_TRAINED
) -> TrainingSet:
    """Read Parquet files with images inside, vote fractions and a ``summary`` label.

    ``dropped`` are ids left out because their galaxy is scored elsewhere.

    Raises
    ------
    InputError
        The folder holds no Parquet file.
    """
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise InputError(f"no .parquet file in {folder}: give the folder of the training data")
    images, counts, implied = [], [], []
    for path in paths:
        table = pq.read_table(path)
        keep = np.array([i not in dropped for i in table["id_str"].to_pylist()])
        table = table.filter(keep)
        fractions = vote_fractions(table, schema)
        labels = implied_answers(table["summary"].to_pylist(), schema)
        labels[~np.isnan(fractions).any(1)] = False
        counts.append(counts_from_fractions(fractions, recipe.volunteers))
        implied.append(labels)
        for image in table["image"].to_pylist():
            pixels = cv2.imdecode(np.frombuffer(image["bytes"], np.uint8), cv2.IMREAD_COLOR_RGB)
            side = (recipe.stored_size, recipe.stored_size)
            images.append(cv2.resize(pixels, side, interpolation=cv2.INTER_AREA))
    pixels_first = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return TrainingSet(
        pixels_first,
        torch.from_numpy(np.concatenate(counts)),
        torch.from_numpy(np.concatenate(implied)),
        structure_targets(pixels_first, recipe.structure_dimensions),
    )


def structure_targets(images: Tensor, dimensions: int) -> Tensor:
    """Targets of structure of a training set, shape (n, dimensions)."""
    if not dimensions:
        return torch.zeros(len(images), 0)
    measures = torch.cat([structure(part) for part in images.split(512)])
    return StructureScale.fit(measures, dimensions).targets(measures)


def split(data: TrainingSet, recipe: Recipe) -> tuple[TrainingSet, TrainingSet]:
    """Seeded split into training and held-out galaxies."""
    order = np.random.default_rng(recipe.seed).permutation(len(data))
    cut = round(len(data) * recipe.held_out)
    return data.take(np.sort(order[cut:])), data.take(np.sort(order[:cut]))


def batch_rows(voted: npt.NDArray[np.bool_], recipe: Recipe, step: int) -> npt.NDArray[np.int64]:
    """Rows of one step, a function of the step alone, so that training resumes anywhere.

    Galaxies with and without votes each come in their own endless sequence of permutations.
    """
    n_voted = round(recipe.batch * recipe.voted_share)
    parts = []
    for kind, size in ((True, n_voted), (False, recipe.batch - n_voted)):
        rows = np.flatnonzero(voted == kind)
        places = np.arange(step * size, (step + 1) * size) if len(rows) else np.arange(0)
        for epoch in np.unique(places // max(len(rows), 1)):
            order = np.random.default_rng((recipe.seed, int(kind), int(epoch))).permutation(rows)
            parts.append(order[places[places // len(rows) == epoch] % len(rows)])
    return np.concatenate(parts)
