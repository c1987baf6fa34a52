from __future__ import annotations

import galsim
import numpy as np
import pytest

from skerry.simulate.artifact_light import Optics, Star, grain, star_light
from skerry.simulate.artifacts import lay_over
from skerry.simulate.observe import Night, camera_grid, expose, night_of
from skerry.simulate.scene import Scene
from tests.simulate.made import LIGHT, SDSS, SEEDS, axis, made


@pytest.mark.parametrize("kind", LIGHT)
def test_light_is_never_negative(kind: str) -> None:
    assert min(made(kind, seed=seed)[0].min() for seed in SEEDS) >= 0


def test_a_trail_crosses_the_frame_in_one_band_with_its_documented_flux() -> None:
    side, twice = 96, 0
    x, y = np.meshgrid(axis(side), axis(side))
    for seed in range(60):
        trail, _ = made("satellite-trail", side=side, seed=seed)
        lit = np.flatnonzero(trail.max(axis=(1, 2)) > 0)
        assert 1 <= len(lit) <= 2
        twice += len(lit) == 2
        near = np.abs(x) + np.abs(y) < 6
        assert max(trail[b][near].max() / trail[b].max() for b in lit) > 0.2
        if len(lit) == 1:
            plane = trail[lit[0]]
            rim = np.concatenate([plane[0], plane[-1], plane[1:-1, 0], plane[1:-1, -1]])
            assert np.sum(rim > 0.3 * plane.max()) >= 2
            w = plane / plane.sum()
            spread = np.linalg.eigvalsh(
                np.cov(np.stack([x.ravel(), y.ravel()]), aweights=w.ravel())
            )
            length = np.sqrt(12 * spread[1])
            density = plane.sum() * SDSS.pixel_scale**2 / length / grain(SDSS, night_of(SDSS))
            assert 13 < density[lit[0]] < 290
            assert np.sqrt(spread[0]) < 2.5
    assert 1 <= twice < 20


def test_a_trail_is_as_broad_as_the_psf_at_least() -> None:
    blurred = Night(tuple(3 * f for f in night_of(SDSS).psf_fwhm), night_of(SDSS).depth)
    dark = np.zeros((3, 96, 96), np.float32)
    peaks = [
        lay_over("satellite-trail", dark, SDSS, night, np.random.default_rng(2)).max()
        / grain(SDSS, night).max()
        for night in (night_of(SDSS), blurred)
    ]
    assert peaks[1] < 0.75 * peaks[0]


def test_a_spike_lies_over_the_source_along_a_diagonal() -> None:
    side = 128
    x, y = np.meshgrid(axis(side), axis(side))
    directions = set()
    for seed in range(30):
        light = made("diffraction-spike", side=side, seed=seed)[0].sum(axis=0)
        ring = (np.hypot(x, y) > 3) & (np.hypot(x, y) < 7.5)
        along = {sign: light[ring & (np.abs(y - sign * x) < 2.1)].mean() for sign in (-1, 1)}
        sign = max(along, key=lambda s: along[s])
        across = light[ring & (np.abs(x) < 1)].mean(), light[ring & (np.abs(y) < 1)].mean()
        assert along[sign] > 1.25 * min(across)
        ends = light[ring & (x > 0) & (np.abs(y - sign * x) < 2.1)].mean()
        others = light[ring & (x < 0) & (np.abs(y - sign * x) < 2.1)].mean()
        directions.add((sign, ends > others))  # it brightens toward its star
    assert len(directions) == 4


def test_a_star_has_the_cameras_own_psf() -> None:
    side = 61
    night, bare = night_of(SDSS), Optics(spikes=0.0, halo=0.0, scatter=1.0, twist=0.0)
    dark = np.zeros((3, side, side), np.float32)
    drawn = star_light(Star(0.0, 0.0, 5.0, 0.0), bare, dark, SDSS, night)
    grid, finer = camera_grid(SDSS, side * SDSS.pixel_scale)
    scene = Scene.empty(grid)
    scene.profiles.append((galsim.Gaussian(sigma=1e-3), 5.0, 0.0))
    seen = expose(scene, SDSS, night, finer, 0.0)
    total = drawn.sum(axis=(1, 2)) * SDSS.pixel_scale**2
    np.testing.assert_allclose(total, 5.0, rtol=0.02)
    point, ours = seen[1] / seen[1].sum(), drawn[1] / drawn[1].sum()
    np.testing.assert_allclose(ours, point, atol=0.02 * point.max())


def test_a_red_star_is_brighter_in_red_and_the_camera_scatters_red_more() -> None:
    optics = Optics(spikes=0.0, halo=0.001, scatter=2.0, twist=0.0)
    dark, night = np.zeros((3, 200, 200), np.float32), night_of(SDSS)
    plain = star_light(Star(0.0, 0.0, 1e4, 0.0), optics, dark, SDSS, night)
    red = star_light(Star(0.0, 0.0, 1e4, 1.0), optics, dark, SDSS, night)
    np.testing.assert_allclose((red / plain)[:, 0, 0], np.array([477, 623, 763]) / 620, rtol=1e-4)
    assert plain[2, 0, 0] / plain[0, 0, 0] == pytest.approx((763 / 477) ** 2, rel=0.05)
    near, far = plain[1, 100, 150], plain[1, 100, 199]  # 20 and 39.4 arcsec from the star
    assert near / far == pytest.approx((99.5 / 50.5) ** 2, rel=0.05)


def test_spikes_turn_from_band_to_band() -> None:
    optics = Optics(spikes=0.005, halo=0.0, scatter=1.0, twist=0.05)
    dark = np.zeros((3, 161, 161), np.float32)
    light = star_light(Star(0.0, 0.0, 1e4, 0.0), optics, dark, SDSS, night_of(SDSS))
    ahead = light[:, 80 + 40, 81:].argmax(axis=1) + 1  # on the row 40 pixels above the star
    angle = np.arctan2(40, ahead)
    np.testing.assert_allclose(angle, np.pi / 4 + np.array([-0.05, 0, 0.05]), atol=0.015)


def test_a_bleed_fills_the_sources_column() -> None:
    side = 128
    upward = set()
    for seed in SEEDS:
        light = made("bleed", side=side, seed=seed)[0]
        middle = light[:, side // 2 - 3 : side // 2 + 3]
        profile = middle.mean(axis=1)
        band = np.argmax(profile.max(axis=1) / profile[:, [20, -20]].mean(axis=1))
        column = int(profile[band].argmax())
        assert abs(axis(side)[column]) < 2
        assert profile[band, column] > 15 * profile[band, [column - 12, column + 12]].max()
        rows = light[band, :, column]
        assert rows.max() > 0.3 * rows[side // 2] > 0
        upward.add(bool(light[:, side // 2 :].sum() > light[:, : side // 2].sum()))
    assert upward == {False, True}
