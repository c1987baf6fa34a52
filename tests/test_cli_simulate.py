from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skerry.cli.main import app
from skerry.simulate import sky_of

SMALL = ("-n", "30", "-s", "size=32", "-s", "kinds.ring=0.1")


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["simulate", *(str(a) for a in arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_simulate_tells_what_it_drew_and_how_to_search_it(tmp_path: Path) -> None:
    code, out, _ = call(*SMALL, "-o", tmp_path / "s")
    assert code == 0
    plain = " ".join(out.split())
    assert "│ ring │ 3 │ 10% │" in plain
    assert "Drawn: 30 sources," in plain
    lines = "".join(out.split())
    assert f"Catalog:{tmp_path}/s/catalogue.csv" in lines
    assert f"Alookateachkind:{tmp_path}/s/sheet.jpg" in lines
    search = f"skerryrun{tmp_path}/s/catalogue.csv-o{tmp_path}/s-run-srepresentations.crop=0.75"
    assert search in lines
    assert "The survey was there already" in call(*SMALL, "-o", tmp_path / "s")[1]


def test_simulate_answers_in_json(tmp_path: Path) -> None:
    code, out, _ = call(*SMALL, "-o", tmp_path / "s", "--seed", 3, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["catalog"] == str(tmp_path / "s" / "catalogue.csv")
    assert found["counts"]["ring"] == 3
    assert (found["sources"], found["drawn"]) == (30, 30) == (sum(found["counts"].values()), 30)


def test_settings_come_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('preset = "decals"\nsize = 24\nseed = 8\n[kinds]\narc = 0.1\n')
    given = ("-n", 20, "--seed", 9, "-s", "bands.g.depth=20", "-s", "bands.r.psf_fwhm=2.5")
    code, out, _ = call(
        "--sky", path, *given, "-s", "kinds.ring=0.2", "-o", tmp_path / "s", "--json"
    )
    assert code == 0
    sky = sky_of(str(tmp_path / "s" / "sky.toml"))
    decals = sky_of("decals")
    assert (sky.n, sky.seed, sky.size, sky.format) == (20, 9, 24, "fits")
    assert sky.prevalence == {"arc": 0.1, "ring": 0.2}
    assert [band.depth for band in sky.bands] == [20.0, *(b.depth for b in decals.bands[1:])]
    assert sky.bands[1].psf_fwhm == 2.5
    assert "crop" not in json.loads(out)["next"]


def test_images_that_run_cannot_read_are_told(tmp_path: Path) -> None:
    band = ("-s", "bands.y.wavelength=1000", "-s", "bands.y.psf_fwhm=1", "-s", "bands.y.depth=22")
    code, _, err = call("--sky", "decals", "-n", 3, "-s", "size=24", *band, "-o", tmp_path / "s")
    assert code == 1 and "bands.y is" in err  # a band is added whole, in a file
    path = tmp_path / "two.toml"
    two = {"g": 480, "r": 620}
    tables = [
        f"[bands.{n}]\nwavelength = {w}\npsf_fwhm = 1.0\ndepth = 23\n" for n, w in two.items()
    ]
    path.write_text(
        'preset = "decals"\ncolor = ["r"]\nbalance = [1]\nsize = 24\n' + "".join(tables)
    )
    code, out, _ = call("--sky", path, "-n", 3, "-o", tmp_path / "s")
    assert code == 0
    assert "skerry run reads FITS images of one band or three" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sky", "sds"), "no sky 'sds'; did you mean 'sdss'?"),
        (("-n", "0"), "n is 0"),
        (("-s", "size"), "'size' is no setting; write key=value"),
        (("-s", "sizes=3"), "unknown setting 'sizes'"),
        (("-s", "ring.share=0.1"), "'ring.share' is no setting"),
        (("-s", "kinds.rings=0.1"), "no kind 'rings' can be planted; did you mean 'ring'?"),
        (("-s", "format=fits"), "format is fits and scaling r90"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    code, _, err = call("-o", tmp_path / "s", *options)
    assert code == 1
    assert said in err
    assert not (tmp_path / "s").exists()
