from __future__ import annotations

import galsim
import numpy as np
import pytest

from skerry.simulate.observe import (
    Night,
    add_noise,
    camera_grid,
    expose,
    night_of,
    noise_levels,
    resample,
)
from skerry.simulate.scene import Grid, Scene, plane
from skerry.simulate.sky import sky_of
from skerry.simulate.stars import relative_flux
from skerry.types import FloatArray

SKY = sky_of("sdss")
NIGHT = night_of(SKY)


def exposed(
    index: float, half_light: float, flux: float, q: float = 1.0
) -> tuple[FloatArray, Grid]:
    """A Sersic profile of old stars at redshift 0, seen by the camera without noise."""
    grid, finer = camera_grid(SKY, 80.0)
    scene = Scene.empty(grid)
    scene.sersic(index, half_light, flux, 0.0, axis_ratio=q)
    return expose(scene, SKY, NIGHT, finer, 0.0), grid


@pytest.mark.parametrize(("index", "q"), [(1.0, 1.0), (1.0, 0.4), (2.5, 0.7)])
def test_a_profile_comes_out_as_galsim_draws_it(index: float, q: float) -> None:
    found, _ = exposed(index, 4.0, 100.0, q)
    sersic = galsim.Exponential(half_light_radius=4.0) if index == 1 else galsim.Sersic(index, 4.0)
    for b, band in enumerate(SKY.bands):
        seen = galsim.Convolve(
            sersic.shear(q=q, beta=0 * galsim.degrees),
            galsim.Moffat(beta=4.765, fwhm=NIGHT.psf_fwhm[b]),
        )
        image = galsim.Image(found.shape[-1], found.shape[-1], scale=SKY.pixel_scale)
        flux = 100.0 * relative_flux(SKY.bands, 0.0)[0, b]
        expected = seen.withFlux(flux).drawImage(image).array / SKY.pixel_scale**2
        assert np.abs(found[b] - expected).max() < 0.01 * expected.max(), band.name


def test_flux_and_half_light_radius_come_out_as_put_in_within_the_noise() -> None:
    clean, _ = exposed(1.0, 5.0, 2000.0)
    rng = np.random.default_rng(0)
    noisy = add_noise(clean, SKY, NIGHT, rng)
    area = SKY.pixel_scale**2
    for b in range(len(SKY.bands)):
        flux = 2000.0 * relative_flux(SKY.bands, 0.0)[0, b]
        scatter = noise_levels(SKY, NIGHT)[b] * area * noisy[b].size ** 0.5
        assert noisy[b].sum() * area == pytest.approx(flux, abs=0.01 * flux + 5 * scatter)
    image = galsim.Image(noisy[1], scale=SKY.pixel_scale)
    half_light = image.calculateHLR(flux=float(clean[1].sum()))
    blurred = galsim.Convolve(
        galsim.Exponential(half_light_radius=5.0),
        galsim.Moffat(beta=4.765, fwhm=NIGHT.psf_fwhm[1]),
    )
    assert half_light == pytest.approx(blurred.calculateHLR(size=256, scale=0.2), rel=0.03)


def test_what_is_painted_keeps_its_flux_through_the_atmosphere() -> None:
    grid, finer = camera_grid(SKY, 60.0)
    scene = Scene.empty(grid)
    scene.paint(np.exp(-plane(grid).radius / 3), 50.0, 1.0)
    seen = expose(scene, SKY, NIGHT, finer, 0.0)
    expected = 50.0 * relative_flux(SKY.bands, 0.0)[1]
    assert seen.sum(axis=(1, 2)) * SKY.pixel_scale**2 == pytest.approx(expected, rel=0.02)


def test_the_empty_sky_is_as_deep_as_the_night_says() -> None:
    night = Night((1.2, 1.2, 1.2), (23.0, 22.5, 22.0))
    sky = add_noise(np.zeros((3, 300, 300), np.float32), SKY, night, np.random.default_rng(1))
    assert sky.std(axis=(1, 2)) == pytest.approx(noise_levels(SKY, night), rel=0.02)
    # five sigma of the best-fitting point source: Gaussian, equal weights
    sigma = 1.2 / 2.3548
    error = noise_levels(SKY, night) * SKY.pixel_scale * np.sqrt(4 * np.pi) * sigma
    assert 22.5 - 2.5 * np.log10(5 * error) == pytest.approx([23.0, 22.5, 22.0])


def test_light_makes_noise_of_its_own() -> None:
    bright = np.full((3, 200, 200), 100.0, np.float32)
    noise = add_noise(bright, SKY, NIGHT, np.random.default_rng(2)) - bright
    assert np.all(noise.std(axis=(1, 2)) > 3 * noise_levels(SKY, NIGHT))


def test_a_finer_grid_is_used_where_the_camera_undersamples() -> None:
    coarse = sky_of("sdss", pixel_scale=1.2)
    grid, finer = camera_grid(coarse, 60.0)
    assert finer == 2
    assert grid.side * grid.scale == pytest.approx(60.0)
    assert camera_grid(SKY, 60.0)[1] == 1


@pytest.mark.parametrize("size", [20, 48, 96])
def test_resampling_keeps_surface_brightness(size: int) -> None:
    image = np.random.default_rng(3).uniform(1, 2, (2, 48, 48)).astype(np.float32)
    assert resample(image, size).shape == (2, size, size)
    assert resample(image, size).mean() == pytest.approx(image.mean(), rel=0.02)
