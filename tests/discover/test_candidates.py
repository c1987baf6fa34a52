from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skerry.config import ClassesConfig
from skerry.discover import centered, find_candidates
from skerry.errors import InputError
from skerry.types import Candidate, CondensedTree

Row = tuple[int, int, float, int]
ANY = ClassesConfig(min_size=2, max_size=1000, max_share=1.0)


def tree(n: int, rows: list[Row]) -> CondensedTree:
    parent, child, lam, size = (np.array(column) for column in zip(*rows, strict=True))
    return CondensedTree(parent, child, lam.astype(np.float64), size, n)


def leaves(parent: int, rows: range, lam: float) -> list[Row]:
    return [(parent, row, lam, 1) for row in rows]


def sets(found: list[Candidate]) -> list[set[int]]:
    return [set(c.members.tolist()) for c in found]


NESTED = [
    (20, 21, 1.0, 16),
    (20, 22, 1.0, 4),
    (21, 23, 2.0, 5),
    (21, 24, 2.0, 11),
    *leaves(23, range(5), 6.0),
    *leaves(24, range(5, 16), 2.5),
    *leaves(22, range(16, 20), 4.0),
]
"""Root 20; the giant 21 (stability 16) holds 23 (20) and 24 (5.5); 22 (12) stands apart."""


def test_two_branches_beat_the_one_they_come_from() -> None:
    found = find_candidates(tree(20, NESTED), ANY)
    assert sets(found) == [{16, 17, 18, 19}, set(range(5)), set(range(5, 16))]
    assert [c.persistence for c in found] == pytest.approx([0.75, 1 - 2 / 6, 1 - 2 / 2.5])


def test_a_branch_that_outlasts_its_parts_is_kept_whole() -> None:
    rows = [(p, c, 2.2 if p == 23 else lam, s) for p, c, lam, s in NESTED]
    found = find_candidates(tree(20, rows), ANY)
    assert sets(found) == [{16, 17, 18, 19}, set(range(16))]
    assert found[1].persistence == pytest.approx(1 - 1 / 2.5)


@pytest.mark.parametrize(
    "limits", [{"max_size": 15}, {"max_share": 0.75}, {"max_size": 15, "max_share": 1.0}]
)
def test_a_giant_is_no_option_but_its_parts_are(limits: dict[str, float]) -> None:
    rows = [(p, c, 2.2 if p == 23 else lam, s) for p, c, lam, s in NESTED]
    config = ClassesConfig(**{"min_size": 2, "max_share": 1.0, **limits})  # type: ignore[arg-type]
    assert {16} not in [{len(s)} for s in sets(find_candidates(tree(20, rows), config))]
    assert len(find_candidates(tree(20, rows), config)) == 3


def test_small_branches_are_no_option() -> None:
    config = ClassesConfig(min_size=5, max_share=1.0)
    assert sets(find_candidates(tree(20, NESTED), config)) == [set(range(5)), set(range(5, 16))]


def test_probability_is_lambda_over_the_largest_inside() -> None:
    rows = [
        (9, 10, 1.0, 6),
        (9, 11, 1.0, 3),
        (10, 12, 2.0, 2),
        (10, 13, 2.0, 2),
        (10, 0, 1.5, 1),
        (10, 1, 1.8, 1),
        *leaves(12, range(2, 4), 2.4),
        *leaves(13, range(4, 6), 2.1),
        *leaves(11, range(6, 9), 9.0),
    ]
    whole = find_candidates(tree(9, rows), ANY)[1]
    assert whole.members.tolist() == [2, 3, 4, 5, 1, 0]
    expected = np.array([2.4, 2.4, 2.1, 2.1, 1.8, 1.5]) / 2.4
    np.testing.assert_allclose(whole.probability, expected, rtol=1e-6)
    assert whole.persistence == pytest.approx(1 - 1 / 2.4)


def test_sources_at_distance_zero_have_a_finite_density() -> None:
    rows = [(p, c, np.inf if c in (16, 17) else lam, s) for p, c, lam, s in NESTED]
    found = find_candidates(tree(20, rows), ANY)
    apart = next(c for c in found if 16 in c.members)
    assert apart.members.tolist() == [16, 17, 18, 19]
    assert apart.persistence == pytest.approx(1 - 1 / 6)
    np.testing.assert_allclose(apart.probability, [1, 1, 4 / 6, 4 / 6], rtol=1e-6)


