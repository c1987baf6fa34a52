from __future__ import annotations

import numpy as np
import pytest

from skerry.simulate.sky import sky_of
from skerry.simulate.stars import relative_flux, rest_color, young_share

BANDS = sky_of("sdss").bands


def test_old_stars_are_redder_than_young_ones() -> None:
    old, young = relative_flux(BANDS, 0.05)
    assert old[2] / old[0] > 1.5 * young[2] / young[0]
    assert rest_color(0.0) == pytest.approx(0.75, abs=0.15)
    assert rest_color(1.0) == pytest.approx(0.1, abs=0.15)


def test_light_is_one_at_the_wavelength_that_it_is_given_at() -> None:
    for redshift in (0.0, 0.1, 1.0):
        assert relative_flux(BANDS, redshift)[:, 1] == pytest.approx(1.0, abs=0.03)


def test_redshift_reddens_old_galaxies() -> None:
    near, far = (relative_flux(BANDS, z)[0] for z in (0.0, 0.2))
    assert far[0] / far[1] < near[0] / near[1]


def test_the_share_of_young_stars_follows_the_color_within_bounds() -> None:
    shares = [young_share(b) for b in np.linspace(-2, 2, 40)]
    assert np.all(np.diff(shares) >= 0)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
