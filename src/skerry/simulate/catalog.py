"""The catalog of a simulated survey: what was measured of each source, and its truth apart."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from skerry.represent.trees import schema as trees
from skerry.represent.trees.tree import Schema
from skerry.simulate.draw import Drawn
from skerry.simulate.galaxy import Galaxy
from skerry.simulate.plan import SHREDDED, Planned
from skerry.simulate.sky import Sky
from skerry.simulate.votes import draw_votes, vote_columns

TRUTH = "truth_"
"""What the names of all columns of the truth begin with."""

TREE = "decals_dr5"
"""The decision tree that the votes are on."""

MAGNITUDE_FLOOR = 0.02
"""Error of a bright source's magnitude; a faint one's sky noise is added in quadrature."""

REDSHIFT_ERROR, MASS_ERROR, SFR_ERROR = 1e-4, 0.1, 0.2
"""Errors of a spectroscopic redshift, over 1 + z; of log10 mass and of log10 rate."""

_RENAMED = {"mass": "log_mass", "sfr": "log_sfr"}
"""Of a galaxy's parameters, those that the catalog calls otherwise."""

Row = Mapping[str, str]


def columns(sky: Sky) -> tuple[str, ...]:
    """The catalog's columns, in order."""
    bands = [band.name for band in sky.bands]
    answers = tree().columns
    return (
        *("id_str", "file_loc", "ra", "dec", "redshift", "log_mass", "log_sfr"),
        *((color_column(sky),) if len(bands) > 1 else ()),
        *(f"mag_{band}" for band in bands),
        *("r50", "r90", "pixel_scale", "field", "detector", "brick"),
        *(f"psf_fwhm_{band}" for band in bands),
        *(f"depth_{band}" for band in bands),
        *vote_columns(tree()),
        *(f"{answer}_fraction" for answer in answers),
        *(f"{TRUTH}{name}" for name in ("kind", "visibility", "parent")),
        *(f"{TRUTH}mag_{band}" for band in bands),
        *(f"{TRUTH}{_RENAMED.get(f.name, f.name)}" for f in dataclasses.fields(Galaxy)),
    )


def color_column(sky: Sky) -> str:
    """The name of the color: ``g_r`` where there are g and r, else of the bluest and reddest."""
    return "_".join(_color_bands(sky))


def row(source: Planned, drawn: Drawn, sky: Sky, file_loc: str) -> Row:
    """One source's row: a text for each of :func:`columns`.

    Magnitudes, redshift, mass and star formation rate carry errors of measurement, normal, of
    `MAGNITUDE_FLOOR` and noise, `REDSHIFT_ERROR`, `MASS_ERROR` and `SFR_ERROR`; those of the
    truth do not. A fragment of a shredded galaxy has the mass and the rate of its share of the
    light.
    """
    rng = source.measuring_stream(sky.seed)
    found = {
        "id_str": source.id_str,
        "file_loc": file_loc,
        "ra": f"{source.ra:.7f}",
        "dec": f"{source.dec:.7f}",
        **_measured(source, drawn, sky, rng),
        "field": str(source.field),
        "detector": source.detector,
        "brick": source.brick,
        **_votes(drawn, rng),
        **_truth(source, drawn, sky),
    }
    for at, band in enumerate(sky.bands):
        found[f"psf_fwhm_{band.name}"] = f"{source.night.psf_fwhm[at]:.2f}"
        found[f"depth_{band.name}"] = f"{source.night.depth[at]:.2f}"
    return found


def to_csv(rows: Iterable[Row], sky: Sky) -> str:
    """Rows as CSV, without the line of names."""
    text = io.StringIO()
    csv.DictWriter(text, columns(sky), lineterminator="\n").writerows(rows)
    return text.getvalue()


def header(sky: Sky) -> str:
    """The line of names."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(columns(sky))
    return text.getvalue()


@cache
def tree() -> Schema:
    """The decision tree of the votes."""
    return trees.get(TREE)


def magnitude_errors(source: Planned, drawn: Drawn, sky: Sky) -> tuple[float, ...]:
    """Standard deviation of the measured magnitude in each band.

    The sky's noise is that of a point source, a fifth of the flux at the depth, grown as the root
    of the area: a disk of twice the R50 over the PSF's noise-equivalent area.
    """
    found = []
    for at, magnitude in enumerate(drawn.magnitudes):
        spread = source.night.psf_fwhm[at] / 2.3548
        grown = math.sqrt(1 + (drawn.r50 / spread) ** 2)  # pi (2 r)^2 over 4 pi sigma^2
        noise = grown * 10 ** (0.4 * (magnitude - source.night.depth[at])) / 5
        found.append(math.hypot(MAGNITUDE_FLOOR, 2.5 / math.log(10) * noise))
    return tuple(found)


def _measured(source: Planned, drawn: Drawn, sky: Sky, rng: np.random.Generator) -> dict[str, str]:
    galaxy = drawn.galaxy
    part = 0.0
    if source.kind == SHREDDED:
        part = 2 * math.log10(drawn.r90 / galaxy.radius(0.9))  # as its magnitudes: by area
    errors = rng.standard_normal(3 + len(sky.bands))
    redshift = galaxy.redshift + REDSHIFT_ERROR * (1 + galaxy.redshift) * errors[0]
    sigma = magnitude_errors(source, drawn, sky)
    magnitudes = np.round(np.array(drawn.magnitudes) + sigma * errors[3:], 3)
    found = {
        "redshift": f"{max(redshift, 0.0):.5f}",
        "log_mass": f"{galaxy.mass + part + MASS_ERROR * errors[1]:.3f}",
        "log_sfr": f"{galaxy.sfr + part + SFR_ERROR * errors[2]:.3f}",
        "r50": f"{drawn.r50:.3f}",
        "r90": f"{drawn.r90:.3f}",
        "pixel_scale": f"{drawn.pixel_scale:.6f}",
    }
    names = [band.name for band in sky.bands]
    found |= {f"mag_{name}": f"{m:.3f}" for name, m in zip(names, magnitudes, strict=True)}
    if len(names) > 1:
        blue, red = (names.index(name) for name in _color_bands(sky))
        found[color_column(sky)] = f"{magnitudes[blue] - magnitudes[red]:.3f}"
    return found


def _votes(drawn: Drawn, rng: np.random.Generator) -> dict[str, str]:
    """Counts, and shares of all volunteers, whether asked or not: Galaxy Zoo's cumulative ones."""
    counts = draw_votes(drawn.appearance, rng, tree())
    everybody = counts[f"{tree().questions[0].name}_total-votes"]
    shares = {f"{a}_fraction": f"{counts[a] / everybody:.6g}" for a in tree().columns}
    return {name: str(count) for name, count in counts.items()} | shares


def _truth(source: Planned, drawn: Drawn, sky: Sky) -> dict[str, str]:
    found: dict[str, str | int | float] = {
        "kind": source.kind,
        "visibility": source.visibility,
        "parent": source.parent,
    }
    for band, magnitude in zip(sky.bands, drawn.magnitudes, strict=True):
        found[f"mag_{band.name}"] = magnitude
    for name, value in dataclasses.asdict(drawn.galaxy).items():
        found[_RENAMED.get(name, name)] = value
    return {f"{TRUTH}{name}": _text(value) for name, value in found.items()}


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _color_bands(sky: Sky) -> tuple[str, str]:
    names = {band.name for band in sky.bands}
    if {"g", "r"} <= names:
        return "g", "r"
    by_wavelength = sorted(sky.bands, key=lambda band: band.wavelength)
    return by_wavelength[0].name, by_wavelength[-1].name
