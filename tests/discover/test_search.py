"""The law: neither the order of the sources nor their names change what is found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import (
    ClassesConfig,
    ClustersConfig,
    Config,
    EmbeddingConfig,
    NeighborsConfig,
)
from skerry.discover import (
    centered,
    cluster,
    find_candidates,
    in_canonical_order,
    rare_classes,
    search,
)
from skerry.errors import InputError
from skerry.progress import silent
from skerry.types import Embedding, RareClass, Representations

SETTINGS = Config(
    neighbors=NeighborsConfig(k=10),
    embedding=EmbeddingConfig(n_neighbors=8, n_components=2),
    clusters=ClustersConfig(min_cluster_size=6, min_samples=4),
    classes=ClassesConfig(min_size=6, max_share=0.3, min_persistence=0.2),
)


def sources(seed: int, n: int = 160, grid: bool = False) -> Representations:
    """A broad sea with three small groups; on a grid, so that there are ties and twins."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    for group in range(3):
        x[20 * group : 20 * group + 15] = 4 * rng.normal(size=4) + 0.1 * rng.normal(size=(15, 4))
    if grid:
        x = np.round(4 * x) / 4
    votes = rng.random((n, 2)).astype(np.float32)
    names = tuple(f"s{i:03}" for i in rng.permutation(n))
    return Representations(names, x.astype(np.float32), votes, np.zeros(n, int), ("a_yes", "a_no"))


def shuffled(given: Representations, seed: int) -> Representations:
    order = np.random.default_rng(seed).permutation(len(given))
    return Representations(
        tuple(given.id_str[i] for i in order),
        given.vectors[order],
        given.votes[order],
        given.sides[order],
        given.vote_columns,
    )


def renamed(given: Representations, seed: int) -> Representations:
    names = tuple(f"t{i:03}" for i in np.random.default_rng(seed).permutation(len(given)))
    return Representations(names, given.vectors, given.votes, given.sides, given.vote_columns)


def without_umap(given: Representations) -> list[RareClass]:
    """The route with the vectors themselves as coordinates: fast, so that much is tried."""
    found = in_canonical_order(given)
    embedding = Embedding(found.vectors, found.vectors[:, :2])
    tree = cluster(embedding, SETTINGS.clusters, on_event=silent).tree
    candidates = centered(find_candidates(tree, SETTINGS.classes), found.vectors)
    return rare_classes(candidates, found.id_str, found.votes, found.vote_columns, SETTINGS.classes)


def contents(given: Representations, found: list[RareClass]) -> Counter[tuple[bytes, ...]]:
    """Each class as the vectors of its members, in no order."""
    vector = {name: given.vectors[i].tobytes() for i, name in enumerate(given.id_str)}
    return Counter(tuple(sorted(vector[name] for name in one.members)) for one in found)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
def test_order_changes_nothing(seed: int, grid: bool) -> None:
    given = sources(seed, grid=grid)
    found = without_umap(given)
    assert found
    assert found == without_umap(shuffled(given, seed + 1))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
def test_names_change_nothing_but_names(seed: int, grid: bool) -> None:
    given = sources(seed, grid=grid)
    other = renamed(given, seed + 1)
    assert contents(given, without_umap(given)) == contents(other, without_umap(other))


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 10_000), st.booleans())
def test_the_law_holds_through_umap(seed: int, grid: bool) -> None:
    given = sources(seed, grid=grid)
    found = search(given, SETTINGS)
    moved = shuffled(given, seed + 1)
    again = search(moved, SETTINGS)
    assert found.classes == again.classes
    at = {name: i for i, name in enumerate(given.id_str)}
    rows = [at[name] for name in moved.id_str]
    np.testing.assert_array_equal(found.embedding.coordinates[rows], again.embedding.coordinates)
    np.testing.assert_array_equal(found.embedding.map[rows], again.embedding.map)
    np.testing.assert_array_equal(found.labels[rows], again.labels)
    other = renamed(given, seed + 2)
    assert contents(given, found.classes) == contents(other, search(other, SETTINGS).classes)


def test_planted_groups_are_found() -> None:
    given = sources(0, n=400)
    planted = [{given.id_str[i] for i in range(20 * g, 20 * g + 15)} for g in range(3)]
    found = search(given, SETTINGS).classes
    best = [max(len(p & set(c.members)) / len(p | set(c.members)) for c in found) for p in planted]
    assert min(best) > 0.5
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    for one in found:
        assert one.class_id == f"SKR-{one.members[0]}"
        assert set(one.votes) == {"a_yes", "a_no"}


def test_too_few_sources_are_refused_before_any_work() -> None:
    seen: list[str] = []
    with pytest.raises(InputError, match="max_share"):
        search(sources(0), Config(), on_event=lambda what, done, total: seen.append(what))
    assert seen == []
