from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import Config, NeighborsConfig
from skerry.discover.communities import communities
from skerry.discover.heldout import LEVEL, Foretold, Halves, HeldOut
from skerry.discover.replicate import replicate
from skerry.discover.searches import search_by
from skerry.discover.space import Space, space_of
from skerry.discover.variants import half_variants, halves
from skerry.types import FloatArray, IntArray, Replicate

N, D, K = 1600, 6, 15
FIRST, SECOND = halves(N, 0)


def noise(seed: int) -> FloatArray:
    return np.random.default_rng(seed).random((N, D)).astype(np.float32)


def clumped(seed: int, rows: IntArray) -> FloatArray:
    """Noise in which these rows lie close together."""
    vectors = noise(seed)
    deviates = np.random.default_rng(seed + 1000).normal(size=(len(rows), D))
    vectors[rows] = 0.5 + 0.04 * deviates
    return vectors


def of(vectors: FloatArray) -> Space:
    return space_of(vectors, NeighborsConfig(k=K))


def found(space: Space, in_a: list[IntArray], in_b: list[IntArray]) -> Halves:
    """The halves, as if their searches had found these groups."""
    a = Replicate("half-a", "half", FIRST, tuple(in_a))
    b = Replicate("half-b", "half", SECOND, tuple(in_b))
    return Halves(a, b, space)


def drawn(seed: int, size: int, among: IntArray | None = None) -> IntArray:
    rows = np.arange(N) if among is None else among
    return np.sort(np.random.default_rng(seed).permutation(rows)[:size])


REAL = drawn(1, 50)
SPACE = of(clumped(0, REAL))
IN_A, IN_B = np.intersect1d(REAL, FIRST), np.intersect1d(REAL, SECOND)


def test_a_real_class_foretells_itself() -> None:
    said = found(SPACE, [IN_A], [IN_B]).heldout(REAL)
    assert said.found_in_a and said.found_in_b and said.passed
    assert said.containment > 3
    one = found(SPACE, [], [IN_B]).heldout(REAL)
    # its community is there, whatever the search of that half chose
    assert one.found_in_a and one.found_in_b and one.passed
    assert said.a is not None and said.b is not None
    # two tries count as two, and both together as one
    low, high = sorted([said.a.p, said.b.p])
    assert said.p == pytest.approx(min(2 * low, high))


@pytest.mark.parametrize("seed", range(4))
def test_a_clump_of_one_half_alone_does_not(seed: int) -> None:
    clump = drawn(seed, 25, among=FIRST)
    said = found(of(clumped(seed, clump)), [clump], []).heldout(clump)
    assert said.found_in_a and not said.passed
    assert said.containment < 3


def test_nor_does_what_happens_to_lie_together_in_one_half() -> None:
    """Of many balls of noise the tightest: as a search has it, which picks."""
    passed = []
    for seed in range(6):
        vectors = noise(seed)
        gap = np.linalg.norm(vectors[FIRST, None] - vectors[None, FIRST], axis=2)
        near = np.sort(gap, axis=1)
        best = np.argmax(near[:, 36] / near[:, 11])
        clump = np.sort(FIRST[np.argsort(gap[best], kind="stable")[:12]])
        passed.append(found(of(vectors), [clump], []).heldout(clump).passed)
    assert sum(passed) <= 1


def test_of_ordinary_groups_p_is_as_of_chance() -> None:
    p = []
    for seed in range(3):
        space = of(noise(seed))
        for half, rows in enumerate((FIRST, SECOND)):
            # communities, but not those that p counts: of another graph
            part = space_of(space.vectors[rows], NeighborsConfig(k=11)).graph
            groups = [rows[group] for group in communities(part).groups]
            both = (groups, []) if half == 0 else ([], groups)
            asked = found(space, *both)
            p += [asked.heldout(group).p for group in groups]
    assert len(p) > 200
    shares = np.quantile(p, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], atol=0.15)
    assert np.mean(np.array(p) < LEVEL) < 0.1


def test_what_is_foretold_by_hand() -> None:
    asked = found(SPACE, [IN_A], [])
    said = asked.heldout(REAL).a
    assert said is not None
    near = SPACE.graph.indices
    place = {int(row): i for i, row in enumerate(SECOND)}
    foretold = []
    for row in SECOND.tolist():
        seen = np.intersect1d(near[row], FIRST)
        if 2 * np.isin(seen, IN_A).sum() > len(seen):
            foretold.append(place[row])
    # mostly the members in the other half, as they are
    assert np.isin(SECOND[foretold], IN_B).mean() > 0.6
    assert np.isin(IN_B, SECOND[foretold]).all()
    # half of the neighbors in half of the sources, ten at least
    other = space_of(SPACE.vectors[SECOND], NeighborsConfig(k=10)).communities
    (expected,) = other.containment_of([np.array(foretold)])
    assert said.containment == pytest.approx(expected)


