"""The law: neither the order of the sources nor their names change what is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from skerry.config import Config, from_mapping
from skerry.discover import (
    OwnRoute,
    canonical_order,
    distinct_rows,
    measure,
    rare_classes,
    route_of,
    space_of,
)
from skerry.discover.classes import Found
from skerry.discover.find import Searched, find
from skerry.types import RareClass, Representations

SEARCH_ONLY = from_mapping(
    {
        "neighbors": {"k": 15},
        "nulls": {"n": 2, "scales": "2"},
        "replication": {"subsamples": 0, "seeds": 0},
        "classes": {"min_size": 8, "max_share": 0.2},
    }
)
REPEATED = from_mapping({"replication": {"subsamples": 1, "seeds": 1}}, SEARCH_ONLY)


def sea(seed: int, n: int = 400, grid: bool = False) -> np.ndarray:
    """A broad sea, three small groups beside it; on a grid, so that there are ties and twins."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    for group in range(3):
        center = rng.normal(size=4)
        center *= 4 / np.linalg.norm(center)
        x[20 * group : 20 * group + 18] = center + 0.1 * rng.normal(size=(18, 4))
    # 0 and -0 are the same, though not in bytes
    return ((np.round(8 * x) / 8 if grid else x) + 0.0).astype(np.float32)


def as_bytes(found: Searched) -> list[object]:
    """All that was found, but for the rows of the input."""
    return [
        found.space.vectors.tobytes(),
        found.space.graph.distances.tobytes(),
        [(c.members.tobytes(), c.probability.tobytes(), c.persistence) for c in found.candidates],
        [column.tobytes() for column in astuple(found.measures)],
        [j.judgement for j in found.judged],
        {kind: [m.containment.tobytes() for m in ms] for kind, ms in found.nulls.items()},
    ]


def in_any_order(x: np.ndarray, config: Config, seed: int, route: OwnRoute | None = None) -> None:
    order = np.random.default_rng(seed).permutation(len(x))
    found, again = (find(y, config, route=route) for y in (x, x[order]))
    assert found.candidates
    assert as_bytes(again) == as_bytes(found)
    np.testing.assert_array_equal(x[order][again.rows], x[found.rows])


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10_000), st.booleans())
def test_order_changes_nothing(seed: int, grid: bool) -> None:
    in_any_order(sea(seed, grid=grid), SEARCH_ONLY, seed + 1)


def test_nor_by_a_route_of_ones_own() -> None:
    own = OwnRoute(lambda: DBSCAN(eps=0.5, min_samples=4))
    in_any_order(sea(2), SEARCH_ONLY, 1, own)


@pytest.mark.parametrize("route", ["graph", "umap-hdbscan"])
def test_nor_where_searches_are_repeated(route: str) -> None:
    changed = {"clusters": {"route": route}, "nulls": {"n": 1}}
    in_any_order(sea(3, n=200), from_mapping(changed, REPEATED), 1)


def named(x: np.ndarray, seed: int, letter: str = "s") -> Representations:
    names = tuple(f"{letter}{i:03}" for i in np.random.default_rng(seed).permutation(len(x)))
    votes = np.abs(x[:, :2])
    return Representations(names, x, votes, np.zeros(len(x), int), ("a_yes", "a_no"))


def shuffled(given: Representations, seed: int) -> Representations:
    return reordered(given, np.random.default_rng(seed).permutation(len(given)))


def reordered(given: Representations, order: np.ndarray) -> Representations:
    return replace(
        given,
        id_str=tuple(given.id_str[i] for i in order),
        vectors=given.vectors[order],
        votes=given.votes[order],
        sides=given.sides[order],
    )


def classes(given: Representations) -> list[RareClass]:
    """From named sources to named classes, each distinct vector searched once."""
    data = reordered(given, canonical_order(given.vectors, given.id_str))
    rows = distinct_rows(data.vectors)
    space = space_of(data.vectors[rows], SEARCH_ONLY.neighbors)
    candidates = route_of("graph")(space, SEARCH_ONLY)
    measured = measure(candidates, space)
    values = zip(candidates, measured.overdensity, measured.isolation, strict=True)
    ids = [data.id_str[row] for row in rows]
    found = [
        Found(candidate, f"SKR-{ids[candidate.members[0]]}", float(overdensity), float(isolation))
        for candidate, overdensity, isolation in values
    ]
    return rare_classes(
        found, ids, data.votes[rows], data.vote_columns, SEARCH_ONLY.classes, "graph"
    )


def contents(given: Representations, found: list[RareClass]) -> Counter[tuple[bytes, ...]]:
    """Each class as the vectors of its members, in no order."""
    vector = {name: given.vectors[i].tobytes() for i, name in enumerate(given.id_str)}
    return Counter(tuple(sorted(vector[name] for name in one.members)) for one in found)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_classes_and_their_names_do_not_hang_on_the_order(seed: int, grid: bool) -> None:
    given = named(sea(seed, grid=grid), seed)
    found = classes(given)
    assert found
    assert found == classes(shuffled(given, seed + 1))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_names_change_nothing_but_names(seed: int, grid: bool) -> None:
    given = named(sea(seed, grid=grid), seed)
    other = named(given.vectors, seed + 1, "t")
    assert contents(given, classes(given)) == contents(other, classes(other))


def test_planted_groups_are_found() -> None:
    given = named(sea(0, n=400), 0)
    planted = [{given.id_str[i] for i in range(20 * g, 20 * g + 18)} for g in range(3)]
    found = classes(given)
    best = [max(len(p & set(c.members)) / len(p | set(c.members)) for c in found) for p in planted]
    assert min(best) > 0.5
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    for one in found:
        assert one.class_id == f"SKR-{one.members[0]}"
        assert set(one.votes) == {"a_yes", "a_no"}
