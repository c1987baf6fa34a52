"""Causes named from the pixels of one image."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.stats import binom

from skerry.examine.artifacts.causes import CAUSES, NONE, Usual, cause_of, usual
from skerry.examine.artifacts.pixels import Evidence, evidence_of
from skerry.types import ByteArray
from tests.examine.artifacts.spoiled import plain, spoiled

N = 8


def measured(image: ByteArray) -> Evidence:
    found = evidence_of(image)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def norm() -> Usual:
    return usual([measured(plain(seed)) for seed in range(100, 112)])


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_each_cause_is_named(cause: str, norm: Usual) -> None:
    named = Counter(cause_of(measured(spoiled(cause, seed)), norm) for seed in range(N))
    assert named[cause] >= N - 2, named


def test_a_sky_cut_off_at_black_is_bad(norm: Usual) -> None:
    named = Counter(cause_of(measured(spoiled("black-sky", seed)), norm) for seed in range(N))
    assert named["bad-sky"] >= N - 2, named


def test_galaxies_are_seldom_called_spoiled(norm: Usual) -> None:
    """At most one in twenty, to a chance of one in 10,000."""
    named = Counter(cause_of(measured(plain(seed)), norm) for seed in range(25))
    assert 25 - named[NONE] <= binom.ppf(1 - 1e-4, 25, 0.05), named


def test_turning_and_mirroring_an_image_changes_no_cause(norm: Usual) -> None:
    for cause in ("satellite-trail", "bleed", "chip-edge"):
        image = spoiled(cause, 3)
        ways = image, image[::-1], image[:, ::-1], image.transpose(1, 0, 2)
        named = {cause_of(measured(np.ascontiguousarray(way)), norm) for way in ways}
        assert named == {cause}


def test_the_order_of_planes_changes_nothing() -> None:
    image = spoiled("satellite-trail", 1)
    one, other = measured(image), measured(np.ascontiguousarray(image[..., ::-1]))
    assert one.lines.line == other.lines.line
    assert one.lines.others == other.lines.others
    assert (one.band, one.sharp, one.column) == (other.band, other.sharp, other.column)
    assert one.sky.tolist() == other.sky.tolist()[::-1]


def test_a_line_in_one_plane_is_told_from_one_in_all() -> None:
    one = measured(spoiled("satellite-trail", 0)).lines
    every = measured(spoiled("diffraction-spike", 0)).lines
    assert one.line > 0.9 > 0.62 > one.others
    assert every.line > 0.9
    assert every.others > 0.9


def test_a_large_image_shows_what_a_small_one_does(norm: Usual) -> None:
    for cause in ("satellite-trail", "missing-band", "bad-sky"):
        large = cv2.resize(spoiled(cause, 2), (400, 400), interpolation=cv2.INTER_CUBIC)
        assert cause_of(measured(np.asarray(large)), norm) == cause


def test_noise_is_no_cosmic_ray() -> None:
    """As FITS images of faint sources are displayed: with their noise well to be seen."""
    rng = np.random.default_rng(0)
    noisy = plain(0) + 25 * rng.standard_normal((96, 96, 3)) + 40
    found = measured(np.clip(noisy, 0, 255).astype(np.uint8))
    assert found.sharp == 0
    assert measured(spoiled("cosmic-ray", 0)).sharp > 6


def test_a_gray_image_has_no_missing_band_and_no_cosmic_ray(norm: Usual) -> None:
    gray = np.repeat(plain(0)[..., :1], 3, axis=2)
    found = measured(gray)
    assert found.gray
    assert (found.band, found.sharp, len(found.sky)) == (1.0, 0.0, 1)
    alone = usual([found])
    assert cause_of(found, alone) == NONE
    trail = np.repeat(spoiled("satellite-trail", 5).max(axis=2, keepdims=True), 3, axis=2)
    assert cause_of(measured(trail), alone) == "satellite-trail"


def test_a_gray_galaxy_seen_edge_on_is_no_trail() -> None:
    row, column = np.mgrid[:96, :96] - 47.5
    noise = np.random.default_rng(0).standard_normal((96, 96))
    for angle in (0.4, 1.1, 2.0):
        u = column * np.cos(angle) + row * np.sin(angle)
        v = row * np.cos(angle) - column * np.sin(angle)
        disk = 420 * np.exp(-np.hypot(u / 13, v / 1.6)) + 6 + 2 * noise
        gray = np.repeat(np.clip(disk, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        found = measured(gray)
        assert found.lines.line >= 0.9 > 0.45 > found.lines.even
        assert cause_of(found, usual([found])) == NONE


def test_images_that_are_too_small_or_not_square() -> None:
    assert evidence_of(plain(0)[:20, :20]) is None
    wide = np.concatenate([plain(0), plain(1)], axis=1)
    assert measured(wide).sky.shape == (3,)


def test_levels_of_the_sky_tell_nothing_where_each_image_has_a_stretch_of_its_own() -> None:
    sea = [measured(plain(seed)) for seed in range(100, 106)]
    for cause in ("bad-sky", "black-sky"):
        found = measured(spoiled(cause, 0))
        assert cause_of(found, usual(sea)) == "bad-sky"
        assert cause_of(found, usual(sea, fixed=False)) != "bad-sky"


def test_a_sky_is_bad_beside_how_skies_vary(norm: Usual) -> None:
    sea = [measured(plain(seed)) for seed in range(100, 106)]
    uneven = [replace(one, sky=one.sky + 12 * i) for i, one in enumerate(sea)]
    raised = replace(sea[0], sky=uneven[3].sky + 15, floor=sea[0].floor)
    assert cause_of(raised, usual(sea)) == "bad-sky"
    assert cause_of(raised, usual(uneven)) == NONE


def test_what_is_usual_is_of_images_with_as_many_planes_as_most() -> None:
    color = [measured(plain(seed)) for seed in range(3)]
    gray = measured(np.repeat(plain(9)[..., :1], 3, axis=2))
    assert usual([*color, gray]).sky.shape == (3,)
    assert cause_of(gray, usual(color)) == NONE
    with pytest.raises(ValueError, match="no image"):
        usual([])
