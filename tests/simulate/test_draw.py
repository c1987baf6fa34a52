from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.simulate import (
    ARTIFACTS,
    KINDS,
    SEA,
    Drawn,
    draw_cutouts,
    draw_source,
    fragments,
    show,
    sky_of,
)
from skerry.simulate.observe import night_of

SKY = sky_of("sdss", size=48)
NIGHT = night_of(SKY)


def drawn(kind: str, seed: int = 0, visibility: float = 1.0, fragment: int = 0) -> Drawn:
    return draw_source(kind, np.random.default_rng(seed), SKY, NIGHT, visibility, fragment)


@pytest.mark.parametrize("kind", [SEA, *KINDS])
def test_every_kind_is_drawn_in_the_shape_and_type_promised(kind: str) -> None:
    found = drawn(kind)
    assert found.image.shape == (3, 48, 48)
    assert found.image.dtype == np.float32
    assert np.isfinite(found.image).all()
    assert len(found.magnitudes) == 3
    assert 0 < found.r50 < found.r90


@given(seed=st.integers(0, 10_000), kind=st.sampled_from([SEA, *KINDS]))
@settings(max_examples=12, deadline=None)
def test_one_seed_gives_the_same_bytes(seed: int, kind: str) -> None:
    assert drawn(kind, seed).image.tobytes() == drawn(kind, seed).image.tobytes()


def test_the_first_cutouts_do_not_depend_on_how_many_are_drawn() -> None:
    for kind in (SEA, "ring", "shredded"):
        few, many = (list(draw_cutouts(kind, n, SKY, seed=3)) for n in (4, 9))
        assert len(few) == 4
        assert len(many) == 9
        assert [a.tobytes() for a in few] == [a.tobytes() for a in many[:4]]
    other = next(draw_cutouts(SEA, 1, SKY, seed=4))
    assert other.tobytes() != next(draw_cutouts(SEA, 1, SKY, seed=3)).tobytes()


def test_a_cutout_scaled_to_its_galaxy_is_so_many_r90_wide() -> None:
    for seed in range(8):
        found = drawn(SEA, seed)
        assert found.pixel_scale * 48 == pytest.approx(SKY.width * found.r90, rel=0.03)


def test_a_cutout_at_a_fixed_scale_has_the_cameras_pixels() -> None:
    sky = sky_of("decals", size=40)
    found = draw_source(SEA, np.random.default_rng(0), sky, night_of(sky))
    assert found.pixel_scale == sky.pixel_scale
    assert found.image.shape == (3, 40, 40)


def test_fragments_of_a_shredded_galaxy_show_the_same_sky_moved() -> None:
    """Two cutouts at the camera's own pixels agree, value for value, where they overlap."""
    sky = sky_of("decals", size=96)
    night = night_of(sky)
    at = np.rint(fragments(np.random.default_rng(7), sky) / sky.pixel_scale).astype(int)
    parts = [
        draw_source("shredded", np.random.default_rng(7), sky, night, 1.0, i).image
        for i in range(len(at))
    ]
    assert len(parts) >= 4
    shared = 0
    for i in range(1, len(at)):
        dx, dy = at[i] - at[0]
        if max(abs(dx), abs(dy)) >= 96:
            continue
        a = parts[0][:, max(0, dy) : 96 + min(0, dy), max(0, dx) : 96 + min(0, dx)]
        b = parts[i][:, max(0, -dy) : 96 + min(0, -dy), max(0, -dx) : 96 + min(0, -dx)]
        assert np.array_equal(a, b)
        shared += 1
    assert shared


def test_fragments_are_arcseconds_apart_and_off_the_center() -> None:
    for seed in range(10):
        at = fragments(np.random.default_rng(seed), SKY)
        apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
        assert apart[~np.eye(len(at), dtype=bool)].min() > 1
        assert apart.max() < 240
        assert np.hypot(*at.T).min() > 2


def shares_within(kind: str, reach: float) -> list[float]:
    """Of the catalogued r flux of nearly round galaxies, what lies within ``reach`` R90."""
    deep = tuple(replace(band, depth=30.0) for band in SKY.bands)
    sky = replace(SKY, width=8.0, size=160, bands=deep)
    shares = []
    for seed in range(40):
        found = draw_source(kind, np.random.default_rng(seed), sky, night_of(sky))
        if found.galaxy.axis_ratio < 0.75 or found.galaxy.bulge_axis_ratio < 0.75:
            continue
        where = np.hypot(*(np.indices((160, 160)) - 79.5)) * found.pixel_scale
        flux = found.image[1] * found.pixel_scale**2
        catalogued = 10 ** (-0.4 * (found.magnitudes[1] - 22.5))
        shares.append(flux[where < reach * found.r90].sum() / catalogued)
    assert len(shares) >= 5
    return shares


def test_magnitudes_are_of_the_light_that_was_drawn() -> None:
    """Medians, for a chance neighbor adds to some."""
    assert np.median(shares_within("ring", 2.0)) == pytest.approx(1.0, abs=0.02)


def test_the_true_radius_holds_nine_tenths_of_the_light() -> None:
    """Nearly: seeing moves some of it outward."""
    assert np.median(shares_within(SEA, 1.0)) == pytest.approx(0.88, abs=0.04)


def test_volunteers_see_what_was_drawn() -> None:
    assert drawn("merging-pair").appearance.merger == "merger"
    assert drawn("one-armed").appearance.arms == 1
    assert drawn("boxy-edge-on").appearance.boxy > 0.8
    assert drawn("boxy-edge-on").appearance.edge_on > 0.8
    assert drawn("low-mass-barred").appearance.bar == 1
    for kind in ARTIFACTS:
        assert drawn(kind, visibility=0.7).appearance.artifact == 0.7
    assert drawn(SEA).appearance.artifact == 0


def test_colors_are_shown_by_the_bands_named_and_north_is_up() -> None:
    image = np.zeros((3, 20, 20), np.float32)
    image[2, 2:5, 4:8] = 5.0  # the third band, i, near the south edge
    shown = show(image, SKY)
    assert shown.shape == (20, 20, 3)
    assert shown.dtype == np.uint8
    rows, columns = np.nonzero(shown[..., 0] > 30)
    assert rows.min() >= 15
    assert set(columns) == {4, 5, 6, 7}
    assert shown[..., 2].max() < 30


def test_the_stretch_keeps_colors() -> None:
    """Flux ratios survive, however bright (Lupton et al. 2004)."""
    flat = sky_of("sdss", balance=[1.0, 1.0, 1.0], black=0.0)
    image = np.ones((3, 8, 8), np.float32) * np.array([0.5, 1.0, 1.0])[:, None, None]
    for brightness in (0.5, 2.0):
        shown = show((brightness * image).astype(np.float32), flat).astype(float)[0, 0]
        assert shown[2] / shown[0] == pytest.approx(0.5, abs=0.03)


def test_one_band_is_shown_gray() -> None:
    sky = sky_of("sdss", color=["r"], balance=[1.0])
    shown = show(np.random.default_rng(0).uniform(0, 5, (3, 9, 9)).astype(np.float32), sky)
    assert np.array_equal(shown[..., 0], shown[..., 2])


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'ring'"):
        drawn("rings")
    with pytest.raises(ConfigError, match=r"visibility is 1\.5; expected 0 to 1"):
        drawn("ring", visibility=1.5)
    with pytest.raises(ConfigError, match=r"fragment is 99; this galaxy has"):
        drawn("shredded", fragment=99)
