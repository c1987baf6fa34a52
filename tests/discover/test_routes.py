from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from skerry.config import Config, from_mapping
from skerry.discover import OwnRoute, Space, routes, space_of
from skerry.discover.communities import communities, contained
from skerry.discover.reduce import coordinates_of
from skerry.discover.routes import route_of
from skerry.errors import ConfigError, InputError

CONFIG = from_mapping(
    {
        "neighbors": {"k": 15},
        "embedding": {"n_neighbors": 10, "n_components": 3, "epochs": 50},
        "classes": {"max_share": 0.2},
    }
)


def drawn(seed: int = 0) -> Space:
    """Two groups of 25 and one of 6 in a sea of 244, in no order."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 6))
    for start, end in ((0, 25), (25, 50), (50, 56)):
        x[start:end] = 1.5 * rng.normal(size=6) + 0.05 * rng.normal(size=(end - start, 6))
    return space_of(x.astype(np.float32), CONFIG.neighbors)


@pytest.mark.parametrize("name", ["graph", "umap-hdbscan"])
def test_planted_groups_are_candidates(name: str) -> None:
    space = drawn()
    found = route_of(name)(space, CONFIG)
    for group in (range(25), range(25, 50)):
        best = max(found, key=lambda c: len(np.intersect1d(c.members, group)))
        assert np.isin(group, best.members).mean() > 0.9
    for one in found:
        points = space.vectors[one.members].astype(np.float64)
        total = np.linalg.norm(points[:, None] - points, axis=2).sum(axis=1)
        assert total[0] == pytest.approx(total.min(), rel=1e-6)
        assert 10 <= len(one.members) <= 60
        assert len(one.probability) == len(one.members)


def test_the_graph_s_route_is_what_is_contained_of_its_communities() -> None:
    space = drawn()
    for config in (CONFIG, from_mapping({"classes": {"min_size": 6}}, CONFIG)):
        found = communities(space.graph)
        expected = [set(one.members.tolist()) for one in contained(found, config.classes)]
        whole = route_of("graph")(space, config)
        assert [set(one.members.tolist()) for one in whole] == expected
        assert whole and all(one.persistence == 0 for one in whole)


def test_the_parts_of_a_route_are_the_route() -> None:
    space = drawn()
    coordinates = coordinates_of(space, CONFIG.embedding)
    tree = routes.tree_of_coordinates(coordinates, CONFIG)
    parts = routes.candidates_of(tree, space, CONFIG)
    whole = route_of("umap-hdbscan")(space, CONFIG)
    assert [c.members.tolist() for c in parts] == [c.members.tolist() for c in whole]


def test_an_unknown_route() -> None:
    with pytest.raises(ConfigError, match=r"no route 'umap'; expected one of graph, umap-hdbscan"):
        route_of("umap")


def test_a_clusterer_of_ones_own() -> None:
    space = drawn()
    found = OwnRoute(lambda: DBSCAN(eps=0.4, min_samples=4))(space, CONFIG)
    assert [set(c.members.tolist()) for c in found] == [set(range(25)), set(range(25, 50))]
    assert all((c.probability == 1).all() and c.persistence == 0 for c in found)
    assert found[0].members.tolist() != sorted(found[0].members.tolist())


class Labels:
    def __init__(self, labels: Any) -> None:
        self.labels = labels
        self.used = 0

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        self.used += 1
        return self.labels


def test_sizes_that_no_class_has_are_left_out() -> None:
    sizes = (100, 60, 61, 10, 9)
    labels = np.repeat([5, 3, 7, 2, 1, -1, -2], [*sizes, 59, 1])
    found = OwnRoute(lambda: Labels(labels))(drawn(), CONFIG)
    assert [len(c.members) for c in found] == [10, 60]
    with pytest.raises(InputError, match="a class may hold at most 15"):
        OwnRoute(lambda: Labels(labels))(drawn(), from_mapping({"classes": {"min_size": 20}}))


def test_every_search_has_a_fresh_clusterer() -> None:
    made: list[Labels] = []

    def make() -> Labels:
        made.append(Labels(np.full(300, -1)))
        return made[-1]

    route = OwnRoute(make)
    assert route(drawn(), Config()) == route(drawn(), Config()) == []
    assert [one.used for one in made] == [1, 1]


@pytest.mark.parametrize(
    "labels",
    [np.zeros(299, int), np.zeros(300), np.zeros((300, 1), int), None, ["a"] * 300],
    ids=["too few", "floats", "columns", "none", "words"],
)
def test_what_are_no_labels_is_refused(labels: Any) -> None:
    with pytest.raises(InputError, match="one integer for each of 300 sources"):
        OwnRoute(lambda: Labels(labels))(drawn(), CONFIG)
