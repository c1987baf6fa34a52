from __future__ import annotations

import hdbscan
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.backends import cpu
from skerry.config import ClassesConfig, NeighborsConfig
from skerry.discover import find_candidates, graph_tree, hierarchy, space_of
from skerry.errors import InputError
from skerry.types import CondensedTree

SAMPLES = 3


def scaled(x: np.ndarray, k: int) -> np.ndarray:
    """All distances in units of the local scales, by the formula of the docstring."""
    gap = np.linalg.norm(x[:, None].astype(np.float64) - x[None], axis=2)
    last = np.sort(gap, axis=1)[:, k]
    return gap / np.sqrt(last[:, None] * last[None])


def merges(
    x: np.ndarray, k: int, monkeypatch: pytest.MonkeyPatch, largest: int = 1000
) -> np.ndarray:
    """The distance at which each two sources come together, from the edges of the tree."""
    caught: list[np.ndarray] = []
    condense = cpu.condensed_tree

    def spy(edges: np.ndarray, n: int, size: int) -> CondensedTree:
        caught.append(edges)
        return condense(edges, n, size)

    space = space_of(x.astype(np.float32), NeighborsConfig(k=k))
    with monkeypatch.context() as patch:
        patch.setattr(cpu, "condensed_tree", spy)
        graph_tree(space, min_samples=SAMPLES, min_size=2, largest=largest)
    (edges,) = caught
    assert edges.shape == (len(x) - 1, 3)
    assert (np.diff(edges[:, 2]) >= 0).all()
    return joined(edges, len(x))


def joined(edges: np.ndarray, n: int) -> np.ndarray:
    own = np.arange(n)
    found = np.zeros((n, n))
    for i, j, distance in edges:
        a, b = own == own[int(i)], own == own[int(j)]
        assert not (a & b).any()
        found[np.ix_(a, b)] = found[np.ix_(b, a)] = distance
        own[b] = own[int(i)]
    return found


def by_hand(x: np.ndarray, k: int) -> np.ndarray:
    """As :func:`merges`, all pairs compared (Prim's algorithm, 1957)."""
    reach = scaled(x, k)
    core = np.sort(reach, axis=1)[:, SAMPLES]
    reach = np.maximum(np.maximum(reach, core[:, None]), core[None])
    inside = [0]
    edges = []
    while len(inside) < len(x):
        outside = np.setdiff1d(np.arange(len(x)), inside)
        block = reach[np.ix_(inside, outside)]
        i, j = np.unravel_index(np.argmin(block), block.shape)
        edges.append((inside[i], outside[j], block[i, j]))
        inside.append(int(outside[j]))
    return joined(np.array(sorted(edges, key=lambda e: e[2])), len(x))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.booleans())
def test_with_every_neighbor_it_is_the_tree_of_all_pairs(seed: int, grid: bool) -> None:
    x = np.random.default_rng(seed).normal(size=(40, 3))
    # on a grid, many distances are equal
    x = np.unique(np.round(2 * x), axis=0) if grid else x
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hierarchy, "_EDGES", len(x))
        found = merges(x, len(x) - 1, patch)
    np.testing.assert_allclose(found, by_hand(x, len(x) - 1), rtol=1e-5)


def test_on_the_scaled_distances_hdbscan_has_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy, "_EDGES", 1000)
    rng = np.random.default_rng(1)
    x = np.vstack([c + s * rng.normal(size=(40, 3)) for c, s in ((0, 1), (8, 1), (0, 0.1))])
    n = len(x)
    space = space_of(x.astype(np.float32), NeighborsConfig(k=n - 1))
    tree = graph_tree(space, min_samples=SAMPLES, min_size=5, largest=n)
    theirs = hdbscan.HDBSCAN(
        min_cluster_size=5, min_samples=SAMPLES, metric="precomputed", algorithm="generic"
    )
    theirs.fit(scaled(x.astype(np.float32), n - 1))
    expected = theirs.condensed_tree_.to_numpy()
    np.testing.assert_allclose(np.sort(tree.lam), np.sort(expected["lambda_val"]), rtol=1e-4)
    np.testing.assert_array_equal(np.sort(tree.size), np.sort(expected["child_size"]))
    assert tree.n_points == n


