from __future__ import annotations

import numpy as np
import pytest

from skerry.discover.separation import Separation, separation
from skerry.errors import InputError
from skerry.types import FloatArray

Z = 1.959963984540054


def drawn(n: int, shift: float = 0.0, seed: int = 0, d: int = 6) -> FloatArray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    vectors[:, 0] += shift
    return vectors.astype(np.float32)


def test_a_kind_like_the_sea_is_not_told_from_it() -> None:
    found = [separation(drawn(60, seed=2 * i), drawn(600, seed=2 * i + 1)) for i in range(20)]
    assert abs(np.mean([f.auc for f in found]) - 0.5) < 0.03
    assert abs(np.mean([f.enrichment for f in found]) - 1) < 0.15
    # each a 95% interval: of 20 more than three misses are a sign (p = 0.016)
    assert sum(not f.auc_low <= 0.5 <= f.auc_high for f in found) <= 3


def test_the_area_is_that_of_two_normals() -> None:
    """Two normals a distance 1.5 apart: the best area is Phi(1.5 / sqrt 2) = 0.856."""
    found = separation(drawn(1000, 1.5, 1), drawn(3000, 0.0, 2))
    assert abs(found.auc - 0.8556) < 0.02
    assert found.auc_low < 0.8556 < found.auc_high
    # Hanley & McNeil 1982, equation 1, for 1000 and 3000: standard error 0.0073
    assert 0.8 < (found.auc_high - found.auc_low) / (2 * Z * 0.0073) < 1.25


def test_farther_is_told_better_and_finds_itself_more() -> None:
    sea = drawn(500, 0.0, 3)
    found = [separation(drawn(50, shift, 4), sea) for shift in (0.0, 1.0, 2.0, 9.0)]
    for name in ("auc", "enrichment"):
        values = [getattr(f, name) for f in found]
        assert values == sorted(values)
    assert found[-1].auc == found[-1].auc_high == 1
    assert found[-1].enrichment == pytest.approx(found[-1].ceiling)
    assert found[-1].ceiling == pytest.approx(549 / 49)


def test_the_order_of_rows_changes_nothing() -> None:
    kind, sea = drawn(40, 1.0, 5), drawn(300, 0.0, 6)
    assert separation(kind[::-1], np.roll(sea, 7, axis=0)) == separation(kind, sea)


def test_only_a_sample_of_a_large_sea_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.discover.separation.SEARCHED", 100)
    found = separation(drawn(20, 1.0), drawn(400, 0.0, 7))
    assert isinstance(found, Separation)
    assert (found.members, found.others) == (20, 100)


@pytest.mark.parametrize(
    ("kind", "sea", "said"),
    [
        (drawn(9), drawn(100), "10 or more"),
        (drawn(20), drawn(5), "10 or more"),
        (drawn(20), drawn(100, d=3), "one encoder"),
        (drawn(20) * np.float32(np.nan), drawn(100), "NaN or infinite"),
    ],
)
def test_what_cannot_be_measured_is_refused(kind: FloatArray, sea: FloatArray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        separation(kind, sea)
