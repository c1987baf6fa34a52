from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.config import NeighborsConfig
from skerry.discover.complete import GROWTH, LOOKED, Whole, complete, edge
from skerry.discover.matching import jaccard
from skerry.discover.space import Space, space_of
from skerry.types import FloatArray, IntArray

SEA, GROUP = 400, 60
LARGEST = 100


def with_groups(seed: int, groups: int = 1) -> tuple[FloatArray, list[IntArray]]:
    """A normal sea in 8 dimensions, groups at its edge whose density falls outward, their rows."""
    rng = np.random.default_rng(seed)
    parts, rows = [rng.normal(size=(SEA, 8))], []
    for i in range(groups):
        center = np.zeros(8)
        center[i] = 5.0
        parts.append(center + 0.5 * rng.normal(size=(GROUP, 8)))
        rows.append(np.arange(SEA + GROUP * i, SEA + GROUP * (i + 1)))
    return np.vstack(parts).astype(np.float32), rows


def space(vectors: FloatArray) -> Space:
    return space_of(vectors, NeighborsConfig(k=20))


def core_of(vectors: FloatArray, rows: IntArray, size: int) -> IntArray:
    """The innermost of a group."""
    apart = np.linalg.norm(vectors[rows] - vectors[rows].mean(axis=0), axis=1)
    return rows[np.argsort(apart)[:size]]


def only(found: list[Whole | None]) -> Whole:
    (whole,) = found
    assert whole is not None
    return whole


@pytest.mark.parametrize("seed", range(5))
def test_a_core_grows_to_the_group_and_not_beyond(seed: int) -> None:
    vectors, (rows,) = with_groups(seed)
    core = core_of(vectors, rows, 35)
    whole = only(complete([core], [0], space(vectors), LARGEST))
    assert jaccard(core, rows) < 0.6
    assert jaccard(whole.members, rows) > 0.9
    assert whole.core.tolist() == core.tolist() == whole.members[:35].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_group_has_an_edge_and_a_dense_part_of_the_sea_has_none(seed: int) -> None:
    vectors, (rows,) = with_groups(seed)
    here = space(vectors)
    for members, furthest in ((core_of(vectors, rows, 35), 99), (rows, 100)):
        size, most = edge(members, here, LARGEST)
        assert most == furthest
        assert abs(size - GROUP) <= 3
    dense = np.argsort(np.linalg.norm(vectors[:SEA], axis=1))[:30]
    size, most = edge(dense, here, LARGEST)
    assert size > most == int(LOOKED * GROWTH * 30)


def test_a_group_larger_than_a_class_may_be_is_told_to_have_its_edge_beyond() -> None:
    vectors, (rows,) = with_groups(6)
    size, most = edge(core_of(vectors, rows, 35), space(vectors), 45)
    assert most == 45 < GROUP - 3 <= size


def test_a_whole_group_stays_as_it_is() -> None:
    vectors, (rows,) = with_groups(1)
    whole = only(complete([rows], [0], space(vectors), LARGEST))
    assert len(whole.added) <= 3


def test_what_is_no_class_is_left_alone() -> None:
    vectors, (rows,) = with_groups(2)
    core = core_of(vectors, rows, 30)
    assert only(complete([core], [], space(vectors), LARGEST)).members.tolist() == core.tolist()


def test_pieces_of_one_group_become_one_class() -> None:
    vectors, (rows,) = with_groups(3)
    core = core_of(vectors, rows, 34)
    piece = np.setdiff1d(rows, core)[:12]
    whole, gone = complete([core, piece], [0], space(vectors), LARGEST)
    assert gone is None
    assert whole is not None and whole.pieces == (1,)
    assert np.isin(piece, whole.members).all()


def test_a_class_that_comes_first_is_no_piece_of_another() -> None:
    vectors, (rows,) = with_groups(3)
    core = core_of(vectors, rows, 34)
    piece = np.setdiff1d(rows, core)[:12]
    assert complete([core, piece], [0, 1], space(vectors), LARGEST)[1] is None
    larger, first = complete([core, piece], [0, 1], space(vectors), LARGEST, {1})
    assert larger is not None and first is not None
    assert first.core.tolist() == piece.tolist() and not larger.pieces
    assert not np.isin(first.members, larger.members).any()


def test_two_classes_share_no_source_and_keep_their_cores() -> None:
    vectors, groups = with_groups(4, 2)
    cores = [core_of(vectors, rows, 35) for rows in groups]
    found = complete(cores, [0, 1], space(vectors), LARGEST)
    members = [whole.members for whole in found if whole is not None]
    assert len(members) == 2
    assert len(np.intersect1d(*members)) == 0
    for rows, got in zip(groups, members, strict=True):
        assert jaccard(rows, got) > 0.85


def test_a_rejected_group_outside_the_cut_keeps_its_sources() -> None:
    vectors, (rows,) = with_groups(5)
    core = core_of(vectors, rows, 30)
    other = np.append(np.arange(12), np.setdiff1d(rows, core)[:3])
    whole, rejected = complete([core, other], [0], space(vectors), LARGEST)
    assert whole is not None and rejected is not None
    assert rejected.members.tolist() == other.tolist()
    assert not np.isin(other, whole.members).any()


@given(seed=st.integers(0, 1000), size=st.integers(10, 55), largest=st.integers(60, 100))
@settings(max_examples=25)
def test_it_grows_within_its_bounds_without_repeats(seed: int, size: int, largest: int) -> None:
    vectors, (rows,) = with_groups(seed)
    core = core_of(vectors, rows, size)
    members = only(complete([core], [0], space(vectors), largest)).members
    assert len(np.unique(members)) == len(members)
    assert size <= len(members) <= min(largest, round(GROWTH * size))
    assert np.isin(core, members).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    vectors, (rows,) = with_groups(seed)
    core = core_of(vectors, rows, 30)
    order = np.random.default_rng(seed).permutation(len(vectors))
    place = np.argsort(order)
    plain = only(complete([core], [0], space(vectors), LARGEST))
    turned = only(complete([place[core]], [0], space(vectors[order]), LARGEST))
    assert set(order[turned.members]) == set(plain.members)


def test_sources_far_from_all_others_are_no_trouble() -> None:
    vectors, (rows,) = with_groups(6)
    vectors[:5] *= 1e6
    core = core_of(vectors, rows, 35)
    whole = only(complete([core], [0], space(vectors), LARGEST))
    assert jaccard(whole.members, rows) > 0.9
    far = only(complete([np.arange(10)], [0], space(vectors), LARGEST))
    assert np.isfinite(far.members).all()


def test_a_source_far_beyond_a_class_is_none_of_it() -> None:
    vectors, (rows,) = with_groups(6)
    vectors[:5] *= 1e6
    core = core_of(vectors, rows, 35)
    whole = only(complete([core], [0], space(vectors), LARGEST))
    assert not np.isin(np.arange(5), whole.members).any()
