"""Artifacts by their cause: what each adds to an exposed image, and what it does to it after noise.

What an artifact looks like varies with its draw; what never varies is its cause, and the parts
that its place on the sky asks for (`positions`). ``visibility`` scales one thing of each, its
draws stay the same:

=================  ====================================  =======================================
kind               always so                             visibility multiplies
=================  ====================================  =======================================
satellite-trail    a line across the frame, within an    the trail's flux in an arcsec of its
                   arcsecond or two of the source, in    length
                   one band; seldom a second, parallel
                   one in another band
diffraction-spike  a saturated star 8 to 60 arcsec away  all light of the star, its halo and
                   on a diagonal, one of its four        its spikes
                   spikes over the source
bleed              a saturated star 8 to 40 arcsec away  all light of the star; its cube the
                   along the column, its charge spilled  level of the spilled charge
                   over the source
chip-edge          a straight edge 0.3 to 4 arcsec away  how much of what lies beyond is lost
                   with no data beyond, in some bands    (1: all)
                   or all
missing-band       one band without data                 how much of the band is lost (1: all)
bad-sky            a wrong sky in one band or more: too  the residual
                   high or too low, with a gradient, at
                   times a step between amplifiers
cosmic-ray         a track of charge over the source,    by its square, the charge
                   more where they fall; one band,
                   unresolved
=================  ====================================  =======================================

What fills pixels to the brim takes a power of it, to be as hard to see near 0 as the rest.
Strengths are drawn in units of the sky's noise, so that they fit any survey's depth. Bands are
drawn among those that the survey shows in color. A survey of one band whose ``missing-band`` is
wholly visible has no image left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from skerry.simulate.artifact_damage import bad_sky, chip_edge, cosmic_rays, missing_band, saturated
from skerry.simulate.artifact_light import bleeding_star, satellite_trail, spiked_star
from skerry.simulate.observe import Night
from skerry.simulate.sky import Sky, number_of_kind
from skerry.types import FloatArray

_Maker = Callable[[FloatArray, Sky, Night, np.random.Generator, float], FloatArray]

_LIGHT: Mapping[str, _Maker] = {
    "satellite-trail": satellite_trail,
    "diffraction-spike": spiked_star,
    "bleed": bleeding_star,
}

_DAMAGE: Mapping[str, _Maker] = {
    "diffraction-spike": saturated,
    "bleed": saturated,
    "chip-edge": chip_edge,
    "missing-band": missing_band,
    "bad-sky": bad_sky,
    "cosmic-ray": cosmic_rays,
}


def lay_over(
    kind: str,
    image: FloatArray,
    sky: Sky,
    night: Night,
    rng: np.random.Generator,
    visibility: float = 1.0,
) -> FloatArray:
    """Add the light of an artifact to an exposed image, before noise.

    Parameters
    ----------
    kind : str
        The source's kind; galaxies, and artifacts that are not light, pass through unchanged.
    image : float32 (n_bands, side, side)
        Surface brightness in nanomaggies an arcsec2, at the camera's pixels, the source at the
        center, already blurred by the PSF.
    sky, night : Sky, Night
        The survey's bands and pixels; PSF and depth in each band.
    rng : numpy.random.Generator
        What all chance is drawn from, the same draws for any ``visibility``.
    visibility : float
        Strength, from 0 (absent) to 1 (as in clear real cases).

    Returns
    -------
    float32 (n_bands, side, side); ``image`` itself where nothing is added.

    Raises
    ------
    ConfigError
        An unknown kind.
    """
    return _made(_LIGHT, kind, image, sky, night, rng, visibility)


def damage(
    kind: str,
    image: FloatArray,
    sky: Sky,
    night: Night,
    rng: np.random.Generator,
    visibility: float = 1.0,
) -> FloatArray:
    """Do to a noisy image what the camera or the processing did.

    Parameters, result and errors are those of :func:`lay_over`.
    """
    return _made(_DAMAGE, kind, image, sky, night, rng, visibility)


def _made(
    makers: Mapping[str, _Maker],
    kind: str,
    image: FloatArray,
    sky: Sky,
    night: Night,
    rng: np.random.Generator,
    visibility: float,
) -> FloatArray:
    number_of_kind(kind)
    if kind not in makers:
        return image
    return makers[kind](image, sky, night, rng, visibility)
