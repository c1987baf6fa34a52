"""The footprint as a MOC: the sky it covers, its order, its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC

from skerry.publish.footprint import coverage, has_footprint, write_footprint
from skerry.types import DoubleArray


def patch(n: int, seed: int = 0) -> tuple[DoubleArray, DoubleArray, float]:
    """Positions strewn over a square at the equator, across RA 0, and its area in deg2."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(355, 365, n) % 360, np.degrees(np.arcsin(rng.uniform(0, 0.1736, n)))
    return ra, dec, 10 * np.degrees(0.1736)


@pytest.mark.parametrize(("n", "within"), [(300, 0.4), (3000, 0.15), (30_000, 0.06)])
def test_it_covers_the_survey_at_a_few_sources_a_cell(n: int, within: float) -> None:
    ra, dec, area = patch(n)
    found = coverage(ra, dec)
    cells = round(found.sky_fraction * 12 * 4**found.max_order)
    assert 3 <= n / cells < 12
    full = found.sky_fraction * 4 * np.pi * np.degrees(1) ** 2
    assert full == pytest.approx(area, rel=within)
    assert found.contains_lonlat(ra * u.deg, dec * u.deg).all()
    finer = MOC.from_lonlat(ra * u.deg, dec * u.deg, max_norder=found.max_order + 1)
    assert n < 3 * round(finer.sky_fraction * 12 * 4 ** (found.max_order + 1))


@given(st.integers(0, 2**32 - 1))
def test_order_copies_and_unknown_positions_do_not_matter(seed: int) -> None:
    ra, dec, _ = patch(150)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.r_[np.arange(150), rng.integers(0, 150, 50)])
    more = [np.r_[c[rows], [np.nan, 3.0, np.nan]] for c in (ra, dec)]
    more[1][-2] = np.nan
    assert coverage(*more) == coverage(ra, dec) == coverage(ra - 360, dec)


def test_too_few_positions_have_none(findings, tmp_path: Path) -> None:
    ra, dec, _ = patch(99)
    assert coverage(ra, dec) is None and coverage(np.tile(ra, 9), np.tile(dec, 9)) is None
    nowhere = replace(findings, sources=findings.sources.drop_columns(["ra", "dec"]))
    assert write_footprint(nowhere, tmp_path) == [] and not has_footprint(nowhere)
    assert list(tmp_path.iterdir()) == [] and has_footprint(findings)


def test_its_files_read_back_and_are_the_same_bytes(findings, tmp_path: Path) -> None:
    once, again = (write_footprint(findings, tmp_path / name) for name in ("a", "b"))
    assert [p.name for p in once] == ["footprint.moc.fits", "footprint.moc.json"]
    assert [p.read_bytes() for p in once] == [p.read_bytes() for p in again]
    assert b"DATE" not in once[0].read_bytes()
    known = [v for v in zip(findings.sources["ra"].to_pylist(), findings.sources["dec"].to_pylist(),
                            strict=True) if None not in v]  # fmt: skip
    expected = coverage(*np.array(known).T)
    assert MOC.from_fits(once[0]) == expected
    assert MOC.from_json(json.loads(once[1].read_text())) == expected
