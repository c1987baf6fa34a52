"""Seas of vectors without any class, groups planted in them, and what counts as found.

Two families of seas, different in kind. ``DEVELOPMENT``: those on which the settings of the
search were chosen. ``TEST``: those on which it is scored, and on which nothing was chosen.
Every sea takes (n, rng) and gives float32 (n, 128); its shape is drawn anew from ``rng``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from skerry.discover.matching import MATCH, Matcher
from skerry.types import DoubleArray, FloatArray, IntArray

D = 128
"""Dimensions, as the shipped encoder has them."""

_LOCAL = 30

Rng = np.random.Generator
Sea = Callable[[int, Rng], FloatArray]


def tanh_map(rng: Rng) -> Callable[[DoubleArray], DoubleArray]:
    """A smooth random map of 6-d latents (n, 6) to (n, 128)."""
    inner, bias = rng.normal(size=(6, 64)) / np.sqrt(6), rng.normal(size=64)
    outer = rng.normal(size=(64, D)) / 8
    return lambda latent: np.tanh(latent @ inner + bias) @ outer


def tanh(n: int, rng: Rng) -> FloatArray:
    """A smooth curved map of a 6-d normal."""
    return _noisy(tanh_map(rng)(rng.normal(size=(n, 6))), rng, 0.1)


def spectrum(n: int, rng: Rng) -> FloatArray:
    """A normal whose axes fall off as a power law."""
    return _noisy(_embedded(rng.normal(size=(n, D)) * np.arange(1, D + 1) ** -0.7, rng), rng, 0.0)


def curved(n: int, rng: Rng) -> FloatArray:
    """Random Fourier features of an evenly filled 3-d cube."""
    waves, phases = 2.5 * rng.normal(size=(3, 32)), rng.uniform(0, 2 * np.pi, 32)
    features = np.cos(rng.uniform(size=(n, 3)) @ waves + phases)
    return _noisy(features @ rng.normal(size=(32, D)) / 8, rng, 0.05)


def heavy(n: int, rng: Rng) -> FloatArray:
    """Student's t: three degrees of freedom along 5 directions, four in the noise."""
    tails = rng.standard_t(3, size=(n, 5)) @ rng.normal(size=(5, D))
    return (tails + 0.2 * rng.standard_t(4, size=(n, D))).astype(np.float32)


def modes(n: int, rng: Rng) -> FloatArray:
    """Six broad normals that overlap, each a sixth of the sources."""
    center = 1.5 * rng.normal(size=(6, 10))
    latent = center[rng.integers(6, size=n)] + rng.normal(size=(n, 10))
    return _noisy(latent @ rng.normal(size=(10, D)), rng, 0.1)


def unit(n: int, rng: Rng) -> FloatArray:
    """The map ``tanh``, moved off the origin and brought to unit length."""
    return _unit_length(tanh(n, rng) + 0.3)


def skewed(n: int, rng: Rng) -> FloatArray:
    """Logarithms of exponentials through one layer that cuts off what is negative."""
    latent = np.log1p(rng.exponential(size=(n, 4)))
    hidden = np.maximum(latent @ rng.normal(size=(4, 24)), 0)
    return _noisy(hidden @ rng.normal(size=(24, D)) / 5, rng, 0.1)


def simulated(n: int, rng: Rng) -> FloatArray:
    """A Gaussian copula of 8 unlike marginals through a random network of three layers."""
    mixing = rng.normal(size=(8, 12))
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    u = stats.norm.cdf(rng.normal(size=(n, 12)) @ mixing.T)
    marginals = (
        stats.uniform, stats.uniform, stats.expon, stats.expon, stats.beta(2, 5), stats.beta(5, 2),
        stats.t(4), stats.lognorm(0.5),
    )  # fmt: skip
    latent = np.stack([m.ppf(column) for m, column in zip(marginals, u.T, strict=True)], axis=1)
    layer = (latent - latent.mean(axis=0)) / latent.std(axis=0)
    for width in (64, 64):
        layer = layer @ rng.normal(size=(layer.shape[1], width)) / np.sqrt(layer.shape[1])
        layer += 0.5 * rng.normal(size=width)
        layer = np.maximum(layer, 0.2 * layer)
    return _noisy(layer @ rng.normal(size=(64, D)) / 8, rng, 0.05)


