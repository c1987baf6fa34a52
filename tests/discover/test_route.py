"""The law: neither the order of the sources nor their names change what is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
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
    embed,
    find_candidates,
    in_canonical_order,
    neighbor_graph,
    rare_classes,
)
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


@dataclass(frozen=True)
class Found:
    """What the route gives, each source by its name."""

    classes: list[RareClass]
    places: dict[str, tuple[bytes, bytes]]
    labels: dict[str, int]


def route(given: Representations, umap: bool = True) -> Found:
    """The calls of ``stages.py``, in its order."""
    data = in_canonical_order(given)
    if umap:
        graph = neighbor_graph(data.vectors, SETTINGS.neighbors, on_event=silent)
        embedding = embed(data.vectors, graph, SETTINGS.embedding, on_event=silent)
    else:
        embedding = Embedding(data.vectors, data.vectors[:, :2])
    clusters = cluster(embedding, SETTINGS.clusters, on_event=silent)
    candidates = centered(find_candidates(clusters.tree, SETTINGS.classes), data.vectors)
    classes = rare_classes(candidates, data.id_str, data.votes, data.vote_columns, SETTINGS.classes)
    places = [
        (at.tobytes(), seen.tobytes())
        for at, seen in zip(embedding.coordinates, embedding.map, strict=True)
    ]
    return Found(
        classes,
        dict(zip(data.id_str, places, strict=True)),
        dict(zip(data.id_str, clusters.labels.tolist(), strict=True)),
    )


def without_umap(given: Representations) -> list[RareClass]:
    """The route with the vectors themselves as coordinates: fast, so that much is tried."""
    return route(given, umap=False).classes


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
    found = route(given)
    assert found == route(shuffled(given, seed + 1))
    other = renamed(given, seed + 2)
    assert contents(given, found.classes) == contents(other, route(other).classes)


def test_planted_groups_are_found() -> None:
    given = sources(0, n=400)
    planted = [{given.id_str[i] for i in range(20 * g, 20 * g + 15)} for g in range(3)]
    found = route(given).classes
    best = [max(len(p & set(c.members)) / len(p | set(c.members)) for c in found) for p in planted]
    assert min(best) > 0.5
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    for one in found:
        assert one.class_id == f"SKR-{one.members[0]}"
        assert set(one.votes) == {"a_yes", "a_no"}