def test_a_class_smaller_than_half_of_the_neighbors_foretells_itself_too() -> None:
    """Ten sources, five a half, where fifteen neighbors of thirty are in a half."""
    rows = np.sort(np.concatenate([FIRST[3:8], SECOND[3:8]]))
    space = space_of(clumped(0, rows), NeighborsConfig(k=30))
    said = found(space, [FIRST[3:8]], [SECOND[3:8]]).heldout(rows)
    assert said.found_in_a and said.found_in_b and said.passed


def test_found_in_neither_half_is_not_passed() -> None:
    scattered = drawn(3, 40)
    said = found(SPACE, [REAL[:3]], []).heldout(scattered)
    assert (said.found_in_a, said.found_in_b, said.passed) == (False, False, False)
    assert (said.containment, said.p) == (0.0, 1.0)


def test_a_group_that_foretells_no_two_sources_is_the_worst() -> None:
    """Members far from each other are nobody's neighbors in the main."""
    scattered = drawn(3, 12, among=FIRST)
    said = found(SPACE, [scattered], []).heldout(scattered)
    assert said.found_in_a and said.p == 1.0 and not said.passed
    assert said.containment == -np.inf


def test_one_half_is_enough_but_two_tries_count_as_two() -> None:
    good, weak, bad = Foretold(9.0, 0.001), Foretold(3.0, 0.03), Foretold(0.2, 0.4)
    assert HeldOut(good, None).passed and HeldOut(good, weak).passed
    # 0.03 is below 0.05, but not below half of it
    assert HeldOut(weak, None).passed and not HeldOut(weak, bad).passed
    for both in (HeldOut(good, weak), HeldOut(weak, good)):
        assert (both.containment, both.p) == (9.0, 0.002)
    assert HeldOut(Foretold(0.0, 0.9), Foretold(0.1, 0.95)).p == 0.95
    # either alone is too weak at half the level, both together are not
    assert HeldOut(weak, Foretold(2.5, 0.04)).p == 0.04


probabilities = st.none() | st.floats(0, 1).map(lambda p: Foretold(1.0, p))


@given(probabilities, probabilities)
def test_the_halves_have_equal_rights_and_p_is_a_probability(
    a: Foretold | None, b: Foretold | None
) -> None:
    one, other = HeldOut(a, b), HeldOut(b, a)
    assert one.p == other.p and 0 <= one.p <= 1
    assert one.passed == (one.p < LEVEL)
    assert one.p >= min((half.p for half in (a, b) if half), default=1.0)


def test_the_order_of_members_and_of_other_groups_does_not_matter() -> None:
    said = found(SPACE, [IN_A], [IN_B]).heldout(REAL)
    other = drawn(2, 30, among=np.setdiff1d(FIRST, REAL))
    again = found(SPACE, [other, IN_A[::-1]], [IN_B[::-1]])
    assert again.heldout(REAL[::-1]) == said


def test_of_one_size_a_better_contained_group_has_no_larger_p() -> None:
    other = drawn(2, len(IN_A), among=np.setdiff1d(FIRST, REAL))
    mixed = np.sort(np.concatenate([IN_A[5:], other[:5]]))
    groups = [IN_A, mixed, other]
    asked = found(SPACE, groups, [])
    each = [asked.heldout(rows).a for rows in groups]
    told = sorted((half.containment, half.p) for half in each if half is not None)
    assert len(told) == 3
    assert all(before[1] >= after[1] for before, after in pairwise(told))


def test_ordinary_communities_of_like_size_are_what_p_counts() -> None:
    asked = found(SPACE, [IN_A], [])
    sizes, containment = asked._ordinary
    said = asked.heldout(REAL).a
    assert said is not None
    alike = (sizes >= len(IN_A) / 2) & (sizes <= 2 * len(IN_A))
    assert 100 <= alike.sum() < len(sizes)
    as_good = (containment[alike] >= said.containment).sum()
    assert said.p == (1 + as_good) / (1 + alike.sum())


def test_a_search_of_all_sources_is_refused() -> None:
    a, b = found(SPACE, [IN_A], []).searches
    with pytest.raises(ValueError, match="which rows it saw"):
        Halves(a, replace(b, rows=None), SPACE)


def test_the_searches_of_the_package_find_a_planted_class_and_bear_it_out() -> None:
    a, b = (replicate(v, SPACE.vectors, search_by()) for v in half_variants(N, Config()))
    said = Halves(a, b, SPACE).heldout(REAL)
    assert said.found_in_a and said.found_in_b and said.passed
