"""A set of drawn disks that a tiny network learns in a second, and the recipe it does it by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from skerry.represent.structure import StructureScale, structure
from skerry.represent.training.begin import begin
from skerry.represent.training.data import TrainingSet
from skerry.represent.training.recipe import Recipe
from skerry.represent.training.train import Outcome, train
from skerry.represent.trees.schema import Question, Schema

SCHEMA = Schema("s", (Question("bright", ("yes", "no")), Question("red", ("yes", "no"))))
RECIPE = Recipe(
    architecture="test_efficientnet", dimensions=16, size=16, stored_size=16, first_size=16,
    steps=60, batch=16, warmup_steps=5, held_out=0.1, checkpoint_every=20, dropout=0.1,
    drop_path=0.0, average_decay=0.9, learning_rate=3e-3,
)  # fmt: skip


def tiny_set(n: int = 64, structure_dimensions: int = 0) -> TrainingSet:
    """Bright or faint disks, red or blue: half with votes, half with labels."""
    rng = np.random.default_rng(0)
    bright, red = rng.random(n) < 0.5, rng.random(n) < 0.5
    y, x = np.mgrid[-1:1:16j, -1:1:16j]
    disk = np.exp(-4 * (x**2 + y**2)) * np.where(bright, 200, 60)[:, None, None]
    color = np.where(red[:, None], [1.0, 0.5, 0.2], [0.2, 0.5, 1.0])
    images = (disk[:, None] * color[:, :, None, None]).astype(np.uint8)
    truth = np.stack([bright, ~bright, red, ~red], 1)
    voted = np.arange(n) % 2 == 0
    counts = np.where(voted[:, None], truth * 36 + ~truth * 4, 0).astype(np.float32)
    targets = torch.zeros(n, 0)
    if structure_dimensions:
        measures = structure(torch.from_numpy(images))
        targets = StructureScale.fit(measures, structure_dimensions).targets(measures)
    implied = torch.from_numpy(truth & ~voted[:, None])
    return TrainingSet(images, torch.from_numpy(counts), implied, targets, torch.ones(n))


def trained(data: TrainingSet, recipe: Recipe, folder: Path, **how: object) -> Outcome:
    """A training of the tiny tree, begun and ended."""
    start_from = how.pop("start_from", None)
    return train(begin(recipe, SCHEMA, folder, start_from), data, **how)  # type: ignore[arg-type]


def saved(folder: Path, name: str = "checkpoint.pt") -> dict[str, torch.Tensor]:
    """A checkpoint's averaged weights."""
    return torch.load(folder / name, weights_only=True)["average"]
