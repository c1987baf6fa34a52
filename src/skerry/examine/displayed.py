"""From what is displayed back to flux, in an arbitrary unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skerry.errors import CannotAnswerError
from skerry.examine.subject import Subject
from skerry.types import FloatArray

_LUPTON = 8.0
"""What the brightest level is in the argument of asinh: 7.3 and 8.8 for the color images that
astropy's ``make_lupton_rgb`` makes with Q of 8 and 10."""
_FITS = float(np.arcsinh(8.0))
"""The same of FITS images as skerry displays them."""


@dataclass(frozen=True)
class Display:
    """How flux became the levels 0 to 255.

    ``softness`` is what the brightest level is in the argument of asinh, 0 for a linear display.
    """

    softness: float

    def flux(self, levels: FloatArray | float) -> FloatArray:
        """Flux of levels, 1 for the brightest."""
        shares: FloatArray = np.asarray(levels, np.float32) / np.float32(255)
        if not self.softness:
            return shares
        flux = np.sinh(self.softness * shares) / np.float32(np.sinh(self.softness))
        return np.asarray(flux, np.float32)

    def levels(self, flux: FloatArray) -> FloatArray:
        """The inverse of :meth:`flux`, within what is displayed."""
        shares = np.clip(flux, 0, 1)
        if self.softness:
            shares = np.arcsinh(shares * np.sinh(self.softness)) / self.softness
        return np.asarray(255 * shares, np.float32)

    def brought(self, light: FloatArray, here: FloatArray, there: FloatArray) -> FloatArray:
        """An image displayed as another is, in which its part ``there`` is ``here``.

        By the mean and the spread of the fluxes of both parts, which are of one shape.
        """
        to, own = self.flux(here), self.flux(there)
        spread = float(own.std())
        gain = float(to.std()) / spread if spread > 0 else 1.0
        return self.levels((self.flux(light) - own.mean()) * np.float32(gain) + to.mean())


def own_stretch(subject: Subject) -> bool:
    """Whether skerry itself stretched each image by its own sky, as it does FITS.

    Those alone have a pixel scale that no setting gives.
    """
    return subject.pixel_scale is not None and not subject.config.sources.pixel_scale


def display_of(subject: Subject) -> Display:
    """How a survey is displayed.

    Where nothing is said of the stretch, that of Lupton et al. 2004 (PASP 116, 133) is assumed.

    Raises
    ------
    CannotAnswerError
        The stretch is neither linear nor asinh.
    """
    said = subject.config.sources
    if own_stretch(subject):
        return Display(_FITS)
    if said.stretch == "linear":
        return Display(0.0)
    if said.stretch in ("", "asinh", "lupton"):
        return Display(_LUPTON)
    raise CannotAnswerError(
        f"the images are displayed with a stretch {said.stretch!r}, in which light cannot be "
        "compared; give images of a linear or an asinh stretch"
    )
