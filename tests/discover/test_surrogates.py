from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from skerry.backends import lookup, parallel
from skerry.config import Config, from_mapping
from skerry.discover import Space, Surrogates, kinds_of, space_of
from skerry.discover.surrogates import HELD, groups_in
from skerry.types import Candidate, Measures

CONFIG = from_mapping({"classes": {"max_share": 0.05}, "nulls": {"scales": "2,1"}})
CLUMP = 30

DRAWS = """
import hashlib
import numpy as np
from skerry.config import Config
from skerry.discover import Surrogates, space_of
x = np.random.default_rng(0).normal(size=(2500, 48)).astype("f4")
x[:40] *= 0.1
groups = [np.arange(40), np.arange(100, 150)]
drawn = Surrogates(space_of(x, Config().neighbors), Config(), groups)
parts = [drawn.draw(kind, 1).tobytes() for kind in ("shuffled", "smooth-1", "smooth-4")]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def sea(n: int = 1500, d: int = 6) -> np.ndarray:
    """A clump of 30 in two broad modes, the larger with 60% of the rest; correlated axes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) @ (np.eye(d) + 0.4 * np.eye(d, k=1))
    x[: int(0.6 * n), 0] += 12
    x[rng.permutation(n)[:CLUMP]] = [1.0] * d + 0.05 * rng.normal(size=(CLUMP, d))
    return rng.permutation(x).astype(np.float32)


def of_clump(x: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.linalg.norm(x - 1.0, axis=1) < 0.3)


def surrogates(
    x: np.ndarray | None = None,
    config: Config = CONFIG,
    groups: Sequence[np.ndarray] | None = None,
) -> Surrogates:
    x = sea() if x is None else x
    groups = [of_clump(x)] if groups is None else groups
    return Surrogates(space_of(x, config.neighbors), config, groups)


def clumped(x: np.ndarray) -> int:
    return len(of_clump(x))


def test_kinds() -> None:
    assert kinds_of(Config()) == ("shuffled", "smooth-1", "smooth-2", "smooth-4")
    assert kinds_of(CONFIG) == ("shuffled", "smooth-1", "smooth-2")
    half = from_mapping({"nulls": {"scales": "0.5"}})
    assert kinds_of(half) == ("shuffled", "smooth-0.5")
    assert surrogates(config=half).draw("smooth-0.5", 0).shape == (1500, 6)


def test_shuffled_keeps_each_principal_axis_and_nothing_else() -> None:
    x = sea()
    y = surrogates(x, groups=[]).draw("shuffled", 0)
    assert y.shape == x.shape and y.dtype == np.float32
    np.testing.assert_allclose(y.mean(axis=0), x.mean(axis=0), atol=1e-3)
    axes = np.linalg.eigh(np.cov(x.T))[1]
    for one, other in zip(axes.T @ (x - x.mean(0)).T, axes.T @ (y - x.mean(0)).T, strict=True):
        np.testing.assert_allclose(np.sort(one), np.sort(other), atol=1e-3)
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    np.testing.assert_allclose(np.cov(y.T), np.cov(x.T), atol=1.2)
    assert clumped(x) == CLUMP
    assert clumped(y) <= 3


def test_shuffled_has_nothing_of_what_a_group_alone_has() -> None:
    """Shuffled with the rest, a column that is 0 but in one group makes a clump of any members."""
    x = np.hstack([sea(), np.zeros((1500, 1), np.float32)])
    rng = np.random.default_rng(1)
    group = np.sort(rng.permutation(1500)[:40])
    x[group, -1] = 3 + 0.05 * rng.normal(size=40)
    without = surrogates(x, groups=[group]).draw("shuffled", 0)
    assert without.shape == x.shape
    assert np.abs(without[:, -1]).max() < 0.1
    spread = np.delete(x, group, axis=0)[:, :-1].std(0)
    np.testing.assert_allclose(without[:, :-1].std(0), spread, rtol=0.1)
    assert (surrogates(x, groups=[]).draw("shuffled", 0)[:, -1] > 2).sum() == 40


