"""The laws of the drawing: profiles, stretch, noise, and what makes each planted kind its own."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from skerry.survey.simulate import artifacts, rare
from skerry.survey.simulate.field import draw_field
from skerry.survey.simulate.galaxy import color, draw, paint, plane, sersic
from skerry.survey.simulate.observe import R90, SIZE, Seeing, add_noise, lupton, through_atmosphere
from skerry.survey.simulate.population import draw_galaxy
from skerry.types import FloatArray


# b is the median of a gamma distribution of shape 2n: half of the light within the radius.
@pytest.mark.parametrize(("index", "b"), [(1.0, 1.6783), (2.5, 4.6706), (4.0, 7.6692)])
def test_sersic_falls_as_its_half_light_radius_says(index: float, b: float) -> None:
    radius = np.array([5.0, 10.0, 20.0], np.float32)
    expected = np.exp(-b * ((radius / 10) ** (1 / index) - 1))
    light = sersic(radius, 10, index)
    np.testing.assert_allclose(light / light[1], expected, rtol=2e-3)


def test_plane_deprojects_to_circles() -> None:
    where = plane(3, -2, 0.7, 0.5)
    middle = (SIZE - 1) / 2
    along = where.radius[round(middle - 2 + 20 * np.sin(0.7)), round(middle + 3 + 20 * np.cos(0.7))]
    across = where.radius[
        round(middle - 2 + 10 * np.cos(0.7)), round(middle + 3 - 10 * np.sin(0.7))
    ]
    assert along == pytest.approx(20, abs=1)
    assert across == pytest.approx(20, abs=1.5)


def test_paint_keeps_the_flux_and_blue_is_blue() -> None:
    light = np.ones((SIZE, SIZE), np.float32)
    painted = paint(light, 0.5, 100)
    np.testing.assert_allclose(painted.sum((0, 1)), 100 * color(0.5), rtol=1e-3)
    red, blue = color(0), color(1)
    assert red[0] / red[2] > 1 > blue[0] / blue[2]


def test_stretch_keeps_the_ratio_of_bands_even_where_it_saturates() -> None:
    bands = np.array([4.0, 2.0, 1.0], np.float32)
    for brightness in (30.0, 1e5):
        image = lupton(np.full((8, 8, 3), brightness, np.float32) * bands)[0, 0].astype(float)
        np.testing.assert_allclose(image / image[0], bands / bands[0], atol=0.02)
    assert image[0] == 255


def test_stretch_is_monotonic_and_empty_sky_is_black() -> None:
    ramp = np.geomspace(0.1, 1e4, 64, dtype=np.float32)[:, None, None] * np.ones((1, 4, 3))
    shown = lupton(ramp.astype(np.float32))[:, 0, 0].astype(int)
    assert (np.diff(shown) >= 0).all()
    assert lupton(np.zeros((4, 4, 3), np.float32)).max() == 0


def test_seeing_blurs_small_galaxies_more_and_keeps_the_light() -> None:
    point = np.zeros((SIZE, SIZE, 3), np.float32)
    point[64, 64] = 1000
    near, far = (through_atmosphere(point, Seeing(r90)) for r90 in (20.0, 5.0))
    assert near.max() > 5 * far.max()
    np.testing.assert_allclose(far.sum((0, 1)), 1000, rtol=1e-3)


def test_noise_grows_with_the_signal() -> None:
    bright = np.full((SIZE, SIZE, 3), 500, np.float32)
    dark = np.zeros_like(bright)
    noisy = [add_noise(light, Seeing(8), np.random.default_rng(0)) for light in (dark, bright)]
    assert noisy[1].std() > 2 * noisy[0].std() > 0


def _stages(first: float, last: float) -> list[float]:
    """Blueness of galaxies drawn at two ends of a range of stages."""
    rng = np.random.default_rng(0)
    drawn = [[draw_galaxy(rng, stage=stage) for _ in range(200)] for stage in (first, last)]
    return [float(np.mean([galaxy.blueness for galaxy in galaxies])) for galaxies in drawn]


def test_color_and_bulge_follow_the_stage() -> None:
    early, late = _stages(0.1, 0.9)
    assert early + 0.5 < late
    rng = np.random.default_rng(0)
    bulges = [draw_galaxy(rng, stage=stage).bulge_fraction for stage in [0.05] * 50 + [0.95] * 50]
    assert min(bulges[:50]) > max(bulges[50:])


def test_all_light_is_float32() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw(draw_galaxy(rng, stage=stage / 20), rng) for stage in range(20)]
    drawn += [draw_field(rng, Seeing(20)), rare.ring(rng), rare.merger(rng), rare.one_armed(rng)]
    drawn += [
        kind(rng, Seeing(9)) for kind in (artifacts.satellite_trail, artifacts.saturated_star)
    ]
    drawn += [through_atmosphere(drawn[0], Seeing(9)), add_noise(drawn[0], Seeing(9), rng)]
    for light in drawn:
        assert light.dtype == np.float32
        assert light.shape == (SIZE, SIZE, 3)
        assert np.isfinite(light).all()


def test_the_sea_has_no_gap_between_its_kinds() -> None:
    rng = np.random.default_rng(0)
    galaxies = [draw_galaxy(rng) for _ in range(3000)]
    for name in ("blueness", "axis_ratio", "arm_strength", "bulge_fraction", "pitch", "bar"):
        values = np.sort([getattr(galaxy, name) for galaxy in galaxies])
        inner = values[30:-30]
        assert np.diff(inner).max() < 0.05 * (inner[-1] - inner[0]), name


def test_light_of_a_galaxy_lies_within_the_frame() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(30):
        light = draw(draw_galaxy(rng, face_on=0.7), rng).sum(axis=2)
        inside.append(float(light[plane(0, 0, 0, 1).radius < R90].sum() / light.sum()))
    assert 0.7 < np.median(inside) < 0.97


def _about_the_center(light: FloatArray, radius: float) -> FloatArray:
    """Light in a narrow annulus, by azimuth."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    columns = np.rint((SIZE - 1) / 2 + radius * np.cos(angle)).astype(int)
    rows = np.rint((SIZE - 1) / 2 + radius * np.sin(angle)).astype(int)
    around: FloatArray = light.sum(axis=2)[rows, columns]
    return around


