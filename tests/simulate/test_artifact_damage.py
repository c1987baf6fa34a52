from __future__ import annotations

import numpy as np
import pytest

from skerry.simulate.artifact_light import full_well, grain
from skerry.simulate.artifacts import damage
from skerry.simulate.observe import night_of, noise_levels
from tests.simulate.made import FIVE, SDSS, SEEDS, axis, made, sky_image


@pytest.mark.parametrize("kind", ["diffraction-spike", "bleed"])
def test_only_saturated_pixels_are_cut_off_and_galaxies_do_not_saturate(kind: str) -> None:
    night = night_of(SDSS)
    level = full_well(SDSS, night)[:, None, None]
    cut = 0
    for seed in SEEDS:
        added, change = made(kind, side=200, seed=seed)
        before = added + sky_image(SDSS, 200)
        assert change.max() <= 0
        assert not change[before < 0.5 * level].any()
        assert ((before + change) < 2 * level).all()
        cut += bool(change.any())
    assert cut >= 3
    bright = np.full((3, 32, 32), 150, np.float32)  # a nucleus of 17 mag an arcsec2
    np.testing.assert_array_equal(
        damage(kind, bright, SDSS, night, np.random.default_rng()), bright
    )


def test_beyond_a_chip_edge_is_no_data_and_before_it_nothing_changes() -> None:
    x, y = np.meshgrid(axis(96), axis(96))
    sides, partial, plain = set(), 0, 0
    image = sky_image(SDSS, 96)
    for seed in range(40):
        _, change = made("chip-edge", seed=seed)
        changed = np.abs(change) > 0
        ended = np.flatnonzero(changed.any(axis=(1, 2)))
        assert len(ended) >= 1
        partial += len(ended) < 3
        for b in ended:
            beyond = changed[b]
            assert np.ptp((image + change)[b][beyond]) < 1e-5  # the noise has stopped
            plain += abs((image + change)[b][beyond][0]) > 1e-3
            toward = np.array([x[beyond].mean(), y[beyond].mean()])
            toward /= np.hypot(*toward)
            nearest = np.hypot(x, y)[beyond].min()
            assert 0.2 < nearest < 4 + SDSS.pixel_scale
            assert not beyond[np.hypot(x, y) < 0.3].any()
            sides.add(tuple(np.rint(toward)))
            flat = beyond == (x * toward[0] + y * toward[1] > nearest)
            assert flat.mean() > 0.97
    assert sides == {(1, 0), (-1, 0), (0, 1), (0, -1)}
    assert 5 < partial < 35 and plain > 0


def test_one_band_of_those_shown_is_missing() -> None:
    bands = set()
    for seed in SEEDS:
        change = made("missing-band", FIVE, seed=seed)[1]
        left = change + sky_image(FIVE, 96)
        lost = np.flatnonzero(change.any(axis=(1, 2)))
        assert len(lost) == 1
        assert not left[lost[0]].any()
        bands.add(int(lost[0]))
    assert bands == {1, 2, 3}


def test_a_bad_sky_is_smooth_but_for_a_step_at_a_column() -> None:
    low, steps, counts = 0, 0, set()
    for seed in range(60):
        _, change = made("bad-sky", seed=seed)
        bands = np.flatnonzero(np.abs(change).max(axis=(1, 2)) > 0)
        counts.add(len(bands))
        residual = change[bands] / grain(SDSS, night_of(SDSS))[bands, None, None]
        assert (residual > -1e-3).all() or (residual < 1e-3).all()  # one sign all over
        low += bool(residual.min() < -0.01)
        assert 1.5 < np.abs(residual).max() < 70
        residual = residual / np.abs(residual).max()
        across, along = np.abs(np.diff(residual, axis=2)), np.abs(np.diff(residual, axis=1))
        assert along.max() < 0.03
        sharp = (across > 0.05).any(axis=(0, 1))
        assert sharp.sum() <= 1
        steps += int(sharp.sum())
    assert counts == {1, 2, 3} and 5 < low < 30 and 5 < steps < 35


def test_cosmic_rays_are_sharp_and_in_one_band() -> None:
    level = noise_levels(SDSS, night_of(SDSS))
    for seed in SEEDS:
        _, change = made("cosmic-ray", side=128, seed=seed)
        band = np.flatnonzero(change.any(axis=(1, 2)))
        assert len(band) == 1
        charge = change[band[0]] / level[band[0]]
        assert charge.min() >= -1e-3
        hit = charge > 5
        assert hit[44:84, 44:84].sum() >= 6  # a track near the source
        assert hit.mean() < 0.05
        # unresolved: a track is about two pixels wide, the pixels beside it hold nothing
        alone = hit & (charge > 50)
        beside = np.stack(
            [np.roll(charge, s, a)[alone] for s, a in [(3, 0), (3, 1), (-3, 0), (-3, 1)]]
        )
        assert np.median(beside.min(axis=0)) < 0.01 * np.median(charge[alone])
