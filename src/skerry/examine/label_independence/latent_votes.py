"""What volunteers would say if there were many: votes and their binomial noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skerry.represent.trees.tree import Schema
from skerry.types import DoubleArray

SMALLEST = 0.002
"""No expected share is thought to be smaller."""
CONCENTRATIONS = (0.5, 2000.0)
"""Range of the concentrations that are fitted."""


def stabilized(counts: DoubleArray, tree: Schema) -> DoubleArray:
    """Votes (n, k) on a scale where their noise depends little on what they are.

    Square roots of the fractions of all of a source's volunteers, as Anscombe (1948, Biometrika
    35, 246) shifts them: of a question with k answers, multinomial noise has variance
    (k - 1) / (4 volunteers) altogether, whatever the shares.
    """
    total = volunteers(counts, tree)[:, None]
    return np.asarray(np.sqrt((counts + 0.375) / (total + 0.75)))


def volunteers(counts: DoubleArray, tree: Schema) -> DoubleArray:
    """How many classified each source (n,): those asked the question asked most."""
    return np.asarray(np.stack([counts[:, s].sum(axis=1) for s in tree.slices]).max(axis=0))


def shares_of(expected: DoubleArray, counts: DoubleArray, tree: Schema) -> DoubleArray:
    """Shares (n, k) of those asked, from expected votes as `stabilized` gives them."""
    total = volunteers(counts, tree)[:, None]
    found = (np.maximum(expected, 0.0) ** 2 * (total + 0.75) - 0.375) / np.maximum(total, 1.0)
    return by_question(np.maximum(found, SMALLEST), tree)


@dataclass(frozen=True)
class Latent:
    """The posterior of each source's shares: Dirichlet for each question, ``alpha`` (n, k)."""

    alpha: DoubleArray
    tree: Schema

    def draw(self, rng: np.random.Generator) -> DoubleArray:
        """Shares (n, k) of those asked, at random."""
        return by_question(np.maximum(rng.standard_gamma(self.alpha), 1e-12), self.tree)


def latent(counts: DoubleArray, expected: DoubleArray, tree: Schema) -> Latent:
    """The shares behind votes, thought to scatter about ``expected`` before any vote.

    Votes are Dirichlet-multinomial (Walmsley et al. 2022, MNRAS 509, 3966, equation 2), with a
    concentration of each question that is fitted by maximum likelihood.

    Parameters
    ----------
    counts : float64 (n, k), votes for each answer of ``tree``, zeros where nobody was asked
    expected : float64 (n, k), shares of those asked, above 0
    """
    alpha = np.empty_like(counts)
    for s in tree.slices:
        alpha[:, s] = concentration(counts[:, s], expected[:, s]) * expected[:, s] + counts[:, s]
    return Latent(alpha, tree)


def redrawn(
    shares: DoubleArray, counts: DoubleArray, tree: Schema, rng: np.random.Generator
) -> DoubleArray:
    """Other votes (n, k), of as many volunteers as gave ``counts``, with chances ``shares``."""
    found = np.empty_like(counts)
    for s in tree.slices:
        asked = np.rint(counts[:, s].sum(axis=1)).astype(np.int64)
        found[:, s] = rng.multinomial(asked, shares[:, s])
    return found


def by_question(values: DoubleArray, tree: Schema) -> DoubleArray:
    """Positive values (n, k) with sum 1 over the answers of each question."""
    found = np.empty_like(values)
    for s in tree.slices:
        found[:, s] = values[:, s] / values[:, s].sum(axis=1, keepdims=True)
    return found


def concentration(counts: DoubleArray, expected: DoubleArray) -> float:
    """The concentration under which votes (n, answers) are likeliest; 1 where there are none."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    voted = counts.sum(axis=1) > 0
    if not voted.any():
        return 1.0
    counts, expected = counts[voted], expected[voted]
    asked = counts.sum(axis=1)

    def unlikely(log_concentration: float) -> float:
        c = float(np.exp(log_concentration))
        one = gammaln(counts + c * expected) - gammaln(c * expected)
        return -float(one.sum() + (gammaln(c) - gammaln(c + asked)).sum())

    fitted = minimize_scalar(unlikely, bounds=np.log(CONCENTRATIONS), method="bounded")
    return float(np.exp(fitted.x))
