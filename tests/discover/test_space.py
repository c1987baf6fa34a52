from __future__ import annotations

import numpy as np
import pytest

from skerry.backends import card
from skerry.config import NeighborsConfig
from skerry.discover import neighbor_graph, neighbor_search, space, space_of
from skerry.errors import ConfigError, InputError


def drawn(n: int = 300) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)


@pytest.mark.parametrize("exact_below", [0, 100_000])
def test_the_graph_and_the_search_are_of_the_same_vectors(exact_below: int) -> None:
    x, config = drawn(), NeighborsConfig(k=7, exact_below=exact_below)
    found = space_of(x, config)
    expected = neighbor_graph(neighbor_search(x, config), config)
    assert len(found) == 300
    np.testing.assert_array_equal(found.vectors, x)
    np.testing.assert_array_equal(found.graph.indices, expected.indices)
    assert found.graph.recall == expected.recall
    rows = np.array([5, 299])
    indices, distances = found.near(rows, 7)
    np.testing.assert_array_equal(indices, found.graph.indices[rows])
    np.testing.assert_array_equal(distances, found.graph.distances[rows])
    gap = np.linalg.norm(x[rows, None].astype(float) - x[None], axis=2)
    np.testing.assert_allclose(found.near(rows, 299)[1], np.sort(gap, axis=1)[:, 1:], rtol=1e-6)


def test_a_graph_that_was_stored_has_the_same_neighbors(monkeypatch: pytest.MonkeyPatch) -> None:
    config, rows = NeighborsConfig(k=7), np.array([1, 2])
    made = space_of(drawn(), config)
    stored = space.Space(made.vectors, made.graph, config)
    np.testing.assert_array_equal(stored.near(rows, 40)[0], made.near(rows, 40)[0])
    # neither makes a second search
    monkeypatch.setattr(space, "neighbor_search", None)
    assert len(made.near(rows, 3)[0]) == len(stored.near(rows, 3)[0]) == 2


def test_says_how_far_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    space_of(drawn(), NeighborsConfig(k=3), on_event=lambda *event: seen.append(event))
    assert seen == [("nearest neighbors", 300, 300)]


def test_what_cannot_be_searched_is_refused() -> None:
    x = drawn(30)
    with pytest.raises(InputError, match=r"30 distinct vectors are too few .* at least 31"):
        space_of(x, NeighborsConfig(k=30))
    x[3] = np.nan
    with pytest.raises(InputError, match="1 of 30 vectors hold NaN"):
        space_of(x, NeighborsConfig(k=5))


def test_without_a_gpu_no_graph_is_made_but_one_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(card, "lacking", lambda *packages: "torch is not installed")
    on_gpu = NeighborsConfig(k=7, exact_below=0, device="cuda")
    with pytest.raises(ConfigError, match=r"neighbors\.device = cuda asks for a GPU, but torch is"):
        space_of(drawn(), on_gpu)
    made = space_of(drawn(), NeighborsConfig(k=7))
    stored = space.Space(made.vectors, made.graph, on_gpu)
    rows = np.array([1, 2, 299])
    for found, expected in zip(stored.near(rows, 40), made.near(rows, 40), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_was_forgotten_is_made_again_the_same() -> None:
    made = space_of(drawn(), NeighborsConfig(k=7))
    before, search = made.communities, made.search
    made.forget_search()
    assert made.search is not search and made.communities is before
    made.forget_all()
    assert made.communities is not before
    np.testing.assert_array_equal(made.communities.containment, before.containment)
