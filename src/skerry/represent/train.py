"""Training an encoder on volunteer votes and class labels: one loop, read top to bottom."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skerry.errors import ConfigError
from skerry.represent.augment import augment
from skerry.represent.data import Recipe, TrainingSet, batch_rows, split
from skerry.represent.loss import contrast, labels_nll, redundancy, votes_nll
from skerry.represent.network import Average, VoteNetwork
from skerry.represent.schema import GZ2_TRAINED, Schema
from skerry.store import replacing


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


def plain_view(images: Tensor, recipe: Recipe) -> Tensor:
    """Images as they are shown when nothing is augmented, in [0, 1]."""
    kept = round(images.shape[-1] * recipe.shown)
    edge = (images.shape[-1] - kept) // 2
    center = images[..., edge : edge + kept, edge : edge + kept].float() / 255
    return torch.nn.functional.interpolate(center, recipe.size, mode="area")


def network_of(recipe: Recipe, schema: Schema) -> VoteNetwork:
    """The network that a recipe trains, with its first random weights."""
    return VoteNetwork(
        recipe.architecture,
        schema,
        dimensions=recipe.dimensions,
        dropout=recipe.dropout,
        drop_path=recipe.drop_path,
        structure_dimensions=recipe.structure_dimensions,
        structure_share=recipe.structure_share,
        options=recipe.options,
    )


@torch.no_grad()
def teach(network: VoteNetwork, data: TrainingSet, recipe: Recipe, schema: Schema) -> TrainingSet:
    """The same galaxies; those without votes get the counts that ``network`` expects.

    The expected shares, averaged over four turned views, stand for ``taught_volunteers`` people
    (Lee 2013, pseudo-labels); questions follow the tree.
    """
    network.eval()
    counts = data.counts.clone()
    for start in range(0, len(data), 256):
        rows = torch.arange(start, min(start + 256, len(data)))
        rows = rows[counts[rows].sum(1) == 0]
        images = plain_view(data.images[rows], recipe)
        shares = torch.zeros(len(rows), len(schema.columns))
        for turns in range(4):
            alpha = network(torch.rot90(images, turns, (2, 3)))[1]
            for s in schema.slices:
                shares[:, s] += alpha[:, s] / alpha[:, s].sum(1, keepdim=True) / 4
        counts[rows] = recipe.taught_volunteers * schema.cumulative(shares)
    return TrainingSet(data.images, counts, data.implied, data.structure)


@torch.no_grad()
def evaluate(
    network: VoteNetwork, data: TrainingSet, recipe: Recipe, schema: Schema
) -> dict[str, float]:
    """Held-out loss, and RMSE of the share of each answer among those asked."""
    network.eval()
    losses, squares, alike = [], [], []
    for start in range(0, len(data), 256):
        part = data.take(np.arange(start, min(start + 256, len(data))))
        representation, alpha = network(plain_view(part.images, recipe))
        told = representation[:, : recipe.structure_dimensions]
        alike.append((told * part.structure).sum(1) / recipe.structure_share**0.5)
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
        "held_out_structure": float(torch.cat(alike).mean()),
    }


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
    network = network_of(recipe, schema).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
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
    voted = training.voted
    judged = network_of(recipe, schema)
    if recipe.taught_volunteers and start_from is not None:
        judged.load_state_dict(torch.load(start_from, weights_only=True)["average"])
        training = teach(judged, training, recipe, schema)
    began, running = time.monotonic(), []
    end = recipe.stop_after or recipe.steps
    for step in range(start, end):
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        part = training.take(batch_rows(voted, recipe, step))
        images = part.images.float() / 255
        size = image_size(recipe, step)
        if size < recipe.size:
            stored = round(recipe.stored_size * size / recipe.size)
            images = torch.nn.functional.interpolate(images, stored, mode="area")
        views = 2 if recipe.contrast_weight else 1
        images = torch.cat(
            [
                augment(images, size, generator, shown=recipe.shown, noise=recipe.noise)
                for _ in range(views)
            ]
        )
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        images = images.contiguous(memory_format=torch.channels_last)
        representation, alpha = network(images)
        counts, implied = part.counts.repeat(views, 1), part.implied.repeat(views, 1)
        loss = loss_of(schema, recipe, alpha, counts, implied)
        if views == 2:
            free = torch.nn.functional.normalize(
                representation[:, recipe.structure_dimensions :], dim=1
            )
            first, second = free.chunk(2)
            alike = contrast(first, second, recipe.temperature)
            loss = loss + recipe.contrast_weight * alike
            loss = loss + recipe.redundancy_weight * redundancy(first, second)
        if recipe.structure_dimensions:
            told = representation[:, : recipe.structure_dimensions] / recipe.structure_share**0.5
            alike = (told * part.structure.repeat(views, 1)).sum(1)
            loss = loss + recipe.structure_weight * (1 - alike).mean()
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
            payload = {
                "recipe": asdict(recipe),
                "step": step + 1,
                "network": network.state_dict(),
                "average": average.state,
                "optimizer": optimizer.state_dict(),
            }
            with replacing(checkpoint) as partial:
                torch.save(payload, partial)
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(event) + "\n")
            on_event(event)
            began, running = time.monotonic(), []
    return checkpoint