def swiss(n: int, rng: Rng) -> FloatArray:
    """A Swiss roll times a torus: a 4-d surface in 6-d, unevenly filled, without stretching."""
    turn = 1.5 * np.pi * (1 + 2 * rng.beta(1, 1.5, n))
    around, tube = rng.vonmises(0, 0.8, n), rng.vonmises(0, 0.5, n)
    columns = (
        turn * np.cos(turn) / 7, turn * np.sin(turn) / 7, 1.5 * rng.beta(2, 3, n),
        (1 + 0.4 * np.cos(tube)) * np.cos(around), (1 + 0.4 * np.cos(tube)) * np.sin(around),
        0.4 * np.sin(tube),
    )  # fmt: skip
    return _noisy(_embedded(np.stack(columns, axis=1), rng), rng, 0.05)


def laplace(n: int, rng: Rng) -> FloatArray:
    """A multivariate Laplace with correlated columns, 3% of it Cauchy instead.

    Elliptical with one pointed peak, which noise rounds off: the noise is 0.1 in each column
    where a typical source scatters by 1.
    """
    lag = np.abs(np.subtract.outer(np.arange(D), np.arange(D)))
    shape = rng.normal(size=(n, D)) @ np.linalg.cholesky(0.95**lag).T
    radius = np.sqrt(rng.exponential(size=n))
    far = rng.random(n) < 0.03
    radius[far] = 1 / np.abs(rng.normal(size=far.sum()))
    return (shape * radius[:, None] + 0.1 * rng.normal(size=(n, D))).astype(np.float32)


def ridge(n: int, rng: Rng) -> FloatArray:
    """A tree of six curved filaments in 10-d, each thinner and denser at its root.

    Every filament holds at least a tenth of the sources: none is small enough to be a class.
    """
    branch = rng.choice(6, size=n, p=[0.25, 0.2, 0.15, 0.15, 0.15, 0.1])
    way, bend = (_unit_length(rng.normal(size=(6, 10))) for _ in range(2))
    start = np.zeros((6, 10))
    for b in range(1, 6):
        parent, at = rng.integers(b), rng.uniform(0.2, 0.8)
        start[b] = start[parent] + at * way[parent] + 0.7 * at**2 * bend[parent]
    along = rng.beta(1, 1.7, n)[:, None]
    spine = start[branch] + along * way[branch] + 0.7 * along**2 * bend[branch]
    thick = (0.08 + 0.08 * along) * rng.normal(size=(n, 10))
    return _noisy(_embedded(spine + thick, rng), rng, 0.05)


def sphere(n: int, rng: Rng) -> FloatArray:
    """Three very broad lobes on the unit sphere, thinned out from one side to the other."""
    center = _unit_length(rng.normal(size=(3, 10)))
    m = 12 * n
    drawn = center[rng.choice(3, size=m, p=[0.5, 0.3, 0.2])] + 0.5 * rng.normal(size=(m, 10))
    gradient = _unit_length(rng.normal(size=(1, 10)))[0]
    kept = np.flatnonzero(rng.random(m) < 1 / (1 + np.exp(-2 * drawn @ gradient)))
    if len(kept) < n:
        raise AssertionError(f"{len(kept)} sources left of {m}; {n} are needed")
    return _unit_length(_noisy(_embedded(drawn[kept[:n]], rng), rng, 0.1))