def test_smooth_keeps_the_broad_shape() -> None:
    x = sea()
    draws = [surrogates(x).draw("smooth-2", i) for i in range(4)]
    for y in draws:
        assert y.shape == x.shape and y.dtype == np.float32
        np.testing.assert_allclose(y.mean(axis=0)[1:], x.mean(axis=0)[1:], atol=0.15)
        assert (y[:, 0] > 6).mean() == pytest.approx((x[:, 0] > 6).mean(), abs=0.04)
        scatter = np.sqrt(np.diag(np.cov(y.T)) / np.diag(np.cov(x.T)))
        assert scatter.min() > 0.95 and scatter.max() < 1.2
        # the modes stay apart: nothing is drawn between them
        assert ((y[:, 0] > 4.5) & (y[:, 0] < 6)).mean() < 0.02
        assert np.corrcoef(y[:, 1], y[:, 2])[0, 1] == pytest.approx(
            np.corrcoef(x[:, 1], x[:, 2])[0, 1], abs=0.12
        )


def test_smooth_has_no_clump_where_the_search_found_a_group() -> None:
    x = sea()
    drawn = surrogates(x)
    left = [clumped(drawn.draw(f"smooth-{s}", i)) for i in range(4) for s in (1, 2)]
    assert clumped(x) == CLUMP
    assert max(left) <= 3
    # what was not found stays
    assert clumped(surrogates(x, groups=[]).draw("smooth-2", 0)) > CLUMP / 2


class Still(np.random.Generator):
    """Deviates of 0, so that sources are drawn but not moved."""

    def standard_normal(self, size: tuple[int, ...], dtype: type) -> np.ndarray:  # type: ignore[override]
        return np.zeros(size, dtype)


def test_members_of_groups_give_way_to_their_surroundings() -> None:
    x = sea()
    clump = of_clump(x)
    other = np.setdiff1d(np.arange(len(x)), clump)[:40]
    drawn = surrogates(x, groups=[clump, other])
    grouped = np.concatenate([clump, other])
    free = np.setdiff1d(np.arange(len(x)), grouped)
    came: set[int] = set()
    for seed in range(8):
        y = drawn._smooth("smooth-2", Still(np.random.PCG64(seed)))
        np.testing.assert_allclose(y[free], x[free], atol=1e-5)
        gap = np.linalg.norm(y[grouped, None] - x[None], axis=2)
        assert gap.min(axis=1).max() < 1e-5
        source = gap.argmin(axis=1)
        assert np.isin(source, free).all()
        came |= set(source[: len(clump)].tolist())
        # of 1500 the largest class has 75, so that m = 150, counted from the group's center
        for members, at in ((clump, source[: len(clump)]), (other, source[len(clump) :])):
            middle = np.linalg.norm(x[members] - x[members].mean(axis=0), axis=1).argmin()
            far = np.linalg.norm(x - x[members[middle]], axis=1)
            rank = np.searchsorted(np.sort(far[free]), far[at], side="right")
            assert rank.max() <= 150 and 40 < np.median(rank) < 120
    assert len(came) > 100


def test_no_source_stands_for_many_so_that_replacing_makes_no_clump() -> None:
    x = sea()
    clump = of_clump(x)
    beside = np.argsort(np.linalg.norm(x - x[clump].mean(axis=0), axis=1))
    beside = beside[~np.isin(beside, clump)][:40]
    drawn = surrogates(x, groups=[clump, beside])
    for seed in range(8):
        for kind in ("smooth-1", "smooth-2"):
            y = drawn._smooth(kind, Still(np.random.PCG64(seed)))
            assert np.unique(y, axis=0, return_counts=True)[1].max() == 2


@pytest.mark.parametrize("groups", [[], [np.arange(60)], [np.arange(30), np.arange(20, 60)]])
def test_no_group_and_nothing_but_groups(groups: list[np.ndarray]) -> None:
    config = from_mapping({"classes": {"max_share": 0.2}})
    x = np.random.default_rng(3).normal(size=(60, 3)).astype(np.float32)
    for kind in kinds_of(config):
        y = surrogates(x, config, groups).draw(kind, 0)
        assert y.shape == (60, 3) and np.isfinite(y).all()


def with_communities(groups: Sequence[np.ndarray], containment: Sequence[float]) -> Space:
    """A space whose communities are given."""
    space = space_of(sea(200), CONFIG.neighbors)
    true = space.communities
    space.__dict__["communities"] = replace(
        true, groups=list(groups), containment=np.array(containment, dtype=np.float64)
    )
    return space


