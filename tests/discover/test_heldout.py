from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.config import Config, NeighborsConfig
from skerry.discover.find import search_by
from skerry.discover.heldout import Excess, HeldOut, heldout
from skerry.discover.replicate import replicate
from skerry.discover.space import Space, space_of
from skerry.discover.variants import half_variants, halves
from skerry.types import FloatArray, Replicate

N, D = 1200, 6


def noise(seed: int) -> FloatArray:
    return np.random.default_rng(seed).random((N, D)).astype(np.float32)


def with_clump(seed: int, size: int) -> tuple[FloatArray, np.ndarray]:
    vectors = noise(seed)
    rng = np.random.default_rng(seed + 1000)
    rows = np.sort(rng.permutation(N)[:size])
    vectors[rows] = 0.5 + 0.04 * rng.normal(size=(size, D))
    return vectors, rows


def of(vectors: FloatArray) -> Space:
    return space_of(vectors, NeighborsConfig(k=10))


def searches(found_a: list[np.ndarray], found_b: list[np.ndarray]) -> tuple[Replicate, Replicate]:
    a, b = halves(N, 0)
    return Replicate("half-a", "half", a, tuple(found_a)), Replicate(
        "half-b", "half", b, tuple(found_b)
    )


def tightest(vectors: FloatArray, rows: np.ndarray, size: int) -> np.ndarray:
    """Of every row with its nearest among ``rows``, the group that stands out most."""
    apart = np.linalg.norm(vectors[rows, None] - vectors[None, rows], axis=2)
    order = np.sort(apart, axis=1)
    best = np.argmax(order[:, 3 * size] / order[:, size - 1])
    return rows[np.argsort(apart[best], kind="stable")[:size]]


def test_a_real_clump_is_crowded_in_the_other_half_too() -> None:
    vectors, rows = with_clump(0, 40)
    a, b = searches([], [])
    in_a, in_b = rows[np.isin(rows, a.rows)], rows[np.isin(rows, b.rows)]
    said = heldout(rows, *searches([in_a], [in_b]), of(vectors))
    assert said.found_in_a and said.found_in_b and said.passed
    assert said.ratio > 2 and said.p < 1e-4
    one = heldout(rows, *searches([], [in_b]), of(vectors))
    assert (one.found_in_a, one.found_in_b, one.passed) == (False, True, True)


def test_the_best_chance_clump_of_one_half_mostly_is_not() -> None:
    passed = []
    for seed in range(20):
        vectors = noise(seed)
        a, _ = halves(N, 0)
        clump = tightest(vectors, a, 12)
        passed.append(heldout(clump, *searches([clump], []), of(vectors)).passed)
    # 0.05 each, had the members nothing in common but chance
    assert sum(passed) <= 4


def test_nor_are_the_groups_that_a_search_of_featureless_data_finds() -> None:
    passed = []
    for seed in range(3):
        vectors = noise(seed)
        space = of(vectors)
        a, b = (replicate(v, vectors, search_by()) for v in half_variants(N, Config()))
        passed += [heldout(group, a, b, space).passed for group in a.found]
    assert len(passed) > 30
    assert np.mean(passed) < 0.1


def test_it_is_the_other_half_that_is_asked() -> None:
    """Sources of one half alone crowd as they like: the other half knows nothing of it."""
    vectors = noise(1)
    a, _ = searches([], [])
    rng = np.random.default_rng(5)
    assert a.rows is not None
    rows = np.sort(rng.permutation(a.rows)[:30])
    vectors[rows] = 0.5 + 0.1 * rng.normal(size=(30, D))
    assert heldout(rows, *searches([rows], []), of(vectors)).ratio < 1.15
    vectors, real = with_clump(1, 60)
    in_a = real[np.isin(real, a.rows)]
    assert heldout(real, *searches([in_a], []), of(vectors)).ratio > 2


def test_found_in_neither_half_is_not_passed() -> None:
    vectors, rows = with_clump(2, 40)
    said = heldout(rows, *searches([rows[:3]], []), of(vectors))
    assert (said.found_in_a, said.found_in_b, said.passed) == (False, False, False)
    assert (said.ratio, said.p) == (0.0, 1.0)


def test_one_half_is_enough_but_two_tries_count_as_two() -> None:
    good, weak, thin = Excess(2.0, 0.001), Excess(1.5, 0.03), Excess(0.9, 0.001)
    assert HeldOut(good, None).passed and HeldOut(good, weak).passed
    # 0.03 is below 0.05, but not below half of it
    assert HeldOut(weak, None).passed and not HeldOut(weak, Excess(1.1, 0.4)).passed
    assert not HeldOut(thin, None).passed
    assert (HeldOut(good, weak).ratio, HeldOut(good, weak).p) == (2.0, 0.002)
    assert HeldOut(Excess(1.0, 0.9), Excess(1.0, 0.9)).p == 1.0


def test_ratio_and_p_are_those_of_the_distances_to_the_other_half() -> None:
    from scipy.stats import mannwhitneyu

    vectors, rows = with_clump(4, 60)
    a, b = searches([], [])
    assert a.rows is not None and b.rows is not None
    inside = rows[np.isin(rows, a.rows)]
    outside = np.setdiff1d(a.rows, inside)
    apart = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    to_members = apart[np.ix_(outside, inside)].min(axis=1)
    shell = outside[np.argsort(to_members, kind="stable")[: max(30, len(inside))]]
    nearest = np.sort(apart[:, b.rows], axis=1)
    # the 3rd, in units of one beyond twice the members of the half
    crowding = nearest[:, 2] / nearest[:, 2 * len(inside) + 2]

    said = heldout(rows, *searches([inside], []), of(vectors)).a
    assert said is not None
    expected = np.median(crowding[shell]) / np.median(crowding[inside])
    assert said.ratio == pytest.approx(expected, rel=1e-5)
    p = mannwhitneyu(crowding[inside], crowding[shell], alternative="less").pvalue
    assert said.p == pytest.approx(float(p), rel=1e-3)


def test_the_order_of_members_does_not_matter() -> None:
    vectors, rows = with_clump(5, 40)
    a, b = searches([], [])
    in_a, in_b = rows[np.isin(rows, a.rows)], rows[np.isin(rows, b.rows)]
    said = heldout(rows, *searches([in_a], [in_b]), of(vectors))
    assert heldout(rows[::-1], *searches([in_a[::-1]], [in_b[::-1]]), of(vectors)) == said


def test_a_candidate_that_is_the_whole_half_has_no_shell() -> None:
    a, _ = halves(N, 0)
    assert heldout(a, *searches([a], []), of(noise(6))).a == Excess(1.0, 1.0)


def test_a_search_of_all_sources_is_refused() -> None:
    vectors, rows = with_clump(7, 40)
    a, b = searches([rows], [])
    with pytest.raises(ValueError, match="which rows it saw"):
        heldout(rows, a, replace(b, rows=None), of(vectors))


def test_the_searches_of_the_package_find_and_confirm_a_planted_class() -> None:
    vectors, rows = with_clump(8, 40)
    a, b = (replicate(v, vectors, search_by()) for v in half_variants(N, Config()))
    said = heldout(rows, a, b, of(vectors))
    assert said.found_in_a and said.found_in_b and said.passed