DEVELOPMENT: Mapping[str, Sea] = {
    "tanh": tanh,
    "spectrum": spectrum,
    "curved": curved,
    "heavy": heavy,
    "modes": modes,
    "unit": unit,
    "skewed": skewed,
}
TEST: Mapping[str, Sea] = {
    "simulated": simulated,
    "swiss": swiss,
    "laplace": laplace,
    "ridge": ridge,
    "sphere": sphere,
}


def plant(
    vectors: FloatArray, rng: Rng, sizes: Sequence[int], contrast: float
) -> tuple[FloatArray, IntArray]:
    """Random sources of a sea (n, d) replaced by groups, each where a random source is.

    Members are drawn from a normal of the local covariance there, as ``local_group`` says:
    groups are as hard in dense places as in sparse ones. With the same ``rng`` the groups of
    another contrast lie in the same places and take the same rows.

    Returns
    -------
    vectors : float32 (n, d)
    labels : int64 (n,), the number of the group, -1 for the sea
    """
    n, total = len(vectors), sum(sizes)
    if total > n // 2:
        raise SystemExit(f"groups of {total} in all for {n} sources; expected at most half")
    centers = rng.integers(n, size=len(sizes))
    rows = np.split(rng.permutation(n)[:total], np.cumsum(sizes)[:-1])
    planted, labels = vectors.copy(), np.full(n, -1, dtype=np.int64)
    for group, (center, taken) in enumerate(zip(centers, rows, strict=True)):
        squares = ((vectors - vectors[center]) ** 2).sum(axis=1)
        near = vectors[np.argsort(squares, kind="stable")[: local(len(taken))]]
        planted[taken] = local_group(near, rng, len(taken), contrast)
        labels[taken] = group
    return planted, labels


def local(size: int) -> int:
    """How many of the nearest sources a group of that size takes its shape from."""
    return max(_LOCAL, size)


def local_group(near: FloatArray, rng: Rng, size: int, contrast: float) -> FloatArray:
    """``size`` draws (size, d) from a normal around the sources ``near`` (k, d) a place.

    Its covariance is theirs, its standard deviation theirs times ``contrast``: at 1 the group
    is as wide as what it lies in, which it makes about twice as dense; at 0.3 it is easy.
    """
    mean = near.mean(axis=0)
    weights = rng.normal(size=(size, len(near))) / np.sqrt(len(near))
    return np.asarray(mean + contrast * weights @ (near - mean), dtype=np.float32)


def groups_of(labels: npt.NDArray[np.integer]) -> list[IntArray]:
    """The rows of each label from 0 up, int64 ascending; what is negative is in none."""
    return [np.flatnonzero(labels == name) for name in np.unique(labels[labels >= 0])]


def matches(found: Sequence[IntArray], groups: Sequence[IntArray]) -> list[int]:
    """For each found class the group it is, -1 for none: Jaccard at least 0.5, one to one.

    Where two classes match one group, the one that overlaps it more counts.
    """
    matcher = Matcher(groups)
    best = [matcher.best(members) for members in found]
    partner, taken = [-1] * len(found), set()
    for i in sorted(range(len(found)), key=lambda i: -best[i][1]):
        group, overlap = best[i]
        if overlap >= MATCH and group not in taken:
            partner[i] = group
            taken.add(group)
    return partner


def _embedded(points: DoubleArray, rng: Rng) -> DoubleArray:
    """Points (n, k) in 128-d, turned at random, distances kept."""
    axes = np.linalg.qr(rng.normal(size=(D, points.shape[1])))[0]
    return np.asarray(points @ axes.T)


def _noisy(points: DoubleArray, rng: Rng, share: float) -> FloatArray:
    """With normal noise of a ``share`` of the standard deviation over all columns."""
    noise = share * points.std() * rng.normal(size=points.shape)
    return np.asarray(points + noise, dtype=np.float32)


def _unit_length(points: npt.NDArray[np.floating]) -> FloatArray:
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / length, dtype=np.float32)