def found_in(
    space: Space, rows: Sequence[np.ndarray], containment: Sequence[float]
) -> list[list[int]]:
    given = [Candidate(r, np.ones(len(r), np.float32), 0.5) for r in rows]
    other = [np.zeros(len(rows))] * 5
    held = groups_in(space, given, Measures(*other, np.array(containment, dtype=np.float64)))
    return [r.tolist() for r in held]


def test_only_groups_that_stand_out_are_taken_out() -> None:
    rows = [np.arange(i, i + 5) for i in (0, 10, 20)]
    space = with_communities([], [])
    assert found_in(space, rows, [HELD + 0.1, HELD, -2.0]) == [[0, 1, 2, 3, 4]]
    assert found_in(space, [], []) == []
    # communities that no search took are taken out as well, the most contained first
    space = with_communities([rows[0], rows[2], rows[1]], [HELD, HELD + 1, HELD + 2])
    assert found_in(space, [], []) == [rows[1].tolist(), rows[2].tolist()]


def test_what_is_left_of_a_kind_beside_the_candidate_is_taken_out_too() -> None:
    taken, larger, other = np.arange(12), np.arange(8, 20), np.arange(18, 22)
    space = with_communities([larger, other], [9.0, 7.0])
    # of the last two rows are left, too few to make a clump
    assert found_in(space, [taken], [5.0]) == [taken.tolist(), list(range(12, 20))]
    # what is taken first is whole, in its order, though another is more contained
    assert found_in(space, [taken[::-1]], [5.0])[0] == taken[::-1].tolist()


def test_of_a_kind_cut_in_two_no_half_is_left_for_the_surrogates() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1200, 6))
    kind = rng.permutation(1200)[:50]
    x[kind] = 2.0 + 0.2 * rng.normal(size=(50, 6))
    space = space_of(x.astype(np.float32), CONFIG.neighbors)
    half = Candidate(kind[:25], np.ones(25, np.float32), 0.0)
    measures = Measures(*[np.ones(1)] * 5, np.array([8.0]))
    rows = np.concatenate(groups_in(space, [half], measures))
    assert len(np.unique(rows)) == len(rows)
    assert np.isin(kind, rows).mean() > 0.9
    # and little of the sea goes with it
    assert len(rows) < 120


def test_number_kind_and_seed_make_it_another() -> None:
    drawn = surrogates()
    other = surrogates(config=from_mapping({"nulls": {"seed": 1}}, CONFIG))
    found = [
        *(drawn.draw(kind, number) for kind in kinds_of(CONFIG) for number in (0, 1)),
        *(other.draw(kind, 0) for kind in kinds_of(CONFIG)),
    ]
    assert len({y.tobytes() for y in found}) == 9
    again = surrogates()
    for kind in reversed(kinds_of(CONFIG)):
        assert again.draw(kind, 1).tobytes() == drawn.draw(kind, 1).tobytes()


@pytest.mark.parametrize("n", [40, 60, 200])
def test_few_sources(n: int) -> None:
    config = from_mapping({"neighbors": {"k": 16}, "classes": {"min_size": 2, "max_share": 0.1}})
    x = np.random.default_rng(3).normal(size=(n, 3)).astype(np.float32)
    x[:, 2] = 7
    for kind in kinds_of(config):
        y = surrogates(x, config, [np.arange(5)]).draw(kind, 0)
        assert y.shape == (n, 3) and np.isfinite(y).all()
        np.testing.assert_allclose(y[:, 2], 7, atol=1e-4)


