from __future__ import annotations

import csv
import io
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest

from skerry.represent.score.labels import fractions, schema_of
from skerry.represent.trees.votes import read_counts
from skerry.simulate import Drawn, Sky, sky_of
from skerry.simulate import catalog as catalogs
from skerry.simulate.galaxy import Galaxy
from skerry.simulate.plan import Planned, plan

BAND = {"wavelength": 700.0, "psf_fwhm": 0.16, "depth": 25.0}
VIS = {"bands": {"VIS": BAND}, "color": ["VIS"], "balance": [1.0]}
FIVE = {
    "bands": {name: {**BAND, "wavelength": 400.0 + 100 * i} for i, name in enumerate("uBVRi")},
    "color": ["i", "V", "u"],
}


@pytest.fixture(scope="module")
def sky() -> Sky:
    return sky_of("sdss", n=80, size=48, kinds={"shredded": 0.1})


@pytest.fixture(scope="module")
def source(sky: Sky) -> Planned:
    return next(source for source in plan(sky) if source.kind == "sea")


@pytest.fixture(scope="module")
def drawn(source: Planned, sky: Sky) -> Drawn:
    return source.drawn(sky)


@pytest.mark.parametrize("changes", [{}, VIS, FIVE], ids=["sdss", "one band", "five bands"])
def test_a_row_has_every_column(changes: dict[str, object]) -> None:
    sky = sky_of("sdss", n=20, size=32, pixel_scale=0.4, **changes)
    source = plan(sky)[0]
    row = catalogs.row(source, source.drawn(sky), sky, "images/0000/a.jpg")
    names = catalogs.columns(sky)
    assert set(row) == set(names) and len(set(names)) == len(names)
    text = catalogs.header(sky) + catalogs.to_csv([row, row], sky)
    assert list(csv.DictReader(io.StringIO(text))) == [dict(row)] * 2
    empty = {name for name, value in row.items() if value == ""}
    assert empty == {"truth_parent"}


def test_the_color_is_named_by_its_bands() -> None:
    assert catalogs.color_column(sky_of("sdss")) == catalogs.color_column(sky_of("decals")) == "g_r"
    assert catalogs.color_column(sky_of("sdss", **FIVE)) == "u_i"
    assert not {"VIS_VIS", "g_r"} & set(catalogs.columns(sky_of("sdss", **VIS)))


def test_errors_are_as_large_as_stated(sky: Sky, source: Planned, drawn: Drawn) -> None:
    sources = [replace(source, number=1000 + i) for i in range(500)]
    rows = [catalogs.row(each, drawn, sky, "a.jpg") for each in sources]
    sigma = dict(zip("gri", catalogs.magnitude_errors(source, drawn, sky), strict=True))
    assert all(catalogs.MAGNITUDE_FLOOR < s < 0.2 for s in sigma.values())
    expected = {
        "log_mass": (drawn.galaxy.mass, catalogs.MASS_ERROR),
        "log_sfr": (drawn.galaxy.sfr, catalogs.SFR_ERROR),
        "redshift": (
            drawn.galaxy.redshift,
            catalogs.REDSHIFT_ERROR * (1 + drawn.galaxy.redshift),
        ),
        **{
            f"mag_{band}": (m, sigma[band]) for band, m in zip("gri", drawn.magnitudes, strict=True)
        },
    }
    for name, (truth, error) in expected.items():
        pulls = (np.array([float(row[name]) for row in rows]) - truth) / error
        assert abs(pulls.mean()) < 0.15, name
        assert 0.9 < pulls.std() < 1.1, name
        assert {row[f"truth_{name}"] for row in rows} == {f"{truth:.6g}"}
    colors = [float(row["g_r"]) - float(row["mag_g"]) + float(row["mag_r"]) for row in rows]
    np.testing.assert_allclose(colors, 0, atol=1e-9)


def test_fainter_sources_have_larger_errors(sky: Sky, source: Planned, drawn: Drawn) -> None:
    faint = replace(drawn, magnitudes=tuple(m + 3 for m in drawn.magnitudes))
    shallow = replace(
        source, night=replace(source.night, depth=tuple(d - 3 for d in source.night.depth))
    )
    errors = catalogs.magnitude_errors(source, faint, sky)
    assert errors > catalogs.magnitude_errors(source, drawn, sky)
    assert errors == pytest.approx(catalogs.magnitude_errors(shallow, drawn, sky))


def test_the_truth_is_the_galaxy_that_was_drawn(sky: Sky, source: Planned, drawn: Drawn) -> None:
    row = catalogs.row(source, drawn, sky, "a.jpg")
    renamed = {"mass": "log_mass", "sfr": "log_sfr"}
    for field in fields(Galaxy):
        value = float(row[f"truth_{renamed.get(field.name, field.name)}"])
        assert value == pytest.approx(getattr(drawn.galaxy, field.name), rel=1e-5)
    assert (row["truth_kind"], row["truth_visibility"], row["truth_parent"]) == ("sea", "1", "")
    assert float(row["r90"]) == pytest.approx(drawn.r90, abs=1e-3)
    assert float(row["pixel_scale"]) == pytest.approx(drawn.pixel_scale, abs=1e-6)


def test_a_fragment_has_its_share_of_mass_and_votes_of_its_own(sky: Sky) -> None:
    first, second = [s for s in plan(sky) if s.kind == "shredded" and s.number == 0][:2]
    rows = [catalogs.row(source, source.drawn(sky), sky, "a.jpg") for source in (first, second)]
    mass, truth = float(rows[0]["log_mass"]), float(rows[0]["truth_log_mass"])
    size = float(rows[0]["r90"]) / first.drawn(sky).galaxy.radius(0.9)
    assert mass - truth == pytest.approx(2 * np.log10(size), abs=5 * catalogs.MASS_ERROR)
    assert rows[0]["truth_parent"] == rows[1]["truth_parent"] == "SHREDDED-0000"
    votes = [name for name in rows[0] if name.endswith("_fraction")]
    assert [rows[0][v] for v in votes] != [rows[1][v] for v in votes]


def test_votes_are_read_as_counts_and_as_fractions(sky: Sky, source: Planned, drawn: Drawn) -> None:
    sources = [replace(source, number=i) for i in range(30)]
    rows = [catalogs.row(each, drawn, sky, "a.jpg") for each in sources]
    text = [name for name in rows[0] if "dr5" in name]
    table = pa.table({name: [float(row[name]) for row in rows] for name in text})
    tree = catalogs.tree()
    found = schema_of(table.column_names)
    assert found is not None and found.name == tree.name == catalogs.TREE
    counts, shares = read_counts(table, tree), fractions(table, tree)
    everybody = counts[:, tree.slices[0]].sum(1, keepdims=True)
    assert everybody.min() > 10
    np.testing.assert_allclose(shares, counts / everybody, atol=1e-6)
    alone = table.select([name for name in text if name.endswith("_fraction")])
    expected = 40 * counts / everybody
    np.testing.assert_allclose(read_counts(alone, tree, kind="fractions"), expected, rtol=1e-4)
