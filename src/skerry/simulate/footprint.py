"""The part of the sky that is surveyed: its fields, detectors and bricks, and their conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skerry.errors import ConfigError
from skerry.simulate.sky import Band
from skerry.types import DoubleArray, IntArray

FIELD = 1.5
"""Side of an exposure, deg, about: the fields divide the footprint without rest."""

COLUMNS, ROWS = 6, 10
"""Detectors of an exposure, along right ascension and along declination."""

BRICK = 0.25
"""Side of a brick, deg."""

_SLACK = 1 / 60
"""How far outside, deg, a source may lie and still be on the nearest field's border."""

_SEEING_SCATTER = 0.1
_DEPTH_SCATTER = 0.12
"""From field to field: of ln FWHM, and of the depth in mag."""

_SEEING_STEP = 0.05
"""FWHMs are multiples of this, arcsec, so that a PSF can be kept for the next source."""

Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Footprint:
    """A box between two meridians and two parallels, ICRS, deg.

    Raises
    ------
    ConfigError
        The box is empty, narrower than 1 deg, crosses right ascension 0 or comes within 10 deg
        of a pole.
    """

    ra: tuple[float, float] = (150.0, 160.0)
    dec: tuple[float, float] = (0.0, 8.0)

    def __post_init__(self) -> None:
        if not 0 <= self.ra[0] < self.ra[1] <= 360:
            raise ConfigError(
                f"ra of the footprint is {self.ra}; expected two ascending numbers of degrees from "
                "0 to 360 (no footprint reaches over right ascension 0)"
            )
        if not -80 <= self.dec[0] < self.dec[1] <= 80:
            raise ConfigError(
                f"dec of the footprint is {self.dec}; expected two ascending numbers of degrees "
                "from -80 to 80"
            )
        width, height = self.sides
        if min(width, height) < 1:
            raise ConfigError(
                f"the footprint is {width:.3g} by {height:.3g} deg; expected 1 deg or more each way"
            )

    @property
    def sides(self) -> tuple[float, float]:
        """Width, along the parallel where it is narrowest, and height, deg."""
        narrowest = np.cos(np.radians(max(abs(self.dec[0]), abs(self.dec[1]))))
        return float((self.ra[1] - self.ra[0]) * narrowest), self.dec[1] - self.dec[0]


