"""Matching by position, and how many matches are by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch.positional import (
    SHIFTED,
    catalog_labels,
    chance_matches,
    match,
    shift_of,
)
from tests.survey.vo_server import Service, served

ARCSEC = 1 / 3600


def field(n: int, seed: int, side: float = 0.2, ra: float = 150.0, dec: float = 2.0) -> np.ndarray:
    """Positions at random in a square of ``side`` degrees."""
    return np.array([ra, dec]) + side * np.random.default_rng(seed).random((n, 2))


def separations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All separations in arcsec, by unit vectors: (len(a), len(b))."""

    def vectors(p: np.ndarray) -> np.ndarray:
        ra, dec = np.radians(p).T
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)

    chord = np.linalg.norm(vectors(a)[:, None] - vectors(b)[None], axis=2)
    return np.degrees(2 * np.arcsin(chord / 2)) * 3600


@given(
    seed=st.integers(0, 10_000), place=st.sampled_from([(359.99, 0.0), (80.0, 89.98), (10, -45)])
)
def test_matches_are_the_nearest_within_the_radius_anywhere_on_the_sky(
    seed: int, place: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    own = np.array(place) + 0.01 * rng.random((30, 2))
    others = own[rng.integers(30, size=20)] + 3 * ARCSEC * rng.normal(size=(20, 2))
    own[:, 0] %= 360
    others[:, 0] %= 360
    row, apart = match(own, others, 2.0)
    far = separations(own, others)
    nearest = far.argmin(axis=1)
    for i in range(30):
        rivals = (nearest == nearest[i]) & (far[np.arange(30), nearest] < far[i, nearest[i]])
        if far[i, nearest[i]] <= 2.0 and not rivals.any():
            assert row[i] == nearest[i]
            assert apart[i] == pytest.approx(far[i, nearest[i]], abs=1e-4)
        else:
            assert row[i] == -1 and np.isnan(apart[i])


def test_one_entry_belongs_to_one_source_the_nearest() -> None:
    own = np.array([[10.0, 0.0], [10.0, 0.4 * ARCSEC], [10.0, 9 * ARCSEC], [np.nan, 0.0]])
    row, apart = match(own, np.array([[10.0, 0.3 * ARCSEC]]), 1.0)
    assert list(row) == [-1, 0, -1, -1]
    assert apart[1] == pytest.approx(0.1, abs=1e-6)


def test_permuting_either_side_changes_no_match() -> None:
    own, others = field(60, 0, 0.01), field(80, 1, 0.01)
    row, _ = match(own, others, 3.0)
    rng = np.random.default_rng(2)
    a, b = rng.permutation(60), rng.permutation(80)
    again, _ = match(own[a], others[b], 3.0)
    np.testing.assert_array_equal(np.where(again >= 0, b[again], -1), row[a])


def test_chance_matches_are_as_many_as_an_unrelated_catalog_gives() -> None:
    own = field(2000, 3)
    # wider, as places beside the outermost sources have to be covered too
    others = field(6000, 4, 0.24, 149.98, 1.98)
    found = (match(own, others, 3.0)[0] >= 0).sum()
    expected = chance_matches(own, others, 3.0).sum()
    # by hand: a Poisson field of so many in 0.24 x 0.24 cos(2.1) degrees
    density = 6000 / (0.24**2 * np.cos(np.radians(2.1)))
    poisson = 2000 * -np.expm1(-density * np.pi * (3 * ARCSEC) ** 2)
    assert expected == pytest.approx(poisson, rel=0.05)
    assert abs(found - expected) < 4 * np.sqrt(expected)


def test_a_source_s_own_entry_is_no_chance_match() -> None:
    own = field(500, 5)
    assert (match(own, own, 1.0)[0] == np.arange(500)).all()
    assert chance_matches(own, own, 1.0).sum() < 2
    assert shift_of(1.0) == SHIFTED and shift_of(10.0) == 100.0


def write(path: Path, positions: np.ndarray, **columns: list[str]) -> Path:
    names = ["ra", "dec", *columns]
    rows = zip(*positions.T.tolist(), *columns.values(), strict=True)
    lines = [",".join(names), *(",".join(f"{v:.9f}" if isinstance(v, float) else v for v in r)
                                for r in rows)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_and_both_kinds_of_service_say_the_same(tmp_path: Path) -> None:
    own = field(40, 6)
    others = np.vstack([own[:25] + 0.2 * ARCSEC, field(200, 7)])
    kinds = ["lens", "merger", ""] * 75
    path = write(tmp_path / "known.csv", others, type=kinds, name=[f"o{i}" for i in range(225)])
    members = np.arange(40, dtype=np.int64)
    found, missing = catalog_labels(str(path), own, members, (), 1.0, 0)
    assert not missing and [la.name for la in found.labellings] == ["in known.csv", "type"]
    present, kind = found.labellings
    assert found.matches == 25 and present.known.all() and present.flag
    assert present.presence and not kind.presence
    assert list(kind.values) == kinds[:25] + [""] * 15
    assert list(kind.known) == [bool(k) for k in kinds[:25]] + [False] * 15
    table = Table({"ra": others[:, 0], "dec": others[:, 1], "type": kinds})
    with served(Service(table)) as service:
        for address in (service.address, service.address + "#known.main"):
            asked, _ = catalog_labels(address, own, members, ("type",), 1.0, 0)
            np.testing.assert_array_equal(asked.row >= 0, found.row >= 0)
            assert list(asked.labellings[1].values) == list(kind.values)
            assert asked.expected == pytest.approx(found.expected)


def test_a_service_is_asked_for_members_and_a_part_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("skerry.examine.crossmatch.positional.ASKED", 10)
    own = field(60, 8)
    own[5] = np.nan
    with served(Service(Table({"ra": own[:, 0], "dec": own[:, 1]})[6:])) as service:
        members = np.array([3, 5, 7], dtype=np.int64)
        found, _ = catalog_labels(service.address, own, members, (), 1.0, 0)
        assert len(service.asked) == 12
    assert found.weight == found.labellings[0].weight == pytest.approx(57 / 10)
    assert found.asked.sum() == 12 and found.asked[[3, 7]].all() and not found.asked[5]
    assert not (found.row[~found.asked] >= 0).any()
    assert list(found.labellings[0].known) == list(found.asked)


def test_catalogs_and_sources_without_positions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("name,type\na,b\n")
    members = np.arange(2, dtype=np.int64)
    with pytest.raises(CannotAnswerError, match="no columns ra and dec"):
        catalog_labels(str(path), field(5, 9), members, (), 1.0, 0)
    with pytest.raises(CannotAnswerError, match="sources have no positions"):
        catalog_labels(str(path), None, members, (), 1.0, 0)
    known = write(tmp_path / "known.csv", field(5, 9), type=["a"] * 5)
    assert catalog_labels(str(known), field(5, 9), members, ("kind",), 1.0, 0)[1] == ["kind"]
