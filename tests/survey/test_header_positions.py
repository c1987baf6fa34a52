"""Positions out of FITS headers, and the catalog that is made of them."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from typer.testing import CliRunner

from skerry.cli.main import app
from skerry.config import SourcesConfig
from skerry.errors import InputError
from skerry.survey import catalog_of, facts, open_survey
from skerry.survey.header_positions import position_of

SCALE = 0.262 / 3600


def header(ra: float, dec: float, side: int = 32, frame: str = "ICRS") -> fits.Header:
    """Of a cutout whose middle lies there."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"] if frame != "GAL" else ["GLON-TAN", "GLAT-TAN"]
    wcs.wcs.crpix = [(side + 1) / 2] * 2
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.cdelt = [-SCALE, SCALE]
    if frame not in ("ICRS", "GAL"):
        wcs.wcs.radesys = frame
    return wcs.to_header()


def cutout(head: fits.Header | None = None, side: int = 32, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    file = BytesIO()
    fits.PrimaryHDU(pixels, head).writeto(file)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "cutouts"
    (place / "field").mkdir(parents=True)
    for i in range(4):
        name = place / ("field" if i % 2 else ".") / f"g{i}.fits"
        name.write_bytes(cutout(header(150.0 + i, -2.0 - i), seed=i))
    (place / "no-wcs.fits").write_bytes(cutout(seed=9))
    return place


def test_the_middle_of_the_image_is_its_position() -> None:
    assert position_of(cutout(header(10.5, -30.25)), "a.fits") == pytest.approx((10.5, -30.25))
    off = header(10.5, -30.25)
    off["CRPIX2"] += 10.0
    ra, dec = position_of(cutout(off), "a.fits") or (0, 0)
    assert dec == pytest.approx(-30.25 - 10 * SCALE, abs=1e-9)
    assert ra == pytest.approx(10.5, abs=1e-9)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (header(0.0, 0.0, frame="GAL"), (266.40499, -28.93617)),
        (header(150.0, 2.0, frame="FK5"), (150.0, 2.0)),
        (header(-10.0, 2.0), (350.0, 2.0)),
    ],
)
def test_every_frame_becomes_icrs(given: fits.Header, expected: tuple[float, float]) -> None:
    assert position_of(cutout(given), "a.fits") == pytest.approx(expected, abs=1e-4)


def linear() -> fits.Header:
    found = header(1, 1)
    found["CTYPE1"], found["CTYPE2"] = "X", "Y"
    return found


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (cutout(), "a.fits"),
        (cutout(linear()), "a.fits"),
        (cutout(header(1, 1))[:2000], "a.fits"),
        (b"", "a.fits"),
        (b"\xff\xd8\xff\xe0", "a.jpg"),
    ],
)
def test_what_says_nothing_has_no_position(data: bytes, name: str) -> None:
    assert position_of(data, name) is None


def test_catalog_opens_as_a_survey_with_positions(folder: Path) -> None:
    found = CliRunner().invoke(app, ["catalog", str(folder), "--json"])
    assert found.exit_code == 0, found.output
    assert '"sources": 5' in found.output and '"placed": 4' in found.output
    survey = open_survey(folder)
    sources = {row["id_str"]: row for row in survey.sources.to_pylist()}
    assert sources["g3"]["ra"] == pytest.approx(153.0)
    assert sources["g3"]["dec"] == pytest.approx(-5.0)
    assert sources["no-wcs"]["ra"] is None
    assert not any(isinstance(data, type(None)) for data in survey.images(range(5)))
    # once more: it has a catalog now
    again = CliRunner().invoke(app, ["catalog", str(folder)])
    assert again.exit_code == 1
    assert "exists; choose another file" in again.output


@pytest.mark.parametrize("suffix", [".csv", ".fits", ".vot", ".parquet", ".ecsv"])
def test_catalog_may_lie_elsewhere(
    folder: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "tables" / "deep"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    output = f"tables/deep/mine{suffix}"
    found = CliRunner().invoke(app, ["catalog", "cutouts", "-o", output])
    assert found.exit_code == 0, found.output
    survey = open_survey(tmp_path / output)
    assert all(isinstance(data, bytes) for data in survey.images(range(5)))
    assert survey.sources["ra"].null_count == 1


@pytest.mark.parametrize("name", ["positions.fits", "field/catalog.csv"])
def test_no_catalog_that_would_be_an_image_or_not_be_found(folder: Path, name: str) -> None:
    found = CliRunner().invoke(app, ["catalog", str(folder), "-o", str(folder / name)])
    assert found.exit_code == 1 and "name it catalog.csv there" in found.output
    assert not (folder / name).exists()


def test_no_catalog_without_positions(folder: Path, tmp_path: Path) -> None:
    for name in folder.rglob("g*.fits"):
        os.remove(name)
    with pytest.raises(InputError, match=r"none of the 1 images.*celestial WCS"):
        catalog_of(open_survey(folder), folder)
    target = tmp_path / "out.csv"
    found = CliRunner().invoke(app, ["catalog", str(folder), "-o", str(target)])
    assert found.exit_code == 1
    assert not target.exists()


def test_no_catalog_of_a_catalog(folder: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["catalog", str(folder)])
    with pytest.raises(InputError, match="has a catalog; expected a folder of FITS"):
        catalog_of(open_survey(folder), tmp_path)


def test_address_needs_a_file_here() -> None:
    found = CliRunner().invoke(app, ["catalog", "https://example.org/cutouts"])
    assert found.exit_code == 1
    assert "name a file here with -o" in found.output


def test_sample_tells_whether_headers_have_positions(folder: Path) -> None:
    def placed(**more: Any) -> bool:
        return facts(open_survey(folder), SourcesConfig(**more)).placed

    assert placed()
    for name in folder.rglob("g*.fits"):
        os.remove(name)
    assert not placed()