def test_same_bytes_in_every_process_and_on_any_number_of_threads() -> None:
    def run(threads: str) -> str:
        names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", DRAWS],
            env={**os.environ, **dict.fromkeys(names, threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    one = run("1")
    assert len(one) == 64
    assert one == run("3")


@pytest.mark.parametrize("kind", ["shuffled", "smooth-1", "smooth-2"])
def test_of_a_large_survey_a_surrogate_is_a_part_that_is_always_the_same(kind: str) -> None:
    x = sea()
    config = replace(CONFIG, nulls=replace(CONFIG.nulls, sources=600))
    made = surrogates(x, config)
    part = made.draw(kind, 0)
    assert part.shape == (600, x.shape[1]) and part.dtype == np.float32
    np.testing.assert_array_equal(part, surrogates(x, config).draw(kind, 0))
    assert part.tobytes() != made.draw(kind, 1).tobytes()
    # spread as the whole is, and without the clump
    np.testing.assert_allclose(part.mean(axis=0), x.mean(axis=0), atol=0.6)
    np.testing.assert_allclose(part.std(axis=0), x.std(axis=0), rtol=0.15)
    assert clumped(part) < CLUMP / 4


def test_parts_of_smooth_data_are_of_all_regions_over_the_draws() -> None:
    """Each draw has sources of its own, so that all together see the whole survey."""
    x = np.arange(3000, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    config = replace(CONFIG, nulls=replace(CONFIG.nulls, sources=1000))
    made = surrogates(x, config, groups=[])
    near = np.concatenate([made.draw("smooth-2", i)[:, 0] for i in range(5)])
    assert np.histogram(near, bins=30, range=(0, 3000))[0].min() > 60


GROUPS = [np.arange(start, start + 20) for start in range(0, 1000, 20)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("blocks", [{"_STRETCH": 100}, {"_CENTERS": 7}])
def test_the_nearest_are_the_same_block_by_block(
    monkeypatch: pytest.MonkeyPatch, blocks: dict[str, int], threads: int
) -> None:
    x = sea()
    whole = surrogates(x, groups=GROUPS)._surroundings("smooth-2")
    for name, size in blocks.items():
        monkeypatch.setattr(f"skerry.discover.surrogates.{name}", size)
    with parallel.on_threads(threads):
        found = surrogates(x, groups=GROUPS)._surroundings("smooth-2")
    np.testing.assert_array_equal(found, whole)


def test_surroundings_of_all_scales_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x, made = sea(), surrogates(groups=GROUPS)
    small = made._surroundings("smooth-1")
    monkeypatch.setattr(lookup, "nearest", None)
    large = made._surroundings("smooth-2")
    assert large.shape == (len(GROUPS), 2 * small.shape[1])
    free = np.setdiff1d(np.arange(len(x)), np.concatenate(GROUPS))
    for group, near, far in zip(GROUPS, small, large, strict=True):
        middle = x[group].mean(axis=0)
        center = x[group][np.linalg.norm(x[group] - middle, axis=1).argmin()]
        order = free[np.linalg.norm(x[free] - center, axis=1).argsort()]
        assert sorted(order[: len(near)]) == near.tolist()
        assert sorted(order[: len(far)]) == far.tolist()


def test_a_very_small_scale_takes_one_source() -> None:
    config = from_mapping({"nulls": {"scales": "0.001"}}, CONFIG)
    assert surrogates(config=config).draw("smooth-0.001", 0).shape == (1500, 6)


def test_of_a_much_larger_survey_surroundings_reach_as_far_among_fewer() -> None:
    """Of 600 of 1,500 sources: as large a share to choose from, of as large a region."""
    x = sea()
    small = replace(CONFIG, nulls=replace(CONFIG.nulls, sources=150))
    whole, part = surrogates(x), surrogates(x, small)
    every, some = (s._surroundings("smooth-2")[0] for s in (whole, part))
    assert len(some) == round(len(every) * 600 / (1500 - CLUMP))
    center = np.ones(x.shape[1])
    reach = [np.linalg.norm(x[rows] - center, axis=1).max() for rows in (every, some)]
    assert reach[1] == pytest.approx(reach[0], rel=0.15)
    assert not np.isin(some, of_clump(x)).any()
    np.testing.assert_array_equal(some, surrogates(x, small)._surroundings("smooth-2")[0])


def test_members_outside_a_part_take_nobody_s_place_in_it() -> None:
    """So that of few to choose from none stands for several."""
    x = sea()
    small = replace(CONFIG, nulls=replace(CONFIG.nulls, sources=300))
    made = surrogates(x, small)
    part = np.sort(np.random.default_rng(1).permutation(len(x))[:300])
    drawn = made._drawn("smooth-2", np.random.default_rng(2), part)
    inside = np.isin(part, of_clump(x))
    assert 0 < inside.sum() < CLUMP
    np.testing.assert_array_equal(drawn[~inside], part[~inside])
    assert len(np.unique(drawn[inside])) == inside.sum()