def circle(n: int, at: float) -> np.ndarray:
    """n sources evenly around a circle, so that all have the same scale."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([at + np.cos(angle), np.sin(angle)], axis=1)


# the second is nearest to the first, which comes between it and the third
PIECES = np.vstack([circle(12, 4), circle(16, 0), circle(24, 13)])


def test_pieces_without_an_edge_are_joined_where_they_come_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = merges(PIECES, 4, monkeypatch)
    np.testing.assert_allclose(found, by_hand(PIECES, 4), rtol=1e-5)


def test_whatever_the_order_pieces_are_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        at = np.cumsum(rng.uniform(4, 20, size=8))
        x = np.vstack([circle(12, a) for a in at])
        found = merges(x[rng.permutation(len(x))], 4, monkeypatch)
        own = np.sort(np.unique(np.round(found, 4)))
        np.testing.assert_allclose(own, np.unique(np.round(by_hand(x, 4), 4)), rtol=1e-3)


def test_a_piece_too_large_for_a_class_is_joined_at_no_density(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = merges(PIECES, 4, monkeypatch, largest=12)
    a, b, c = slice(0, 12), slice(12, 28), slice(28, 52)
    np.testing.assert_allclose(found[a, b], by_hand(PIECES, 4)[a, b], rtol=1e-5)
    assert np.isinf(found[b, c]).all() and np.isinf(found[a, c]).all()
    assert np.isfinite(found[c, c]).all()


def test_a_group_is_as_dense_as_its_surroundings_make_it() -> None:
    """Sparse surroundings and dense ones: the same draw, 20 times as wide."""
    rng = np.random.default_rng(3)
    part = np.vstack([0.03 * rng.normal(size=(25, 4)), rng.uniform(-1, 1, size=(300, 4))])
    x = np.vstack([part, 50 + 20 * part]).astype(np.float32)
    space = space_of(x, NeighborsConfig(k=20))
    tree = graph_tree(space, min_samples=5, min_size=10, largest=60)
    leaf = tree.child < tree.n_points
    lam = np.zeros(len(x))
    lam[tree.child[leaf]] = tree.lam[leaf]
    np.testing.assert_allclose(lam[325:350], lam[:25], rtol=1e-3)
    found = find_candidates(tree, ClassesConfig(max_size=60, max_share=1.0))
    members = [set(c.members.tolist()) for c in found[:2]]
    for group in (set(range(25)), set(range(325, 350))):
        assert max(len(group & m) / len(group | m) for m in members) > 0.8


def test_too_few_neighbors_are_refused() -> None:
    space = space_of(PIECES.astype(np.float32), NeighborsConfig(k=4))
    with pytest.raises(InputError, match=r"4 neighbors a source; clusters.min_samples = 5"):
        graph_tree(space, min_samples=5, min_size=5, largest=20)


def test_more_of_a_group_that_is_larger_than_the_graph_reaches_is_found() -> None:
    """Its own members would set its scale, and leave little of its density, at k neighbors."""
    config = ClassesConfig(min_size=10)
    whole = set(range(5000, 5100))

    def best(x: np.ndarray, scale: int) -> float:
        space = space_of(x, NeighborsConfig(k=6, scale=scale))
        tree = graph_tree(space, min_samples=5, min_size=10, largest=255)
        found = [set(c.members.tolist()) for c in find_candidates(tree, config)]
        return max((len(rows & whole) / len(rows | whole) for rows in found), default=0.0)

    wide, narrow = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sea = rng.normal(size=(5000, 8))
        group = sea[rng.permutation(5000)[0]] + 0.3 * rng.normal(size=(100, 8))
        x = np.concatenate([sea, group]).astype(np.float32)
        wide.append(best(x, 25))
        narrow.append(best(x, 6))
    assert all(a >= b for a, b in zip(wide, narrow, strict=True))
    assert np.mean(wide) > np.mean(narrow) + 0.1
