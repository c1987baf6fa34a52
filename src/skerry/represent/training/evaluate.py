"""What a network says of galaxies: views of them, the loss, held-out scores, lessons for others."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from skerry.represent.dimensions import effective_dimensions
from skerry.represent.network import VoteNetwork
from skerry.represent.training.augment import shown_part
from skerry.represent.training.data import Batch, TrainingSet
from skerry.represent.training.loss import contrast, labels_nll, redundancy, votes_nll
from skerry.represent.training.recipe import Recipe
from skerry.represent.trees.schema import Schema
from skerry.types import IntArray

CHUNK = 256


def plain_view(images: Tensor, recipe: Recipe) -> Tensor:
    """Images as they are shown when nothing is augmented, in [0, 1]."""
    center = shown_part(images, recipe.shown).float() / 255
    return functional.interpolate(center, recipe.size, mode="area")


def loss_of(
    schema: Schema,
    recipe: Recipe,
    batch: Batch,
    representation: Tensor,
    alpha: Tensor,
    compared: tuple[Tensor, ...] = (),
) -> Tensor:
    """Mean loss of a batch: votes, labels, structure, and how views agree.

    ``representation`` and ``alpha`` are of all first views, then of all second ones.
    ``compared`` are the first and second views whose representations, without the part on
    structure, are held against each other.
    """
    views = len(alpha) // len(batch)
    counts, implied = batch.counts.repeat(views, 1), batch.implied.repeat(views, 1)
    votes, labels = votes_nll(schema, alpha, counts), labels_nll(schema, alpha, implied)
    votes = votes * batch.weight.repeat(views)
    loss = (recipe.votes_weight * votes + recipe.labels_weight * labels).mean()
    if compared:
        first, second = compared
        loss = loss + recipe.contrast_weight * contrast(first, second, recipe.temperature)
        loss = loss + recipe.redundancy_weight * redundancy(first, second)
    if recipe.structure_dimensions:
        alike = structure_alike(batch, representation, recipe)
        loss = loss + recipe.structure_weight * (1 - alike).mean()
    return loss


def free_part(representation: Tensor, recipe: Recipe) -> Tensor:
    """Unit vectors of the part of a representation that is not on structure."""
    return functional.normalize(representation[:, recipe.structure_dimensions :], dim=1)


def structure_alike(batch: Batch, representation: Tensor, recipe: Recipe) -> Tensor:
    """Cosine between what is told of structure and its target, a value a view."""
    told = representation[:, : recipe.structure_dimensions] / recipe.structure_share**0.5
    return (told * batch.structure.repeat(len(told) // len(batch), 1)).sum(1)


@torch.no_grad()
def evaluate(
    network: VoteNetwork, data: TrainingSet, rows: IntArray, recipe: Recipe, schema: Schema
) -> dict[str, float]:
    """Scores on held-out galaxies, shown plain (and turned by 90° where views are compared).

    ``held_out_loss`` is the loss of the training; ``effective_dimensions``, where vectors vary,
    see :mod:`skerry.represent.dimensions`; ``held_out_rmse``, where there are votes, the error of
    the share of each answer among those asked, where at least half of a galaxy's volunteers were;
    ``held_out_structure``, where structure is learned, the mean cosine to its targets.
    """
    network.eval()
    device = next(network.parameters()).device
    losses, squares, alike, vectors = [], [], [], []
    for part in np.array_split(rows, -(-len(rows) // CHUNK)):
        batch = data.take(part).to(device)
        images = plain_view(batch.images, recipe)
        shown = [images, torch.rot90(images, 1, (2, 3))][: recipe.views]
        representation, alpha = network(torch.cat(shown))
        free = free_part(representation, recipe).chunk(2) if recipe.views == 2 else ()
        loss = loss_of(schema, recipe, batch, representation, alpha, free)
        losses.append(loss * len(batch))
        vectors.append(representation[: len(batch)])
        alike.append(structure_alike(batch, vectors[-1], recipe))
        totals = torch.stack([batch.counts[:, s].sum(1) for s in schema.slices], 1)
        often = (totals >= 0.5 * totals.amax(1, keepdim=True)) & (totals > 0)
        for s, asked in zip(schema.slices, often.unbind(1), strict=True):
            truth = batch.counts[asked, s] / batch.counts[asked, s].sum(1, keepdim=True)
            share = alpha[: len(batch)][asked, s]
            squares.append((truth - share / share.sum(1, keepdim=True)).square().ravel())
    network.train()
    found = {"held_out_loss": float(torch.stack(losses).sum() / len(rows))}
    dimensions = effective_dimensions(torch.cat(vectors).double().cpu().numpy())
    if not math.isnan(dimensions):
        found["effective_dimensions"] = dimensions
    errors = torch.cat(squares)
    if len(errors):
        found["held_out_rmse"] = float(errors.mean().sqrt())
    if recipe.structure_dimensions:
        found["held_out_structure"] = float(torch.cat(alike).mean())
    return found


@torch.no_grad()
def teach(
    network: VoteNetwork, data: TrainingSet, rows: IntArray, recipe: Recipe, schema: Schema
) -> TrainingSet:
    """The same galaxies; those of ``rows`` without votes get the counts ``network`` expects.

    The expected shares, averaged over four turned views, stand for ``taught_volunteers`` people
    (Lee 2013, pseudo-labels); questions follow the tree.
    """
    network.eval()
    device = next(network.parameters()).device
    counts = data.counts.clone()
    unvoted = rows[~data.voted[rows]]
    for start in range(0, len(unvoted), CHUNK):
        part = unvoted[start : start + CHUNK]
        images = plain_view(data.take(part).images.to(device), recipe)
        shares = torch.zeros(len(part), len(schema.columns), device=device)
        for turns in range(4):
            alpha = network(torch.rot90(images, turns, (2, 3)))[1]
            for s in schema.slices:
                shares[:, s] += alpha[:, s] / alpha[:, s].sum(1, keepdim=True) / 4
        counts[torch.from_numpy(part)] = recipe.taught_volunteers * schema.cumulative(shares).cpu()
    return replace(data, counts=counts)
