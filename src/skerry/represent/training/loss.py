"""Likelihoods of volunteer votes and of class labels given predicted concentrations."""

from __future__ import annotations

import torch
from torch import Tensor

from skerry.represent.trees.schema import Schema


def dirichlet_multinomial_nll(alpha: Tensor, counts: Tensor) -> Tensor:
    """Negative log likelihood of the answers to one question.

    Parameters
    ----------
    alpha
        Predicted concentrations, shape (n_galaxies, n_answers), positive.
    counts
        Votes for each answer, same shape; need not be whole numbers. A galaxy without votes
        contributes nothing, to the value or to the gradient.

    Returns
    -------
    Tensor
        Shape (n_galaxies,), natural log, without the term in ``counts`` alone (Walmsley et al.
        2022, MNRAS 509, 3966, equation 2, whose multinomial coefficient does not depend on the
        network).
    """
    alpha, counts = _at_least_single(alpha), _at_least_single(counts)
    total_alpha, total = alpha.sum(-1), counts.sum(-1)
    nll = (
        torch.lgamma(total_alpha + total)
        - torch.lgamma(total_alpha)
        - (torch.lgamma(alpha + counts) - torch.lgamma(alpha)).sum(-1)
    )
    return torch.where(total > 0, nll, torch.zeros_like(nll))


def _at_least_single(values: Tensor) -> Tensor:
    """Half precision as float32, for lgamma's sake; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def votes_nll(schema: Schema, alpha: Tensor, counts: Tensor) -> Tensor:
    """Sum over a schema's questions of :func:`dirichlet_multinomial_nll`, shape (n_galaxies,)."""
    terms = [dirichlet_multinomial_nll(alpha[:, s], counts[:, s]) for s in schema.slices]
    return torch.stack(terms).sum(0)


def labels_nll(schema: Schema, alpha: Tensor, implied: Tensor) -> Tensor:
    """Categorical term of class labels on the answers they imply.

    ``implied`` is boolean, shape (n_galaxies, n_columns): the answers that a galaxy's label
    implies, none for a galaxy without label. The probability of an answer is its expected share
    ``alpha / sum(alpha)``; where a label allows several answers, the sum of theirs. Returns
    shape (n_galaxies,).
    """
    alpha = _at_least_single(alpha)
    terms = []
    for s in schema.slices:
        share = (alpha[:, s] * implied[:, s]).sum(-1) / alpha[:, s].sum(-1)
        asked = implied[:, s].any(-1)
        terms.append(torch.where(asked, -torch.log(share.clamp_min(1e-6)), torch.zeros_like(share)))
    return torch.stack(terms).sum(0)


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """How well two views of a galaxy find each other among all views of a batch.

    ``first`` and ``second`` are unit vectors, shape (n_galaxies, dimensions). The normalized
    temperature-scaled cross entropy of Chen et al. 2020 (ICML, equation 1), a scalar; joined to
    votes as in Walmsley et al. 2022 (arXiv 2206.11927).
    """
    views = _at_least_single(torch.cat([first, second]))
    alike = views @ views.T / temperature
    alike.fill_diagonal_(float("-inf"))
    n = len(first)
    partner = torch.arange(2 * n, device=views.device).roll(n)
    return torch.nn.functional.cross_entropy(alike, partner)


def redundancy(first: Tensor, second: Tensor, off_diagonal: float = 0.05) -> Tensor:
    """How far the dimensions of two views are from each being the same and saying its own.

    ``first`` and ``second`` have shape (n_galaxies, dimensions). The Barlow Twins loss of
    Zbontar et al. 2021 (ICML, equation 1), a scalar, divided by the number of dimensions:
    without it the votes leave few directions in use.
    """
    n, dimensions = first.shape
    standard = [
        (v - v.mean(0)) / (v.std(0, correction=0) + 1e-6)
        for v in map(_at_least_single, (first, second))
    ]
    correlation = standard[0].T @ standard[1] / n
    same = (torch.diagonal(correlation) - 1).square().sum()
    other = correlation.square().sum() - torch.diagonal(correlation).square().sum()
    return (same + off_diagonal * other) / dimensions