def test_a_branch_without_a_distance_to_the_rest_stays_below_one() -> None:
    rows = [(p, c, 0.0 if p == 20 else lam, s) for p, c, lam, s in NESTED]
    assert max(c.persistence for c in find_candidates(tree(20, rows), ANY)) < 1


def test_no_split_no_candidate() -> None:
    assert find_candidates(tree(9, leaves(9, range(9), 2.0)), ANY) == []
    assert find_candidates(tree(9, leaves(9, range(9), np.inf)), ANY) == []


def test_so_few_sources_that_no_class_fits() -> None:
    with pytest.raises(InputError, match=r"of 20 sources .* at most 1 .*max_share"):
        find_candidates(tree(20, NESTED), ClassesConfig(min_size=10, max_share=0.05))


def random_tree(seed: int) -> CondensedTree:
    """Splits at random, with few different lambdas so that some are equal."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 40))
    rows: list[Row] = []
    waiting, name = [(n, np.arange(n), 0)], n + 1
    while waiting:
        branch, members, born = waiting.pop()
        if len(members) >= 6 and rng.random() < 0.8:
            cut = int(rng.integers(3, len(members) - 2))
            at = born + int(rng.integers(0, 4))
            rows += [(branch, name, at, cut), (branch, name + 1, at, len(members) - cut)]
            waiting += [(name, members[:cut], at), (name + 1, members[cut:], at)]
            name += 2
        else:
            rows += [(branch, int(m), born + int(rng.integers(0, 4)), 1) for m in members]
    return tree(n, rows)


@pytest.mark.filterwarnings("error")
@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.6, 1.0]))
def test_no_other_choice_is_more_stable(seed: int, share: float) -> None:
    drawn = random_tree(seed)
    config = ClassesConfig(min_size=3, max_share=share)
    inside: dict[int, set[int]] = {}
    stability: dict[int, float] = {}
    for branch in np.unique(drawn.parent)[::-1]:
        rows = drawn.parent == branch
        birth = drawn.lam[drawn.child == branch].max(initial=0)
        stability[branch] = ((drawn.lam[rows] - birth) * drawn.size[rows]).sum()
        inside[branch] = set()
        for child in drawn.child[rows].tolist():
            inside[branch] |= inside[child] if child >= drawn.n_points else {child}
    largest = int(share * drawn.n_points)
    small = [b for b in inside if b != drawn.n_points and 3 <= len(inside[b]) <= largest]
    assume(len(small) <= 14)

    chosen = sets(find_candidates(drawn, config))
    assert all(a.isdisjoint(b) for a, b in itertools.combinations(chosen, 2))
    got = sum(max(stability[b] for b in small if inside[b] == one) for one in chosen)
    assert all(one in [inside[b] for b in small] for one in chosen)

    def best(options: list[int]) -> float:
        if not options:
            return 0.0
        first, rest = options[0], options[1:]
        apart = [b for b in rest if inside[b].isdisjoint(inside[first])]
        return max(best(rest), stability[first] + best(apart))

    assert got == pytest.approx(best(small))


def test_candidates_are_found_whatever_the_branches_are_called() -> None:
    names = {20: 24, 21: 22, 22: 20, 23: 21, 24: 23}
    renamed = [(names[p], names.get(c, c), lam, s) for p, c, lam, s in NESTED]
    assert sets(find_candidates(tree(20, renamed), ANY)) == sets(
        find_candidates(tree(20, NESTED), ANY)
    )


def test_the_most_central_member_is_the_medoid() -> None:
    x = np.array([[50.0, 50], [0, 0], [1, 0], [-1, 0], [0, 1.5], [0, -1.5], [30, 0]])
    given = Candidate(np.arange(1, 7), np.linspace(0.5, 1, 6).astype(np.float32), 0.5)
    (found,) = centered([given], x.astype(np.float32))
    assert found.members[0] == 1
    assert found.members[-1] == 6
    assert set(found.members) == set(given.members)
    assert dict(zip(found.members, found.probability, strict=True)) == dict(
        zip(given.members, given.probability, strict=True)
    )
    assert found.persistence == 0.5


def test_equally_central_members_fall_to_the_smaller_row() -> None:
    x = np.zeros((6, 3), dtype=np.float32)
    given = Candidate(np.array([4, 2, 5, 1]), np.ones(4, dtype=np.float32), 0.5)
    assert centered([given], x)[0].members.tolist() == [1, 2, 4, 5]
