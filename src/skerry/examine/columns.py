"""Which of a catalog's columns a question looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine.settings import names_of
from skerry.examine.subject import Subject
from skerry.survey import Attributes
from skerry.survey.columns import listed, normalized
from skerry.types import DoubleArray

VARIED = 10
"""Different values, with fewer of which a column tells nothing of what is far from all others."""

TRUTH = "truth_"
"""Columns of a simulated survey's truth begin so; no question looks at them unless named."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "magnitude": ("mag", "mag_r", "petromag_r", "petromag_mr", "modelmag_r", "r_mag", "mag_i",
                  "mag_g", "magnitude", "rmag", "mag_auto"),
    "size": ("r50", "petror50_r", "r90", "petror90_r", "shape_r", "radius", "size", "re",
             "effective_radius", "petrotheta", "flux_radius"),
    "signal to noise": ("snr", "sn", "s_n", "signal_to_noise", "snr_r"),
    "PSF": ("psf_fwhm_r", "psfsize_r", "psf_fwhm", "seeing", "psf", "psf_fwhm_i", "psf_fwhm_g",
            "fwhm"),
    "depth": ("depth_r", "psfdepth_r", "galdepth_r", "depth", "depth_i", "depth_g"),
    "redshift": ("redshift", "z", "photo_z", "z_phot", "zphot", "spec_z", "z_spec"),
    "mass": ("log_mass", "logmass", "mass", "stellar_mass", "log_stellar_mass", "lgm_tot_p50"),
    "detector": ("detector", "ccd", "ccdnum", "camcol", "chip"),
    "brick": ("brick", "brickname", "brickid", "tile", "tract", "patch"),
    "exposure": ("field", "exposure", "expnum", "expid", "run", "visit", "image_id"),
    "pixel scale": ("pixel_scale", "pixelscale", "pixscale", "plate_scale"),
}  # fmt: skip
"""Usual names of each role, the preferred first, as ``survey.columns.normalized`` gives them."""


def column_of(role: str, names: Sequence[str]) -> str | None:
    """The column of a role, one of ``ALIASES``, by its usual names."""
    by_name = {normalized(name): name for name in reversed(list(names))}
    return next((by_name[a] for a in ALIASES[role] if a in by_name), None)


def require_columns(attributes: Attributes, names: Sequence[str]) -> None:
    """Check that a catalog has the columns that a user named.

    Raises
    ------
    ConfigError
        It lacks some; says which it has.
    """
    known = [*attributes.numbers, *attributes.words]
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError(
            f"the run's catalog has no column {', '.join(map(repr, missing))}; it has "
            f"{listed(sorted(name for name in known if not name.startswith(TRUTH)))}"
        )


def numeric_columns(subject: Subject, named: str) -> dict[str, DoubleArray]:
    """The numbers of the columns named, joined by commas; empty: of all but a truth's.

    Raises
    ------
    ConfigError
        The catalog lacks one that is named.
    CannotAnswerError
        The catalog has none, or one that is named holds no numbers.
    """
    numbers = subject.attributes.numbers
    if not named:
        found = {k: v for k, v in numbers.items() if not k.startswith(TRUTH)}
        if not found:
            raise CannotAnswerError(
                "the run's catalog has no column of numbers; give a table by id with "
                "--set table=FILE"
            )
        return found
    require_columns(subject.attributes, names_of(named))
    words = [name for name in names_of(named) if name not in numbers]
    if words:
        known = listed(n for n in numbers if not n.startswith(TRUTH))
        raise CannotAnswerError(
            f"{', '.join(map(repr, words))} holds no numbers; give columns that do, of {known}"
        )
    return {name: numbers[name] for name in names_of(named)}


def usable(values: DoubleArray, fewest: int = 20) -> str:
    """Why a column can say nothing, or "" where it can."""
    known = values[np.isfinite(values)]
    if len(known) < fewest:
        return f"only {len(known)} sources have a value"
    if np.ptp(known) == 0:
        return f"all values are {known[0]:g}"
    return ""


def stand_ins(values: DoubleArray) -> list[tuple[float, int]]:
    """Values that may stand for none, as -99, with how many sources have each.

    Such a one repeats at an end of the column, further from all other values than those lie
    apart, which are ``VARIED`` different ones or more.
    """
    found = []
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    while len(distinct) > VARIED:
        low, high = distinct[1] - distinct[0], distinct[-1] - distinct[-2]
        at, gap = (0, low) if low > high else (len(distinct) - 1, high)
        rest = np.delete(distinct, at)
        if counts[at] < 2 or gap <= np.ptp(rest):
            break
        found.append((float(distinct[at]), int(counts[at])))
        distinct, counts = rest, np.delete(counts, at)
    return found