@dataclass(frozen=True)
class Fields:
    """The exposures that tile a footprint, numbered along parallels from the south.

    ``low`` and ``high`` are corners (right ascension, declination), float64 (n, 2), deg.
    """

    footprint: Footprint
    low: DoubleArray
    high: DoubleArray

    def __len__(self) -> int:
        return len(self.low)

    @property
    def rim(self) -> IntArray:
        """Numbers of the fields at the footprint's border, ascending."""
        border = np.array([self.footprint.ra, self.footprint.dec]).T
        at_rim = (self.low == border[0]) | (self.high == border[1])
        return np.flatnonzero(at_rim.any(axis=1))

    def at(
        self, field: IntArray, u: DoubleArray, v: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """Positions (ra, dec), deg, at shares ``u`` and ``v`` of fields' width and height."""
        low, side = self.low[field], self.high[field] - self.low[field]
        return low[:, 0] + u * side[:, 0], low[:, 1] + v * side[:, 1]


@dataclass(frozen=True)
class Placed:
    """What each source was observed on; all of shape (n,).

    ``field`` int64, ``detector`` (``S01`` to ``S60``) and ``brick`` (``1503p012``) strings,
    ``x`` and ``y`` float64 shares, 0 to 1, of the detector's width and height.
    """

    field: IntArray
    detector: Strings
    brick: Strings
    x: DoubleArray
    y: DoubleArray


@dataclass(frozen=True)
class Conditions:
    """Each field's ``psf_fwhm``, arcsec, and ``depth``, AB mag of a point source at 5 sigma.

    Float64 (n_fields, n_bands).
    """

    psf_fwhm: DoubleArray
    depth: DoubleArray


def fields_of(footprint: Footprint) -> Fields:
    """The fields of a footprint: rows between parallels, each cut into equal lengths."""
    edges, counts = _rows(footprint)
    low, high = [], []
    for row, count in enumerate(counts):
        ra = np.linspace(*footprint.ra, count + 1)
        low += [(west, edges[row]) for west in ra[:-1]]
        high += [(east, edges[row + 1]) for east in ra[1:]]
    return Fields(footprint, np.array(low), np.array(high))


def placed(ra: DoubleArray, dec: DoubleArray, footprint: Footprint) -> Placed:
    """The field, the detector and the brick of positions, float64 (n,), deg.

    Up to an arcminute outside the footprint a source counts as on the border.

    Raises
    ------
    ConfigError
        A position lies farther outside.
    """
    ra = unwrapped(ra, footprint)
    _check_inside(ra, dec, footprint)
    edges, counts = _rows(footprint)
    row = np.clip(np.searchsorted(edges, dec, side="right") - 1, 0, len(counts) - 1)
    along = (ra - footprint.ra[0]) / (footprint.ra[1] - footprint.ra[0])
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    field = before[row] + _cell(along, counts[row])
    fields = fields_of(footprint)
    share = np.stack([ra, dec], axis=1) - fields.low[field]
    u, v = (share / (fields.high[field] - fields.low[field])).T
    column, line = _cell(u, COLUMNS), _cell(v, ROWS)
    names = np.array([f"S{number:02d}" for number in range(1, COLUMNS * ROWS + 1)])
    return Placed(
        field=field,
        detector=names[line * COLUMNS + column],
        brick=bricks(ra, dec),
        x=np.clip(u * COLUMNS - column, 0, 1),
        y=np.clip(v * ROWS - line, 0, 1),
    )


def bricks(ra: DoubleArray, dec: DoubleArray) -> Strings:
    """Names of the bricks of the DESI Legacy Imaging Surveys that hold positions, deg; (n,).

    Rows of bricks are centered on multiples of `BRICK`, each cut into the smallest even number
    that are no wider, and named after their centers in tenths of a degree, cut off (Dey et al.
    2019, AJ 157, 168; the numbers in a row as in desiutil's ``brick`` module).
    """
    center = np.floor(dec / BRICK + 0.5) * BRICK
    widest = np.cos(np.radians(np.abs(center) - BRICK / 2))
    count = 2 * np.ceil(360 / BRICK * widest / 2).astype(np.int64)
    column = _cell((ra % 360) / 360, count)
    # tenths of degrees from ten-thousandths: 22.6 times 10 may come out below 226
    tenths = np.rint((column + 0.5) / count * 3_600_000).astype(np.int64) // 1000
    high = np.rint(np.abs(center) * 10_000).astype(np.int64) // 1000
    south = center < 0
    names = [
        f"{a:04d}{'m' if s else 'p'}{d:03d}" for a, s, d in zip(tenths, south, high, strict=True)
    ]
    return np.array(names, dtype="<U8")


def conditions(footprint: Footprint, bands: Sequence[Band], seed: int) -> Conditions:
    """Draw each field's seeing and depth in each band, around the band's medians.

    The FWHM is log-normal, one or more steps of 0.05 arcsec; the depth normal, in steps of 0.01
    mag. Both float64 (n_fields, n_bands).
    """
    rng = np.random.default_rng(seed)
    n = len(fields_of(footprint))
    seeing, depth = rng.standard_normal((2, n, len(bands)))
    fwhm = np.array([band.psf_fwhm for band in bands]) * np.exp(_SEEING_SCATTER * seeing)
    steps = np.maximum(1, np.rint(fwhm / _SEEING_STEP))
    limit = np.array([band.depth for band in bands]) + _DEPTH_SCATTER * depth
    # rounded again, for equal FWHMs to be equal numbers
    return Conditions(np.round(steps * _SEEING_STEP, 2), np.round(limit, 2))


def around(
    ra: DoubleArray, dec: DoubleArray, dx_arcsec: DoubleArray, dy_arcsec: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Positions at offsets to the east and to the north on the tangent plane; all float64 (n,).

    The inverse of the gnomonic projection (Calabretta & Greisen 2002, A&A 395, 1077, section
    5.1.3). Positions in deg, right ascension from 0 to below 360.
    """
    xi, eta = np.radians(dx_arcsec / 3600), np.radians(dy_arcsec / 3600)
    sin, cos = np.sin(np.radians(dec)), np.cos(np.radians(dec))
    toward = cos - eta * sin
    east = ra + np.degrees(np.arctan2(xi, toward))
    north = np.degrees(np.arctan2(sin + eta * cos, np.hypot(xi, toward)))
    # twice: the remainder of a tiny negative number is rounded to 360
    return east % 360 % 360, north


def _rows(footprint: Footprint) -> tuple[DoubleArray, IntArray]:
    """Parallels between rows of fields, (n_rows + 1,), and how many fields each row has."""
    low, high = footprint.dec
    edges = np.linspace(low, high, max(1, round((high - low) / FIELD)) + 1)
    middle = np.radians((edges[1:] + edges[:-1]) / 2)
    widths = (footprint.ra[1] - footprint.ra[0]) * np.cos(middle)
    return edges, np.maximum(1, np.rint(widths / FIELD)).astype(np.int64)


def _cell(share: DoubleArray, count: IntArray | int) -> IntArray:
    """Which of ``count`` equal cells a share from 0 to 1 falls in, the ends included."""
    cell: IntArray = np.clip(np.floor(share * count), 0, np.asarray(count) - 1).astype(np.int64)
    return cell


def unwrapped(ra: DoubleArray, footprint: Footprint) -> DoubleArray:
    """Right ascensions by the turn that brings them nearest to the footprint's middle."""
    middle = sum(footprint.ra) / 2
    near: DoubleArray = middle + (ra - middle + 180) % 360 - 180
    return near


def _check_inside(ra: DoubleArray, dec: DoubleArray, footprint: Footprint) -> None:
    beyond_dec = np.maximum(footprint.dec[0] - dec, dec - footprint.dec[1])
    beyond_ra = np.maximum(footprint.ra[0] - ra, ra - footprint.ra[1])
    beyond = np.maximum(beyond_dec, beyond_ra * np.cos(np.radians(dec)))
    outside = np.flatnonzero(~(beyond <= _SLACK))
    if len(outside):
        i = outside[0]
        raise ConfigError(
            f"{len(outside)} sources lie outside the footprint, the first at ra {ra[i]:.5f}, dec "
            f"{dec[i]:.5f}; expected ra from {footprint.ra[0]} to {footprint.ra[1]} and dec from "
            f"{footprint.dec[0]} to {footprint.dec[1]}"
        )
