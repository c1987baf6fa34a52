from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skerry.errors import ConfigError
from skerry.simulate.sky import KINDS, Band, presets, sky_of, to_toml


@pytest.mark.parametrize("name", presets())
def test_a_sky_survives_toml(name: str, tmp_path: Path) -> None:
    sky = sky_of(name, n=77, visibility=0.5)
    (tmp_path / "sky.toml").write_text(to_toml(sky))
    assert sky_of(str(tmp_path / "sky.toml")) == sky


def test_bands_of_any_name_survive_toml(tmp_path: Path) -> None:
    names = ["F814W", "g.des", "i band", "\u03b1", 'say "r"', "u-1_2"]
    bands = tuple(Band(name, 500.0, 1.0, 23.0) for name in names)
    sky = sky_of("sdss", bands=bands, color=names[:3])
    (tmp_path / "sky.toml").write_text(to_toml(sky))
    assert sky_of(str(tmp_path / "sky.toml")) == sky


def test_a_file_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('preset = "decals"\nn = 12\n[kinds]\narc = 0.001\n')
    sky = sky_of(str(path), seed=5)
    assert (sky.n, sky.seed, sky.format) == (12, 5, "fits")
    assert sky.kinds == (("arc", 0.001),)
    assert sky.bands == sky_of("decals").bands


def test_bands_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'color = ["VIS"]\nbalance = [1.0]\npixel_scale = 0.1\n'
        "[bands.VIS]\nwavelength = 715.0\npsf_fwhm = 0.16\ndepth = 26.2\n"
    )
    (band,) = sky_of(str(path)).bands
    assert (band.name, band.wavelength, band.psf_fwhm, band.depth) == ("VIS", 715.0, 0.16, 26.2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 0}, "n is 0; expected 1 or more"),
        ({"n": 2.5}, "n is 2.5; expected int"),
        ({"format": "png"}, "format is 'png'; expected jpeg or fits"),
        ({"size": 8}, "size is 8; expected 16 to 2048 pixels"),
        ({"pixel_scale": -1.0}, "pixel_scale is -1.0"),
        ({"color": ["i", "r"]}, "color is .*expected one or three of the bands g, r, i"),
        ({"color": ["z", "r", "g"]}, "expected one or three of the bands"),
        ({"balance": [1.0]}, "balance is .*expected a number above 0 for each band"),
        ({"black": float("nan")}, "black is nan; expected a finite number"),
        ({"visibility": 0.0}, "visibility is 0.0; expected above 0, at most 1"),
        ({"kinds": {"rings": 0.1}}, "did you mean 'ring'"),
        ({"kinds": {"ring": 1.0}}, "kinds.ring is 1.0; expected a share"),
        ({"kinds": {"ring": 0.6, "arc": 0.5}}, "expected shares that leave room for the sea"),
        (
            {"color": ["r"], "balance": [1.0], "kinds": {"missing-band": 0.1}},
            "kinds.missing-band leaves no image where one band is shown",
        ),
        ({"pixelscale": 1.0}, "did you mean 'pixel_scale'"),
        ({"bands": {"g": {"wavelength": 1}}}, "bands.g is .*expected depth, psf_fwhm, wavelength"),
    ],
)
def test_bad_settings_are_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sky_of("sdss", **changes)


def test_unknown_presets_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'sdss'"):
        sky_of("sdds")
    (tmp_path / "mine.toml").write_text('preset = "euclid"\n')
    with pytest.raises(ConfigError, match=r"expected one of decals, sdss"):
        sky_of(str(tmp_path / "mine.toml"))


def test_every_preset_plants_known_kinds() -> None:
    for name in presets():
        assert set(sky_of(name).prevalence) <= set(KINDS)
