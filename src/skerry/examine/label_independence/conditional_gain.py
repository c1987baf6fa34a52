"""What a representation tells of a target beyond votes and nuisance, and how surely.

The null: the target is independent of the representation given the nuisance and the shares that
many volunteers would give, of this source and of sources that look so. Predicted votes are such
shares. Observed votes are few, and a representation that is a noise-free function of the shares
tells a target better than they do, though it holds nothing else. Under the null the target's mean,
given observed votes and representation, is that of a function of the shares over their posterior;
so what is fitted on are the votes and, beside them, the votes that the representation lets expect
(regression calibration: Carroll et al. 2006, Measurement Error in Nonlinear Models, chapter 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import threadpoolctl

from skerry.examine.label_independence.crossfit import (
    FOLDS,
    Crossed,
    curved,
    standardized,
    tamed,
    trimmed,
)
from skerry.examine.label_independence.latent_votes import latent, redrawn, shares_of
from skerry.examine.label_independence.voting import Votes
from skerry.examine.statistics import Z95
from skerry.types import DoubleArray, IntArray

WORLDS = 99
"""Simulated representations that are functions of the votes and the nuisance alone."""
WORLD_DRAWS = 39
"""Draws of the target in each of these."""
_HIDDEN, _STEEP, _JITTER = 64, 1.5, 0.01
_BENT = 100
"""Gaussian functions of the representation that expected votes are fitted with."""


@dataclass(frozen=True)
class Gain:
    """What a representation adds for one target, in ``n`` sources.

    ``explained`` is the share of its variance that votes and nuisance explain, ``gain`` the share
    of the rest that the representation explains, with its 95% interval, both of sources that were
    not fitted on; ``drawn_p`` is the p-value of the conditional randomization. ``world_gains``
    (worlds,) are of representations that hold the votes alone, ``world_p`` what the randomization
    says of them.
    """

    n: int
    explained: float
    gain: float
    low: float
    high: float
    drawn_p: float
    world_gains: DoubleArray
    world_p: DoubleArray

    @property
    def p(self) -> float:
        """The larger of the randomization's p-value and of the share of worlds that gain as much,
        this one counted."""
        above = int((self.world_gains >= self.gain).sum())
        return max(self.drawn_p, (1 + above) / (1 + len(self.world_gains)))


def gains(
    votes: Votes,
    vectors: DoubleArray,
    nuisance: DoubleArray,
    targets: DoubleArray,
    *,
    draws: int,
    seed: Sequence[int],
    worlds: int = WORLDS,
) -> list[Gain]:
    """Test each target (n, t) given votes and nuisance (n, m), all of the same n sources.

    Three ridge regressions, each source predicted from those of other folds: of the target and of
    the vectors (n, d) on votes and nuisance, with Gaussian functions of both; and of what is left
    of the target on what is left of the vectors. What matters is the error left in both (as in
    Chernozhukov et al. 2018, Econometrics Journal 21, C1). The statistic is the gain of the last.

    Its p-value is from ``draws`` of the target given votes, nuisance and representation under the
    null: its fitted mean and its own residuals with random signs, so that noise may depend on
    anything (a conditional randomization, Candès et al. 2018, JRSS B 80, 551, by Liu's 1988 wild
    bootstrap, Annals of Statistics 16, 1696). No regression is perfect, so the null is also
    simulated as a whole: shares are drawn from their posterior and votes from these; the
    representation is a random smooth function of shares and nuisance, with 1% of noise; the target
    is another, which votes and nuisance explain as well as the true one, with its noise.
    """
    rng = np.random.default_rng(list(seed))
    n = len(targets)
    fold = rng.permutation(n) % FOLDS
    vectors = tamed(vectors)
    with threadpoolctl.threadpool_limits(1):
        known, expected = _conditioned(votes, vectors, nuisance, fold, rng)
        added = Crossed(trimmed(vectors - known.predict(vectors)), fold)
        left, after = _left(known, added, targets)
        mean = targets - left
        explained = _gains(targets - targets.mean(axis=0), left)
        p = [
            _p_value(known, added, mean[:, t], left[:, t], after[:, t], draws, rng)
            for t in range(targets.shape[1])
        ]
        made = [
            _world(
                votes,
                expected,
                nuisance,
                explained,
                after,
                vectors.shape[1],
                known,
                fold,
                rng,
            )
            for _ in range(worlds)
        ]
    world_gains = np.array([g for g, _ in made]).reshape(len(made), targets.shape[1])
    world_p = np.array([q for _, q in made]).reshape(len(made), targets.shape[1])
    found = []
    for t in range(targets.shape[1]):
        gain, low, high = _gain_interval(left[:, t], after[:, t])
        found.append(
            Gain(n, float(explained[t]), gain, low, high, p[t], world_gains[:, t], world_p[:, t])
        )
    return found


def _conditioned(
    votes: Votes,
    vectors: DoubleArray,
    nuisance: DoubleArray,
    fold: IntArray,
    rng: np.random.Generator,
) -> tuple[Crossed, DoubleArray]:
    """Votes and nuisance to fit on, and the votes that the vectors let expect, where noisy."""
    plain, expected = votes.columns, np.empty((0, 0))
    if votes.noisy:
        seen = curved(vectors, rng, _BENT)
        expected = np.clip(Crossed(seen, fold).predict(plain), 0.0, 1.0)
        plain = np.concatenate([plain, expected], axis=1)
    together = np.concatenate([plain, nuisance], axis=1)
    features = np.concatenate([curved(together, rng), standardized(nuisance**2)], axis=1)
    return Crossed(features, fold), expected


def _left(known: Crossed, added: Crossed, targets: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """What is left of targets (n, t) by what is known, and then by what is added."""
    left = targets - known.predict(targets)
    return left, left - added.predict(left)


def _gains(left: DoubleArray, after: DoubleArray) -> DoubleArray:
    return np.asarray(1 - (after**2).sum(axis=0) / (left**2).sum(axis=0))


def _p_value(
    known: Crossed,
    added: Crossed,
    mean: DoubleArray,
    left: DoubleArray,
    after: DoubleArray,
    draws: int,
    rng: np.random.Generator,
) -> float:
    above, done = 0, 0
    gain = _gains(left[:, None], after[:, None])[0]
    while done < draws:
        many = min(250, draws - done)
        drawn = mean[:, None] + left[:, None] * rng.choice([-1.0, 1.0], (len(left), many))
        above += int((_gains(*_left(known, added, drawn)) >= gain).sum())
        done += many
    return (1 + above) / (1 + draws)


def _world(
    votes: Votes,
    expected: DoubleArray,
    nuisance: DoubleArray,
    explained: DoubleArray,
    noise: DoubleArray,
    dimensions: int,
    known: Crossed,
    fold: IntArray,
    rng: np.random.Generator,
) -> tuple[DoubleArray, DoubleArray]:
    """The gains and p-values (t,) of a representation that holds votes and nuisance alone."""
    if votes.noisy:
        tree, counts = votes.tree, votes.values
        shares = latent(counts, shares_of(expected, counts, tree), tree).draw(rng)
        held = np.sqrt(tree.cumulative(shares))
        votes = Votes(votes.kind, tree, votes.rows, redrawn(shares, counts, tree, rng))
    else:
        held = votes.columns
    held = standardized(np.concatenate([held, nuisance], axis=1))
    vectors = _function(held, dimensions, rng)
    vectors = standardized(vectors + _JITTER * rng.standard_normal(vectors.shape))
    if votes.noisy:
        known, _ = _conditioned(votes, vectors, nuisance, fold, rng)
    added = Crossed(trimmed(vectors - known.predict(vectors)), fold)
    truth = _function(held, noise.shape[1], rng)
    found = _gains(truth, truth - known.predict(truth))
    signal = np.clip(explained / np.maximum(found, 0.1), 0.0, 0.95)
    signs = rng.choice([-1.0, 1.0], (len(noise), 1))
    drawn = np.sqrt(signal) * truth + np.sqrt(1 - signal) * standardized(noise * signs)
    now, after = _left(known, added, drawn)
    p = [
        _p_value(known, added, (drawn - now)[:, t], now[:, t], after[:, t], WORLD_DRAWS, rng)
        for t in range(noise.shape[1])
    ]
    return _gains(now, after), np.array(p)


def _function(values: DoubleArray, outputs: int, rng: np.random.Generator) -> DoubleArray:
    """Random smooth functions (n, outputs) of standardized columns (n, d), of variance 1: a
    network of one hidden layer, as steep as to saturate now and then."""
    weights = rng.standard_normal((values.shape[1], _HIDDEN)) * _STEEP
    inside = values @ weights / np.sqrt(values.shape[1])
    hidden = np.tanh(inside + rng.standard_normal(_HIDDEN) / 2)
    return standardized(hidden @ rng.standard_normal((_HIDDEN, outputs)))


def _gain_interval(left: DoubleArray, after: DoubleArray) -> tuple[float, float, float]:
    """The gain with its 95% interval, of a ratio of means over sources."""
    before = left**2
    gain = float(1 - (after**2).sum() / before.sum())
    spread = (before - after**2 - gain * before).std(ddof=1) / before.mean()
    half = Z95 * float(spread) / np.sqrt(len(left))
    return gain, gain - half, gain + half
