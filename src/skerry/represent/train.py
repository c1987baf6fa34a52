"""Training an encoder on volunteer votes and class labels: one loop, read top to bottom."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from torch import Tensor

from skerry.errors import ConfigError, InputError
from skerry.represent.augment import augment
from skerry.represent.labels import counts_from_fractions, implied_answers, vote_fractions
from skerry.represent.loss import contrast, labels_nll, redundancy, votes_nll
from skerry.represent.network import Average, VoteNetwork
from skerry.represent.schema import GZ2_TRAINED, Schema


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

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: npt.NDArray[np.int64]) -> TrainingSet:
        """The same for some rows."""
        index = torch.from_numpy(rows)
        return TrainingSet(self.images[index], self.counts[index], self.implied[index])

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
    return TrainingSet(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.concatenate(counts)),
        torch.from_numpy(np.concatenate(implied)),
    )


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


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to zero."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def image_size(recipe: Recipe, step: int) -> int:
    """Side of the images at a step: small ones first, which cost less."""
    return recipe.first_size if step < recipe.first_share * recipe.steps else recipe.size


def loss_of(
    schema: Schema, recipe: Recipe, alpha: Tensor, counts: Tensor, implied: Tensor
) -> Tensor:
    """Mean loss of a batch: weighted votes and labels."""
    votes, labels = votes_nll(schema, alpha, counts), labels_nll(schema, alpha, implied)
    return (recipe.votes_weight * votes + recipe.labels_weight * labels).mean()


@torch.no_grad()
def evaluate(
    network: VoteNetwork, data: TrainingSet, recipe: Recipe, schema: Schema
) -> dict[str, float]:
    """Held-out loss, and RMSE of the share of each answer among those asked."""
    network.eval()
    losses, squares = [], []
    for start in range(0, len(data), 256):
        part = data.take(np.arange(start, min(start + 256, len(data))))
        images = torch.nn.functional.interpolate(
            part.images.float() / 255, recipe.size, mode="area"
        )
        alpha = network(images)[1]
        losses.append(loss_of(schema, recipe, alpha, part.counts, part.implied) * len(part))
        for s in schema.slices:
            asked = part.counts[:, s].sum(1) >= 0.5 * recipe.volunteers
            truth = part.counts[asked, s] / part.counts[asked, s].sum(1, keepdim=True)
            share = alpha[asked, s] / alpha[asked, s].sum(1, keepdim=True)
            squares.append((truth - share).square().ravel())
    network.train()
    return {
        "held_out_loss": float(torch.stack(losses).sum() / len(data)),
        "held_out_rmse": float(torch.cat(squares).mean().sqrt()),
    }


def _save(path: Path, payload: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    torch.save(payload, partial)
    os.replace(partial, path)


def train(
    data: TrainingSet,
    recipe: Recipe,
    folder: Path,
    *,
    schema: Schema = GZ2_TRAINED,
    start_from: Path | None = None,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Path:
    """Train, or go on training, the recipe's network; returns the checkpoint's path.

    The checkpoint and ``log.jsonl`` lie in ``folder``. A training that was stopped goes on from
    its last checkpoint and sees the same galaxies, turned the same way, as one that was not.
    ``start_from`` is the checkpoint of another training whose averaged weights this one begins
    with.

    Raises
    ------
    ConfigError
        The folder holds a training by another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    torch.manual_seed(recipe.seed)
    network = VoteNetwork(
        recipe.architecture,
        schema,
        dimensions=recipe.dimensions,
        dropout=recipe.dropout,
        drop_path=recipe.drop_path,
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start_from is not None:
        network.load_state_dict(torch.load(start_from, weights_only=True)["average"])
    average = Average(network, recipe.average_decay)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
    )
    start = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["recipe"] != asdict(recipe):
            raise ConfigError(f"{folder} holds a training by another recipe; choose a new folder")
        network.load_state_dict(saved["network"])
        average.state = saved["average"]
        optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"]

    training, held_out = split(data, recipe)
    judged = VoteNetwork(recipe.architecture, schema, dimensions=recipe.dimensions)
    began, running = time.monotonic(), []
    end = recipe.stop_after or recipe.steps
    for step in range(start, end):
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        part = training.take(batch_rows(training.voted, recipe, step))
        images = part.images.float() / 255
        size = image_size(recipe, step)
        if size < recipe.size:
            stored = round(recipe.stored_size * size / recipe.size)
            images = torch.nn.functional.interpolate(images, stored, mode="area")
        views = 2 if recipe.contrast_weight else 1
        images = torch.cat([augment(images, size, generator) for _ in range(views)])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        images = images.contiguous(memory_format=torch.channels_last)
        representation, alpha = network(images)
        counts, implied = part.counts.repeat(views, 1), part.implied.repeat(views, 1)
        loss = loss_of(schema, recipe, alpha, counts, implied)
        if views == 2:
            first, second = representation.chunk(2)
            alike = contrast(first, second, recipe.temperature)
            loss = loss + recipe.contrast_weight * alike
            loss = loss + recipe.redundancy_weight * redundancy(first, second)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average.update(network, step)
        running.append(loss.item())

        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == end:
            judged.load_state_dict(average.state)
            event = {
                "step": step + 1,
                "loss": sum(running) / len(running),
                **evaluate(judged, held_out, recipe, schema),
                "images_per_second": len(running) * recipe.batch / (time.monotonic() - began),
            }
            _save(
                checkpoint,
                {
                    "recipe": asdict(recipe),
                    "step": step + 1,
                    "network": network.state_dict(),
                    "average": average.state,
                    "optimizer": optimizer.state_dict(),
                },
            )
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(event) + "\n")
            on_event(event)
            began, running = time.monotonic(), []
    return checkpoint