def test_a_ring_is_brighter_than_what_it_encloses() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        light = rare.ring(rng)
        profile = [np.median(_about_the_center(light, radius)) for radius in range(4, 40)]
        peak = int(np.argmax(profile[6:])) + 6
        assert profile[peak] > 1.1 * min(profile[:peak])


def test_one_armed_spirals_are_lopsided_and_two_armed_are_not() -> None:
    def first_over_second(light: FloatArray) -> float:
        power = np.mean(
            [np.abs(np.fft.rfft(_about_the_center(light, r)))[1:3] for r in range(10, 22)], axis=0
        )
        return float(power[0] / power[1])

    rng = np.random.default_rng(0)
    planted = [first_over_second(rare.one_armed(rng)) for _ in range(20)]
    spirals = (draw_galaxy(rng, stage=0.8, face_on=0.62) for _ in range(20))
    common = [
        first_over_second(draw(replace(galaxy, arms=2, lopsided=0.0), rng)) for galaxy in spirals
    ]
    assert np.median(planted) > 1.5 > np.median(common)


def test_a_tidal_stream_joins_its_ends_without_a_gap() -> None:
    start, end = np.array([-10.0, 4.0]), np.array([12.0, -6.0])
    stream = rare._path(start, end, 0.4, fade=False)
    _, labels = cv2.connectedComponents((stream > 0).astype(np.uint8), connectivity=8)
    first, last = (
        labels[tuple(np.floor(place[::-1] + SIZE / 2).astype(int))] for place in (start, end)
    )
    assert first == last > 0
    assert labels.max() == 1
    assert stream.sum() == pytest.approx(1, abs=1e-5)


def test_a_merger_spreads_wider_than_one_galaxy() -> None:
    rng = np.random.default_rng(0)
    spread = [_second_moment(rare.merger(rng)) for _ in range(20)]
    alone = [_second_moment(draw(draw_galaxy(rng, face_on=0.3), rng)) for _ in range(20)]
    assert np.median(spread) > 1.2 * np.median(alone)


def _second_moment(light: FloatArray) -> float:
    """Root mean square distance of a frame's light from its centroid, pixels."""
    weight = light.sum(axis=2)
    rows, columns = np.indices(weight.shape)
    middle = [(weight * axis).sum() / weight.sum() for axis in (rows, columns)]
    squares = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return float(np.sqrt((weight * squares).sum() / weight.sum()))


def test_a_trail_crosses_the_frame_in_one_band() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        trail = artifacts.satellite_trail(rng, Seeing(9))
        bands = np.sort(trail.max(axis=(0, 1)))
        assert bands[2] > 3 * bands[1]
        bright = trail.max(axis=2) > 0.3 * trail.max()
        edges = [bright[0], bright[-1], bright[:, 0], bright[:, -1]]
        assert sum(edge.any() for edge in edges) >= 2


def test_a_saturated_star_has_four_spikes() -> None:
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(12):
        star = artifacts.saturated_star(rng, Seeing(9))[..., 1]
        row, column = np.unravel_index(int(np.argmax(star)), star.shape)
        angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
        rows = np.clip(np.rint(row + 16 * np.sin(angle)), 0, SIZE - 1).astype(int)
        columns = np.clip(np.rint(column + 16 * np.cos(angle)), 0, SIZE - 1).astype(int)
        if min(row, column) > 16 and max(row, column) < SIZE - 17:
            power = np.abs(np.fft.rfft(star[rows, columns]))[1:8]
            assert int(np.argmax(power)) + 1 == 4
            seen += 1
    assert seen > 0
