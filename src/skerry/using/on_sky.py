"""Which source of a run lies at a position."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skerry.errors import ConfigError, InputError


def nearest_on_sky(
    positions: Mapping[str, tuple[float, float]], ra: float, dec: float, radius: float
) -> tuple[str, float]:
    """The source nearest to a position and its separation in arcsec.

    Parameters
    ----------
    positions : degrees, ICRS, by id
    ra, dec : degrees, ICRS; ra from 0 to 360 or from -180 to 180, as in catalogs
    radius : arcsec, within which it has to lie

    Raises
    ------
    InputError
        No source has a position, or none lies within the radius; says where the nearest is.
    ConfigError
        The position or the radius makes no sense.
    """
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    if not (-180 <= ra <= 360 and -90 <= dec <= 90):
        raise ConfigError(
            f"position {ra:g} {dec:g}; expected degrees, ra from 0 to 360 or -180 to 180, "
            "and dec from -90 to 90"
        )
    if not (np.isfinite(radius) and radius > 0):
        raise ConfigError(f"radius is {radius:g}; expected arcsec, above 0")
    names = sorted(name for name, at in positions.items() if np.isfinite(at).all())
    if not names:
        raise InputError("no source of the run has a position; look one up by its id instead")
    at = np.array([positions[name] for name in names])
    sky = SkyCoord(at[:, 0] * u.deg, at[:, 1] * u.deg)
    separation = sky.separation(SkyCoord(ra * u.deg, dec * u.deg)).arcsec
    first = int(np.argmin(separation))
    if separation[first] > radius:
        raise InputError(
            f"no source within {radius:g} arcsec of {ra:g} {dec:g}; the nearest is {names[first]} "
            f"at {separation[first]:.6g} arcsec: raise --radius or mend the position"
        )
    return names[first], float(separation[first])
