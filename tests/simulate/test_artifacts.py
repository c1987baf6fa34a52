from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.simulate.artifacts import damage, lay_over
from skerry.simulate.observe import night_of, noise_levels
from skerry.simulate.sky import ARTIFACTS, GALAXIES, SEA, Sky
from skerry.types import FloatArray
from tests.simulate.made import DAMAGE, FIVE, LIGHT, ONE, SDSS, made, sky_image


@pytest.mark.parametrize("call", [lay_over, damage])
def test_galaxies_pass_through_and_other_kinds_are_refused(
    call: Callable[..., FloatArray],
) -> None:
    image, night, rng = sky_image(SDSS, 32), night_of(SDSS), np.random.default_rng(0)
    before = image.tobytes()
    for kind in (SEA, *GALAXIES, *(DAMAGE if call is lay_over else LIGHT[:1])):
        assert call(kind, image, SDSS, night, rng).tobytes() == before
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    with pytest.raises(ConfigError, match="did you mean 'satellite-trail'"):
        call("satelite-trail", image, SDSS, night, rng)


@pytest.mark.parametrize("kind", ARTIFACTS)
@pytest.mark.parametrize("sky", [ONE, SDSS, FIVE], ids=["one", "three", "five"])
@pytest.mark.parametrize("side", [24, 400])
def test_every_kind_shows_in_any_survey(kind: str, sky: Sky, side: int) -> None:
    for seed in range(3):
        rng, night = np.random.default_rng(seed), night_of(sky)
        image = sky_image(sky, side)
        before = image.copy()
        found = damage(kind, lay_over(kind, image, sky, night, rng), sky, night, rng)
        assert found.shape == image.shape and found.dtype == np.float32
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(image, before)
        shown = [[b.name for b in sky.bands].index(name) for name in sky.color]
        level = noise_levels(sky, night)[:, None, None]
        assert (np.abs(found - image) / level)[shown].max() > 2


@pytest.mark.parametrize("kind", ARTIFACTS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), low=st.floats(0.02, 0.98))
def test_less_visible_is_the_same_but_fainter(kind: str, seed: int, low: float) -> None:
    faint, clear = made(kind, side=48, seed=seed, visibility=low), made(kind, side=48, seed=seed)
    scale = np.abs(clear[0]).max() + 1
    if kind == "bleed":
        assert (faint[0] <= low * clear[0] * 1.0001).all()
        assert (faint[0] >= low**3 * clear[0] * 0.9999).all()
        assert (faint[0] < (low + low**3) / 2 * clear[0]).any()
    else:
        np.testing.assert_allclose(faint[0], low * clear[0], atol=1e-5 * scale)
    if kind in DAMAGE:
        share = low**2 if kind == "cosmic-ray" else low
        tolerance = 1e-5 * (np.abs(clear[1]).max() + 1)
        np.testing.assert_allclose(faint[1], share * clear[1], rtol=1e-3, atol=tolerance)
    else:  # what more light overflows more
        assert (np.abs(faint[1]) <= np.abs(clear[1]) + 1e-3 * scale).all()
    absent = made(kind, side=48, seed=seed, visibility=0.0)
    assert not absent[0].any() and not absent[1].any()


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_same_rng_same_bytes(kind: str) -> None:
    one, other = made(kind, seed=5), made(kind, seed=5)
    assert one[0].tobytes() == other[0].tobytes() and one[1].tobytes() == other[1].tobytes()
    different = made(kind, seed=6)
    assert np.abs(different[0] - one[0]).max() + np.abs(different[1] - one[1]).max() > 0
