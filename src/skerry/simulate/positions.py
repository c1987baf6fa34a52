"""Where sources lie: galaxies in groups and alone, artifacts where their cause puts them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from skerry.errors import ConfigError
from skerry.represent.trees.tree import nearest
from skerry.simulate.footprint import (
    COLUMNS,
    ROWS,
    Fields,
    Footprint,
    around,
    fields_of,
    unwrapped,
)
from skerry.simulate.sky import ARTIFACTS, KINDS, SEA
from skerry.types import DoubleArray, IntArray

Radec = tuple[DoubleArray, DoubleArray]
"""Right ascension and declination, float64 (n,) each, deg ICRS."""

_GROUPED = 0.3
_RICHNESS = 4.0
"""Share of the galaxies in groups, and how many a group has on average."""

_CORE, _TIDAL = 60.0, 600.0
"""A group's core and limiting radius, arcsec."""

_PER_TRAIL, _PER_STAR = 8, 6
"""Sources that share one satellite's trail or one bright star."""

_MANY = 30
"""From this many sources on, faults of a field show in more than one."""


def positions(kinds: Sequence[str], footprint: Footprint, rng: np.random.Generator) -> Radec:
    """Draw a position for each source, all within the footprint.

    Galaxies of all kinds cluster alike; artifacts lie where their cause is. Each cause draws
    from a stream of its own, so that more sources of one do not move those of another.

    Parameters
    ----------
    kinds : sequence of str
        The kind of each source: ``sea`` or one of `KINDS`.
    footprint : Footprint
        The part of the sky.
    rng : numpy.random.Generator
        What all chance is drawn from.

    Raises
    ------
    ConfigError
        An unknown kind.
    """
    known = (SEA, *KINDS)
    for kind in dict.fromkeys(kinds):
        if kind not in known:
            raise ConfigError(
                f"no kind {kind!r} has a place on the sky; did you mean {nearest(kind, known)!r}? "
                f"Known: {', '.join(known)}"
            )
    names = np.array(kinds, dtype=np.str_)
    fields = fields_of(footprint)
    ra, dec = np.zeros(len(names)), np.zeros(len(names))
    rows_of = {"galaxies": np.flatnonzero(~np.isin(names, ARTIFACTS))}
    rows_of |= {kind: np.flatnonzero(names == kind) for kind in ARTIFACTS}
    for (cause, rows), stream in zip(rows_of.items(), rng.spawn(len(rows_of)), strict=True):
        if len(rows):
            ra[rows], dec[rows] = _CAUSES[cause](len(rows), fields, stream)
    return ra, dec


