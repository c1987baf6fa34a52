"""Laws of why sources are in no class, and of the shape of a representation."""

from __future__ import annotations

import numpy as np
import pytest

from skerry.discover import space_of
from skerry.examine import ExamineConfig
from skerry.examine.unclustered import geometry, unclustered
from tests.examine.made import SMALL, subject_of


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("d", [2, 4, 7])
def test_the_dimension_of_an_even_cloud(d: int) -> None:
    cloud = np.random.default_rng(d).uniform(size=(4000, d)) @ normal(d, 20, d)
    space = space_of(np.ascontiguousarray(cloud, np.float32), SMALL.neighbors)
    fine = geometry.two_neighbor_dimension(space.graph.distances)
    assert fine == pytest.approx(d, rel=0.15)
    # edges make a cloud of many dimensions look thinner
    coarse = geometry.many_neighbor_dimension(space.graph.distances)
    assert 0.7 * d < coarse < 1.1 * d
    assert geometry.participation(cloud) <= d + 0.01


def test_distances_concentrate_and_hubs_rise_with_dimension() -> None:
    low, high = (space_of(normal(2000, d), SMALL.neighbors) for d in (3, 60))
    assert geometry.relative_contrast(low) > 5 > 2 > geometry.relative_contrast(high) > 1
    assert geometry.hubness(high) > 2 > geometry.hubness(low)


def test_density_range_of_an_uneven_cloud() -> None:
    even = space_of(np.random.default_rng(0).uniform(size=(2000, 3)), SMALL.neighbors)
    uneven = space_of(np.exp(1.5 * normal(2000, 3)), SMALL.neighbors)
    assert geometry.density_range(uneven) > 3 * geometry.density_range(even)


def grouped() -> np.ndarray:
    rng = np.random.default_rng(4)
    groups = [4 * rng.normal(size=6) + 0.15 * rng.normal(size=(20, 6)) for _ in range(3)]
    return np.vstack([normal(600, 6, 1), *groups]).astype(np.float32)


def test_every_source_outside_has_one_reason() -> None:
    vectors = grouped()
    # of the third group the search knows, but nulls rejected it: it is no class here
    classes = [np.arange(600 + 20 * i, 620 + 20 * i) for i in range(2)]
    answer = unclustered(subject_of(vectors, classes), ExamineConfig())
    reasons = {r["reason"]: r for r in answer.tables["reasons"].to_pylist()}
    assert sum(r["sources"] for r in reasons.values()) == len(vectors) - 40
    assert reasons["in a rejected candidate"]["sources"] >= 18
    assert all(r["share_low"] <= r["share"] <= r["share_high"] for r in reasons.values())
    assert answer.sentence.startswith(f"{620 / 660:.1%} of 660 sources are in no class")
    assert set(answer.of_class) == {"SKR-s600", "SKR-s620"}


def test_classes_are_looked_for_in_fewer_dimensions() -> None:
    vectors = grouped()
    classes = [np.arange(600 + 20 * i, 620 + 20 * i) for i in range(3)]
    table = unclustered(subject_of(vectors, classes), ExamineConfig()).tables["dimensions"]
    rows = {r["representation"]: r for r in table.to_pylist()}
    assert set(rows) == {"all", "PCA to 4"}
    assert rows["all"]["classes_found"] == 3 == rows["all"]["classes"]
    assert rows["all"]["variance_kept"] == 1 > rows["PCA to 4"]["variance_kept"] > 0.5


def test_the_order_of_sources_changes_nothing() -> None:
    vectors = grouped()
    order = np.random.default_rng(0).permutation(len(vectors))
    place = np.argsort(order)
    one = unclustered(subject_of(vectors, [np.arange(600, 620)]), ExamineConfig())
    names = [f"s{i:03d}" for i in order]
    other = unclustered(subject_of(vectors[order], [place[600:620]], ids=names), ExamineConfig())
    assert one.sentence == other.sentence
    assert all(one.tables[k].equals(other.tables[k]) for k in one.tables)


def test_without_any_class_all_are_outside() -> None:
    answer = unclustered(subject_of(normal(300, 5), []), ExamineConfig())
    assert answer.sentence.startswith("100.0% of 300 sources") and not answer.of_class
