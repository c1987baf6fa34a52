"""Laws of matched controls."""

from __future__ import annotations

import numpy as np

from skerry.examine.properties.matched import (
    CALIPER,
    CONTROLS,
    matched_controls,
    stratified_difference,
)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass and redshift of 1,000 sources, 40 members of which are near, and a pool."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=1000)
    z[:40] -= 1.0
    return z, np.arange(40), np.arange(40, 1000)


def test_controls_are_alike_and_used_once() -> None:
    z, members, pool = drawn(0)
    found = matched_controls(members, pool, [z], seed=0)
    assert found.rows.shape == (len(found.members), CONTROLS)
    assert len(found.members) + found.unmatched == 40 and len(found.members) >= 35
    assert len(np.unique(found.rows)) == found.rows.size and found.rows.min() >= 40
    ranks = np.empty(1000)
    ranks[np.argsort(z)] = np.arange(1000)
    assert abs(np.median(z[found.members, None] - z[found.rows])) < 0.1
    assert np.abs(z[found.members, None] - z[found.rows]).max() < 3 * CALIPER


def test_members_without_value_or_company_are_left_out() -> None:
    z, members, pool = drawn(1)
    z[0], z[1] = np.nan, -50.0
    found = matched_controls(members, pool, [z], seed=0)
    assert 0 not in found.members and found.unmatched >= 1
    none = matched_controls(members, pool[:3], [z], seed=0)
    assert len(none.members) == 0 and none.unmatched == 40


def test_matching_takes_out_what_follows_from_the_column() -> None:
    false = 0
    for seed in range(200):
        z, members, pool = drawn(seed)
        mass = z + 0.5 * np.random.default_rng([1, seed]).normal(size=1000)
        found = matched_controls(members, pool, [z], seed=0)
        effect, low, high, p = stratified_difference(mass[found.members], mass[found.rows])
        assert low <= effect <= high
        false += p < 0.05
    assert false / 200 < 0.11  # 5%, and a binomial bound
    shifted = mass.copy()
    shifted[:40] += 1.0
    effect, low, _, p = stratified_difference(shifted[found.members], shifted[found.rows])
    assert low > 0.2 and p < 1e-3


def test_equal_values_are_no_difference() -> None:
    effect, low, high, p = stratified_difference(np.ones(10), np.ones((10, 5)))
    assert effect == 0 and p == 1 and low <= 0 <= high