def _uniform(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Uniform in area over the footprint."""
    south, north = np.sin(np.radians(fields.footprint.dec))
    ra = rng.uniform(*fields.footprint.ra, n)
    return ra, np.degrees(np.arcsin(rng.uniform(float(south), float(north), n)))


def _clustered(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Galaxies alone and in groups (Neyman & Scott 1952, ApJ 116, 144).

    A group's surface density falls as 1 / (1 + (r / core)^2) (King 1962, AJ 67, 471) to its
    limiting radius. What falls outside the footprint is mirrored at its border, which leaves
    the mean density even.
    """
    ra, dec = _uniform(n, fields, rng)
    grouped = np.flatnonzero(rng.random(n) < _GROUPED)
    center_ra, center_dec = _uniform(math.ceil(len(grouped) / _RICHNESS), fields, rng)
    group = rng.integers(max(1, len(center_ra)), size=len(grouped))
    extent = 1 + (_TIDAL / _CORE) ** 2
    radius = _CORE * np.sqrt(extent ** rng.random(len(grouped)) - 1)
    angle = rng.uniform(0, 2 * np.pi, len(grouped))
    dx, dy = radius * np.cos(angle), radius * np.sin(angle)
    near_ra, near_dec = around(center_ra[group], center_dec[group], dx, dy)
    ra[grouped] = _mirrored(unwrapped(near_ra, fields.footprint), *fields.footprint.ra)
    dec[grouped] = _mirrored(near_dec, *fields.footprint.dec)
    return ra, dec


def _mirrored(values: DoubleArray, low: float, high: float) -> DoubleArray:
    back = np.where(values < low, 2 * low - values, values)
    inside: DoubleArray = np.where(back > high, 2 * high - back, back)
    return inside


def _along_trails(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Along great circles from one side of a field to the other, an arcsecond or two off."""
    trails = math.ceil(n / _PER_TRAIL)
    field = rng.integers(len(fields), size=trails)
    upright = rng.random(trails) < 0.5
    ends = []
    # well inside, for great circles bulge toward the pole
    for side in (0.04, 0.96):
        along = rng.uniform(0.05, 0.95, trails)
        u, v = np.where(upright, along, side), np.where(upright, side, along)
        ends.append(_vectors(*fields.at(field, u, v)))
    trail = np.arange(n) % trails
    done = rng.random(n)[:, None]
    # a chord, seen from the middle of the sphere, is a great circle
    x, y, z = ((1 - done) * ends[0][trail] + done * ends[1][trail]).T
    ra, dec = np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
    return around(ra, dec, *rng.normal(0, 1, (2, n)))


def _vectors(ra: DoubleArray, dec: DoubleArray) -> DoubleArray:
    """Unit vectors (n, 3)."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)


def _on_spikes(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Within a minute of arc of bright stars, on the four diagonal spikes of each."""
    stars = math.ceil(n / _PER_STAR)
    field = rng.integers(len(fields), size=stars)
    ra, dec = fields.at(field, *rng.uniform(0.05, 0.95, (2, stars)))
    star = np.arange(n) % stars
    angle = np.pi / 4 + np.pi / 2 * rng.integers(4, size=n)
    distance, off = rng.uniform(8, 60, n), rng.normal(0, 1, n)
    dx = distance * np.cos(angle) - off * np.sin(angle)
    dy = distance * np.sin(angle) + off * np.cos(angle)
    return around(ra[star], dec[star], dx, dy)


def _bled_on(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Along a detector's column through bright stars, on the few detectors that bleed."""
    stars = math.ceil(n / _PER_STAR)
    field = rng.integers(len(fields), size=stars)
    leaking = rng.choice(COLUMNS * ROWS, 3, replace=False)
    detector = leaking[rng.integers(len(leaking), size=stars)]
    ra, dec = _on_detector(fields, field, detector, *rng.uniform(0.2, 0.8, (2, stars)))
    star = np.arange(n) % stars
    distance = rng.uniform(8, 40, n) * rng.choice([-1, 1], n)
    return around(ra[star], dec[star], rng.normal(0, 0.5, n), distance)


def _at_chip_edges(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """Within 4 arcsec of a detector's border, all sides alike."""
    field = rng.integers(len(fields), size=n)
    detector = rng.integers(COLUMNS * ROWS, size=n)
    side = fields.high[field] - fields.low[field]
    middle = np.radians((fields.high[field, 1] + fields.low[field, 1]) / 2)
    width = 3600 * side[:, 0] * np.cos(middle) / COLUMNS
    height = 3600 * side[:, 1] / ROWS
    edge = rng.integers(4, size=n)
    distance, along = rng.uniform(0.5, 4, n), rng.random(n)
    x = np.select([edge == 0, edge == 1], [distance / width, 1 - distance / width], along)
    y = np.select([edge == 2, edge == 3], [distance / height, 1 - distance / height], along)
    return _on_detector(fields, field, detector, x, y)


def _where_a_band_is_missing(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """All over one field at the footprint's rim, or two where there are many sources."""
    rim = rng.permutation(fields.rim)[: _faults(n)]
    field = rim[np.arange(n) % len(rim)]
    return fields.at(field, *rng.random((2, n)))


def _under_bad_sky(n: int, fields: Fields, rng: np.random.Generator) -> Radec:
    """On the half that one amplifier reads of a detector, or of two, in a field or two."""
    field = rng.permutation(len(fields))[: _faults(n)]
    detector = rng.choice(COLUMNS * ROWS, _faults(n), replace=False)
    amplifier = rng.integers(2)
    x = (amplifier + rng.random(n)) / 2
    which, chip = rng.integers(len(field), size=n), rng.integers(len(detector), size=n)
    return _on_detector(fields, field[which], detector[chip], x, rng.random(n))


def _faults(n: int) -> int:
    return 2 if n >= _MANY else 1


def _on_detector(
    fields: Fields, field: IntArray, detector: IntArray, x: DoubleArray, y: DoubleArray
) -> Radec:
    """Positions at shares ``x`` and ``y`` of detectors, numbered from 0."""
    line, column = np.divmod(detector, COLUMNS)
    return fields.at(field, (column + x) / COLUMNS, (line + y) / ROWS)


_CAUSES: Mapping[str, Callable[[int, Fields, np.random.Generator], Radec]] = {
    "galaxies": _clustered,
    "satellite-trail": _along_trails,
    "diffraction-spike": _on_spikes,
    "bleed": _bled_on,
    "chip-edge": _at_chip_edges,
    "missing-band": _where_a_band_is_missing,
    "bad-sky": _under_bad_sky,
    "cosmic-ray": _uniform,
}
